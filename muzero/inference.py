"""Networks that only answer: batch normalisation folded, layers fused. Axes: `R` rows, `A` actions.

`fold` gives plain arrays that any backend can evaluate; `Acting` evaluates them with PyTorch, in
bfloat16 where the processor multiplies it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from muzero.network import BoardNetwork

Weights = Mapping[str, NDArray[Any]]
"""As in `muzero.weights.Network.arrays`."""
_ONCE = ((1, 1), (1, 1), 1)
_SAME, _NONE = (1, 1), (0, 0)


def _folded(pair: Any) -> tuple[Any, Any]:
    """Gives weight and bias of a convolution that does the work of its normalisation too.

    Source: https://arxiv.org/abs/1502.03167, section 3.1: the scale is gamma / sqrt(var + eps).
    """
    convolution, norm = pair[0], pair[1]
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    weight = convolution.weight * scale[:, None, None, None]
    return weight, norm.bias - norm.running_mean * scale


@torch.no_grad()
def fold(network: BoardNetwork) -> dict[str, NDArray[np.float32]]:
    """Gives the weights of a network for evaluation, see `Weights`."""
    parts = {"stem": _folded(network.stem)}
    blocks: Any = network.tower
    for number, block in enumerate(blocks):
        parts[f"block{number}.first"] = _folded(block.first)
        parts[f"block{number}.second"] = _folded(block.second)
    parts["column"] = _folded(network.column)
    for name in ("policy", "hidden", "out"):
        layer = getattr(network, name)
        parts[name] = (layer.weight, layer.bias)
    return {
        f"{name}.{kind}": tensor.detach().float().cpu().numpy().copy()
        for name, pair in parts.items()
        for kind, tensor in zip(("weight", "bias"), pair, strict=True)
    }


def fast_type() -> torch.dtype:
    """Gives bfloat16 where the processor has instructions for it, else float32."""
    built = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    capable = built and torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if capable else torch.float32


class _Fused:
    """A folded network on a CPU. Convolutions end in their activation, blocks in their sum."""

    def __init__(self, weights: Weights, kind: torch.dtype) -> None:
        self._kind = kind
        parts = {name: torch.from_numpy(np.array(array)) for name, array in weights.items()}
        self._parts = {
            name: part.to(kind).contiguous(memory_format=torch.channels_last)
            if part.ndim == 4
            else part.to(kind)
            for name, part in parts.items()
        }
        self._blocks = sum(name.endswith("first.weight") for name in weights)

    def _layer(self, name: str) -> tuple[Tensor, Tensor]:
        return self._parts[f"{name}.weight"], self._parts[f"{name}.bias"]

    def __call__(self, observation: NDArray[np.uint8]) -> tuple[Any, Any]:
        """Gives logits, `float32[R, A]`, and values, `float32[R]`, of observations."""
        with torch.inference_mode():
            plain = torch.from_numpy(observation)
            planes = torch.empty(
                (len(plain), plain.shape[1] + 1, *plain.shape[2:]),
                dtype=self._kind,
                memory_format=torch.channels_last,
            )
            planes[:, :-1] = plain
            planes[:, -1] = 1
            logits, value = self._heads(self._tower(planes))
            return logits.numpy(), value.numpy()

    def _tower(self, planes: Tensor) -> Tensor:
        convolve = torch.ops.mkldnn._convolution_pointwise
        add = torch.ops.mkldnn._convolution_pointwise_.binary
        x: Tensor = convolve(planes, *self._layer("stem"), _SAME, *_ONCE, "relu", [], "")
        for number in range(self._blocks):
            first, second = self._layer(f"block{number}.first"), f"block{number}.second"
            y = convolve(x, *first, _SAME, *_ONCE, "relu", [], "")
            add(x, y, *self._layer(second), _SAME, *_ONCE, "add", 1.0, "relu", [], "")
        columns: Tensor = convolve(x, *self._layer("column"), _NONE, *_ONCE, "relu", [], "")
        return columns

    def _heads(self, columns: Tensor) -> tuple[Tensor, Tensor]:
        linear = torch.nn.functional.linear
        columns = columns.squeeze(2).transpose(1, 2)
        hidden = torch.relu(linear(columns.reshape(len(columns), -1), *self._layer("hidden")))
        out = linear(hidden, *self._layer("out")).float()
        logits = linear(columns, *self._layer("policy")).squeeze(2).float() + out[:, 1:]
        return logits, torch.tanh(out[:, 0] / 2)


class Acting:
    """A network as a search on true rules takes it; its weights can be exchanged."""

    def __init__(self) -> None:
        self._fused: _Fused | None = None
        self.seconds = 0.0

    def load(self, weights: Weights) -> None:
        """Takes other weights, and starts to count anew the seconds that answers take."""
        self._fused, self.seconds = _Fused(weights, fast_type()), 0.0

    def __call__(self, observation: NDArray[np.uint8]) -> tuple[Any, Any]:
        """Gives logits, `float32[R, A]`, and values, `float32[R]`, of observations."""
        assert self._fused is not None, "load comes first"
        began = time.perf_counter()
        said = self._fused(observation)
        self.seconds += time.perf_counter() - began
        return said
