"""Networks of dense layers without PyTorch. Axes: `R` rows, `A` actions.

What is seen is laid out flat. Policy and value have layers of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count, takewhile

import numpy as np
from numpy.typing import NDArray

from agents.pictures import weight_and_bias
from envs.base import EnvSpec
from muzero.weights import CheckpointError, Network

_Numbers = NDArray[np.float32]


def _relu(x: _Numbers) -> _Numbers:
    return np.maximum(x, np.float32(0))


ACTIVATIONS: dict[str, Callable[[_Numbers], _Numbers]] = {"tanh": np.tanh, "relu": _relu}
"""What follows each hidden layer."""


class Dense:
    """A network of boards; each row is computed alone, so that it gets the same in any batch."""

    def __init__(self, network: Network, spec: EnvSpec) -> None:
        """Takes the weights: `policy0`, `policy1`, ..., `actions`; `worth0`, ..., `value`.

        Raises:
            CheckpointError: when they are no network for the environment.
        """
        activation = ACTIVATIONS.get(str(network.about.get("dense")))
        if activation is None:
            raise CheckpointError("the weights are of no network of dense layers; get them again")
        self._activation = activation
        self._low, self._high = spec.value_range or (-np.inf, np.inf)
        seen = int(np.prod(spec.observation_shape))
        self._towers = [
            _tower(network, hidden, last, (seen, given))
            for hidden, last, given in (
                ("policy", "actions", spec.num_actions),
                ("worth", "value", 1),
            )
        ]

    def __call__(self, observation: NDArray[np.uint8]) -> tuple[_Numbers, _Numbers]:
        """Gives numbers of actions, `float32[R, A]`, and of the whole, `float32[R]`.

        Where returns have a range, the latter is brought into it.
        """
        flat = observation.reshape(len(observation), -1).astype(np.float32)
        actions, value = (
            np.stack([self._climb(tower, row) for row in flat]) for tower in self._towers
        )
        return actions, value[:, 0].clip(self._low, self._high).astype(np.float32)

    def _climb(self, tower: list[tuple[_Numbers, _Numbers]], x: _Numbers) -> _Numbers:
        """Gives what a tower says of one row."""
        *hidden, (weight, bias) = tower
        for inner, offset in hidden:
            x = self._activation(inner @ x + offset)
        return np.asarray(weight @ x + bias)


def _tower(
    network: Network, hidden: str, last: str, ends: tuple[int, int]
) -> list[tuple[_Numbers, _Numbers]]:
    """Gives the layers of a tower that takes and gives so many numbers."""
    names = takewhile(lambda name: f"{name}.weight" in network.arrays, _numbered(hidden))
    layers = [weight_and_bias(network, name) for name in (*names, last)]
    size = ends[0]
    for weight, bias in layers:
        if weight.shape != (bias.size, size):
            raise CheckpointError(
                f"a layer of the weights takes {weight.shape[1]} numbers and gives "
                f"{weight.shape[0]}, expected {size} and {bias.size}; choose another agent"
            )
        size = bias.size
    if size != ends[1]:
        raise CheckpointError(
            f"'{last}' of the weights gives {size} numbers, expected {ends[1]}; choose another "
            "agent"
        )
    return layers


def _numbered(word: str) -> map[str]:
    return map(f"{word}{{}}".format, count())
