"""The loop of a search as kernels. Axes: `B` trees, `N` nodes, `A` actions, `R` network rows.

Variants are functions put into a template, not copies of files. Numba cannot cache a kernel that
takes functions as arguments or closes over them, so `specialise` binds them as globals of a copy
whose name carries a digest of all sources involved: kernels load from disk, and never stale.
"""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
from numba import config
from numpy.typing import NDArray

from muzero.jit import inlined
from muzero.tree import ILLEGAL, UNVISITED, backup, create, retract

OFFSET, ROWS, LEAVES = 0, 1, 2
"""Places in `Batch.ledger`."""

_LOG2E, _HALF = np.float32(1.4426950408889634), np.float32(0.5)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_C2, _C3, _C4, _C5, _C6 = (np.float32(1 / n) for n in (2, 6, 24, 120, 720))
_LOWEST, _NEVER = np.float32(-87), np.float32(-np.inf)
_ZERO, _ONE = np.float32(0), np.float32(1)
_FAINT = np.float32(1e-30)


def unbound(*_: Any) -> Any:
    """Stands where `specialise` puts a function."""
    raise NotImplementedError("a template was called; specialise it first")


select_root = select = leaf = fill = descend = absorb = advance = network = unbound


class Batch(NamedTuple):
    """What the network is asked in one call: its first `ledger[ROWS]` rows."""

    tree: NDArray[np.int32]
    """`int32[R]`, the tree of the row."""
    node: NDArray[np.int32]
    """`int32[R]`, the new node."""
    slot: NDArray[np.int64]
    """`int64[R]`, where the parent's latent lies in the pool (learned models)."""
    action: NDArray[np.int64]
    """`int64[R]`, played from the parent (learned models)."""
    observation: NDArray[np.uint8]
    """`uint8[R, *observation_shape]`, seen by the mover of the new node (true rules)."""
    legal: NDArray[np.bool_]
    """`bool[A]`, scratch."""
    state: NDArray[np.uint64]
    """`uint64[S]`, scratch."""
    moved: NDArray[np.int64]
    """`int64[N]`, scratch."""
    ledger: NDArray[np.int64]
    """`int64[3]`: the pool's first free slot, rows in use, most rows of a tree in one call."""


class Outputs(NamedTuple):
    """What the network answers for the rows of a `Batch`; all values seen by the row's mover."""

    logits: NDArray[np.float32]
    """`float32[R, A]`."""
    value: NDArray[np.float32]
    """`float32[R]`."""
    reward: NDArray[np.float32]
    """`float32[R]`, of the action that led here, seen by its mover (learned models)."""
    heads: NDArray[np.float32]
    """`float32[3, R, A]`: logits that an action is legal, wins at once, draws at once; `[0, R, A]`
    where the model does not say."""


class Game(NamedTuple):
    """What the kernels must know of the environment."""

    params: Any
    """First argument of the rules' functions; 0 for learned models."""
    discount: np.float32
    """Of every edge that does not end the episode."""
    bound: np.float32
    """A return that proves a node, since none is better; inf where unknown."""
    cache: Any
    """The `Cache` of answers on true rules, see `cache.py`."""
    weights: Any
    """Of a network that is a kernel; 0 for others."""


_OWN = ("cache", "gumbel", "jit", "kernels", "models", "puct", "tree")


@cache
def _digest(file: str) -> str:
    """Gives a name for the contents of a file."""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


@cache
def specialise(how: Any, template: Any, **parts: Any) -> Any:
    """Gives `template`, a plain function, compiled with the njit functions `parts` as globals.

    Args:
        how: `kernel` or `inlined`.
        template: what names functions that are to be put in.
        parts: these functions by their names.
    """
    trace = [_digest(str(Path(__file__).with_name(f"{name}.py"))) for name in _OWN]
    for part in (template, *parts.values()):
        trace += [part.__module__, part.__qualname__]
        trace.append(_digest(str(sys.modules[part.__module__].__file__)))
    tag = hashlib.sha256(" ".join(trace).encode()).hexdigest()[:12]
    scope = template.__globals__ | parts
    function = FunctionType(template.__code__, scope, template.__name__, template.__defaults__)
    function.__module__, function.__qualname__ = template.__module__, f"{template.__name__}_{tag}"
    function.__doc__ = template.__doc__
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return function
    return how(function)


@inlined
def exp(x: Any) -> Any:
    """Gives e to the power of `x <= 0`, `float32`, the same bits on every machine.

    Polynomial after Cody and Waite's reduction; relative error below 3e-7, floor e**-87.
    Source: http://www.netlib.org/cephes/, `single/expf.c`.
    """
    x = max(x, _LOWEST)
    power = np.floor(x * _LOG2E + _HALF)
    r = x - power * _LN2_HIGH - power * _LN2_LOW
    square = r * r
    y = (_ONE + r) + square * ((_C2 + _C3 * r) + square * ((_C4 + _C5 * r) + square * _C6))
    return y * np.int32((np.int32(power) + 127) << 23).view(np.float32)


@inlined
def weigh(node: Any, logits: Any) -> Any:
    """Writes `prior`, the softmax of `logits`, `float32[A]`, over the actions that are not illegal.

    Says whether the logits were finite. A legal action keeps at least 1e-30.
    """
    best, total, sound = _NEVER, _ZERO, _ZERO
    for a in range(node.prior.size):
        sound += logits[a] - logits[a]
        best = max(best, logits[a] if node.ends[a] != ILLEGAL else _NEVER)
    for a in range(node.prior.size):
        p = exp(min(logits[a] - best, _ZERO))
        node.prior[a] = p if node.ends[a] != ILLEGAL else _ZERO
    for a in range(node.prior.size):
        total += node.prior[a]
    total = _ONE / total
    for a in range(node.prior.size):
        p = max(node.prior[a] * total, _FAINT)
        node.prior[a] = p if node.ends[a] != ILLEGAL else _ZERO
    return sound == 0


@inlined
def judge(node: Any, value: Any) -> Any:
    """Writes the network's `value` of a node; says whether it was finite."""
    node.raw = max(value, node.floor)
    if node.proven:
        node.raw = node.value
    else:
        node.value = node.raw
    node.ready = True
    return np.isfinite(value)


def descend_template(nodes: Any, rows: Any, row: Any, rule: Any) -> Any:
    """Walks from the root to an edge without a node; gives the edge as (node, action).

    Counts the visit at once, as a virtual one. Gives (-1, -1) and leaves no trace where it came to
    a node that the network has not yet seen.
    """
    index = 0
    action = select_root(nodes[row, 0], rows[row], rule)
    while True:
        node = nodes[row, index]
        node.visits[action] += 1
        node.total += 1
        node.pending += 1
        child = node.children[action]
        if child == UNVISITED:
            return index, action
        if not nodes[row, child].ready:
            retract(nodes, row, child)
            return -1, -1
        index = child
        action = select(nodes[row, index], rows[row], rule)


def absorb_template(nodes: Any, game: Any, batch: Any, outputs: Any) -> Any:
    """Puts the network's answers into the tree; gives 0, or -1 when one was not finite."""
    for r in range(batch.ledger[ROWS]):
        row, index = batch.tree[r], np.int64(batch.node[r])
        if not fill(nodes[row, index], game, batch, outputs, r):
            return -1
        backup(nodes, row, index, game.bound)
    batch.ledger[ROWS] = 0
    return 0


def advance_template(nodes: Any, rows: Any, rule: Any, game: Any, batch: Any, outputs: Any) -> Any:
    """Takes the network's answers, then walks every tree until it needs the network again.

    Gives the rows that the network is asked next, 0 at the end, -1 when an answer was not finite.
    Simulations that end in a proven node need no row, so the tree goes on at once.
    """
    if absorb(nodes, game, batch, outputs) < 0:
        return -1
    asked = np.int64(0)
    for row in range(rows.size):
        self, taken = rows[row], 0
        while taken < batch.ledger[LEAVES] and self.done < self.budget:
            if nodes[row, 0].proven:
                break
            parent, action = descend(nodes, rows, row, rule)
            if parent < 0:
                break
            index = np.int64(self["size"])
            create(nodes[row, index], parent, action)
            nodes[row, parent].children[action] = index
            self["size"] += 1
            self.done += 1
            if leaf(nodes[row, parent], nodes[row, index], game, batch, asked):
                nodes[row, parent].q[action] = nodes[row, parent].value
                batch.tree[asked], batch.node[asked] = row, index
                asked += 1
                taken += 1
            else:
                backup(nodes, row, index, game.bound)
    batch.ledger[ROWS] = asked
    return asked


def finish_template(nodes: Any, rows: Any, rule: Any, game: Any, batch: Any, outputs: Any) -> Any:
    """Runs a whole search with a network that is a kernel; gives 0, or -1 at a bad answer."""
    asked = advance(nodes, rows, rule, game, batch, outputs)
    while asked > 0:
        network(game.weights, batch, asked, outputs)
        batch.ledger[OFFSET] += asked
        asked = advance(nodes, rows, rule, game, batch, outputs)
    return asked
