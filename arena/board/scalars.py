"""Curves, texts and pictures in TensorBoard: the only way from here to its event files."""

from __future__ import annotations

import itertools
import os
import socket
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
from tensorboard.summary.writer.record_writer import (  # type: ignore[import-untyped]
    RecordWriter,
)

from agents import disk
from arena.board import apng

_COLOURED = 3
"""What TensorBoard calls pictures in red, green and blue."""
_VERSION = "brain.Event:2"
_SEEN_S = 60.0
"""Readers see what was added so long ago."""
_numbers = itertools.count()
"""Of the event files of this process."""


class Events:
    """An event file in a run's folder; each process that writes begins a new one.

    Every call raises a DiskError that names the file when it cannot be written.
    """

    def __init__(self, run: Path, since: int = 0) -> None:
        """Opens the file.

        Args:
            run: folder of the run.
            since: first step that is written here; what earlier files say of it and of later
                ones, written before a stop and now written again, is forgotten by readers.
        """
        name = f"events.out.tfevents.{time.time():010.0f}.{socket.gethostname()}.{os.getpid()}"
        self._file = run / f"{name}.{next(_numbers)}"
        with disk.named(self._file):
            run.mkdir(parents=True, exist_ok=True)
            self._stream = self._file.open("wb")
        self._records, self._flushed = RecordWriter(self._stream), 0.0
        self._write(Event(wall_time=time.time(), file_version=_VERSION))
        start = SessionLog(status=SessionLog.START)
        self._write(Event(wall_time=time.time(), step=since, session_log=start))

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
        with disk.named(self._file):
            self._stream.flush()
        self._flushed = time.monotonic()

    def close(self) -> None:
        """Closes the file."""
        with disk.named(self._file):
            self._stream.close()

    def _add(self, step: int, summary: Summary) -> None:
        self._write(Event(wall_time=time.time(), step=step, summary=summary))

    def _write(self, event: Event) -> None:
        with disk.named(self._file):
            self._records.write(event.SerializeToString())
        if time.monotonic() > self._flushed + _SEEN_S:
            self.flush()


def written(run: Path) -> bool:
    """Gives whether a run's folder has event files."""
    return any(run.glob("events.out.tfevents.*"))
