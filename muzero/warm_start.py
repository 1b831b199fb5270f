"""Networks that start from the weights of another. Axes: `R` rows, `K` steps, `H` x `W` a map.

Files that play have their normalisation folded in, so it is unfolded here: convolutions get the
weights of the file, and each normalisation the mean and variance that it meets in random games,
with a gain and a bias that undo both. The network then says the same whether it plays or learns.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from envs import registry, seeding
from muzero import architecture, inference
from muzero.inference import Weights
from muzero.network import NetworkConfig
from muzero.selfplay import opening
from muzero.selfplay_config import SelfplayConfig
from muzero.weights import CheckpointError, Network

_GAMES, _PLIES, _STEPS = 512, 40, 5
_RANDOM = SelfplayConfig(random_share=1.0, random_plies=_PLIES)
_TOWERS = {"block": "tower", "dynamics": "dynamics_tower", "prediction": "prediction_tower"}
_IN_TOWER = re.compile(rf"({'|'.join(_TOWERS)})(\d+)\.(first|second)")
_IN_HEADS = ("column", "policy", "hidden", "out")
_WIDTHS = {"channels": "stem", "column_channels": "column", "hidden": "hidden"}
_DEPTHS = {"blocks": "block", "dynamics_blocks": "dynamics", "prediction_blocks": "prediction"}


def check(file: Network, env_id: str, config: NetworkConfig) -> None:
    """Refuses weights that a network cannot start from; raises as `load`."""
    load(architecture.make(registry.spec(env_id), config), file, env_id, config, 0)


@torch.no_grad()
def load(network: Any, file: Network, env_id: str, config: NetworkConfig, seed: int) -> None:
    """Gives a network the weights of a file; tensors that the file lacks stay as they are.

    Args:
        network: that `config` describes, see `muzero.network`.
        file: weights of one of the same size, folded or not.
        env_id: what the network is to play.
        config: of the network.
        seed: of the random games that normalisations are measured in.

    Raises:
        CheckpointError: when the weights are of another environment, kind or size, or damaged.
    """
    spec = registry.spec(env_id)
    if file.env != spec.id:
        raise CheckpointError(
            f"the weights were trained for {file.env}, not for {spec.id}; choose another agent"
        )
    wanted, own = inference.fold(network), network.state_dict()
    _compare(file, wanted, config)
    if wanted.keys() == own.keys():
        network.load_state_dict({n: torch.from_numpy(a) for n, a in file.arrays.items()})
        return
    _unfold(network, file.arrays)
    _meet(network, spec.id, seed)


def _compare(file: Network, wanted: Weights, config: NetworkConfig) -> None:
    """Refuses arrays that are not those of a network, and says what differs.

    Raises:
        CheckpointError: when they are not.
    """
    if "step.weight" in wanted and "step.weight" not in file.arrays:
        raise CheckpointError(
            "the weights are of a network for true rules, which has no dynamics; a learned model "
            "starts from a learned model only"
        )
    have = dict(file.about) or _sizes(file.arrays)
    want = dataclasses.asdict(config) if file.about else _sizes(wanted)
    fields = [name for name in have if have[name] != want.get(name)]
    shapes = {name: array.shape for name, array in file.arrays.items()}
    expected = {name: array.shape for name, array in wanted.items()}
    rescaled = bool(config.categories) and "categories_limit" in fields
    if fields and (shapes != expected or rescaled):
        raise CheckpointError(
            f"the weights are of a network with {_list(have, fields)}, that of the training has "
            f"{_list(want, fields)}; give it the same"
        )
    for name in sorted({*shapes, *expected}):
        if shapes.get(name) != expected.get(name):
            raise CheckpointError(
                f"the weights have {_shape(shapes, name)}, the network of the training has "
                f"{_shape(expected, name)}; choose another agent"
            )
        if not np.isfinite(file.arrays[name]).all():
            raise CheckpointError(f"'{name}' of the weights is not finite; choose another agent")


def _sizes(arrays: Weights) -> dict[str, Any]:
    """Gives the size of a folded network, as fields of its config."""
    names = {field: f"{layer}.weight" for field, layer in _WIDTHS.items()}
    found = {field: len(arrays[name]) for field, name in names.items() if name in arrays}
    for field, layer in _DEPTHS.items():
        first = re.compile(rf"{layer}\d+\.first\.weight")
        found[field] = sum(first.fullmatch(name) is not None for name in arrays)
    return found


def _list(values: dict[str, Any], fields: list[str]) -> str:
    return ", ".join(f"{name}={values.get(name)}" for name in fields)


def _shape(shapes: dict[str, tuple[int, ...]], name: str) -> str:
    return f"'{name}' of {list(shapes[name])}" if name in shapes else f"no '{name}'"


def _unfold(network: Any, arrays: Weights) -> None:
    """Sets layers; the bias of a normalisation is what it shall be once its mean is 0."""
    for name in sorted(name.removesuffix(".weight") for name in arrays if name.endswith(".weight")):
        weight, bias = (torch.from_numpy(arrays[f"{name}.{part}"]) for part in ("weight", "bias"))
        layer: Any = _layer(network, name)
        if not isinstance(layer, nn.Sequential):  # no normalisation follows
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
            continue
        convolution, norm = cast(Any, layer)
        convolution.weight.copy_(weight)
        if name == "step":  # its folded bias is a map for each action
            network.action.copy_(bias.permute(0, 2, 3, 1))
            bias = torch.zeros_like(norm.bias)
        norm.bias.copy_(bias)


def _layer(network: Any, name: str) -> Any:
    """Gives the layer that `folded` calls by a name: linear, or a convolution and its norm."""
    if match := _IN_TOWER.fullmatch(name):
        return getattr(getattr(network, _TOWERS[match[1]])[int(match[2])], match[3])
    return getattr(network.heads if name in _IN_HEADS else network, name)


def _meet(network: Any, env_id: str, seed: int) -> None:
    """Lets the normalisations of a network measure what they meet when random games are learned."""
    observation, actions = _moments(env_id, seed)
    was = network.training
    network.eval()
    norms = [norm for norm in network.modules() if isinstance(norm, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(_measuring(norm.bias.clone())) for norm in norms]
    latents = [network.representation(observation)]
    for action in actions if hasattr(network, "dynamics") else ():
        latents.append(network.dynamics(latents[-1], action)[0])
    network.prediction(torch.cat(latents))
    for hook in hooks:
        hook.remove()
    network.train(was)


def _measuring(bias: Tensor) -> Callable[[Any, tuple[Tensor, ...]], None]:
    """Gives a hook: a normalisation takes what it meets, the mean over its calls, and undoes it.

    Args:
        bias: what it shall add in all, whatever it measures.
    """
    met: list[tuple[Tensor, Tensor]] = []

    def measure(norm: Any, inputs: tuple[Tensor, ...]) -> None:
        met.append(torch.var_mean(inputs[0], (0, 2, 3), correction=0))
        variance, mean = (torch.stack(part).mean(0) for part in zip(*met, strict=True))
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_(torch.sqrt(variance + norm.eps))
        norm.bias.copy_(bias + mean)

    return measure


def _moments(env_id: str, seed: int) -> tuple[Tensor, Tensor]:
    """Gives observations of random games, `[R, planes, H, W]`, and what followed, `int64[K, R]`.

    A game that is too short repeats its last action.
    """
    seeds = [seeding.derive(seed, "random game", number) for number in range(_GAMES)]
    played = [plies for s in seeds if (plies := opening(env_id, s, _RANDOM))]
    env, rows = registry.make_vector(env_id, len(played)), np.arange(len(played))
    step = env.reset(rows, np.array(seeds[: len(rows)]), [plies[:-_STEPS] for plies in played])
    actions = [(plies[-_STEPS:] + plies[-1:] * _STEPS)[:_STEPS] for plies in played]
    return torch.from_numpy(step.observation).float(), torch.tensor(actions).T
