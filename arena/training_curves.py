"""Pictures of trainings: what was measured at their checkpoints, over minutes or frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from agents import checkpoint

Card = Mapping[str, Any]
"""What a checkpoint's manifest says: `seconds`, counters, and what was measured."""
AXES: Mapping[str, tuple[str, float]] = {
    "minutes": ("seconds", 1 / 60),
    "frames": ("frames", 1e-6),
    "steps": ("env_steps", 1e-6),
}
"""What a curve can be drawn over, to what of a card, and times what."""
_AXIS_WORDS = {"minutes": "minutes", "frames": "million frames", "steps": "million steps"}
_INK = "#333333"
_SHARES = {"weak": "#0072b2", "strong": "#d55e00"}
_RATING = "#009e73"
_GROUPS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")


class Band(NamedTuple):
    """A value of several trainings, over `T` moments."""

    at: NDArray[np.float64]
    """`float64[T]`, in what `AXES` counts."""
    low: NDArray[np.float64]
    """`float64[T]`, the least of all trainings."""
    median: NDArray[np.float64]
    """`float64[T]`."""
    high: NDArray[np.float64]
    """`float64[T]`, the greatest."""


def points(run: Path) -> list[Card]:
    """Gives the cards of a run's checkpoints, the oldest first."""
    found = (checkpoint.manifest(checkpoint.at(run, step)) for step in checkpoint.steps(run))
    return [{**manifest.counters, **manifest.card} for manifest in found]


def band(curves: Sequence[Sequence[Card]], name: str, axis: str = "minutes") -> Band | None:
    """Gives a value over one of `AXES`, from when all trainings have measured it; None = none did.

    Between measurements it is taken to change evenly, after the last one to stay.
    """
    measured = [[card for card in cards if card.get(name) is not None] for cards in curves]
    key, scale = AXES[axis]
    lines = [
        (np.array([card[key] * scale for card in cards]), [card[name] for card in cards])
        for cards in measured
        if cards
    ]
    if not lines:
        return None
    at = np.unique(np.concatenate([line[0] for line in lines]))
    at = at[at >= max(line[0][0] for line in lines)]
    values = np.stack([np.interp(at, *line) for line in lines])
    return Band(at, values.min(0), np.median(values, 0), values.max(0))


def draw(curves: Sequence[Sequence[Card]], file: Path) -> bool:
    """Draws weak and strong on the left, rating or returns on the right; False = nothing to draw.

    Of several trainings the line is the median and the band goes from the least to the greatest.

    Args:
        curves: cards of each training's checkpoints, the oldest first.
        file: where to.
    """
    shares = {name: found for name in _SHARES if (found := band(curves, name)) is not None}
    rating, words = band(curves, "elo"), "Elo above the first opponent"
    if rating is None:
        rating, words = band(curves, "mean_return"), "mean return"
    bands = [*shares.values(), *([rating] if rating else [])]
    if not bands:
        return False
    marker = "o" if len(curves) == 1 else None
    axes = _frame(bands)
    for name, found in shares.items():
        _line(axes, _scaled(found, 100), _SHARES[name], marker=marker, markersize=3, linewidth=1.5)
        _name(axes, name, _scaled(found, 100), _SHARES[name], " %")
    if shares:
        axes.set_ylabel("moves that keep the outcome, best moves, %")
    if rating:
        other = axes.twinx() if shares else axes
        _line(other, rating, _RATING, linestyle="--", linewidth=1.2)
        other.set_ylabel(f"{words} (dashed)", color=_RATING)
        other.spines["top"].set_visible(False)
    _save(axes, file)
    return True


def compare(
    groups: Mapping[str, Sequence[Sequence[Card]]],
    value: str,
    file: Path,
    axes: Sequence[str] = ("minutes",),
) -> bool:
    """Draws a value of several groups, a line and a band for each; False = there is none.

    Args:
        groups: what a group is called, to the cards of its trainings, the oldest first.
        value: `weak`, `strong`, `elo`, `mean_return` or `hns`.
        file: where to.
        axes: of `AXES`, a picture over each, side by side.
    """
    figure = Figure(figsize=(8 if len(axes) == 1 else 6 * len(axes), 4.2), dpi=110)
    parts = figure.subplots(1, len(axes), squeeze=False)[0]
    for axis, part in zip(axes, parts, strict=True):
        found = {label: band(curves, value, axis) for label, curves in groups.items()}
        measured = {label: each for label, each in found.items() if each is not None}
        if not measured:
            return False
        _share(part, measured, value, axis)
    _save(parts[0], file)
    return True


def _share(axes: Axes, bands: Mapping[str, Band], value: str, axis: str) -> None:
    """Draws a value of several groups over one axis."""
    share = value in _SHARES
    _furnish(axes, bands.values(), axis)
    for (label, found), colour in zip(bands.items(), cycle(_GROUPS), strict=False):
        shown = _scaled(found, 100) if share else found
        _line(axes, shown, colour, linewidth=1.5)
        _name(axes, label, shown, colour, " %" if share else "")
    axes.set_ylabel(f"{value}, %" if share else value.replace("_", " "))


def _frame(bands: Iterable[Band]) -> Axes:
    """Gives axes over the minutes of bands."""
    axes: Axes = Figure(figsize=(8, 4.2), dpi=110).subplots()
    _furnish(axes, bands, "minutes")
    return axes


def _furnish(axes: Axes, bands: Iterable[Band], axis: str) -> None:
    """Makes room for bands, and for words at the ends of their lines."""
    axes.set_xlabel(_AXIS_WORDS[axis])
    axes.set_xlim(0, max(found.at[-1] for found in bands) * 1.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.tick_params(colors=_INK)


def _save(axes: Axes, file: Path) -> None:
    figure = axes.get_figure(root=True)
    assert figure is not None, "made by _frame"
    figure.tight_layout()
    figure.savefig(file)


def _scaled(found: Band, factor: float) -> Band:
    return Band(found.at, *(factor * part for part in found[1:]))


def _line(axes: Axes, found: Band, colour: str, **style: Any) -> None:
    axes.plot(found.at, found.median, color=colour, **style)
    if (found.low < found.high).any():
        axes.fill_between(found.at, found.low, found.high, color=colour, alpha=0.18, lw=0)


def _name(axes: Axes, name: str, found: Band, colour: str, unit: str) -> None:
    """Writes what a line shows, and its last value, at its end."""
    axes.annotate(
        f"{name} {found.median[-1]:.1f}{unit}",
        (found.at[-1], found.median[-1]),
        xytext=(6, 0),
        textcoords="offset points",
        color=colour,
        va="center",
    )
