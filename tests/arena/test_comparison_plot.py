"""Pictures of comparisons: drawn whole, whatever is compared."""

import numpy as np
import pytest

from arena import atari_scores, compare, comparison_plot
from arena.compare import CompareError, Entry


def document(*entries, games=("pong", "qbert"), protocol="sticky"):
    return compare.document(entries, games, protocol)


def ours(name, scores):
    found = {game: np.array(values, float) for game, values in scores.items()}
    return Entry(name, "sticky", "episodes", found, "run", episodes=dict.fromkeys(found, 1))


def published(*names):
    return [compare.published_entry(atari_scores.find(name)) for name in names]


def size(file):
    """Width and height of a PNG in pixels."""
    data = file.read_bytes()
    assert data.startswith(b"\x89PNG")
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])


def test_a_picture_grows_with_its_games_up_to_a_second_column(tmp_path):
    few, all_games = tmp_path / "few.png", tmp_path / "all.png"
    agents = published("dqn", "muzero")
    comparison_plot.draw(document(*agents), few)
    comparison_plot.draw(document(*agents, games=tuple(atari_scores.games())), all_games)
    assert size(few)[0] == size(all_games)[0]
    assert 1.5 < size(all_games)[1] / size(few)[1] < 5


def test_agents_without_a_common_game_and_scores_below_random_are_drawn(tmp_path):
    worse, better = ours("worse", {"pong": [-21, -21]}), ours("better", {"qbert": [9000, 20000]})
    comparison_plot.draw(document(worse, better), tmp_path / "apart.png")
    comparison_plot.draw(document(worse, *published("muzero")), tmp_path / "below.svg")
    text = (tmp_path / "below.svg").read_text()
    assert "<svg" in text and "NaN" not in text


def test_colours_tell_agents_apart_and_other_protocols_are_hollow():
    agents = published("ppo", "dqn", "rainbow", "muzero")
    styles = comparison_plot._styles(document(*agents))
    assert set(list(styles)[:2]) == {"dqn@199M", "rainbow@199M"}
    assert len({(style.colour, style.marker) for style in styles.values()}) == 4
    assert [style.filled for style in styles.values()] == [True, True, False, False]
    assert styles["muzero"].label == "muzero †"


def test_a_file_of_another_kind_is_refused(tmp_path):
    with pytest.raises(CompareError, match=r"\.png, \.pdf, \.svg"):
        comparison_plot.draw(document(*published("dqn")), tmp_path / "out.gif")
