"""Writes `docs/how-muzero-thinks.md`: one real search, simulation by simulation.

    python scripts/how_muzero_thinks.py [MOVES]

Every number in the text comes from that search. Node i + 1 of the tree is what simulation i added,
so the whole course can be read off the finished tree.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from agents import checkpoint, trained  # noqa: E402
from envs import registry  # noqa: E402
from muzero import gumbel, weights  # noqa: E402
from muzero.compiled import compile_network  # noqa: E402
from muzero.gumbel import GumbelConfig  # noqa: E402
from muzero.models import RulesModel  # noqa: E402
from muzero.search import Searcher, SearchResult  # noqa: E402
from muzero.tree import UNVISITED  # noqa: E402

ENV, SIMULATIONS, OUT = "connectx", 24, ROOT / "docs" / "how-muzero-thinks.md"
MOVES = "463551"


def search(moves: list[int]) -> SearchResult:
    """Gives the search of a position by the player of the zoo."""
    spec = registry.spec(ENV)
    data = checkpoint.read(trained.ZOO / "connectx-alphazero", checkpoint.WEIGHTS)
    model = RulesModel(spec, compile_network(weights.unpack_network(data), spec))
    config = GumbelConfig(SIMULATIONS, gumbel_scale=0, value_scale=0.3)
    step = registry.make(ENV).reset(0, moves)
    return Searcher(model, config, 1)(step.observation[None], step.action_mask[None])


def path(nodes: Any, index: int) -> list[int]:
    """Gives the actions from the root to a node."""
    actions: list[int] = []
    while index:
        actions.append(int(nodes[index]["action"]))
        index = int(nodes[index]["parent"])
    return actions[::-1]


def course(result: SearchResult) -> list[str]:
    """Gives a table row for every simulation that added a node."""
    nodes, size = result.tree.nodes[0], int(result.tree.rows["size"][0])
    visits, sums = np.zeros(7, int), np.zeros(7)
    rows = []
    for index in range(1, size):
        walk = path(nodes, index)
        node = nodes[index]
        seen = float(node["raw"]) * (-1) ** len(walk)
        visits[walk[0]] += 1
        sums[walk[0]] += seen
        said = "proven" if node["proven"] and node["ready"] and abs(node["raw"]) == 1 else "network"
        walked = " ".join(str(action + 1) for action in walk)
        mean = sums[walk[0]] / visits[walk[0]]
        rows.append(
            f"| {index} | {walked} | {said} {seen:+.2f} | {visits[walk[0]]} | {mean:+.2f} |"
        )
    return rows


def table(result: SearchResult) -> list[str]:
    """Gives a table row for every column: first thought, search, and second thought."""
    root = result.tree.root
    rows = []
    for action in range(7):
        q = result.q[0, action]
        rows.append(
            f"| {action + 1} | {100 * root('prior')[0, action]:.1f} % "
            f"| {root('visits')[0, action]} | {'' if np.isnan(q) else f'{q:+.3f}'} "
            f"| {100 * result.action_weights[0, action]:.1f} % |"
        )
    return rows


def halving() -> str:
    """Gives the rounds of sequential halving in words."""
    order = gumbel.halving(7, SIMULATIONS)
    counts = [order.count(visits) for visits in sorted(set(order))]
    return ", ".join(map(str, counts))


def depth(result: SearchResult) -> int:
    """Gives the length of the longest path."""
    nodes, size = result.tree.nodes[0], int(result.tree.rows["size"][0])
    return max(len(path(nodes, index)) for index in range(1, size))


def document(moves: str) -> str:
    """Gives the text."""
    actions = [int(column) - 1 for column in moves]
    result = search(actions)
    root, tree = result.tree.root, result.tree
    action = int(result.action[0])
    line = " ".join(str(a + 1) for a in tree.line(0, action))
    first = int(root("prior")[0].argmax())
    children = int((root("children")[0] != UNVISITED).sum())
    board = registry.draw(ENV)(actions, False)
    return TEXT.format(
        moves=moves,
        board=board.rstrip(),
        raw=float(root("raw")[0]),
        first=first + 1,
        first_share=100 * float(root("prior")[0, first]),
        simulations=SIMULATIONS,
        halving=halving(),
        course="\n".join(course(result)),
        table="\n".join(table(result)),
        children=children,
        depth=depth(result),
        value=float(result.value[0]),
        action=action + 1,
        line=line,
        scale=(50 + int(root("visits")[0].max())) * 0.3,
        changed="the first thought was right" if action == first else "the search changed its mind",
    )


TEXT = """# How MuZero thinks

One real search, simulation by simulation. The player is `zoo/connectx-alphazero`; the numbers
below are its own, written by `python scripts/how_muzero_thinks.py {moves}` and by nobody else.

## The position
After the moves {moves} (columns, from 1):
```
{board}
```

## First thought
The network looks at the board once. It gives a *prior*, the share of its trust in each column,
and a *value*, the return that the player to move should expect: +1 is a won game, -1 a lost one.
Here the value is {raw:+.2f}, and the favourite is column {first} with {first_share:.0f} %. A
player without search would play that.

## {simulations} simulations
A simulation walks down the tree from the root, move by move, until it comes to a position that is
not in the tree; it asks the network about that one position, puts it into the tree, and carries
the answer back to the root. Each costs one look of the network. The value of a position is seen
by the player to move there; on its way up it changes sign at every ply, since what is good for
one is bad for the other.

| simulation | moves | new position, seen from the root | visits of the first move | mean |
|---|---|---|---|---|
{course}

At the root, *sequential halving* shares out the simulations: rounds of {halving} simulations,
each over the columns that are still in the race, the better half after every round. Below the
root, a position sends the next simulation to the move that is furthest behind its share in the
*improved policy*, which is prior times exp(value): so good moves get visits, bad ones lose them,
and unlikely ones cost nothing. The longest walk here is {depth} plies; {children} of the seven
columns were tried.

With the true rules in the tree, a move that ends the game needs no network: it is worth exactly
+1 or 0, and where all answers to a move are lost, the move is a proven win. Such an edge is never
walked again.

## Second thought
| column | prior | visits | value after it (q) | improved policy |
|---|---|---|---|---|
{table}

Columns that were not tried count for what the network and the tried ones say together. The
improved policy is softmax(log prior + {scale:.1f} q): it trusts the prior and the values at once,
and it is what the network learns from when it plays against itself. That is the whole idea:
search makes the policy better, the network learns the better policy, and the next search starts
from there.

## The decision
The value is now {value:+.2f}, the move is column {action}: {changed}. It expects {line}.

To see what is true: `arena solve {moves}`.

Sources: Gumbel MuZero, https://openreview.net/forum?id=bERaNdoegnO; MuZero,
https://arxiv.org/abs/1911.08265; proofs in the tree: Winands et al., Monte-Carlo Tree Search
Solver, https://dke.maastrichtuniversity.nl/m.winands/documents/uctloa.pdf.
"""


if __name__ == "__main__":
    OUT.write_text(document(sys.argv[1] if len(sys.argv) > 1 else MOVES), encoding="utf-8")
