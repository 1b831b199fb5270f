"""Models of Stable-Baselines3 for tests: untrained, with random weights that tell moments apart."""

import io
import json
import warnings
import zipfile

import numpy as np
import torch

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import gymnasium
    from gymnasium.spaces import Box, Discrete, MultiBinary

    import agents.sb3_door  # noqa: F401  # it comes in without old gym's greeting

PICTURE = (4, 84, 84)
FEW = {"n_steps": 8, "batch_size": 8}
"""Options of PPO that need little memory."""


class Still(gymnasium.Env):
    """An environment of given spaces, in which nothing happens."""

    def __init__(self, seen, actions):
        self.observation_space = seen
        self.action_space = Discrete(actions) if isinstance(actions, int) else actions

    def reset(self, *, seed=None, options=None):
        return self.observation_space.sample(), {}

    def step(self, action):
        return self.observation_space.sample(), 0.0, False, False, {}


def atari(actions=6, shape=PICTURE):
    """An environment that shows stacks of pictures."""
    return Still(Box(0, 255, shape, np.uint8), actions)


def board(shape=(2, 3, 4), actions=4):
    """An environment that shows a board as `agents.gym_env` does; that of connectx-4x3x3."""
    return Still(MultiBinary(shape), actions)


def model(algorithm, policy, env, **options):
    """An algorithm whose weights are random, such that its answers are about 1."""
    torch.manual_seed(3)
    made = algorithm(policy, env, device="cpu", seed=0, **options)
    with torch.no_grad():
        for parameter in made.policy.parameters():
            inputs = parameter[0].numel()
            parameter.normal_(0, 0.1 if parameter.ndim == 1 else (2 / inputs) ** 0.5)
    return made


def exchanged(source, target, **members):
    """Writes a copy of a zip with members in place of others, None = left out; gives the copy."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if name not in members:
                new.writestr(name, old.read(name))
        for name, data in members.items():
            if data is not None:
                new.writestr(name, data)
    return target


def about(file):
    """The attributes in a zip."""
    with zipfile.ZipFile(file) as archive:
        return json.loads(archive.read("data"))


def parameters(file):
    """The policy's parameters in a zip."""
    with zipfile.ZipFile(file) as archive:
        return torch.load(io.BytesIO(archive.read("policy.pth")), weights_only=True)


def stored(found):
    """What PyTorch saves of something."""
    stream = io.BytesIO()
    torch.save(found, stream)
    return stream.getvalue()
