"""Draws the learning curve of a training from the cards of its checkpoints.

python scripts/draw_training.py runs/NAME docs/training.png
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import matplotlib

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
matplotlib.use("Agg")

from matplotlib import pyplot as plt  # noqa: E402

from agents import checkpoint  # noqa: E402

_INK, _WEAK, _STRONG, _RATING = "#333333", "#0072b2", "#d55e00", "#009e73"


def points(run: Path) -> list[dict[str, Any]]:
    """Gives the cards of a run's checkpoints that were measured, the oldest first."""
    cards = [checkpoint.manifest(checkpoint.at(run, step)).card for step in checkpoint.steps(run)]
    return [dict(card) for card in cards if card.get("weak") is not None]


def draw(cards: list[dict[str, Any]], file: Path) -> None:
    """Draws weak and strong on the left, rating on the right, over minutes."""
    minutes = [card["seconds"] / 60 for card in cards]
    figure, axes = plt.subplots(figsize=(8, 4.2), dpi=110)
    for name, colour in (("weak", _WEAK), ("strong", _STRONG)):
        shares = [100 * card[name] for card in cards]
        axes.plot(minutes, shares, color=colour, marker="o", markersize=3, linewidth=1.5)
        axes.annotate(
            f"{name} {shares[-1]:.1f} %",
            (minutes[-1], shares[-1]),
            xytext=(6, 0),
            textcoords="offset points",
            color=colour,
            va="center",
        )
    axes.set_xlabel("minutes of one core")
    axes.set_ylabel("moves that keep the outcome, best moves, %")
    rated = [(m, card["elo"]) for m, card in zip(minutes, cards, strict=True) if card.get("elo")]
    if rated:
        other = axes.twinx()
        other.plot(*zip(*rated, strict=True), color=_RATING, linewidth=1.2, linestyle="--")
        other.set_ylabel("Elo above random (dashed)", color=_RATING)
        other.spines["top"].set_visible(False)
    axes.set_xlim(0, minutes[-1] * 1.16)
    axes.spines["top"].set_visible(False)
    axes.grid(alpha=0.25)
    axes.tick_params(colors=_INK)
    figure.tight_layout()
    figure.savefig(file)


if __name__ == "__main__":
    draw(points(Path(sys.argv[1])), Path(sys.argv[2]))
