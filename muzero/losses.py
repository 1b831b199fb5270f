"""What an unrolled network is told. Axes: `L` rows of a batch, `K` unrolled steps, `A` actions.

Everything is laid out step by step: first all rows at step 0, then all rows at step 1, and so on;
`N = (K + 1) * L`. On true rules `K` is 0.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from muzero.categories import Categories
from muzero.network import is_board
from muzero.trajectory import Batch

_HALF = 0.5


class Targets(NamedTuple):
    """What the network is to say, step by step."""

    observation: Tensor
    """`[K + 1, L, ...]`, seen by the mover of that step; or `[1, L, ...]`."""
    action: Tensor
    """`int64[K + 1, L]`."""
    policy: Tensor
    """`[N, A]`."""
    value: Tensor
    """`[N]`, seen by the mover; 0 past the end."""
    reward: Tensor
    """`[N]`, of the action at that step; 0 past the end."""
    legal: Tensor
    """`[N, A]`, 1 = legal."""
    wins: Tensor
    """`[N]`, 1 where the action ends the episode with a gain."""
    draws: Tensor
    """`[N]`, 1 where it ends the episode with nothing."""
    final: Tensor | None
    """`int64[N, H, W]`, cells at the end of the episode: empty, the mover's, the other's; None
    where observations are no boards."""
    inside: Tensor
    """`[N]`, 1, and 0 past the end."""
    known: Tensor
    """`[N]`, 1 where value and reward are known, also those past the end."""
    weight: Tensor
    """`[N]`, of the policy."""


def _cells(planes: Tensor) -> Tensor:
    """Gives `int64[..., H, W]` of observations: 0 empty, 1 the mover's, 2 the other's."""
    return planes.select(-3, 0).long() + 2 * planes.select(-3, 1).long()


def targets(
    batch: Batch,
    mirrored: NDArray[np.bool_],
    root_share: float,
    device: torch.device,
    spread: float = 0.0,
) -> Targets:
    """Gives what a network is to say of a batch.

    Args:
        batch: moments.
        mirrored: `bool[L]`, which of them are seen in a mirror, their columns reversed.
        root_share: share of the search's value in the value's target; the rest is what followed.
        device: where to.
        spread: share of the policy's target that all legal actions divide among them.
    """
    flip = torch.from_numpy(mirrored).to(device)
    turned = bool(mirrored.any())

    def steps(array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(array).to(device).transpose(0, 1)

    def seen(array: NDArray[Any]) -> Tensor:
        tensor = steps(array).float()
        if not turned:
            return tensor
        return torch.where(flip.view(1, -1, *(1,) * (tensor.ndim - 2)), tensor.flip(-1), tensor)

    policy, inside, legal = seen(batch.policy), steps(batch.inside), seen(batch.action_mask)
    if spread:
        policy = (1 - spread) * policy + spread * legal / legal.sum(-1, keepdim=True).clamp(min=1)
    action = steps(batch.action)
    if turned:
        action = torch.where(flip, policy.shape[-1] - 1 - action, action)
    value = root_share * steps(batch.value) + (1 - root_share) * steps(batch.returns)
    reward = steps(batch.reward) * inside
    left = (
        torch.from_numpy(batch.left).to(device) - torch.arange(len(inside), device=device)[:, None]
    )
    last = (left == 1).float()
    known = torch.ones_like(inside) if batch.known is None else steps(batch.known)
    return Targets(
        seen(batch.observation),
        action,
        policy.flatten(0, 1),
        (value * inside).flatten(),
        reward.flatten(),
        legal.flatten(0, 1),
        (last * (reward > 0)).flatten(),
        (last * (reward == 0)).flatten(),
        _final(batch, flip, left),
        inside.flatten(),
        known.flatten(),
        steps(batch.weight).flatten(),
    )


def _final(batch: Batch, flip: Tensor, left: Tensor) -> Tensor | None:
    """Gives the last boards, `int64[N, H, W]`, as the players to move at each step see them."""
    if batch.final is None or not is_board(batch.final.shape[1:]):
        return None
    cells = _cells(torch.from_numpy(batch.final).to(flip.device))
    cells = torch.where(flip.view(-1, *(1,) * (cells.ndim - 1)), cells.flip(-1), cells)
    other = torch.where(cells > 0, 3 - cells, cells)
    odd = (left % 2 == 1).view(*left.shape, *(1,) * (cells.ndim - 1))
    return torch.where(odd, other, cells).flatten(0, 1)


class Unrolled(NamedTuple):
    """What a network said, step by step."""

    said: Any
    """A `muzero.network.Prediction` of `N` rows."""
    latents: list[Tensor]
    """`K + 1` of them, `[L, ...]`."""
    rewards: list[Tensor]
    """`K` of them, empty where the network says none."""


def unroll(network: Any, wanted: Targets) -> Unrolled:
    """Lets a network imagine what follows; gradients are halved at every step of the dynamics.

    Source: MuZero, Appendix G, https://arxiv.org/abs/1911.08265.
    """
    latent = network.representation(wanted.observation[0])
    latents, rewards = [latent], []
    for action in wanted.action[:-1]:
        latent = _HALF * latent + (1 - _HALF) * latent.detach()
        latent, reward = network.dynamics(latent, action)
        latents.append(latent)
        if reward is not None:
            rewards.append(reward)
    return Unrolled(network.prediction(torch.cat(latents)), latents, rewards)


def _mean(loss: Tensor, weight: Tensor) -> Tensor:
    return (loss * weight).sum() / weight.sum().clamp(min=1)


def _of_numbers(said: Tensor, wanted: Tensor, scale: Categories | None) -> Tensor:
    """Gives the losses of values: of categories, or of the logit of `(1 + value) / 2`."""
    said = said.float()
    if scale is not None:
        return -(scale.histogram(wanted) * F.log_softmax(said, -1)).sum(-1)
    worth = ((1 + wanted) / 2).clamp(0, 1)
    return F.binary_cross_entropy_with_logits(said, worth, reduction="none")


def losses(
    out: Unrolled,
    wanted: Targets,
    scale: Categories | None,
    rewards: Categories | None = None,
) -> dict[str, Tensor]:
    """Gives a loss for everything that the network says; each a mean over moments.

    Where the network says rewards it must also learn that nothing follows the end, so its values
    and rewards count past it; where it says what ends, no search looks past the end.

    Args:
        out: what the network says.
        wanted: what it is to say.
        scale: of values that are categories.
        rewards: of rewards that are; None = that of values.
    """
    said, rows, rewards = out.said, len(wanted.action[0]), rewards or scale
    cross = -(wanted.policy * F.log_softmax(said.logits.float(), 1)).sum(1)
    counted = wanted.known if out.rewards else wanted.inside
    found = {
        "policy": _mean(cross, wanted.weight),
        "value": _mean(_of_numbers(said.value, wanted.value, scale), counted),
    }
    if out.rewards:
        reward, gained = torch.cat(out.rewards).float(), wanted.reward[:-rows]
        if rewards is None:
            each = F.mse_loss(reward, gained, reduction="none")
        else:
            each = _of_numbers(reward, gained, rewards)
        found["reward"] = _mean(each, wanted.known[:-rows])
    if said.rules is not None:
        found |= _of_rules(said.rules.float(), wanted)
    if said.decoded is not None:
        each = F.cross_entropy(
            said.decoded.float(), _cells(wanted.observation).flatten(0, 1), reduction="none"
        )
        found["decoder"] = _mean(each.mean((1, 2)), wanted.inside)
    if said.final is not None and wanted.final is not None:
        each = F.cross_entropy(said.final.float(), wanted.final, reduction="none")
        found["final"] = _mean(each.mean((1, 2)), wanted.inside)
    return found


def _of_rules(rules: Tensor, wanted: Targets) -> dict[str, Tensor]:
    """Gives the losses of what is legal, for all actions, and of what ends, for the one played."""
    binary = F.binary_cross_entropy_with_logits
    legal = binary(rules[:, :, 0], wanted.legal, reduction="none").mean(1)
    played = rules[torch.arange(len(rules), device=rules.device), wanted.action.flatten()]
    wins = binary(played[:, 1], wanted.wins, reduction="none")
    draws = binary(played[:, 2], wanted.draws, reduction="none")
    return {
        "legal": _mean(legal, wanted.inside),
        "ends": _mean(wins, wanted.inside) + _mean(draws, wanted.inside),
    }
