"""Atari games, one episode at a time. Axes: `A` actions, `H` and `W` the screen's.

Chance is the emulator's own: with sticky actions an episode is bit by bit that of ale-py's
`AtariVectorEnv` under `emulator_seed(seed)`. It is drawn outside of the emulator all the same, so
that an episode begins anew in a fraction of a millisecond (a new seed costs the emulator 85 of
them) and a saved state knows which action sticks. Double Dunk alone differs: ale-py lets actions
stick in the menu from which it starts the game, here it always starts the same.
"""

from __future__ import annotations

from hashlib import blake2b
from operator import index

import numpy as np
from numpy.typing import NDArray

from envs import atari
from envs.atari_games import PROTOCOLS, actions
from envs.atari_picture import Eye
from envs.atari_state import Track, pack, unpack
from envs.base import EnvSpec, IllegalActionError, Start, TimeStep
from envs.seeding import derive

_BLOCK = 4096
"""Frames whose chance is drawn at once."""


def emulator_seed(seed: int) -> int:
    """Gives the seed, in `[0, 2**31)`, of the emulator's generator in the episode of `seed`."""
    return derive(seed, "atari") % 2**31


class Sticking:
    """In which frames of an episode the emulator goes on with the action of the frame before."""

    def __init__(self, seed: int, probability: float) -> None:
        """Takes the emulator's seed and the chance of each frame."""
        self._generator = np.random.RandomState(seed)  # an MT19937, as the emulator has it
        self._probability = probability
        self._frames = b""

    def __getitem__(self, frame: int) -> int:
        """Gives 1 where the action of the frame before goes on, else 0."""
        while frame >= len(self._frames):
            words = self._generator.randint(0, 2**32, 2 * _BLOCK, np.uint32)
            # Each frame takes two words: the other is a second player's, who is not there.
            self._frames += (words[::2] / 2**32 < self._probability).tobytes()
        return self._frames[frame]


class Atari:
    """One game in an emulator.

    Attributes:
        seen: what the player sees now, `uint8[stack, screen, screen]`; changes with every action.
        terminated: ended by the rules.
        truncated: ended by the most frames of the protocol.
    """

    def __init__(self, spec: EnvSpec) -> None:
        """Starts an emulator; `spec` is what the registry gives for the game."""
        self.spec = spec
        self._game = str(spec.options["game"])
        self._protocol = PROTOCOLS[str(spec.options["protocol"])]
        self._codes = bytes(actions(self._game, self._protocol))
        self._made = f"{spec.id} by ale-py {atari.VERSION}"
        self._ale = atari.load(self._game)
        self._drawn = atari.DRAWN_BEFORE.get(self._game, 0)
        height, width = atari.beginning(self._game).frame.shape
        self._eye = Eye(atari.greys(self._game), height, width, self._protocol.screen)
        self.seen = np.zeros(spec.observation_shape, np.uint8)
        self.reset(0)

    def reset(self, seed: int, start: Start | None = None) -> TimeStep:
        """Begins an episode and gives its first moment.

        Args:
            seed: in `[0, 2**63)`; decides how many idle frames come first and what sticks.
            start: actions played first, or what `save` gave. A saved state goes on as its episode
                did under the same seed, and otherwise under another.

        Raises:
            IllegalActionError: when `start` breaks the rules or ends the game, or is no saved
                state of this env.
        """
        sticky = self._protocol.repeat_action_probability
        self._sticking = Sticking(emulator_seed(seed), sticky) if sticky else None
        if isinstance(start, bytes):
            self._restore(start)
            return self._show(0)
        noops = self._protocol.noops
        self._begin(1 + derive(seed, "noops") % noops if noops else 0)
        moves = [index(action) for action in start or ()]
        for place, action in enumerate(moves):
            legal = 0 <= action < len(self._codes)
            if legal:
                self._play(action, len(moves) - place <= len(self.seen))
            if not legal or self.terminated or self.truncated:
                raise IllegalActionError(
                    f"a start of {len(moves)} actions cannot be played in {self.spec.id}: number "
                    f"{place + 1}, {action}, is illegal or ends the game; give actions that leave "
                    "it running"
                )
        return self._show(0)

    def step(self, action: int) -> TimeStep:
        """Plays `action` for as many frames as the protocol says and gives the next moment.

        Raises:
            IllegalActionError: when there is no such action or the episode is over; nothing
                changes.
        """
        return self._show(self.play(action))

    def play(self, action: int, picture: bool = True) -> int:
        """Plays as `step` does, but gives the reward alone.

        Without `picture` this is as quick as the emulator, and `seen` is wrong until four more
        actions have been played with one. Raises as `step`.
        """
        action = index(action)
        if self.terminated or self.truncated:
            raise IllegalActionError(f"the episode of {self.spec.id} is over; reset it first")
        if not 0 <= action < len(self._codes):
            last = len(self._codes) - 1
            raise IllegalActionError(
                f"action {action} is illegal in {self.spec.id}; legal are 0 to {last}"
            )
        return self._play(action, picture)

    @property
    def lives(self) -> int:
        """Gives the lives left, 0 in games that have none."""
        return int(self._ale.lives())

    def render(self) -> NDArray[np.uint8]:
        """Gives the last frame, `uint8[H, W, 3]`; most games have 210 x 160."""
        if self._shown is not None:
            return self._shown.rgb.copy()
        return np.asarray(self._ale.getScreenRGB())

    def digest(self) -> bytes:
        """Gives 8 bytes of the memory, the last frame, the frames played and the action held."""
        frame = self._ale.getScreen() if self._shown is None else self._shown.frame
        word = blake2b(self._ale.getRAM().tobytes(), digest_size=8)
        word.update(frame.tobytes())
        word.update(f"{self.spec.id} {self._frames} {self._held} {self._ale.lives()}".encode())
        return word.digest()

    def save(self) -> bytes:
        """Gives the state, a few kilobytes, for `reset(seed, state)` to bring back exactly.

        Raises:
            IllegalActionError: when the episode is over.
        """
        if self.terminated or self.truncated:
            raise IllegalActionError(f"the episode of {self.spec.id} is over; save it before")
        seen = len(self.seen) * self._protocol.frame_skip
        return pack(self._made, self._track.noops, self._track.anchor(seen))

    def _begin(self, noops: int) -> None:
        """Begins an episode after some idle frames."""
        atari.begin(self._ale, self._game)
        for _ in range(noops):
            self._ale.act(atari.NOOP)
        begun = atari.look(self._ale) if noops else atari.beginning(self._game)
        self._shown: atari.Beginning | None = begun
        self._frames, self._held = 0, atari.NOOP
        self.terminated = self.truncated = False
        self._track = Track(noops)
        self.seen[:] = 0
        self._eye.begin(begun.grey, self.seen[-1])

    def _restore(self, saved: bytes) -> None:
        """Brings back a saved state.

        Raises:
            SavedStateError: when it is damaged or of another env.
        """
        noops, anchor = unpack(saved, self._made)
        self._begin(noops)
        if anchor.state:
            atari.restore(self._ale, atari.state_from(anchor.state))
            self._frames = anchor.frames
        skip = self._protocol.frame_skip
        for place in range(0, len(anchor.trail), skip):
            self._emulate(anchor.trail[place : place + skip], True)
        self._track = Track(noops, anchor)

    def _play(self, action: int, picture: bool = True) -> int:
        """Plays an action and gives its reward; without `picture` the player sees nothing."""
        skip, code, held = self._protocol.frame_skip, self._codes[action], self._held
        if self._sticking is None:
            codes = bytearray((code,)) * skip
        else:
            codes = bytearray()
            first = self._drawn + self._frames
            for frame in range(first, first + skip):
                held = held if self._sticking[frame] else code
                codes.append(held)
        if self._track.wants_anchor() and atari.can_restore(self._game):
            self._track.add_anchor(self._ale.cloneState().serialize(), self._frames)
        self._track.add(codes)
        return self._emulate(codes, picture)

    def _emulate(self, codes: bytearray, picture: bool) -> int:
        """Plays the emulator's actions, one a frame, and gives the sum of their rewards."""
        ale, reward, left = self._ale, 0, len(codes)
        for code in codes:
            reward += ale.act(code)
            left -= 1
            if ale.game_over():
                self.terminated = True
                break
            if picture and left < 2:
                self._eye.capture(ale, left)
        self._frames += len(codes) - left
        self._held, self._shown = codes[-1 - left], None
        self.truncated = not self.terminated and self._frames >= self._protocol.max_frames
        if picture:
            self.seen[:-1] = self.seen[1:]
            if self.terminated:
                self._eye.see_end(left, self.seen[-1])
            else:
                self._eye.see(self.seen[-2], self.seen[-1])
        return reward

    def _show(self, reward: int) -> TimeStep:
        """Gives the moment that an action with a reward led to."""
        return TimeStep(
            self.seen.copy(),
            np.full(len(self._codes), not (self.terminated or self.truncated)),
            0,
            np.array([reward], np.float64),
            self.terminated,
            self.truncated,
            {"lives": np.array(self.lives)},
        )
