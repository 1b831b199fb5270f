"""Turns models of Stable-Baselines3 into networks of this house.

The algorithm is told from the names of the policy's parameters. `CnnPolicy` becomes the network
`nature` of `agents.pictures`: both flatten channels first, divide by 255 and take the newest frame
last. `MlpPolicy` becomes a network of `agents.dense`.
Source: https://stable-baselines3.readthedocs.io/en/master/guide/custom_policy.html.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.dense import ACTIVATIONS, Dense
from agents.pictures import SHAPES
from agents.sb3_zip import Saved, Sb3ZipError
from envs.base import EnvSpec
from muzero import weights
from muzero.weights import CheckpointError, Network

SUPPORTED = "PPO, MaskablePPO, A2C, TRPO and DQN, with CnnPolicy on pictures or MlpPolicy on boards"

_FOREIGN = {
    "quantile_net.": "QR-DQN",
    "lstm_": "RecurrentPPO",
    "actor.log_std": "SAC, TQC or CrossQ",
    "actor.mu": "TD3 or DDPG",
}
"""What names of parameters begin with, to the algorithm that has them; the first counts."""
_LAYERS = {
    "features_extractor.cnn.0": "conv0",
    "features_extractor.cnn.2": "conv1",
    "features_extractor.cnn.4": "conv2",
    "features_extractor.linear.0": "dense",
    "action_net": "actions",
    "value_net": "value",
}
"""Layers there to layers here."""
_TOWERS = {
    "mlp_extractor.policy_net": "policy",
    "mlp_extractor.value_net": "worth",
    "q_net": "policy",
}
"""Rows of layers, each followed by an activation, to what `agents.dense` calls them."""
_ANSWERS = re.compile(r"q_net\.q_net\.(\d{1,3})\.weight", re.ASCII)
_IN_TOWER = re.compile(r"(.+)\.(\d{1,3})", re.ASCII)
_COPIES = ("pi_features_extractor.", "vf_features_extractor.")
_AXES = {"weight": (2, 4), "bias": (1,)}
_NATURE = SHAPES["nature"]
_IMAGE = {"dtype": "uint8", "high_repr": "255"}
"""Texts of a space whose observations Stable-Baselines3 divides by 255."""
_LARGEST = float(np.finfo(np.float16).max)
_MOST_STEPS = 10**15

_Arrays = dict[str, NDArray[np.float32]]


class Model(NamedTuple):
    """A model as a player of this house."""

    kind: str
    """One of `agents.trained.KINDS`."""
    algorithm: str
    """As Stable-Baselines3 calls it."""
    timesteps: int
    """Actions that it learned from; 0 where the file does not say."""
    network: bytes
    """Its file, as `muzero.weights` reads it."""


def convert(saved: Saved, spec: EnvSpec) -> Model:
    """Gives a model as a player of an environment.

    Its numbers are stored as float16, or as float32 where one of them is too large.

    Raises:
        Sb3ZipError: when it is of another algorithm or network, or for another environment.
    """
    algorithm = _algorithm(saved)
    arrays = _layers(saved)
    sees = "conv0.weight" in arrays
    _check_spaces(saved, arrays, spec)
    _check_options(saved, sees)
    about = {"pictures": "nature"}
    if not sees:
        about = {"dense": _activation(saved, "relu" if algorithm == "DQN" else "tanh")}
    if algorithm == "DQN":  # its player does not ask what the whole is worth
        inputs = _NATURE.hidden if sees else math.prod(spec.observation_shape)
        nothing = {"weight": np.zeros((1, inputs)), "bias": np.zeros(1)}
        arrays |= {f"value.{part}": zeros.astype(np.float32) for part, zeros in nothing.items()}
    if sees:
        _check_nature(saved, arrays, spec)
    else:
        _check_dense(saved, Network(spec.id, dict(about), dict(arrays)), spec)
    fits = all(np.abs(array).max(initial=0) <= _LARGEST for array in arrays.values())
    stored = {name: array.astype("f2" if fits else "f4") for name, array in arrays.items()}
    kind = "dqn" if algorithm == "DQN" else "ppo"
    data = weights.pack_network(stored, spec.id, about)
    return Model(kind, algorithm, _timesteps(saved), data)


def _algorithm(saved: Saved) -> str:
    """Gives the algorithm, by the parameters and by names beside them."""
    names = saved.parameters
    for beginning, algorithm in _FOREIGN.items():
        if any(name.startswith(beginning) for name in names):
            raise Sb3ZipError(f"{saved.file} is of {algorithm}; supported are {SUPPORTED}")
    if "log_std" in names:
        raise Sb3ZipError(
            f"{saved.file} acts by numbers without steps (Box); give a model whose actions can be "
            "counted (Discrete)"
        )
    if any(name.startswith("q_net.") for name in names):
        return "DQN"
    if not {"action_net.weight", "value_net.weight"} <= set(names):
        raise Sb3ZipError(f"{saved.file} is of no known algorithm; supported are {SUPPORTED}")
    if ".maskable." in _text(saved, "policy_class", "__module__"):
        return "MaskablePPO"
    if "clip_range" in saved.about:
        return "PPO"
    return "TRPO" if "cg_max_steps" in saved.about else "A2C"


def _layers(saved: Saved) -> _Arrays:
    """Gives the parameters that play, by their names here."""
    numbers = (_ANSWERS.fullmatch(name) for name in saved.parameters)
    last = f"q_net.{max((int(number[1]) for number in numbers if number), default=0)}"
    arrays: _Arrays = {}
    for name, array in saved.parameters.items():
        if name.startswith("q_net_target."):
            continue
        if name.startswith(_COPIES):
            _check_copy(saved, name)
            continue
        layer, _, part = name.removeprefix("q_net.").rpartition(".")
        ours = "actions" if layer == last else _ours(layer)
        if ours is None or array.ndim not in _AXES.get(part, ()) or not array.size:
            raise Sb3ZipError(
                f"{saved.file}: {name[:60]!a} belongs to no network that is known here; supported "
                f"are {SUPPORTED}"
            )
        arrays[f"{ours}.{part}"] = array
    if "conv0.weight" in arrays and any(n.startswith(("policy", "worth")) for n in arrays):
        raise Sb3ZipError(
            f"{saved.file} has layers between its NatureCNN and its answers (net_arch); only a "
            "CnnPolicy without them is supported"
        )
    return arrays


def _ours(layer: str) -> str | None:
    """Gives the name here of a layer there; None where there is none."""
    found = _IN_TOWER.fullmatch(layer)
    if found and found[1] in _TOWERS and int(found[2]) % 2 == 0:
        return f"{_TOWERS[found[1]]}{int(found[2]) // 2}"
    return _LAYERS.get(layer)


def _check_copy(saved: Saved, name: str) -> None:
    """Refuses policies and values that see by different layers."""
    shared = saved.parameters.get(name[name.index("_") + 1 :])
    if shared is None or not np.array_equal(shared, saved.parameters[name]):
        raise Sb3ZipError(
            f"{saved.file} sees by other layers for its value than for its policy "
            "(share_features_extractor=False), which is not supported; train one that shares them"
        )


def _check_spaces(saved: Saved, arrays: Mapping[str, NDArray[np.float32]], spec: EnvSpec) -> None:
    """Refuses models that see or do something else than the environment shows or allows."""
    kind = _text(saved, "action_space", ":type:")
    if kind and not kind.endswith(".Discrete'>"):
        raise Sb3ZipError(
            f"{saved.file} acts in a space {kind[:60]!a}; give a model whose actions can be "
            "counted (Discrete)"
        )
    sees, wanted = "conv0.weight" in arrays, spec.observation_shape
    seen = _seen(saved, arrays)
    if seen != wanted and (sees or seen != (math.prod(wanted),)):
        raise Sb3ZipError(
            f"{saved.file} sees {_times(seen)} numbers, {spec.id} shows {_times(wanted)}; give "
            "--env the env that it was trained for"
        )
    if not sees and spec.num_players == 1:
        raise Sb3ZipError(
            f"{saved.file} has no layers for pictures (MlpPolicy), so it may play boards only, not "
            f"{spec.id}; supported are {SUPPORTED}"
        )
    known = len(arrays.get("actions.weight", ()))
    if known != spec.num_actions:
        raise Sb3ZipError(
            f"{saved.file} chooses among {known} actions, {spec.id} has {spec.num_actions}; give "
            "--env the env that it was trained for"
        )


def _seen(saved: Saved, arrays: Mapping[str, NDArray[np.float32]]) -> tuple[int, ...]:
    """Gives the shape of what a model sees: as the file says, else as its layers tell."""
    space = saved.about.get("observation_space")
    shape = space.get("_shape") if isinstance(space, dict) else None
    if isinstance(shape, list) and shape and all(type(size) is int for size in shape):
        return tuple(shape)
    if "conv0.weight" not in arrays:
        first = next((n for n in ("policy0.weight", "actions.weight") if n in arrays), None)
        return () if first is None else arrays[first].shape[1:]
    cells = arrays["dense.weight"].shape[-1] if "dense.weight" in arrays else 0
    size = math.isqrt(cells // _NATURE.convolutions[-1].channels)
    for convolution in reversed(_NATURE.convolutions):
        size = (size - 1) * convolution.stride + convolution.kernel
    return (*arrays["conv0.weight"].shape[1:2], size, size)


def _check_nature(saved: Saved, arrays: Mapping[str, NDArray[np.float32]], spec: EnvSpec) -> None:
    """Refuses layers that are not those of a NatureCNN for the environment."""
    channels, size, _ = spec.observation_shape
    wanted: dict[str, tuple[int, ...]] = {}
    for number, (outputs, kernel, stride) in enumerate(_NATURE.convolutions):
        wanted[f"conv{number}"] = (outputs, channels, kernel, kernel)
        channels, size = outputs, (size - kernel) // stride + 1
    wanted["dense"] = (_NATURE.hidden, channels * size * size)
    wanted["actions"], wanted["value"] = (spec.num_actions, _NATURE.hidden), (1, _NATURE.hidden)
    shapes = {f"{name}.weight": shape for name, shape in wanted.items()}
    shapes |= {f"{name}.bias": shape[:1] for name, shape in wanted.items()}
    for name, shape in shapes.items():
        found = arrays[name].shape if name in arrays else ()
        if found != shape:
            raise Sb3ZipError(
                f"{saved.file} is no NatureCNN: '{name}' is {_times(found)}, expected "
                f"{_times(shape)}; supported are {SUPPORTED}"
            )


def _check_dense(saved: Saved, network: Network, spec: EnvSpec) -> None:
    """Refuses layers that do not follow on each other."""
    try:
        Dense(network, spec)
    except CheckpointError as error:
        raise Sb3ZipError(f"{saved.file}: {error}") from error


def _check_options(saved: Saved, sees: bool) -> None:
    """Refuses what was computed in another way than these networks do."""
    eye = _class(_text(saved, "policy_kwargs", "features_extractor_class"))
    if eye not in ("", "NatureCNN" if sees else "FlattenExtractor"):
        raise Sb3ZipError(f"{saved.file} sees by {eye[:60]!a}; supported are {SUPPORTED}")
    options, space = (saved.about.get(name) for name in ("policy_kwargs", "observation_space"))
    raw = isinstance(options, dict) and options.get("normalize_images") is False
    divided = not raw and (sees or (isinstance(space, dict) and _IMAGE.items() <= space.items()))
    if divided != sees:
        raise Sb3ZipError(
            f"{saved.file} sees numbers that are {'not ' if sees else ''}divided by 255 "
            "(normalize_images), which is not supported"
        )


def _activation(saved: Saved, usual: str) -> str:
    """Gives the name here of what follows hidden layers."""
    told = _class(_text(saved, "policy_kwargs", "activation_fn"))
    if told and told.lower() not in ACTIVATIONS:
        raise Sb3ZipError(
            f"{saved.file} has {told[:60]!a} after its hidden layers; supported are "
            f"{' and '.join(ACTIVATIONS)}"
        )
    return told.lower() or usual


def _timesteps(saved: Saved) -> int:
    steps: Any = saved.about.get("num_timesteps")
    return steps if type(steps) is int and 0 <= steps <= _MOST_STEPS else 0


def _text(saved: Saved, name: str, part: str) -> str:
    """Gives a text beside a pickled attribute, empty where there is none."""
    attribute = saved.about.get(name)
    text = attribute.get(part) if isinstance(attribute, dict) else None
    return text if isinstance(text, str) else ""


def _class(text: str) -> str:
    """Gives `C` of `<class 'a.b.C'>`."""
    return text.removesuffix("'>").rpartition(".")[2]


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "no"
