"""Who is stronger than whom, and how likely. Axis: `P` players."""

from __future__ import annotations

import math
from collections.abc import Sequence

from arena.elo import superiority_of_wins
from arena.standings import Standings
from arena.tally import Counts

Chances = list[list[float | None]]


def superiority_matrix(
    standings: Standings, agents: Sequence[str], prior: str = "gauss:2000"
) -> Chances:
    """Gives the likelihood that each row's agent is stronger than each column's, `P` rows of `P`.

    None on the diagonal and where games cannot tell. It follows from the covariance of the ratings;
    of two agents it is that of their wins, which is right for few games too. A number to report,
    never a rule when to stop: see `arena.sprt` for that.

    Args:
        standings: of one env.
        agents: names in the order of rows and columns, all of whom played.
        prior: as in `rating.fit`.

    Raises:
        NoRatingError: when there is no game, or the prior is `none` and no finite rating exists.
        PriorError: when `prior` names none.
    """
    counts = standings.counts()
    if len(counts.players) == 2:
        chance = _of_two(counts)
        row = chance if agents[0] == counts.players[0] else 1 - chance
        return [[None, row], [1 - row, None]]
    ratings = standings.fit(prior)
    place = [ratings.players.index(name) for name in agents]
    return [[None if i == j else _known(ratings.los(i, j)) for j in place] for i in place]


def _of_two(counts: Counts) -> float:
    """Gives the likelihood that the first of two players is the stronger."""
    (lost, _, won), (won_second, _, lost_second) = counts.cells[0].tolist()
    return superiority_of_wins(int(won + won_second), int(lost + lost_second))


def _known(chance: float) -> float | None:
    return None if math.isnan(chance) else chance
