"""Curves, texts and pictures in TensorBoard: the only way from here to its event files."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog  # type: ignore[import-untyped]
from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]
from tensorboard.compat.proto.tensor_pb2 import TensorProto  # type: ignore[import-untyped]
from tensorboard.compat.proto.tensor_shape_pb2 import (  # type: ignore[import-untyped]
    TensorShapeProto,
)
from tensorboard.plugins.hparams.summary_v2 import hparams_pb  # type: ignore[import-untyped]
from tensorboard.plugins.text.metadata import (  # type: ignore[import-untyped]
    create_summary_metadata,
)
from tensorboard.summary.writer.event_file_writer import (  # type: ignore[import-untyped]
    EventFileWriter,
)

from arena.board import apng

_COLOURED = 3
"""What TensorBoard calls pictures in red, green and blue."""


class Events:
    """An event file in a run's folder; each process that writes begins a new one."""

    def __init__(self, run: Path, since: int = 0) -> None:
        """Opens the file.

        Args:
            run: folder of the run.
            since: first step that is written here; what earlier files say of it and of later
                ones, written before a stop and now written again, is forgotten by readers.
        """
        self._writer = EventFileWriter(str(run))
        start = SessionLog(status=SessionLog.START)
        self._writer.add_event(Event(wall_time=time.time(), step=since, session_log=start))

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Adds one point to each named curve."""
        points = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._add(step, Summary(value=points))

    def text(self, step: int, name: str, markdown: str) -> None:
        """Adds a text, which may be a table."""
        tensor = TensorProto(
            dtype="DT_STRING",
            string_val=[markdown.encode()],
            tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)]),
        )
        about = create_summary_metadata(display_name="", description="")
        self._add(step, Summary(value=[Summary.Value(tag=name, metadata=about, tensor=tensor)]))

    def picture(self, step: int, name: str, png: bytes) -> None:
        """Adds a PNG, which may be animated."""
        width, height = apng.size(png)
        image = Summary.Image(
            width=width, height=height, colorspace=_COLOURED, encoded_image_string=png
        )
        self._add(step, Summary(value=[Summary.Value(tag=name, image=image)]))

    def parameters(self, run: str, values: Mapping[str, bool | float | str]) -> None:
        """Says once with which hyper-parameters a run was made."""
        self._add(0, hparams_pb(dict(values), trial_id=run))

    def flush(self) -> None:
        """Makes readers see all that was added."""
        self._writer.flush()

    def close(self) -> None:
        """Closes the file."""
        self._writer.close()

    def _add(self, step: int, summary: Summary) -> None:
        self._writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))


def written(run: Path) -> bool:
    """Gives whether a run's folder has event files."""
    return any(run.glob("events.out.tfevents.*"))
