"""Kinds of training by name; each is imported on first use, for trainers are heavy."""

from __future__ import annotations

from importlib import import_module

from agents.trainer import Trainer
from configs import loader
from configs.loader import ConfigError

TARGETS = {
    "alphazero": "arena.training_muzero:ALPHAZERO",
    "muzero": "arena.training_muzero:MUZERO",
    "ppo": "agents.ppo:TRAINER",
    "dqn": "agents.dqn:TRAINER",
}
"""Kind to the `module:attr` of its trainer."""


def find(kind: str) -> Trainer:
    """Gives the trainer of a kind.

    Raises:
        ConfigError: when there is no such kind.
    """
    if kind not in TARGETS:
        near = loader.closest(kind, TARGETS)
        raise ConfigError(f"kind='{kind}'{near} (there are: {', '.join(TARGETS)})")
    module, _, attr = TARGETS[kind].partition(":")
    trainer = getattr(import_module(module), attr)
    assert isinstance(trainer, Trainer)
    return trainer
