"""A training as bytes, and its network as bytes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from numpy.typing import NDArray

from envs.base import EnvSpec
from muzero import weights
from muzero.inference import fold
from muzero.learner import Learner
from muzero.network import NetworkConfig
from muzero.weights import CheckpointError

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
    openings: str = ""
    """Name of the recorded games that games begin from; empty where there are none."""
    planned: tuple[tuple[str, ...], ...] = ()
    """Names of the shards that the next chunks search anew, chunk by chunk; some of them may have
    left the buffer since that was decided."""
    rows: tuple[str, ...] = ()
    """Names of how the rows of self-play stand, group by group; empty where they did not begin."""


def pack_weights(network: Any, spec: EnvSpec, config: NetworkConfig, kind: str) -> bytes:
    """Gives the file of a network, see `muzero.weights`.

    Args:
        network: see `muzero.network`.
        spec: what it was trained for.
        config: what it was made from.
        kind: `float16` or `float32`, for folded layers only, see `muzero.inference.fold`.
    """
    return weights.pack_network(fold(network, kind), spec.id, dataclasses.asdict(config))


def pack_state(learner: Learner, books: Books) -> dict[str, bytes]:
    """Gives the parts of a training."""
    return {
        STATE: weights.pack(_plain(_tensors(learner))),
        BOOKS: json.dumps(books._asdict(), indent=1).encode(),
    }


def unpack_state(state: Mapping[str, bytes], learner: Learner) -> Books:
    """Puts the numbers of a training into a learner; gives the rest.

    Raises:
        CheckpointError: when a part lacks, is damaged, or is of another network.
    """
    try:
        stored, _ = weights.unpack(state[STATE])
        books = Books(**json.loads(state[BOOKS]))
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"the state of the training is damaged ({error})") from error
    restore(_tensors(learner), stored)
    learner.step = books.counters["learner_steps"]
    return books._replace(
        shards=tuple(books.shards), versions=tuple(books.versions), rows=tuple(books.rows)
    )


@torch.no_grad()
def restore(tensors: Mapping[str, torch.Tensor], stored: Mapping[str, NDArray[Any]]) -> None:
    """Puts stored numbers into the tensors of the same names.

    Raises:
        CheckpointError: when names or shapes differ.
    """
    if {n: a.shape for n, a in stored.items()} != {n: tuple(t.shape) for n, t in tensors.items()}:
        raise CheckpointError(
            "the state is of another network; resume with the config that it was made with"
        )
    for name, tensor in tensors.items():
        tensor.copy_(torch.from_numpy(stored[name]))


def _tensors(learner: Learner) -> dict[str, torch.Tensor]:
    """Gives everything that learning changes, by name."""
    out = {f"average.{name}": t for name, t in learner.average.state_dict().items()}
    for module, content in learner.learning.items():
        out |= {f"{module}.{name}": t for name, t in content.state_dict().items()}
        for name, parameter in content.named_parameters():
            for kind, tensor in learner.moments(parameter).items():
                out[f"optimizer.{module}.{name}.{kind}"] = tensor
    return out


def _plain(tensors: Mapping[str, torch.Tensor]) -> dict[str, NDArray[Any]]:
    """Gives tensors as arrays."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
