"""What players thought of their moves, as records keep it.

Axes: `B` games side by side, `T` moves, `R` rows to move, `A` actions. Everything is seen by the
player to move. Numbers are kept in few bits: values in 32,767 steps of the largest, probabilities
in 255, and of the expected returns how far each is below the best, in 254 steps of the farthest.
Where one plays alone only value and policy are kept (the expected returns where there is no
policy), of some 2,000 moves spread over the episode at most.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.base import Decisions

FORMAT = 1
"""Version of the bytes, the first of them."""
_HEAD = struct.Struct("<IHff")
"""Moves, actions, step of a value, step of what an expected return lacks."""
_VALUE, _POLICY, _VISITS, _Q, _LINE = (1 << bit for bit in range(5))
_STEPS, _SHARES, _LACKS, _UNKNOWN = 32_767, 255, 254, 255
_KEPT_ALONE = 2_000
_LONGEST_LINE = 255


class ThoughtsError(ValueError):
    """Bytes that are no thoughts of a game."""


class Thought(NamedTuple):
    """What a player thought before one move; None = it did not say."""

    value: float | None
    """Expected return of the rest of the episode."""
    policy: list[float] | None
    """Probability of each action."""
    visits: list[int] | None
    """Simulations that went through each action."""
    q: list[float | None] | None
    """Expected return after each action, None where it is unknown."""
    line: list[int] | None
    """The play expected next, the own action first."""


class _Note(NamedTuple):
    """What was said of some rows at one moment."""

    move: int
    rows: NDArray[np.int64]
    arrays: dict[int, NDArray[Any]]
    """By field: `[R]` or `[R, A]`."""
    lines: list[bytes] | None


class Notebook:
    """Gathers what players say while `B` games are played."""

    def __init__(self, games: int, actions: int, alone: bool) -> None:
        """Begins empty.

        Args:
            games: `B`.
            actions: `A`.
            alone: whether one plays alone.
        """
        self._games, self._actions, self._alone = games, actions, alone
        self._notes: list[_Note] = []

    def add(self, move: int, rows: NDArray[np.int64], said: Decisions) -> None:
        """Notes what was said of some rows; what has not the form of the contract is left out.

        Args:
            move: actions recorded before, the same number for all rows.
            rows: `int64[R]`.
            said: of these rows.
        """
        policy_only = self._alone and said.policy is not None
        given = {
            _VALUE: (said.value, (len(rows),), np.float64),
            _POLICY: (said.policy, (len(rows), self._actions), np.float64),
            _VISITS: (None if self._alone else said.visits, (len(rows), self._actions), np.int64),
            _Q: (None if policy_only else said.q, (len(rows), self._actions), np.float64),
        }
        arrays = {
            field: array
            for field, (numbers, shape, kind) in given.items()
            if numbers is not None and (array := _array(numbers, shape, kind)) is not None
        }
        lines = None if self._alone or said.line is None else _lines(said.line, len(rows))
        if arrays or lines:
            self._notes.append(_Note(move, rows, arrays, lines))

    def packed(self, lengths: Sequence[int]) -> list[bytes | None]:
        """Gives what is to be stored of each game; None where nobody said anything.

        Args:
            lengths: moves of each of the `B` games.
        """
        if not self._notes:
            return [None] * self._games
        sheets = self._sheets(max(lengths))
        every = [_spread(length) if self._alone else 1 for length in lengths]
        return [
            sheets.packed(row, *game) for row, game in enumerate(zip(lengths, every, strict=True))
        ]

    def _sheets(self, moves: int) -> _Sheets:
        sheets = _Sheets.blank(self._games, moves, self._actions)
        for note in self._notes:
            if note.move >= moves:
                continue  # of one that forfeited then
            for field, array in note.arrays.items():
                sheets.write(field, note.rows, note.move, array)
            for row, line in zip(note.rows.tolist(), note.lines or (), strict=bool(note.lines)):
                sheets.lines[row, note.move] = line
                sheets.fields[row, note.move] |= _LINE
        return sheets


class _Sheets(NamedTuple):
    """What was said of all games, in the order of moves."""

    fields: NDArray[np.uint8]
    """`uint8[B, T]`, which fields are known."""
    value: NDArray[np.float64]
    """`float64[B, T]`."""
    policy: NDArray[np.float32]
    """`float32[B, T, A]`."""
    visits: NDArray[np.int64]
    """`int64[B, T, A]`."""
    q: NDArray[np.float32]
    """`float32[B, T, A]`."""
    lines: dict[tuple[int, int], bytes]
    """By game and move."""

    @classmethod
    def blank(cls, games: int, moves: int, actions: int) -> _Sheets:
        each = games, moves
        return cls(
            np.zeros(each, np.uint8),
            np.zeros(each),
            np.zeros((*each, actions), np.float32),
            np.zeros((*each, actions), np.int64),
            np.full((*each, actions), np.nan, np.float32),
            {},
        )

    def write(self, field: int, rows: NDArray[np.int64], move: int, array: NDArray[Any]) -> None:
        """Notes one field of some games at one move, where its numbers can be used."""
        each = np.isfinite(array).reshape(len(rows), -1)
        known = each.any(1) if field == _Q else each.all(1)
        places = rows[known]
        target: dict[int, NDArray[Any]]
        target = {_VALUE: self.value, _POLICY: self.policy, _VISITS: self.visits, _Q: self.q}
        target[field][places, move] = array[known]
        self.fields[places, move] |= field

    def packed(self, row: int, length: int, every: int) -> bytes | None:
        """Gives what is stored of one game of so many moves, of which every so many is kept."""
        fields = np.where(np.arange(length) % every, np.uint8(0), self.fields[row, :length])
        if not fields.any():
            return None
        value = self.value[row, :length][(fields & _VALUE) > 0]
        policy = self.policy[row, :length][(fields & _POLICY) > 0]
        visits = self.visits[row, :length][(fields & _VISITS) > 0]
        q = self.q[row, :length][(fields & _Q) > 0].astype(np.float64)
        q[~np.isfinite(q)] = np.nan
        best = np.nanmax(q, 1) if len(q) else np.zeros(0)
        lacks = best[:, None] - q
        largest = np.float32(max(np.abs(value).max(initial=1), np.abs(best).max(initial=1)))
        farthest = np.float32(np.nanmax(lacks, initial=0) or 1)
        step, lack = float(largest / _STEPS), float(farthest / _LACKS)
        lines = [self.lines[row, move] for move in np.flatnonzero(fields & _LINE).tolist()]
        parts = [
            _HEAD.pack(length, q.shape[1], step, lack),
            fields.tobytes(),
            _planes(_coded(value / step, _STEPS, np.int16)),
            _coded(policy * _SHARES, _SHARES, np.uint8).tobytes(),
            _planes(np.clip(visits, 0, 2**32 - 1).astype(np.uint32)),
            _planes(_coded(best / step, _STEPS, np.int16)),
            _coded(np.where(np.isnan(lacks), _UNKNOWN, lacks / lack), 255, np.uint8).tobytes(),
            bytes(len(line) for line in lines),
            *lines,
        ]
        return bytes([FORMAT]) + zlib.compress(b"".join(parts))


def of(said: Decisions, actions: int) -> Thought | None:
    """Gives what was said of a single row, as records would keep it; None where it is nothing."""
    book = Notebook(1, actions, alone=False)
    book.add(0, np.zeros(1, np.int64), said)
    (data,) = book.packed([1])
    return None if data is None else unpack(data)[0]


def unpack(data: bytes) -> list[Thought | None]:
    """Gives what was thought before each recorded move, None where nobody said anything.

    Raises:
        ThoughtsError: when the bytes are damaged, or of another version.
    """
    if data[:1] != bytes([FORMAT]):
        raise ThoughtsError(
            f"thoughts of format {data[:1].hex() or 'none'}, this arena reads {FORMAT}; "
            "use the version that wrote them"
        )
    try:
        return _read(zlib.decompress(data[1:]))
    except (zlib.error, struct.error, ValueError, IndexError) as error:
        raise ThoughtsError(f"damaged thoughts: {error}") from error


def _read(data: bytes) -> list[Thought | None]:
    moves, actions, step, lack = _HEAD.unpack_from(data)
    take = _Reader(data, _HEAD.size)
    fields = take.bytes(moves)
    many = {bit: int(((fields & bit) > 0).sum()) for bit in (1, 2, 4, 8, 16)}
    value = take.planes(many[_VALUE], np.int16) * step
    policy = take.bytes(many[_POLICY] * actions).reshape(-1, actions) / _SHARES
    visits = take.planes(many[_VISITS] * actions, np.uint32).reshape(-1, actions)
    best = take.planes(many[_Q], np.int16) * step
    lacks = take.bytes(many[_Q] * actions).reshape(-1, actions)
    q = [
        [None if code == _UNKNOWN else top - code * lack for code in codes]
        for top, codes in zip(best.tolist(), lacks.tolist(), strict=True)
    ]
    sizes = take.bytes(many[_LINE]).tolist()
    lines = [take.bytes(size).tolist() for size in sizes]
    columns: list[Iterator[Any]] = [
        iter(column) for column in (value.tolist(), policy.tolist(), visits.tolist(), q)
    ]
    columns.append(iter(lines))

    def thought(field: int) -> Thought:
        return Thought._make(next(c) if field & 1 << bit else None for bit, c in enumerate(columns))

    return [thought(field) if field else None for field in fields.tolist()]


class _Reader:
    """Reads one array after the other."""

    def __init__(self, data: bytes, place: int) -> None:
        self._data, self._place = data, place

    def bytes(self, count: int) -> NDArray[np.uint8]:
        """Gives so many bytes. Raises ValueError when there are fewer."""
        found = np.frombuffer(self._data, np.uint8, count, self._place) if count else _NOTHING
        self._place += count
        return found

    def planes(self, count: int, kind: type[np.integer[Any]]) -> NDArray[Any]:
        """Gives numbers that `_planes` wrote."""
        size = np.dtype(kind).itemsize
        found = self.bytes(count * size).reshape(size, -1)
        return np.ascontiguousarray(found.T).view(np.dtype(kind).newbyteorder("<")).reshape(-1)


_NOTHING = np.zeros(0, np.uint8)


def _planes(numbers: NDArray[Any]) -> bytes:
    """Gives the lowest bytes of all numbers, then the next: what is alike stands together."""
    small = np.ascontiguousarray(numbers).astype(numbers.dtype.newbyteorder("<"))
    return small.reshape(-1, 1).view(np.uint8).T.tobytes()


def _coded(numbers: NDArray[Any], most: int, kind: type[Any]) -> NDArray[Any]:
    low = 0 if kind is np.uint8 else -most
    return np.asarray(np.clip(np.round(numbers), low, most).astype(kind))


def _spread(moves: int) -> int:
    """Gives which move counts, every so many, where one plays alone."""
    return max(-(-moves // _KEPT_ALONE), 1)


def _array(numbers: Any, shape: tuple[int, ...], kind: type[Any]) -> NDArray[Any] | None:
    """Gives a copy of numbers in the form of the contract, None where they have another."""
    try:
        array = np.array(numbers, kind)
    except (TypeError, ValueError, OverflowError):
        return None
    return array if array.shape == shape else None


def _lines(lines: Any, rows: int) -> list[bytes] | None:
    """Gives the lines of so many rows, None where they are something else."""
    try:
        found = [bytes(int(action) for action in line)[:_LONGEST_LINE] for line in lines]
    except (TypeError, ValueError, OverflowError):
        return None
    return found if len(found) == rows else None
