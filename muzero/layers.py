"""Layers of folded networks as kernels, so that players need no PyTorch. Axes: `C`, `A`.

`C` channels of a map, `A` actions, one for each column of a board.

A map lies in memory as cells of `C` numbers, row after row of the board, with one empty cell
between rows: cell (row h, column w) has index `(h + 1) * (W + 1) + 1 + w`. What lies outside the
board is 0, so a 3x3 convolution needs no borders: its nine taps are nine offsets. Layers have their
activation in them. Sums are made in another order than PyTorch's: equal within 1e-4.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from muzero.jit import WITHIN
from muzero.tile import CELLS, LANES, tile
from muzero.weights import CheckpointError, Network

Pair = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Weight and bias as a file holds them."""


class Board(NamedTuple):
    """The size of a board."""

    rows: int
    columns: int


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


class Heads(NamedTuple):
    """Policy and value from the columns of a map, and what else is said of each column."""

    column: Layer
    """Sees all rows of a column at once."""
    policy: Dense
    """From a column's numbers to its logit, and to the logits of `Outputs.heads`."""
    hidden: Dense
    """From all columns' numbers."""
    out: Dense
    """To the value's logit, and to what is added to the policy's."""
    of_columns: NDArray[np.float32]
    """`float32[columns * width]`, room for whole tiles; scratch, as are the two that follow."""
    of_board: NDArray[np.float32]
    """`float32[hidden]`."""
    said: NDArray[np.float32]
    """`float32[1 + A]`."""


@njit(**WITHIN)
def _convolve(x: Any, layer: Any, out: Any, span: Any, add: Any) -> None:
    """Writes the activations of a layer, tile by tile; adds what `out` holds where `add` is 1.

    `span` is the first cell that is seen, the first that is written, and their number.
    """
    first, place, cells = span
    for block in range(layer.weight.shape[0]):
        for cell in range(0, cells, CELLS):
            tile(
                x, first + cell, layer.weight.shape[2], layer.weight, block, layer.offsets,
                layer.bias, layer.bias.size, out, place + cell, add,
            )  # fmt: skip


@njit(**WITHIN)
def convolve(x: Any, layer: Any, out: Any, board: Any, add: Any) -> None:
    """Writes the activations of a layer on a whole map; adds what `out` holds where `add` is 1."""
    stride, channels = board.columns + 1, layer.bias.size
    _convolve(x, layer, out, (stride + 1, stride + 1, board.rows * stride), add)
    for row in range(2, board.rows + 1):
        out[row * stride * channels : (row * stride + 1) * channels] = 0
    out[(board.rows + 1) * stride * channels :] = 0


@njit(**WITHIN)
def _one_of(tower: Any, place: Any) -> Any:
    return Layer(tower.weight[place], tower.bias[place], tower.offsets)


@njit(**WITHIN)
def climb(tower: Any, x: Any, y: Any, board: Any) -> None:
    """Runs the map `x` through residual blocks, in place; `y` is scratch."""
    for first in range(0, len(tower.bias), 2):
        convolve(x, _one_of(tower, first), y, board, 0)
        convolve(y, _one_of(tower, first + 1), x, board, 1)


@njit(**WITHIN)
def see(observation: Any, planes: Any) -> None:
    """Writes an observation, `uint8[planes, rows, columns]`, and a plane of ones as a map."""
    count, rows, columns = observation.shape
    for row in range(rows):
        for column in range(columns):
            cell = ((row + 1) * (columns + 1) + 1 + column) * (count + 1)
            for plane in range(count):
                planes[cell + plane] = observation[plane, row, column]
            planes[cell + count] = 1


@njit(fastmath=True, **WITHIN)
def _multiply(x: Any, layer: Any, out: Any) -> None:
    """Writes `bias + x @ weight`; inputs that are 0 cost nothing."""
    for o in range(out.size):  # a slice would compile Numba's errors of shapes, seconds of them
        out[o] = layer.bias[o]
    for i in range(layer.weight.shape[0]):
        if x[i] != 0:
            for o in range(out.size):
                out[o] += x[i] * layer.weight[i, o]


@njit(**WITHIN)
def say(h: Any, x: Any, board: Any, outputs: Any, row: Any) -> None:
    """Writes into a row of `Outputs` what heads say of the map `x`, all but the reward."""
    width = h.column.bias.size
    _convolve(x, h.column, h.of_columns, (board.columns + 2, 0, board.columns), 0)
    _multiply(h.of_columns, h.hidden, h.of_board)
    for i in range(h.of_board.size):
        h.of_board[i] = max(h.of_board[i], np.float32(0))
    _multiply(h.of_board, h.out, h.said)
    outputs.value[row] = np.tanh(h.said[0] * np.float32(0.5))
    for column in range(board.columns):
        for kind in range(h.policy.bias.size):
            logit = h.policy.bias[kind]
            if kind == 0:
                logit += h.said[1 + column]
            for i in range(width):
                logit += h.of_columns[column * width + i] * h.policy.weight[i, kind]
            if kind == 0:
                outputs.logits[row, column] = logit
            else:
                outputs.heads[kind - 1, row, column] = logit


def pair(network: Network, name: str, *shape: int, bias: tuple[int, ...] | None = None) -> Pair:
    """Gives weight and bias of a layer.

    Args:
        network: where it is.
        name: of the layer.
        shape: that the weight must have; 0 = any number from 1 on.
        bias: shape that the bias must have; None = one number for each output.

    Raises:
        CheckpointError: when the file lacks them, they have another shape, or hold what is no
            number.
    """
    weight = _array(network, f"{name}.weight", shape)
    return weight, _array(network, f"{name}.bias", bias or weight.shape[:1])


def _array(network: Network, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    if name not in network.arrays:
        raise CheckpointError(f"the weights lack '{name}'; get the file again")
    array = np.array(network.arrays[name], np.float32, order="C")
    fits = array.ndim == len(shape) and array.size > 0
    if not fits or any(wanted not in (0, n) for wanted, n in zip(shape, array.shape, strict=True)):
        form = " x ".join(str(wanted or "any") for wanted in shape)
        raise CheckpointError(
            f"the weights' '{name}' is {' x '.join(map(str, array.shape))}, expected {form} on "
            f"{network.env}; choose another agent or get the file again"
        )
    if not np.isfinite(array).all():
        raise CheckpointError(f"'{name}' of the weights holds what is no number; get them again")
    return array


def _full(channels: int) -> int:
    """Gives a number of channels, filled up to whole `LANES`."""
    return -(-channels // LANES) * LANES


def layer(given: Pair, offsets: list[int], inputs: int) -> Layer:
    """Gives a convolution as the kernels take it; its outputs are filled up to whole `LANES`.

    Args:
        given: what the file holds.
        offsets: cells from a cell to what its taps see.
        inputs: numbers of a cell that it sees, the last of them perhaps filled up.
    """
    weight, bias = given
    outputs, seen = weight.shape[:2]
    full = np.zeros((_full(outputs), inputs, len(offsets)), np.float32)
    full[:outputs, :seen] = weight.reshape(outputs, seen, -1)
    packed = full.reshape(-1, LANES, inputs, len(offsets)).transpose(0, 3, 2, 1)
    base = np.zeros(_full(outputs), np.float32)
    base[:outputs] = bias
    return Layer(np.ascontiguousarray(packed), base, np.array(offsets))


def around(board: Board) -> list[int]:
    """Gives the offsets of a 3x3 convolution."""
    return [row * (board.columns + 1) + column for row in (-1, 0, 1) for column in (-1, 0, 1)]


def stem(network: Network, board: Board, planes: int) -> tuple[Layer, int]:
    """Gives the layer that sees an observation, and its true number of channels.

    Raises:
        CheckpointError: as `pair`.
    """
    given = pair(network, "stem", 0, planes + 1, 3, 3)
    return layer(given, around(board), planes + 1), len(given[1])


def tower(network: Network, name: str, board: Board, channels: int) -> Layer:
    """Gives residual blocks as the kernels take them: `NAME0.first`, `NAME0.second`, ...

    Their weights and biases have a leading axis, so that towers of any height are of one type and
    share one kernel.

    Raises:
        CheckpointError: as `pair`.
    """
    blocks = len({key.split(".")[0] for key in network.arrays if re.match(rf"{name}\d+\.", key)})
    full, near = _full(channels), around(board)
    layers = [
        layer(pair(network, f"{name}{n}.{part}", channels, channels, 3, 3), near, full)
        for n in range(blocks)
        for part in ("first", "second")
    ]
    weights = np.zeros((2 * blocks, full // LANES, len(near), full, LANES), np.float32)
    biases = np.zeros((2 * blocks, full), np.float32)
    for place, (weight, bias, _) in enumerate(layers):
        weights[place], biases[place] = weight, bias
    return Layer(weights, biases, np.array(near))


def heads(network: Network, board: Board, channels: int, kinds: int) -> Heads:
    """Gives heads as the kernels take them; they say `kinds` numbers of each column.

    Raises:
        CheckpointError: as `pair`.
    """
    rows, columns = board
    given = pair(network, "column", 0, channels, rows, 1)
    width = len(given[1])
    column = layer(given, [row * (columns + 1) for row in range(rows)], _full(channels))
    policy = _dense(pair(network, "policy", kinds, width), 1)
    hidden = _dense(pair(network, "hidden", 0, columns * width), columns)
    out = pair(network, "out", 1 + columns, hidden.bias.size)
    room = (columns + CELLS) * column.bias.size
    scratch = (np.zeros(size, np.float32) for size in (room, hidden.bias.size, 1 + columns))
    return Heads(column, policy, hidden, Dense(out[0].T.copy(), out[1]), *scratch)


def _dense(given: Pair, columns: int) -> Dense:
    """Gives a dense layer that sees columns, whose numbers are filled up to whole `LANES`."""
    weight, bias = given
    parts = weight.T.reshape(columns, -1, len(bias))
    full = np.zeros((columns, _full(parts.shape[1]), len(bias)), np.float32)
    full[:, : parts.shape[1]] = parts
    return Dense(full.reshape(-1, len(bias)), bias)


def blank(board: Board, channels: int) -> NDArray[np.float32]:
    """Gives an empty map with room for whole tiles."""
    return np.zeros(((board.rows + 2) * (board.columns + 1) + 2 + 2 * CELLS) * channels, np.float32)
