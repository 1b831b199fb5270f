"""Draws learning curves from the cards of checkpoints.

python scripts/draw_training.py runs/NAME [runs/NAME ...] FILE.png: one training, or several as a
band. python scripts/draw_training.py LABEL=runs/A,runs/B LABEL=runs/C ... FILE.png: the weak grade
of groups of trainings, side by side; the points go into FILE.csv as well.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from arena import training_curves
from arena.training_curves import Card


def side_by_side(texts: list[str], file: Path) -> bool:
    """Draws groups, each `LABEL=RUN,RUN`, and writes their points; False = there are none."""
    groups: dict[str, Sequence[Sequence[Card]]] = {}
    with file.with_suffix(".csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["group", "run", "minutes", "weak", "strong", "elo"])
        for text in texts:
            label, _, runs = text.partition("=")
            groups[label] = [training_curves.points(Path(run)) for run in runs.split(",")]
            for run, cards in zip(runs.split(","), groups[label], strict=True):
                for card in cards:
                    measured = (card.get(name) for name in ("weak", "strong", "elo"))
                    rows.writerow([label, Path(run).name, f"{card['seconds'] / 60:.2f}", *measured])
    return training_curves.compare(groups, "weak", file)


def main(*arguments: str) -> None:
    """Draws what is asked for."""
    *runs, file = arguments
    if any("=" in run for run in runs):
        drawn = side_by_side(runs, Path(file))
    else:
        curves = [training_curves.points(Path(run)) for run in runs]
        drawn = training_curves.draw(curves, Path(file))
    if not drawn:
        sys.exit("no checkpoint of these runs was measured")


if __name__ == "__main__":
    main(*sys.argv[1:])
