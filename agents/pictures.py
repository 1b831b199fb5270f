"""Networks of pictures without PyTorch. Axes: `R` rows, `C` channels, `H` x `W`, `A` actions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.base import EnvSpec
from muzero.weights import CheckpointError, Network


class Convolution(NamedTuple):
    """A layer that keeps no borders."""

    channels: int
    """Of what it gives."""
    kernel: int
    """Cells that it sees, each way."""
    stride: int
    """Cells from one place to the next."""


class Shape(NamedTuple):
    """What a network of pictures is made of."""

    convolutions: tuple[Convolution, ...]
    hidden: int
    """Numbers that stand for the whole picture."""


SHAPES = {
    "nature": Shape((Convolution(32, 8, 4), Convolution(64, 4, 2), Convolution(64, 3, 1)), 512),
    "small": Shape((Convolution(16, 8, 4), Convolution(32, 4, 2)), 256),
}
"""`nature`: of https://doi.org/10.1038/nature14236; `small`: https://arxiv.org/abs/1312.5602."""

MEAN = "mean"
"""Name of the mean picture among the weights, `[1, 1, H, W]`, whole numbers; it may lack."""


def scale(centred: bool) -> float:
    """Gives what bytes are multiplied by; those without their mean are smaller."""
    return 1 / 64 if centred else 1 / 255


class Pictures:
    """A network of pictures; each row is computed alone, so that it gets the same in any batch."""

    def __init__(self, network: Network, spec: EnvSpec) -> None:
        """Takes the weights.

        Raises:
            CheckpointError: when they are no network for the environment.
        """
        shape = SHAPES.get(str(network.about.get("pictures")))
        if shape is None or len(spec.observation_shape) != 3:
            raise CheckpointError("the weights are of no network for pictures; get them again")
        self._strides = [layer.stride for layer in shape.convolutions]
        mean = network.arrays.get(MEAN)
        self._scale = np.float32(scale(mean is not None))
        self._mean = np.float32(0) if mean is None else np.asarray(mean, np.float32)[0]
        self._kernels = [layer.kernel for layer in shape.convolutions]
        self._layers = [
            weight_and_bias(network, name)
            for name in (*(f"conv{n}" for n in range(len(self._strides))), "dense")
        ]
        self._said = [weight_and_bias(network, name) for name in ("actions", "value")]
        if self._said[0][1].size != spec.num_actions:
            raise CheckpointError(
                f"the weights know {self._said[0][1].size} actions, {spec.id} has "
                f"{spec.num_actions}; choose another agent"
            )

    def __call__(
        self, observation: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Gives numbers of actions, `float32[R, A]`, and of the whole, `float32[R]`."""
        hidden = [self._see(picture) for picture in observation]
        actions, value = (
            np.stack([weight @ x + bias for x in hidden]) for weight, bias in self._said
        )
        return actions, value[:, 0]

    def _see(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Gives the numbers that stand for a picture, `uint8[C, H, W]`."""
        x = (picture - self._mean) * self._scale
        for (weight, bias), kernel, stride in zip(
            self._layers, self._kernels, self._strides, strict=False
        ):
            windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), (1, 2))
            windows = windows[:, ::stride, ::stride]
            height, width = windows.shape[1:3]
            columns = windows.transpose(1, 2, 0, 3, 4).reshape(height * width, -1)
            out = np.maximum(columns @ weight.T + bias, 0)
            x = np.ascontiguousarray(out.T).reshape(-1, height, width)
        weight, bias = self._layers[-1]
        return np.asarray(np.maximum(weight @ x.ravel() + bias, 0))


def weight_and_bias(network: Network, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Gives weight, `[outputs, inputs]`, and bias.

    Raises:
        CheckpointError: when they lack or hold what is no number.
    """
    found = []
    for part in ("weight", "bias"):
        array = network.arrays.get(f"{name}.{part}")
        if array is None or not np.isfinite(array).all():
            raise CheckpointError(f"'{name}.{part}' of the weights cannot be used; get them again")
        found.append(np.asarray(array, np.float32))
    return np.ascontiguousarray(found[0].reshape(len(found[0]), -1)), found[1]
