"""Scalar envs under the contract of a vector env. Axes: `B` rows, `R` rows that begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.base import Array, Env, EnvOptionError, IllegalActionError, Start, TimeStep


class SerialVectorEnv:
    """`B` scalar envs, one a row, for episodes that must run exactly as recorded ones do."""

    def __init__(self, envs: Sequence[Env]) -> None:
        """Takes over envs of one kind; all rows begin with seed 0.

        Raises:
            EnvOptionError: when there is no env or the envs differ.
        """
        if not envs or any(env.spec != envs[0].spec for env in envs):
            found = ", ".join(sorted({env.spec.id for env in envs})) or "none"
            raise EnvOptionError(f"rows need envs of one kind, found {found}; give one or more")
        self.spec = envs[0].spec
        self.num_rows = len(envs)
        self._envs = list(envs)
        self._moments = [env.reset(0) for env in envs]

    def reset(self, rows: Array, seeds: Array, starts: Sequence[Start] | None = None) -> TimeStep:
        """Begins episodes in `rows`, `int[R]`; gives all `B` moments, rewards 0 in other rows.

        Raises:
            IllegalActionError: when a start breaks the rules or ends the game; the rows before it
                have begun.
        """
        begins: Sequence[Start | None] = [None] * len(rows) if starts is None else starts
        self._moments = [_still(moment) for moment in self._moments]
        for row, seed, start in zip(rows, seeds, begins, strict=True):
            self._moments[row] = self._envs[row].reset(int(seed), start)
        return self._stacked()

    def step(self, actions: Array) -> TimeStep:
        """Plays `actions`, `int[B]` (ignored where a row has ended); gives all `B` moments.

        Raises:
            IllegalActionError: when a running row's action is illegal; no row changes.
        """
        if len(actions) != self.num_rows:
            raise IllegalActionError(
                f"{len(actions)} actions; expected one for each of {self.num_rows} rows"
            )
        for row, moment in enumerate(self._moments):
            legal = np.flatnonzero(moment.action_mask)
            if not moment.last and actions[row] not in legal:
                raise IllegalActionError(
                    f"action {actions[row]} in row {row} is illegal in {self.spec.id}; legal are "
                    f"{', '.join(map(str, legal))}"
                )
        self._moments = [
            _still(moment) if moment.last else env.step(int(action))
            for env, moment, action in zip(self._envs, self._moments, actions, strict=True)
        ]
        return self._stacked()

    def digest(self) -> NDArray[np.uint64]:
        """Gives the digest of every row, `uint64[B]`."""
        words = b"".join(env.digest() for env in self._envs)
        return np.frombuffer(words, "<u8").astype(np.uint64)

    def save(self) -> list[bytes]:
        """Gives the states of all rows, for `reset` to go on from, under the seeds that they have.

        Raises:
            IllegalActionError: when an episode is over.
            EnvOptionError: when the envs cannot save their states.
        """
        saves = [getattr(env, "save", None) for env in self._envs]
        if saves[0] is None:
            raise EnvOptionError(
                f"{self.spec.id} cannot save its state, so its episodes cannot be interrupted"
            )
        return [bytes(save()) for save in saves if save is not None]

    def _stacked(self) -> TimeStep:
        """Gives the moments as one, every array a copy."""

        def stack(name: str, dtype: Any) -> Array:
            return np.stack([np.asarray(getattr(m, name), dtype) for m in self._moments])

        return TimeStep(
            stack("observation", np.uint8),
            stack("action_mask", np.bool_),
            stack("to_play", np.int64),
            stack("rewards", np.float64),
            stack("terminated", np.bool_),
            stack("truncated", np.bool_),
            {n: np.stack([m.info[n] for m in self._moments]) for n in self._moments[0].info},
        )


def _still(moment: TimeStep) -> TimeStep:
    """Gives the moment once more, its rewards paid already."""
    return replace(moment, rewards=np.zeros_like(moment.rewards))
