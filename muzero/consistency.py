"""Latents that agree with what is seen later. Axes: `L` rows, `K` unrolled steps."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from muzero.losses import Targets

_WIDTH, _NARROW = 256, 64


class Consistency(nn.Module):
    """Compares imagined latents with those of the true observations, both projected.

    The network's side is predicted from the imagined one; no gradient flows into the true side, and
    it cannot collapse. Source: SimSiam, https://arxiv.org/abs/2011.10566, as EfficientZero uses it,
    https://arxiv.org/abs/2111.00210, section 4.1.
    """

    def __init__(self, size: int) -> None:
        """Makes projections of latents of `size` numbers."""
        super().__init__()
        self.project = nn.Sequential(
            nn.Linear(size, _WIDTH), nn.BatchNorm1d(_WIDTH), nn.ReLU(), nn.Linear(_WIDTH, _WIDTH)
        )
        self.predict = nn.Sequential(
            nn.Linear(_WIDTH, _NARROW), nn.ReLU(), nn.Linear(_NARROW, _WIDTH)
        )

    def forward(self, network: Any, latents: list[Tensor], wanted: Targets) -> Tensor:
        """Gives minus the mean cosine between imagined and true latents, inside of episodes."""
        imagined = torch.cat(latents[1:]).flatten(1)
        with torch.no_grad():
            true = network.representation(wanted.observation[1:].flatten(0, 1)).flatten(1)
            goal = self.project(true)
        cosine = F.cosine_similarity(self.predict(self.project(imagined)).float(), goal.float())
        inside = wanted.inside[len(latents[0]) :]
        return -(cosine * inside).sum() / inside.sum().clamp(min=1)
