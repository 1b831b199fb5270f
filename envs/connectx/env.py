"""Connect X, one episode at a time, by the rules that searches use. Axes: `A` actions = columns."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.base import Array, EnvSpec, IllegalActionError, Start, TimeStep
from envs.connectx import drawing
from envs.connectx.rules import Geometry, geometry, is_legal, rules
from envs.seeding import mix64


def connectx_spec(g: Geometry) -> EnvSpec:
    """Gives the spec of a board; the standard one, 7x6x4, is called `connectx`."""
    size = f"{g.columns}x{g.rows}x{g.inarow}"
    return EnvSpec(
        id="connectx" if size == "7x6x4" else f"connectx-{size}",
        options={"columns": g.columns, "rows": g.rows, "inarow": g.inarow},
        num_players=2,
        num_actions=g.columns,
        observation_shape=(2, g.rows, g.columns),
        discount=-1.0,
        value_range=(-1.0, 1.0),
        rules=rules(g),
    )


@njit(cache=True)
def digest_word(g: Any, first: Any, occupied: Any) -> Any:
    """Gives the digest, `uint64`, of a board, the discs of seat 0 and those of both."""
    size = mix64(mix64(mix64(np.uint64(g.columns)) ^ np.uint64(g.rows)) ^ np.uint64(g.inarow))
    return mix64(mix64(size ^ first) ^ occupied)


def illegal(spec: EnvSpec, action: int, mask: Array, where: str = "") -> IllegalActionError:
    """Gives the error of an action that `mask`, `bool[A]`, forbids."""
    legal = ", ".join(map(str, np.flatnonzero(mask)))
    return IllegalActionError(f"action {action}{where} is illegal in {spec.id}; legal are {legal}")


def bad_start(spec: EnvSpec, start: Start, place: int) -> IllegalActionError:
    """Gives the error of a start whose move number `place`, from 0, is wrong."""
    return IllegalActionError(
        f"start {list(start)} cannot be played in {spec.id}: move {place + 1}, column "
        f"{start[place]}, is illegal or ends the game; give moves that leave it running"
    )


class ConnectX:
    """One board. Nothing in the game is random, so seeds change nothing."""

    def __init__(self, columns: int = 7, rows: int = 6, inarow: int = 4) -> None:
        """Makes an empty board.

        Raises:
            EnvOptionError: when there is no such board.
        """
        self.geometry = geometry(columns, rows, inarow)
        self.spec = connectx_spec(self.geometry)
        self._rules = rules(self.geometry)
        self.reset(0)

    def reset(self, seed: int, start: Start | None = None) -> TimeStep:
        """Begins an episode and gives its first moment.

        Args:
            seed: without effect.
            start: columns played first; a saved state is the same, a byte for each column.

        Raises:
            IllegalActionError: when `start` breaks the rules or ends the game; nothing changes.
        """
        state, moves = np.zeros(2, np.uint64), [index(a) for a in start or ()]
        for place, action in enumerate(moves):
            if not is_legal(self.geometry, state[1], action):
                raise bad_start(self.spec, moves, place)
            if self._rules.step(self.geometry, state, action, state)[1]:
                raise bad_start(self.spec, moves, place)
        self._state, self._seat = state, len(moves) % 2
        self._last_move = moves[-1] if moves else None
        return self._show(np.zeros(2), False)

    def step(self, action: int) -> TimeStep:
        """Plays a column for the player to move and gives the next moment.

        Raises:
            IllegalActionError: when the mask forbids it or the episode is over; nothing changes.
        """
        action = index(action)
        if not self._mask.any():
            raise IllegalActionError(f"the episode of {self.spec.id} is over; reset it first")
        if not 0 <= action < self._mask.size or not self._mask[action]:
            raise illegal(self.spec, action, self._mask)
        reward, terminated = self._rules.step(self.geometry, self._state, action, self._state)
        rewards = np.zeros(2)
        rewards[self._seat], rewards[1 - self._seat] = reward, -reward
        self._seat, self._last_move = 1 - self._seat, action
        return self._show(rewards, bool(terminated))

    def render(self) -> NDArray[np.uint8]:
        """Draws the board as `uint8[H, W, 3]`, the last disc ringed, a winning line struck."""
        return drawing.rgb(self.geometry, *self._discs(), self._last_move)

    def text(self, colour: bool = False) -> str:
        """Draws the board as lines of text, with ANSI codes if `colour`."""
        return drawing.text(self.geometry, *self._discs(), self._last_move, colour)

    def digest(self) -> bytes:
        """Gives 8 bytes that are equal for equal boards."""
        word = digest_word(self.geometry, self._discs()[0], self._state[1])
        return int(word).to_bytes(8, "little")

    def _discs(self) -> tuple[np.uint64, np.uint64]:
        """Gives the discs of seat 0 and of seat 1."""
        mine, theirs = self._state[0], self._state[0] ^ self._state[1]
        return (theirs, mine) if self._seat else (mine, theirs)

    def _show(self, rewards: NDArray[np.float64], terminated: bool) -> TimeStep:
        """Gives the moment that an action with `rewards`, `float64[2]`, led to."""
        observation = np.empty(self.spec.observation_shape, np.uint8)
        self._mask = np.empty(self.spec.num_actions, np.bool_)
        self._rules.observe(self.geometry, self._state, observation)
        self._rules.legal(self.geometry, self._state, self._mask)
        return TimeStep(observation, self._mask.copy(), self._seat, rewards, terminated, False)
