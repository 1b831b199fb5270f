"""Networks by name. Axes: `B` rows, `A` actions, `K` categories.

A name is one of `KNOWN` or `module:Class`. The class is made by `Class(spec, config)` and has the
three functions that `muzero.network` tells of.
"""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from envs.base import EnvSpec
from muzero.limits import SearchConfigError
from muzero.network import NetworkConfig, Prediction

KNOWN = {
    "board": "muzero.network:BoardNetwork",
    "board-model": "muzero.board_model:BoardModel",
}
"""Name to class."""


def make(spec: EnvSpec, config: NetworkConfig) -> Any:
    """Gives a network with random weights.

    Raises:
        SearchConfigError: when there is none of that name, or it cannot play the environment.
    """
    return _class(config.name)(spec, config)


def _class(name: str) -> Any:
    path = KNOWN.get(name, name)
    module, colon, attr = path.partition(":")
    if not colon:
        near = difflib.get_close_matches(name, KNOWN, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(KNOWN)}"
        raise SearchConfigError(f"no network '{name}'; {hint} Or give module:Class")
    try:
        return getattr(import_module(module), attr)
    except (ImportError, AttributeError) as error:
        raise SearchConfigError(f"network '{name}' cannot be imported ({error})") from error


def check(network: Any, spec: EnvSpec, config: NetworkConfig, unroll: int) -> None:
    """Asks a network once, so that one whose answers do not fit is refused before training.

    Args:
        network: to be asked.
        spec: what it plays.
        config: what it was made from.
        unroll: steps that it is unrolled; above 0 it needs `dynamics`.

    Raises:
        SearchConfigError: when a function lacks, or an answer has another shape than expected.
    """
    names = ("representation", "prediction", *(("dynamics",) if unroll else ()))
    for name in names:
        if not callable(getattr(network, name, None)):
            kind = "a learned model" if unroll else "a search on true rules"
            raise SearchConfigError(
                f"network '{config.name}' has no function {name}, which {kind} needs"
            )
    was = network.training
    with torch.no_grad():
        network.eval()
        latent = network.representation(torch.zeros((2, *spec.observation_shape)))
        _check_prediction(network.prediction(latent), spec, config)
        if unroll:
            after, reward = network.dynamics(latent, torch.zeros(2, dtype=torch.int64))
            _expect("the latent of dynamics", after, tuple(latent.shape))
            if reward is not None:
                _expect("the reward of dynamics", reward, _numbers(config))
    network.train(was)


def _check_prediction(said: Prediction, spec: EnvSpec, config: NetworkConfig) -> None:
    board = (2, 3, *spec.observation_shape[1:])
    _expect("logits", said.logits, (2, spec.num_actions))
    _expect("value", said.value, _numbers(config))
    if said.rules is not None:
        _expect("rules", said.rules, (2, spec.num_actions, 3))
    if said.decoded is not None:
        _expect("decoded", said.decoded, board)
    if said.final is not None:
        _expect("final", said.final, board)


def _numbers(config: NetworkConfig) -> tuple[int, ...]:
    return (2, config.categories) if config.categories else (2,)


def _expect(name: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    if tuple(tensor.shape) != shape:
        raise SearchConfigError(
            f"for 2 rows the network gives {name} of shape {tuple(tensor.shape)}; expected {shape}"
        )
