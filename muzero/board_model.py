"""A network that learns the rules of a board game. Axes: `B`, `C`, `H` x `W`, `A` as in `network`.

Beside policy and value it says of every latent which actions are legal, win and draw, so that an
imagined game ends where the real one does; a decoder that is used in training alone keeps the board
in the latent.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from envs.base import EnvSpec
from muzero.network import (
    Folded,
    Heads,
    NetworkConfig,
    Prediction,
    check_board,
    convolution,
    fold,
    fold_step,
    fold_tower,
    planes,
    tower,
)


def normalise(latent: Tensor) -> Tensor:
    """Gives latents of mean 0 and deviation 1 each, so that they stay alike from step to step.

    Source: https://arxiv.org/abs/1607.06450, without gain and bias.
    """
    rows = latent.permute(0, 2, 3, 1)  # as convolutions hold them
    return F.layer_norm(rows, rows.shape[1:]).permute(0, 3, 1, 2)


class BoardModel(nn.Module):
    """Representation, dynamics and prediction, for games in which an action is a column."""

    def __init__(self, spec: EnvSpec, config: NetworkConfig) -> None:
        """Makes a network with random weights.

        Raises:
            SearchConfigError: when the environment is no board, see `network.check_board`.
        """
        super().__init__()
        check_board(spec)
        frames, rows, columns = spec.observation_shape
        size, values = config.channels, config.categories or 1
        self.stem = convolution(frames + 1, size, (3, 3))
        self.tower = tower(config.blocks, size)
        self.step = convolution(size, size, (3, 3))
        self.action = nn.Parameter(0.1 * torch.randn(spec.num_actions, rows, columns, size))
        self.dynamics_tower = tower(config.dynamics_blocks, size)
        self.prediction_tower = tower(config.prediction_blocks, size)
        self.heads = Heads(spec, config, 3 if config.rule_heads else 0, values)
        self.decoder = nn.Conv2d(size, 3, 1)
        self.final = nn.Conv2d(size, 3, 1)
        self.reward: nn.Linear | None = None
        if not config.rule_heads:
            self.reward = nn.Linear(size * rows * columns, values)

    def representation(self, observation: Tensor) -> Tensor:
        """Gives the latent, `[B, C, H, W]`, of observations, `[B, planes, H, W]`."""
        return normalise(self.tower(torch.relu(self.stem(planes(observation)))))

    def dynamics(self, latent: Tensor, action: Tensor) -> tuple[Tensor, Tensor | None]:
        """Gives the latent after an action, `int64[B]`, seen by the next mover, and the reward.

        The reward is the mover's, `[B]`, or `[B, K]` where there are categories; None with rule
        heads, which say it before.
        """
        convolved = self.step[0](latent)  # type: ignore[index]
        chosen = self.action[action].permute(0, 3, 1, 2)
        moved = torch.relu(self.step[1](convolved + chosen))  # type: ignore[index]
        moved = normalise(self.dynamics_tower(moved))
        if self.reward is None:
            return moved, None
        reward = self.reward(moved.flatten(1))
        return moved, reward.squeeze(1) if reward.shape[1] == 1 else reward

    def prediction(self, latent: Tensor) -> Prediction:
        """Gives what follows from a latent."""
        x = self.prediction_tower(latent)
        logits, value, rules = self.heads(x)
        told = rules if self.reward is None else None
        return Prediction(logits, value, told, self.decoder(latent), self.final(x))

    def folded(self) -> dict[str, Folded] | None:
        """Gives the layers that play, by name; None where only PyTorch can play them."""
        if self.reward is not None or self.heads.values > 1:
            return None
        towers: Any = (self.tower, self.dynamics_tower, self.prediction_tower)
        return {
            "stem": fold(self.stem),
            **fold_tower(towers[0], "block"),
            "step": fold_step(self.step, self.action),
            **fold_tower(towers[1], "dynamics"),
            **fold_tower(towers[2], "prediction"),
            **self.heads.folded(),
        }
