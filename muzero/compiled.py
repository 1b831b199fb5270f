"""A folded network as a kernel, so that players need no PyTorch. Axes: `R` rows, `C` channels.

A map lies in memory as cells of `C` numbers, row after row of the board, with one empty cell
between rows: cell (row h, column w) has index `(h + 1) * (W + 1) + 1 + w`. What lies outside the
board is 0, so a 3x3 convolution needs no borders: its nine taps are nine offsets. Sums are made in
another order than PyTorch's: equal within 1e-4.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.base import EnvSpec
from muzero.models import CompiledNetwork
from muzero.tile import CELLS, LANES, tile
from muzero.weights import CheckpointError, Network


class Layer(NamedTuple):
    """A convolution, or what can be made one."""

    weight: NDArray[np.float32]
    """`float32[outputs / LANES, taps, inputs, LANES]`."""
    bias: NDArray[np.float32]
    """`float32[outputs]`."""
    offsets: NDArray[np.int64]
    """`int64[taps]`, cells from a cell to what its tap sees."""


class Dense(NamedTuple):
    """A layer that sees everything."""

    weight: NDArray[np.float32]
    """`float32[inputs, outputs]`."""
    bias: NDArray[np.float32]
    """`float32[outputs]`."""


class Scratch(NamedTuple):
    """Where the kernel computes."""

    planes: NDArray[np.float32]
    """`float32[cells * inputs]`."""
    x: NDArray[np.float32]
    """`float32[cells * C]`."""
    y: NDArray[np.float32]
    """`float32[cells * C]`."""
    columns: NDArray[np.float32]
    """`float32[columns * width]`, room for whole tiles."""
    hidden: NDArray[np.float32]
    """`float32[hidden]`."""
    out: NDArray[np.float32]
    """`float32[1 + A]`."""


class Arrays(NamedTuple):
    """A network as the kernel takes it."""

    stem: Layer
    """From planes to `C` channels."""
    tower: Layer
    """Two for each block; its weights and biases have a leading axis, so that networks of any depth
    are of one type and share one kernel."""
    column: Layer
    """Sees all rows of a column at once."""
    policy: Dense
    """From a column's numbers to its logit."""
    hidden: Dense
    """From all columns' numbers."""
    out: Dense
    """To the value's logit, and to what is added to the policy's."""
    scratch: Scratch
    """Overwritten by every call, so a network is for one thread."""


@njit(cache=True)
def _convolve(x: Any, inputs: Any, layer: Any, out: Any, span: Any, add: Any) -> None:
    """Writes the activations of a layer, tile by tile; adds them to `out` where `add` is 1.

    `span` is the first cell that is seen, the first that is written, and their number.
    """
    first, place, cells = span
    for block in range(layer.weight.shape[0]):
        for cell in range(0, cells, CELLS):
            tile(
                x, first + cell, inputs, layer.weight, block, layer.offsets,
                layer.bias, layer.bias.size, out, place + cell, add,
            )  # fmt: skip


@njit(cache=True)
def _clear(x: Any, channels: Any, rows: Any, columns: Any) -> None:
    """Empties the cells between rows and after the last, where tiles have written."""
    stride = columns + 1
    for row in range(2, rows + 1):
        x[row * stride * channels : (row * stride + 1) * channels] = 0
    x[(rows + 1) * stride * channels :] = 0


@njit(cache=True)
def _see(observation: Any, planes: Any) -> None:
    """Writes an observation, `uint8[planes, rows, columns]`, and a plane of ones as a map."""
    count, rows, columns = observation.shape
    for row in range(rows):
        for column in range(columns):
            cell = ((row + 1) * (columns + 1) + 1 + column) * (count + 1)
            for plane in range(count):
                planes[cell + plane] = observation[plane, row, column]
            planes[cell + count] = 1


@njit(cache=True, fastmath=True)
def _multiply(x: Any, layer: Any, out: Any) -> None:
    """Writes `bias + x @ weight`; inputs that are 0 cost nothing."""
    out[:] = layer.bias
    for i in range(layer.weight.shape[0]):
        if x[i] != 0:
            for o in range(out.size):
                out[o] += x[i] * layer.weight[i, o]


@njit(cache=True)
def _one_of(tower: Any, place: Any) -> Any:
    return Layer(tower.weight[place], tower.bias[place], tower.offsets)


@njit(cache=True)
def _judge(a: Any, observation: Any, logits: Any) -> Any:
    """Writes the logits, `float32[A]`, of an observation; gives its value."""
    count, rows, columns = observation.shape
    s, channels, start = a.scratch, a.stem.bias.size, columns + 2
    board = (start, start, rows * (columns + 1))
    _see(observation, s.planes)
    _convolve(s.planes, count + 1, a.stem, s.x, board, 0)
    _clear(s.x, channels, rows, columns)
    for first in range(0, len(a.tower.bias), 2):
        _convolve(s.x, channels, _one_of(a.tower, first), s.y, board, 0)
        _clear(s.y, channels, rows, columns)
        _convolve(s.y, channels, _one_of(a.tower, first + 1), s.x, board, 1)
        _clear(s.x, channels, rows, columns)
    _convolve(s.x, channels, a.column, s.columns, (start, 0, columns), 0)
    _multiply(s.columns, a.hidden, s.hidden)
    np.maximum(s.hidden, 0, s.hidden)
    _multiply(s.hidden, a.out, s.out)
    width = a.column.bias.size
    for column in range(columns):
        logit = a.policy.bias[0] + s.out[1 + column]
        for i in range(width):
            logit += s.columns[column * width + i] * a.policy.weight[i, 0]
        logits[column] = logit
    return np.tanh(s.out[0] * np.float32(0.5))


@njit(cache=True)
def answer(arrays: Any, batch: Any, rows: Any, outputs: Any) -> None:
    """Writes what a network says of the first `rows` rows, see `CompiledNetwork.function`."""
    for row in range(rows):
        outputs.value[row] = _judge(arrays, batch.observation[row], outputs.logits[row])


def _layer(network: Network, name: str, offsets: list[int], inputs: int | None = None) -> Layer:
    """Gives a convolution as the kernel takes it; outputs are filled up to whole `LANES`.

    Args:
        network: where it is.
        name: of the convolution.
        offsets: cells from a cell to what its taps see.
        inputs: how many the map has that it sees; None = as many as the convolution.
    """
    weight, bias = _pair(network, name)
    outputs, seen = weight.shape[:2]
    blocks = -(-outputs // LANES)
    full = np.zeros((blocks * LANES, inputs or seen, len(offsets)), np.float32)
    full[:outputs, :seen] = weight.reshape(outputs, seen, -1)
    packed = full.reshape(blocks, LANES, full.shape[1], -1).transpose(0, 3, 2, 1)
    base = np.zeros(blocks * LANES, np.float32)
    base[:outputs] = bias
    return Layer(np.ascontiguousarray(packed), base, np.array(offsets))


def _stacked(layers: list[Layer], like: Layer) -> Layer:
    """Gives layers of one shape as one, with a leading axis."""
    if not layers:
        channels = like.bias.size
        blank = np.zeros((0, like.weight.shape[0], like.offsets.size, channels, LANES), np.float32)
        return Layer(blank, np.zeros((0, channels), np.float32), like.offsets)
    weights, biases, _ = zip(*layers, strict=True)
    return Layer(np.stack(weights), np.stack(biases), like.offsets)


def _dense(network: Network, name: str, groups: int = 1, inputs: int | None = None) -> Dense:
    """Gives a dense layer as the kernel takes it, each of `groups` of its inputs filled up."""
    weight, bias = _pair(network, name)
    parts = weight.T.reshape(groups, -1, len(bias))
    full = np.zeros((groups, inputs or parts.shape[1], len(bias)), np.float32)
    full[:, : parts.shape[1]] = parts
    return Dense(full.reshape(-1, len(bias)), bias)


def _pair(network: Network, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    try:
        parts = (network.arrays[f"{name}.{kind}"] for kind in ("weight", "bias"))
        weight, bias = (np.asarray(part, np.float32) for part in parts)
    except KeyError as error:
        raise CheckpointError(f"the weights lack {error}; get the file again") from error
    return weight, bias


def compile_network(network: Network, spec: EnvSpec) -> CompiledNetwork:
    """Gives a network that a search runs without returning to Python, for one thread.

    Raises:
        CheckpointError: when the weights are no network for the environment.
    """
    planes, rows, columns = spec.observation_shape
    stride = columns + 1
    near = [row * stride + column for row in (-1, 0, 1) for column in (-1, 0, 1)]
    blocks = sum(name.endswith("first.weight") for name in network.arrays)
    names = [f"block{n}.{part}" for n in range(blocks) for part in ("first", "second")]
    try:
        stem = _layer(network, "stem", near)
        channels = stem.bias.size
        tower = _stacked([_layer(network, name, near, channels) for name in names], stem)
        column = _layer(network, "column", [row * stride for row in range(rows)], channels)
        width = column.bias.size
        policy = _dense(network, "policy", 1, width)
        hidden = _dense(network, "hidden", columns, width)
        out = _dense(network, "out")
    except (ValueError, IndexError) as error:
        raise CheckpointError(
            f"the weights are no network ({error}); get the file again"
        ) from error
    if out.bias.size != 1 + spec.num_actions or stem.weight.shape[2] != planes + 1:
        raise CheckpointError(f"the weights are no network for {spec.id}; choose another agent")
    cells = (rows + 2) * stride + 2 + 2 * CELLS
    scratch = Scratch(
        np.zeros(cells * (planes + 1), np.float32),
        np.zeros(cells * channels, np.float32),
        np.zeros(cells * channels, np.float32),
        np.zeros((columns + CELLS) * width, np.float32),
        np.zeros(hidden.bias.size, np.float32),
        np.zeros(out.bias.size, np.float32),
    )
    return CompiledNetwork(answer, Arrays(stem, tower, column, policy, hidden, out, scratch))
