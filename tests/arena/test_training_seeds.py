"""What several seeds of a training reached together, in numbers and as a picture."""

from pathlib import Path

import numpy as np
import pytest

from arena import training_curves, training_seeds
from configs.loader import ConfigError


@pytest.mark.parametrize(
    ("text", "found"),
    [("0-2", (0, 1, 2)), ("0,3,5", (0, 3, 5)), ("7", (7,)), ("1-2, 9", (1, 2, 9))],
)
def test_seeds_are_written_as_ranges_and_lists(text, found):
    assert training_seeds.seeds(text) == found


@pytest.mark.parametrize("text", ["", "2-0", "a", "1,", "-1", "1-2-3", "0-2,2", "0-999999999999"])
def test_texts_that_name_no_seeds_or_too_many_are_refused(text):
    with pytest.raises(ConfigError, match="--seeds"):
        training_seeds.seeds(text)


def test_a_free_name_is_that_of_no_run_with_seeds_or_without(tmp_path):
    assert training_seeds.free_name(tmp_path, "small") == "small-1"
    (tmp_path / "small-1-s0").mkdir()
    (tmp_path / "small-2").mkdir()
    assert training_seeds.free_name(tmp_path, "small") == "small-3"


def cards(*weak, seconds=60):
    return [
        {"seconds": seconds * n, "weak": w, "strong": w and w - 0.1, "elo": 100.0 * n}
        for n, w in enumerate(weak, 1)
    ]


def summaries(*curves):
    return [training_seeds.summary(f"a-s{n}", n, f"a-s{n}@9", c) for n, c in enumerate(curves)]


def test_minutes_count_to_the_first_time_and_what_is_not_reached_is_far():
    found = summaries(cards(0.5, 0.91, 0.89, 0.96), cards(0.92, 0.9, 0.94), cards(0.95, 0.96, 0.98))
    assert [s["minutes_to"]["90%"] for s in found] == [2, 1, 1]
    assert [s["minutes_to"]["95%"] for s in found] == [4, None, 1]
    assert found[0]["weak"] == 0.96
    middle = training_seeds.document(found, Path("a.png"))["median"]
    assert middle["minutes_to"] == {"90%": 1, "95%": 4, "97%": None}
    assert middle["weak"] == 0.96
    assert middle["elo"] == 300


def test_a_training_without_a_checkpoint_counts_as_one_that_reached_nothing():
    found = summaries(cards(0.95), [], [])
    document = training_seeds.document(found, None)
    assert document["median"]["minutes_to"]["90%"] is None
    assert document["median"]["weak"] == 0.95
    assert training_seeds.table(document).row_count == 4


def test_returns_of_episodes_alone_are_compared_and_drawn(tmp_path):
    curves = [
        [{"seconds": 60 * n, "weak": None, "mean_return": r * n, "hns": 0.1 * n} for n in (1, 2)]
        for r in (1.0, 5.0, 3.0)
    ]
    document = training_seeds.document(summaries(*curves), None)
    assert document["median"]["mean_return"] == 6
    assert document["median"]["hns"] == 0.2
    grid = training_seeds.table(document)
    assert [column.header for column in grid.columns] == ["run", "return", "human"]
    assert list(grid.columns[1].cells) == ["2.0", "10.0", "6.0", "6.0"]
    assert training_curves.draw(curves, tmp_path / "returns.png")


def test_a_band_goes_from_the_least_to_the_greatest_and_stays_after_the_end():
    curves = [cards(0.5, 0.7), cards(0.6, 0.8, 0.9), cards(0.2, 0.4, seconds=90)]
    found = training_curves.band(curves, "weak")
    np.testing.assert_allclose(found.at, [1.5, 2, 3])
    np.testing.assert_allclose(found.low, [0.2, 0.2 + 0.2 / 3, 0.4])
    np.testing.assert_allclose(found.median, [0.6, 0.7, 0.7])
    np.testing.assert_allclose(found.high, [0.7, 0.8, 0.9])
    assert training_curves.band([[{"seconds": 1, "weak": None}]], "weak") is None


def test_one_curve_is_its_points(tmp_path):
    found = training_curves.band([cards(0.5, None, 0.7)], "weak")
    np.testing.assert_allclose(found.at, [1, 3])
    assert (found.low == found.high).all()
    file = tmp_path / "curve.png"
    assert training_curves.draw([cards(0.5, None, 0.7)], file)
    assert file.read_bytes().startswith(b"\x89PNG")


def test_nothing_measured_is_no_picture(tmp_path):
    assert not training_curves.draw([[{"seconds": 1.0}], []], tmp_path / "curve.png")
    assert not training_curves.compare({"a": [[{"seconds": 1.0}]]}, "weak", tmp_path / "c.png")
    assert not list(tmp_path.iterdir())


def test_all_groups_are_drawn_side_by_side(tmp_path, monkeypatch):
    drawn = []
    name = training_curves._name
    monkeypatch.setattr(
        training_curves, "_name", lambda *told: (drawn.append(told[1]), name(*told))
    )
    groups = {f"group {n}": [cards(0.5, 0.1 * n), cards(0.4, 0.1 * n)] for n in range(8)}
    file = tmp_path / "groups.png"
    assert training_curves.compare({**groups, "empty": [[]]}, "weak", file)
    assert drawn == list(groups)
    assert file.read_bytes().startswith(b"\x89PNG")


def test_groups_are_drawn_together_over_minutes_and_frames(tmp_path):
    curve = [{"seconds": 60 * n, "frames": 4e5 * n, "mean_return": n - 20.0} for n in (1, 2, 3)]
    groups = {"PPO": [curve], "DQN": [curve, curve[:2]], "nothing": []}
    file = tmp_path / "groups.png"
    assert training_curves.compare(groups, "mean_return", file, ("minutes", "frames"))
    assert file.read_bytes().startswith(b"\x89PNG")
    np.testing.assert_allclose(
        training_curves.band([curve], "mean_return", "frames").at, [0.4, 0.8, 1.2]
    )
    assert not training_curves.compare(groups, "weak", file)
