"""Pictures of recorded solo episodes, made again in chunks. Axes: `F` frames, `H` x `W` pixels.

A chunk is `zlib(frames)`, where each frame is `uint8[H, W]`, numbers of a palette, XORed with the
frame before; the first frame of a chunk stands as it is. Most pixels of a game stay what they
were, so a chunk of 300 frames takes a few tens of kilobytes.
"""

from __future__ import annotations

import base64
import threading
import zlib
from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena.board.query import QueryError
from arena.film import Film
from arena.match_record import MatchRecord

CHUNK = 300
"""Frames a chunk."""
_FILMS = 3
_CHUNKS = 24
_COLOURS = 256
_UNKNOWN = 255


class Palette:
    """Colours, numbered as they are seen; what comes after the 255th is given the nearest."""

    def __init__(self) -> None:
        """Starts without colours."""
        self.colours: list[int] = []
        self._numbers = np.full(1 << 24, _UNKNOWN, np.uint8)

    def index(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Gives the colours of `uint8[H, W, 3]` as numbers, `uint8[H, W]`."""
        wide = picture.astype(np.uint32)
        packed = (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]
        found = self._numbers[packed]
        if (found == _UNKNOWN).any():
            for colour in np.unique(packed[found == _UNKNOWN]).tolist():
                self._learn(colour)
            found = self._numbers[packed]
        return np.asarray(found)

    def _learn(self, colour: int) -> None:
        if len(self.colours) < _COLOURS - 1:
            self._numbers[colour] = len(self.colours)
            self.colours.append(colour)
            return
        known = np.array(self.colours)
        shifts = np.array([0, 8, 16])[:, None]
        apart = ((known >> shifts) & 255) - ((colour >> shifts) & 255)
        self._numbers[colour] = int((apart**2).sum(0).argmin())


class Reel:
    """An episode that is played again, and its chunks."""

    def __init__(self, record: MatchRecord) -> None:
        """Plays it once. Raises as `Film`."""
        self.film = Film(record)
        self._palette = Palette()
        self._lock = threading.Lock()
        self._chunks: OrderedDict[int, dict[str, Any]] = OrderedDict()

    @property
    def about(self) -> dict[str, Any]:
        """Gives what is known of the episode as a whole; places count the actions played."""
        film = self.film
        return {
            "length": film.length,
            "chunk": CHUNK,
            "returns": [round(value, 6) for value in film.returns],
            "lives": film.lives,
            "difference": film.difference,
        }

    def chunk(self, number: int) -> dict[str, Any]:
        """Gives the frames from place `number * CHUNK` on.

        `width`, `height`, `frames`, `palette` (colours as 0xRRGGBB) and `data` in base64.

        Raises:
            QueryError: when the episode is over before.
        """
        if number * CHUNK > self.film.length:
            raise QueryError(f"no chunk {number}; the episode has {self.film.length:,} steps")
        with self._lock:
            if number not in self._chunks:
                self._chunks[number] = self._made(number)
                while len(self._chunks) > _CHUNKS:
                    self._chunks.popitem(last=False)
            return self._chunks[number]

    def _made(self, number: int) -> dict[str, Any]:
        begin = number * CHUNK
        frames = []
        for place in range(begin, min(begin + CHUNK, self.film.length + 1)):
            self.film.wind(place)
            frames.append(self._palette.index(self.film.picture()))
        stack = np.stack(frames)
        delta = stack.copy()
        delta[1:] ^= stack[:-1]
        return {
            "width": stack.shape[2],
            "height": stack.shape[1],
            "frames": len(stack),
            "palette": list(self._palette.colours),
            "data": base64.b64encode(zlib.compress(delta.tobytes(), 5)).decode(),
        }


class Reels:
    """The episodes that were watched last; an emulator each."""

    def __init__(self) -> None:
        """Starts without any."""
        self._lock = threading.Lock()
        self._reels: OrderedDict[object, Reel] = OrderedDict()

    def get(self, key: object, record: MatchRecord) -> Reel:
        """Gives the reel of a record, known by `key`. Raises as `Film`."""
        with self._lock:
            if key not in self._reels:
                self._reels[key] = Reel(record)
                while len(self._reels) > _FILMS:
                    self._reels.popitem(last=False)
            self._reels.move_to_end(key)
            return self._reels[key]
