"""What the terminal shows: tables, the ladder, the crosstable. No colour off a terminal."""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

_BAR = 32
_HARMFUL = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Categories of characters that steer a terminal, or turn or break a line."""


def console(stderr: bool = False) -> Console:
    """Gives a console that keeps its width off a terminal, so that pipes see whole tables."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else max(shutil.get_terminal_size((120, 40)).columns, 160)
    plain = not stream.isatty() or "NO_COLOR" in os.environ
    return Console(file=stream, width=width, highlight=False, markup=False, no_color=plain)


def harmless(text: str) -> str:
    """Gives a text with every character that would steer a terminal shown as `�`."""
    return "".join("�" if unicodedata.category(c) in _HARMFUL else c for c in text)


def show(*what: RenderableType) -> None:
    """Prints to stdout."""
    console().print(*what, sep="\n")


def note(text: str) -> None:
    """Prints a line of advice to stdout."""
    console().print(Text(text, style="dim"))


def warn(text: str) -> None:
    """Prints a warning to stderr."""
    console(stderr=True).print(Text(f"warning: {text}", style="yellow"))


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Gives a plain table; columns of numbers are aligned by their header's `>`."""
    grid = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for header in headers:
        right = header.startswith(">")
        grid.add_column(header.lstrip(">"), justify="right" if right else "left", no_wrap=True)
    for row in rows:
        grid.add_row(*(harmless(cell) if isinstance(cell, str) else cell for cell in row))
    return grid


_Cells = dict[str, Callable[[dict[str, Any]], str]]
_MET: _Cells = {
    ">games": lambda agent: f"{agent['games']:,}",
    ">distinct": lambda agent: f"{agent['distinct_games']:,}",
    ">score": lambda agent: f"{100 * agent['score']:.1f} %",
}
_SOLO: _Cells = {
    ">episodes": lambda agent: f"{agent['episodes']:,}",
    ">mean return": lambda agent: f"{agent['mean_return']:,.1f}",
    ">beats": lambda agent: f"{100 * agent['score']:.1f} %",
}
"""What ladders of games for two and of solo episodes tell, by header."""


def is_solo(document: dict[str, Any]) -> bool:
    """Gives whether a ladder document is one of solo episodes."""
    return bool(document["agents"]) and "episodes" in document["agents"][0]


def ladder(document: dict[str, Any]) -> RenderableType:
    """Gives the rating table of a ladder document, with a bar for every interval."""
    agents = document["agents"]
    scale = _scale(agents)
    last = _SOLO if is_solo(document) else _MET
    headers = [">#", "agent", ">elo", ">± 95 %", "", *last, ">faults"]
    rows = [
        [
            str(place),
            agent["agent"],
            f"{agent['elo']:+.0f}",
            error(agent),
            _bar(agent, *scale),
            *(cell(agent) for cell in last.values()),
            str(agent["faults"] or "·"),
        ]
        for place, agent in enumerate(agents, 1)
    ]
    parts: list[RenderableType] = [table(headers, rows)]
    if document["first_move_elo"] is not None:
        parts.append(Text(f"\nMoving first is worth {document['first_move_elo']:+.0f} Elo.", "dim"))
    parts += [Text(f"warning: {text}", style="yellow") for text in document["warnings"]]
    return Group(*parts)


def crosstable(document: dict[str, Any]) -> RenderableType:
    """Gives the share of points that each agent (row) took from each other (column)."""
    agents = [agent["agent"] for agent in document["agents"]]
    points: dict[tuple[str, str], float] = {}
    games: dict[tuple[str, str], int] = {}
    for cell in document["pairings"]:
        pair = cell["first"], cell["second"]
        played = cell["wins"] + cell["draws"] + cell["losses"]
        won = cell["wins"] + cell["draws"] / 2
        for key, share in ((pair, won), (pair[::-1], played - won)):
            points[key] = points.get(key, 0.0) + share
            games[key] = games.get(key, 0) + played
    headers = [">#", "points in %", *(f">{place}" for place in range(1, len(agents) + 1))]
    rows = []
    for place, row in enumerate(agents, 1):
        cells = [
            f"{100 * points[row, column] / games[row, column]:.0f}"
            if games.get((row, column))
            else "·"
            for column in agents
        ]
        rows.append([str(place), row, *cells])
    return table(headers, rows)


def superiority(document: dict[str, Any]) -> RenderableType:
    """Gives the likelihood that each agent (row) is stronger than each other (column)."""
    agents = [agent["agent"] for agent in document["agents"]]
    headers = [">#", "stronger in %", *(f">{place}" for place in range(1, len(agents) + 1))]
    rows = [
        [
            str(place),
            name,
            *("·" if chance is None else f"{100 * chance:.1f}" for chance in chances),
        ]
        for place, (name, chances) in enumerate(zip(agents, document["los"], strict=True), 1)
    ]
    return table(headers, rows)


def sprt(document: dict[str, Any]) -> RenderableType:
    """Gives what the test of a match of two decided, and from which numbers."""
    test = document["sprt"]
    low, high = f"{test['elo0']:+g}", f"{test['elo1']:+g}"
    words = {
        "H0": f"H0, the first agent is stronger by {low} rather than {high} Elo",
        "H1": f"H1, the first agent is stronger by {high} rather than {low} Elo",
        None: f"not decided between {low} and {high} Elo; more --games may do it",
    }
    pairs = " ".join(map(str, test["pentanomial"]))
    return Text(
        f"SPRT: {words[test['decision']]}. Log-likelihood ratio {test['llr']:+.2f}, bounds "
        f"{test['lower']:+.2f} and {test['upper']:+.2f}; pairs with 0, 1/2, 1, 3/2, 2 points: "
        f"{pairs}."
    )


def error(agent: Mapping[str, Any]) -> str:
    """Gives half the 95 % interval of an agent of a ladder, or the bound of a one-sided one."""
    if agent["bound"]:
        sign = "≥" if agent["bound"] == "lower" else "≤"
        return f"{sign} {agent['bound_elo']:+.0f}"
    return "?" if agent["error95"] is None else f"{agent['error95']:.0f}"


def _scale(agents: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Gives the least and the greatest Elo that the bars show."""
    reach = [agent["error95"] or 0.0 for agent in agents]
    low = min(agent["elo"] - r for agent, r in zip(agents, reach, strict=True))
    high = max(agent["elo"] + r for agent, r in zip(agents, reach, strict=True))
    return low, max(high, low + 1.0)


def _bar(agent: dict[str, Any], low: float, high: float) -> Text:
    """Draws an interval: its middle a dot, one-sided bounds an arrow."""

    def place(elo: float) -> int:
        return round((min(max(elo, low), high) - low) / (high - low) * (_BAR - 1))

    cells = [" "] * _BAR
    middle = place(agent["elo"])
    error = agent["error95"]
    if error is not None:
        for cell in range(place(agent["elo"] - error), place(agent["elo"] + error) + 1):
            cells[cell] = "─"
    cells[middle] = {"lower": "▶", "upper": "◀"}.get(agent["bound"], "●")
    return Text("".join(cells), style="cyan")
