"""Draws the learning curve of a training, or of several as a band, from their checkpoints' cards.

python scripts/draw_training.py runs/NAME [runs/NAME ...] docs/training.png
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from arena import training_curves

if __name__ == "__main__":
    *runs, file = map(Path, sys.argv[1:])
    curves = [training_curves.points(run) for run in runs]
    if not training_curves.draw(curves, file, "minutes of one core"):
        sys.exit("no checkpoint of these runs was measured")
