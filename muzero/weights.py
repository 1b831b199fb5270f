"""Arrays as safetensors files, and networks among them. Read and written with NumPy alone.

Whoever plays needs no more than this, so that players can travel.
Source: https://github.com/huggingface/safetensors#format.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FORMAT = "1"
"""Version of the names and meanings of a network's arrays."""

_NAMES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1", "U8": "<u1", "BOOL": "?",
}  # fmt: skip
_KINDS = {np.dtype(kind): name for name, kind in _NAMES.items()}
_HEADER = 8


class CheckpointError(ValueError):
    """A file of weights or of a training that cannot be used."""


class Network(NamedTuple):
    """The arrays of a network and what it was trained for."""

    env: str
    """Id of the environment."""
    about: dict[str, Any]
    """How it was made, the fields of a `muzero.network.NetworkConfig`; empty where nobody knows."""
    arrays: dict[str, NDArray[Any]]
    """Name to array: `stem`, `block0.first`, `block0.second`, ..., `column`, `policy`, `hidden`,
    `out`, each with `.weight` and `.bias`. Convolutions are `[outputs, inputs, height, width]`, the
    others `[outputs, inputs]`; normalisation is folded into them. A learned model has also `step`,
    whose bias is `[A, C, H, W]`, a map for each action, `dynamics0.first`, ... and
    `prediction0.first`, ...; the rows of its `policy` are the policy's, then what is legal, wins
    and draws. A network that is not of this house has the names of its own state."""


def pack(arrays: Mapping[str, NDArray[Any]], about: Mapping[str, str] | None = None) -> bytes:
    """Gives arrays as a file; equal arrays give equal bytes.

    Args:
        arrays: by name.
        about: texts that go into the header.
    """
    header: dict[str, Any] = {"__metadata__": dict(about)} if about else {}
    chunks, place = [], 0
    for name, array in sorted(arrays.items(), key=lambda item: (-item[1].itemsize, item[0])):
        data = np.ascontiguousarray(array).tobytes()
        span = [place, place + len(data)]
        kind = _KINDS[array.dtype]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": span}
        chunks.append(data)
        place += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _HEADER)
    return b"".join([len(text).to_bytes(_HEADER, "little"), text, *chunks])


def unpack(data: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Gives the arrays of a file, and the texts in its header.

    Raises:
        CheckpointError: when the file is damaged.
    """
    try:
        start = _HEADER + int.from_bytes(data[:_HEADER], "little")
        header = json.loads(data[_HEADER:start])
        about = {name: str(text) for name, text in header.pop("__metadata__", {}).items()}
        arrays = {name: _array(data, start, entry) for name, entry in header.items()}
        used = sum(array.nbytes for array in arrays.values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"the file is damaged ({error}); get it again") from error
    if start + used != len(data):
        raise CheckpointError(
            f"the file is damaged: it has {len(data)} bytes, expected {start + used}; get it again"
        )
    return arrays, about


def _array(data: bytes, start: int, entry: Mapping[str, Any]) -> NDArray[Any]:
    """Gives one array of a file, a copy."""
    kind, (begin, end) = np.dtype(_NAMES[entry["dtype"]]), entry["data_offsets"]
    flat = np.frombuffer(data[start + begin : start + end], kind)
    return flat.reshape(entry["shape"]).copy()


def pack_network(
    arrays: Mapping[str, NDArray[Any]], env: str, about: Mapping[str, Any] | None = None
) -> bytes:
    """Gives the file of a network, see `Network`."""
    return pack(arrays, {"format": FORMAT, "env": env, "network": json.dumps(about or {})})


def unpack_network(data: bytes, env: str | None = None) -> Network:
    """Gives the network in a file.

    Args:
        data: contents of the file.
        env: the environment that it must have been trained for; None = any.

    Raises:
        CheckpointError: when the file is damaged, of another version or for another environment.
    """
    arrays, about = unpack(data)
    if about.get("format") != FORMAT or "env" not in about:
        raise CheckpointError(
            f"the weights have format {about.get('format')}, expected {FORMAT}; train them anew or "
            "use the version of the arena that made them"
        )
    if env is not None and about["env"] != env:
        raise CheckpointError(
            f"the weights were trained for {about['env']}, not for {env}; choose another agent"
        )
    try:
        made = json.loads(about.get("network", "{}"))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"the file is damaged ({error}); get it again") from error
    if not isinstance(made, dict):
        raise CheckpointError("the file does not say how its network was made; get it again")
    return Network(about["env"], made, arrays)
