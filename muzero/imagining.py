"""Learned models that only answer, for searches. Axes: `R` rows, `A` actions.

Built-in networks are evaluated with their layers fused, any other by its own three functions; all
in bfloat16 where the processor multiplies it.
"""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from envs.base import EnvSpec
from muzero import architecture
from muzero.categories import Categories
from muzero.evaluate import padded
from muzero.inference import NONE, ONCE, SAME, Layers, Weights, fast_type
from muzero.models import Evaluation, LearnedModel
from muzero.network import NetworkConfig, Prediction
from muzero.weights import CheckpointError


class _Form(Protocol):
    """A network with its weights."""

    def initial(self, observation: NDArray[np.uint8]) -> Evaluation:
        """See `LearnedModel`."""
        ...

    def recurrent(self, latent: Tensor, action: NDArray[np.int64]) -> Evaluation:
        """See `LearnedModel`."""
        ...


class _Step:
    """The first layer of a dynamics, `relu(convolution(x) + map of the action)`."""

    def __init__(self, layers: Layers, weights: Weights) -> None:
        maps = weights["step.bias"]
        self._maps = torch.from_numpy(maps.transpose(0, 2, 3, 1).copy()).to(layers.kind)
        self._nothing = torch.zeros(maps.shape[1], dtype=layers.kind)
        self._weight, _ = layers.layer("step")

    def __call__(self, latent: Tensor, action: NDArray[np.int64]) -> Tensor:
        """Gives `[R, C, H, W]` of latents, `[R, H, W, ...]`, and `int64[R]`."""
        moved = self._maps.index_select(0, torch.from_numpy(action)).permute(0, 3, 1, 2)
        x, add = latent.permute(0, 3, 1, 2), torch.ops.mkldnn._convolution_pointwise_.binary
        add(moved, x, self._weight, self._nothing, SAME, *ONCE, "add", 1.0, "relu", [], "")
        return moved


class _Fused:
    """A folded `BoardModel` on a CPU; its latents are `[R, H, W, C]`, as convolutions read them."""

    def __init__(self, weights: Weights) -> None:
        self._layers = Layers(weights, fast_type())
        self._step = _Step(self._layers, weights)

    def initial(self, observation: NDArray[np.uint8]) -> Evaluation:
        layers = self._layers
        first = layers.convolve(layers.see(observation), "stem")
        return self._say(layers.tower(first, "block"))

    def recurrent(self, latent: Tensor, action: NDArray[np.int64]) -> Evaluation:
        return self._say(self._layers.tower(self._step(latent, action), "dynamics"))

    def _say(self, x: Tensor) -> Evaluation:
        """Gives the answers for a map that is not normalised yet."""
        rows = x.permute(0, 2, 3, 1)
        latent = torch.nn.functional.layer_norm(rows, rows.shape[1:])
        x = self._layers.tower(latent.clone().permute(0, 3, 1, 2), "prediction")
        logits, value, rules = self._layers.heads(x)
        heads = rules.permute(2, 0, 1)
        return Evaluation(latent, logits.numpy(), value.numpy(), None, heads.numpy())


class _Boards:
    """A folded `PredictedBoard` on a CPU; its latents are boards, `[R, H, W, 3]`, ones the last."""

    def __init__(self, weights: Weights) -> None:
        self._layers = Layers(weights, fast_type())
        self._step = _Step(self._layers, weights)

    def initial(self, observation: NDArray[np.uint8]) -> Evaluation:
        return self._say(self._layers.see(observation).permute(0, 2, 3, 1))

    def recurrent(self, latent: Tensor, action: NDArray[np.int64]) -> Evaluation:
        layers = self._layers
        landed = layers.convolve(self._step(latent, action), "landing")
        logits = layers.convolve(landed, "board", NONE, "none")
        cells = logits.permute(0, 2, 3, 1).argmax(3, keepdim=True)
        ones = torch.ones_like(cells)
        return self._say(torch.cat([cells == 1, cells == 2, ones], 3).to(latent.dtype))

    def _say(self, latent: Tensor) -> Evaluation:
        layers = self._layers
        first = layers.convolve(latent.permute(0, 3, 1, 2), "stem")
        logits, value, rules = layers.heads(layers.tower(first, "block"))
        heads = rules.permute(2, 0, 1)
        return Evaluation(latent, logits.numpy(), value.numpy(), None, heads.numpy())


class _Whole:
    """Any network, evaluated by its own functions."""

    def __init__(self, network: Any, config: NetworkConfig) -> None:
        self._network = network.eval().to(memory_format=torch.channels_last)
        self._scale, self._rewards = scale(config), reward_scale(config)
        self._fast = fast_type() == torch.bfloat16
        self._fast_steps = self._fast and bool(getattr(network, "fast_steps", True))

    def initial(self, observation: NDArray[np.uint8]) -> Evaluation:
        with torch.autocast("cpu", torch.bfloat16, enabled=self._fast):
            latent = self._network.representation(torch.from_numpy(observation).float())
            return self._say(latent, self._network.prediction(latent), None)

    def recurrent(self, latent: Tensor, action: NDArray[np.int64]) -> Evaluation:
        if not self._fast_steps:
            return self._step(latent, action)
        with torch.autocast("cpu", torch.bfloat16):
            return self._step(latent, action)

    def _step(self, latent: Tensor, action: NDArray[np.int64]) -> Evaluation:
        latent, reward = self._network.dynamics(latent, torch.from_numpy(action))
        return self._say(latent, self._network.prediction(latent), reward)

    def _say(self, latent: Tensor, said: Prediction, reward: Tensor | None) -> Evaluation:
        scale = self._scale
        if scale is None:
            value = torch.tanh(said.value.float() / 2).numpy()
        else:
            value = scale.read(said.value)
        gained = None
        if reward is not None:
            known = self._rewards
            gained = reward.float().numpy() if known is None else known.read(reward)
        heads = None if said.rules is None else said.rules.float().permute(2, 0, 1).numpy()
        return Evaluation(latent, said.logits.float().numpy(), value, gained, heads)


_FORMS: dict[str, Callable[[Weights], _Form]] = {
    "board-model": _Fused,
    "predicted-board": _Boards,
}
"""Built-in networks to what evaluates their folded weights."""


def scale(config: NetworkConfig) -> Categories | None:
    """Gives the scale of a network's values; None where they are single numbers."""
    if not config.categories:
        return None
    return Categories(config.categories, config.categories_limit, config.categories_spread)


def reward_scale(config: NetworkConfig) -> Categories | None:
    """Gives the scale of a network's rewards; None where they are single numbers."""
    if not config.reward_categories:
        return scale(config)
    return Categories(config.reward_categories, config.reward_limit, 0.0)


class Imagining:
    """A learned model as a search takes it; its weights can be exchanged."""

    def __init__(self, spec: EnvSpec, config: NetworkConfig) -> None:
        """Makes one without weights; `load` comes first."""
        self._spec, self._config = spec, config
        self._form: _Form | None = None
        self.seconds = 0.0
        self.model = LearnedModel(
            self._initial,
            self._recurrent,
            spec.num_actions,
            spec.discount,
            spec.value_range,
            self._gather,
        )

    def load(self, weights: Weights) -> None:
        """Takes other weights, and starts to count anew the seconds that answers take.

        Raises:
            SearchConfigError: when the network's class cannot be made.
            CheckpointError: when the weights are of another class, or of another size.
        """
        self._form, self.seconds = self._made(weights), 0.0

    def _made(self, weights: Weights) -> _Form:
        form = _FORMS.get(self._config.name)
        if form is not None and "step.bias" in weights:
            return form(weights)
        network = architecture.make(self._spec, self._config)
        try:
            network.load_state_dict({name: torch.from_numpy(a) for name, a in weights.items()})
        except RuntimeError as error:
            said = textwrap.shorten(str(error), 200)
            raise CheckpointError(
                f"the weights are of another network than '{self._config.name}' is now ({said}); "
                "use the code that they were trained with"
            ) from error
        return _Whole(network, self._config)

    def _initial(self, observation: NDArray[np.uint8]) -> Evaluation:
        """Pads the rows, since PyTorch prepares every size that it has not met."""
        assert self._form is not None, "load comes first"
        began, size = time.perf_counter(), len(observation)
        rows = np.zeros((padded(size), *observation.shape[1:]), np.uint8)
        rows[:size] = observation
        with torch.inference_mode():
            said = self._form.initial(rows)
        self.seconds += time.perf_counter() - began
        heads = None if said.heads is None else said.heads[:, :size]
        return Evaluation(said.latent[:size], said.logits[:size], said.value[:size], None, heads)

    def _recurrent(self, latent: Tensor, action: NDArray[np.int64]) -> Evaluation:
        assert self._form is not None, "load comes first"
        began = time.perf_counter()
        with torch.inference_mode():
            said = self._form.recurrent(latent, action)
        self.seconds += time.perf_counter() - began
        return said

    def _gather(self, pool: Tensor, slots: NDArray[np.int64]) -> Tensor:
        began = time.perf_counter()
        picked = pool.index_select(0, torch.from_numpy(slots))
        self.seconds += time.perf_counter() - began
        return picked
