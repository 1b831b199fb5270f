"""Models that are hashes: they answer the same in any batch, and the same as in mctx."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

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


@pytest.fixture(scope="session")
def hashed():
    return SimpleNamespace(
        learned=learned, on_rules=on_rules, observed=observed, predict=predict, mix=mix
    )
