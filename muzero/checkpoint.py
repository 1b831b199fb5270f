"""A training as bytes, and a network as bytes. Axes: none.

Weights are safetensors whose metadata name the environment, so that no other file passes for them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray

from envs.base import EnvSpec
from muzero.inference import fold
from muzero.learner import Learner
from muzero.network import BoardNetwork
from muzero.trajectory import TrajectoryBuffer
from muzero.weights import CheckpointError, read, write

STATE = "state.safetensors"
BOOKS = "books.json"


class Books(NamedTuple):
    """What is counted and named beside the numbers of a training."""

    counters: dict[str, int]
    """As in `Progress`."""
    shards: tuple[str, ...]
    """Names of the buffer's shards in the store, the oldest first."""
    versions: tuple[str, ...]
    """Names of the weights that self-play still needs, the newest last."""


def pack_weights(network: BoardNetwork, spec: EnvSpec, kind: str) -> bytes:
    """Gives a folded network, stored as `float16` or `float32`; see `muzero.weights`."""
    arrays = {name: array.astype(kind) for name, array in fold(network).items()}
    return write(arrays, spec.id)


def weights(data: bytes) -> dict[str, NDArray[Any]]:
    """Gives the arrays of a folded network."""
    return read(data).arrays


def pack_state(
    learner: Learner, counters: Mapping[str, int], buffer: TrajectoryBuffer, versions: list[str]
) -> dict[str, bytes]:
    """Gives the parts of a training."""
    books = Books(dict(counters), tuple(buffer.shards), tuple(versions))
    return {
        STATE: bytes(safetensors.torch.save(_plain(_tensors(learner)))),
        BOOKS: json.dumps(books._asdict(), indent=1).encode(),
    }


def unpack_state(state: Mapping[str, bytes], learner: Learner) -> Books:
    """Puts the numbers of a training into a learner; gives the rest.

    Raises:
        CheckpointError: when a part lacks, is damaged, or is of another network.
    """
    try:
        stored = safetensors.torch.load(state[STATE])
        books = Books(**json.loads(state[BOOKS]))
    except (KeyError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"the state of the training is damaged ({error})") from error
    wanted = _tensors(learner)
    if {name: t.shape for name, t in stored.items()} != {n: t.shape for n, t in wanted.items()}:
        raise CheckpointError(
            "the state is of another network; resume with the config that it was made with"
        )
    with torch.no_grad():
        for name, tensor in wanted.items():
            tensor.copy_(stored[name])
    learner.step = books.counters["learner_steps"]
    return Books(dict(books.counters), tuple(books.shards), tuple(books.versions))


def _tensors(learner: Learner) -> dict[str, torch.Tensor]:
    """Gives everything that learning changes, by name."""
    out = {f"network.{name}": t for name, t in learner.network.state_dict().items()}
    out |= {f"average.{name}": t for name, t in learner.average.state_dict().items()}
    for name, parameter in learner.network.named_parameters():
        for kind, tensor in learner.moments(parameter).items():
            out[f"optimizer.{name}.{kind}"] = tensor
    return out


def _plain(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Gives tensors in the order of memory that safetensors stores."""
    return {name: tensor.contiguous() for name, tensor in tensors.items()}
