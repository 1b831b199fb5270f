"""Where a film is shown and how fast, and what keys do to it. A place is a number of actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

STEPS_S = 15.0
"""Actions a second at speed 1, as on the console: 60 frames, 4 an action."""
SLOWEST, FASTEST = 0.25, 16.0
_FAR = 50
HELP = "space play · ←→ 1 · ↑↓ 50 · home end · r reward · + - speed · q leave"


@dataclass(frozen=True)
class Playback:
    """What a viewer sees now, and next."""

    length: int
    """The last place."""
    place: float = 0.0
    """Its whole part is shown."""
    playing: bool = True
    speed: float = 1.0
    """1 = as on the console."""

    @property
    def shown(self) -> int:
        """Gives the place that is shown."""
        return int(self.place)


def tick(playback: Playback, seconds: float) -> Playback:
    """Gives what is seen after so many seconds; at the end it stands still."""
    if not playback.playing:
        return playback
    place = playback.place + seconds * STEPS_S * playback.speed
    if place >= playback.length:
        return replace(playback, place=float(playback.length), playing=False)
    return replace(playback, place=place)


def press(playback: Playback, key: str, rewards: Sequence[float]) -> Playback | None:
    """Gives what is seen after a key; None = the viewer leaves.

    Args:
        playback: what is seen.
        key: name of the key, see `arena.keyboard`; others do nothing.
        rewards: of each action.
    """
    if key in ("q", "escape"):
        return None
    if key == "space":
        ended = not playback.playing and playback.shown == playback.length
        begin = 0.0 if ended else playback.place
        return replace(playback, place=begin, playing=not playback.playing)
    if key in ("+", "=", "-"):
        speed = playback.speed / 2 if key == "-" else playback.speed * 2
        return replace(playback, speed=min(max(speed, SLOWEST), FASTEST))
    place = _jump(playback, key, rewards)
    if place is None:
        return playback
    return replace(playback, place=float(min(max(place, 0), playback.length)), playing=False)


def _jump(playback: Playback, key: str, rewards: Sequence[float]) -> int | None:
    """Gives where a key jumps to, perhaps beyond the ends; None where it does not jump."""
    at = playback.shown
    jumps = {
        "left": at - 1,
        "right": at + 1,
        "down": at - _FAR,
        "[": at - _FAR,
        "up": at + _FAR,
        "]": at + _FAR,
        "home": 0,
        "end": playback.length,
    }
    if key == "r":
        later = (place + 1 for place in range(at, playback.length) if rewards[place])
        return next(later, playback.length)
    return jumps.get(key)
