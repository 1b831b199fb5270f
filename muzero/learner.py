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
from numpy.typing import NDArray
from torch import Tensor

from muzero import ahead, losses
from muzero.categories import Categories
from muzero.consistency import Consistency
from muzero.inference import fast_type
from muzero.limits import SearchConfigError, check
from muzero.trajectory import Batch

_WEIGHTS = {
    "value": "value_weight",
    "reward": "reward_weight",
    "legal": "rules_weight",
    "ends": "rules_weight",
    "decoder": "decoder_weight",
    "final": "final_weight",
    "consistency": "consistency_weight",
}
"""Name of a loss to the field of the config that weighs it; the policy's weighs 1."""
_COMPARED = 2
"""Fewest moments that a normalisation over them can be learned from."""


class DivergedError(ArithmeticError):
    """A loss or a gradient that is not finite: a step along it would lose the weights."""


@dataclass(frozen=True)
class LearnerConfig:
    """How a network learns."""

    batch: int = 512
    """Moments of one step; with a learned model the imagined ones count."""
    roots: int = 0
    """Further moments of one step, which are followed by no imagined ones."""
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
    fresh_values: bool = False
    """Whether what follows is an n-step return (`selfplay.n_step`) whose last value the averaged
    network says when it is learned, in place of the search's when it was played."""
    policy_spread: float = 0.0
    """Share of the policy's target that all legal actions divide among them. Where no action is
    better, the search's policy is the network's own again, and noise in values makes it certain of
    what does not matter; so it forgets that, and goes on trying."""
    value_weight: float = 1.0
    """Weight of the value's loss; the policy's is 1."""
    reward_weight: float = 1.0
    """Weight of the reward's loss, where the network says rewards."""
    rules_weight: float = 1.0
    """Weight of the losses of what is legal and of what ends, where the network says so."""
    decoder_weight: float = 4.0
    """Weight of the loss of the board as it is, where the network has a decoder."""
    final_weight: float = 0.15
    """Weight of the loss of the final board."""
    consistency_weight: float = 0.0
    """Weight of the difference between imagined latents and those of the true observations; 0 =
    not asked."""
    mirror: bool = True
    """Whether the mirror image of every moment is as likely as itself."""
    erased: float = 0.0
    """Share of moments learned from with a rectangle painted over, see `muzero.erasing`."""
    first_moments: int = 8192
    """Moments that must be there before learning begins."""
    fused: bool = False
    """Whether a step of the optimiser is one kernel: quicker, its last bits differ."""
    buffer_mb: int = 64
    """Size of the buffer of experience."""

    def __post_init__(self) -> None:
        """Refuses what cannot be learned.

        Raises:
            SearchConfigError: when a field is out of its range.
        """
        check("batch", self.batch, 2)
        check("replay_ratio", self.replay_ratio, 0)
        check("roots", self.roots, 0)
        check("unroll", self.unroll, 0, self.batch - 1)
        check("learning_rate", self.learning_rate, 0)
        check("final_rate", self.final_rate, 0, 1)
        check("warm_up", self.warm_up, 0)
        check("weight_decay", self.weight_decay, 0)
        check("clip", self.clip, 0)
        check("average", self.average, 0, 1)
        check("root_share", self.root_share, 0, 1)
        check("erased", self.erased, 0, 1)
        check("policy_spread", self.policy_spread, 0, 1)
        check("first_moments", self.first_moments, 1)
        check("buffer_mb", self.buffer_mb, 1)
        for name in _WEIGHTS.values():
            check(name, getattr(self, name), 0)
        if self.consistency_weight and self.starts < _COMPARED:
            raise SearchConfigError(
                f"consistency_weight > 0 needs {_COMPARED} moments of a step that are not imagined,"
                f" but batch = {self.batch} with unroll = {self.unroll} has {self.starts}; give a "
                f"batch of at least {_COMPARED * (self.unroll + 1)}"
            )

    @property
    def starts(self) -> int:
        """Moments of one step that are not imagined."""
        return self.batch // (self.unroll + 1)


def rate(config: LearnerConfig, step: int, done: float) -> float:
    """Gives the learning rate of a step, `done` of all work in `[0, 1]`: a warm-up, then a cosine.

    Source: https://arxiv.org/abs/1608.03983, equation 5.
    """
    warm = min(1.0, (step + 1) / max(config.warm_up, 1))
    cosine = config.final_rate + (1 - config.final_rate) * (1 + math.cos(math.pi * done)) / 2
    return config.learning_rate * warm * cosine


class Learner:
    """A network, its optimiser and its average."""

    def __init__(
        self,
        network: Any,
        config: LearnerConfig,
        device: str = "cpu",
        scale: Categories | None = None,
        consistency: Consistency | None = None,
        rewards: Categories | None = None,
    ) -> None:
        """Makes a learner.

        Args:
            network: see `muzero.network`.
            config: how to learn.
            device: where to.
            scale: of the network's values, where it gives categories.
            consistency: compares latents; None = nothing does.
            rewards: scale of the network's rewards; None = that of its values.
        """
        self.config, self.device, self.step = config, torch.device(device), 0
        self.network = network.to(self.device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).eval()
        self._scale, self._rewards = scale, rewards
        self._consistency = None if consistency is None else consistency.to(self.device)
        self.learning = {"network": self.network}
        """Modules by name; all but the network never play."""
        if self._consistency is not None:
            self.learning["consistency"] = self._consistency
        self._parameters = [p for m in self.learning.values() for p in m.parameters()]
        self.optimizer = torch.optim.AdamW(
            self._parameters,
            lr=config.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=config.weight_decay,
            fused=config.fused or None,
        )

    def seed(self, seed: int) -> None:
        """Decides what is chance in the next step, such as that of dropout."""
        torch.default_generator.manual_seed(seed)  # `torch.manual_seed` seeks GPUs, for 0.1 ms
        if self.device.type == "cuda":
            torch.cuda.manual_seed_all(seed)

    def learn(
        self,
        batch: Batch,
        mirrored: NDArray[np.bool_],
        lr: float,
        roots: tuple[Batch, NDArray[np.bool_]] | None = None,
    ) -> dict[str, float]:
        """Takes one step; gives the losses.

        Args:
            batch: moments.
            mirrored: `bool[L]`, which of them are seen in a mirror.
            lr: learning rate.
            roots: further moments, unrolled no step, and which of them are mirrored.

        Raises:
            DivergedError: when the loss or its gradient is not finite.
        """
        self.network.train()
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        kind = torch.bfloat16 if self.device.type == "cuda" else fast_type()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=kind == torch.bfloat16):
            found = self._losses(batch, mirrored)
            if roots is not None:
                found = _joined(found, batch, self._losses(*roots), roots[0])
        loss = torch.stack([self._weight(name) * part for name, part in found.items()]).sum()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self._parameters, self.config.clip)
        parts = torch.stack([*(part.detach() for part in found.values()), loss.detach(), norm])
        *lost, total, size = parts.tolist()  # one copy, for a GPU is waited for with each
        numbers = {**dict(zip(found, lost, strict=True)), "loss": total}
        for what, number in (("loss", total), ("norm of the gradient", size)):
            if not math.isfinite(number):
                raise DivergedError(f"the {what} is {number} at learner step {self.step}")
        self.optimizer.step()
        self.step += 1
        self._follow()
        return numbers

    def moments(self, parameter: torch.nn.Parameter) -> dict[str, Tensor]:
        """Gives what the optimiser remembers of a parameter; made where there is nothing yet."""
        memory = self.optimizer.state[parameter]
        if not memory:
            place = parameter.device if self.config.fused else None  # as the optimiser has it
            memory["step"] = torch.zeros((), device=place)
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

    def _weight(self, name: str) -> float:
        return float(getattr(self.config, _WEIGHTS[name])) if name in _WEIGHTS else 1.0

    def _losses(self, batch: Batch, mirrored: NDArray[np.bool_]) -> dict[str, Tensor]:
        if batch.ahead is not None:
            fresh = ahead.returns(batch.ahead, self.average, self._scale, self.device)
            batch = batch._replace(returns=fresh)
        config = self.config
        wanted = losses.targets(
            batch, mirrored, config.root_share, self.device, config.policy_spread
        )
        out = losses.unroll(self.network, wanted)
        found = losses.losses(out, wanted, self._scale, self._rewards)
        if self._consistency is not None and len(out.latents) > 1:
            found["consistency"] = self._consistency(self.network, out.latents, wanted)
        return found


def _joined(
    one: dict[str, Tensor], first: Batch, other: dict[str, Tensor], second: Batch
) -> dict[str, Tensor]:
    """Gives the losses of two batches together, each weighed by its moments."""
    share = second.inside.size / (first.inside.size + second.inside.size)
    return {n: (1 - share) * x + share * other[n] if n in other else x for n, x in one.items()}
