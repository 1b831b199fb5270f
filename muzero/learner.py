"""Learning from stored experience. Axes: `L` rows of a batch, `K` unrolled steps, `A` actions.

The learner unrolls a network `K` steps from every moment it learns from: with a learned model the
latents of later moments are imagined, on true rules `K` is 0 and nothing is.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from muzero.inference import fast_type
from muzero.limits import check
from muzero.network import BoardNetwork
from muzero.trajectory import Batch


class DivergedError(ArithmeticError):
    """A loss that is not finite: the weights are lost."""


@dataclass(frozen=True)
class LearnerConfig:
    """How a network learns."""

    batch: int = 512
    """Moments of one step."""
    replay_ratio: float = 4.0
    """Moments learned from for each new one."""
    unroll: int = 0
    """Steps that the model is unrolled, `K`; 0 on true rules."""
    learning_rate: float = 2e-3
    """Of AdamW, at its highest."""
    final_rate: float = 0.03
    """Share of it at the end of a cosine."""
    warm_up: int = 100
    """Steps in which it grows from 0."""
    weight_decay: float = 1e-4
    """Of AdamW."""
    clip: float = 5.0
    """Largest norm of a gradient."""
    average: float = 0.995
    """Of the averaged weights that act, the share that a step keeps."""
    root_share: float = 0.5
    """Share of the search's value in the value's target; the rest is what followed."""
    value_weight: float = 1.0
    """Weight of the value's loss; the policy's is 1."""
    board_weight: float = 0.15
    """Weight of the loss of the final board."""
    mirror: bool = True
    """Whether the mirror image of every moment is as likely as itself."""
    first_moments: int = 8192
    """Moments that must be there before learning begins."""
    buffer_mb: int = 64
    """Size of the buffer of experience."""

    def __post_init__(self) -> None:
        """Refuses what cannot be learned.

        Raises:
            SearchConfigError: when a field is out of its range.
        """
        check("batch", self.batch, 2)
        check("replay_ratio", self.replay_ratio, 0)
        check("unroll", self.unroll, 0)
        check("learning_rate", self.learning_rate, 0)
        check("final_rate", self.final_rate, 0, 1)
        check("warm_up", self.warm_up, 0)
        check("clip", self.clip, 0)
        check("average", self.average, 0, 1)
        check("root_share", self.root_share, 0, 1)
        check("first_moments", self.first_moments, 1)
        check("buffer_mb", self.buffer_mb, 1)


def rate(config: LearnerConfig, step: int, done: float) -> float:
    """Gives the learning rate of a step, `done` of all work in `[0, 1]`: a warm-up, then a cosine.

    Source: https://arxiv.org/abs/1608.03983, equation 5.
    """
    warm = min(1.0, (step + 1) / max(config.warm_up, 1))
    cosine = config.final_rate + (1 - config.final_rate) * (1 + math.cos(math.pi * done)) / 2
    return config.learning_rate * warm * cosine


class Learner:
    """A network, its optimiser and its average."""

    def __init__(self, network: BoardNetwork, config: LearnerConfig, device: str = "cpu") -> None:
        self.config, self.device, self.step = config, torch.device(device), 0
        self.network = network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).eval()
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=config.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=config.weight_decay,
        )

    def learn(self, batch: Batch, mirrored: NDArray[np.bool_], lr: float) -> dict[str, float]:
        """Takes one step; gives the losses.

        Args:
            batch: moments.
            mirrored: `bool[L]`, which of them are seen in a mirror.
            lr: learning rate.

        Raises:
            DivergedError: when the loss is not finite.
        """
        self.network.train()
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        kind = torch.bfloat16 if self.device.type == "cuda" else fast_type()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=kind == torch.bfloat16):
            losses = self._losses(batch, mirrored)
        config = self.config
        loss = (
            losses["policy"]
            + config.value_weight * losses["value"]
            + config.board_weight * losses["board"]
        )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), config.clip)
        numbers = {name: float(part.detach()) for name, part in losses.items()}
        numbers["loss"] = float(loss.detach())
        if not math.isfinite(numbers["loss"]):
            raise DivergedError(f"the loss is {numbers['loss']} at learner step {self.step}")
        self.optimizer.step()
        self.step += 1
        self._follow()
        return numbers

    def moments(self, parameter: torch.nn.Parameter) -> dict[str, Tensor]:
        """Gives what the optimiser remembers of a parameter; made where there is nothing yet."""
        memory = self.optimizer.state[parameter]
        if not memory:
            memory["step"] = torch.zeros(())
            memory["exp_avg"] = torch.zeros_like(parameter)
            memory["exp_avg_sq"] = torch.zeros_like(parameter)
        return {name: memory[name] for name in ("step", "exp_avg", "exp_avg_sq")}

    @torch.no_grad()
    def _follow(self) -> None:
        """Moves the average towards the network."""
        keep = min(self.config.average, self.step / (10 + self.step))
        pairs = zip(
            self.average.state_dict().values(), self.network.state_dict().values(), strict=True
        )
        floats = [pair for pair in pairs if pair[0].is_floating_point()]
        torch._foreach_lerp_([a for a, _ in floats], [b for _, b in floats], 1 - keep)

    def _losses(self, batch: Batch, mirrored: NDArray[np.bool_]) -> dict[str, Tensor]:
        flip = torch.from_numpy(mirrored).to(self.device)

        def seen(array: NDArray[Any]) -> Tensor:
            """Gives an array as the mirrored rows see it: its last axis, of columns, reversed."""
            tensor = torch.from_numpy(array).to(self.device).float()
            shape = (-1,) + (1,) * (tensor.ndim - 1)
            return torch.where(flip.view(shape), tensor.flip(-1), tensor)

        policy = seen(batch.policy)
        share = self.config.root_share
        target = share * batch.value + (1 - share) * batch.returns
        worth = torch.from_numpy((1 + target) / 2).to(self.device).clamp(0, 1)
        said = self.network(seen(np.ascontiguousarray(batch.observation[:, 0])))
        cross = -(policy[:, 0] * F.log_softmax(said.logits.float(), 1)).sum(1)
        weight = torch.from_numpy(batch.weight[:, 0]).to(self.device)
        return {
            "policy": (cross * weight).sum() / weight.sum().clamp(min=1),
            "value": F.binary_cross_entropy_with_logits(said.value.float(), worth[:, 0]),
            "board": F.cross_entropy(said.board.float(), self._final(batch, flip)),
        }

    def _final(self, batch: Batch, flip: Tensor) -> Tensor:
        """Gives the last boards, `int64[L, H, W]`, as the players to move at first see them."""
        planes = torch.from_numpy(batch.final).to(self.device).long()
        odd = torch.from_numpy(batch.left % 2 == 1).to(self.device).view(-1, 1, 1)
        mine = torch.where(odd, planes[:, 1], planes[:, 0])
        theirs = torch.where(odd, planes[:, 0], planes[:, 1])
        board = mine + 2 * theirs
        return torch.where(flip.view(-1, 1, 1), board.flip(-1), board)
