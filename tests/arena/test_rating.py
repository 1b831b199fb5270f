import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.elo import elo_to_score
from arena.rating import DisconnectedError, NoRatingError, RatingError, fit
from arena.rating_prior import PriorError, parse_prior
from arena.results import Results
from arena.tally import Tally, count

PLAYERS = ("a", "b", "c", "d")
games = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(1, 3),
        st.integers(0, 2),
        st.integers(-1, 3),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=40,
)


def results_of(rows, moves=True):
    """Rows: first mover, steps on to the second, score2, opening, moves."""
    rows = np.array(rows).reshape(-1, 5)
    first, step, score2, cluster, played = rows.T
    return Results.of(
        PLAYERS, first, (first + step) % 4, score2, cluster, played if moves else None
    )


def match(wins, draws, losses, pairs=False):
    """One match of a against b, a first in every second game."""
    score2 = np.repeat([2, 1, 0], [wins, draws, losses])
    seats = np.arange(len(score2)) % 2
    clusters = np.arange(len(score2)) // 2 if pairs else None
    return Results.of(("a", "b"), seats, 1 - seats, np.where(seats, 2 - score2, score2), clusters)


@given(games)
@settings(deadline=None, max_examples=60)
def test_elo_sums_to_zero_and_mirrored_results_mirror_it(rows):
    results = results_of(rows)
    mirrored = Results(
        results.players, results.first, results.second, 2 - results.score2, results.cluster
    )
    ratings, opposite = fit(results), fit(mirrored)
    assert ratings.elo.sum() == pytest.approx(0, abs=1e-6)
    assert opposite.elo == pytest.approx(-ratings.elo, abs=1e-5)
    if ratings.first_move_elo is not None:
        assert opposite.first_move_elo == pytest.approx(-ratings.first_move_elo, abs=1e-5)
    swapped = {"lower": "upper", "upper": "lower", None: None}
    if all(a != b for a, b in zip(ratings.bound, opposite.bound, strict=True)):
        assert opposite.bound == tuple(swapped[bound] for bound in ratings.bound)


@given(games, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_the_order_of_games_does_not_matter(rows, random):
    shuffled = rows.copy()
    random.shuffle(shuffled)
    one, other = count(results_of(rows)), count(results_of(shuffled))
    order = [other.players.index(name) for name in one.players]
    first, second = fit(one), fit(other)
    assert first.elo == pytest.approx(second.elo[order], abs=1e-6)
    assert first.error95 == pytest.approx(second.error95[order], abs=1e-4, nan_ok=True)


@given(games, st.integers(0, 40), st.booleans())
@settings(deadline=None, max_examples=60)
def test_a_tally_in_steps_equals_one_at_once(rows, cut, moves):
    tally = Tally()
    tally.add(results_of(rows[:cut], moves))
    tally.add(results_of(rows[cut:], moves))
    whole = Tally()
    whole.add(results_of(rows, moves))
    order = [whole.counts().players.index(name) for name in tally.counts().players]
    assert sorted(order) == list(range(len(order)))
    first, second = fit(tally), fit(whole)
    assert first.elo == pytest.approx(second.elo[order], abs=1e-6)
    assert first.error95 == pytest.approx(second.error95[order], abs=1e-4, nan_ok=True)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3), *[st.integers(0, 2)] * 2)))
@settings(deadline=None, max_examples=40)
def test_the_quick_count_equals_a_tally(pairs):
    rows = []
    for opening, (first, step, score2, back) in enumerate(pairs):
        rows += [
            (first, step, score2, opening, 0),
            ((first + step) % 4, 4 - step, back, opening, 0),
        ]
        rows.append((first, step, back, -1, 0))
    tally = Tally()
    tally.add(results_of([(k, 1, 1, -1, 0) for k in range(4)], moves=False))
    tally.add(results_of(rows, moves=False))
    quick = count(results_of([(k, 1, 1, -1, 0) for k in range(4)] + rows, moves=False))
    kept = tally.counts()
    for field in ("cells", "products", "clusters", "repeats", "distinct"):
        assert (getattr(quick, field) == getattr(kept, field)).all(), field


def test_many_games_grow_the_tables():
    rng = np.random.default_rng(0)
    first = rng.integers(0, 4, 5000)
    rows = np.stack(
        [
            first,
            rng.integers(1, 4, 5000),
            rng.integers(0, 3, 5000),
            *rng.integers(0, 900, (2, 5000)),
        ],
        axis=1,
    )
    counts = count(results_of(rows))
    clusters, sums, distinct = set(), {}, set()
    for begins, step, score2, opening, moves in rows.tolist():
        answers = (begins + step) % 4
        clusters.add((frozenset((begins, answers)), opening))
        distinct.add((begins, answers, score2, moves))
        key = begins, answers, opening
        sums[key] = sums.get(key, 0) + 1
    assert counts.clusters.sum() == len(clusters)
    assert counts.distinct.sum() == len(distinct)
    assert counts.products[:, [4, 9]].sum() == sum(n * n for n in sums.values())


def test_replays_change_curvature_but_not_clustered_errors():
    rng = np.random.default_rng(3)
    once = match(0, 0, 0)
    score2 = rng.choice([0, 1, 2], 60)
    seats, opening = np.tile([0, 1], 30), np.repeat(np.arange(30), 2)
    once = Results.of(("a", "b"), seats, 1 - seats, score2, opening)
    again = [np.repeat(column, 10) for column in (seats, 1 - seats, score2, opening)]
    often = Results.of(("a", "b"), *again)
    assert fit(often).error95 == pytest.approx(fit(once).error95, rel=0.01)
    ratio = fit(often, errors="fisher").error95 / fit(once, errors="fisher").error95
    assert ratio == pytest.approx(10**-0.5, rel=0.01)


def test_swapped_seats_cancel_unfair_openings_in_clustered_errors_only():
    fair = np.tile([2, 2, 0, 0], 25)  # whoever begins wins one opening and loses the next
    seats = np.tile([0, 1], 50)
    paired = Results.of(("a", "b"), seats, 1 - seats, fair, np.repeat(np.arange(50), 2))
    alone = Results.of(("a", "b"), seats, 1 - seats, fair)
    assert fit(paired).error95[0] < 0.25 * fit(alone).error95[0]


def test_games_from_one_opening_are_clustered_by_their_moves():
    rng = np.random.default_rng(5)
    score2, seats = rng.choice([0, 2], 400), np.tile([0, 1], 200)
    columns = ("a", "b"), seats, 1 - seats, score2, np.zeros(400)
    distinct = fit(Results.of(*columns, np.arange(400)))
    assert distinct.error95 == pytest.approx(fit(Results.of(*columns[:4])).error95, rel=0.01)
    replayed = fit(Results.of(*columns[:3], np.tile([2, 1], 200), np.zeros(400), 1 + seats))
    assert np.isnan(replayed.error95).all()
    assert any("400 games, 2 distinct" in text for text in replayed.warnings)


def test_a_match_of_draws_has_an_error():
    assert (fit(match(0, 20, 0)).error95 > 5).all()
    assert fit(match(0, 200, 0)).error95[0] < fit(match(0, 20, 0)).error95[0]


@pytest.mark.parametrize(("wins", "elo"), [(100, 607), (10, 183), (3, -94)])
def test_a_clean_sweep_gives_a_one_sided_bound(wins, elo):
    ratings = fit(match(wins, 0, 0))
    assert ratings.bound == ("lower", "upper")
    assert ratings.bound_elo == pytest.approx([elo, -elo], abs=0.5)
    assert np.isfinite(ratings.elo).all()
    assert ratings.elo[0] > ratings.elo[1]
    assert np.isnan(ratings.error95).all()
    assert any(f">= {elo:+d}" in text for text in ratings.warnings)


def test_bounds_stand_on_the_players_with_finite_ratings():
    circle = [("b", "c", 1), ("c", "b", 0), ("c", "d", 1), ("d", "c", 1), ("d", "b", 0.5)] * 6
    circle += [("c", "b", 1), ("b", "d", 0), ("b", "d", 1)] * 2
    sweep = [("a", name, 1) for name in "bcd"] * 5
    worst = [("e", name, 0) for name in "bcd"] * 5
    ratings = fit(Results.from_games(circle + sweep + worst))
    index = {name: k for k, name in enumerate(ratings.players)}
    bounds = {name: ratings.bound[k] for name, k in index.items()}
    assert bounds == {"a": "lower", "b": None, "c": None, "d": None, "e": "upper"}
    a, core = index["a"], [index[name] for name in "bcd"]
    log_chance = sum(
        5 * np.log(elo_to_score(ratings.bound_elo[a] - ratings.elo[k] + ratings.first_move_elo))
        for k in core
    )
    assert log_chance == pytest.approx(np.log(0.05), abs=1e-6)
    assert np.isfinite(ratings.error95[core]).all()
    assert (ratings.error95[core] < 400).all()
    assert ratings.elo[a] > ratings.bound_elo[a]


def test_a_chain_of_sweeps_is_bounded_by_the_side_that_took_more():
    chain = [("a", "b", 1)] * 5 + [("b", "c", 1)] * 3 + [("b", "a", 0)]
    assert fit(Results.from_games(chain)).bound == ("lower", "upper", "upper")


def test_disconnected_groups_are_named():
    games = [("a", "b", 1), ("b", "a", 1), ("b", "a", 0), ("c", "d", 0.5), ("d", "c", 1)]
    results = Results.from_games(games * 4)
    ratings = fit(results)
    assert ratings.groups == (("a", "b"), ("c", "d"))
    assert (ratings.error95 > 2000).all()
    with pytest.raises(DisconnectedError, match=r"2 groups .* a, b; c, d;") as caught:
        fit(results, "none")
    assert caught.value.groups == ratings.groups


@pytest.mark.parametrize(
    ("rows", "name"),
    [
        ([("god", "worm", 1), ("worm", "god", 0)], "'god' lost no point"),
        ([("a", "b", 1), ("b", "a", 1)], "the first-move term"),
        ([("a", "b", 1), ("b", "a", 0.5), ("b", "c", 1), ("c", "b", 1)], "the first-move term"),
    ],
)
def test_without_a_prior_what_has_no_maximum_is_refused(rows, name):
    results = Results.from_games(rows * 5)
    with pytest.raises(NoRatingError, match=name):
        fit(results, "none")
    assert np.isfinite(fit(results).elo).all()


def test_no_games_are_refused():
    with pytest.raises(NoRatingError, match="no games"):
        fit(Tally())


def test_a_first_move_term_that_seats_cannot_tell_is_left_out():
    ratings = fit(Results.from_games([("a", "b", 1), ("a", "b", 0.5), ("b", "c", 1)] * 9))
    assert ratings.first_move_elo is None
    assert ratings.first_move_error95 is None
    assert any("seats" in text for text in ratings.warnings)
    assert fit(match(3, 1, 2), first_move=False).first_move_elo is None
    circle = [("a", "b", 1), ("b", "c", 1), ("c", "a", 0.5)] * 9
    assert fit(Results.from_games(circle)).first_move_elo > 0


def test_warm_fits_equal_cold_ones_and_are_short():
    rng = np.random.default_rng(0)
    first = rng.integers(0, 20, 4000)
    second = (first + rng.integers(1, 20, 4000)) % 20
    score2 = 2 * (rng.random(4000) < 1 / (1 + 10 ** (-(first - second) / 40)))
    names = [f"p{k}" for k in range(20)]
    tally = Tally()
    tally.add(Results.of(names, first, second, score2))
    before = fit(tally)
    tally.add(Results.of(["p3", "new"], [0], [1], [1]))
    warm, cold = fit(tally, warm=before), fit(tally)
    assert warm.elo == pytest.approx(cold.elo, abs=1e-6)
    assert warm.iterations <= 7
    assert fit(tally, warm=warm).iterations <= 2


def test_many_players_take_the_same_road():
    rng = np.random.default_rng(1)
    first = rng.integers(0, 320, 30_000)
    second = (first + rng.integers(1, 320, 30_000)) % 320
    score2 = 2 * (rng.random(30_000) < 1 / (1 + 10 ** (-(first - second) / 400)))
    ratings = fit(Results.of([f"p{k}" for k in range(320)], first, second, score2))
    assert np.corrcoef(ratings.elo, np.arange(320))[0, 1] > 0.8
    assert 0.9 < np.mean(np.abs(ratings.elo - np.arange(320) + 159.5) < ratings.error95) < 0.99


def test_likelihood_of_superiority():
    ratings = fit(match(60, 0, 40))
    chance = ratings.los(0, 1)
    assert 0.9 < chance < 0.999
    assert ratings.los(1, 0) == pytest.approx(1 - chance)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("gaus:5", "did you mean 'gauss'"),
        ("gauss", "above 0"),
        ("virtual:-1", "above 0"),
        ("x", "try"),
    ],
)
def test_bad_priors(text, hint):
    with pytest.raises(PriorError, match=hint) as caught:
        parse_prior(text)
    assert isinstance(caught.value, RatingError)


@pytest.mark.parametrize("text", ["none", "gauss:2000", "virtual:2"])
def test_priors_are_written_as_they_are_read(text):
    assert str(parse_prior(text)) == text
    assert text in fit(match(5, 1, 5), text, first_move=False).model
