"""Time and size of a Breakout film as an animated PNG, against Pillow's GIF of the same frames.

Pillow is given the palette's numbers, too, which is its fastest way; from RGB it takes longer.
"""

from __future__ import annotations

import io
import json
import sys
import time
from statistics import median

import ale_py
import numpy as np
from ale_py import roms
from numpy.typing import NDArray
from PIL import Image

from arena.board import apng

FRAMES, SKIP, ROUNDS = 900, 4, 5


def film() -> tuple[NDArray[np.uint8], list[int]]:
    """Gives frames of random play, `uint8[F, H, W]`, and their colours."""
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    ale = ale_py.ALEInterface()
    ale.setInt("random_seed", 1)
    ale.loadROM(roms.get_rom_path("breakout"))
    actions, chance = ale.getMinimalActionSet(), np.random.default_rng(0)
    screens, known = [], {}
    while len(screens) < FRAMES:
        if ale.game_over():
            ale.reset_game()
        action = actions[chance.integers(len(actions))]
        for _ in range(SKIP):
            ale.act(action)
        screen = ale.getScreen()
        if new := set(np.unique(screen).tolist()) - known.keys():
            flat = ale.getScreenRGB().reshape(-1, 3)
            for number in new:
                red, green, blue = flat[(screen.ravel() == number).argmax()].tolist()
                known[number] = red << 16 | green << 8 | blue
        screens.append(screen)
    table = np.zeros(256, np.uint8)
    table[list(known)] = np.arange(len(known))
    return table[np.stack(screens)], list(known.values())


def ours(frames: NDArray[np.uint8], colours: list[int]) -> int:
    """Gives the bytes of an animated PNG."""
    return len(apng.encode(frames, colours, [1000 * SKIP // 60] * len(frames)))


def gif(frames: NDArray[np.uint8], colours: list[int]) -> int:
    """Gives the bytes of Pillow's GIF."""
    palette = b"".join(colour.to_bytes(3, "big") for colour in colours)
    pictures = []
    for frame in frames:
        picture = Image.fromarray(frame, "P")
        picture.putpalette(palette)
        pictures.append(picture)
    out = io.BytesIO()
    pictures[0].save(out, "GIF", save_all=True, append_images=pictures[1:], duration=66, loop=0)
    return out.tell()


def timed(make: object, *given: object) -> tuple[float, int]:
    """Gives processor seconds, and what was made."""
    began = time.process_time()
    made = make(*given)  # type: ignore[operator]
    return time.process_time() - began, made


def main() -> int:
    """Prints one JSON document."""
    frames, colours = film()
    rounds = [(timed(ours, frames, colours), timed(gif, frames, colours)) for _ in range(ROUNDS)]
    document = {
        "name": "animated PNG of Breakout",
        "frames": len(frames),
        "colours": len(colours),
        "ours_s": round(median(a[0] for a, _ in rounds), 3),
        "gif_s": round(median(b[0] for _, b in rounds), 3),
        "times_gif": round(median(a[0] / b[0] for a, b in rounds), 2),
        "ours_kb": round(rounds[0][0][1] / 1000, 1),
        "gif_kb": round(rounds[0][1][1] / 1000, 1),
    }
    print(json.dumps(document))
    return 0


if __name__ == "__main__":
    sys.exit(main())
