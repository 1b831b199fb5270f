"""Returns whose last value is asked for when they are learned. Axes: `L` rows, `K` unrolled steps.

Values that a search found when it played grow old; here the newest averaged network says what is
expected at the end of the look-ahead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from muzero.targets import Trace
from muzero.views import stacked

if TYPE_CHECKING:
    import torch

    from muzero.categories import Categories


class Ahead(NamedTuple):
    """What lies ahead of moments, as far as it is looked."""

    gains: NDArray[np.float32]
    """`float32[L, K + 1]`, rewards on the way, discounted."""
    weight: NDArray[np.float32]
    """`float32[L, K + 1]`, of the value at the end of it; 0 where the episode ended before."""
    observation: NDArray[np.uint8]
    """`uint8[L, K + 1, ...]`, there."""


def look(whole: Any, place: NDArray[np.int64], rule: Trace, frames: int) -> Ahead:
    """Gives what lies ahead.

    Args:
        whole: a `muzero.trajectory.Trajectory`.
        place: `int64[L, K + 1]`, moments of it.
        rule: how far; its share counts as 1, so it is an n-step return.
        frames: pictures of a stack, see `muzero.views.View`.
    """
    left = whole.left[place].astype(np.int64)
    steps = np.minimum(left, rule.n) if rule.n else left
    gains = np.zeros(place.shape)
    for step in range(int(steps.max())):
        inside = step < steps
        gains += inside * rule.discount**step * whole.reward[np.where(inside, place + step, place)]
    end = place + steps
    goes_on = (steps < left) | (whole.action[end] < 0)
    weight = np.power(rule.discount, steps) * goes_on
    seen = stacked(whole.observation, end, frames)
    return Ahead(gains.astype(np.float32), weight.astype(np.float32), seen)


def returns(
    ahead: Ahead, network: Any, scale: Categories | None, device: torch.device
) -> NDArray[np.float32]:
    """Gives the returns, `float32[L, K + 1]`, with what a network says of what lies ahead.

    Args:
        ahead: as far as it is known.
        network: see `muzero.network`; in the way in which it plays.
        scale: of its values, where it gives categories.
        device: where it is.
    """
    import torch  # whoever only looks ahead does without

    with torch.no_grad():
        seen = torch.from_numpy(ahead.observation).to(device).flatten(0, 1).float()
        said = network.prediction(network.representation(seen)).value.float()
        value = torch.tanh(said / 2) if scale is None else scale.mean(said)
    found = value.cpu().numpy().reshape(ahead.gains.shape)
    return np.asarray(ahead.gains + ahead.weight * found, np.float32)
