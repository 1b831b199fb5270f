"""Counts of results, kept up to date game by game. Axes: `P` players, `Q` pairings, `G` games.

A pairing is two players `i < j` whoever begins; its row is `j (j - 1) / 2 + i`, so that new
players only add rows. Its seat 0 means that `i` moved first, seat 1 that `j` did.

A cluster enters through four sums `(a0, n0, a1, n1)`: the first mover's points times two and the
games, by seat. Clustered errors are quadratic in these sums, so their products, added up over the
clusters of a pairing, are all that ratings need: no fit ever walks the games again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from arena.results import ALONE, Results
from envs.seeding import mix

NUM_PRODUCTS = 10
"""Products of two of the four sums: a0a0 a0n0 a0a1 a0n1 n0n0 n0a1 n0n1 a1a1 a1n1 n1n1."""
_EMPTY = -1
_NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True, eq=False)
class Counts:
    """What ratings follow from. Every player has played."""

    players: tuple[str, ...]
    """`P` names."""
    cells: NDArray[np.int64]
    """`int64[Q, 2, 3]`, games by pairing, seat and `score2` of the first mover."""
    products: NDArray[np.int64]
    """`int64[Q, 10]`, the products of cluster sums, summed over the pairing's clusters."""
    clusters: int
    """Number of clusters."""
    distinct: NDArray[np.int64]
    """`int64[Q]`, games that differ in their moves or in who began."""

    @property
    def games(self) -> NDArray[np.int64]:
        """Gives the games of each pairing, `int64[Q]`."""
        return np.asarray(self.cells.sum(axis=(1, 2)))

    def by_player(self, pairing_values: NDArray[Any]) -> NDArray[Any]:
        """Gives the sums of `[Q]` values over each player's pairings, `[P]`."""
        low, high = pairing_players(len(self.players))
        size = len(self.players)
        sums = np.bincount(low, pairing_values, size) + np.bincount(high, pairing_values, size)
        return sums.astype(pairing_values.dtype)

    def scores(self) -> NDArray[np.float64]:
        """Gives each player's points per game, `float64[P]` in `[0, 1]`."""
        low, high = pairing_players(len(self.players))
        size = len(self.players)
        first = self.cells @ np.array([0.0, 0.5, 1.0])
        games = self.cells.sum(axis=2)
        points = np.bincount(low, first[:, 0] + games[:, 1] - first[:, 1], size)
        points += np.bincount(high, first[:, 1] + games[:, 0] - first[:, 0], size)
        return np.asarray(points / self.by_player(self.games))


def pairing_players(num_players: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Gives the two players of every pairing, the lower index first, `int64[Q]` each."""
    high, low = np.tril_indices(num_players, -1)
    return low, high


def count(results: Results) -> Counts:
    """Gives the counts of results at once: one pass where openings ascend within each pairing.

    Results in another order give the same counts through a `Tally`, more slowly.
    """
    size = len(results.players)
    cells, products = _no_counts(size)
    clusters = _count_ascending(
        results.first, results.second, results.score2, results.cluster, cells, products
    )
    distinct = cells.sum(axis=(1, 2))
    counts = Counts(results.players, cells, products, int(clusters), distinct)
    if clusters < 0 or results.moves is not None or not counts.by_player(distinct).all():
        tally = Tally()
        tally.add(results)
        return tally.counts()
    return counts


class Tally:
    """Counts that grow with every `add`, for ladders that are fitted anew after each chunk."""

    def __init__(self) -> None:
        """Starts without games."""
        self._index: dict[str, int] = {}
        self._cells, self._products = _no_counts(0)
        self._distinct = np.zeros(0, np.int64)
        self._singles = 0
        self._clusters = _Table(values=4)
        self._seen = _Table(values=1)

    def add(self, results: Results) -> None:
        """Adds games, in any order; what is counted depends on the games alone."""
        names = self._enter(results)
        low, high = np.minimum(*names), np.maximum(*names)
        rows = high * (high - 1) // 2 + low
        seats = (names[0] > names[1]).astype(np.int64)
        np.add.at(self._cells, (rows, seats, results.score2), 1)
        alone = results.cluster == ALONE
        self._singles += int(alone.sum())
        games = np.stack([rows, results.cluster, seats, results.score2.astype(np.int64)], axis=1)
        _add_single(games[alone], self._products)
        self._clusters.update(games[~alone], _add_clustered, self._products)
        if results.moves is None:
            np.add.at(self._distinct, rows, 1)
        else:
            games[:, 0], games[:, 1] = 2 * rows + seats, results.moves.view(np.int64)
            self._seen.update(games, _add_distinct, self._distinct)

    def counts(self) -> Counts:
        """Gives the counts so far, a copy."""
        return Counts(
            tuple(self._index),
            self._cells.copy(),
            self._products.copy(),
            self._singles + self._clusters.used,
            self._distinct.copy(),
        )

    def _enter(self, results: Results) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Gives both players of each game as numbers of the tally, making room for new ones."""
        present = np.zeros(len(results.players), bool)
        present[results.first] = present[results.second] = True
        numbers = np.full(len(results.players), _EMPTY)
        for k in np.flatnonzero(present):
            numbers[k] = self._index.setdefault(results.players[k], len(self._index))
        size = len(self._index)
        missing = size * (size - 1) // 2 - len(self._cells)
        if missing:
            self._cells = np.pad(self._cells, ((0, missing), (0, 0), (0, 0)))
            self._products = np.pad(self._products, ((0, missing), (0, 0)))
            self._distinct = np.pad(self._distinct, (0, missing))
        return numbers[results.first], numbers[results.second]


class _Table:
    """Open addressing from two words to a few sums, at most half full."""

    def __init__(self, values: int) -> None:
        self.used = 0
        self._keys, self._values = self._room(64, values)

    @staticmethod
    def _room(size: int, values: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return np.full((size, 2), _EMPTY), np.zeros((size, values), np.int64)

    def update(self, games: NDArray[np.int64], kernel: Any, totals: NDArray[np.int64]) -> None:
        """Runs `kernel` over `games`, `int64[G, 4]`, doubling the table whenever it stops."""
        hashes = mix(games[:, 0], games[:, 1])
        done = 0
        while done < len(games):
            step, self.used = kernel(
                games[done:], hashes[done:], self._keys, self._values, self.used, totals
            )
            done += step
            if 2 * self.used >= len(self._keys):
                self._grow()

    def _grow(self) -> None:
        full = np.flatnonzero(self._keys[:, 0] != _EMPTY)
        keys, values = self._room(4 * len(self._keys), self._values.shape[1])
        slots = _place(self._keys[full], mix(self._keys[full, 0], self._keys[full, 1]), keys)
        values[slots] = self._values[full]
        self._keys, self._values = keys, values


def _no_counts(size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    pairings = size * (size - 1) // 2
    return np.zeros((pairings, 2, 3), np.int64), np.zeros((pairings, NUM_PRODUCTS), np.int64)


@njit(cache=True)
def _add_products(sums: Any, sign: int, products: Any) -> None:
    """Adds `sign` times the products of one cluster's sums."""
    k = 0
    for x in range(4):
        for y in range(x, 4):
            products[k] += sign * sums[x] * sums[y]
            k += 1


@njit(cache=True)
def _count_ascending(
    first: Any, second: Any, score2: Any, cluster: Any, cells: Any, products: Any
) -> int:
    """Gives the number of clusters, -1 where a pairing's openings do not ascend."""
    sums = np.zeros((cells.shape[0], 4), np.int64)
    current = np.full(cells.shape[0], _NEVER)
    clusters = 0
    for k in range(first.size):
        i, j, seat = np.int64(first[k]), np.int64(second[k]), 0
        if i > j:
            i, j, seat = j, i, 1
        row = ((j * (j - 1)) >> 1) + i
        points = np.int64(score2[k])
        cells[row, seat, points] += 1
        opening = cluster[k]
        if opening == ALONE or opening != current[row]:
            if opening == ALONE:
                products[row, 7 * seat] += points * points
                products[row, 7 * seat + 1] += points
                products[row, 4 + 5 * seat] += 1
                clusters += 1
                continue
            if opening < current[row]:
                return -1
            _add_products(sums[row], 1, products[row])
            sums[row] = 0
            current[row] = opening
            clusters += 1
        sums[row, 2 * seat] += points
        sums[row, 2 * seat + 1] += 1
    for row in range(cells.shape[0]):
        _add_products(sums[row], 1, products[row])
    return clusters


@njit(cache=True)
def _add_single(games: Any, products: Any) -> None:
    """Adds games that are clusters of their own."""
    for k in range(games.shape[0]):
        row, seat, points = games[k, 0], games[k, 2], games[k, 3]
        products[row, 7 * seat] += points * points
        products[row, 7 * seat + 1] += points
        products[row, 4 + 5 * seat] += 1


@njit(cache=True)
def _slot(first: int, second: int, word: Any, keys: Any) -> int:
    """Gives where a key stands or has room; `word` is its hash."""
    mask = np.uint64(keys.shape[0] - 1)
    slot = np.int64(word & mask)
    while keys[slot, 0] != _EMPTY and (keys[slot, 0] != first or keys[slot, 1] != second):
        slot = (slot + 1) & (keys.shape[0] - 1)
    return slot


@njit(cache=True)
def _place(olds: Any, hashes: Any, keys: Any) -> Any:
    """Gives the slots of keys that are moved into an empty table."""
    slots = np.empty(olds.shape[0], np.int64)
    for k in range(olds.shape[0]):
        slots[k] = _slot(olds[k, 0], olds[k, 1], hashes[k], keys)
        keys[slots[k]] = olds[k]
    return slots


@njit(cache=True)
def _add_clustered(
    games: Any, hashes: Any, keys: Any, sums: Any, used: int, products: Any
) -> tuple[int, int]:
    """Gives the games added before the table was half full, and its keys."""
    for k in range(games.shape[0]):
        if 2 * used >= keys.shape[0]:
            return k, used
        row, seat = games[k, 0], games[k, 2]
        slot = _slot(row, games[k, 1], hashes[k], keys)
        if keys[slot, 0] == _EMPTY:
            keys[slot] = games[k, :2]
            used += 1
        _add_products(sums[slot], -1, products[row])
        sums[slot, 2 * seat] += games[k, 3]
        sums[slot, 2 * seat + 1] += 1
        _add_products(sums[slot], 1, products[row])
    return games.shape[0], used


@njit(cache=True)
def _add_distinct(
    games: Any, hashes: Any, keys: Any, repeats: Any, used: int, distinct: Any
) -> tuple[int, int]:
    """Gives the games added before the table was half full, and its keys."""
    for k in range(games.shape[0]):
        if 2 * used >= keys.shape[0]:
            return k, used
        slot = _slot(games[k, 0], games[k, 1], hashes[k], keys)
        if keys[slot, 0] == _EMPTY:
            keys[slot] = games[k, :2]
            used += 1
            distinct[games[k, 0] >> 1] += 1
        repeats[slot, 0] += 1
    return games.shape[0], used
