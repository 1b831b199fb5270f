"""A test of the contract, for any environment. Axes: `B` rows, `P` players, `A` actions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from envs.base import Env, IllegalActionError, Start, TimeStep, VectorEnv
from envs.seeding import derive

_SEEDS = 3
_MAX_STEPS = 300


class _Episode(NamedTuple):
    """What happened: `actions[t]` led from `moments[t]` to `moments[t + 1]`."""

    seed: int
    actions: list[int]
    moments: list[TimeStep]
    digests: list[bytes]


def check_env(
    make: Callable[[], Env],
    make_vector: Callable[[int], VectorEnv] | None = None,
    *,
    steps: int = _MAX_STEPS,
) -> None:
    """Tests that an environment keeps the contract, by playing a few random episodes.

    Args:
        make: gives a new env.
        make_vector: gives a new env of so many rows, played in lock-step with scalar ones.
        steps: an episode is left after so many.

    Raises:
        AssertionError: when it does not; the text says what was wrong and when.
    """
    _check_spec(make())
    for seed in range(_SEEDS):
        episode = _play(make(), seed, steps)
        _check_episode(make(), episode)
        _check_repeat(make(), episode)
        _check_illegal(make(), episode)
        _check_start(make(), episode)
        _check_rules(make(), episode)
    if make_vector is not None:
        _check_lockstep(make, make_vector, steps)
        _check_rows(make_vector)


def _require(holds: bool, words: str) -> None:
    if not holds:
        raise AssertionError(words)


def _check_spec(env: Env) -> None:
    spec = env.spec
    _require(bool(spec.id), "spec.id is empty; expected the canonical id")
    _require(spec.num_actions >= 1, f"spec.num_actions is {spec.num_actions}; expected 1 or more")
    _require(min(spec.observation_shape) >= 1, f"observation_shape {spec.observation_shape} is 0")
    _require(spec.num_players in (1, 2), f"spec.num_players is {spec.num_players}, not 1 or 2")
    fair = spec.discount == -1 if spec.num_players == 2 else 0 < spec.discount <= 1
    _require(fair, f"spec.discount {spec.discount} does not suit {spec.num_players} player(s)")
    if spec.value_range is not None:
        _require(spec.value_range[0] < spec.value_range[1], f"value_range is {spec.value_range}")


def _check_moment(env: Env, moment: TimeStep, when: str) -> None:
    """Tests shapes, dtypes and the mask of one moment."""
    spec = env.spec
    expected = {
        "observation": (np.uint8, spec.observation_shape),
        "action_mask": (np.bool_, (spec.num_actions,)),
        "rewards": (np.float64, (spec.num_players,)),
    }
    for name, (dtype, shape) in expected.items():
        array = getattr(moment, name)
        fits = isinstance(array, np.ndarray) and array.dtype == dtype and array.shape == shape
        _require(fits, f"{name} {when} is {array!r}; expected {dtype.__name__}{list(shape)}")
    _require(moment.to_play in range(spec.num_players), f"to_play {when} is {moment.to_play}")
    for name in ("terminated", "truncated"):
        flag = getattr(moment, name)
        _require(isinstance(flag, bool | np.bool_), f"{name} {when} is {flag!r}; expected a bool")
    some = bool(moment.action_mask.any())
    _require(some != bool(moment.last), f"last is {moment.last} {when}, legal actions: {some}")


def _play(env: Env, seed: int, steps: int) -> _Episode:
    """Plays legal actions that follow from the seed, to the end or for a while."""
    moment = env.reset(seed)
    episode = _Episode(seed, [], [moment], [env.digest()])
    while not moment.last and len(episode.actions) < steps:
        legal = np.flatnonzero(moment.action_mask)
        _require(legal.size > 0, f"no legal action at step {len(episode.actions)}, and not the end")
        action = int(legal[derive(seed, len(episode.actions)) % legal.size])
        try:
            moment = env.step(action)
        except IllegalActionError as error:
            raise AssertionError(
                f"the mask allows action {action} at step {len(episode.actions)}, but: {error}"
            ) from error
        episode.actions.append(action)
        episode.moments.append(moment)
        episode.digests.append(env.digest())
    return episode


def _check_episode(env: Env, episode: _Episode) -> None:
    """Tests every moment by itself, and the picture."""
    for time, moment in enumerate(episode.moments):
        _check_moment(env, moment, f"at step {time}")
        if env.spec.num_players == 2:
            total = moment.rewards.sum()
            _require(total == 0, f"rewards at step {time} sum to {total}; expected zero-sum play")
        word = episode.digests[time]
        _require(isinstance(word, bytes) and len(word) == 8, f"digest {word!r} is not 8 bytes")
    _require(not episode.moments[0].rewards.any(), "the first moment has rewards; expected 0")
    if len(episode.digests) > 1:
        _require(len(set(episode.digests)) > 1, "the digest is the same for the whole episode")
    env.reset(episode.seed)
    picture = env.render()
    fits = picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3
    _require(fits, f"render gives {picture.dtype}{list(picture.shape)}; expected uint8[H, W, 3]")


def _check_repeat(env: Env, episode: _Episode) -> None:
    """Tests that the same seed and actions give the same episode, also in a used env."""
    for _ in range(2):
        moment = env.reset(episode.seed)
        for time, expected in enumerate(episode.moments):
            _require_same(moment, expected, f"in a repeated episode at step {time}")
            same = env.digest() == episode.digests[time]
            _require(same, f"the digest differs in a repeated episode at step {time}")
            if time < len(episode.actions):
                moment = env.step(episode.actions[time])


def _check_illegal(env: Env, episode: _Episode) -> None:
    """Tests that every illegal action raises and changes nothing, and any action after the end."""
    moment = env.reset(episode.seed)
    for time in range(len(episode.moments)):
        for action in [-1, env.spec.num_actions, *np.flatnonzero(~moment.action_mask).tolist()]:
            try:
                env.step(action)
            except IllegalActionError:
                same = env.digest() == episode.digests[time]
                _require(same, f"illegal action {action} changed the state at step {time}")
                continue
            raise AssertionError(
                f"action {action} at step {time} raised nothing; expected IllegalActionError"
            )
        if time < len(episode.actions):
            moment = env.step(episode.actions[time])
            _require_same(moment, episode.moments[time + 1], f"after illegal actions, {time + 1}")


def _check_start(env: Env, episode: _Episode) -> None:
    """Tests that a start is played, pays nothing, and may not end the game or be illegal."""
    for time in {0, 1, len(episode.actions) // 2, len(episode.actions) - 1}:
        if not 0 <= time < len(episode.moments) or episode.moments[time].last:
            continue
        moment = env.reset(episode.seed, episode.actions[:time])
        _require(not moment.rewards.any(), f"a start of {time} actions pays rewards; expected 0")
        same = env.digest() == episode.digests[time]
        _require(same, f"a start of {time} actions is not the state that those actions lead to")
    bad: list[Start] = [[env.spec.num_actions]]
    if episode.moments[-1].last:
        bad.append(episode.actions)
    for start in bad:
        try:
            env.reset(episode.seed, start)
        except IllegalActionError:
            continue
        raise AssertionError(f"start {list(start)} raised nothing; expected IllegalActionError")


def _check_rules(env: Env, episode: _Episode) -> None:
    """Tests that the rules for searches, if there are any, tell the same episode."""
    rules = env.spec.rules
    if rules is None:
        return
    state, after = (np.zeros(rules.state_size, np.uint64) for _ in range(2))
    mask = np.zeros(env.spec.num_actions, np.bool_)
    for time, moment in enumerate(episode.moments):
        rules.state(rules.params, moment.observation, state)
        if time:
            _require(bool((state == after).all()), f"rules.step and rules.state differ at {time}")
        rules.legal(rules.params, state, mask)
        _require(bool((mask == moment.action_mask).all()), f"rules.legal gives {mask} at {time}")
        drawn = np.zeros_like(moment.observation)
        rules.observe(rules.params, state, drawn)
        _require(bool((drawn == moment.observation).all()), f"rules.observe differs at step {time}")
        if time < len(episode.actions):
            told = rules.step(rules.params, state, episode.actions[time], after)
            expected = episode.moments[time + 1]
            paid = expected.rewards[moment.to_play], expected.terminated
            _require(tuple(told) == paid, f"rules.step gives {told} at step {time}, not {paid}")


def _check_lockstep(
    make: Callable[[], Env], make_vector: Callable[[int], VectorEnv], steps: int
) -> None:
    """Tests that each row of a vector env is a scalar episode, and stands still once it ends."""
    episodes = [_play(make(), seed, steps) for seed in range(_SEEDS)]
    env = make_vector(_SEEDS)
    _require(env.num_rows == _SEEDS, f"num_rows is {env.num_rows}; expected {_SEEDS}")
    moments = env.reset(np.arange(_SEEDS), np.array([episode.seed for episode in episodes]))
    for time in range(2 + max(len(episode.actions) for episode in episodes)):
        digests, actions, left = env.digest(), np.zeros(_SEEDS, np.int64), False
        for row, episode in enumerate(episodes):
            end = len(episode.actions)
            left |= time >= end and not episode.moments[end].last
            expected, found = episode.moments[min(time, end)], moments.take(np.array(row))
            if time > end:
                expected = replace(expected, rewards=np.zeros_like(expected.rewards))
            _require_same(found, expected, f"in row {row} at step {time}")
            same = int(digests[row]).to_bytes(8, "little") == episode.digests[min(time, end)]
            _require(same, f"the digest of row {row} at step {time} is not that of a scalar env")
            actions[row] = episode.actions[time] if time < end else -1
        if left:
            return
        moments = env.step(actions)


def _check_rows(make_vector: Callable[[int], VectorEnv]) -> None:
    """Tests that an illegal action changes no row, that a reset changes one, and who owns what."""
    env, rows = make_vector(2), np.arange(2)
    first = env.reset(rows, rows)
    kept = replace(first, observation=first.observation.copy())
    actions = first.action_mask.argmax(1)
    before = env.digest()
    for bad in (-1, env.spec.num_actions):
        try:
            env.step(np.array([actions[0], bad]))
        except IllegalActionError:
            same = (env.digest() == before).all()
            _require(bool(same), f"illegal action {bad} in row 1 changed the rows")
            continue
        raise AssertionError(f"action {bad} in row 1 raised nothing; expected IllegalActionError")
    moved = env.step(actions)
    _require_same(first, kept, "when a later step wrote into it")
    after = env.digest()
    again = env.reset(np.array([1]), np.array([1]))
    _require(env.digest()[1] == before[1], "row 1 after its reset is not where it began")
    _require(env.digest()[0] == after[0], "the reset of row 1 changed row 0")
    same = (again.observation[0] == moved.observation[0]).all()
    _require(bool(same), "the reset of row 1 gives another observation of row 0")
    if not moved.last[0]:
        begun = env.reset(rows, np.array([0, 0]), [[int(actions[0])], []])
        _require(env.digest()[0] == after[0], "a start of one action is not the state it leads to")
        _require(not begun.rewards.any(), "a start pays rewards; expected 0")


def _require_same(found: TimeStep, expected: TimeStep, when: str) -> None:
    """Tests that two moments are equal, `info` aside."""
    for name in ("observation", "action_mask", "to_play", "rewards", "terminated", "truncated"):
        one, other = getattr(found, name), getattr(expected, name)
        _require(np.array_equal(one, other), f"{name} {when} is {one}; expected {other}")
