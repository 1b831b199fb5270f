"""The contract over every registered environment, and that breaches of it are found."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from envs import registry
from envs.base import IllegalActionError
from envs.check import check_env
from envs.connectx.env import ConnectX
from envs.connectx.vector import ConnectXVector
from envs.serial import SerialVectorEnv

SIZES = ["5x4x3", "4x4x3", "1x1x1", "9x5x4", "8x7x4", "10x5x5", "2x2x2", "7x6x4", "7x6x5"]
SIZES += ["1x6x4", "1x63x4", "32x1x3", "3x3x1"]
IDS = ["connectx"] + [f"connectx-{size}" for size in SIZES]


@pytest.mark.parametrize("id", IDS)
def test_every_board_keeps_the_contract(id):
    check_env(partial(registry.make, id), partial(registry.make_vector, id))


@pytest.mark.parametrize("id", ["connectx", "connectx-2x2x2"])
def test_scalar_envs_side_by_side_keep_it(id):
    check_env(
        partial(registry.make, id),
        lambda rows: SerialVectorEnv([registry.make(id) for _ in range(rows)]),
    )


class Breach(ConnectX):
    """A small Connect X that breaks the contract in the way of its kind."""

    def __init__(self, kind):
        self.kind = kind
        super().__init__(4, 4, 3)
        if kind == "discount":
            self.spec = replace(self.spec, discount=0.9)
        if kind == "rules":
            rules = self.spec.rules
            lying = rules._replace(step=lambda g, *rest: (rules.step(g, *rest)[0], False))
            self.spec = replace(self.spec, rules=lying)

    def reset(self, seed, start=None):
        if self.kind == "start" and start:
            start = start[:1]
        moment = super().reset(seed, start)
        return replace(moment, rewards=np.array([1.0, -1.0])) if self.kind == "paid" else moment

    def step(self, action):
        if self.kind == "illegal" and action == -1:
            action = int(np.flatnonzero(self._mask)[0])
        if self.kind == "change" and action == self.spec.num_actions:
            self._state[1] ^= np.uint64(1)
        moment = super().step(action)
        changes = {
            "dtype": {"observation": moment.observation.astype(np.int64)},
            "shape": {"action_mask": moment.action_mask[:-1]},
            "mask": {"action_mask": np.ones(4, np.bool_)},
            "sum": {"rewards": np.abs(moment.rewards)},
            "seat": {"to_play": moment.to_play + 1},
            "flag": {"truncated": 0},
            "random": {"observation": np.random.default_rng().integers(0, 9, (2, 4, 4), np.uint8)},
        }
        return replace(moment, **changes.get(self.kind, {}))

    def render(self):
        picture = super().render()
        return picture[:, :, 0] if self.kind == "picture" else picture

    def digest(self):
        word = super().digest()
        return {"digest": b"same8888", "short": word[:4]}.get(self.kind, word)


KINDS = {
    "discount": "does not suit 2 player",
    "rules": "rules.step gives",
    "start": "is not the state that those actions lead to",
    "paid": "the first moment has rewards",
    "illegal": "raised nothing; expected IllegalActionError",
    "change": "illegal action 4 changed the state",
    "dtype": r"observation at step 1 .* expected uint8\[2, 4, 4\]",
    "shape": r"action_mask at step 1 .* expected bool\w*\[4\]",
    "mask": "the mask allows action . at step",
    "sum": "expected zero-sum play",
    "seat": "to_play at step 1 is 2",
    "flag": "truncated at step 1 is 0; expected a bool",
    "random": "observation in a repeated episode",
    "picture": r"expected uint8\[H, W, 3\]",
    "digest": "the digest is the same for the whole episode",
    "short": "is not 8 bytes",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_breach_is_found(kind):
    with pytest.raises(AssertionError, match=f"(?s){KINDS[kind]}"):
        check_env(partial(Breach, kind))


def test_an_env_that_is_no_breach_passes():
    check_env(partial(Breach, "none"))


class VectorBreach(ConnectXVector):
    def __init__(self, kind, rows):
        self.kind = kind
        super().__init__(rows, 4, 4, 3)

    def reset(self, rows, seeds, starts=None):
        return super().reset(
            np.arange(self.num_rows) if self.kind == "all" else rows, seeds, starts
        )

    def step(self, actions):
        if self.kind == "paid" and self._over.any():
            moment = super().step(actions)
            return replace(moment, rewards=moment.rewards + self._over[:, None])
        if self.kind == "lenient":
            actions = np.clip(actions, 0, 3)
        if self.kind == "partial":
            super().step(np.full(self.num_rows, actions[0]))
        return super().step(actions)

    def digest(self):
        return super().digest() + np.uint64(self.kind == "digest")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("all", "the reset of row 1 changed row 0"),
        ("paid", r"rewards in row \d at step"),
        ("lenient", "raised nothing"),
        ("partial", r"in row \d at step 1"),
        ("digest", "is not that of a scalar env"),
    ],
)
def test_a_breach_of_a_vector_env_is_found(kind, words):
    with pytest.raises((AssertionError, IllegalActionError), match=words):
        check_env(partial(ConnectX, 4, 4, 3), partial(VectorBreach, kind))
