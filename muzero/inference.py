"""Networks that only answer: batch normalisation folded, layers fused. Axes: `R` rows, `A` actions.

`fold` gives plain arrays that any backend can evaluate; `Acting` evaluates those of true rules with
PyTorch, in bfloat16 where the processor multiplies it; `muzero.imagining` those of learned models.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from muzero import architecture

Weights = Mapping[str, NDArray[Any]]
"""As in `muzero.weights.Network.arrays`."""
ONCE = ((1, 1), (1, 1), 1)
"""Stride, dilation and groups of every convolution."""
SAME, NONE = (1, 1), (0, 0)


@torch.no_grad()
def fold(network: Any, kind: str = "float32") -> dict[str, NDArray[Any]]:
    """Gives the weights of a network for evaluation, see `Weights`.

    Args:
        network: one of this house gives its layers, folded, if it can be; any other gives its
            state as it is, its integers and its fractions as float32.
        kind: numbers of folded layers, such as `float16`, which they are known to bear.
    """
    folded = network.folded() if architecture.built_in(network) else None
    if folded is None:
        return {name: _plain(tensor) for name, tensor in network.state_dict().items()}
    return {
        f"{name}.{part}": _plain(tensor).astype(kind)
        for name, pair in folded.items()
        for part, tensor in zip(("weight", "bias"), pair, strict=True)
    }


def _plain(tensor: Tensor) -> NDArray[Any]:
    """Gives a copy as an array, fractions as float32."""
    tensor = tensor.detach().float() if tensor.is_floating_point() else tensor
    return tensor.cpu().numpy().copy()


def fast_type() -> torch.dtype:
    """Gives bfloat16 where the processor has instructions for it, else float32."""
    built = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    capable = built and torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if capable else torch.float32


class Layers:
    """Folded layers on a CPU. Convolutions end in their activation, blocks in their sum."""

    def __init__(self, weights: Weights, kind: torch.dtype) -> None:
        """Takes layers, computing with numbers of `kind`."""
        self.kind = kind
        parts = {name: torch.from_numpy(np.array(array)) for name, array in weights.items()}
        self._parts = {
            name: part.to(kind).contiguous(memory_format=torch.channels_last)
            if part.ndim == 4
            else part.to(kind)
            for name, part in parts.items()
        }

    def layer(self, name: str) -> tuple[Tensor, Tensor]:
        """Gives weight and bias."""
        return self._parts[f"{name}.weight"], self._parts[f"{name}.bias"]

    def blocks(self, name: str) -> int:
        """Gives how many residual blocks there are of a name."""
        return sum(f"{name}{n}.first.weight" in self._parts for n in range(len(self._parts)))

    def see(self, observation: NDArray[np.uint8]) -> Tensor:
        """Gives observations and a plane of ones as a map."""
        plain = torch.from_numpy(observation)
        planes = torch.empty(
            (len(plain), plain.shape[1] + 1, *plain.shape[2:]),
            dtype=self.kind,
            memory_format=torch.channels_last,
        )
        planes[:, :-1] = plain
        planes[:, -1] = 1
        return planes

    def convolve(
        self, x: Tensor, name: str, pad: tuple[int, int] = SAME, then: str = "relu"
    ) -> Tensor:
        """Gives `relu(convolution(x))`, or without relu where `then` is `none`."""
        layer = torch.ops.mkldnn._convolution_pointwise
        out: Tensor = layer(x, *self.layer(name), pad, *ONCE, then, [], "")
        return out

    def tower(self, x: Tensor, name: str) -> Tensor:
        """Runs all blocks of a name; overwrites `x`."""
        add = torch.ops.mkldnn._convolution_pointwise_.binary
        for number in range(self.blocks(name)):
            y = self.convolve(x, f"{name}{number}.first")
            second = self.layer(f"{name}{number}.second")
            add(x, y, *second, SAME, *ONCE, "add", 1.0, "relu", [], "")
        return x

    def heads(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gives logits, `[R, A]`, values, `[R]`, and the rest of the columns, `[R, A, ...]`."""
        linear = torch.nn.functional.linear
        columns = self.convolve(x, "column", NONE).squeeze(2).transpose(1, 2)
        hidden = torch.relu(linear(columns.reshape(len(columns), -1), *self.layer("hidden")))
        out = linear(hidden, *self.layer("out")).float()
        said = linear(columns, *self.layer("policy")).float()
        return said[:, :, 0] + out[:, 1:], torch.tanh(out[:, 0] / 2), said[:, :, 1:]


class Acting:
    """A network as a search on true rules takes it; its weights can be exchanged."""

    def __init__(self) -> None:
        self._layers: Layers | None = None
        self.seconds = 0.0

    def load(self, weights: Weights) -> None:
        """Takes other weights, and starts to count anew the seconds that answers take."""
        self._layers, self.seconds = Layers(weights, fast_type()), 0.0

    def __call__(self, observation: NDArray[np.uint8]) -> tuple[Any, Any]:
        """Gives logits, `float32[R, A]`, and values, `float32[R]`, of observations."""
        layers, began = self._layers, time.perf_counter()
        assert layers is not None, "load comes first"
        with torch.inference_mode():
            first = layers.convolve(layers.see(observation), "stem")
            logits, value, _ = layers.heads(layers.tower(first, "block"))
            said = logits.numpy(), value.numpy()
        self.seconds += time.perf_counter() - began
        return said
