"""A network that only answers, as a file. Read without PyTorch, so that it can travel."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

FORMAT = "1"
"""Version of the names and meanings of what is stored."""


class CheckpointError(ValueError):
    """A file of weights or of a training that cannot be used."""


class Weights(NamedTuple):
    """The arrays of a network and what it was trained for."""

    env: str
    """Id of the environment."""
    arrays: dict[str, NDArray[Any]]
    """Name to array: `stem`, `block0.first`, `block0.second`, ..., `column`, `policy`, `hidden`,
    `out`, each with `.weight` and `.bias`. Convolutions are `[outputs, inputs, height, width]`, the
    others `[outputs, inputs]`; normalisation is folded into them."""


def write(arrays: Mapping[str, NDArray[Any]], env: str) -> bytes:
    """Gives the file of a network."""
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return bytes(safetensors.numpy.save(plain, {"format": FORMAT, "env": env}))


def read(data: bytes, env: str | None = None) -> Weights:
    """Gives the network in a file.

    Args:
        data: contents of the file.
        env: the environment that it must have been trained for; None = any.

    Raises:
        CheckpointError: when the file is damaged, of another version or for another environment.
    """
    try:
        size = int.from_bytes(data[:8], "little")
        about = _about(data[8 : 8 + size])
        arrays = safetensors.numpy.load(data)
    except (safetensors.SafetensorError, ValueError) as error:
        raise CheckpointError(f"the weights are damaged ({error}); get the file again") from error
    if about.get("format") != FORMAT:
        raise CheckpointError(
            f"the weights have format {about.get('format')}, expected {FORMAT}; train them anew or "
            "use the version of the arena that made them"
        )
    if env is not None and about["env"] != env:
        raise CheckpointError(
            f"the weights were trained for {about['env']}, not for {env}; choose another agent"
        )
    return Weights(about["env"], arrays)


def _about(header: bytes) -> dict[str, str]:
    about = json.loads(header).get("__metadata__")
    return dict(about) if about else {}
