"""The innermost step of a convolution, in vectors. Axes: `C` numbers of a cell.

A map is flat: cell after cell, `C` numbers each. A tap of a convolution is an offset between cells.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import config, types
from numba.core import cgutils as untyped_cgutils
from numba.extending import intrinsic

CELLS = 8
"""Neighbouring cells that are computed at once."""
LANES = 16
"""Outputs that are computed at once."""

_VECTOR, _WORD, _INDEX = ir.VectorType(ir.FloatType(), LANES), ir.IntType(64), ir.IntType(32)
_ZERO = ir.Constant(_VECTOR, [ir.Constant(ir.FloatType(), 0.0)] * LANES)
_FIRST = ir.Constant(ir.VectorType(_INDEX, LANES), [0] * LANES)
cgutils: Any = untyped_cgutils


class _Emitter:
    """Writes instructions about flat arrays; places count single numbers."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self._context, self._builder = context, builder
        self._signature, self._arguments = signature, arguments
        fused = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
        name = f"llvm.fma.v{LANES}f32"
        self._fma = cgutils.get_or_insert_function(builder.module, fused, name)

    def array(self, position: int) -> Any:
        kind, value = self._signature.args[position], self._arguments[position]
        return self._context.make_array(kind)(self._context, self._builder, value)

    def plus(self, a: Any, b: Any) -> Any:
        return self._builder.add(a, b if isinstance(b, ir.Value) else ir.Constant(_WORD, b))

    def times(self, a: Any, b: Any) -> Any:
        return self._builder.mul(a, b if isinstance(b, ir.Value) else ir.Constant(_WORD, b))

    def number(self, data: Any, place: Any) -> Any:
        return self._builder.load(self._builder.gep(data, [place]))

    def vector(self, data: Any, place: Any) -> Any:
        spot = self._builder.gep(data, [place])
        return self._builder.bitcast(spot, _VECTOR.as_pointer())

    def load(self, data: Any, place: Any) -> Any:
        return self._builder.load(self.vector(data, place), align=4)

    def store_positive(self, value: Any, data: Any, place: Any) -> None:
        """Stores `max(value, 0)`."""
        positive = self._builder.fcmp_ordered(">", value, _ZERO)
        value = self._builder.select(positive, value, _ZERO)
        self._builder.store(value, self.vector(data, place), align=4)

    def multiply_add(self, total: Any, single: Any, weights: Any) -> None:
        """Adds `single * weights` to the vector at `total`."""
        nothing = ir.Constant(_VECTOR, ir.Undefined)
        lane = self._builder.insert_element(nothing, single, ir.Constant(_INDEX, 0))
        spread = self._builder.shuffle_vector(lane, nothing, _FIRST)
        added = self._builder.call(self._fma, [spread, weights, self._builder.load(total)])
        self._builder.store(added, total)


def _emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Writes the loops: taps, then inputs, then cells, whose sums stay in registers."""
    e = _Emitter(context, builder, signature, arguments)
    x, weight, offsets, bias, out = (e.array(n) for n in (0, 3, 5, 6, 8))
    start, inputs, block, stride, place, add = (arguments[n] for n in (1, 2, 4, 7, 9, 10))
    taps = builder.extract_value(offsets.shape, 0)
    lane = e.times(block, LANES)
    targets = [e.plus(e.times(e.plus(place, cell), stride), lane) for cell in range(CELLS)]
    sums = [cgutils.alloca_once(builder, _VECTOR) for _ in range(CELLS)]
    for total in sums:
        builder.store(e.load(bias.data, lane), total)
    with builder.if_then(builder.icmp_signed("!=", add, ir.Constant(_WORD, 0))):
        for total, target in zip(sums, targets, strict=True):
            builder.store(builder.fadd(builder.load(total), e.load(out.data, target)), total)
    begin = e.times(e.times(block, e.times(taps, inputs)), LANES)
    with cgutils.for_range(builder, taps) as tap:
        shift = e.number(offsets.data, tap.index)
        first = e.times(e.plus(start, shift), inputs)
        row = e.plus(begin, e.times(e.times(tap.index, inputs), LANES))
        with cgutils.for_range(builder, inputs) as channel:
            weights = e.load(weight.data, e.plus(row, e.times(channel.index, LANES)))
            seen = e.plus(first, channel.index)
            for cell, total in enumerate(sums):
                single = e.number(x.data, e.plus(seen, e.times(inputs, cell)))
                e.multiply_add(total, single, weights)
    for total, target in zip(sums, targets, strict=True):
        e.store_positive(builder.load(total), out.data, target)
    return context.get_dummy_value()


def _plain(
    x: Any, start: Any, inputs: Any, weight: Any, block: Any, offsets: Any,
    bias: Any, stride: Any, out: Any, place: Any, add: Any,
) -> None:  # fmt: skip
    """Does what the kernel does, for runs without compilation."""
    part = slice(block * LANES, (block + 1) * LANES)
    cells = x.reshape(-1, inputs)
    seen = cells[start + offsets + np.arange(CELLS)[:, None]].reshape(CELLS, -1)
    target = out.reshape(-1, stride)[place : place + CELLS, part]
    total = bias[part] + seen @ weight[block].reshape(-1, LANES) + add * target
    target[:] = np.maximum(total, 0)


@intrinsic
def _fused(
    typingctx: Any, x: Any, start: Any, inputs: Any, weight: Any, block: Any, offsets: Any,
    bias: Any, stride: Any, out: Any, place: Any, add: Any,
) -> Any:  # fmt: skip
    """Gives the types of a tile and what writes it."""
    signature = types.void(x, start, inputs, weight, block, offsets, bias, stride, out, place, add)
    return signature, _emit


tile: Any = _plain if config.DISABLE_JIT else _fused  # type: ignore[attr-defined]
"""Computes `LANES` outputs of `CELLS` cells, `out = relu(bias + add * out + sum(weight * x))`.

Arguments in their order: the map `x`; the first cell seen; numbers of its cells; weights,
`float32[blocks, taps, inputs, LANES]`; which block; the taps' offsets; biases; numbers of the cells
of `out`; the map `out`; the first cell written; 1 to add what `out` holds, else 0. All integers are
`int64`. Numba would keep sums in memory, which takes several times as long.
"""
