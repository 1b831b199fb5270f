"""Games for one that go on from chunk to chunk. Axes: `B` rows side by side, `R` some of them.

A chunk is a stretch of so many steps of every row. What it leaves is saved, a function of (config,
weights, seed, chunk, what the stretch before left) alone; so any process goes on with it, and the
one that holds it still need not bring it back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs import registry, seeding
from envs.base import TimeStep
from envs.serial import SerialVectorEnv
from muzero import weights
from muzero.limits import SearchConfigError
from muzero.models import Model
from muzero.moves import Moves, hasten, random_move, streams_of, wander
from muzero.pieces import Notes
from muzero.search import Searcher
from muzero.selfplay_config import SelfplayConfig
from muzero.targets import Trace, lambda_returns
from muzero.trajectory import Trajectory
from muzero.views import View, stacked


class Part(NamedTuple):
    """Which chunk, and of which rows."""

    seed: int
    """Of the training's episodes."""
    number: int
    """Of the chunk."""
    group: int
    """Of the rows; groups take turns."""


class Stretch(NamedTuple):
    """A chunk that was played."""

    trajectory: Trajectory
    left: bytes
    """How the rows stand, to go on from."""
    returns: tuple[float, ...]
    """Scores of the episodes that ended."""


@dataclass
class _Rows:
    """Rows of a group as they stand."""

    env: SerialVectorEnv
    now: TimeStep
    """Running in every row."""
    seeds: NDArray[np.int64]
    """`int64[B]`, of the episodes."""
    ply: NDArray[np.int64]
    """`int64[B]`, actions of the episodes so far."""
    returns: NDArray[np.float64]
    """`float64[B]`, scores of the episodes so far."""
    begun: int
    """Episodes that have begun in the group."""

    def save(self) -> bytes:
        """Gives all of it but the emulators themselves."""
        states = self.env.save()
        arrays = {
            "seeds": self.seeds,
            "ply": self.ply,
            "returns": self.returns,
            "begun": np.array([self.begun]),
            "lengths": np.array([len(state) for state in states]),
            "states": np.frombuffer(b"".join(states), np.uint8),
        }
        return weights.pack(arrays)

    @property
    def lives(self) -> NDArray[Any]:
        """`int[B]`, 0 where a game has none."""
        return np.asarray(self.now.info.get("lives", np.zeros(len(self.ply), np.int64)))


class Stretches:
    """Plays stretches with one model."""

    def __init__(self, env_id: str, model: Model, config: SelfplayConfig, view: View) -> None:
        """Allocates.

        Args:
            env_id: a game for one.
            model: what the search searches on.
            config: how.
            view: what the network sees.

        Raises:
            SearchConfigError: when the search cannot be made.
        """
        self._env_id, self._config, self._view = env_id, config, view
        self._spec = registry.spec(env_id)
        self._searcher = Searcher(model, config.search, config.rows)
        self._moves = Moves(self._searcher, config)
        self._rule = Trace(self._spec.discount * config.decay, config.td_lambda, config.n_step)
        self._every = np.arange(config.rows)
        self._held: dict[int, tuple[bytes, _Rows]] = {}

    def play(self, part: Part, before: bytes = b"") -> Stretch:
        """Plays a stretch.

        Args:
            part: which one.
            before: how the rows stand; empty = they begin.
        """
        rows, config, ended = self._rows(part, before), self._config, list[float]()
        move = random_move if part.number < config.random_chunks else self._moves
        notes, actions = Notes(config.rows, self._view), self._spec.num_actions
        seen = self._view.see(rows.now.observation)
        notes.begin(self._every, seen, actions)
        for step in range(config.steps):
            last = step == config.steps - 1
            now = TimeStep(
                seen, rows.now.action_mask, rows.now.to_play, rows.now.rewards,
                rows.now.terminated, rows.now.truncated,
            )  # fmt: skip
            moment = move(notes.piece.copy(), now, streams_of(rows.seeds, rows.ply), rows.ply)
            if config.solo.wander_share:
                moment = wander(moment, rows.seeds, rows.ply, config.solo.wander_share)
            lives = rows.lives
            rows.now = rows.env.step(moment.action)
            reward = rows.now.rewards[:, 0]
            rows.ply += 1
            rows.returns += reward
            notes.play(moment._replace(reward=np.sign(reward) if self._clips else reward))
            over = rows.now.last
            died = (rows.lives < lives) & config.solo.life_ends & ~over
            ends = np.flatnonzero(over | died | last)
            if ends.size:
                after = self._view.see(rows.now.observation[ends])
                expected = self._expected(part, rows, ends, died, after)
                notes.end(ends, after, expected, actions)
            if over.any():
                ended += rows.returns[over].tolist()
                self._begin(part, rows, np.flatnonzero(over))
            seen = self._view.see(rows.now.observation)
            fresh = ends if not last else ends[:0]
            if fresh.size:
                notes.begin(fresh, seen[fresh], actions)
        left = rows.save()
        self._held[part.group] = left, rows
        return Stretch(notes.trajectory(self._rule), left, tuple(ended))

    @property
    def _clips(self) -> bool:
        return self._config.solo.clip_rewards

    def _expected(
        self,
        part: Part,
        rows: _Rows,
        ends: NDArray[np.int64],
        died: NDArray[np.bool_],
        seen: NDArray[np.uint8],
    ) -> NDArray[np.float64]:
        """Gives what is expected past the ends of pieces, nan where nothing follows them."""
        over = rows.now.terminated | died
        if self._config.solo.limit_ends:
            over |= rows.now.truncated
        expected = np.full(len(ends), np.nan)
        goes_on = np.flatnonzero(~over[ends])
        if goes_on.size:
            expected[goes_on] = 0
            if part.number >= self._config.random_chunks:
                mask = np.ones((goes_on.size, self._spec.num_actions), np.bool_)
                found = self._searcher(seen[goes_on], mask)
                expected[goes_on] = (found.action_weights * found.q).sum(1)
        return expected

    def _rows(self, part: Part, before: bytes) -> _Rows:
        """Gives a group's rows as they stand: those held, or brought back."""
        held, rows = self._held.pop(part.group, (b"", None))
        if before and held == before and rows is not None:
            return rows
        env = rows.env if rows is not None else self._made()
        size, none = self._config.rows, np.zeros(self._config.rows, np.int64)
        fresh = _Rows(env, env.reset(none[:0], none[:0]), none, none.copy(), np.zeros(size), 0)
        if not before:
            self._begin(part, fresh, self._every)
            return fresh
        found, _ = weights.unpack(before)
        fresh.seeds, fresh.ply, fresh.returns = found["seeds"], found["ply"], found["returns"]
        fresh.begun, ends = int(found["begun"][0]), np.cumsum(found["lengths"])
        data = found["states"].tobytes()
        states = [data[end - n : end] for end, n in zip(ends, found["lengths"], strict=True)]
        fresh.now = env.reset(self._every, fresh.seeds, states)
        return fresh

    def _made(self) -> SerialVectorEnv:
        env = registry.make_recorded(self._env_id, self._config.rows)
        if not isinstance(env, SerialVectorEnv):
            raise SearchConfigError(
                f"{self._env_id} cannot save its rows; give selfplay.steps = 0, so that chunks are "
                "whole games"
            )
        return env

    def _begin(self, part: Part, rows: _Rows, which: NDArray[np.int64]) -> None:
        """Begins episodes in some rows."""
        numbers = range(rows.begun, rows.begun + len(which))
        rows.begun += len(which)
        seeds = [seeding.derive(part.seed, "episode", part.group, number) for number in numbers]
        rows.seeds[which] = seeds
        rows.ply[which], rows.returns[which] = 0, 0
        rows.now = rows.env.reset(which, rows.seeds[which])

    def reanalyze(self, seed: int, index: int, old: Trajectory, place: int = 0) -> Trajectory:
        """Gives stored moments with policies and values of new searches; actions and ends stay.

        Source: MuZero, Appendix H, https://arxiv.org/abs/1911.08265.

        Args:
            seed: of the searches' noise.
            index: of the chunk, also for the noise.
            old: moments of stretches.
            place: among what is searched anew with this chunk, also for the noise.
        """
        size, policy, value = self._config.rows, old.policy.copy(), old.value.copy()
        weight, stream = old.weight.copy(), seeding.derive(seed, "again", index, place)
        going = (old.left > 0) | ((old.left == 0) & (old.action < 0))
        places = np.flatnonzero(going)
        mask = old.action_mask | ~old.action_mask.any(1, keepdims=True)
        for first in range(0, len(places), size):
            rows = places[first : first + size]
            drawn = self._moves.noise(streams_of(np.full(len(rows), stream), rows), old.ply[rows])
            seen = stacked(old.observation, rows, self._view.frames)
            found = self._searcher(seen, mask[rows], drawn)
            improved, q = hasten(found, self._config)
            value[rows] = np.nansum(improved * q, 1)
            played = old.left[rows] > 0
            policy[rows[played]], weight[rows[played]] = improved[played], 1
        returns = lambda_returns(old.reward, value, old.left, self._rule)
        return old._replace(policy=policy, value=value, weight=weight, returns=returns)
