"""Connect X boards for eyes: text for terminals, pictures for films.

`first` and `second` are the discs of seat 0 and seat 1; `last_move` is a column, its top disc the
last one played. Places are (column, height), height 0 at the bottom. Axes: `H` pixels down, `W`
across, `S` pixels of a cell.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.connectx.rules import Geometry

Place = tuple[int, int]
Image = NDArray[Any]

_DIRECTIONS = ((1, 0), (0, 1), (1, 1), (1, -1))
_PLAIN, _WINNING, _EMPTY = "●○", "◆◇", "·"
_ANSI = ("\x1b[1;91m", "\x1b[1;93m")
_FRAME, _RESET = "\x1b[34m", "\x1b[0m"

_PAGE = (243, 239, 231)
_BOARD, _EDGE = (43, 89, 181), (31, 66, 142)
_DISCS = ((226, 66, 66), (250, 200, 56))
_WHITE, _BLACK = (255, 255, 255), (0, 0, 0)


def winning_lines(g: Geometry, discs: np.uint64) -> list[list[Place]]:
    """Gives every longest line of at least `inarow` discs, as its places in order."""
    held = set(_places(g, discs))
    lines = []
    for right, up in _DIRECTIONS:
        for column, height in sorted(held):
            if (column - right, height - up) in held:
                continue
            line = []
            while (column, height) in held:
                line.append((column, height))
                column, height = column + right, height + up
            if len(line) >= g.inarow:
                lines.append(line)
    return lines


def text(
    g: Geometry,
    first: np.uint64,
    second: np.uint64,
    last_move: int | None = None,
    colour: bool = False,
) -> str:
    """Gives the board as lines of text: columns numbered from 1, and whose turn it is.

    Seat 0 has the full discs, seat 1 the hollow ones; diamonds are a winning line, brackets the
    last move. `colour` adds ANSI codes to the same characters.
    """
    sides = (_places(g, first), _places(g, second))
    won = [[p for line in winning_lines(g, discs) for p in line] for discs in (first, second)]
    last = _top(g, first | second, last_move)

    def cell(place: Place) -> str:
        for seat in (0, 1):
            if place in sides[seat]:
                glyph = (_WINNING if place in won[seat] else _PLAIN)[seat]
                glyph = _paint(glyph, _ANSI[seat], colour)
                return f"({glyph})" if place == last else f" {glyph} "
        return f" {_paint(_EMPTY, _FRAME, colour)} "

    wall = _paint("│", _FRAME, colour)
    board = [
        wall + "".join(cell((column, height)) for column in range(g.columns)) + wall
        for height in reversed(range(g.rows))
    ]
    floor = _paint("╰" + "───" * g.columns + "╯", _FRAME, colour)
    numbers = "".join(f"{column:^3}" for column in range(1, g.columns + 1)).rstrip()
    return "\n".join([*board, floor, " " + numbers, _verdict(g, sum(map(len, sides)), won, colour)])


def rgb(
    g: Geometry,
    first: np.uint64,
    second: np.uint64,
    last_move: int | None = None,
    cell: int = 64,
) -> NDArray[np.uint8]:
    """Draws the board as `uint8[H, W, 3]`, `cell` pixels to a cell, at least 8.

    The last disc has a ring; winning lines are struck through.
    """
    image = _empty_board(g.columns, g.rows, cell).copy()
    for seat, discs in enumerate((first, second)):
        for place in _places(g, discs):
            x, y = _centre(g, place, cell)
            half = cell // 2
            image[y - half : y + half, x - half : x + half] = _disc(seat, cell)
    last = _top(g, first | second, last_move)
    if last is not None:
        x, y = _centre(g, last, cell)
        _blend(image, _BLACK, 0.4 * _ring(image, x, y, 0.26 * cell, 0.1 * cell))
        _blend(image, _WHITE, _ring(image, x, y, 0.26 * cell, 0.055 * cell))
    for discs in (first, second):
        for line in winning_lines(g, discs):
            _strike(image, _centre(g, line[0], cell), _centre(g, line[-1], cell), cell)
    return np.asarray(np.rint(image), np.uint8)


def _places(g: Geometry, discs: np.uint64) -> list[Place]:
    """Gives the places of discs, column by column, upwards."""
    word, height = int(discs), g.rows + 1
    return [(c, h) for c in range(g.columns) for h in range(g.rows) if word >> c * height + h & 1]


def _top(g: Geometry, occupied: np.uint64, column: int | None) -> Place | None:
    """Gives the place of the highest disc in a column, None where there is none."""
    heights = [h for c, h in _places(g, occupied) if c == column]
    return None if column is None or not heights else (column, heights[-1])


def _paint(glyphs: str, code: str, colour: bool) -> str:
    return f"{code}{glyphs}{_RESET}" if colour else glyphs


def _verdict(g: Geometry, count: int, won: list[list[Place]], colour: bool) -> str:
    """Gives a line that says who won, that it is a draw, or whose turn it is."""
    first, second = (_paint(glyph, code, colour) for glyph, code in zip(_PLAIN, _ANSI, strict=True))
    names = (f" {first} first", f" {second} second")
    if won[0] or won[1]:
        return f"{names[0] if won[0] else names[1]} has won"
    return " a draw" if count == g.columns * g.rows else f"{names[count % 2]} to move"


def _centre(g: Geometry, place: Place, cell: int) -> Place:
    """Gives x and y, in pixels from the top left, of the middle of a place."""
    column, height = place
    edge = cell // 4
    return edge + column * cell + cell // 2, edge + (g.rows - 1 - height) * cell + cell // 2


def _blend(image: Image, colour: Any, cover: Image) -> None:
    """Lays a colour over an image, as much as `cover`, `float64[H, W]` in `[0, 1]`, says."""
    image += cover[..., None] * (np.asarray(colour, np.float64) - image)


def _offsets(image: Image, x: float, y: float) -> tuple[Image, Image]:
    """Gives how far right of x and below y each pixel's middle lies, in pixels."""
    height, width = image.shape[:2]
    return np.arange(width)[None, :] + 0.5 - x, np.arange(height)[:, None] + 0.5 - y


def _spot(image: Image, x: float, y: float, radius: float) -> Image:
    """Gives the cover of a full circle with soft edges, as all covers `float64[H, W]`."""
    return np.clip(radius + 0.5 - np.hypot(*_offsets(image, x, y)), 0, 1)


def _ring(image: Image, x: float, y: float, radius: float, width: float) -> Image:
    """Gives the cover of a circle's line."""
    away = np.abs(np.hypot(*_offsets(image, x, y)) - radius)
    return np.clip(width / 2 + 0.5 - away, 0, 1)


def _strike(image: Image, start: Place, end: Place, cell: int) -> None:
    """Draws a white stroke with round ends and a soft shadow from one centre to another."""
    across, down = end[0] - start[0], end[1] - start[1]
    right, below = _offsets(image, *start)
    along = np.clip((right * across + below * down) / max(across**2 + down**2, 1), 0, 1)
    away = np.hypot(right - along * across, below - along * down)
    _blend(image, _BLACK, 0.35 * np.clip((0.12 * cell - away) / (0.06 * cell), 0, 1))
    _blend(image, _WHITE, np.clip(0.055 * cell + 0.5 - away, 0, 1))


@cache
def _disc(seat: int, cell: int) -> Image:
    """Gives a cell of the board with a disc in it, `float64[S, S, 3]`."""
    image = _socket(cell)
    middle, colour = cell / 2, np.array(_DISCS[seat], np.float64)
    light = 1.06 - 0.14 * np.arange(cell)[:, None, None] / cell
    _blend(image, colour * 0.72, _spot(image, middle, middle, 0.4 * cell))
    _blend(image, np.minimum(colour * light, 255), _spot(image, middle, middle, 0.37 * cell))
    _blend(image, colour * 0.86, _ring(image, middle, middle, 0.26 * cell, 0.045 * cell))
    return image


@cache
def _hole(cell: int) -> Image:
    """Gives a cell of the board with nothing in it, `float64[S, S, 3]`."""
    image, middle = _socket(cell), cell / 2
    _blend(image, np.array(_PAGE) * 0.86, _spot(image, middle, middle, 0.4 * cell))
    _blend(image, _PAGE, _spot(image, middle, middle + 0.03 * cell, 0.37 * cell))
    return image


def _socket(cell: int) -> Image:
    """Gives a cell of the board with the edge of a hole, `float64[S, S, 3]`."""
    image = np.empty((cell, cell, 3))
    image[:] = _BOARD
    _blend(image, _EDGE, _spot(image, cell / 2, cell / 2, 0.43 * cell))
    return image


@cache
def _empty_board(columns: int, rows: int, cell: int) -> Image:
    """Gives the picture without discs: a board with round corners on a page."""
    edge = cell // 4
    image = np.empty((rows * cell + 2 * edge, columns * cell + 2 * edge, 3))
    image[:] = _PAGE
    height, width = image.shape[:2]
    right, below = _offsets(image, width / 2, height / 2)
    radius, inset = 0.3 * cell, 0.06 * cell
    for inside, colour in ((inset, _EDGE), (2 * inset, _BOARD)):
        corner = np.hypot(
            np.maximum(np.abs(right) - width / 2 + inside + radius, 0),
            np.maximum(np.abs(below) - height / 2 + inside + radius, 0),
        )
        _blend(image, colour, np.clip(radius + 0.5 - corner, 0, 1))
    tile = np.tile(_hole(cell), (rows, columns, 1))
    image[edge : edge + rows * cell, edge : edge + columns * cell] = tile
    return image
