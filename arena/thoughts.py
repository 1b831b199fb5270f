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
from collections.abc import Iterator, Mapping, Sequence
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
_WINDOW, _MEMORY = 12, 5
"""Of the compression: a game has about a kilobyte, and what is small begins in half the time."""


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
        return self._sheets(max(1, *lengths)).packed(lengths, self._alone)

    def _sheets(self, moves: int) -> _Sheets:
        sheets = _Sheets.blank(self._games, moves, self._actions)
        notes = [note for note in self._notes if note.move < moves]  # no move: a forfeit
        for field in (_VALUE, _POLICY, _VISITS, _Q):
            some = [note for note in notes if field in note.arrays]
            if some:
                rows = np.concatenate([note.rows for note in some])
                at = np.repeat([note.move for note in some], [len(note.rows) for note in some])
                sheets.write(field, (rows, at), np.concatenate([n.arrays[field] for n in some]))
        for note in notes:
            if note.lines:
                places = zip(note.rows.tolist(), [note.move] * len(note.lines), strict=True)
                sheets.lines.update(zip(places, note.lines, strict=True))
                sheets.fields[note.rows, note.move] |= _LINE
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

    def write(
        self, field: int, places: tuple[NDArray[np.int64], NDArray[np.int64]], array: NDArray[Any]
    ) -> None:
        """Notes one field at some places, games and moves, where its numbers can be used."""
        each = np.isfinite(array).reshape(len(array), -1)
        known = each.any(1) if field == _Q else each.all(1)
        rows, moves = places[0][known], places[1][known]
        target: dict[int, NDArray[Any]]
        target = {_VALUE: self.value, _POLICY: self.policy, _VISITS: self.visits, _Q: self.q}
        target[field][rows, moves] = array[known]
        self.fields[rows, moves] |= field

    def packed(self, lengths: Sequence[int], alone: bool) -> list[bytes | None]:
        """Gives what is stored of each game; of long ones that one plays alone, some moves."""
        ends = np.array(lengths)[:, None]
        every = np.maximum(-(-ends // _KEPT_ALONE), 1) if alone else np.ones_like(ends)
        moves = np.arange(self.fields.shape[1])
        kept = (moves < ends) & (moves % every == 0)
        codes = self._codes(np.where(kept, self.fields, np.uint8(0)))
        return [codes.packed(row, length, self.lines) for row, length in enumerate(lengths)]

    def _codes(self, fields: NDArray[np.uint8]) -> _Codes:
        """Gives the numbers of all games in few bits, each game with steps of its own."""
        known = np.isfinite(self.q) & ((fields & _Q) > 0)[..., None]
        best = np.where(known, self.q, -np.inf).max(2).astype(np.float64)
        best[~known.any(2)] = 0
        lacks = np.where(known, best[..., None] - self.q, 0)
        value = np.where(fields & _VALUE, self.value, 0)
        largest = np.maximum(np.maximum(np.abs(value), np.abs(best)).max(1), 1)
        farthest = lacks.max((1, 2))
        farthest[farthest == 0] = 1
        step, lack = largest / _STEPS, farthest / _LACKS
        lacked = (lacks / lack[:, None, None]).round().astype(np.uint8)
        return _Codes(
            fields,
            step,
            lack,
            (value / step[:, None]).round().astype("<i2"),
            (self.policy * _SHARES).round().clip(0, _SHARES).astype(np.uint8),
            self.visits.clip(0, 2**32 - 1).astype("<u4"),
            (best / step[:, None]).round().astype("<i2"),
            np.where(known, lacked, np.uint8(_UNKNOWN)),
        )


class _Codes(NamedTuple):
    """What is stored of all games, in the order of moves."""

    fields: NDArray[np.uint8]
    """`uint8[B, T]`."""
    step: NDArray[np.float64]
    """`float64[B]`, of a value."""
    lack: NDArray[np.float64]
    """`float64[B]`, of what an expected return lacks."""
    value: NDArray[np.int16]
    """`int16[B, T]`, steps."""
    policy: NDArray[np.uint8]
    """`uint8[B, T, A]`."""
    visits: NDArray[np.uint32]
    """`uint32[B, T, A]`."""
    best: NDArray[np.int16]
    """`int16[B, T]`, steps."""
    lacks: NDArray[np.uint8]
    """`uint8[B, T, A]`."""

    def packed(self, row: int, length: int, lines: Mapping[tuple[int, int], bytes]) -> bytes | None:
        """Gives what is stored of one game, None where it is nothing."""
        fields = self.fields[row, :length]
        if not fields.any():
            return None
        valued, with_policy, visited, expected, lined = (
            np.flatnonzero(fields & field) for field in (_VALUE, _POLICY, _VISITS, _Q, _LINE)
        )
        own = [lines[row, move] for move in lined.tolist()]
        parts = [
            _HEAD.pack(length, self.policy.shape[2], self.step[row], self.lack[row]),
            fields.tobytes(),
            _planes(self.value[row, valued]),
            self.policy[row, with_policy].tobytes(),
            _planes(self.visits[row, visited]),
            _planes(self.best[row, expected]),
            self.lacks[row, expected].tobytes(),
            bytes(map(len, own)),
            *own,
        ]
        small = zlib.compressobj(6, zlib.DEFLATED, _WINDOW, _MEMORY)
        return bytes([FORMAT]) + small.compress(b"".join(parts)) + small.flush()


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
    return numbers.reshape(-1, 1).view(np.uint8).T.tobytes()


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
        found = [bytes(list(line))[:_LONGEST_LINE] for line in lines]
    except (TypeError, ValueError, OverflowError):
        return None
    return found if len(found) == rows else None
