"""Anybody's results from a CSV file: `first,second,score`, with an `opening` if there is one."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator
from pathlib import Path

from arena.results import ALONE, Results

_REQUIRED = ("first", "second", "score")
_SCORE2 = {
    **dict.fromkeys(("0", "0.0", "0-1"), 0),
    **dict.fromkeys(("0.5", ".5", "1/2", "1/2-1/2"), 1),
    **dict.fromkeys(("1", "1.0", "1-0"), 2),
}


class ResultsFileError(ValueError):
    """A file of results that cannot be read: the text names the line."""


def read_results(path: str | Path) -> Results:
    """Gives the results in a CSV file, UTF-8, players numbered in the order they appear.

    The header is required, in any order; other columns are ignored. `score` is the first mover's:
    `0`, `0.5` or `1`, or `0-1`, `1/2-1/2`, `1-0`. Games of the same two players with the same
    `opening`, any text, are a cluster; a game without one stands alone.

    Raises:
        ResultsFileError: when the header lacks a column, a row is incomplete, a player meets
            itself, a score is unknown, or there is no game.
        OSError: when the file cannot be opened.
    """
    players: dict[str, int] = {}
    openings: dict[str, int] = {}
    columns: tuple[list[int], ...] = ([], [], [], [])
    for first, second, score2, opening in _games(Path(path)):
        columns[0].append(players.setdefault(first, len(players)))
        columns[1].append(players.setdefault(second, len(players)))
        columns[2].append(score2)
        columns[3].append(openings.setdefault(opening, len(openings)) if opening else ALONE)
    if not players:
        raise ResultsFileError(f"{path} holds no games; write one a line below the header")
    return Results.of(players, *columns)


def _games(path: Path) -> Iterator[tuple[str, str, int, str]]:
    """Gives first mover, second mover, score2 and opening of each row that is not blank."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        try:
            place = _header(path, next(reader, []))
            for row in reader:
                if any(cell.strip() for cell in row):
                    yield _game(f"{path}, line {reader.line_num}", row, place)
        except UnicodeDecodeError as error:
            raise ResultsFileError(f"{path} is not UTF-8 text; save it as CSV UTF-8") from error
        except csv.Error as error:
            raise ResultsFileError(f"{path}, line {reader.line_num}: {error}; mend it") from error


def _header(path: Path, row: list[str]) -> dict[str, int]:
    """Gives where each named column stands."""
    place = {name.strip().lower(): k for k, name in enumerate(row)}
    for name in _REQUIRED:
        if name not in place:
            close = difflib.get_close_matches(name, list(place), n=1)
            hint = f"; did you mean {name!r} by {close[0]!r}?" if close else ""
            raise ResultsFileError(
                f"{path}, line 1: no column {name!r}, expected the header first,second,score"
                f"[,opening]{hint}"
            )
    return place


def _game(where: str, row: list[str], place: dict[str, int]) -> tuple[str, str, int, str]:
    """Gives one game, or says what is wrong with its line."""
    if len(row) <= max(place[name] for name in _REQUIRED):
        raise ResultsFileError(
            f"{where}: {len(row)} cells, too few for the header; write first,second,score"
        )
    first, second, score = (row[place[name]].strip() for name in _REQUIRED)
    if not first or not second:
        raise ResultsFileError(f"{where}: a player has no name; fill first and second")
    if first == second:
        raise ResultsFileError(f"{where}: {first!r} meets itself; leave such games out")
    score2 = _SCORE2.get(score.replace(" ", "").replace("\N{VULGAR FRACTION ONE HALF}", "1/2"))
    if score2 is None:
        raise ResultsFileError(
            f"{where}: score {score!r}, expected 0, 0.5 or 1 for the first mover, or 0-1, "
            "1/2-1/2 or 1-0"
        )
    at = place.get("opening", len(row))
    return first, second, score2, row[at].strip() if at < len(row) else ""
