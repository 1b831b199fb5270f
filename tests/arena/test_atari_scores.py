"""The published tables that ship: whole, told where from, and what follows from them."""

import pytest

from arena import aggregates, atari_scores
from arena.aggregates import Scores
from arena.atari_scores import PublishedError


def normalised(name):
    agent = atari_scores.find(name)
    return {g: atari_scores.human_normalised(g, score) for g, score in agent.scores.items()}


def test_a_tester_is_one_and_random_play_is_zero():
    assert len(atari_scores.games()) == 57
    for name, game in atari_scores.games().items():
        assert atari_scores.human_normalised(name, game.human) == pytest.approx(1)
        assert atari_scores.human_normalised(name, game.random) == pytest.approx(0)
    assert atari_scores.human_normalised("pong", 21) == pytest.approx(1.1813, abs=1e-4)


def test_the_one_game_on_whose_random_score_tables_differ_says_so():
    remarks = {name: game.remark for name, game in atari_scores.games().items() if game.remark}
    assert list(remarks) == ["video_pinball"]
    assert "16,256.9" in remarks["video_pinball"] and "says 0" in remarks["video_pinball"]


@pytest.mark.parametrize("agent", atari_scores.published().values(), ids=lambda a: a.name)
def test_every_agent_tells_its_source_protocol_frames_and_steps(agent):
    assert agent.source and agent.url.startswith("https://") and agent.measured and agent.label
    assert agent.protocol in atari_scores.protocols()
    assert set(agent.scores) <= set(atari_scores.games())
    assert (agent.frames is None) == (agent.steps is None)
    if agent.frames:
        assert agent.frames == atari_scores.FRAMES_A_STEP * agent.steps
    assert bool(agent.stds) == (agent.spread is not None)
    assert set(agent.stds) <= set(agent.scores)
    if "@" in agent.name:
        assert agent.name.endswith(f"@{agent.frames // 10**6}M")


@pytest.mark.parametrize(
    ("name", "games", "median", "iqm", "gap"),
    [
        ("ppo", 57, 1.02, 1.04, 0.34),
        ("dqn-adam@10M", 55, 0.25, 0.33, 0.62),
        ("dqn-adam@40M", 55, 0.64, 0.75, 0.42),
        ("dqn-adam@199M", 55, 1.01, 1.37, 0.28),
        ("rainbow@10M", 55, 0.40, 0.61, 0.49),
        ("rainbow@40M", 55, 1.13, 1.24, 0.27),
        ("rainbow@199M", 55, 1.47, 1.75, 0.22),
        ("iqn@10M", 55, 0.62, 0.75, 0.42),
        ("iqn@40M", 55, 1.14, 1.44, 0.25),
        ("iqn@199M", 55, 1.29, 1.81, 0.21),
        ("sb3-ppo", 10, 0.85, 0.74, 0.40),
        ("muzero", 57, 23.8, 30.5, 0.12),
        ("agent57", 57, 19.3, 21.4, 0.0),
    ],
)
def test_aggregates_of_published_agents(name, games, median, iqm, gap):
    found = normalised(name)
    scores = Scores.of([[score] for score in found.values()])
    assert len(found) == games
    assert aggregates.median(scores) == pytest.approx(median, rel=0.02)
    assert aggregates.iqm(scores) == pytest.approx(iqm, rel=0.02)
    assert aggregates.optimality_gap(scores) == pytest.approx(gap, abs=0.005)


def test_a_name_without_frames_is_the_longest_training():
    assert atari_scores.find("dqn").name == "dqn@199M"
    assert atari_scores.find("dqn@40M").frames == 40_000_000
    assert atari_scores.find("ppo").steps == 10_000_000
    assert atari_scores.find("muzero").frames == 20_000_000_000


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("rainbw", "did you mean 'rainbow'"),
        ("dqn@200M", "did you mean 'dqn@"),
        ("?", "one of dqn, dqn-adam,"),
    ],
)
def test_an_unknown_agent_is_refused_with_a_hint(name, hint):
    with pytest.raises(PublishedError, match=hint) as told:
        atari_scores.find(name)
    assert "\n" not in str(told.value)


def test_five_games_foretell_the_median_and_by_how_much_they_err():
    scores = normalised("ppo")
    estimate = atari_scores.atari5_estimate(scores)
    assert estimate.median == pytest.approx(0.765, abs=0.0005)
    ends = (
        (1 + 100 * estimate.high) / (1 + 100 * estimate.median),
        ((1 + 100 * estimate.median) / (1 + 100 * estimate.low)),
    )
    assert ends == pytest.approx([10 ** (1.96 * 0.057)] * 2, rel=1e-4)
    del scores["qbert"]
    assert atari_scores.atari5_estimate(scores) is None


def test_an_agent_worse_than_random_play_has_an_estimate_of_zero():
    worse = dict.fromkeys(normalised("ppo"), -1.0)
    estimate = atari_scores.atari5_estimate(worse)
    assert estimate.median == estimate.low == 0
    assert 0 < estimate.high < 0.01


def test_the_interval_of_the_estimate_is_too_narrow_and_that_is_told():
    assert atari_scores.atari5_held() == (17, 23)
