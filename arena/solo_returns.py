"""Returns in words of statistics: intervals, human-normalised shares, who improves on whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena import aggregates, atari_scores
from arena.aggregates import Estimate, Scores
from envs import registry

Returns = NDArray[np.float64]
OVERALL = ("mean", "median", "iqm", "optimality_gap")
"""Aggregates over envs, names of functions of `arena.aggregates`."""


def summary(env: str, returns: Returns) -> dict[str, Any]:
    """Gives what the returns of an agent in one env, `float64[N]`, tell.

    `mean_return` and `iqm` with `[low, high]`, the 95 % intervals of a bootstrap over episodes
    (None for one episode), `median_return`, `std` over episodes, and, where a human score was
    published, `hns`, the human-normalised mean, and `optimality_gap`, by how much episodes miss 1.
    """
    mean, iqm = aggregates.estimates((aggregates.mean, aggregates.iqm), Scores.of([returns]))
    shares = normalised(env, returns)
    return {
        "episodes": len(returns),
        "mean_return": mean.value,
        "mean_interval": _interval(mean),
        "median_return": float(np.median(returns)),
        "std": float(returns.std(ddof=1)) if len(returns) > 1 else None,
        "iqm": iqm.value,
        "iqm_interval": _interval(iqm),
        "hns": None if shares is None else float(shares.mean()),
        "optimality_gap": None
        if shares is None
        else float(aggregates.optimality_gap(Scores.of([shares]))),
    }


def normalised(env: str, returns: Returns) -> Returns | None:
    """Gives human-normalised returns, 0 = random play, 1 = the human tester; None = not known."""
    game = str(registry.spec(env).options.get("game", env))
    if game not in atari_scores.games():
        return None
    return atari_scores.human_normalised(game, returns)


def over_envs(by_env: Mapping[str, Returns]) -> dict[str, Any]:
    """Gives the human-normalised aggregates of an agent over envs, each with the same weight.

    `mean`, `median`, `iqm`, `optimality_gap`, each `[value, low, high]` with the 95 % interval of a
    bootstrap within envs; None where no env has a human score. `envs` counts those that have one.
    They are of the envs' mean scores, as in `arena compare`.
    """
    shares = [normalised(env, returns) for env, returns in by_env.items()]
    known = [share for share in shares if share is not None]
    if not known:
        return {"envs": 0, **dict.fromkeys(OVERALL)}
    found = aggregates.estimates([_of_means(name) for name in OVERALL], Scores.of(known))
    rows = {name: [e.value, *_interval(e)] for name, e in zip(OVERALL, found, strict=True)}
    return {"envs": len(known), **rows}


def improvements(returns: Mapping[str, Returns], order: Sequence[str]) -> list[dict[str, Any]]:
    """Gives for each two agents, the one that stands higher in `order` first, how likely it is.

    `probability` that an episode of the first has a higher return than one of the second, equal
    ones counting half, with the 95 % interval `low` to `high`; whatever their seeds were.
    """
    rows = []
    for place, first in enumerate(order):
        for second in order[place + 1 :]:
            pair = Scores.of([returns[first]]), Scores.of([returns[second]])
            found = aggregates.improvement(*pair)
            low, high = _interval(found)
            rows.append(
                {
                    "first": first,
                    "second": second,
                    "probability": found.value,
                    "low": low,
                    "high": high,
                }
            )
    return rows


def _of_means(name: str) -> aggregates.Statistic:
    """Gives an aggregate of one score an env, its mean."""
    statistic: aggregates.Statistic = getattr(aggregates, name)
    return lambda scores: statistic(aggregates.averaged(scores))


def _interval(found: Estimate) -> list[float | None]:
    """Gives both ends, None for nan: JSON has none."""
    return [None if np.isnan(end) else float(end) for end in (found.low, found.high)]
