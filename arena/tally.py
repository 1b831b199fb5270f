"""Counts of results, kept up to date game by game. Axes: `P` players, `Q` pairings, `G` games.

A pairing is two players `i < j` whoever begins; its row is `j (j - 1) / 2 + i`, so that new
players only add rows. Its seat 0 means that `i` moved first, seat 1 that `j` did.

A cluster enters through four sums `(a0, n0, a1, n1)`: the first mover's points times two and the
games, by seat. Clustered errors are quadratic in these sums, so their products, added up over the
clusters of a pairing, are all that ratings need: no fit ever walks the games again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena import tally_kernels as kernels
from arena.results import ALONE, Results
from envs.seeding import mix

_MISSING = -1


@dataclass(frozen=True, eq=False)
class Counts:
    """What ratings follow from. Every player has played."""

    players: tuple[str, ...]
    """`P` names."""
    cells: NDArray[Any]
    """`int64[Q, 2, 3]`, games by pairing, seat and `score2` of the first mover."""
    products: NDArray[np.int64]
    """`int64[Q, 10]`, summed over the pairing's clusters, the products
    a0a0 a0n0 a0a1 a0n1 n0n0 n0a1 n0n1 a1a1 a1n1 n1n1."""
    clusters: NDArray[np.int64]
    """`int64[Q]`, clusters of each pairing."""
    repeats: NDArray[np.int64]
    """`int64[Q, 2, 3]`, over the distinct games, the square of how often each was played."""
    distinct: NDArray[np.int64]
    """`int64[Q]`, games that differ in moves, score or who began."""

    @property
    def games(self) -> NDArray[np.int64]:
        """Gives the games of each pairing, `int64[Q]`."""
        seats = kernels.games_by_seat(self.cells)
        return np.asarray(seats[:, 0] + seats[:, 1])

    def by_player(self, pairing_values: NDArray[Any]) -> NDArray[Any]:
        """Gives the sums of `[Q]` values over each player's pairings, `[P]`."""
        return np.asarray(kernels.sums_by_player(pairing_values, len(self.players)))

    def scores(self) -> NDArray[np.float64]:
        """Gives each player's points per game, `float64[P]` in `[0, 1]`."""
        taken = kernels.points_taken(self.cells, len(self.players))
        return np.asarray(taken.sum(axis=1) / (taken.sum(axis=0) + taken.sum(axis=1)))


@lru_cache(maxsize=8)
def pairing_players(num_players: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Gives the two players of every pairing, the lower index first, `int64[Q]` each."""
    high, low = np.tril_indices(num_players, -1)
    high.flags.writeable = low.flags.writeable = False
    return low, high


def count(results: Results) -> Counts:
    """Gives the counts of results at once.

    One quick pass suffices where each game is alone or in an adjacent pair with seats swapped, the
    openings of a pairing ascending. Any other order takes a `Tally`, with the same outcome.
    """
    size = len(results.players)
    cells, products, clusters = _cells(size), _products(size), _zeros(size)
    pairs = np.zeros((len(cells), 3, 3), np.int64)
    quick = results.moves is None and kernels.count_pairs(
        results.first, results.second, results.score2, results.cluster, pairs, cells
    )
    if quick:
        kernels.expand(pairs, cells, products, clusters)
        seats = kernels.games_by_seat(cells)
        games = seats[:, 0] + seats[:, 1]
        counts = Counts(results.players, cells, products, clusters, cells, games)
        if counts.by_player(games).all():
            return counts
    tally = Tally()
    tally.add(results)
    return tally.counts()


_LEAST = 64
"""Keys for which a new table has room."""
_BLOCK = 1 << 16


class _Seen(kernels.Table):
    """How often each game was played: with many games nearly all that a tally takes of memory."""

    def __init__(self) -> None:
        """Starts empty."""
        super().__init__(values=1)

    @staticmethod
    def _room(size: int, values: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Gives room; a table asks for four times what it has, and twice that is enough here."""
        size = size if size == _LEAST else size // 2
        keys, _ = kernels.Table._room(size, 0)
        return keys, np.zeros((size, values), np.int32)

    def _grow(self) -> None:
        """Moves block by block, so that no copies of the whole table are needed."""
        olds, played = self._keys, self._values
        self._keys, self._values = self._room(4 * len(olds), 1)
        for begin in range(0, len(olds), _BLOCK):
            keys = olds[begin : begin + _BLOCK]
            full = np.flatnonzero(keys[:, 0] != kernels._EMPTY)
            slots = kernels._place(keys[full], mix(keys[full, 0], keys[full, 1]), self._keys)
            self._values[slots] = played[begin : begin + _BLOCK][full]


class Tally:
    """Counts that grow with every `add`, for ladders that are fitted anew after each chunk."""

    def __init__(self) -> None:
        """Starts without games."""
        self._index: dict[str, int] = {}
        self._cells, self._products, self._repeats = _cells(0), _products(0), _cells(0)
        self._clusters, self._distinct = _zeros(0), _zeros(0)
        self._openings = kernels.Table(values=4)
        self._seen = _Seen()

    def add(self, results: Results) -> None:
        """Adds games, in any order; what is counted depends on the games alone."""
        first, second = self._enter(results)
        low, high = np.minimum(first, second), np.maximum(first, second)
        rows = high * (high - 1) // 2 + low
        seats = (first > second).astype(np.int64)
        places = 6 * rows + 3 * seats + results.score2
        np.add.at(self._cells.reshape(-1), places, 1)
        alone = results.cluster == ALONE
        games = np.stack([rows, results.cluster, seats, results.score2.astype(np.int64)], axis=1)
        kernels.add_single(games[alone], self._products, self._clusters)
        totals = self._products, self._clusters
        self._openings.update(games[~alone], kernels.add_clustered, totals)
        if results.moves is None:
            np.add.at(self._repeats.reshape(-1), places, 1)
            np.add.at(self._distinct, rows, 1)
        else:
            keys = np.stack([places, results.moves.view(np.int64)], axis=1)
            totals = self._repeats.reshape(-1), self._distinct
            self._seen.update(keys, kernels.add_distinct, totals)

    def counts(self) -> Counts:
        """Gives the counts so far, a copy."""
        return Counts(
            tuple(self._index),
            self._cells.copy(),
            self._products.copy(),
            self._clusters.copy(),
            self._repeats.copy(),
            self._distinct.copy(),
        )

    def _enter(self, results: Results) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Gives both players of each game as numbers of the tally, making room for new ones."""
        present = np.zeros(len(results.players), bool)
        present[results.first] = present[results.second] = True
        numbers = np.full(len(results.players), _MISSING)
        for k in np.flatnonzero(present):
            numbers[k] = self._index.setdefault(results.players[k], len(self._index))
        size = len(self._index)
        if len(_zeros(size)) > len(self._clusters):
            self._cells = _grown(self._cells, size)
            self._products = _grown(self._products, size)
            self._repeats = _grown(self._repeats, size)
            self._clusters = _grown(self._clusters, size)
            self._distinct = _grown(self._distinct, size)
        return numbers[results.first], numbers[results.second]


def _zeros(num_players: int, *shape: int) -> NDArray[np.int64]:
    return np.zeros((num_players * (num_players - 1) // 2, *shape), np.int64)


def _cells(num_players: int) -> NDArray[np.int64]:
    return _zeros(num_players, 2, 3)


def _products(num_players: int) -> NDArray[np.int64]:
    return _zeros(num_players, 10)


def _grown(counts: NDArray[np.int64], num_players: int) -> NDArray[np.int64]:
    grown = _zeros(num_players, *counts.shape[1:])
    grown[: len(counts)] = counts
    return grown
