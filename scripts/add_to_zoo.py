"""Copies the player of a checkpoint into the zoo: `add_to_zoo.py RUN@STEP NAME [KEY=VALUE ...]`.

What is given as KEY=VALUE goes into its card, beside what the training noted there; `null` takes a
note out.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from agents import checkpoint, trained


def main(source: str, name: str, *card: str) -> None:
    """Copies a player; a card's values are read as JSON, else as text."""
    run, _, step = source.partition("@")
    known = checkpoint.steps(Path(run))
    folder = checkpoint.at(Path(run), int(step) if step else known[-1])
    about = checkpoint.manifest(folder)
    notes = dict(about.card)
    for note in card:
        key, _, text = note.partition("=")
        try:
            notes[key] = json.loads(text)
        except ValueError:
            notes[key] = text
    notes = {key: note for key, note in notes.items() if note is not None}
    kept = dataclasses.replace(about, objects=(), card=notes)
    weights = checkpoint.read(folder, checkpoint.WEIGHTS)
    checkpoint.write(trained.ZOO / name, kept, {checkpoint.WEIGHTS: weights})


if __name__ == "__main__":
    main(*sys.argv[1:])
