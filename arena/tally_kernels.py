"""Counting games: kernels over arrays and a table. Axes: `P` players, `Q` pairings, `G` games.

Pairings, seats and the ten products of cluster sums are those of `tally`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from arena.results import ALONE
from envs.seeding import mix

_EMPTY = -1
_NEVER = np.iinfo(np.int64).min


class Table:
    """Open addressing from two words to a few sums, at most half full."""

    def __init__(self, values: int) -> None:
        """Starts empty, with room for `values` sums a key."""
        self.used = 0
        self._keys, self._values = self._room(64, values)

    @staticmethod
    def _room(size: int, values: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return np.full((size, 2), _EMPTY), np.zeros((size, values), np.int64)

    def update(self, games: NDArray[np.int64], kernel: Any, totals: Any) -> None:
        """Adds games by a kernel that stops when the table is half full.

        Args:
            games: `int64[G, columns]`; the first two columns are the key.
            kernel: `add_clustered` or `add_distinct`.
            totals: arrays that the kernel keeps up to date.
        """
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


@njit(cache=True)
def games_by_seat(cells: Any) -> Any:
    """Gives the games of each pairing by seat, `int64[Q, 2]`."""
    out = np.empty((cells.shape[0], 2), np.int64)
    for row in range(cells.shape[0]):
        for seat in range(2):
            out[row, seat] = cells[row, seat, 0] + cells[row, seat, 1] + cells[row, seat, 2]
    return out


@njit(cache=True)
def sums_by_player(values: Any, num_players: int) -> Any:
    """Gives the sums of `[Q]` values over each player's pairings, `[P]`."""
    out = np.zeros(num_players, values.dtype)
    row = 0
    for j in range(1, num_players):
        for i in range(j):
            out[i] += values[row]
            out[j] += values[row]
            row += 1
    return out


@njit(cache=True)
def points_taken(cells: Any, num_players: int) -> Any:
    """Gives the points that each row's player took from each column's, `float64[P, P]`."""
    taken = np.zeros((num_players, num_players))
    row = 0
    for j in range(1, num_players):
        for i in range(j):
            drawn = 0.5 * (cells[row, 0, 1] + cells[row, 1, 1])
            taken[i, j] = cells[row, 0, 2] + cells[row, 1, 0] + drawn
            taken[j, i] = cells[row, 0, 0] + cells[row, 1, 2] + drawn
            row += 1
    return taken


@njit(cache=True)
def _add_products(sums: Any, sign: int, products: Any) -> None:
    """Adds `sign` times the products of one cluster's sums."""
    k = 0
    for x in range(4):
        for y in range(x, 4):
            products[k] += sign * sums[x] * sums[y]
            k += 1


@njit(cache=True)
def count_pairs(
    first: Any, second: Any, score2: Any, cluster: Any, pairs: Any, singles: Any
) -> bool:
    """Gives True where each game is alone or in an ascending pair; else what is out is unusable.

    Args:
        first: this and the next three are columns of `Results`.
        second: see `first`.
        score2: see `first`.
        cluster: see `first`.
        pairs: `int64[Q, 3, 3]`, out: pairs of games by the `score2` of seat 0 and of seat 1.
        singles: `int64[Q, 2, 3]`, out: games alone by seat and `score2`.
    """
    latest = np.full(pairs.shape[0], _NEVER)
    k = 0
    while k < first.size:
        seat = np.uint64(first[k] > second[k])
        i, j = np.uint64(min(first[k], second[k])), np.uint64(max(first[k], second[k]))
        row = ((j * (j - np.uint64(1))) >> np.uint64(1)) + i
        opening = cluster[k]
        if opening == ALONE:
            singles[row, seat, np.uint64(score2[k])] += 1
            k += 1
            continue
        if (
            opening <= latest[row]
            or k + 1 == first.size
            or cluster[k + 1] != opening
            or first[k + 1] != second[k]
            or second[k + 1] != first[k]
        ):
            return False
        latest[row] = opening
        if seat:
            pairs[row, np.uint64(score2[k + 1]), np.uint64(score2[k])] += 1
        else:
            pairs[row, np.uint64(score2[k]), np.uint64(score2[k + 1])] += 1
        k += 2
    return True


@njit(cache=True)
def expand(pairs: Any, cells: Any, products: Any, clusters: Any) -> None:
    """Adds pairs of games to `cells`, which hold the single ones, writes products and clusters."""
    sums = np.zeros(4, np.int64)
    for row in range(cells.shape[0]):
        clusters[row] = cells[row].sum() + pairs[row].sum()
        for seat in range(2):
            for points in range(3):
                games = cells[row, seat, points]
                products[row, 7 * seat] += games * points * points
                products[row, 7 * seat + 1] += games * points
                products[row, 4 + 5 * seat] += games
        for a0 in range(3):
            for a1 in range(3):
                games = pairs[row, a0, a1]
                if games:
                    cells[row, 0, a0] += games
                    cells[row, 1, a1] += games
                    sums[0], sums[1], sums[2], sums[3] = a0, 1, a1, 1
                    _add_products(sums, games, products[row])


@njit(cache=True)
def add_single(games: Any, products: Any, clusters: Any) -> None:
    """Adds games that are clusters of their own; columns as in `add_clustered`."""
    for k in range(games.shape[0]):
        row, seat, points = games[k, 0], games[k, 2], games[k, 3]
        products[row, 7 * seat] += points * points
        products[row, 7 * seat + 1] += points
        products[row, 4 + 5 * seat] += 1
        clusters[row] += 1


@njit(cache=True)
def _slot(first: int, second: int, word: Any, keys: Any) -> Any:
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
def add_clustered(
    games: Any, hashes: Any, keys: Any, sums: Any, used: int, totals: Any
) -> tuple[int, int]:
    """Gives the games added before the table was half full, and its keys.

    Args:
        games: `int64[G, 4]`: pairing, opening, seat, score2.
        hashes: `uint64[G]`, of the first two columns.
        keys: of the table.
        sums: of the table: `(a0, n0, a1, n1)`.
        used: keys in the table.
        totals: `products`, `clusters` of `Counts`.
    """
    products, clusters = totals
    for k in range(games.shape[0]):
        if 2 * used >= keys.shape[0]:
            return k, used
        row, seat = games[k, 0], games[k, 2]
        slot = _slot(row, games[k, 1], hashes[k], keys)
        if keys[slot, 0] == _EMPTY:
            keys[slot] = games[k, :2]
            used += 1
            clusters[row] += 1
        _add_products(sums[slot], -1, products[row])
        sums[slot, 2 * seat] += games[k, 3]
        sums[slot, 2 * seat + 1] += 1
        _add_products(sums[slot], 1, products[row])
    return games.shape[0], used


@njit(cache=True)
def add_distinct(
    games: Any, hashes: Any, keys: Any, played: Any, used: int, totals: Any
) -> tuple[int, int]:
    """Gives the games added before the table was half full, and its keys.

    Args:
        games: `int64[G, 2]`: the place in `repeats`, the moves.
        hashes: `uint64[G]`, of both columns.
        keys: of the table.
        played: of the table: how often a game was played.
        used: keys in the table.
        totals: `repeats` as one axis, and `distinct`, of `Counts`.
    """
    repeats, distinct = totals
    for k in range(games.shape[0]):
        if 2 * used >= keys.shape[0]:
            return k, used
        place = games[k, 0]
        slot = _slot(place, games[k, 1], hashes[k], keys)
        if keys[slot, 0] == _EMPTY:
            keys[slot] = games[k]
            used += 1
            distinct[place // 6] += 1
        repeats[place] += 2 * played[slot, 0] + 1
        played[slot, 0] += 1
    return games.shape[0], used
