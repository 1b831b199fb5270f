"""Models that are hashes: they answer the same in any batch, and the same as in mctx.

And what a training asks for to run in this process alone.
"""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace

import numpy as np
import pytest

from envs.registry import spec as spec_of
from muzero.models import Evaluation, LearnedModel, RulesModel


def mix(x):
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def number(x):
    """Gives a number in `[-1, 1)` that follows from a hash."""
    return (x >> np.uint32(8)).astype(np.float32) / np.float32(1 << 23) - np.float32(1)


def predict(latent, num_actions):
    actions = np.arange(1, num_actions + 1, dtype=np.uint32)
    logits = 3 * number(mix(latent[:, None] + actions * np.uint32(977)))
    return logits, number(mix(latent ^ np.uint32(0x5BD1E995)))


def learned(num_actions=6, discount=-1.0, reward=0.5, bounds=None):
    """Gives the model that `tests/golden/make_mctx_trees.py` gives to mctx."""

    def initial(latent):
        return Evaluation(latent, *predict(latent, num_actions))

    def recurrent(latent, action):
        latent = mix(latent * np.uint32(31) + action.astype(np.uint32) + np.uint32(1))
        gain = np.float32(reward) * number(mix(latent + np.uint32(12345)))
        return Evaluation(latent, *predict(latent, num_actions), gain)

    return LearnedModel(initial, recurrent, num_actions, discount, bounds)


def observed(observation):
    """Gives the hash of each observation, `uint32[R]`."""
    flat = observation.reshape(len(observation), -1).astype(np.uint32)
    places = mix(np.arange(1, flat.shape[1] + 1, dtype=np.uint32))
    return mix((flat * places).sum(1, dtype=np.uint32))


def on_rules(spec):
    """Gives a model on true rules whose network is a hash of the observation."""
    return RulesModel(spec, lambda observation: predict(observed(observation), spec.num_actions))


def views(spec, states):
    """Gives the observations of `uint64[R, S]` and what ends at once, `float32[3, R, A]`."""
    rules, size = spec.rules, len(states)
    observation = np.zeros((size, *spec.observation_shape), np.uint8)
    heads = np.full((3, size, spec.num_actions), -1, np.float32)
    legal, after = np.zeros(spec.num_actions, bool), np.zeros(rules.state_size, np.uint64)
    for row, state in enumerate(states):
        rules.observe(rules.params, state, observation[row])
        rules.legal(rules.params, state, legal)
        for action in np.flatnonzero(legal):
            reward, ended = rules.step(rules.params, state, action, after)
            heads[0, row, action] = 1
            if ended:
                heads[1 if reward > 0 else 2, row, action] = 1
    return observation, heads


def learned_rules(spec):
    """Gives a learned model that is the rules: its latents are states, its heads know the end."""
    rules = spec.rules

    def answer(states):
        observation, heads = views(spec, states)
        return Evaluation(states, *predict(observed(observation), spec.num_actions), None, heads)

    def initial(observation):
        states = np.zeros((len(observation), rules.state_size), np.uint64)
        for row, seen in enumerate(observation):
            rules.state(rules.params, seen, states[row])
        return answer(states)

    def recurrent(states, actions):
        states = states.copy()
        for state, action in zip(states, actions, strict=True):
            rules.step(rules.params, state, action, state)
        return answer(states)

    return LearnedModel(initial, recurrent, spec.num_actions, spec.discount, spec.value_range)


def positions(spec, count, plies, seed=0):
    """Gives observations and masks of `count` random positions that are not over."""
    rules, rng = spec.rules, np.random.default_rng(seed)
    observation = np.zeros((count, *spec.observation_shape), np.uint8)
    mask = np.zeros((count, spec.num_actions), bool)
    for row in range(count):
        while True:
            state, ended = np.zeros(rules.state_size, np.uint64), False
            for _ in range(rng.integers(0, plies + 1)):
                rules.legal(rules.params, state, mask[row])
                action = rng.choice(np.flatnonzero(mask[row]))
                _, ended = rules.step(rules.params, state, action, state)
                if ended:
                    break
            if not ended:
                break
        rules.legal(rules.params, state, mask[row])
        rules.observe(rules.params, state, observation[row])
    return observation, mask


@pytest.fixture(scope="session")
def small():
    """Gives the spec of a board that is quickly solved."""
    return spec_of("connectx-4x4x3")


@pytest.fixture(scope="session")
def hashed():
    return SimpleNamespace(
        learned=learned,
        learned_rules=learned_rules,
        on_rules=on_rules,
        observed=observed,
        positions=positions,
        predict=predict,
    )


class Store(dict):
    """Objects in memory."""

    def put(self, data):
        name = str(hash(data))
        self[name] = data
        return name

    def get(self, name):
        return self[name]


def inline(work, jobs, ahead):
    """Runs jobs here, drawing them as an executor must."""
    source, drawn = iter(jobs), deque()
    while True:
        while len(drawn) < ahead and (job := next(source, None)) is not None:
            drawn.append(job)
        if not drawn:
            return
        yield SimpleNamespace(status="ok", value=work(drawn.popleft(), lambda *_: None))


@pytest.fixture(scope="session")
def alone():
    """Gives a store in memory and a map in this process, for trainings."""
    return SimpleNamespace(store=Store, map=inline)
