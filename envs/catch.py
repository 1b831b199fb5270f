"""Catch, played alone: a ball falls and a paddle below catches it. Axes: `H` x `W` a picture.

Small enough to be learned from its pictures in a minute. The ball begins in a column that the seed
chooses, at the top, and falls one cell with every action; the paddle goes left, stays or goes
right. The last step pays 1 where they meet, else -1.
"""

from __future__ import annotations

import struct
from hashlib import blake2b
from operator import index

import numpy as np
from numpy.typing import NDArray

from envs.base import EnvOptionError, EnvSpec, IllegalActionError, Start, TimeStep
from envs.registry import Family
from envs.seeding import derive
from envs.serial import SerialVectorEnv

ROWS, COLUMNS = 10, 5
"""Cells of the board."""
_TALL, _WIDE = 2, 4
"""Pixels of a cell."""
_ACTIONS = ("left", "stay", "right")
_STATE = struct.Struct("<4B")
_BALL, _PADDLE = 255, 160

SPEC = EnvSpec(
    id="catch",
    options={"rows": ROWS, "columns": COLUMNS},
    num_players=1,
    num_actions=len(_ACTIONS),
    observation_shape=(2, _TALL * ROWS, _WIDE * COLUMNS),
    discount=0.99,
    value_range=(-1.0, 1.0),
)


class Catch:
    """One ball after the other, an episode each.

    A moment shows the last two pictures, `uint8[2, H, W]`, the newest last; the one before the
    first is black.
    """

    def __init__(self) -> None:
        """Begins with seed 0."""
        self.spec = SPEC
        self.reset(0)

    def reset(self, seed: int, start: Start | None = None) -> TimeStep:
        """Begins an episode and gives its first moment.

        Args:
            seed: in `[0, 2**63)`; decides the ball's column.
            start: actions played first, or what `save` gave.

        Raises:
            IllegalActionError: when `start` breaks the rules or ends the game, or is no saved
                state.
        """
        self._paddle = self._before = COLUMNS // 2
        self._row, self._column = 0, derive(seed, "catch") % COLUMNS
        if isinstance(start, bytes):
            self._restore(start)
            return self._show(0)
        for place, action in enumerate(start or ()):
            if self._over or not 0 <= action < len(_ACTIONS) or self._row == ROWS - 2:
                raise IllegalActionError(
                    f"a start of {len(start or ())} actions cannot be played in catch: number "
                    f"{place + 1}, {action}, is illegal or ends the game; give fewer"
                )
            self._play(int(action))
        return self._show(0)

    def step(self, action: int) -> TimeStep:
        """Plays `action` and gives the next moment.

        Raises:
            IllegalActionError: when there is no such action or the episode is over; nothing
                changes.
        """
        action = index(action)
        if self._over:
            raise IllegalActionError("the episode of catch is over; reset it first")
        if not 0 <= action < len(_ACTIONS):
            raise IllegalActionError(f"action {action} is illegal in catch; legal are 0 to 2")
        self._play(action)
        return self._show((1 if self._paddle == self._column else -1) if self._over else 0)

    def render(self) -> NDArray[np.uint8]:
        """Gives the newest picture, `uint8[H, W, 3]`."""
        return np.repeat(self._picture(self._row, self._paddle)[:, :, None], 3, 2)

    def digest(self) -> bytes:
        """Gives 8 bytes of where ball and paddle are and were."""
        return blake2b(self._state(), digest_size=8).digest()

    def save(self) -> bytes:
        """Gives the state for `reset(seed, state)` to bring back.

        Raises:
            IllegalActionError: when the episode is over.
        """
        if self._over:
            raise IllegalActionError("the episode of catch is over; save it before")
        return self._state()

    @property
    def _over(self) -> bool:
        return self._row == ROWS - 1

    def _state(self) -> bytes:
        return _STATE.pack(self._row, self._column, self._paddle, self._before)

    def _restore(self, saved: bytes) -> None:
        known = len(saved) == _STATE.size
        row, column, paddle, before = _STATE.unpack(saved) if known else (ROWS,) * 4
        if row >= ROWS - 1 or max(column, paddle, before) >= COLUMNS:
            raise IllegalActionError(
                f"a saved state of catch of {len(saved)} bytes is damaged; give what save() gave"
            )
        self._row, self._column, self._paddle, self._before = row, column, paddle, before

    def _play(self, action: int) -> None:
        self._before = self._paddle
        self._paddle = min(max(self._paddle + action - 1, 0), COLUMNS - 1)
        self._row += 1

    def _picture(self, row: int, paddle: int) -> NDArray[np.uint8]:
        """Gives `uint8[H, W]`."""
        cells = np.zeros((ROWS, COLUMNS), np.uint8)
        cells[-1, paddle] = _PADDLE
        cells[row, self._column] = _BALL
        return cells.repeat(_TALL, 0).repeat(_WIDE, 1)

    def _show(self, reward: int) -> TimeStep:
        seen = np.zeros(SPEC.observation_shape, np.uint8)
        seen[1] = self._picture(self._row, self._paddle)
        if self._row:
            seen[0] = self._picture(self._row - 1, self._before)
        mask = np.full(len(_ACTIONS), not self._over)
        return TimeStep(seen, mask, 0, np.array([reward], np.float64), self._over, False)


def rows(spec: EnvSpec, num_rows: int) -> SerialVectorEnv:
    """Gives episodes side by side; `spec` is that of Catch."""
    return SerialVectorEnv([Catch() for _ in range(num_rows)])


def _openings(spec: EnvSpec, plies: int) -> list[tuple[int, ...]]:
    if plies:
        raise EnvOptionError(f"catch has no openings of {plies} plies; give 0")
    return [()]


def _action_name(spec: EnvSpec, action: int) -> str:
    return _ACTIONS[action]


def _make(spec: EnvSpec) -> Catch:
    return Catch()


def _spec(id: str) -> EnvSpec:
    return SPEC


FAMILY = Family(
    spec=_spec,
    make=_make,
    make_vector=rows,
    make_recorded=rows,
    openings=_openings,
    action_name=_action_name,
)
