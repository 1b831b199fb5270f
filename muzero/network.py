"""The network of boards, and what every network is made of. Axes: `B`, `C`, `H` x `W`, `A`, `K`.

`B` rows, `C` channels, `H` x `W` a board, `A` actions, `K` categories of a value. A network is a
class with three functions that a learner unrolls: `representation` gives the latent of an
observation, `dynamics` the latent that follows an action, `prediction` what is expected from a
latent. On true rules `dynamics` is not needed. `muzero.architecture` finds them by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from envs.base import EnvSpec
from muzero.limits import SearchConfigError, check


@dataclass(frozen=True)
class NetworkConfig:
    """The kind and the size of a network."""

    name: str = "board"
    """Which one: a name that `muzero.architecture` knows, or `module:Class`."""
    channels: int = 32
    """Channels of the latent, `C`."""
    blocks: int = 4
    """Residual blocks, of two convolutions each, from the observation to the latent."""
    dynamics_blocks: int = 2
    """Residual blocks from a latent to the next; learned models only."""
    prediction_blocks: int = 1
    """Residual blocks before the heads; learned models only."""
    column_channels: int = 64
    """Numbers that stand for a column in the heads."""
    hidden: int = 64
    """Numbers that stand for the whole board in the heads."""
    rule_heads: bool = True
    """Whether a learned model says which actions are legal, win and draw, and stops there; else it
    says rewards, as in the paper."""
    categories: int = 0
    """Categories that values and rewards are given in, `K`; 0 = one number. At least 2 where the
    range of returns is not [-1, 1]."""
    categories_limit: float = 1.0
    """Largest value and reward that the categories hold; the smallest is its negative."""
    categories_spread: float = 0.75
    """Deviation of the histogram that a number to be learned becomes, in categories; 0 = the two
    nearest ones."""
    reward_categories: int = 0
    """Categories of rewards alone, two-hot, such as 3 for signs; 0 = those of values."""
    reward_limit: float = 1.0
    """Largest reward that these hold; the smallest is its negative."""
    picture: int = 0
    """Side, in pixels, of the square that pictures are made smaller to; 0 = as they are."""

    def __post_init__(self) -> None:
        """Refuses sizes that no network can have.

        Raises:
            SearchConfigError: when one of them is out of its range.
        """
        check("channels", self.channels, 1)
        check("blocks", self.blocks, 0)
        check("dynamics_blocks", self.dynamics_blocks, 0)
        check("prediction_blocks", self.prediction_blocks, 0)
        check("column_channels", self.column_channels, 1)
        check("hidden", self.hidden, 1)
        check("categories_limit", self.categories_limit, 1e-6)
        check("categories_spread", self.categories_spread, 0)
        check("reward_limit", self.reward_limit, 1e-6)
        check("picture", self.picture, 0)
        if self.reward_categories:
            check("reward_categories", self.reward_categories, 2)
            check("categories, beside reward_categories,", self.categories, 2)
        if self.categories:
            check("categories", self.categories, 2)


class Prediction(NamedTuple):
    """What a network says of `B` latents; all seen by the player to move. None = it does not."""

    logits: Tensor
    """`[B, A]`, of the policy."""
    value: Tensor
    """`[B]`, the logit of `(1 + return) / 2`; or `[B, K]`, logits of `muzero.categories`."""
    rules: Tensor | None = None
    """`[B, A, 3]`, logits that an action is legal, wins at once, draws at once."""
    decoded: Tensor | None = None
    """`[B, 3, H, W]`, logits for each cell as it is now: empty, the mover's, the other's."""
    final: Tensor | None = None
    """`[B, 3, H, W]`, the same for the end of the episode."""


Folded = tuple[Any, Any]
"""Weight and bias of a layer with its normalisation inside."""


def convolution(inputs: int, outputs: int, kernel: tuple[int, int]) -> nn.Sequential:
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
        self.first = convolution(channels, channels, (3, 3))
        self.second = convolution(channels, channels, (3, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Gives `[B, C, H, W]` from the same."""
        return torch.relu(x + self.second(torch.relu(self.first(x))))


def tower(count: int, channels: int) -> nn.Sequential:
    """Gives residual blocks, one after the other."""
    return nn.Sequential(*(Block(channels) for _ in range(count)))


def fold(pair: Any) -> Folded:
    """Gives weight and bias of a convolution that does the work of its normalisation too.

    Source: https://arxiv.org/abs/1502.03167, section 3.1: the scale is gamma / sqrt(var + eps).
    """
    convolution, norm = pair[0], pair[1]
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    weight = convolution.weight * scale[:, None, None, None]
    return weight, norm.bias - norm.running_mean * scale


def fold_step(pair: Any, action: Tensor) -> Folded:
    """Gives weight and, as bias, `[A, C, H, W]`: a map for each action, added before the norm.

    Args:
        pair: a convolution and its normalisation.
        action: `[A, H, W, C]`, the maps as they are learned.
    """
    (weight, bias), norm = fold(pair), pair[1]
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return weight, (action * scale + bias).permute(0, 3, 1, 2)


def fold_tower(blocks: Iterable[Any], name: str) -> dict[str, Folded]:
    """Gives the layers of residual blocks: `NAME0.first`, `NAME0.second`, `NAME1.first`, ..."""
    parts = {}
    for number, block in enumerate(blocks):
        parts[f"{name}{number}.first"] = fold(block.first)
        parts[f"{name}{number}.second"] = fold(block.second)
    return parts


def planes(observation: Tensor) -> Tensor:
    """Gives observations, `[B, planes, H, W]`, with a plane of ones, which shows the edges."""
    ones = torch.ones_like(observation[:, :1])
    return torch.cat([observation, ones], 1).contiguous(memory_format=torch.channels_last)


def is_board(shape: tuple[int, ...]) -> bool:
    """Gives whether observations of a shape are planes: the mover's, the other's, any others."""
    return len(shape) == 3 and shape[0] > 1


def has_columns(spec: EnvSpec) -> bool:
    """Gives whether observations are boards with one action for each column."""
    shape = spec.observation_shape
    return len(shape) == 3 and shape[2] == spec.num_actions


def check_board(spec: EnvSpec) -> None:
    """Refuses environments that are no boards.

    Raises:
        SearchConfigError: when the observations are no boards with one action for each column, or
            the returns are not from -1 to 1.
    """
    if not has_columns(spec) or spec.value_range != (-1.0, 1.0):
        raise SearchConfigError(
            f"{spec.id} is no board with one action for each column and returns from -1 to 1; "
            "this network cannot play it"
        )


class Heads(nn.Module):
    """Policy and value from the columns of a map, and what else is said of each column."""

    def __init__(self, spec: EnvSpec, config: NetworkConfig, extra: int, values: int = 1) -> None:
        """Makes heads that say `extra` numbers of each column and `values` of the whole board."""
        super().__init__()
        _, rows, columns = spec.observation_shape
        width = config.column_channels
        self.values = values
        self.column = convolution(config.channels, width, (rows, 1))
        self.policy = nn.Linear(width, 1 + extra)
        self.hidden = nn.Linear(width * columns, config.hidden)
        self.out = nn.Linear(config.hidden, values + spec.num_actions)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gives the policy's logits, `[B, A]`, the value, `[B]` or `[B, values]`, and the rest.

        The rest is `[B, A, extra]`.
        """
        columns = torch.relu(self.column(x)).squeeze(2).transpose(1, 2)
        hidden = torch.relu(self.hidden(columns.flatten(1)))
        out, of_columns = self.out(hidden), self.policy(columns)
        logits = of_columns[:, :, 0] + out[:, self.values :]
        value = out[:, 0] if self.values == 1 else out[:, : self.values]
        return logits, value, of_columns[:, :, 1:]

    def folded(self) -> dict[str, Folded]:
        """Gives the layers by the names that `muzero.weights.Network` lists."""
        parts = {"column": fold(self.column)}
        for name in ("policy", "hidden", "out"):
            layer = getattr(self, name)
            parts[name] = (layer.weight, layer.bias)
        return parts


class BoardNetwork(nn.Module):
    """Policy, value and a picture of the end, for games in which an action is a column.

    It has no `dynamics`: it is for true rules.
    """

    def __init__(self, spec: EnvSpec, config: NetworkConfig) -> None:
        """Makes a network with random weights.

        Raises:
            SearchConfigError: when the environment is no board, see `check_board`.
        """
        super().__init__()
        check_board(spec)
        self.stem = convolution(spec.observation_shape[0] + 1, config.channels, (3, 3))
        self.tower = tower(config.blocks, config.channels)
        self.heads = Heads(spec, config, 0)
        self.board = nn.Conv2d(config.channels, 3, 1)

    def representation(self, observation: Tensor) -> Tensor:
        """Gives the latent, `[B, C, H, W]`, of observations, `[B, planes, H, W]`."""
        latent: Tensor = self.tower(torch.relu(self.stem(planes(observation))))
        return latent

    def prediction(self, latent: Tensor) -> Prediction:
        """Gives what follows from a latent."""
        logits, value, _ = self.heads(latent)
        return Prediction(logits, value, final=self.board(latent))

    def folded(self) -> dict[str, Folded]:
        """Gives the layers that play, by name."""
        tower: Any = self.tower
        return {"stem": fold(self.stem), **fold_tower(tower, "block"), **self.heads.folded()}
