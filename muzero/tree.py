"""The memory of a search. Axes: `B` trees, `N` nodes of a tree, `A` actions, `S` words of a state.

A node is one record of two or three cache lines that holds its own numbers and those of its `A`
edges, so a step down the tree touches one place in memory. Node 0 is the root, and every
simulation adds one node. All values of a node are returns expected by the player to move there; an
edge's `q = reward + discount * value of the child`, so alternating play needs no branch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import config
from numpy.typing import NDArray

from muzero.jit import called, inlined

UNVISITED = -1
"""In `children`: no node stands behind the edge yet."""
OPEN, ILLEGAL = np.int8(0), np.int8(-1)
"""Of an edge, in `ends`. A number above 0 says that its `q` is exact, since the episode ends after
so many plies under best play; such an edge is never searched again."""

_LINE = 64
_FAR = 127
_NEVER = np.float32(-np.inf)


def node_type(num_actions: int, state_size: int) -> np.dtype[Any]:
    """Gives the record of one node; its size is a whole number of cache lines."""
    edges = (num_actions,)
    fields: list[Any] = [
        ("children", np.int32, edges),  # index of a node, or UNVISITED
        ("visits", np.int32, edges),  # simulations through the edge, running ones too
        ("q", np.float32, edges),  # mean or exact return after the action
        ("prior", np.float32, edges),  # probability that the network gives the action
        ("ends", np.int8, edges),  # OPEN, ILLEGAL or plies to the end
        ("plies", np.int8),  # to the end, where proven
        ("proven", np.bool_),  # `value` is exact
        ("ready", np.bool_),  # the network has seen the node, or need not
        ("parent", np.int32),
        ("action", np.int32),  # of the parent, led here
        ("total", np.int32),  # 1 + the sum of `visits`
        ("pending", np.int32),  # running simulations among `total`
        ("slot", np.int32),  # where the latent lies in the pool
        ("value", np.float32),  # mean return of all simulations that came by
        ("raw", np.float32),  # what the network says of the node itself
        ("floor", np.float32),  # best return among the exact edges, -inf where there are none
        ("reward", np.float32),  # of the action that led here, seen by its mover
        ("discount", np.float32),  # between that mover's value and `value`
    ]
    if state_size:
        fields.insert(0, ("state", np.uint64, (state_size,)))
    packed = np.dtype(fields, align=True)
    spare = -packed.itemsize % _LINE
    if spare:
        fields.append(("spare", np.uint8, (spare,)))
    return np.dtype(fields, align=True)


def row_type(num_actions: int) -> np.dtype[Any]:
    """Gives the record of what a tree knows beside its nodes."""
    edges = (num_actions,)
    return np.dtype(
        [
            ("size", np.int32),  # nodes in use
            ("done", np.int32),  # simulations begun in this search
            ("budget", np.int32),  # simulations allowed
            ("table", np.int32),  # which schedule of sequential halving the root follows
            ("considered", np.int32),  # actions that sequential halving starts with
            ("brought", np.int32, edges),  # visits that the root brought from an earlier search
            ("bias", np.float32, edges),  # of the root's actions: noise, under Gumbel with logits
            ("work", np.float32, edges),  # scratch
        ],
        align=True,
    )


class Tree(NamedTuple):
    """`B` trees. `nodes["visits"]` and its like are plain arrays, `[B, N]` or `[B, N, A]`."""

    nodes: NDArray[Any]
    """`node_type[B, N]`."""
    rows: NDArray[Any]
    """`row_type[B]`."""

    def root(self, field: str) -> NDArray[Any]:
        """Gives a field of all roots as a view, `[B]` or `[B, A]`."""
        return np.asarray(self.nodes[field][:, 0])

    def line(self, row: int, action: int, limit: int = 64) -> list[int]:
        """Gives the play expected after `action` at the root of tree `row`, it being the first.

        From there on the best edge of proven nodes and the most visited one of others, to where
        the tree ends.
        """
        line, index = [int(action)], int(self.nodes["children"][row, 0, action])
        while index != UNVISITED and len(line) < limit:
            node = self.nodes[row, index]
            if node["proven"]:
                best = best_exact(node)
            elif node["visits"].any():
                best = node["visits"].argmax()
            else:
                break
            line.append(int(best))
            index = int(node["children"][best])
        return line


def allocate(num_rows: int, num_nodes: int, num_actions: int, state_size: int) -> Tree:
    """Gives the memory of `num_rows` trees; nothing in it means anything yet."""
    kind = node_type(num_actions, state_size)
    room = np.empty(num_rows * num_nodes * kind.itemsize + _LINE, np.uint8)
    start = -room.ctypes.data % _LINE
    nodes = room[start : start + num_rows * num_nodes * kind.itemsize].view(kind)
    tree = Tree(nodes.reshape(num_rows, num_nodes), np.zeros(num_rows, row_type(num_actions)))
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return Tree(tree.nodes.view(np.recarray), tree.rows.view(np.recarray))
    return tree


@inlined
def create(node: Any, parent: Any, action: Any) -> None:
    """Makes a record a fresh node: every edge open and unvisited, no network's word yet."""
    for a in range(node.q.size):
        node.children[a] = UNVISITED
        node.visits[a] = 0
        node.q[a] = 0
        node.prior[a] = 0
        node.ends[a] = OPEN
    node.parent = parent
    node.action = action
    node.total = 1
    node.pending = 0
    node.floor = _NEVER
    node.reward = 0
    node.discount = 0
    node.plies = 0
    node.proven = False
    node.ready = False


@called
def best_exact(node: Any) -> Any:
    """Gives the exact edge with the best return, -1 if none is exact.

    Among equal ones the soonest end if it is good, the latest if it is bad, then the lowest index.
    """
    best = -1
    for a in range(node.q.size):
        if node.ends[a] > OPEN:
            if best < 0 or node.q[a] > node.q[best]:
                best = a
            elif node.q[a] == node.q[best]:
                sooner = node.ends[a] < node.ends[best]
                if node.ends[a] != node.ends[best] and sooner == (node.q[a] >= 0):
                    best = a
    return best


@inlined
def settle(node: Any, bound: Any) -> None:
    """Renews `floor`, and proves the node where its exact edges leave no doubt.

    That is when one of them reaches `bound`, the best return there is, or when none is open.
    Source: Winands et al., Monte-Carlo Tree Search Solver, section 3,
    https://dke.maastrichtuniversity.nl/m.winands/documents/uctloa.pdf.
    """
    best, doubt = best_exact(node), False
    for a in range(node.q.size):
        doubt = doubt or node.ends[a] == OPEN
    if best >= 0:
        node.floor = node.q[best]
        if node.floor >= bound or not doubt:
            node.proven = True
            node.value = node.floor
            node.plies = node.ends[best]


@inlined
def backup(nodes: Any, row: Any, leaf: Any, bound: Any) -> None:
    """Carries the value of a new node to the root, and with it what it proves.

    The value of a node is the mean over its simulations, each at least `floor`.
    Source: MuZero, Appendix B, equations 3 and 4, https://arxiv.org/abs/1911.08265.
    """
    index, gain = leaf, nodes[row, leaf].value
    while index != 0:
        node = nodes[row, index]
        parent, a = nodes[row, node.parent], node.action
        if node.proven and parent.ends[a] == OPEN:
            parent.ends[a] = min(node.plies + 1, _FAR)
            parent.q[a] = node.reward + node.discount * node.value
            if not parent.proven:
                settle(parent, bound)
        gain = node.reward + node.discount * gain
        parent.pending -= 1
        if parent.proven:
            gain = parent.value
        else:
            gain = max(gain, parent.floor)
            parent.value += (gain - parent.value) / np.float32(parent.total - parent.pending)
        if parent.ends[a] == OPEN:
            parent.q[a] = node.reward + node.discount * node.value
        index = node.parent


@inlined
def retract(nodes: Any, row: Any, index: Any) -> None:
    """Takes back the visits of a walk that ended at node `index` in vain."""
    while index != 0:
        node = nodes[row, index]
        parent = nodes[row, node.parent]
        parent.visits[node.action] -= 1
        parent.total -= 1
        parent.pending -= 1
        index = node.parent


@inlined
def find(nodes: Any, rows: Any, row: Any, state: Any) -> Any:
    """Gives the most visited node of tree `row` with `state`, `uint64[S]`, or -1."""
    best = -1
    for index in range(rows[row]["size"]):
        node = nodes[row, index]
        if node.ready and (best < 0 or node.total > nodes[row, best].total):
            same = True
            for word in range(state.size):
                same = same and node.state[word] == state[word]
            if same:
                best = index
    return best


@inlined
def reroot(nodes: Any, rows: Any, row: Any, first: Any, moved: Any) -> None:
    """Makes node `first` the root of tree `row` and drops all that does not stand below it.

    Nodes keep their order: a parent stands before its children. `moved`, `int64[N]`, is scratch.
    """
    size = 0
    for old in range(rows[row]["size"]):
        parent = nodes[row, old].parent
        moved[old] = UNVISITED
        if old == first:
            parent = UNVISITED
        elif old < first or moved[parent] == UNVISITED:
            continue
        else:
            parent = moved[parent]
            nodes[row, parent].children[nodes[row, old].action] = size
        moved[old] = size
        nodes[row, size] = nodes[row, old]
        nodes[row, size].parent = parent
        size += 1
    rows[row]["size"] = size
