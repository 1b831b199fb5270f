"""The network of boards. Axes: `B` rows, `C` channels, `H` x `W` a board, `A` actions.

It is made of functions that a learner unrolls: `representation` gives the latent of an observation,
`predict` what it says of a latent. On true rules nothing else is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from envs.base import EnvSpec
from muzero.limits import SearchConfigError, check


@dataclass(frozen=True)
class NetworkConfig:
    """The size of a network."""

    channels: int = 32
    """Channels of the latent, `C`."""
    blocks: int = 4
    """Residual blocks, of two convolutions each."""
    column_channels: int = 64
    """Numbers that stand for a column in the heads."""
    hidden: int = 64
    """Numbers that stand for the whole board in the heads."""

    def __post_init__(self) -> None:
        """Refuses sizes that no network can have.

        Raises:
            SearchConfigError: when one of them is out of its range.
        """
        check("channels", self.channels, 1)
        check("blocks", self.blocks, 0)
        check("column_channels", self.column_channels, 1)
        check("hidden", self.hidden, 1)


class Prediction(NamedTuple):
    """What a network says of `B` latents; all seen by the player to move."""

    logits: Tensor
    """`[B, A]`, of the policy."""
    value: Tensor
    """`[B]`, the logit of `(1 + return) / 2`."""
    board: Tensor
    """`[B, 3, H, W]`, logits for each cell: empty, the mover's, the other's."""


def _convolution(inputs: int, outputs: int, kernel: tuple[int, int]) -> nn.Sequential:
    """Gives a convolution that keeps 3x3 maps at their size, and its normalisation."""
    padding = (1, 1) if kernel == (3, 3) else (0, 0)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=padding, bias=False),
        nn.BatchNorm2d(outputs, momentum=0.05),
    )


class Block(nn.Module):
    """A residual block. Source: He et al., https://arxiv.org/abs/1512.03385."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels, (3, 3))
        self.second = _convolution(channels, channels, (3, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Gives `[B, C, H, W]` from the same."""
        return torch.relu(x + self.second(torch.relu(self.first(x))))


class BoardNetwork(nn.Module):
    """Policy, value and a picture of the board, for games in which an action is a column."""

    def __init__(self, spec: EnvSpec, config: NetworkConfig) -> None:
        """Makes a network with random weights.

        Raises:
            SearchConfigError: when the environment's observations are no boards with one action
                for each column, or its returns are not from -1 to 1.
        """
        super().__init__()
        shape = spec.observation_shape
        if len(shape) != 3 or shape[2] != spec.num_actions or spec.value_range != (-1.0, 1.0):
            raise SearchConfigError(
                f"{spec.id} is no board with one action for each column and returns from -1 to 1; "
                "this network cannot play it"
            )
        planes, rows, columns = shape
        width = config.column_channels
        self.stem = _convolution(planes + 1, config.channels, (3, 3))
        self.tower = nn.Sequential(*(Block(config.channels) for _ in range(config.blocks)))
        self.column = _convolution(config.channels, width, (rows, 1))
        self.policy = nn.Linear(width, 1)
        self.hidden = nn.Linear(width * columns, config.hidden)
        self.out = nn.Linear(config.hidden, 1 + spec.num_actions)
        self.board = nn.Conv2d(config.channels, 3, 1)

    def representation(self, observation: Tensor) -> Tensor:
        """Gives the latent, `[B, C, H, W]`, of observations, `[B, planes, H, W]`."""
        ones = torch.ones_like(observation[:, :1])
        planes = torch.cat([observation, ones], 1).contiguous(memory_format=torch.channels_last)
        latent: Tensor = self.tower(torch.relu(self.stem(planes)))
        return latent

    def predict(self, latent: Tensor) -> Prediction:
        """Gives what follows from a latent."""
        columns = torch.relu(self.column(latent)).squeeze(2).transpose(1, 2)
        hidden = torch.relu(self.hidden(columns.flatten(1)))
        out = self.out(hidden)
        logits = self.policy(columns).squeeze(2) + out[:, 1:]
        return Prediction(logits, out[:, 0], self.board(latent))

    def forward(self, observation: Tensor) -> Prediction:
        """Gives what the network says of observations."""
        return self.predict(self.representation(observation))
