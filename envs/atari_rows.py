"""Some rows of Atari games that one process plays. Axes: `B` rows of the whole batch.

What is seen lies in one block of memory, the board, that all processes of a batch share; each
writes the rows that it plays.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.atari_env import Atari
from envs.base import EnvSpec, Start


class Board(NamedTuple):
    """The moments of all rows, and what is asked of them."""

    observation: NDArray[np.uint8]
    """`[B, stack, screen, screen]`."""
    actions: NDArray[np.int64]
    """`[B]`, what is to be played next."""
    rewards: NDArray[np.float64]
    """`[B]`."""
    terminated: NDArray[np.bool_]
    """`[B]`."""
    truncated: NDArray[np.bool_]
    """`[B]`."""
    lives: NDArray[np.int64]
    """`[B]`."""
    digests: NDArray[np.uint64]
    """`[B]`, as they were when last asked for."""


class Order(NamedTuple):
    """An episode to begin."""

    row: int
    seed: int
    start: Start | None


def _layout(spec: EnvSpec, num_rows: int) -> list[tuple[tuple[int, ...], Any]]:
    """Gives shape and type of every field of the board."""
    rows = (num_rows,)
    whole, flag = np.dtype(np.int64), np.dtype(np.bool_)
    picture = ((*rows, *spec.observation_shape), np.dtype(np.uint8))
    numbers = [(rows, whole), (rows, np.dtype(np.float64)), (rows, flag), (rows, flag)]
    return [picture, *numbers, (rows, whole), (rows, np.dtype(np.uint64))]


def board_size(spec: EnvSpec, num_rows: int) -> int:
    """Gives the bytes that a board takes."""
    return sum(_padded(shape, dtype) for shape, dtype in _layout(spec, num_rows))


def board_on(memory: mmap.mmap, spec: EnvSpec, num_rows: int) -> Board:
    """Gives the board that lies in a block of memory."""
    arrays, offset = [], 0
    for shape, dtype in _layout(spec, num_rows):
        count = int(np.prod(shape))
        arrays.append(np.frombuffer(memory, dtype, count, offset).reshape(shape))
        offset += _padded(shape, dtype)
    return Board(*arrays)


def _padded(shape: tuple[int, ...], dtype: Any) -> int:
    """Gives the bytes of a field, up to a multiple of 64, so that each begins well aligned."""
    return int(-(-int(np.prod(shape)) * dtype.itemsize // 64) * 64)


class Rows:
    """The games of some rows; every episode begins with seed 0 until it is told otherwise."""

    def __init__(self, spec: EnvSpec, board: Board, rows: Sequence[int]) -> None:
        """Starts an emulator for each of `rows` and puts their first moments on the board."""
        self._board = board
        self._envs = {row: Atari(spec) for row in rows}
        for row, env in self._envs.items():
            env.seen = board.observation[row]
        self.reset([Order(row, 0, None) for row in rows])

    def reset(self, orders: Sequence[Order]) -> None:
        """Begins episodes; the rewards of all rows are 0 then.

        Raises:
            IllegalActionError: when a start breaks the rules or ends the game; the rows before it
                have begun.
        """
        for row in self._envs:
            self._board.rewards[row] = 0
        for row, seed, start in orders:
            self._envs[row].reset(seed, start)
            self._put(row, 0)

    def step(self) -> None:
        """Plays the actions on the board; rows that have ended stand still, their rewards 0."""
        board = self._board
        for row, env in self._envs.items():
            if board.terminated[row] or board.truncated[row]:
                board.rewards[row] = 0
            else:
                self._put(row, env.play(board.actions[row]))

    def digest(self) -> None:
        """Puts the digests on the board."""
        for row, env in self._envs.items():
            self._board.digests[row] = int.from_bytes(env.digest(), "little")

    def _put(self, row: int, reward: int) -> None:
        board, env = self._board, self._envs[row]
        board.rewards[row] = reward
        board.terminated[row], board.truncated[row] = env.terminated, env.truncated
        board.lives[row] = env.lives
