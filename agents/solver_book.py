"""What is known of the opening of 7x6 Connect Four. Axes: `N` positions of a ply.

Two books stand in `agents/books`, made by `scripts/make_books.py`. `scores` has the score of every
position of 8 plies; those of fewer follow from them. `moves` has the score and all best moves where
a player who always plays one of them can be to move, up to ply 11. Neither stores positions: they
are found again in a fixed order, each up to mirroring, without those that the mover wins at once.
`SHA256SUMS` beside them tells whether a file is damaged; then the book is left out, with a warning.
"""

from __future__ import annotations

import hashlib
import lzma
import warnings
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

COLUMNS, ROWS, CELLS = 7, 6, 42
SCORED_PLY = 8
"""Plies of the positions whose scores are stored."""
LAST_MOVE_PLY = 11
"""The last ply that best moves are stored for."""
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 0, "lp": 0, "pb": 0}]
"""How the files are packed; they have no header."""
SCORE_BIAS = 32
"""Added to a score to make a byte."""

_FOLDER = Path(__file__).with_name("books")
_HEIGHT = np.uint64(ROWS + 1)
_ONE, _TWO = np.uint64(1), np.uint64(2)
_BOTTOM = np.uint64(sum(1 << 7 * column for column in range(COLUMNS)))
_COLUMN = [np.uint64(0b111111 << 7 * column) for column in range(COLUMNS)]
_FULL = np.uint64(sum(0b111111 << 7 * column for column in range(COLUMNS)))

Words = NDArray[np.uint64]


class Layer(NamedTuple):
    """Distinct positions of a ply, in the order of their keys.

    Of a position and its mirror image it is the one with the smaller key.
    """

    keys: Words
    """`uint64[N]`, rising."""
    mine: Words
    """`uint64[N]`, discs of the player to move."""
    occupied: Words
    """`uint64[N]`, all discs."""


class Advice(NamedTuple):
    """What the book of moves says of a position."""

    score: int
    columns: list[int]
    """All that keep the score."""


class Scores(NamedTuple):
    """The scores of one ply."""

    keys: Words
    """`uint64[N]`, rising."""
    values: NDArray[np.int64]
    """`int64[N]`, for the player to move."""


class Moves(NamedTuple):
    """The best moves of one ply."""

    keys: Words
    """`uint64[N]`, rising."""
    values: NDArray[np.int64]
    """`int64[N]`, scores for the player to move."""
    masks: NDArray[np.int64]
    """`int64[N]`: bit `column` is set where that column keeps the score."""


def root() -> Layer:
    """Gives the layer of the empty board."""
    nothing = np.zeros(1, np.uint64)
    return Layer(nothing + _BOTTOM, nothing, nothing.copy())


def after(layer: Layer, masks: NDArray[np.int64] | None = None) -> Layer:
    """Gives the positions after all moves of a layer, or those that `masks`, `int64[N]`, name.

    Games that end with the move are left out.
    """
    mine, occupied = [], []
    wins = winning_cells(layer.mine)
    for column in range(COLUMNS):
        cell = landing(layer, column)
        played = cell & ~wins != 0
        if masks is not None:
            played &= masks >> column & 1 == 1
        mine.append((layer.mine ^ layer.occupied)[played])
        occupied.append((layer.occupied | cell)[played])
    return _distinct(np.concatenate(mine), np.concatenate(occupied))


def without_wins(layer: Layer) -> Layer:
    """Gives the positions of a layer that the mover cannot win at once."""
    playable = (layer.occupied + _BOTTOM) & _FULL
    quiet = winning_cells(layer.mine) & playable == 0
    return Layer(*(part[quiet] for part in layer))


def landing(layer: Layer, column: int) -> Words:
    """Gives the cell, `uint64[N]`, where a disc in `column` lands, 0 where it is full."""
    return (layer.occupied + (_BOTTOM & _COLUMN[column])) & _COLUMN[column]


def winning_cells(discs: Words) -> Words:
    """Gives the cells, taken or not, where one more disc makes four of each set, `uint64[N]`."""
    cells = np.zeros(len(discs), np.uint64)
    for shift in (_ONE, _HEIGHT - _ONE, _HEIGHT, _HEIGHT + _ONE):
        up, down = discs << shift, discs >> shift
        pairs = up & up << shift
        cells |= pairs & (pairs << shift | down)
        pairs = down & down >> shift
        cells |= pairs & (pairs >> shift | up)
    return cells


def mirrored(discs: Words) -> Words:
    """Gives each set, `uint64[N]`, with left and right swapped."""
    out = np.zeros_like(discs)
    for column in range(COLUMNS):
        moved = (discs & _COLUMN[column]) >> _HEIGHT * np.uint64(column)
        out |= moved << _HEIGHT * np.uint64(COLUMNS - 1 - column)
    return out


def _distinct(mine: Words, occupied: Words) -> Layer:
    keys = mine + occupied + _BOTTOM
    other_mine, other_occupied = mirrored(mine), mirrored(occupied)
    other_keys = other_mine + other_occupied + _BOTTOM
    turned = other_keys < keys
    keys, first = np.unique(np.where(turned, other_keys, keys), return_index=True)
    mine = np.where(turned, other_mine, mine)[first]
    return Layer(keys, mine, np.where(turned, other_occupied, occupied)[first])


def find(keys: Words, wanted: Words) -> NDArray[np.int64]:
    """Gives the place of each of `wanted` in the rising `keys`, -1 where it is not among them."""
    if not len(keys):
        return np.full(len(wanted), -1)
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[places] == wanted, places, -1)


def packed(values: NDArray[np.int64]) -> bytes:
    """Gives bytes that `_unpacked` reads again; `values` are in `0..255`."""
    return lzma.compress(values.astype(np.uint8).tobytes(), lzma.FORMAT_RAW, filters=FILTERS)


def _unpacked(data: bytes) -> NDArray[np.int64]:
    plain = lzma.decompress(data, lzma.FORMAT_RAW, filters=FILTERS)
    return np.frombuffer(plain, np.uint8).astype(np.int64)


def _read(name: str, folder: Path) -> bytes | None:
    """Gives the bytes of a book, None with a warning where it is missing or damaged."""
    try:
        data = (folder / name).read_bytes()
        sums = dict(line.split()[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
        fault = "is damaged" if hashlib.sha256(data).hexdigest() != sums.get(name) else ""
    except (OSError, ValueError):
        fault = "cannot be read"
    if not fault:
        return data
    text = f"the solver's book {folder / name} {fault}; it plays without, slower: install again"
    warnings.warn(text, RuntimeWarning, stacklevel=3)
    return None


@cache
def scores(folder: Path = _FOLDER) -> tuple[Scores, ...]:
    """Gives the scores of all plies to SCORED_PLY, nothing where the book is damaged."""
    data = _read("scores.xz", folder)
    if data is None:
        return ()
    layers = [root()]
    for _ in range(SCORED_PLY):
        layers.append(after(layers[-1]))
    last = layers[-1]
    values = np.full(len(last.keys), (CELLS + 1 - SCORED_PLY) // 2)
    values[find(last.keys, without_wins(last).keys)] = _unpacked(data) - SCORE_BIAS
    found = [Scores(last.keys, values)]
    for ply in range(SCORED_PLY - 1, -1, -1):
        found.append(_before(layers[ply], ply, found[-1]))
    return tuple(reversed(found))


def _before(layer: Layer, ply: int, following: Scores) -> Scores:
    """Gives the scores of a ply from those of the next."""
    values = np.full(len(layer.keys), -CELLS)
    wins = winning_cells(layer.mine)
    for column in range(COLUMNS):
        cell = landing(layer, column)
        child = _distinct_keys(layer.mine ^ layer.occupied, layer.occupied | cell)
        value = -following.values[find(following.keys, child)]
        value = np.where(cell & wins != 0, (CELLS + 1 - ply) // 2, value)
        values = np.where(cell != 0, np.maximum(values, value), values)
    return Scores(layer.keys, values)


def _distinct_keys(mine: Words, occupied: Words) -> Words:
    return np.asarray(
        np.minimum(mine + occupied + _BOTTOM, mirrored(mine) + mirrored(occupied) + _BOTTOM)
    )


@cache
def moves(folder: Path = _FOLDER) -> tuple[Moves, ...]:
    """Gives the best moves of all plies to LAST_MOVE_PLY, nothing where the book is damaged."""
    data = _read("moves.xz", folder)
    if data is None:
        return ()
    words = _unpacked(data)
    values, masks = words[: len(words) // 2] - SCORE_BIAS, words[len(words) // 2 :]
    found: dict[int, Moves] = {}
    place = 0
    for seat in (0, 1):
        layer = without_wins(after(root()) if seat else root())
        for ply in range(seat, LAST_MOVE_PLY + 1, 2):
            part = slice(place, place + len(layer.keys))
            found[ply] = Moves(layer.keys, values[part], masks[part])
            place = part.stop
            layer = without_wins(after(after(layer, masks[part])))
    return tuple(found[ply] for ply in sorted(found))


def score(mine: int, occupied: int) -> int | None:
    """Gives the score of a running position of at most SCORED_PLY plies, None for others."""
    ply = occupied.bit_count()
    if ply > SCORED_PLY or not scores():
        return None
    known = scores()[ply]
    key = _distinct_keys(np.array([mine], np.uint64), np.array([occupied], np.uint64))
    place = int(find(known.keys, key)[0])
    return None if place < 0 else int(known.values[place])


def advice(mine: int, occupied: int) -> Advice | None:
    """Gives the best moves where the book has them."""
    ply = occupied.bit_count()
    if ply > LAST_MOVE_PLY or not moves():
        return None
    known = moves()[ply]
    discs = np.array([mine], np.uint64), np.array([occupied], np.uint64)
    key = _distinct_keys(*discs)
    place = int(find(known.keys, key)[0])
    if place < 0:
        return None
    mask = int(known.masks[place])
    columns = [column for column in range(COLUMNS) if mask >> column & 1]
    if key[0] != discs[0][0] + discs[1][0] + _BOTTOM:
        columns = [COLUMNS - 1 - column for column in reversed(columns)]
    return Advice(int(known.values[place]), columns)
