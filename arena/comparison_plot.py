"""The picture of a comparison on Atari games: aggregates with intervals, scores of every game."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from arena import compare_screen
from arena.compare import CompareError

FORMATS = (".png", ".pdf", ".svg")
LEAST = 0.01
"""Human-normalised score at the left edge; what is less is drawn there as an arrow."""
_INK, _FAINT = "#333333", "#8a8a8a"
_COLOURS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#6a3d9a",
    "#7f7f7f",
)
_MARKERS = "osD^vPX"
_TITLES = {
    "iqm": "IQM",
    "median": "Median",
    "mean": "Mean",
    "optimality_gap": "Optimality gap",
}
_LOGARITHMIC = 8.0
"""Ratio of the greatest to the least value from which an axis is logarithmic."""
_GAMES_A_COLUMN = 30
_TICKS = {20.0: (1.0, 2.0, 5.0), 2000.0: (1.0, 3.0), math.inf: (1.0,)}
"""Ratio of the ends of a logarithmic axis, and below it where in a decade it has ticks."""


class Style(NamedTuple):
    """How an agent is drawn, in all parts of the picture."""

    colour: str
    marker: str
    filled: bool
    """False where its protocol is not the one that is ranked."""
    label: str


def draw(document: Mapping[str, Any], file: Path) -> None:
    """Draws a document of `compare.document`, as PNG, PDF or SVG by the file's name.

    Raises:
        CompareError: when the file is to be of another kind.
    """
    if file.suffix.lower() not in FORMATS:
        raise CompareError(
            f"{file}: a picture is {', '.join(FORMATS)}; choose one of these endings"
        )
    styles = _styles(document)
    columns = math.ceil(len(document["games"]) / _GAMES_A_COLUMN)
    rows = math.ceil(len(document["games"]) / columns)
    games_high = 0.8 + rows * min(max(0.17, 0.1 + 0.035 * len(styles)), max(0.17, 3 / rows))
    aggregates_high = 0.8 + 0.26 * len(styles) if document["shared"] else 0.0
    figure = Figure(figsize=(8.6, aggregates_high + games_high), dpi=200, layout="constrained")
    parts = [aggregates_high, games_high] if document["shared"] else [games_high]
    grid = figure.add_gridspec(len(parts), 1, height_ratios=parts)
    if document["shared"]:
        _aggregates(figure.add_subfigure(grid[0]), document, styles)
    lower = figure.add_subfigure(grid[-1])
    _games(lower, document, styles, columns)
    figure.savefig(file)


def _styles(document: Mapping[str, Any]) -> dict[str, Style]:
    """Gives the style of each agent, in the order from top to bottom."""
    agents = sorted(document["agents"], key=_order)
    styles = {}
    for number, agent in enumerate(agents):
        filled = agent["protocol"] == document["protocol"]
        marker = _MARKERS[number // len(_COLOURS) % len(_MARKERS)]
        label = agent["agent"] + ("" if filled else " †")
        styles[agent["agent"]] = Style(_COLOURS[number % len(_COLOURS)], marker, filled, label)
    return styles


def _order(agent: Mapping[str, Any]) -> tuple[bool, int, str]:
    return agent["place"] is None, agent["place"] or 0, agent["protocol"]


def _aggregates(part: SubFigure, document: Mapping[str, Any], styles: Mapping[str, Style]) -> None:
    """Draws a panel for each aggregate, the agents below each other in all of them."""
    panels = part.subplots(1, len(_TITLES), sharey=True)
    by_name = {agent["agent"]: agent for agent in document["agents"]}
    rows = [by_name[name] for name in styles]
    for axes, statistic in zip(panels, _TITLES, strict=True):
        found = [agent["aggregates"][statistic] for agent in rows]
        _scale(axes, [v for row in found for v in row.values() if v is not None], statistic)
        for row, (values, style) in enumerate(zip(found, styles.values(), strict=True)):
            _estimate(axes, values, row, style)
        axes.set_title(_TITLES[statistic], fontsize=9, color=_INK, fontweight="bold")
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", alpha=0.15, lw=0.6)
        _frame(axes)
    panels[0].set_yticks(range(len(rows)), [style.label for style in styles.values()])
    for tick, agent in zip(panels[0].get_yticklabels(), rows, strict=True):
        tick.set_color(styles[agent["agent"]].colour)
        tick.set_fontweight("bold" if agent["ours"] else "normal")
    ranked = sum(style.filled for style in styles.values())
    if 0 < ranked < len(rows):
        for axes in panels:
            axes.axhline(ranked - 0.5, color=_FAINT, lw=0.6, ls=(0, (4, 3)))
    number = len(document["shared"])
    part.supxlabel(
        f"human-normalised score over {number} game{'' if number == 1 else 's'}"
        f"{_caption(document)}",
        fontsize=8,
        color=_INK,
    )


def _caption(document: Mapping[str, Any]) -> str:
    other = any(agent["protocol"] != document["protocol"] for agent in document["agents"])
    recorded = any(agent["ours"] for agent in document["agents"])
    protocol = f"; protocol {document['protocol']}, † others, not ranked with it" if other else ""
    return f"{'; bars: 95 %' if recorded else ''}{protocol}"


def _scale(axes: Axes, values: Sequence[float], statistic: str) -> None:
    """Gives an axis limits around some values, logarithmic where they differ much.

    At the right there is room for the values in words.
    """
    low, high = max(min(values), LEAST), max(values)
    if statistic != "optimality_gap" and high / low > _LOGARITHMIC:
        axes.set_xscale("log")
        axes.set_xlim(low / (high / low) ** 0.08, high * (high / low) ** 0.45)
        _ticks(axes)
    else:
        wide = max(high - min(values), 0.1)
        axes.set_xlim(min(values) - 0.08 * wide, high + 0.45 * wide)
        axes.xaxis.set_major_locator(MaxNLocator(4))


def _ticks(axes: Axes) -> None:
    """Writes plain numbers at a logarithmic axis, as many as its reach asks for."""
    low, high = axes.get_xlim()
    between = next(subs for reach, subs in _TICKS.items() if high / low < reach)
    axes.xaxis.set_major_locator(LogLocator(subs=between))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _estimate(axes: Axes, found: Mapping[str, Any], row: int, style: Style) -> None:
    """Draws a value, with its interval where there is one, and writes it at the right."""
    least = axes.get_xlim()[0] if axes.get_xscale() == "log" else -math.inf
    if found["low"] is not None:
        ends = [max(found["low"], least), max(found["high"], least)]
        axes.plot(ends, [row, row], color=style.colour, lw=9, alpha=0.35, solid_capstyle="butt")
    if found["value"] < least:
        _dot(axes, least, row, style._replace(marker="<"), 5)
    else:
        _dot(axes, found["value"], row, style, 4.5)
    axes.text(
        0.995,
        row,
        compare_screen.number(found["value"]),
        transform=axes.get_yaxis_transform(),
        ha="right",
        va="center",
        fontsize=7,
        color=_INK,
    )


def _dot(axes: Axes, value: float, row: float, style: Style, size: float) -> None:
    axes.plot(
        [value],
        [row],
        marker=style.marker,
        ms=size,
        mec=style.colour,
        mfc=style.colour if style.filled else "white",
        mew=1.1,
        ls="none",
        clip_on=False,
    )


def _games(
    part: SubFigure, document: Mapping[str, Any], styles: Mapping[str, Style], columns: int
) -> None:
    """Draws the score of every agent in every game, games in as many columns."""
    games = [game for game, row in document["games"].items() if row["human"] is not None]
    scores = [
        max(row["hns"], LEAST)
        for agent in document["agents"]
        for row in agent["games"].values()
        if row["hns"] is not None
    ]
    size = math.ceil(len(games) / columns)
    panels = part.subplots(1, columns, squeeze=False)[0]
    for number, axes in enumerate(panels):
        shown = games[number * size : (number + 1) * size]
        axes.set_xscale("log")
        axes.set_xlim(min(scores) / 1.4, max(*scores, 1.0) * 1.6)
        _ticks(axes)
        axes.axvline(1, color=_INK, lw=0.8)
        axes.annotate(
            "human",
            (1, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 1),
            textcoords="offset points",
            ha="center",
            fontsize=7,
            color=_INK,
        )
        for row in range(0, len(shown), 2):
            axes.axhspan(row - 0.5, row + 0.5, color=_INK, alpha=0.045, lw=0)
        axes.set_ylim(size - 0.4, -0.6)
        axes.set_yticks(range(len(shown)), [game.replace("_", " ") for game in shown])
        axes.tick_params(axis="y", length=0)
        for agent in document["agents"]:
            _agent(axes, agent, shown, list(styles).index(agent["agent"]), styles)
        _frame(axes)
    part.supxlabel(
        "human-normalised score, logarithmic; 1 is a human tester, arrows lie further left",
        fontsize=8,
        color=_INK,
    )


def _agent(
    axes: Axes,
    agent: Mapping[str, Any],
    games: Sequence[str],
    number: int,
    styles: Mapping[str, Style],
) -> None:
    """Draws one agent's scores, a little above or below the middle of each game's row."""
    style = styles[agent["agent"]]
    offset = 0.72 * ((number + 0.5) / len(styles) - 0.5)
    for row, game in enumerate(games):
        found = agent["games"].get(game)
        if found is None:
            continue
        if found["hns"] < LEAST:
            _dot(axes, LEAST, row + offset, style._replace(marker="<"), 3.2)
            continue
        if found["low"] is not None:
            ends = [max(found["low"], LEAST), max(found["high"], LEAST)]
            axes.plot(ends, [row + offset] * 2, color=style.colour, lw=2.2, alpha=0.35)
        _dot(axes, found["hns"], row + offset, style, 3.6)


def _frame(axes: Axes) -> None:
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(_FAINT)
    axes.grid(axis="x", alpha=0.3, lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_INK, labelsize=7.5)
