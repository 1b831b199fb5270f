"""Saved states of Atari episodes: an emulator's state and the frames played since.

A few actions played once more bring back what an emulator does not save: what it shows, its
buffers, and the pictures that the player sees.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from typing import Any

from envs.base import IllegalActionError

_EVERY = 64
"""Frames from one anchor to the next."""


class SavedStateError(IllegalActionError):
    """A saved state that is damaged or of another env."""


@dataclass
class Anchor:
    """A moment of an episode from which later ones are reached."""

    state: bytes
    """The emulator's, serialized; empty where the episode begins."""
    frames: int
    """Played before it."""
    trail: bytearray = field(default_factory=bytearray)
    """The emulator's action in each frame since, as they took effect."""


class Track:
    """The way an episode took: the last two anchors and the frames since."""

    def __init__(self, noops: int, anchor: Anchor | None = None) -> None:
        """Begins at an anchor, or after `noops` idle frames."""
        self.noops = noops
        self._old = self._new = anchor or Anchor(b"", 0)

    def wants_anchor(self) -> bool:
        """Tells whether the newest anchor is far away."""
        return len(self._new.trail) >= _EVERY

    def add_anchor(self, state: bytes, frames: int) -> None:
        """Puts an anchor where the episode is."""
        self._old, self._new = self._new, Anchor(state, frames)

    def add(self, codes: bytes | bytearray) -> None:
        """Notes the emulator's actions in the frames of one step."""
        self._new.trail += codes
        if self._old is not self._new:
            self._old.trail += codes

    def anchor(self, frames: int) -> Anchor:
        """Gives the newest anchor that so many frames, or the whole episode, have followed."""
        far = not self._new.state or len(self._new.trail) >= frames
        return self._new if far else self._old


def pack(made: str, noops: int, anchor: Anchor) -> bytes:
    """Gives a saved state; `made` names the env and what emulates it."""
    head = {"made": made, "noops": noops, "frames": anchor.frames, "trail": anchor.trail.hex()}
    return zlib.compress(json.dumps(head).encode() + b"\n" + anchor.state, 1)


def unpack(saved: bytes, made: str) -> tuple[int, Anchor]:
    """Gives the idle frames and the anchor of a saved state.

    Raises:
        SavedStateError: when it is damaged or was made by something else than `made`.
    """
    try:
        text, _, state = zlib.decompress(saved).partition(b"\n")
        head: dict[str, Any] = json.loads(text)
        anchor = Anchor(state, int(head["frames"]), bytearray.fromhex(head["trail"]))
        noops, found = int(head["noops"]), str(head["made"])
    except (zlib.error, ValueError, KeyError, TypeError) as error:
        raise SavedStateError(
            f"a saved state of {len(saved)} bytes is damaged; give what save() gave"
        ) from error
    if found != made:
        raise SavedStateError(f"a saved state is of {found}, not of {made}; save a new one")
    return noops, anchor
