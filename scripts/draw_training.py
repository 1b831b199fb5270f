"""Draws learning curves from the cards of checkpoints.

python scripts/draw_training.py runs/NAME [runs/NAME ...] FILE.png: one training, or several as a
band. python scripts/draw_training.py LABEL=runs/A,runs/B LABEL=runs/C ... FILE.png: groups of
trainings together, by the weak grade over minutes, or by mean returns over minutes and over frames
where they play alone; the points go into FILE.csv as well.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from arena import training_curves
from arena.training_curves import Card

NOTED = ("weak", "strong", "elo", "mean_return")


def side_by_side(texts: list[str], file: Path) -> bool:
    """Draws groups, each `LABEL=RUN,RUN`, and writes their points; False = there are none."""
    named = {label: runs.split(",") for label, _, runs in (text.partition("=") for text in texts)}
    groups: dict[str, Sequence[Sequence[Card]]] = {
        label: [training_curves.points(Path(run)) for run in runs] for label, runs in named.items()
    }
    with file.with_suffix(".csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["group", "run", "env_steps", "minutes", *NOTED])
        for label, runs in named.items():
            for run, cards in zip(runs, groups[label], strict=True):
                for card in cards:
                    begin = (
                        label,
                        Path(run).name,
                        card["env_steps"],
                        f"{card['seconds'] / 60:.2f}",
                    )
                    rows.writerow([*begin, *(card.get(name) for name in NOTED)])
    if training_curves.compare(groups, "mean_return", file, ("minutes", "frames")):
        return True
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
