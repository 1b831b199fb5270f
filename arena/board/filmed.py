"""A recorded episode as an animated PNG. Axes: `F` frames, `H` pixels down, `W` across."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arena import replaying
from arena.board import apng
from arena.board.frames import Palette
from arena.match_record import MatchRecord
from envs import registry
from envs.base import Env, TimeStep

_MOST = 900
"""Frames; of longer episodes as many as fit are shown, each as long as one action lasts."""
_FEW = 64
"""Colours up to which a picture is taken to be drawn without shades."""
_RARE = 1_000
"""A colour that covers less than one in so many pixels is a shade."""
_FRAMES_S = 60
_MOVE_MS, _END_MS = 700, 2_500
"""How long a move on a board, and the end of any episode, is shown."""


def animated(record: MatchRecord) -> bytes | None:
    """Gives an episode as far as it can be played again; None where not even its start can.

    Raises:
        ForeignRecordError: when it was recorded with another ROM or emulator.
    """
    every = max(-(-len(record.actions) // _MOST), 1)
    palette, frames, place = Palette(), list[NDArray[np.uint8]](), 0
    smooth = False

    def take(env: Env, step: TimeStep) -> None:
        nonlocal place, smooth
        if place % every == 0 or step.last:
            picture = env.render()
            smooth = smooth if frames else len(np.unique(_numbers(picture))) > _FEW
            frames.append(palette.index(_posterised(picture) if smooth else picture))
        place += 1

    replaying.difference(record, take)
    if not frames:
        return None
    skip = int(registry.spec(record.env).options.get("frame_skip", 0))
    lasts = round(1_000 * skip / _FRAMES_S) if skip else _MOVE_MS
    shown = [lasts] * (len(frames) - 1) + [_END_MS]
    return apng.encode(np.stack(frames), palette.colours, shown)


def _posterised(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Gives a picture in which the shades at edges, which are many, are eight a channel."""
    numbers = _numbers(picture)
    _, kind, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    shade = (counts * _RARE < numbers.size)[kind].reshape(numbers.shape)
    return np.where(shade[..., None], picture & 0xE0 | 0x10, picture).astype(np.uint8)


def _numbers(picture: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Gives colours as numbers, `uint32[H, W]`."""
    wide = picture.astype(np.uint32)
    return np.asarray(wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2])
