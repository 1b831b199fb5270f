"""Aggregates beside what rliable answers, on ragged scores, and how often intervals are right."""

import json
from pathlib import Path

import numpy as np
import pytest

from arena import aggregates
from arena.aggregates import Scores, ScoresError

GOLDEN = Path(__file__).parents[1] / "golden" / "aggregates" / "rliable.json"
REFERENCE = json.loads(GOLDEN.read_text())
A, B = (Scores.of(np.transpose(REFERENCE["scores"][name])) for name in "AB")
OURS = {
    "mean": aggregates.mean,
    "median": aggregates.median,
    "iqm": aggregates.iqm,
    "optimality_gap": aggregates.optimality_gap,
}
NEAR = REFERENCE["tolerances"]


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize(("agent", "scores"), [("A", A), ("B", B)])
def test_values_are_those_of_rliable(name, agent, scores):
    assert OURS[name](scores) == pytest.approx(REFERENCE[name][agent], abs=NEAR["values"])


def test_the_probability_of_improvement_is_that_of_rliable():
    known = REFERENCE["probability_of_improvement"]
    assert aggregates.probability_of_improvement(A, B) == pytest.approx(known["A > B"], abs=1e-6)
    assert aggregates.probability_of_improvement(B, A) == pytest.approx(known["B > A"], abs=1e-6)


def test_intervals_are_near_those_of_rliable():
    (of_iqm,) = aggregates.estimates([aggregates.iqm], A)
    known = REFERENCE["intervals"]
    assert of_iqm[1:] == pytest.approx(known["iqm of A"], abs=NEAR["intervals"])
    chance = aggregates.improvement(A, B)
    assert chance[1:] == pytest.approx(known["A > B"], abs=NEAR["intervals"])


def test_ragged_games_weigh_the_same_however_many_scores_they_have():
    even = Scores.of([[0.0, 1.0], [2.0, 4.0], [3.0, 5.0], [9.0, 10.0]])
    ragged = Scores.of([[0.0, 1.0], [2.0, 4.0] * 7, [3.0, 5.0] * 3, [9.0, 10.0] * 2])
    for statistic in OURS.values():
        assert statistic(ragged) == pytest.approx(float(statistic(even)))
    other = Scores.of([[1.0], [1.0, 3.0], [9.0], [9.0]])
    assert aggregates.probability_of_improvement(ragged, other) == pytest.approx(1.75 / 4)


def test_weighted_and_plain_middle_halves_agree():
    chance = np.random.default_rng(1)
    for games, runs in ((1, 3), (3, 5), (7, 2), (5, 9)):
        matrix = chance.normal(size=(games, runs))
        plain = Scores.of(matrix)
        weighted = Scores.of([*matrix[:-1], np.repeat(matrix[-1], 2)])
        cut = plain.values.size // 4
        kept = np.sort(plain.values)[cut : plain.values.size - cut]
        assert aggregates.iqm(plain) == pytest.approx(kept.mean())
        both = Scores.of([np.repeat(row, 2) for row in matrix])
        assert abs(aggregates.iqm(weighted) - aggregates.iqm(both)) < 0.5


def test_of_one_score_a_game_the_middle_half_is_over_games():
    games = Scores.of([[10.0], [2.0], [1.0], [0.5], [-3.0]])
    assert aggregates.iqm(games) == pytest.approx((2 + 1 + 0.5) / 3)
    assert aggregates.iqm(aggregates.averaged(A)) == pytest.approx(1.32)
    assert aggregates.averaged(B).values == pytest.approx(aggregates.game_means(B))


def test_the_gap_counts_what_is_missing_and_nothing_that_exceeds():
    games = Scores.of([[0.25], [100.0]])
    assert aggregates.optimality_gap(games) == pytest.approx(0.375)
    assert aggregates.optimality_gap(games, target=2.0) == pytest.approx(0.875)


def test_resampling_stays_within_games_and_follows_its_seed():
    scores = Scores.of([[1.0, 2.0, 3.0], [10.0], [20.0, 30.0]])
    drawn = aggregates.resampled(scores, 500, seed=3)
    assert drawn.values.shape == (500, 6)
    assert set(np.unique(drawn.values[:, :3])) == {1.0, 2.0, 3.0}
    assert (drawn.values[:, 3] == 10).all() and set(np.unique(drawn.values[:, 4:])) == {20.0, 30.0}
    again, other = (aggregates.resampled(scores, 500, seed) for seed in (3, 4))
    assert (again.values == drawn.values).all() and (other.values != drawn.values).any()
    for statistic in OURS.values():
        one_by_one = [statistic(Scores(row, scores.counts)) for row in drawn.values[:20]]
        assert statistic(drawn)[:20] == pytest.approx(np.array(one_by_one))
    chances = aggregates.probability_of_improvement(drawn, again)
    assert chances.shape == (500,) and chances[7] == pytest.approx(
        float(
            aggregates.probability_of_improvement(
                Scores(drawn.values[7], scores.counts), Scores(again.values[7], scores.counts)
            )
        )
    )


def test_intervals_are_percentiles_of_the_resamplings():
    few, many = Scores.of([[1.0, 2.0, 5.0], [3.0, 7.0]]), Scores.of([[2.0, 4.0], [1.0, 3.0, 8.0]])
    (found,) = aggregates.estimates([aggregates.iqm], few, 600, seed=2)
    samples = aggregates.iqm(aggregates.resampled(few, 600, seed=2))
    assert found[1:] == pytest.approx(aggregates.interval(samples))
    chance = aggregates.improvement(few, many, 600, seed=1)
    draws = aggregates.resampled(few, 600, seed=2), aggregates.resampled(many, 600, seed=3)
    samples = aggregates.probability_of_improvement(*draws)
    assert chance[1:] == pytest.approx(aggregates.interval(samples))


def test_a_game_with_one_score_leaves_no_interval():
    scores = Scores.of([[1.0, 2.0], [3.0]])
    (found,) = aggregates.estimates([aggregates.mean], scores)
    assert found.value == pytest.approx(2.25) and np.isnan(found.low) and np.isnan(found.high)
    assert np.isnan(aggregates.improvement(scores, scores).low)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    chance, held = np.random.default_rng(5), 0
    truth = np.array([0.2, 1.0, 3.0])
    for trial in range(300):
        scores = Scores.of(mean + chance.normal(size=30) for mean in truth)
        (found,) = aggregates.estimates([aggregates.mean], scores, 400, seed=trial)
        held += found.low <= truth.mean() <= found.high
    assert 0.90 <= held / 300 <= 0.98


@pytest.mark.slow
def test_intervals_over_means_of_many_games_are_too_narrow_for_few_episodes():
    chance, held = np.random.default_rng(0), np.zeros((2, 4))
    truth = np.exp(chance.normal(-0.3, 1.2, 57))
    known = [float(found(Scores.of(truth[:, None]))) for found in OURS.values()]
    over_means = [
        lambda scores, found=found: found(aggregates.averaged(scores)) for found in OURS.values()
    ]
    for row, episodes in enumerate((30, 10)):
        for trial in range(200):
            noise = np.exp(0.6 * chance.normal(size=(57, episodes)) - 0.18)
            scores = Scores.of(truth[:, None] * noise)
            found = aggregates.estimates(over_means, scores, 500, seed=trial)
            held[row] += [e.low <= x <= e.high for e, x in zip(found, known, strict=True)]
    many, few = held / 200
    assert (many[:3] > 0.88).all() and (few[:3] > 0.82).all()
    assert 0.7 < many[3] < 0.93 and 0.45 < few[3] < 0.75


@pytest.mark.parametrize("games", [[], [[1.0], []], [[1.0, np.nan]], [[np.inf]]])
def test_scores_that_have_no_aggregate_are_refused(games):
    with pytest.raises(ScoresError, match="game"):
        Scores.of(games)


def test_agents_are_compared_on_the_same_games():
    with pytest.raises(ScoresError, match="3 and 1 games"):
        aggregates.probability_of_improvement(A, Scores.of([[1.0]]))
