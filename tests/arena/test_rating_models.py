import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arena.rating import NoRatingError, fit
from arena.rating_models import DAVIDSON, RAO_KUPPER, fit_draws
from arena.results import Results

MODELS = pytest.mark.parametrize("model", [DAVIDSON, RAO_KUPPER], ids=lambda model: model.name)
meetings = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd"), st.sampled_from((0, 0.5, 1))),
    min_size=2,
    max_size=40,
)


@MODELS
@given(rows=meetings)
@settings(deadline=None, max_examples=40)
def test_predictions_are_probabilities_and_scores_are_kept(model, rows):
    rows = [row for row in rows if row[0] != row[1]] + [("a", "b", 0.5), ("a", "b", 1)]
    ratings = fit_draws(Results.from_games(rows), model, "gauss:300")
    index = {name: k for k, name in enumerate(ratings.players)}
    chances = np.array([ratings.predict(index[a], index[b]) for a, b, _ in rows])
    assert (chances >= 0).all()
    assert chances.sum(axis=1) == pytest.approx(1)
    if model is DAVIDSON:  # its draw parameter matches the number of draws at the maximum
        assert chances[:, 1].sum() == pytest.approx(sum(s == 0.5 for *_, s in rows), abs=1e-6)


@MODELS
@pytest.mark.parametrize("d", [-1.3, 0.0, 0.4])
def test_slopes_are_those_of_the_log_likelihood(model, d):
    games, draw, h = np.array([[3.0, 4.0, 5.0]]), 0.7, 1e-5

    def value(d, draw):
        win, tie, loss = model.chances(d, draw)
        return 5 * np.log(win) + 4 * np.log(tie) + 3 * np.log(loss)

    slopes = model.slopes(games, np.array([d]), draw)
    by_d = (value(d + h, draw) - value(d - h, draw)) / (2 * h)
    by_draw = (value(d, draw + h) - value(d, draw - h)) / (2 * h)
    assert slopes.by_d[0] == pytest.approx(by_d, abs=1e-6)
    assert slopes.by_draw[0] == pytest.approx(by_draw, abs=1e-6)
    ahead = model.slopes(games, np.array([d + h]), draw)
    aside = model.slopes(games, np.array([d]), draw + h)
    assert slopes.minus_dd[0] == pytest.approx((slopes.by_d - ahead.by_d)[0] / h, abs=1e-3)
    assert slopes.minus_d_draw[0] == pytest.approx((slopes.by_d - aside.by_d)[0] / h, abs=1e-3)
    bend = (slopes.by_draw - aside.by_draw)[0] / h
    assert slopes.minus_draw_draw[0] == pytest.approx(bend, abs=1e-3)


@MODELS
def test_without_draws_none_is_predicted(model):
    results = Results.from_games([("a", "b", 1), ("b", "a", 1), ("a", "b", 0)] * 4)
    ratings = fit_draws(results, model)
    win, draw, loss = ratings.predict(0, 1)
    assert draw == 0
    assert win + loss == pytest.approx(1)
    assert ratings.elo == pytest.approx(fit(results).elo, abs=1e-6)


@MODELS
def test_nothing_but_draws_has_no_draw_rate(model):
    with pytest.raises(NoRatingError, match="none decided"):
        fit_draws(Results.from_games([("a", "b", 0.5)] * 4), model)


@MODELS
def test_without_a_prior_a_sweep_is_refused(model):
    rows = [("a", "b", 1), ("b", "c", 0.5), ("b", "c", 1), ("c", "b", 1)]
    with pytest.raises(NoRatingError, match="'a'"):
        fit_draws(Results.from_games(rows), model, "none")


@MODELS
def test_the_first_mover_is_favoured_where_games_say_so(model):
    rows = [("a", "b", 1), ("b", "a", 1), ("a", "b", 0.5), ("b", "a", 0.5), ("b", "a", 0)]
    ratings = fit_draws(Results.from_games(rows * 4), model)
    assert ratings.first_move_elo > 0
    ahead, behind = ratings.predict(0, 1), ratings.predict(1, 0)
    assert ahead[0] > behind[2]
