"""A network of your own: a learned model whose every block also sees the whole board at once."""

import torch
from torch import nn

from muzero.board_model import BoardModel
from muzero.network import convolution


class WideBlock(nn.Module):
    """A residual block with squeeze-and-excitation, https://arxiv.org/abs/1709.01507.

    The mean of each channel over the board decides how much of each channel is added, and what is
    added to all cells alike, so that far corners meet in one block.
    """

    def __init__(self, channels):
        super().__init__()
        self.first = convolution(channels, channels, (3, 3))
        self.second = convolution(channels, channels, (3, 3))
        self.squeeze = nn.Linear(channels, channels)
        self.excite = nn.Linear(channels, 2 * channels)

    def forward(self, x):
        change = self.second(torch.relu(self.first(x)))
        board = torch.relu(self.squeeze(change.mean((2, 3))))
        share, shift = self.excite(board)[:, :, None, None].chunk(2, 1)
        return torch.relu(x + torch.sigmoid(share) * change + shift)


class Wide(BoardModel):
    """The model of `board-model` with such blocks in all three functions."""

    def __init__(self, spec, config):
        super().__init__(spec, config)
        for name in ("tower", "dynamics_tower", "prediction_tower"):
            blocks = (WideBlock(config.channels) for _ in getattr(self, name))
            setattr(self, name, nn.Sequential(*blocks))
