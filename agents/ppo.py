"""Proximal policy optimisation by Stable-Baselines3. Axes: `B` rows, `A` actions.

The algorithm is theirs, with illegal actions masked in the distribution; `agents.sb3_loop` drives
it. Where the learner moves for both sides of a game, the next value is the other side's, so it is
discounted by a negative number; where another player replies in between, by a positive one.

Sources: https://arxiv.org/abs/1707.06347; masks: https://arxiv.org/abs/2006.14171.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from agents import sb3_loop, sb3_networks
from agents.base import Player
from agents.ppo_player import PpoPlayer
from agents.sb3_door import MaskableActorCriticPolicy, MaskablePPO
from agents.sb3_loop import Algorithm
from agents.sb3_networks import NetworkConfig
from agents.sb3_rows import Rows
from agents.sb3_state import fall
from agents.selfplay import BothSeats, OneSeat, Other, Play, PoolConfig, Starts
from agents.solo_play import SoloConfig
from agents.trainer import Trainer
from envs.base import EnvSpec, VectorEnv
from muzero.limits import check
from muzero.progress import Map, Progress, Store


@dataclass(frozen=True)
class PpoConfig:
    """A training by proximal policy optimisation."""

    env_steps: int = 4_000_000
    """Actions of the learner in all."""
    barrier: int = 250_000
    """Actions between places from which the training can go on."""
    seed: int = 0
    """Of everything random."""
    rows: int = 512
    """Episodes side by side."""
    rollout: int = 16
    """Actions of each row between two times of learning."""
    epochs: int = 3
    """Times that each of them is learned from."""
    batch: int = 1024
    """Moments of one step of the optimiser."""
    learning_rate: float = 1e-3
    """Of Adam, at the beginning."""
    final_rate: float = 0.05
    """Share of it at the end."""
    clip: float = 0.2
    """Change of an action's probability from which on nothing is gained, at the beginning."""
    final_clip: float = 1.0
    """Share of it at the end."""
    gamma: float = 0.99
    """Discount of an action, beside the sign that the other side's value has."""
    gae: float = 0.9
    """Lambda of generalised advantages."""
    entropy: float = 0.02
    """Weight of the policy's entropy, at the beginning."""
    final_entropy: float = 0.1
    """Share of it at the end."""
    value_weight: float = 0.5
    """Weight of the value's loss."""
    max_gradient: float = 0.5
    """Largest norm of a gradient."""
    mirror: bool = True
    """Whether half of the episodes on boards are seen in a mirror."""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    """Its size."""
    pool: PoolConfig = field(default_factory=PoolConfig)
    """Whom it meets beside itself, in games for two."""
    solo: SoloConfig = field(default_factory=SoloConfig)
    """What it is paid in games for one."""

    def __post_init__(self) -> None:
        """Refuses what cannot be trained.

        Raises:
            SearchConfigError: when a field is out of its range.
        """
        for name in ("env_steps", "barrier", "rows", "rollout", "epochs"):
            check(name, getattr(self, name), 1)
        check("seed", self.seed, 0, 2**62)
        check("batch", self.batch, 2)
        for name in ("learning_rate", "entropy", "value_weight", "max_gradient", "clip"):
            check(name, getattr(self, name), 0)
        for name in ("final_rate", "final_clip", "final_entropy", "gamma", "gae"):
            check(name, getattr(self, name), 0, 1)


class Policy(MaskableActorCriticPolicy):
    """Policy and value as the algorithm asks for them, from a network of ours."""

    def __init__(self, *spaces: Any, make: Callable[[], Any], bounded: bool, **kwargs: Any) -> None:
        """Makes it.

        Args:
            spaces: of observations and actions, and the learning rate, from the algorithm.
            make: gives the network.
            bounded: whether values are from -1 to 1.
            kwargs: whatever else the algorithm says.
        """
        self._make, self._bounded = make, bounded
        super().__init__(*spaces, **kwargs)

    def _build(self, lr_schedule: Any) -> None:
        self.network = self._make()
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), lr=lr_schedule(1), eps=1e-5, fused=True
        )

    def _answer(self, observation: Tensor, masks: Any) -> tuple[Tensor, Tensor]:
        """Gives log-probabilities, `[B, A]`, hugely negative for illegal actions, and values."""
        logits, value = self.network(observation)
        if masks is not None:
            legal = torch.as_tensor(masks, dtype=torch.bool, device=logits.device)
            logits = logits.masked_fill(~legal.view_as(logits), -1e9)
        value = torch.tanh(value / 2) if self._bounded else value
        return torch.log_softmax(logits, 1), value

    def forward(self, obs: Any, deterministic: bool = False, action_masks: Any = None) -> Any:
        """Gives actions, `[B]`, values, `[B, 1]`, and log-probabilities, `[B]`."""
        logs, value = self._answer(obs, action_masks)
        action = logs.argmax(1) if deterministic else torch.multinomial(logs.exp(), 1)[:, 0]
        return action, value[:, None], logs.gather(1, action[:, None])[:, 0]

    def evaluate_actions(self, obs: Any, actions: Any, action_masks: Any = None) -> Any:
        """Gives values, `[B, 1]`, log-probabilities and entropies, `[B]`."""
        logs, value = self._answer(obs, action_masks)
        entropy = -(logs.exp() * logs).sum(1)
        return value[:, None], logs.gather(1, actions[:, None])[:, 0], entropy

    def predict_values(self, obs: Any) -> Tensor:
        """Gives values, `[B, 1]`."""
        return self._answer(obs, None)[1][:, None]


def train(
    config: PpoConfig,
    env_id: str,
    map: Map,
    store: Store,
    state: Mapping[str, bytes] | None = None,
    device: str = "cpu",
) -> Iterator[Progress]:
    """Trains, and gives a progress after each update; `map` is not used. See `sb3_loop.train`."""
    return sb3_loop.train(_ALGORITHM, config, env_id, store, state, device)


def _make(config: PpoConfig, spec: EnvSpec, rows: Rows, device: str) -> MaskablePPO:
    return MaskablePPO(
        Policy,
        rows,
        learning_rate=lambda left: config.learning_rate * fall(config.final_rate, left),
        n_steps=config.rollout,
        batch_size=config.batch,
        n_epochs=config.epochs,
        gamma=config.gamma,
        gae_lambda=config.gae,
        clip_range=lambda left: config.clip * fall(config.final_clip, left),
        vf_coef=config.value_weight,
        max_grad_norm=config.max_gradient,
        policy_kwargs={
            "make": partial(sb3_networks.make, spec, config.network),
            "bounded": spec.value_range == (-1.0, 1.0),
        },
        device=device,
    )


def _begin(model: Any, rows: Rows) -> None:
    """Lets advantages be computed with the discount of each row."""
    model.rollout_buffer.gamma = rows.discounts


def _work(model: Any, config: PpoConfig, callback: Any) -> None:
    """Collects a rollout and learns from it."""
    model.collect_rollouts(model.env, callback, model.rollout_buffer, config.rollout)
    model._update_current_progress_remaining(model.num_timesteps, config.env_steps)
    left = model._current_progress_remaining
    model.ent_coef = config.entropy * fall(config.final_entropy, left)
    model.train()


def _play(env: VectorEnv, starts: Starts, gamma: float, other: Other | None) -> Play:
    if other is None:
        return BothSeats(env, starts, gamma)
    return OneSeat(env, starts, gamma, other)


def _past(name: str, data: bytes) -> Player:
    return PpoPlayer(name, data, sample=True)


def _learner_steps(model: Any, config: PpoConfig) -> int:
    moments = config.rows * config.rollout
    each = config.epochs * -(-moments // config.batch)
    return int(model.num_timesteps // moments * each)


_ALGORITHM = Algorithm(
    make=_make,
    begin=_begin,
    work=_work,
    play=_play,
    player=_past,
    network=lambda model: model.policy.network,
    learner_steps=_learner_steps,
    save=lambda model, store: {},
    load=lambda model, config, books, store: None,
)
TRAINER = Trainer(PpoConfig, "env_steps", sb3_loop.validate, train)
