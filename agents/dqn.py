"""Deep Q-learning by Stable-Baselines3. Axes: `B` rows, `L` rows of a batch, `A` actions.

The algorithm is theirs, with illegal actions masked in acting and in targets; `agents.sb3_loop`
drives it. In a game for two every ply is a step, and its discount is negative: what is best for the
other side is worst for the own. A guest may move for one side; that teaches, too, since targets do
not ask who moved.

Sources: https://doi.org/10.1038/nature14236; double: https://arxiv.org/abs/1509.06461.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from agents import sb3_loop, sb3_networks, sb3_state
from agents.base import Player
from agents.dqn_buffer import Ring
from agents.dqn_player import DqnPlayer
from agents.sb3_door import DQN, DQNPolicy, TrainFreq, TrainFrequencyUnit
from agents.sb3_loop import Algorithm
from agents.sb3_networks import NetworkConfig
from agents.sb3_rows import Rows
from agents.sb3_state import fall
from agents.selfplay import BothSeats, Other, Play, PoolConfig, Starts
from agents.solo_play import SoloConfig
from agents.trainer import Trainer
from configs.loader import ConfigError
from envs import registry
from envs.base import EnvSpec, VectorEnv
from muzero.limits import check
from muzero.progress import Map, Progress, Store

_PROGRESS = 4096
"""Most actions between two progresses, about."""
_TOGETHER = 8
"""Steps of the optimiser whose targets are made at once where they do not change."""
_ONE_STEP = TrainFreq(1, TrainFrequencyUnit.STEP)


@dataclass(frozen=True)
class DqnConfig:
    """A training by deep Q-learning."""

    env_steps: int = 2_000_000
    """Actions in all."""
    barrier: int = 200_000
    """Actions between places from which the training can go on."""
    seed: int = 0
    """Of everything random."""
    rows: int = 128
    """Episodes side by side."""
    batch: int = 512
    """Moments of one step of the optimiser."""
    replay_ratio: float = 2.0
    """Moments learned from for each new one."""
    buffer: int = 400_000
    """Moments that are kept."""
    learning_starts: int = 20_000
    """Actions, all random, before learning begins."""
    target_every: int = 2_000
    """Actions between updates of the network that targets are made with."""
    double: bool = True
    """Whether the learning network chooses what is hoped for and the other one says its worth; else
    that one does both. Source: https://arxiv.org/abs/1509.06461."""
    n_step: int = 1
    """Steps after which a value stands for what followed."""
    learning_rate: float = 1e-3
    """Of Adam, at the beginning."""
    final_rate: float = 0.05
    """Share of it at the end."""
    gamma: float = 0.99
    """Discount of an action, beside the sign that the other side's value has."""
    epsilon: float = 0.1
    """Share of random actions, after they have fallen from all."""
    epsilon_fraction: float = 0.1
    """Share of the training in which they fall."""
    max_gradient: float = 10.0
    """Largest norm of a gradient."""
    mirror: bool = True
    """Whether half of what is learned on boards is seen in a mirror."""
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
        for name in ("env_steps", "barrier", "rows", "target_every", "n_step"):
            check(name, getattr(self, name), 1)
        check("seed", self.seed, 0, 2**62)
        check("batch", self.batch, 1)
        check("buffer", self.buffer, 2 * self.rows)
        check("learning_starts", self.learning_starts, 2 * self.rows)
        for name in ("learning_rate", "replay_ratio", "max_gradient"):
            check(name, getattr(self, name), 0)
        for name in ("final_rate", "gamma", "epsilon", "epsilon_fraction"):
            check(name, getattr(self, name), 0, 1)


def validate(config: DqnConfig, env_id: str) -> None:
    """Refuses what cannot be trained.

    Raises:
        ConfigError: when there is no network for the environment, or no memory for the buffer.
        AgentError: when an opponent cannot be made.
    """
    sb3_loop.validate(config, env_id)
    spec = registry.spec(env_id)
    shape = spec.observation_shape if sb3_networks.has_columns(spec) else spec.observation_shape[1:]
    each = math.prod(shape) + spec.num_actions
    if (free := sb3_state.free_bytes()) is not None and config.buffer * each > free:
        raise ConfigError(
            f"train.buffer = {config.buffer:,} moments of {spec.id} take "
            f"{config.buffer * each / 1e9:.1f} GB, but {free / 1e9:.1f} are free; give at most "
            f"{free // each:,}"
        )


class Policy(DQNPolicy):
    """The network and the one that targets are made with, as the algorithm asks for them."""

    def __init__(self, *spaces: Any, make: Callable[[], Any], **kwargs: Any) -> None:
        """Makes both; `spaces` are of observations and actions, and the learning rate."""
        self._make = make
        super().__init__(*spaces, **kwargs)

    def _build(self, lr_schedule: Any) -> None:
        self.q_net, self.q_net_target = self._make(), self._make()
        self.q_net_target.load_state_dict(self.q_net.state_dict())
        self.q_net_target.requires_grad_(False)
        self.optimizer = torch.optim.Adam(self.q_net.parameters(), lr=lr_schedule(1), fused=True)

    def set_training_mode(self, mode: bool) -> None:
        """Does nothing: networks act as they learn."""


class Masked(DQN):
    """Deep Q-learning in which illegal actions are neither taken nor hoped for."""

    double = True
    """Whether the learning network chooses the action that is hoped for."""

    @property
    def together(self) -> int:
        """Steps whose targets are made at once: with the learning network they change with each."""
        return 1 if self.double else _TOGETHER

    @property
    def ring(self) -> Ring:
        """What was experienced."""
        ring: Any = self.replay_buffer
        assert isinstance(ring, Ring)
        return ring

    def _sample_action(
        self, learning_starts: int, action_noise: Any = None, n_envs: int = 1
    ) -> Any:
        """Gives the actions of all rows, `int[B]`, twice: the best, or by chance any legal one."""
        rows: Any = self.env
        self.before = rows.action_masks(), rows.first
        share = 1.0 if self.num_timesteps < learning_starts else self.exploration_rate
        random = np.random.rand(2, n_envs)
        masks = self.before[0]
        place = (random[0] * masks.sum(1)).astype(np.int64)
        actions = (masks.cumsum(1) <= place[:, None]).sum(1)
        if share < 1:
            with torch.no_grad():
                q = self.q_net(torch.as_tensor(self._last_obs, device=self.device))[0]
            best = np.where(masks, q.cpu().numpy(), -np.inf).argmax(1)
            actions = np.where(random[1] < share, actions, best)
        actions = rows.fill(actions)
        return actions, actions

    def _store_transition(
        self,
        replay_buffer: Any,
        buffer_action: Any,
        new_obs: Any,
        reward: Any,
        dones: Any,
        infos: Any,
    ) -> None:
        """Keeps the moment that was acted in."""
        seen: Any = self._last_obs
        self.ring.put(seen, *self.before, buffer_action, reward, dones)
        self._last_obs = new_obs

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Takes steps of the optimiser."""
        self._update_learning_rate(self.policy.optimizer)
        losses = list[float]()
        for begin in range(0, gradient_steps, self.together):
            steps = min(self.together, gradient_steps - begin)
            parts = self._lesson(steps * batch_size)
            for batch in zip(*(torch.split(part, batch_size) for part in parts), strict=True):
                q, loss = self._learn(*batch)
                losses.append(loss)
        self._n_updates += gradient_steps
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/loss", np.mean(losses))
        self.logger.record("train/q", q)

    def _lesson(self, size: int) -> tuple[Tensor, Tensor, Tensor]:
        """Gives observations, actions and what they are worth, `[L]`, of moments by chance."""
        found = self.ring.sample(size)
        observation, action, returns, following, legal, discount = (
            torch.as_tensor(np.ascontiguousarray(part), device=self.device) for part in found
        )
        return observation, action, returns + discount * self._best(following, legal)

    def _learn(self, observation: Tensor, action: Tensor, target: Tensor) -> tuple[float, float]:
        """Takes a step of the optimiser; gives the mean q and the loss before it."""
        q = self.q_net(observation)[0].gather(1, action[:, None])[:, 0]
        loss = functional.smooth_l1_loss(q, target)
        self.policy.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.q_net.parameters(), self.max_grad_norm)
        self.policy.optimizer.step()
        return float(q.detach().mean()), float(loss.detach())

    @torch.no_grad()
    def _best(self, observation: Tensor, legal: Tensor) -> Tensor:
        """Gives what the best legal action is worth, `[L]`."""
        judged: Tensor = self.q_net_target(observation)[0].masked_fill(~legal, -torch.inf)
        if not self.double:
            return judged.max(1).values
        chosen = self.q_net(observation)[0].masked_fill(~legal, -torch.inf).argmax(1)
        return judged.gather(1, chosen[:, None])[:, 0]


def train(
    config: DqnConfig,
    env_id: str,
    map: Map,
    store: Store,
    state: Mapping[str, bytes] | None = None,
    device: str = "cpu",
) -> Iterator[Progress]:
    """Trains, and gives a progress now and then; `map` is not used. See `sb3_loop.train`."""
    return sb3_loop.train(_ALGORITHM, config, env_id, store, state, device)


def _make(config: DqnConfig, spec: EnvSpec, rows: Rows, device: str) -> Masked:
    ring: Any = Ring  # the algorithm asks it for nothing but to be made
    model = Masked(
        Policy,
        rows,
        learning_rate=lambda left: config.learning_rate * fall(config.final_rate, left),
        buffer_size=config.buffer,
        learning_starts=config.learning_starts,
        batch_size=config.batch,
        replay_buffer_class=ring,
        replay_buffer_kwargs={
            "n_step": config.n_step,
            "discount": config.gamma * (spec.discount if spec.num_players == 2 else 1),
            "stacked": not sb3_networks.has_columns(spec),
        },
        target_update_interval=config.target_every,
        exploration_fraction=config.epsilon_fraction,
        exploration_final_eps=config.epsilon,
        max_grad_norm=config.max_gradient,
        policy_kwargs={"make": partial(sb3_networks.make, spec, config.network)},
        device=device,
    )
    model.double = config.double
    return model


def _work(model: Any, config: DqnConfig, callback: Any) -> None:
    """Plays some thousand actions, and takes the steps of the optimiser that are due."""
    for _ in range(max(min(_PROGRESS, config.barrier) // config.rows, 1)):
        model.collect_rollouts(
            model.env, callback, _ONE_STEP, model.replay_buffer,
            learning_starts=config.learning_starts,
        )  # fmt: skip
        known = max(model.num_timesteps - config.learning_starts, 0)
        if due := int(known * config.replay_ratio / config.batch) - model._n_updates:
            model.train(due, config.batch)


def _play(env: VectorEnv, starts: Starts, gamma: float, other: Other | None) -> Play:
    return BothSeats(env, starts, gamma, other)


def _past(name: str, data: bytes) -> Player:
    return DqnPlayer(name, data, sample=True)


def _save(model: Any, store: Store) -> dict[str, Any]:
    model.ring.save(store)
    shards = model.ring.shards
    return {"calls": model._n_calls, "shards": dict(shards), "objects": list(shards)}


def _load(model: Any, config: DqnConfig, books: Mapping[str, Any], store: Store) -> None:
    model._n_updates, model._n_calls = books["learner_steps"], books["calls"]
    model.exploration_rate = model.exploration_schedule(model._current_progress_remaining)
    model.ring.load(books["shards"], store)


_ALGORITHM = Algorithm(
    make=_make,
    begin=lambda model, rows: model.ring.begin(),
    work=_work,
    play=_play,
    player=_past,
    network=lambda model: model.q_net,
    learner_steps=lambda model, config: int(model._n_updates),
    save=_save,
    load=_load,
)
TRAINER = Trainer(DqnConfig, "env_steps", validate, train)
