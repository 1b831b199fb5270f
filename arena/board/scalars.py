"""Curves in TensorBoard: the only way from here to its event files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tensorboard.summary import Writer  # type: ignore[import-untyped]


class Scalars:
    """An event file in a run's folder; each process that writes begins a new one."""

    def __init__(self, run: Path) -> None:
        """Opens the file."""
        self._writer = Writer(str(run))

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Adds one point to each named curve."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def flush(self) -> None:
        """Makes readers see all that was added."""
        self._writer.flush()

    def close(self) -> None:
        """Closes the file."""
        self._writer.close()
