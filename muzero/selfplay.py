"""Self-play in lockstep. Axes: `B` rows of games side by side, `R` rows to move, `A` actions.

A chunk is a number of whole games, a function of (config, weights, seed, index) and the recorded
games it begins from, alone. A row that ends its game takes the next one, so that the network sees
full batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs import registry, seeding
from envs.base import EnvSpec, TimeStep
from muzero.models import Model
from muzero.moves import Moment, Moves, hasten, random_move, streams_of
from muzero.search import Searcher
from muzero.selfplay_config import SelfplayConfig
from muzero.targets import n_step_returns
from muzero.trajectory import Trajectory

Games = Sequence[Sequence[int] | Sequence[Sequence[int]]]
"""Recorded games, each as its actions, at least one, from the beginning; or as two parts, the
actions that are always played first, and at least one that follows."""


def opening(
    env_id: str, seed: int, config: SelfplayConfig, recorded: Games = ()
) -> tuple[int, ...]:
    """Gives the plies that a game begins with, recorded or random ones; none of them ends it."""
    if recorded:
        stream = np.full(3, seeding.derive(seed, "recorded"))
        begins, which, end = seeding.uniform(stream, np.arange(3))
        if begins < config.openings_share:
            given, rest = parts(recorded[int(which * len(recorded))])
            return (*given, *rest[: int(end * len(rest))])
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


def parts(game: Any) -> tuple[Sequence[int], Sequence[int]]:
    """Gives what is always played of a recorded game, and what follows."""
    return tuple(game) if isinstance(game[0], Sequence) else ((), game)


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
        self._moves = Moves(self._searcher, config)

    def play(self, seed: int, index: int, recorded: Games = ()) -> Trajectory:
        """Plays chunk `index` of the games of `seed`, some of them from recorded positions."""
        self._searcher.forget()
        config, moments = self._config, list[Moment]()
        move = random_move if index < config.random_chunks else self._moves
        numbers = range(index * config.games, (index + 1) * config.games)
        seeds = np.array([seeding.derive(seed, "game", number) for number in numbers])
        starts = [opening(self._env_id, int(s), config, recorded) for s in seeds]
        game, ply = np.arange(config.rows), np.zeros(config.rows, np.int64)
        rows, begun = game.copy(), config.rows
        step = self._env.reset(rows, seeds[game], starts[:begun])
        while rows.size:
            now, streams = step.take(rows), streams_of(seeds[game[rows]], ply[rows])
            moment = move(game[rows], now, streams, ply[rows])
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
            streams = streams_of(np.full(len(rows), stream), rows)
            drawn = self._moves.noise(streams, old.ply[rows])
            found = self._searcher(old.observation[rows], old.action_mask[rows], drawn)
            policy[rows], q = hasten(found, config)
            value[rows], weight[rows] = np.nansum(policy[rows] * q, 1), 1
        returns = n_step_returns(
            old.reward, value, old.left, self._env.spec.discount * config.decay, config.n_step
        )
        return old._replace(policy=policy, value=value, weight=weight, returns=returns)


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
