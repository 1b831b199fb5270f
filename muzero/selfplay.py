"""Self-play in lockstep. Axes: `B` rows of games side by side, `R` rows to move, `A` actions.

A chunk is a number of whole games, a function of (config, weights, seed, index) and the recorded
games it begins from, alone. A row that ends its game takes the next one, so that the network sees
full batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs import registry, seeding
from envs.base import EnvSpec, TimeStep
from muzero import noise
from muzero.gumbel import GumbelConfig
from muzero.limits import check
from muzero.models import Model
from muzero.search import Searcher, SearchResult
from muzero.targets import n_step_returns
from muzero.trajectory import Trajectory

_SHIFT = np.uint64(1)
_TRAINING = GumbelConfig(simulations=32)
Games = Sequence[Sequence[int]]
"""Recorded games, each as its actions, at least one, from the beginning."""


@dataclass(frozen=True)
class SelfplayConfig:
    """How games against itself are played."""

    games: int = 256
    """Games of a chunk."""
    rows: int = 128
    """Of these, how many are played side by side."""
    search: GumbelConfig = field(default_factory=lambda: _TRAINING)
    """How every move is found."""
    keep: int = 0
    """Nodes of the last search that the next may go on with; true rules only."""
    noise_half: int = 0
    """Plies after a game's opening in which the noise of its searches loses half its weight, so
    that mistakes late in a game do not blur what its beginning was worth; 0 = it keeps its weight.
    """
    cheap_share: float = 0.0
    """Share of the moves that are searched cheaply and teach no policy."""
    cheap_simulations: int = 8
    """Simulations of those. Source: KataGo, section 3.1, https://arxiv.org/abs/1902.10565."""
    random_share: float = 0.5
    """Share of the games that begin with random plies, which teach nothing."""
    random_plies: int = 12
    """Most of these plies."""
    openings_share: float = 0.5
    """Share of the games that begin from a position of a recorded one, where there are any."""
    n_step: int = 0
    """Steps after which the value of the search stands for what followed; 0 = the outcome."""
    decay: float = 1.0
    """Factor of returns for each step that they lie ahead, so that sooner is better."""
    random_chunks: int = 0
    """Chunks of a training, the first ones, whose games are random to their end: they teach the
    rules and no policy, and cost nothing."""

    def __post_init__(self) -> None:
        """Refuses what cannot be played.

        Raises:
            SearchConfigError: when a field is out of its range.
        """
        check("games", self.games, 1)
        check("rows", self.rows, 1, self.games)
        check("keep", self.keep, 0)
        check("noise_half", self.noise_half, 0)
        check("cheap_share", self.cheap_share, 0, 1)
        if self.cheap_share:
            check("cheap_simulations", self.cheap_simulations, 1, self.search.simulations)
        check("random_share", self.random_share, 0, 1)
        check("random_plies", self.random_plies, 0)
        check("openings_share", self.openings_share, 0, 1)
        check("n_step", self.n_step, 0)
        check("decay", self.decay, 0, 1)
        check("random_chunks", self.random_chunks, 0)


class Moment(NamedTuple):
    """What happened in the `R` rows that were to move, or after the end of `R` games."""

    game: NDArray[np.int64]
    """`int64[R]`, number of the game in its chunk."""
    observation: NDArray[np.uint8]
    """`uint8[R, ...]`, seen by the mover, as all that follows."""
    action_mask: NDArray[np.bool_]
    """`bool[R, A]`."""
    action: NDArray[Any]
    """`int[R]`."""
    reward: NDArray[Any]
    """`float[R]`."""
    policy: NDArray[Any]
    """`float[R, A]`."""
    value: NDArray[Any]
    """`float[R]`."""
    weight: NDArray[Any]
    """`float[R]`, of the policy in the loss."""


def opening(
    env_id: str, seed: int, config: SelfplayConfig, recorded: Games = ()
) -> tuple[int, ...]:
    """Gives the plies that a game begins with, recorded or random ones; none of them ends it."""
    if recorded:
        stream = np.full(3, seeding.derive(seed, "recorded"))
        begins, which, end = seeding.uniform(stream, np.arange(3))
        if begins < config.openings_share:
            game = recorded[int(which * len(recorded))]
            return tuple(game[: int(end * len(game))])
    count = config.random_plies + 2
    chance = seeding.uniform(np.full(count, seed), np.arange(count))
    if chance[0] >= config.random_share:
        return ()
    env = registry.make(env_id)
    actions, step = list[int](), env.reset(seed)
    for draw in chance[2 : 2 + int(chance[1] * (config.random_plies + 1))]:
        legal = np.flatnonzero(step.action_mask)
        action = int(legal[int(draw * len(legal))])
        step = env.step(action)
        if step.last:
            break
        actions.append(action)
    return tuple(actions)


def _random_move(
    game: NDArray[np.int64], now: TimeStep, streams: NDArray[np.int64], ply: NDArray[np.int64]
) -> Moment:
    """Gives a move that no search has found; its value is not known."""
    chance = seeding.uniform(streams, np.zeros_like(streams))
    mask, none = now.action_mask, np.zeros(len(game))
    place = (chance * mask.sum(1)).astype(np.int64)
    action = (mask.cumsum(1) <= place[:, None]).sum(1)
    unknown = np.full(len(game), np.nan)
    return Moment(game, now.observation, mask, action, none, np.zeros(mask.shape), unknown, none)


class Selfplay:
    """Plays chunks with one model; its memory is allocated once."""

    def __init__(self, env_id: str, model: Model, config: SelfplayConfig) -> None:
        """Allocates.

        Raises:
            SearchConfigError: when the search cannot be made.
        """
        self._env_id, self._config = env_id, config
        self._env = registry.make_vector(env_id, config.rows)
        self._searcher = Searcher(model, config.search, config.rows, config.keep)

    def play(self, seed: int, index: int, recorded: Games = ()) -> Trajectory:
        """Plays chunk `index` of the games of `seed`, some of them from recorded positions."""
        self._searcher.forget()
        config, moments = self._config, list[Moment]()
        move = _random_move if index < config.random_chunks else self._move
        numbers = range(index * config.games, (index + 1) * config.games)
        seeds = np.array([seeding.derive(seed, "game", number) for number in numbers])
        starts = [opening(self._env_id, int(s), config, recorded) for s in seeds]
        game, ply = np.arange(config.rows), np.zeros(config.rows, np.int64)
        rows, begun = game.copy(), config.rows
        step = self._env.reset(rows, seeds[game], starts[:begun])
        while rows.size:
            now, streams = step.take(rows), seeding.mix(seeds[game[rows]], ply[rows]) >> _SHIFT
            moment = move(game[rows], now, streams.astype(np.int64), ply[rows])
            actions = np.zeros(config.rows, np.int64)
            actions[rows] = moment.action
            step = self._env.step(actions)
            moments.append(moment._replace(reward=step.rewards[rows, now.to_play]))
            ply[rows] += 1
            over = rows[step.last[rows]]
            if over.size:
                moments.append(_ended(game[over], step.take(over)))
                fresh = over[: config.games - begun]
                rows = np.setdiff1d(rows, over[fresh.size :])
                game[fresh], ply[fresh] = begun + np.arange(fresh.size), 0
                begun += fresh.size
                if fresh.size:
                    began = [starts[number] for number in game[fresh]]
                    step = self._env.reset(fresh, seeds[game[fresh]], began)
        return assemble(moments, self._env.spec, config)

    def reanalyze(self, seed: int, index: int, old: Trajectory, place: int = 0) -> Trajectory:
        """Gives stored moments with policies and values of new searches; actions and ends stay.

        Source: MuZero, Appendix H, https://arxiv.org/abs/1911.08265.

        Args:
            seed: of the searches' noise.
            index: of the chunk, also for the noise.
            old: moments of whole games; those that were not to teach a policy do from now on.
            place: among what is searched anew with this chunk, also for the noise.
        """
        self._searcher.forget()
        config = self._config
        places = np.flatnonzero(old.left > 0)
        policy, value = old.policy.copy(), old.value.copy()
        weight, stream = old.weight.copy(), seeding.derive(seed, "again", index, place)
        for first in range(0, len(places), config.rows):
            rows = places[first : first + config.rows]
            streams = (seeding.mix(np.full(len(rows), stream), rows) >> _SHIFT).astype(np.int64)
            drawn = self._noise(streams, old.ply[rows])
            found = self._searcher(old.observation[rows], old.action_mask[rows], drawn)
            policy[rows], q = hasten(found, config)
            value[rows], weight[rows] = np.nansum(policy[rows] * q, 1), 1
        returns = n_step_returns(
            old.reward, value, old.left, self._env.spec.discount * config.decay, config.n_step
        )
        return old._replace(policy=policy, value=value, weight=weight, returns=returns)

    def _move(
        self,
        game: NDArray[np.int64],
        now: TimeStep,
        streams: NDArray[np.int64],
        ply: NDArray[np.int64],
    ) -> Moment:
        """Gives what the search makes of the moments of the rows to move; the reward is to come."""
        found, weight = self._search(now, streams, ply)
        policy, q = hasten(found, self._config)
        value = np.nansum(policy * q, 1)
        none = np.zeros(len(game))
        return Moment(
            game, now.observation, now.action_mask, found.action, none, policy, value, weight
        )

    def _search(
        self, now: TimeStep, streams: NDArray[np.int64], ply: NDArray[np.int64]
    ) -> tuple[SearchResult, NDArray[Any]]:
        """Gives what the search finds, and the weight of each policy."""
        config, drawn = self._config, self._noise(streams, ply)
        if not config.cheap_share:
            return self._searcher(now.observation, now.action_mask, drawn), np.ones(len(streams))
        cheap = seeding.uniform(streams, 1) < config.cheap_share
        budget = np.where(cheap, config.cheap_simulations, config.search.simulations)
        found = self._searcher(now.observation, now.action_mask, drawn, budget)
        return found, 1.0 - cheap

    def _noise(self, streams: NDArray[np.int64], ply: NDArray[np.int64]) -> noise.Noise:
        """Gives the noise of searches, by how far their games have come."""
        gumbel = noise.gumbel(streams, 0, self._env.spec.num_actions)
        if self._config.noise_half:
            gumbel *= (0.5 ** (ply / self._config.noise_half)).astype(np.float32)[:, None]
        return noise.Noise(gumbel)


def hasten(
    found: SearchResult, config: SelfplayConfig
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Gives policy and values, both `float32[R, A]`, in which a far proven end counts for less.

    An exact return is multiplied by `decay` for each ply that it lies ahead, and the improved
    policy `softmax(logits + sigma(q))` follows the change of `q`. Where the root is proven, the
    policy is shared by the actions that are as good as the best, and as soon.
    """
    root, actions = found.tree.root, found.action[:, None]
    ends = root("ends").astype(np.float32)
    q = found.q * np.where(ends > 0, np.float32(config.decay) ** (ends - 1), np.float32(1))
    search = config.search
    scale = (search.maxvisit_init + root("visits").max(1, keepdims=True)) * search.value_scale
    policy = found.action_weights * np.exp(np.nan_to_num(scale * (q - found.q)))
    best = (ends == np.take_along_axis(ends, actions, 1)) & (
        found.q == np.take_along_axis(found.q, actions, 1)
    )
    policy = np.where(root("proven")[:, None], best, policy)
    return (policy / policy.sum(1, keepdims=True)).astype(np.float32), q


def _ended(game: NDArray[np.int64], after: TimeStep) -> Moment:
    """Gives the last moments of games, in which nothing is done."""
    none, mask = np.zeros(len(game)), after.action_mask
    policy = np.zeros(mask.shape)
    return Moment(game, after.observation, mask, none, none, policy, none, none)


def assemble(moments: list[Moment], spec: EnvSpec, config: SelfplayConfig) -> Trajectory:
    """Gives the moments of whole games, game by game."""
    whole = Moment(*(np.concatenate(part) for part in zip(*moments, strict=True)))
    order = np.argsort(whole.game, kind="stable")
    parts: list[Any] = [part[order] for part in whole]
    game, observation, action_mask, action, reward, policy, value, weight = parts
    ends = np.flatnonzero(np.diff(game, append=-1))
    place = np.arange(len(game))
    left = (ends[np.searchsorted(ends, place)] - place).astype(np.int16)
    value = value.astype(np.float32)
    searched = bool(np.isfinite(value).all())
    n_step = config.n_step if searched else 0
    returns = n_step_returns(reward, value, left, spec.discount * config.decay, n_step)
    return Trajectory(
        observation,
        action_mask,
        action.astype(np.int16),
        reward.astype(np.float32),
        policy.astype(np.float16),
        value if searched else returns,
        returns,
        weight.astype(np.float32),
        left,
    )
