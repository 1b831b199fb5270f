import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena import scale
from arena.elo import elo_to_score
from arena.records import MatchRecord
from arena.scale import Scale, ScaleError

ANCHORS = Scale(
    env="connectx",
    agents=("random", "middle", "strong"),
    elo=np.array([0.0, 400.0, 900.0]),
    covariance=np.zeros((3, 3)),
    first_move_elo=60.0,
    openings=4,
    records="",
)


def game(first, second, score, opening=0):
    return MatchRecord(
        env="connectx",
        agents=(first, second),
        seed=0,
        start=opening.to_bytes(4, "little"),
        actions=b"",
        returns=(2 * score - 1, 1 - 2 * score),
        digests=b"",
        termination="terminated",
    )


def games_of(elo, pairs, chance, anchors=ANCHORS):
    """Games of an agent of that strength, seats swapped, by the model itself."""
    records = []
    for anchor, anchor_elo in zip(anchors.agents, anchors.elo, strict=True):
        for opening in range(pairs):
            for first in (True, False):
                sign = 1 if first else -1
                p = elo_to_score(elo - anchor_elo + sign * anchors.first_move_elo)
                won = float(chance.random() < p)
                seats = ("me", anchor) if first else (anchor, "me")
                records.append(game(*seats, won if first else 1 - won, opening))
    return records


@pytest.mark.parametrize("elo", [100.0, 450.0, 800.0])
def test_intervals_cover_the_strength_that_made_the_games(elo):
    chance = np.random.default_rng(1)
    covered = []
    for _ in range(300):
        found = scale.place(ANCHORS, "me", games_of(elo, 20, chance))
        covered.append(found.bound is None and abs(found.elo - elo) <= found.error95)
    assert 0.91 <= np.mean(covered) <= 0.985


def test_the_place_agrees_with_the_exact_score_against_one_anchor():
    only = ANCHORS.without("random").without("strong")
    records = [game("me", "middle", 1.0, k) for k in range(75)]
    records += [game("me", "middle", 0.0, k) for k in range(75, 100)]
    found = scale.place(dataclasses.replace(only, first_move_elo=0.0), "me", records)
    assert found.elo == pytest.approx(400 + 190.8485, abs=0.2)  # the prior pulls a little
    assert found.score == 0.75 and found.games == 100
    error = 1.96 * 173.7178 / math.sqrt(100 * 0.75 * 0.25)
    assert found.error95 == pytest.approx(error, rel=0.03)


def test_the_errors_of_anchors_carry_over():
    chance = np.random.default_rng(2)
    records = games_of(450.0, 50, chance)
    sure = scale.place(ANCHORS, "me", records)
    unsure = dataclasses.replace(ANCHORS, covariance=np.full((3, 3), 40.0**2))
    assert scale.place(unsure, "me", records).error95 == pytest.approx(
        math.hypot(sure.error95, 1.96 * 40), rel=0.02
    )


def test_openings_that_suit_an_agent_make_its_interval_wider():
    """Every second opening is won against every anchor: 20 openings tell less than 120 games."""
    records = [
        game("me", anchor, float(opening % 2), opening)
        for anchor in ANCHORS.agents
        for opening in range(20)
    ]
    mixed = [
        game("me", anchor, float((opening + shift) % 2), opening)
        for shift, anchor in enumerate(ANCHORS.agents)
        for opening in range(20)
    ]
    suited, fair = (scale.place(ANCHORS, "me", games) for games in (records, mixed))
    assert suited.elo == pytest.approx(fair.elo, abs=30)
    assert suited.error95 > 1.3 * fair.error95


def test_repeated_games_make_no_interval_smaller():
    chance = np.random.default_rng(3)
    records = games_of(450.0, 20, chance)
    once, often = (scale.place(ANCHORS, "me", records * n) for n in (1, 10))
    assert often.error95 == pytest.approx(once.error95, rel=0.05)


@pytest.mark.parametrize(("score", "bound", "sign"), [(1.0, "lower", 1), (0.0, "upper", -1)])
def test_who_won_or_lost_everything_gets_a_one_sided_bound(score, bound, sign):
    only = dataclasses.replace(
        ANCHORS.without("random").without("strong"), elo=np.array([0.0]), first_move_elo=0.0
    )
    found = scale.place(only, "me", [game("me", "middle", score, k) for k in range(10)])
    assert (found.bound, found.error95) == (bound, None)
    assert found.bound_elo == pytest.approx(sign * 183, abs=1)


@given(st.lists(st.tuples(st.sampled_from(ANCHORS.agents), st.sampled_from([0.0, 0.5, 1.0]))))
@settings(max_examples=50, deadline=None)
def test_more_points_never_place_lower(played):
    records = [game("me", anchor, score, k) for k, (anchor, score) in enumerate(played)]
    records.append(game("me", "middle", 0.5, 99))
    better = [*records, game("me", "middle", 1.0, 100)]
    assert scale.place(ANCHORS, "me", better).elo > scale.place(ANCHORS, "me", records).elo


def test_games_of_others_and_against_oneself_do_not_count():
    with pytest.raises(ScaleError, match="no game"):
        scale.place(ANCHORS, "me", [game("random", "middle", 1.0), game("me", "stranger", 1.0)])


def test_an_env_without_a_scale_is_named():
    with pytest.raises(ScaleError, match=r"no scale of strength for connectx-5x4x3"):
        scale.load("connectx-5x4x3")


def test_the_shipped_scale_is_sound():
    shipped = scale.load("connectx")
    assert shipped.agents[0] == "random" and shipped.elo[0] == 0
    assert (np.diff(shipped.elo) > 0).all()
    assert shipped.agents[-1] == "solver"
    assert np.allclose(shipped.covariance, shipped.covariance.T)
    assert np.allclose(shipped.covariance.sum(axis=0), 0, atol=1)
    assert np.linalg.eigvalsh(shipped.covariance).min() > -1
    assert len(shipped.records) == 64
