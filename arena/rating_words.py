"""What ratings should say of themselves, in words. Axes: `P` players, `Q` pairings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from arena.rating_errors import ENOUGH_CLUSTERS, chosen_clusters
from arena.tally import Counts, pairing_players

_REPEATED = 2
"""Games per distinct game from which a pairing is said to repeat itself."""


def warnings(
    counts: Counts,
    groups: Sequence[Sequence[str]],
    bounds: Sequence[str | None],
    bound_elo: NDArray[np.float64],
    seat_fault: str | None,
) -> tuple[str, ...]:
    """Gives what a reader of the ratings should know, a sentence each.

    Args:
        counts: of the games.
        groups: players that met.
        bounds: `P` times None, "lower" or "upper".
        bound_elo: `float64[P]`, bounds in Elo.
        seat_fault: what is wrong with the first-move term, if anything.
    """
    out = []
    if len(groups) > 1:
        names = "; ".join(", ".join(group) for group in groups)
        out.append(f"{len(groups)} groups never met, only the prior compares them: {names}")
    for name, bound, elo in zip(counts.players, bounds, bound_elo, strict=True):
        if bound == "lower":
            out.append(f"{name} lost no point outside its circle: rated >= {elo:+.0f} (95 %)")
        elif bound == "upper":
            out.append(f"{name} took no point outside its circle: rated <= {elo:+.0f} (95 %)")
    if seat_fault is not None:
        out.append(seat_fault)
    return (*out, *_repeats(counts))


def few_clusters(counts: Counts) -> list[str]:
    """Gives a sentence where clusters by pairing and opening are too few for good errors."""
    clusters = int(chosen_clusters(counts)[1].sum())
    if clusters <= len(counts.players):
        return [f"{clusters} distinct games of {len(counts.players)} players: no error follows"]
    if clusters < ENOUGH_CLUSTERS:
        return [f"only {clusters} distinct games: errors are rough"]
    return []


def _repeats(counts: Counts) -> list[str]:
    """Gives a sentence for each pairing that plays the same games again and again."""
    games = counts.games
    low, high = pairing_players(len(counts.players))
    return [
        f"{counts.players[low[row]]} v {counts.players[high[row]]}: {games[row]:,} games, "
        f"{counts.distinct[row]:,} distinct: repeats of a game tell nothing new, use more openings"
        for row in np.flatnonzero(games >= _REPEATED * np.maximum(counts.distinct, 1))
    ]
