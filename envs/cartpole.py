"""CartPole, played alone: a pole on a cart is kept upright. No picture: four numbers are seen.

The physics are those of Gymnasium's `CartPole-v1`, step by step in the same arithmetic; a test
plays both side by side. Source: Barto, Sutton and Anderson 1983,
https://doi.org/10.1109/TSMC.1983.6313077, and
https://gymnasium.farama.org/environments/classic_control/cart_pole/.
"""

from __future__ import annotations

import math
import struct
from hashlib import blake2b
from operator import index

import numpy as np
from numpy.typing import NDArray

from envs.base import EnvOptionError, EnvSpec, IllegalActionError, Start, TimeStep
from envs.registry import Family
from envs.seeding import uniform
from envs.serial import SerialVectorEnv

STEPS = 500
"""An episode is cut off after so many."""
_GRAVITY, _CART_KG, _POLE_KG, _HALF_POLE_M, _FORCE_N, _STEP_S = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
_ALL_KG, _POLE_MOMENT = _CART_KG + _POLE_KG, _POLE_KG * _HALF_POLE_M
_FAR_M, _STEEP = 2.4, 12 * 2 * math.pi / 360
_BEGIN = 0.05
_SEEN = np.array([_FAR_M, 3.0, 0.25, 3.5])
"""Metres, metres a second, radians and radians a second that the largest byte stands for."""
_ACTIONS = ("left", "right")
_STATE = struct.Struct("<4dH")

SPEC = EnvSpec(
    id="cartpole",
    options={"steps": STEPS},
    num_players=1,
    num_actions=len(_ACTIONS),
    observation_shape=(len(_SEEN),),
    discount=0.99,
    value_range=None,
)


class CartPole:
    """One pole after the other, an episode each; every step pays 1.

    A moment shows place and speed of the cart, angle and speed of the pole, `uint8[4]`: 127.5 is
    0, and what is beyond a limit is shown as the limit.
    """

    def __init__(self) -> None:
        """Begins with seed 0."""
        self.spec = SPEC
        self.reset(0)

    def reset(self, seed: int, start: Start | None = None) -> TimeStep:
        """Begins an episode and gives its first moment.

        Args:
            seed: in `[0, 2**63)`; decides the four numbers, from -0.05 to 0.05.
            start: actions played first, or what `save` gave.

        Raises:
            IllegalActionError: when `start` breaks the rules or ends the game, or is no saved
                state.
        """
        chance = uniform(np.full(4, seed), np.arange(4))
        self.numbers: tuple[float, ...] = tuple(float(_BEGIN * (2 * c - 1)) for c in chance)
        self._played = 0
        if isinstance(start, bytes):
            self._restore(start)
            return self._show(0)
        for place, action in enumerate(start or ()):
            legal = 0 <= action < len(_ACTIONS)
            if legal:
                self._play(int(action))
            if not legal or self._fallen or self._late:
                raise IllegalActionError(
                    f"a start of {len(start or ())} actions cannot be played in cartpole: number "
                    f"{place + 1}, {action}, is illegal or ends the game; give fewer"
                )
        return self._show(0)

    def step(self, action: int) -> TimeStep:
        """Plays `action` and gives the next moment.

        Raises:
            IllegalActionError: when there is no such action or the episode is over; nothing
                changes.
        """
        action = index(action)
        if self._fallen or self._late:
            raise IllegalActionError("the episode of cartpole is over; reset it first")
        if not 0 <= action < len(_ACTIONS):
            raise IllegalActionError(f"action {action} is illegal in cartpole; legal are 0 and 1")
        self._play(action)
        return self._show(1)

    def render(self) -> NDArray[np.uint8]:
        """Draws cart and pole, `uint8[40, 120, 3]`."""
        picture = np.full((40, 120, 3), 255, np.uint8)
        place, angle = self.numbers[0], self.numbers[2]
        middle = int(np.clip(60 + 20 * place, 5, 114))
        picture[34:38, middle - 5 : middle + 6] = 0
        for far in range(30):
            column = int(np.clip(middle + far * math.sin(angle), 0, 119))
            picture[int(34 - far * abs(math.cos(angle))), column] = (200, 120, 60)
        return picture

    def digest(self) -> bytes:
        """Gives 8 bytes of the four numbers and the steps played."""
        return blake2b(self._state(), digest_size=8).digest()

    def save(self) -> bytes:
        """Gives the state for `reset(seed, state)` to bring back.

        Raises:
            IllegalActionError: when the episode is over.
        """
        if self._fallen or self._late:
            raise IllegalActionError("the episode of cartpole is over; save it before")
        return self._state()

    @property
    def _fallen(self) -> bool:
        place, _, angle, _ = self.numbers
        return not (-_FAR_M <= place <= _FAR_M and -_STEEP <= angle <= _STEEP)

    @property
    def _late(self) -> bool:
        return self._played >= STEPS

    def _state(self) -> bytes:
        return _STATE.pack(*self.numbers, self._played)

    def _restore(self, saved: bytes) -> None:
        if len(saved) == _STATE.size:
            *numbers, self._played = _STATE.unpack(saved)
            self.numbers = tuple(numbers)
        if len(saved) != _STATE.size or self._fallen or self._late:
            raise IllegalActionError(
                f"a saved state of cartpole of {len(saved)} bytes is damaged; give what save() gave"
            )

    def _play(self, action: int) -> None:
        """Plays an action by Euler's method."""
        place, speed, angle, turning = self.numbers
        force = _FORCE_N if action else -_FORCE_N
        sine, cosine = math.sin(angle), math.cos(angle)
        push = (force + _POLE_MOMENT * turning**2 * sine) / _ALL_KG
        falling = (_GRAVITY * sine - cosine * push) / (
            _HALF_POLE_M * (4.0 / 3.0 - _POLE_KG * cosine**2 / _ALL_KG)
        )
        rolling = push - _POLE_MOMENT * falling * cosine / _ALL_KG
        self.numbers = (
            place + _STEP_S * speed,
            speed + _STEP_S * rolling,
            angle + _STEP_S * turning,
            turning + _STEP_S * falling,
        )
        self._played += 1

    def _show(self, reward: int) -> TimeStep:
        shares = np.clip(np.array(self.numbers) / _SEEN, -1, 1)
        seen = np.rint(127.5 + 127.5 * shares).astype(np.uint8)
        fallen = self._fallen
        late = self._late and not fallen
        mask = np.full(len(_ACTIONS), not (fallen or late))
        return TimeStep(seen, mask, 0, np.array([reward], np.float64), fallen, late)


def rows(spec: EnvSpec, num_rows: int) -> SerialVectorEnv:
    """Gives episodes side by side; `spec` is that of CartPole."""
    return SerialVectorEnv([CartPole() for _ in range(num_rows)])


def _openings(spec: EnvSpec, plies: int) -> list[tuple[int, ...]]:
    if plies:
        raise EnvOptionError(f"cartpole has no openings of {plies} plies; give 0")
    return [()]


def _action_name(spec: EnvSpec, action: int) -> str:
    return _ACTIONS[action]


def _make(spec: EnvSpec) -> CartPole:
    return CartPole()


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
