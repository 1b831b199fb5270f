"""Figures of a run for a paper: ladder with intervals, crosstable, ratings over games, training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6a3d9a", "#7f7f7f")
_INK, _FAINT = "#333333", "#bbbbbb"
_CURVES = {"elo": "Elo above the first opponent", "weak": "weak", "mean_return": "mean return"}

Document = Mapping[str, Any]


def draw(run: str, ladder: Document, points: Sequence[Document], folder: Path) -> list[Path]:
    """Draws the figures of a run as PNG files and gives the files; one without data is left out.

    Args:
        run: its name, which the files' names begin with.
        ladder: as the Arena tab has it.
        points: what was measured at the checkpoints of its training.
        folder: where the files go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        "ladder": _ladder(ladder) if ladder["agents"] else None,
        "crosstable": _crosstable(ladder) if ladder["pairings"] else None,
        "history": _history(ladder) if len(ladder.get("history", [])) > 1 else None,
        "training": _training(points),
    }
    files = []
    for name, figure in figures.items():
        if figure is not None:
            file = folder / f"{run}-{name}.png"
            figure.savefig(file, dpi=200)
            files.append(file)
    return files


def _figure(width: float, height: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _ladder(document: Document) -> Figure:
    agents = document["agents"]
    figure, axes = _figure(6.4, 0.8 + 0.28 * len(agents))
    for place, agent in enumerate(agents):
        error = agent["error95"]
        if error is not None:
            axes.errorbar(agent["elo"], place, xerr=error, color=_COLOURS[0], capsize=2)
        axes.plot(agent["elo"], place, "o", color=_COLOURS[0], mfc="w" if error is None else None)
    axes.set_yticks(range(len(agents)), [agent["agent"] for agent in agents])
    axes.set_ylim(len(agents) - 0.4, -0.6)
    axes.set_xlabel("Elo, 95 % intervals; a circle: no interval")
    axes.grid(axis="x", color=_FAINT, linewidth=0.4)
    return figure


def _crosstable(document: Document) -> Figure:
    names = [agent["agent"] for agent in document["agents"]]
    index = {name: place for place, name in enumerate(names)}
    points, games = np.zeros((2, len(names), len(names)))
    for row in document["pairings"]:
        first, second = index[row["first"]], index[row["second"]]
        total = row["wins"] + row["draws"] + row["losses"]
        points[first, second] += row["wins"] + row["draws"] / 2
        points[second, first] += row["losses"] + row["draws"] / 2
        games[first, second] += total
        games[second, first] += total
    shares = np.divide(points, games, out=np.full_like(points, np.nan), where=games > 0)
    figure, axes = _figure(2.6 + 0.42 * len(names), 1.0 + 0.34 * len(names))
    axes.imshow(shares, cmap="RdBu", vmin=-0.25, vmax=1.25, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        if not np.isnan(share):
            axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", color=_INK)
    axes.set_xticks(range(len(names)), [str(place + 1) for place in range(len(names))])
    labels = [f"{place + 1}  {name}" for place, name in enumerate(names)]
    axes.set_yticks(range(len(names)), labels)
    axes.set_xlabel("points of the row in %", fontsize=9)
    return figure


def _history(document: Document) -> Figure:
    figure, axes = _figure(6.4, 3.6)
    for agent, colour in zip(document["agents"], cycle(_COLOURS), strict=False):
        name = agent["agent"]
        known = [point for point in document["history"] if name in point["values"]]
        x, y = [point["games"] for point in known], [point["values"][name] for point in known]
        axes.plot(x, y, color=colour, linewidth=1.2, label=name)
    axes.set_xlabel("episodes" if document["solo"] else "games")
    axes.set_ylabel("mean return" if document["solo"] else "Elo")
    axes.legend(fontsize=6, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _training(points: Sequence[Document]) -> Figure | None:
    found = [name for name in _CURVES if any(name in point for point in points)]
    if not found:
        return None
    figure, axes = _figure(6.4, 3.0)
    known = [point for point in points if found[0] in point]
    x = [point.get("env_steps", point.get("episodes", 0)) for point in known]
    axes.plot(x, [point[found[0]] for point in known], "o-", color=_COLOURS[0], markersize=3)
    axes.set_xlabel("steps of the env")
    axes.set_ylabel(_CURVES[found[0]])
    return figure
