"""Networks that learn without search. Axes: `B` rows, `A` actions, `C` channels, `H` x `W`.

A network says two things of an observation: a number for each action, which is a logit of the
policy or a q, and one for the whole, the value. `agents.reflex` evaluates the same weights without
PyTorch, so the names of tensors are those that it reads.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agents.pictures import MEAN, SHAPES, scale
from configs import loader
from configs.loader import ConfigError
from envs.base import EnvSpec
from muzero import weights
from muzero.inference import fast_type

_SCREEN = (84, 84)
_TILE = 4
"""Stride of the first layer of every one of `SHAPES`, whose kernels are a multiple of it."""


@dataclass(frozen=True)
class NetworkConfig:
    """The size of a network."""

    channels: int = 32
    """Channels of a board's map, `C`."""
    blocks: int = 2
    """Residual blocks, of two convolutions each."""
    column_channels: int = 64
    """Numbers that stand for a column of a board."""
    hidden: int = 64
    """Numbers that stand for the whole board."""
    pictures: str = "nature"
    """Which of `agents.pictures.SHAPES` sees pictures."""
    mean_steps: int = 0
    """Random moments whose mean picture is taken off every picture first; 0 = none is. Most of a
    screen never changes: without it what moves is a thousandth of what a new network sees."""
    bfloat16: bool = True
    """Whether convolutions multiply in bfloat16 where the processor can; weights and all else are
    float32."""

    def __post_init__(self) -> None:
        """Refuses sizes that no network can have.

        Raises:
            ConfigError: when one of them is out of its range.
        """
        for name in ("channels", "column_channels", "hidden"):
            if getattr(self, name) < 1:
                raise ConfigError(f"network.{name} = {getattr(self, name)}; give at least 1")
        for name in ("blocks", "mean_steps"):
            if getattr(self, name) < 0:
                raise ConfigError(f"network.{name} = {getattr(self, name)}; give at least 0")
        if self.pictures not in SHAPES:
            near = loader.closest(self.pictures, SHAPES)
            known = ", ".join(SHAPES)
            raise ConfigError(f"network.pictures = '{self.pictures}'{near} (there are: {known})")


def has_columns(spec: EnvSpec) -> bool:
    """Gives whether observations are boards with one action for each column."""
    shape = spec.observation_shape
    return spec.num_players == 2 and len(shape) == 3 and shape[2] == spec.num_actions


class Block(nn.Module):
    """A residual block that does nothing at first. Source: https://arxiv.org/abs/1512.03385."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Gives `[B, C, H, W]` from the same."""
        return torch.relu(x + self.second(torch.relu(self.first(x))))


class BoardNetwork(nn.Module):
    """For games in which an action is a column. Nothing is normalised, so it acts as it learns."""

    def __init__(self, spec: EnvSpec, config: NetworkConfig) -> None:
        """Makes a network whose first answers are near 0."""
        super().__init__()
        planes, rows, columns = spec.observation_shape
        self._fast = config.bfloat16 and fast_type() == torch.bfloat16
        self.stem = nn.Conv2d(planes + 1, config.channels, 3, padding=1)
        self._blocks = [f"block{number}" for number in range(config.blocks)]
        for name in self._blocks:
            self.add_module(name, Block(config.channels))
        self.column = nn.Conv2d(config.channels, config.column_channels, (rows, 1))
        self.policy = nn.Linear(config.column_channels, 1)
        self.hidden = nn.Linear(config.column_channels * columns, config.hidden)
        self.out = nn.Linear(config.hidden, 1 + columns)
        for layer in (self.policy, self.out):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        """Gives numbers of actions, `[B, A]`, and of the whole, `[B]`, both unbounded."""
        with torch.autocast(observation.device.type, torch.bfloat16, enabled=self._fast):
            x = torch.relu(self.stem(_planes(observation)))
            for name in self._blocks:
                x = getattr(self, name)(x)
            columns = torch.relu(self.column(x)).squeeze(2).transpose(1, 2).float()
        hidden = torch.relu(self.hidden(columns.flatten(1)))
        out = self.out(hidden)
        return self.policy(columns)[:, :, 0] + out[:, 1:], out[:, 0]


def _planes(observation: Tensor) -> Tensor:
    """Gives boards with a plane of ones, which shows the edges, `[B, planes + 1, H, W]`."""
    planes = observation.float()
    ones = torch.ones_like(planes[:, :1])
    return torch.cat([planes, ones], 1).contiguous(memory_format=torch.channels_last)


class PictureNetwork(nn.Module):
    """For stacks of pictures, as `agents.pictures` describes them."""

    def __init__(self, spec: EnvSpec, config: NetworkConfig) -> None:
        """Makes a network whose first answers for actions are near 0."""
        super().__init__()
        self._fast = config.bfloat16 and fast_type() == torch.bfloat16
        channels, size, _ = spec.observation_shape
        shape = SHAPES[config.pictures]
        self.mean: Tensor
        self._centred = config.mean_steps > 0
        if self._centred:
            self.register_buffer(MEAN, torch.zeros(1, 1, size, size))
        self._layers = [f"conv{number}" for number in range(len(shape.convolutions))]
        for name, (outputs, kernel, stride) in zip(self._layers, shape.convolutions, strict=True):
            self.add_module(name, nn.Conv2d(channels, outputs, kernel, stride))
            channels, size = outputs, (size - kernel) // stride + 1
        self.dense = nn.Linear(channels * size * size, shape.hidden)
        self.actions = nn.Linear(shape.hidden, spec.num_actions)
        self.value = nn.Linear(shape.hidden, 1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.orthogonal_(layer.weight, math.sqrt(2))
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        nn.init.orthogonal_(self.actions.weight, 0.01)
        nn.init.orthogonal_(self.value.weight, 1.0)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        """Gives numbers of actions, `[B, A]`, and of the whole, `[B]`, both unbounded."""
        kind = torch.bfloat16 if self._fast else torch.float32
        with torch.autocast(observation.device.type, torch.bfloat16, enabled=self._fast):
            first, *others = (getattr(self, name) for name in self._layers)
            x = _tiles(observation).to(kind)
            if self._centred:  # whole numbers up to 255 are exact in bfloat16
                x = x - _tiles(self.mean.expand_as(observation[:1]).to(torch.uint8)).to(kind)
            weight = _of_tiles(first.weight) * scale(self._centred)
            x = torch.relu(nn.functional.conv2d(x, weight, first.bias))
            for layer in others:
                x = torch.relu(layer(x))
            x = x.flatten(1).float()
        x = torch.relu(self.dense(x))  # float32: cheap enough, and sure
        return self.actions(x), self.value(x)[:, 0]


def centre(networks: nn.Module, mean: NDArray[np.uint8]) -> None:
    """Tells every network of pictures among `networks` their mean, `uint8[H, W]`."""
    for network in networks.modules():
        if isinstance(network, PictureNetwork):
            network.mean.copy_(torch.from_numpy(mean))


def _tiles(pictures: Tensor) -> Tensor:
    """Gives pictures, `uint8[B, C, H, W]`, with each tile of 4 x 4 cells as the channels of one.

    A layer of stride 4 that sees `[B, C * 16, H / 4, W / 4]` moves by one, and four neighbours
    are one number while they are put in order: both save most of the time of a first layer.
    """
    batch, channels, height, width = pictures.shape
    fours = pictures.contiguous().view(torch.int32)
    fours = fours.view(batch, channels, height // _TILE, _TILE, width // _TILE)
    tiles = fours.permute(0, 2, 4, 1, 3).contiguous().view(torch.uint8)
    return tiles.view(batch, height // _TILE, width // _TILE, -1).permute(0, 3, 1, 2)


def _of_tiles(weight: Tensor) -> Tensor:
    """Gives the weights of a layer of stride 4, `[outputs, C, K, K]`, as they meet `_tiles`."""
    outputs, channels, kernel, _ = weight.shape
    size = kernel // _TILE
    parts = weight.view(outputs, channels, size, _TILE, size, _TILE).permute(0, 1, 3, 5, 2, 4)
    return parts.reshape(outputs, -1, size, size).contiguous(memory_format=torch.channels_last)


def make(spec: EnvSpec, config: NetworkConfig) -> Any:
    """Gives a network with random weights for an environment.

    Raises:
        ConfigError: when there is none for its observations.
    """
    if has_columns(spec):
        return BoardNetwork(spec, config)
    if spec.num_players == 1 and spec.observation_shape[1:] == _SCREEN:
        return PictureNetwork(spec, config)
    raise ConfigError(
        f"{spec.id}: there is no network for it; choose a board with an action for each column, or "
        "an Atari game"
    )


@torch.no_grad()
def pack(network: Any, spec: EnvSpec, config: NetworkConfig, kind: str = "float16") -> bytes:
    """Gives the file of a network, see `agents.reflex`; its numbers are of `kind`."""
    arrays: dict[str, NDArray[Any]] = {
        name: tensor.detach().cpu().contiguous().numpy().astype(kind)
        for name, tensor in network.state_dict().items()
    }
    return weights.pack_network(arrays, spec.id, dataclasses.asdict(config))
