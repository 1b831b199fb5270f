"""Ratings beside what independent tools answer; `tests/golden/rating` says which, and how near."""

import json
from pathlib import Path

import numpy as np
import pytest

from arena import elo
from arena.rating import fit
from arena.rating_models import DAVIDSON, RAO_KUPPER, fit_draws
from arena.results import Results

GOLDEN = Path(__file__).parents[1] / "golden" / "rating"
BRADLEY_TERRY = json.loads((GOLDEN / "bradley_terry.json").read_text())
ELO = json.loads((GOLDEN / "elo.json").read_text())
PRIORS = {"none": "none", "virtual2.0": "virtual:2", "gauss400.0": "gauss:400"}
Z95 = 1.959963984540054

# tool: our model, our prior, first-move term
SAME_AS = {
    "choix/": (None, "none", False),
    "fastchat/": (None, "none", False),
    "katago/elo(prior_games=0.0,adv=False)": (None, "none", False),
    "katago/elo(prior_games=2.0,adv=False)": (None, "virtual:2", False),
    "arenakit/fit_bt": (None, "none", False),
    "evalica/bradley_terry": (None, "none", False),
    "ordo/-W": (None, "none", True),
    "evalica/newman": (DAVIDSON, "none", False),
    "arenakit/fit_rao_kupper": (RAO_KUPPER, "none", False),
    "bayeselo/": (RAO_KUPPER, "none", True),
}


def cases(prefixes):
    return [
        pytest.param(name, row, id=f"{name}: {row}")
        for name, dataset in BRADLEY_TERRY["datasets"].items()
        for row in dataset["expected"]
        if row.startswith(prefixes)
    ]


def load(name, row):
    dataset = BRADLEY_TERRY["datasets"][name]
    results = Results.from_games([tuple(game) for game in dataset["games"]])
    expected = dict(dataset["expected"][row])
    ratings = np.array([expected["ratings"][player] for player in results.players])
    return results, expected, ratings - ratings.mean()


@pytest.mark.parametrize(("name", "row"), cases("exact/bt"))
def test_bradley_terry_and_its_curvature_are_exact(name, row):
    results, expected, elos = load(name, row)
    prior = PRIORS[row.partition("prior=")[2]]
    ratings = fit(results, prior, first_move="+adv" in row, errors="fisher")
    assert ratings.elo == pytest.approx(elos, abs=1e-6)
    for pair, error in expected["se_diff"].items():
        i, j = (ratings.players.index(player) for player in pair.split("|"))
        assert ratings.difference_error(i, j) == pytest.approx(error, abs=1e-6)
    if "+adv" in row:
        assert ratings.first_move_elo == pytest.approx(
            expected["first_player_advantage_elo"], abs=1e-6
        )
        error = expected["first_player_advantage_se"]
        assert ratings.first_move_error95 == pytest.approx(Z95 * error, abs=2e-6)
    if prior == "none":  # with a prior the file's errors are not against the mean
        errors = [expected["se"][player] for player in ratings.players]
        assert ratings.error95 == pytest.approx(Z95 * np.array(errors), abs=2e-6)


@pytest.mark.parametrize(("name", "row"), cases(("exact/davidson", "exact/raokupper")))
def test_draw_models_are_exact(name, row):
    results, expected, elos = load(name, row)
    model = DAVIDSON if "davidson" in row else RAO_KUPPER
    ratings = fit_draws(results, model, PRIORS[row.partition("prior=")[2]], "+adv" in row)
    assert ratings.elo == pytest.approx(elos, abs=1e-6)
    assert ratings.draw == pytest.approx(expected.get("nu", expected.get("theta")), abs=1e-8)
    if "+adv" in row:
        assert ratings.first_move_elo == pytest.approx(
            expected["first_player_advantage_elo"], abs=1e-6
        )


@pytest.mark.parametrize(("name", "row"), cases(tuple(SAME_AS)))
def test_other_tools_agree(name, row):
    results, _, elos = load(name, row)
    model, prior, first_move = next(v for k, v in SAME_AS.items() if row.startswith(k))
    tool = row.partition("/")[0]
    tolerance = BRADLEY_TERRY["tolerances_elo"][tool]
    if tool == "ordo":
        elos = elos / BRADLEY_TERRY["ordo_scale"]
    if model is None:
        ratings = fit(results, prior, first_move)
    else:
        ratings = fit_draws(results, model, prior, first_move)
    assert ratings.elo == pytest.approx(elos, abs=tolerance)


def test_conversions():
    for difference, score in ELO["elo_to_score"].items():
        assert elo.elo_to_score(float(difference)) == pytest.approx(score, abs=1e-12)
    for score, difference in ELO["score_to_elo"].items():
        assert elo.score_to_elo(float(score)) == pytest.approx(difference, abs=1e-6)


@pytest.mark.parametrize(("record", "chance"), list(ELO["superiority_of_wins"].items()))
def test_superiority_of_few_games(record, chance):
    wins, _, losses = (int(word[1:]) for word in record.split())
    assert elo.superiority_of_wins(wins, losses) == pytest.approx(chance, abs=1e-9)


def test_online_curve():
    rows = ELO["online_k32"]["rows"]
    results = Results.from_games([tuple(row[:3]) for row in rows])
    assert elo.online_curve(results) == pytest.approx(np.array([row[4:] for row in rows]), abs=1e-9)
