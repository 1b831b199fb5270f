"""A test of the contract, for any player. Axes: `B` rows, `R` rows to move, `A` actions."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.base import Clock, Decisions, Player
from envs import registry
from envs.base import EnvSpec, TimeStep
from envs.seeding import derive, mix

_DUE_S = 120.0
_SLACK = 1e-6


def check_player(
    make: Callable[[], Player],
    env_id: str,
    games: int = 6,
    deterministic: bool = True,
    moves: int = 300,
) -> None:
    """Tests that a player keeps the contract, by playing a few games, against random play.

    Args:
        make: gives a new player.
        env_id: what to play.
        games: how many; each is played three times: all at once, again, and one at a time.
        deterministic: whether equal seeds must give equal play; False for players by time.
        moves: after which a game is left, those of all players together.

    Raises:
        AssertionError: when it does not; the text says what was wrong.
    """
    player = make()
    _check_attributes(player)
    seeds = np.array([derive("check", game) for game in range(games)])
    at_once = player.max_batch or games
    chunks = [np.arange(games)[i : i + at_once] for i in range(0, games, at_once)]
    singly = [np.array([game]) for game in range(games)]

    def played(player: Player, chunks: Sequence[NDArray[np.int64]]) -> list[list[int]]:
        return [play for chunk in chunks for play in _play(player, env_id, seeds, chunk, moves)]

    first = played(player, chunks)
    again = played(player, chunks)
    alone = played(make(), singly)
    if deterministic:
        _compare(first, again, "after a second reset with the same seeds")
        _compare(first, alone, "by a new player, one game at a time")


def _require(holds: Any, words: str) -> None:
    if not holds:
        raise AssertionError(words)


def _check_attributes(player: Player) -> None:
    _require(isinstance(player, Player), f"{player!r} lacks a part of agents.base.Player")
    batch, digest = player.max_batch, player.digest
    fits = batch is None or (isinstance(batch, int) and batch >= 1)
    _require(fits, f"max_batch is {batch!r}; expected None or a number from 1 on")
    fits = digest is None or re.fullmatch(r"[0-9a-f]{64}", digest) is not None
    _require(fits, f"digest is {digest!r}; expected None or a SHA-256 in hex")


def _play(
    player: Player, env_id: str, seeds: NDArray[np.int64], games: NDArray[np.int64], moves: int
) -> list[list[int]]:
    """Gives the player's actions in each game; it sits at every seat in turn."""
    env = registry.make_recorded(env_id, len(games))
    seats = games % env.spec.num_players
    player.reset(env.spec, seats.copy(), seeds[games])
    step = env.reset(np.arange(len(games)), seeds[games])
    plays: list[list[int]] = [[] for _ in games]
    for ply in range(moves):
        if step.last.all():
            break
        actions = _random_actions(step, seeds[games], ply)
        rows = np.flatnonzero(~step.last & (step.to_play == seats))
        if rows.size:
            actions[rows] = _decide(player, env.spec, rows, step.take(rows))
            for row in rows.tolist():
                plays[row].append(int(actions[row]))
        step = env.step(actions)
    return plays


def _random_actions(step: TimeStep, seeds: NDArray[np.int64], ply: int) -> NDArray[np.int64]:
    """Gives a legal action for each row, 0 where none is left."""
    counts = step.action_mask.sum(1)
    wanted = mix(seeds, ply) % np.maximum(counts, 1).astype(np.uint64)
    chosen = step.action_mask.cumsum(1) > wanted[:, None]
    return np.asarray(chosen.argmax(1), np.int64)


def _decide(
    player: Player, spec: EnvSpec, rows: NDArray[np.int64], steps: TimeStep
) -> NDArray[np.int64]:
    seen = steps.observation.copy()
    decisions = player.act(rows.copy(), steps, Clock(time.monotonic() + _DUE_S))
    _require((steps.observation == seen).all(), "act changed the observation that it was given")
    _check_action(decisions, steps)
    _check_numbers(decisions, spec, steps.action_mask)
    _check_line(decisions, spec)
    return np.asarray(decisions.action, np.int64)


def _form(value: Any) -> str:
    """Gives what a value is, in a few words."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    return f"a {type(value).__name__}"


def _check_action(decisions: Decisions, steps: TimeStep) -> None:
    size = len(steps.action_mask)
    for failure in decisions.failure or ():
        _require(failure is None, f"the player gave up: {failure}")
    action = decisions.action
    fits = isinstance(action, np.ndarray) and action.dtype.kind in "iu" and action.shape == (size,)
    _require(fits, f"action is {_form(action)}; expected an integer for each of {size} rows")
    for row, mask in enumerate(steps.action_mask):
        legal = 0 <= action[row] < mask.size and mask[action[row]]
        allowed = np.flatnonzero(mask).tolist()
        _require(legal, f"action {action[row]} is illegal; expected one of {allowed}")


def _check_numbers(decisions: Decisions, spec: EnvSpec, mask: NDArray[np.bool_]) -> None:
    """Tests shapes and ranges of value, policy, visits and q."""
    for name in ("value", "policy", "visits", "q"):
        array = getattr(decisions, name)
        if array is None:
            continue
        shape = mask.shape[:1] if name == "value" else mask.shape
        fits = isinstance(array, np.ndarray) and array.shape == shape
        _require(fits, f"{name} is {_form(array)}; expected an array of shape {list(shape)}")
        if name in ("value", "q"):
            low, high = spec.value_range or (-np.inf, np.inf)
            outside = (array < low - _SLACK) | (array > high + _SLACK)
            _require(not outside.any(), f"{name} is {array[outside][:1]}, not in [{low}, {high}]")
        else:
            _require((array >= 0).all(), f"{name} goes down to {array.min()}; expected 0 or more")
            _require((array[~mask] == 0).all(), f"{name} of an illegal action is above 0")
    if decisions.policy is not None:
        sums = decisions.policy.sum(1)
        _require(np.allclose(sums, 1, atol=1e-4), f"policy sums to {sums.tolist()}; expected 1s")
    if decisions.visits is not None:
        _require(decisions.visits.dtype.kind in "iu", "visits are no integers")


def _check_line(decisions: Decisions, spec: EnvSpec) -> None:
    if decisions.line is None:
        return
    _require(len(decisions.line) == len(decisions.action), "line has not one entry for each row")
    for moves, action in zip(decisions.line, decisions.action, strict=True):
        fits = all(0 <= move < spec.num_actions for move in moves)
        _require(fits, f"line {list(moves)} holds what is no action")
        _require(len(moves) and moves[0] == action, f"line {list(moves)} begins not with {action}")


def _compare(plays: Sequence[list[int]], others: Sequence[list[int]], when: str) -> None:
    for game, (play, other) in enumerate(zip(plays, others, strict=True)):
        same = play == other
        _require(same, f"game {game} was played {play}, but {other} {when}; expected equal play")
