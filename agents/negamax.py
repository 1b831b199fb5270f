"""Players that search Connect X by alpha-beta. Axes: `B` rows, `R` rows to move, `A` columns.

`depth=N` looks N plies ahead and plays alike on any machine; `seconds=S` looks as far as it gets in
S seconds a move, so its strength is the machine's. Among equally good moves a hash of the row's
seed and of the number of the player's own moves in it decides.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agents import board
from agents.base import AgentError, Clock, Decisions
from agents.negamax_search import (
    ILLEGAL,
    PROVEN,
    STOP,
    Search,
    begin,
    inner,
    look_up,
    new_search,
    score,
    score_moves,
)
from envs.base import EnvSpec, TimeStep
from envs.connectx import rules
from envs.seeding import derive, mix

_EVEN = 25.0
"""The estimate that counts as an expected return of a half."""
_DEEPEST = 63
_MARGIN = 0.03
"""Seconds kept back from a deadline, since a thread may wake late."""
_HALF = np.uint64(32)
_NONE, _ONE = np.uint64(0), np.uint64(1)


class Thoughts(NamedTuple):
    """What a search writes for `R` rows, all seen by the player to move."""

    action: NDArray[np.int64]
    """`int64[R]`, -1 where no move is left."""
    value: NDArray[np.float64]
    """`float64[R]`, expected return in [-1, 1]."""
    q: NDArray[np.float64]
    """`float64[R, A]`, expected return after each move; nan where a column is full."""
    line: NDArray[np.int8]
    """`int8[R, 64]`, the play expected, -1 after its end."""


def _new_thoughts(rows: int, columns: int) -> Thoughts:
    q = np.full((rows, columns), np.nan)
    return Thoughts(np.full(rows, -1), np.full(rows, np.nan), q, np.full((rows, 64), -1, np.int8))


@inner
def _expected_return(x: Any) -> Any:
    """Gives the return in [-1, 1] that a score promises: +-1 if proven, else x / (|x| + even)."""
    if abs(x) >= PROVEN:
        return 1.0 if x > 0 else -1.0
    return x / (abs(x) + _EVEN)


@inner
def _chosen(scores: Any, best: Any, word: Any) -> Any:
    """Gives one of the moves with the best score, which there must be."""
    ties = 0
    for column in range(scores.size):
        ties += scores[column] == best
    left = np.int64(((word >> _HALF) * np.uint64(ties)) >> _HALF)
    for column in range(scores.size):
        if scores[column] == best:
            if left == 0:
                return column
            left -= 1
    return -1


@inner
def _write_line(s: Any, mine: Any, occupied: Any, depth: Any, line: Any) -> None:
    """Writes the play that the table expects after the first move of `line`, which is there."""
    line[1:] = -1
    for ply in range(line.size):
        playable = rules.playable(s.g, occupied)
        wins = rules.winning_spots(s.g, mine) & playable
        spots = rules.winning_spots(s.g, mine ^ occupied)
        cell = rules.drop(s.g, occupied, line[0])
        if ply > 0:
            cells = wins or spots & playable
            if cells == _NONE and playable & ~(spots >> _ONE) == _NONE:
                cells = playable
            if cells == _NONE:
                key = rules.key(s.g, mine, occupied)
                settled, _, cells = look_up(s, key, depth - ply, ILLEGAL, -ILLEGAL)
                if not settled and ply < depth:  # overwritten since
                    score(s, mine, occupied, depth - ply)
                    settled, _, cells = look_up(s, key, depth - ply, ILLEGAL, -ILLEGAL)
                if not settled:
                    return
            cell = cells & (~cells + _ONE)
            line[ply] = rules.column_of(s.g, cell)
        if cell & wins or occupied | cell == s.g.full:
            return
        mine, occupied = mine ^ occupied, occupied | cell


@njit(cache=True, nogil=True)
def _think(s: Any, observations: Any, depths: Any, words: Any, out: Any) -> None:
    """Writes the thoughts on `uint8[R, 2, rows, columns]`.

    `depths`, rising, are searched in turn until one proves the outcome or `STOP` is set, which a
    first depth of 1 does not heed. `words`, `uint64[R]`, choose among equally good moves.
    """
    scores = np.empty(s.g.columns, np.int64)
    state = np.empty(2, np.uint64)
    for i in range(observations.shape[0]):
        rules.state(s.g, observations[i], state)
        left = rules.popcount(s.g.full ^ state[1])
        begin(s)
        for depth in depths:
            best = score_moves(s, state[0], state[1], depth, scores)
            if best == ILLEGAL or (depth > 1 and s.control[STOP]):
                break
            out.action[i] = out.line[i, 0] = _chosen(scores, best, words[i])
            out.value[i] = _expected_return(best)
            _write_line(s, state[0], state[1], depth, out.line[i])
            for column in range(s.g.columns):
                if scores[column] != ILLEGAL:
                    out.q[i, column] = _expected_return(scores[column])
            if abs(best) >= PROVEN or depth >= left:
                break


@contextmanager
def _stopped_after(seconds: float, control: NDArray[np.int64]) -> Iterator[None]:
    """Tells the search to stop after a time; the kernel runs beside the timer, without the GIL."""
    timer = Timer(max(0.0, seconds), control.__setitem__, (STOP, 1))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        control[STOP] = 0


class NegamaxPlayer:
    """Searches every board of Connect X and says what it expects after each move.

    `q` and `value` are +-1 where the search has seen the end, else the estimate x of open lines and
    threats as x / (|x| + 25). A proven win ends the search, so other moves' `q` may be shallower.
    """

    max_batch: int | None
    digest: str | None = None

    def __init__(self, *, depth: int | None = None, seconds: float | None = None) -> None:
        """Makes the player.

        Args:
            depth: plies to look ahead, 1 to 63.
            seconds: time to think about a move; less if a deadline is nearer.

        Raises:
            AgentError: when not exactly one is given, or it is out of range.
        """
        if depth is None and seconds is None:
            raise AgentError("negamax needs depth=N or seconds=S; write negamax:depth=4")
        if depth is not None and seconds is not None:
            raise AgentError("negamax takes depth=N or seconds=S, not both; leave one out")
        if depth is not None and not 1 <= depth <= _DEEPEST:
            raise AgentError(f"negamax cannot take depth={depth}; choose 1 to {_DEEPEST}")
        if seconds is not None and not 0 < seconds < np.inf:
            raise AgentError(f"negamax cannot take seconds={seconds:g}; choose more than 0")
        self.max_batch = None if depth else 1
        self._seconds = seconds
        # Every other depth: estimates after own and after the other's moves do not compare.
        self._depths = np.arange(2 - depth % 2, depth + 1, 2) if depth else np.arange(1, 64)
        self._slots = 2 ** min(depth + 6, 20) if depth else 2**21
        self._salt = derive("negamax")
        self._search: Search | None = None
        self._streams = np.zeros(0, np.uint64)
        self._moves = np.zeros(0, np.int64)

    def reset(self, spec: EnvSpec, seats: NDArray[np.int64], seeds: NDArray[np.int64]) -> None:
        """Prepares new episodes, and compiles before any clock runs.

        Raises:
            AgentError: when the environment is not Connect X.
        """
        g = board.geometry(spec, "negamax")
        if self._search is None or self._search.g != g:
            self._search = new_search(g, self._slots)
        self._streams = mix(seeds, self._salt)
        self._moves = np.zeros(len(seeds), np.int64)
        nothing = np.zeros((0, *spec.observation_shape), np.uint8)
        _think(self._search, nothing, self._depths, self._streams[:0], _new_thoughts(0, g.columns))

    def act(
        self, rows: NDArray[np.int64], steps: TimeStep, clock: Clock | None = None
    ) -> Decisions:
        """Searches the position of each row, one after the other."""
        assert self._search is not None, "reset comes first"
        began = time.monotonic()
        words = mix(self._streams[rows], self._moves[rows])
        self._moves[rows] += 1
        out = _new_thoughts(len(rows), self._search.g.columns)
        # A copy is always writable and contiguous: one type, hence one compiled kernel.
        observations = np.array(steps.observation, order="C")
        if self._seconds is None:
            _think(self._search, observations, self._depths, words, out)
        else:
            due = began + self._seconds
            if clock is not None:
                due = min(due, clock.deadline - _MARGIN)
            with _stopped_after(due - time.monotonic(), self._search.control):
                _think(self._search, observations, self._depths, words, out)
        lengths = (out.line >= 0).sum(1)
        line = [moves[:n].tolist() for moves, n in zip(out.line, lengths, strict=True)]
        return Decisions(out.action, out.value, q=out.q, line=line)
