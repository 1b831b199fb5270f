"""Networks by name. Axes: `B` rows, `A` actions, `K` categories.

A name is one of `KNOWN` or `module:Class`, from the current folder or an installed package. The
class is made by `Class(spec, config)` and has the three functions that `muzero.network` tells of.
"""

from __future__ import annotations

import difflib
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from envs.base import EnvSpec
from muzero.limits import SearchConfigError
from muzero.network import NetworkConfig, Prediction, is_board
from muzero.views import View, whole

KNOWN = {
    "board": "muzero.network:BoardNetwork",
    "board-model": "muzero.board_model:BoardModel",
    "predicted-board": "muzero.predicted_board:PredictedBoard",
    "flat-model": "muzero.flat_model:FlatModel",
    "map-model": "muzero.map_model:MapModel",
}
"""Name to class."""
_ON_RULES = "board"
"""The network that `muzero.inference.Acting` and the players on true rules evaluate."""


def built_in(network: Any) -> bool:
    """Gives whether a network is of a class in `KNOWN`; one that inherits from it is not."""
    made = type(network)
    return f"{made.__module__}:{made.__qualname__}" in KNOWN.values()


def make(spec: EnvSpec, config: NetworkConfig) -> Any:
    """Gives a network with random weights.

    Raises:
        SearchConfigError: when there is none of that name, or it cannot play the environment.
    """
    return _class(config.name)(spec, config)


def view(spec: EnvSpec, config: NetworkConfig) -> View:
    """Gives how a network sees an environment: its `view(spec, config)`, or observations whole.

    Raises:
        SearchConfigError: when there is no such network, or it cannot see the environment.
    """
    return _view(_class(config.name), spec, config)


def _view(kind: Any, spec: EnvSpec, config: NetworkConfig) -> View:
    own = getattr(kind, "view", None)
    if own is None:
        return whole(spec)
    found = own(spec, config)
    assert isinstance(found, View)
    return found


def _class(name: str) -> Any:
    path = KNOWN.get(name, name)
    module, colon, attr = path.partition(":")
    if not colon:
        near = difflib.get_close_matches(name, KNOWN, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(KNOWN)}"
        raise SearchConfigError(f"no network '{name}'; {hint} (or give module:Class)")
    if name in KNOWN.values():
        own = next(known for known, place in KNOWN.items() if place == name)
        raise SearchConfigError(f"network '{name}' is called '{own}'; give that name")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)
    try:
        found = import_module(module)
    except Exception as error:
        fault = f"{type(error).__name__}: {error}"
        raise SearchConfigError(
            f"network '{name}': cannot import '{module}' ({fault}); give a module of this folder "
            "or of an installed package"
        ) from error
    if not callable(made := getattr(found, attr, None)):
        classes = [word for word, kind in vars(found).items() if isinstance(kind, type)]
        near = difflib.get_close_matches(attr, classes, 1)
        hint = f"did you mean '{near[0]}'?" if near else "give the name of one"
        raise SearchConfigError(f"network '{name}': '{module}' has no class '{attr}'; {hint}")
    return made


def check(network: Any, spec: EnvSpec, config: NetworkConfig, unroll: int) -> None:
    """Asks a network once, so that one whose answers do not fit is refused before training.

    Args:
        network: to be asked.
        spec: what it plays.
        config: what it was made from.
        unroll: steps that it is unrolled; above 0 it needs `dynamics`.

    Raises:
        SearchConfigError: when a function or an answer lacks, an answer has another shape than
            expected, or it cannot be searched on true rules.
    """
    if not unroll and config.name != _ON_RULES:
        raise SearchConfigError(
            f"network '{config.name}' needs a learned model, for on true rules only '{_ON_RULES}' "
            "can act; give learner.unroll of at least 1, such as 5"
        )
    if unroll and config.name == _ON_RULES:
        raise SearchConfigError(
            f"network '{_ON_RULES}' is for true rules; a learned model needs "
            "train.network.name=board-model (or module:Class)"
        )
    _check_functions(network, config.name, unroll)
    was = network.training
    with torch.no_grad():
        network.eval()
        latent = network.representation(torch.zeros((2, *_view(type(network), spec, config).shape)))
        _expect("latents", latent, (2, *getattr(latent, "shape", ())[1:]))
        said = network.prediction(latent)
        _check_prediction(said, spec, config)
        if unroll:
            moved = network.dynamics(latent, torch.zeros(2, dtype=torch.int64))
            _check_dynamics(moved, latent, config)
            if said.rules is None and moved[1] is None:
                raise SearchConfigError(
                    f"network '{config.name}' gives no rules in its prediction and no reward from "
                    "its dynamics, so a search in it sees nobody win; give one of them"
                )
    network.train(was)


def _check_functions(network: Any, name: str, unroll: int) -> None:
    if not isinstance(network, nn.Module):
        raise SearchConfigError(
            f"network '{name}' makes {type(network).__name__}; expected a torch.nn.Module"
        )
    for lacking in ("representation", "prediction", *(("dynamics",) if unroll else ())):
        if not callable(getattr(network, lacking, None)):
            raise SearchConfigError(
                f"network '{name}' has no function {lacking}; see docs/networks.md"
            )


def _check_dynamics(said: Any, latent: Tensor, config: NetworkConfig) -> None:
    if not isinstance(said, tuple) or len(said) != 2:
        raise SearchConfigError(
            f"dynamics gives {type(said).__name__}; expected a pair: the next latent, and the "
            "reward or None"
        )
    _expect("the latent of dynamics", said[0], tuple(latent.shape))
    if said[1] is not None:
        count = config.reward_categories or config.categories
        _expect("the reward of dynamics", said[1], (2, count) if count else (2,))


def _check_prediction(said: Any, spec: EnvSpec, config: NetworkConfig) -> None:
    if not isinstance(said, Prediction):
        raise SearchConfigError(
            f"prediction gives {type(said).__name__}; expected a muzero.network.Prediction"
        )
    _expect("logits", said.logits, (2, spec.num_actions))
    _expect("value", said.value, _numbers(config))
    if said.rules is not None:
        _expect("rules", said.rules, (2, spec.num_actions, 3))
    for name, cells in (("decoded", said.decoded), ("final", said.final)):
        if cells is None:
            continue
        if not is_board(spec.observation_shape):
            raise SearchConfigError(
                f"the network gives {name}, the cells of a board, but {spec.id} shows none; "
                "give None"
            )
        _expect(name, cells, (2, 3, *spec.observation_shape[1:]))


def _numbers(config: NetworkConfig) -> tuple[int, ...]:
    return (2, config.categories) if config.categories else (2,)


def _expect(name: str, tensor: Any, shape: tuple[int, ...]) -> None:
    if not isinstance(tensor, Tensor):
        raise SearchConfigError(
            f"the network gives {type(tensor).__name__} for {name}; expected a tensor {shape}"
        )
    if tuple(tensor.shape) != shape:
        raise SearchConfigError(
            f"for 2 rows the network gives {name} of shape {tuple(tensor.shape)}; expected {shape}"
        )
