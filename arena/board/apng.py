"""Animated PNG from numbered colours. Axes: `F` frames, `H` pixels down, `W` across.

Only the rectangle that changed is written of a frame, and in it the pixels that did not change are
transparent, which packs better. Up to 15 colours take half a byte a pixel. Format:
https://www.w3.org/TR/png-3/.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST = 255
"""Colours; one more number stands for what did not change."""
_FEW = 15
_LONGEST_MS = 65_535
_OVER = 1
_CELLS = 4_000_000
"""Pixels compared at once."""
_LEVEL = 6


class PictureError(ValueError):
    """Frames or colours that no animated PNG can be made from."""


class _Part(NamedTuple):
    """What changes with a frame."""

    left: int
    top: int
    pixels: NDArray[np.uint8]
    """`uint8[h, w]`, numbers of colours, or of "unchanged"."""
    shown_ms: int


def encode(frames: NDArray[np.uint8], colours: Sequence[int], shown_ms: Sequence[int]) -> bytes:
    """Gives an animated PNG that plays endlessly. Equal frames in a row become one.

    Args:
        frames: `uint8[F, H, W]`, numbers of colours.
        colours: `0xRRGGBB`, at most 255.
        shown_ms: milliseconds of each frame.

    Raises:
        PictureError: when there is no frame, no pixel, too many colours, or a pixel without one.
    """
    if frames.ndim != 3 or not frames.size or len(shown_ms) != len(frames):
        raise PictureError(f"frames of shape {frames.shape} and {len(shown_ms)} times; give each")
    if not 0 < len(colours) <= _MOST or frames.max() >= len(colours):
        raise PictureError(
            f"{len(colours)} colours, pixels up to {frames.max()}; expected 1 to 255"
        )
    bits = 4 if len(colours) <= _FEW else 8
    parts = list(_parts(frames, shown_ms, len(colours)))
    height, width = frames.shape[1:]
    out = [SIGNATURE, _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 3, 0, 0, 0))]
    out.append(_chunk(b"acTL", struct.pack(">II", len(parts), 0)))
    listed = b"".join(colour.to_bytes(3, "big") for colour in colours)
    out.append(_chunk(b"PLTE", listed + bytes(3)))
    out.append(_chunk(b"tRNS", b"\xff" * len(colours) + b"\0"))
    sequence = 0
    for number, part in enumerate(parts):
        high, wide = part.pixels.shape
        control = (sequence, wide, high, part.left, part.top, part.shown_ms, 1_000, 0, _OVER)
        out.append(_chunk(b"fcTL", struct.pack(">IIIIIHHBB", *control)))
        data, sequence = _packed(part.pixels, bits), sequence + 1
        if number:
            out.append(_chunk(b"fdAT", struct.pack(">I", sequence) + data))
            sequence += 1
        else:
            out.append(_chunk(b"IDAT", data))
    return b"".join([*out, _chunk(b"IEND", b"")])


def size(picture: bytes) -> tuple[int, int]:
    """Gives width and height of a PNG in pixels."""
    width, height = struct.unpack_from(">II", picture, len(SIGNATURE) + 8)
    return width, height


def _parts(frames: NDArray[np.uint8], shown_ms: Sequence[int], unchanged: int) -> Iterator[_Part]:
    """Gives the first frame whole, then what changes; a frame that changes nothing lasts on."""
    waiting = _Part(0, 0, frames[0], min(int(shown_ms[0]), _LONGEST_MS))
    for number, box in enumerate(_boxes(frames), 1):
        lasts = min(int(shown_ms[number]), _LONGEST_MS)
        if box is None and waiting.shown_ms + lasts <= _LONGEST_MS:
            waiting = waiting._replace(shown_ms=waiting.shown_ms + lasts)
            continue
        yield waiting
        top, bottom, left, right = box or (0, 1, 0, 1)
        now = frames[number, top:bottom, left:right]
        before = frames[number - 1, top:bottom, left:right]
        waiting = _Part(left, top, np.where(now == before, np.uint8(unchanged), now), lasts)
    yield waiting


def _boxes(frames: NDArray[np.uint8]) -> Iterator[tuple[int, int, int, int] | None]:
    """Gives where each frame differs from the one before, from the second on; None = nowhere."""
    height, width = frames.shape[1:]
    some = max(_CELLS // (height * width), 1)
    for begin in range(1, len(frames), some):
        now = frames[begin : begin + some]
        changed = now != frames[begin - 1 : begin - 1 + len(now)]
        rows, columns = changed.any(2), changed.any(1)
        top, left = rows.argmax(1), columns.argmax(1)
        bottom, right = height - rows[:, ::-1].argmax(1), width - columns[:, ::-1].argmax(1)
        edges = np.stack([top, bottom, left, right], 1).tolist()
        for any_, (up, down, first, last) in zip(rows.any(1).tolist(), edges, strict=True):
            yield (up, down, first, last) if any_ else None


def _packed(pixels: NDArray[np.uint8], bits: int) -> bytes:
    """Gives the compressed rows of a picture, each after a byte that says: not filtered."""
    high, wide = pixels.shape
    if bits == 4:
        even = np.zeros((high, wide + wide % 2), np.uint8)
        even[:, :wide] = pixels
        pixels = np.asarray(even[:, ::2] << 4 | even[:, 1::2], np.uint8)
    rows = np.zeros((high, 1 + pixels.shape[1]), np.uint8)
    rows[:, 1:] = pixels
    return zlib.compress(rows.tobytes(), _LEVEL)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
