"""A folded network as a kernel, so that players need no PyTorch. Axes: `R` rows, `C` channels.

A map lies in memory as cells of `C` numbers, row after row of the board, with one empty cell between
rows: cell (row h, column w) has index `(h + 1) * (W + 1) + 1 + w`. What lies outside the board is 0,
so a 3x3 convolution needs no borders: its nine taps are nine offsets, and eight neighbours at once
fill the vector registers. Sums are made in another order than PyTorch's: equal within 1e-4.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import config, njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from envs.base import EnvSpec
from muzero.models import CompiledNetwork
from muzero.weights import CheckpointError, Network

TILE = 8
"""Neighbouring cells that are computed at once."""
LANES = 16
"""Outputs that are computed at once."""


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
    tower: tuple[Layer, ...]
    """Two for each block."""
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


@intrinsic
def _tile(
    typingctx: Any, x: Any, start: Any, inputs: Any, weight: Any, block: Any, offsets: Any,
    base: Any, stride: Any, out: Any, place: Any, add: Any,
) -> Any:  # fmt: skip
    """Computes `LANES` outputs of `TILE` cells: `out = relu(base + add * out + sum(weight * x))`.

    Vectors stay in registers; no loop that Numba could be given does that.
    """
    signature = types.void(x, start, inputs, weight, block, offsets, base, stride, out, place, add)
    return signature, _emit_tile


def _emit_tile(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    vector, number = ir.VectorType(ir.FloatType(), LANES), ir.FloatType()
    word = ir.IntType(64)
    kinds = dict(zip(range(len(signature.args)), signature.args, strict=True))

    def data(position: int) -> Any:
        made = context.make_array(kinds[position])(context, builder, arguments[position])
        return made.data

    def load(pointer: Any, index: Any) -> Any:
        place = builder.bitcast(builder.gep(pointer, [index]), vector.as_pointer())
        return builder.load(place, align=4)

    def whole(value: int) -> Any:
        return ir.Constant(word, value)

    fused = ir.FunctionType(vector, [vector, vector, vector])
    fma = cgutils.get_or_insert_function(builder.module, fused, f"llvm.fma.v{LANES}f32")
    x, weight, offsets, base, out = data(0), data(3), data(5), data(6), data(8)
    start, inputs, block = arguments[1], arguments[2], arguments[4]
    stride, place, add = arguments[7], arguments[9], arguments[10]
    taps = builder.extract_value(
        context.make_array(kinds[5])(context, builder, arguments[5]).shape, 0
    )
    first = builder.mul(block, whole(LANES))
    outputs = [
        builder.add(builder.mul(builder.add(place, whole(j)), stride), first) for j in range(TILE)
    ]
    sums = [cgutils.alloca_once(builder, vector) for _ in range(TILE)]
    bias = load(base, first)
    for total in sums:
        builder.store(bias, total)
    with builder.if_then(builder.icmp_signed("!=", add, whole(0))):
        for total, index in zip(sums, outputs, strict=True):
            builder.store(builder.fadd(builder.load(total), load(out, index)), total)
    step = builder.mul(builder.mul(taps, inputs), whole(LANES))
    begin = builder.mul(block, step)
    with cgutils.for_range(builder, taps) as tap:
        shift = builder.load(builder.gep(offsets, [tap.index]))
        cell = builder.mul(builder.add(start, shift), inputs)
        at = builder.add(begin, builder.mul(builder.mul(tap.index, inputs), whole(LANES)))
        with cgutils.for_range(builder, inputs) as channel:
            w = load(weight, builder.add(at, builder.mul(channel.index, whole(LANES))))
            seen = builder.add(cell, channel.index)
            for j, total in enumerate(sums):
                spot = builder.add(seen, builder.mul(inputs, whole(j)))
                value = builder.load(builder.gep(x, [spot]))
                single = builder.insert_element(
                    ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0)
                )
                mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
                spread = builder.shuffle_vector(single, ir.Constant(vector, ir.Undefined), mask)
                builder.store(builder.call(fma, [spread, w, builder.load(total)]), total)
    zero = ir.Constant(vector, [ir.Constant(number, 0.0)] * LANES)
    for total, index in zip(sums, outputs, strict=True):
        value = builder.load(total)
        value = builder.select(builder.fcmp_ordered(">", value, zero), value, zero)
        spot = builder.bitcast(builder.gep(out, [index]), vector.as_pointer())
        builder.store(value, spot, align=4)
    return context.get_dummy_value()


if config.DISABLE_JIT:  # type: ignore[attr-defined]

    def _tile(
        x: Any, start: Any, inputs: Any, weight: Any, block: Any, offsets: Any,
        base: Any, stride: Any, out: Any, place: Any, add: Any,
    ) -> None:  # fmt: skip
        part = slice(block * LANES, (block + 1) * LANES)
        cells = x.reshape(-1, inputs)
        seen = cells[start + offsets + np.arange(TILE)[:, None]].reshape(TILE, -1)
        target = out.reshape(-1, stride)[place : place + TILE, part]
        total = base[part] + seen @ weight[block].reshape(-1, LANES) + add * target
        target[:] = np.maximum(total, 0)


@njit(cache=True)
def _convolve(x: Any, inputs: Any, layer: Any, out: Any, span: Any, add: Any) -> None:
    """Writes the activations of a layer, tile by tile; adds them to `out` where `add` is 1.

    `span` is the first cell that is seen, the first that is written, and their number.
    """
    first, place, cells = span
    for block in range(layer.weight.shape[0]):
        for cell in range(0, cells, TILE):
            _tile(
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
def _judge(a: Any, observation: Any, logits: Any) -> Any:
    """Writes the logits, `float32[A]`, of an observation; gives its value."""
    count, rows, columns = observation.shape
    s, channels, start = a.scratch, a.stem.bias.size, columns + 2
    board = (start, start, rows * (columns + 1))
    _see(observation, s.planes)
    _convolve(s.planes, count + 1, a.stem, s.x, board, 0)
    _clear(s.x, channels, rows, columns)
    for block in range(len(a.tower) // 2):
        _convolve(s.x, channels, a.tower[2 * block], s.y, board, 0)
        _clear(s.y, channels, rows, columns)
        _convolve(s.y, channels, a.tower[2 * block + 1], s.x, board, 1)
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


def _layer(network: Network, name: str, offsets: list[int]) -> Layer:
    """Gives a convolution as the kernel takes it; outputs are filled up to whole `LANES`."""
    weight, bias = _pair(network, name)
    outputs, inputs = weight.shape[:2]
    blocks = -(-outputs // LANES)
    full = np.zeros((blocks * LANES, inputs, weight[0, 0].size), np.float32)
    full[:outputs] = weight.reshape(outputs, inputs, -1)
    packed = full.reshape(blocks, LANES, inputs, -1).transpose(0, 3, 2, 1)
    base = np.zeros(blocks * LANES, np.float32)
    base[:outputs] = bias
    return Layer(np.ascontiguousarray(packed), base, np.array(offsets))


def _dense(network: Network, name: str) -> Dense:
    weight, bias = _pair(network, name)
    return Dense(np.ascontiguousarray(weight.T), bias)


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
        tower = tuple(_layer(network, name, near) for name in names)
        column = _layer(network, "column", [row * stride for row in range(rows)])
        policy, hidden, out = (_dense(network, name) for name in ("policy", "hidden", "out"))
        fits = out.bias.size == 1 + spec.num_actions and stem.weight.shape[2] == planes + 1
    except (ValueError, IndexError) as error:
        raise CheckpointError(f"the weights are no network ({error}); get the file again") from error
    if not fits:
        raise CheckpointError(f"the weights are no network for {spec.id}; choose another agent")
    cells, width = (rows + 2) * stride + 2 + 2 * TILE, column.bias.size
    scratch = Scratch(
        *(np.zeros(cells * size, np.float32) for size in (planes + 1, *2 * (stem.bias.size,))),
        np.zeros((columns + TILE) * width, np.float32),
        np.zeros(hidden.bias.size, np.float32),
        np.zeros(out.bias.size, np.float32),
    )
    return CompiledNetwork(answer, Arrays(stem, tower, column, policy, hidden, out, scratch))
