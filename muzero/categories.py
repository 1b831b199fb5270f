"""Numbers as categories, for values whose range is not [-1, 1]. Axes: `K` categories.

A network that says how likely each of `K` places on a scale is learns large and small values alike
well. The scale is evenly spaced after a transform that shortens large numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_EPSILON = 0.001


def shorten(x: Tensor) -> Tensor:
    """Gives sign(x) * (sqrt(|x| + 1) - 1) + 0.001 * x.

    Source: Pohlen et al., https://arxiv.org/abs/1805.11593, proposition A.2; MuZero, Appendix F.
    """
    return torch.sign(x) * (torch.sqrt(x.abs() + 1) - 1) + _EPSILON * x


def lengthen(y: Tensor) -> Tensor:
    """Gives the x of which `shorten` gives y."""
    root = torch.sqrt(1 + 4 * _EPSILON * (y.abs() + 1 + _EPSILON))
    return torch.sign(y) * (((root - 1) / (2 * _EPSILON)) ** 2 - 1)


@dataclass(frozen=True)
class Categories:
    """Places from `-shorten(limit)` to `shorten(limit)`, evenly spaced."""

    count: int
    """`K`, at least 2."""
    limit: float
    """Largest number that they hold."""
    spread: float = 0.75
    """Deviation of the histogram that a number becomes, in places; 0 = the two nearest places."""

    @cached_property
    def _end(self) -> float:
        return float(shorten(torch.tensor(float(self.limit), dtype=torch.float64)))

    @cached_property
    def _places(self) -> NDArray[np.float64]:
        """Gives the places on the transformed scale, `[K]`."""
        return np.linspace(-self._end, self._end, self.count)

    def histogram(self, x: Tensor) -> Tensor:
        """Gives numbers, `[...]`, as shares of the categories, `[..., K]`, that sum to 1.

        With a spread the normal distribution around the number is counted in bins (HL-Gauss,
        https://arxiv.org/abs/2403.03950, section 3.1), else its mean is kept exactly (two-hot,
        MuZero, Appendix F). What lies outside counts as the nearest end. A spread takes up to 0.4
        places from numbers at the ends, so a limit a little above the largest number pays.
        """
        end = self._end
        place = (shorten(x).clamp(-end, end) + end) / (2 * end) * (self.count - 1)
        if not self.spread:
            centres = torch.arange(self.count, device=x.device, dtype=x.dtype)
            return (1 - (place[..., None] - centres).abs()).clamp(min=0)
        edges = torch.arange(self.count + 1, device=x.device, dtype=x.dtype) - 0.5
        below = torch.erf((edges - place[..., None]) / (math.sqrt(2) * self.spread))
        mass = below[..., 1:] - below[..., :-1]
        return mass / mass.sum(-1, keepdim=True)

    def mean(self, logits: Tensor) -> Tensor:
        """Gives the numbers, `[...]`, that logits of the categories, `[..., K]`, stand for."""
        end = self._end
        centres = torch.linspace(-end, end, self.count, device=logits.device)
        return lengthen((logits.float().softmax(-1) * centres).sum(-1))

    def read(self, logits: Tensor) -> NDArray[np.float32]:
        """Gives what `mean` does as an array, but for the last bits; quicker for few numbers."""
        said = logits.float().cpu().numpy()
        raised = np.exp(said - said.max(-1, keepdims=True))
        places = raised @ self._places / raised.sum(-1)
        root = np.sqrt(1 + 4 * _EPSILON * (np.abs(places) + 1 + _EPSILON)) - 1
        return np.asarray(np.sign(places) * ((root / (2 * _EPSILON)) ** 2 - 1), np.float32)
