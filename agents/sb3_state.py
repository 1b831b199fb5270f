"""What a training with Stable-Baselines3 is made of beside its algorithm: chance, state, curves."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from agents.sb3_door import KVWriter, Logger
from envs import seeding
from muzero import weights
from muzero.checkpoint import BOOKS, STATE, restore
from muzero.learner import DivergedError
from muzero.weights import CheckpointError


@contextlib.contextmanager
def seeded(*parts: int | str) -> Iterator[None]:
    """Lets all chance inside follow from `parts` alone, and leaves that outside as it was."""
    seed, before = seeding.derive(*parts), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        torch.cuda.manual_seed_all(seed)  # without a GPU nothing happens
        np.random.seed(seed % 2**32)
        try:
            yield
        finally:
            np.random.set_state(before)


class Curves(KVWriter):
    """Keeps what an algorithm logs until it is taken."""

    def __init__(self) -> None:
        self._values: dict[str, float] = {}

    def write(self, key_values: Any, key_excluded: Any, step: int = 0) -> None:
        """Takes values by name; those that are no numbers, or not for curves, are left out."""
        for name, value in key_values.items():
            if (
                isinstance(value, int | float | np.number)
                and "tensorboard" not in key_excluded[name]
            ):
                self._values[name] = float(value)

    def close(self) -> None:
        """Has nothing to end."""

    def take(self) -> dict[str, float]:
        """Gives the values since they were taken last."""
        found, self._values = self._values, {}
        return found


def curves(model: Any) -> Curves:
    """Lets an algorithm log into curves, which are given."""
    kept = Curves()
    model.set_logger(Logger(folder=None, output_formats=[kept]))
    return kept


def free_bytes() -> int | None:
    """Gives the bytes of memory that are free, None where nobody says so.

    Source: https://man7.org/linux/man-pages/man5/proc_meminfo.5.html.
    """
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    return next((1024 * int(kilobytes) for kilobytes in found), None)


def fall(final: float, left: float) -> float:
    """Gives the share of a number that falls evenly to `final`, `left` of the training to come."""
    return final + (1 - final) * left


def checked(metrics: dict[str, float], model: Any) -> dict[str, float]:
    """Gives metrics; those that are not finite, such as means of nothing, are left out.

    Raises:
        DivergedError: when the loss is not finite, or a weight.
    """
    for name in ("train/loss", "train/value_loss"):
        if not math.isfinite(metrics.get(name, 0.0)):
            raise DivergedError(f"{name} is {metrics[name]} at step {model.num_timesteps}")
    sums = torch.stack([parameter.detach().sum() for parameter in model.policy.parameters()])
    if not torch.isfinite(sums).all():
        raise DivergedError(f"a weight is not finite at step {model.num_timesteps}")
    return {name: value for name, value in metrics.items() if math.isfinite(value)}


def pack(model: Any, books: Mapping[str, Any]) -> dict[str, bytes]:
    """Gives the parts of a training: the numbers of its algorithm, and what is counted."""
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in _tensors(model).items()}
    return {STATE: weights.pack(arrays), BOOKS: json.dumps(books, indent=1).encode()}


def unpack(model: Any, state: Mapping[str, bytes]) -> dict[str, Any]:
    """Puts the numbers of a training into its algorithm; gives what was counted.

    Raises:
        CheckpointError: when a part lacks, is damaged, or is of another network.
    """
    try:
        stored, _ = weights.unpack(state[STATE])
        books = json.loads(state[BOOKS])
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"the state of the training is damaged ({error})") from error
    restore(_tensors(model), stored)
    return dict(books)


def _tensors(model: Any) -> dict[str, Tensor]:
    """Gives all numbers that learning changes, by name; the optimiser's are made if need be."""
    out = {f"policy.{name}": tensor for name, tensor in model.policy.state_dict().items()}
    optimizer = model.policy.optimizer
    for name, parameter in model.policy.named_parameters():
        if not parameter.requires_grad:
            continue
        memory = optimizer.state[parameter]
        if not memory:
            memory["step"] = torch.zeros((), device=parameter.device)
            memory["exp_avg"] = torch.zeros_like(parameter)
            memory["exp_avg_sq"] = torch.zeros_like(parameter)
        for kind in ("step", "exp_avg", "exp_avg_sq"):
            out[f"optimizer.{name}.{kind}"] = memory[kind]
    return out
