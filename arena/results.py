"""Results of games as arrays, the input of every rating. Axis: `G` games."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALONE = -1
"""The cluster of a game that is related to no other."""


class ResultsError(ValueError):
    """Arrays that describe no games: other lengths, unknown players, impossible scores."""


@dataclass(frozen=True, eq=False)
class Results:
    """Who met whom and what came out, one entry a game."""

    players: tuple[str, ...]
    """The names that `first` and `second` point to; all different."""
    first: NDArray[np.int32]
    """`int32[G]`, the player that moved first."""
    second: NDArray[np.int32]
    """`int32[G]`, the other one."""
    score2: NDArray[np.int8]
    """`int8[G]`, the first mover's points times two: 0 lost, 1 drawn, 2 won."""
    cluster: NDArray[np.int64]
    """`int64[G]`, the opening. Games of the same two players from the same opening, whoever began,
    are one cluster: they may be alike. -1 = a cluster of its own."""
    moves: NDArray[np.uint64] | None = None
    """`uint64[G]`, a hash of all moves; None = unknown, every game counts as distinct."""

    def __post_init__(self) -> None:
        """Checks everything that kernels rely on.

        Raises:
            ResultsError: when lengths differ, a name is given twice, an index names no player, a
                player meets itself or a score is none of 0, 1, 2.
        """
        num_games = len(self.first)
        columns: list[Any] = [self.second, self.score2, self.cluster]
        if self.moves is not None:
            columns.append(self.moves)
        if any(column.shape != (num_games,) for column in columns):
            raise ResultsError("columns of results differ in length; give one entry a game in each")
        if len(set(self.players)) != len(self.players):
            raise ResultsError("a player is named twice in results; name every player once")
        if num_games == 0:
            return
        low = min(self.first.min(), self.second.min())
        high = max(self.first.max(), self.second.max())
        if low < 0 or high >= len(self.players):
            raise ResultsError(
                f"results name player {low if low < 0 else high}, expected 0 to "
                f"{len(self.players) - 1}; give indices into players"
            )
        if (self.first == self.second).any():
            raise ResultsError("a player meets itself in results; leave such games out")
        if self.score2.min() < 0 or self.score2.max() > 2:
            raise ResultsError("a score2 is outside 0, 1, 2; give the first mover's points times 2")

    def __len__(self) -> int:
        """Gives the number of games."""
        return len(self.first)

    @classmethod
    def of(
        cls,
        players: Iterable[str],
        first: Any,
        second: Any,
        score2: Any,
        cluster: Any = None,
        moves: Any = None,
    ) -> Results:
        """Gives results from any sequences of numbers.

        Raises:
            ResultsError: as `Results` itself does.
        """
        first = np.ascontiguousarray(first, np.int32)
        if cluster is None:
            cluster = np.full(len(first), ALONE)
        return cls(
            tuple(players),
            first,
            np.ascontiguousarray(second, np.int32),
            np.ascontiguousarray(score2, np.int8),
            np.ascontiguousarray(cluster, np.int64),
            None if moves is None else np.ascontiguousarray(moves, np.uint64),
        )

    @classmethod
    def from_games(cls, games: Iterable[tuple[str, str, float]]) -> Results:
        """Gives results from (first mover, second mover, the first mover's points 0, 0.5 or 1).

        Players are numbered in the order they appear; every game is a cluster of its own.

        Raises:
            ResultsError: when a score is none of 0, 0.5, 1 or a player meets itself.
        """
        games = list(games)
        names = list(dict.fromkeys(name for game in games for name in game[:2]))
        index = {name: k for k, name in enumerate(names)}
        score2 = np.array([2 * score for _, _, score in games], np.float64)
        if not np.isin(score2, (0, 1, 2)).all():
            raise ResultsError("a score is none of 0, 0.5, 1; give the first mover's points")
        first = [index[first] for first, _, _ in games]
        return cls.of(names, first, [index[second] for _, second, _ in games], score2)
