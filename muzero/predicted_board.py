"""A network that imagines boards. Axes: `B`, `C`, `H` x `W`, `A` as in `network`.

Its latent is the board that it believes will be there, every cell decided; so imagined positions
are judged by the same layers as real ones, and what it learns of one is learned of the other. How
a board follows from a board and an action is learned, as is what is legal, wins and draws.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from envs.base import EnvSpec
from muzero.limits import SearchConfigError
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

_SURE = 10.0
_PLANES = 2


class PredictedBoard(nn.Module):
    """Representation, dynamics and prediction; a latent is a board and the logits of its cells."""

    def __init__(self, spec: EnvSpec, config: NetworkConfig) -> None:
        """Makes a network with random weights.

        Raises:
            SearchConfigError: when the environment is no board, see `network.check_board`, or the
                config asks for rewards or categories.
        """
        super().__init__()
        check_board(spec)
        if not config.rule_heads or config.categories:
            raise SearchConfigError(
                "network 'predicted-board' has rule heads and values of one number; leave out "
                "rule_heads and categories, or take 'board-model'"
            )
        frames, rows, columns = spec.observation_shape
        size = config.channels
        self.stem = convolution(frames + 1, size, (3, 3))
        self.tower = tower(config.blocks, size)
        self.heads = Heads(spec, config, 3)
        self.final = nn.Conv2d(size, 3, 1)
        self.step = convolution(frames + 1, size, (3, 3))
        self.action = nn.Parameter(0.1 * torch.randn(spec.num_actions, rows, columns, size))
        self.landing = convolution(size, size, (3, 3))
        self.board = nn.Conv2d(size, 3, 1)

    def representation(self, observation: Tensor) -> Tensor:
        """Gives `[B, 2 + 3, H, W]` of observations: the board itself, and logits that are sure."""
        empty = 1 - observation.sum(1, keepdim=True)
        return torch.cat([observation, _SURE * empty, _SURE * observation], 1)

    def dynamics(self, latent: Tensor, action: Tensor) -> tuple[Tensor, None]:
        """Gives the latent after an action, `int64[B]`, seen by the next mover, and no reward.

        No gradient flows from the board's cells, only from their logits.
        """
        chosen = self.action[action].permute(0, 3, 1, 2)
        convolved = self.step[0](planes(latent[:, :_PLANES]))  # type: ignore[index]
        moved = torch.relu(self.step[1](convolved + chosen))  # type: ignore[index]
        logits = self.board(torch.relu(self.landing(moved))).float()
        cells = logits.detach().argmax(1, keepdim=True)
        return torch.cat([cells == 1, cells == 2, logits], 1), None

    def prediction(self, latent: Tensor) -> Prediction:
        """Gives what follows from a latent."""
        x = self.tower(torch.relu(self.stem(planes(latent[:, :_PLANES]))))
        logits, value, rules = self.heads(x)
        return Prediction(logits, value, rules, latent[:, _PLANES:], self.final(x))

    def folded(self) -> dict[str, Folded]:
        """Gives the layers that play, by name."""
        blocks: Any = self.tower
        return {
            "stem": fold(self.stem),
            **fold_tower(blocks, "block"),
            **self.heads.folded(),
            "step": fold_step(self.step, self.action),
            "landing": fold(self.landing),
            "board": (self.board.weight, self.board.bias),
        }
