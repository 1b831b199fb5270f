"""Atari games side by side, for training. Axes: `B` rows, `R` rows that begin.

Each row is a scalar episode, whatever its neighbours. The rows are dealt out to as many processes
as there are cores; this one plays the first share itself.
"""

from __future__ import annotations

import mmap
import os
import weakref
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from envs.atari_rows import Order, Rows, board_on, board_size
from envs.atari_worker import Worker
from envs.base import Array, EnvOptionError, EnvSpec, IllegalActionError, Start, TimeStep

_LEAST = 2
"""Rows that are worth a process."""


class AtariVector:
    """`B` games of one kind; ended ones cost no time."""

    def __init__(self, spec: EnvSpec, num_rows: int, num_workers: int | None = None) -> None:
        """Starts the emulators; all rows begin with seed 0.

        Args:
            spec: what the registry gives for the game.
            num_rows: at least 1.
            num_workers: processes that play, this one among them; as many as there are cores that
                this process may use, of two rows at least, if None.

        Raises:
            EnvOptionError: when there is no row or no worker.
        """
        if num_rows < 1 or (num_workers is not None and num_workers < 1):
            raise EnvOptionError(
                f"{num_rows} rows and {num_workers} workers of {spec.id} cannot be; give 1 or more"
            )
        self.spec, self.num_rows = spec, num_rows
        cores = min(len(os.sched_getaffinity(0)), max(1, num_rows // _LEAST))
        shares = np.array_split(np.arange(num_rows), min(num_workers or cores, num_rows))
        file = os.memfd_create("atari")
        try:
            os.ftruncate(file, board_size(spec, num_rows))
            self._board = board_on(mmap.mmap(file, 0), spec, num_rows)
            others = [share.tolist() for share in shares[1:]]
            self._workers = [Worker(spec, file, num_rows, share) for share in others]
        finally:
            os.close(file)
        self._close = weakref.finalize(self, _end, self._workers)
        self._share = np.concatenate([np.full(len(s), n) for n, s in enumerate(shares)]).tolist()
        self._own = Rows(spec, self._board, shares[0].tolist())
        self._together(lambda: None)

    def reset(self, rows: Array, seeds: Array, starts: Sequence[Start] | None = None) -> TimeStep:
        """Begins episodes in `rows`, `int[R]`; gives all `B` moments, rewards 0 in other rows.

        Raises:
            IllegalActionError: when a start breaks the rules or ends the game; other rows may have
                begun.
        """
        begins: Sequence[Start | None] = [None] * len(rows) if starts is None else starts
        orders: list[list[Order]] = [[] for _ in range(1 + len(self._workers))]
        for row, seed, start in zip(rows, seeds, begins, strict=True):
            orders[self._share[row]].append(Order(int(row), int(seed), start))
        for worker, theirs in zip(self._workers, orders[1:], strict=True):
            worker.ask("reset", theirs)
        self._together(lambda: self._own.reset(orders[0]))
        return self._moments()

    def step(self, actions: Array) -> TimeStep:
        """Plays `actions`, `int[B]` (ignored where a row has ended); gives all `B` moments.

        Raises:
            IllegalActionError: when a running row's action is illegal; no row changes.
        """
        actions = np.asarray(actions)
        if actions.shape != (self.num_rows,) or actions.dtype.kind not in "iu":
            raise IllegalActionError(
                f"actions are {actions.dtype}{list(actions.shape)}; expected an integer for each "
                f"of {self.num_rows} rows"
            )
        running = ~(self._board.terminated | self._board.truncated)
        bad = running & ((actions < 0) | (actions >= self.spec.num_actions))
        if bad.any():
            row = int(bad.argmax())
            raise IllegalActionError(
                f"action {actions[row]} in row {row} is illegal in {self.spec.id}; legal are 0 to "
                f"{self.spec.num_actions - 1}"
            )
        self._board.actions[:] = actions
        self._everyone("step", self._own.step)
        return self._moments()

    def digest(self) -> NDArray[np.uint64]:
        """Gives the digest of every row, `uint64[B]`."""
        self._everyone("digest", self._own.digest)
        return self._board.digests.copy()

    def close(self) -> None:
        """Ends the processes; what is not closed is ended when nobody holds it."""
        self._close()

    def _everyone(self, name: str, ours: Callable[[], None]) -> None:
        """Lets every process do the same with its rows."""
        for worker in self._workers:
            worker.ask(name)
        self._together(ours)

    def _together(self, ours: Callable[[], None]) -> None:
        """Does this process's part and waits for the others; raises the first error of any."""
        errors: list[Exception | None] = []
        try:
            ours()
        except Exception as met:
            errors.append(met)
        errors += [worker.answer() for worker in self._workers]
        for error in errors:
            if error is not None:
                raise error

    def _moments(self) -> TimeStep:
        """Gives the moments on the board, every array a copy."""
        board = self._board
        running = ~(board.terminated | board.truncated)
        return TimeStep(
            board.observation.copy(),
            np.repeat(running[:, None], self.spec.num_actions, 1),
            np.zeros(self.num_rows, np.int64),
            board.rewards[:, None].copy(),
            board.terminated.copy(),
            board.truncated.copy(),
            {"lives": board.lives.copy()},
        )


def _end(workers: list[Worker]) -> None:
    for worker in workers:
        worker.close()
