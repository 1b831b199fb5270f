"""What a search searches on: true rules or a learned model. Axes: `B`, `R`, `A`, `S`.

`B` trees, `R` network rows, `A` actions, `S` words of a state.

Both kinds fill the same nodes, so they share every kernel. What ends at once is known one ply ahead
(by the rules, or by heads that learned them) and becomes an exact edge: it needs neither a node nor
a row of the network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import getitem
from typing import Any, NamedTuple

import numpy as np

from envs.base import Array, EnvSpec
from muzero.cache import blank, recall, remember
from muzero.jit import inlined, kernel
from muzero.kernels import OFFSET, Game, judge, specialise, unbound, weigh
from muzero.limits import SearchConfigError
from muzero.tree import ILLEGAL, OPEN, UNVISITED, create, find, reroot, settle

legal = step = observe = state = look_ahead = unbound

Network = Callable[[Array], tuple[Any, Any]]
"""`network(observation) -> (logits, value)`: `uint8[R, ...]` to arrays `[R, A]` and `[R]` that
NumPy can read, the value seen by the mover."""


class CompiledNetwork(NamedTuple):
    """A network that is a kernel, so that a whole search runs without returning to Python."""

    function: Any
    """njit `function(weights, batch, rows, outputs)`: reads the first `rows` rows of a `Batch` and
    writes those of `Outputs`. A learned model keeps its latents itself: `initial` at the places
    0 to B - 1, the function that of row r at `ledger[OFFSET] + r`, its parent's at `slot[r]`."""
    weights: Any
    """First argument: an array, or a tuple of arrays."""


class Evaluation(NamedTuple):
    """What a learned model says of `R` latents; all values seen by their movers."""

    latent: Any
    """`[R, ...]`, an array of the network's backend."""
    logits: Any
    """`float[R, A]`."""
    value: Any
    """`float[R]`."""
    reward: Any = None
    """`float[R]`, of the action that led here, seen by its mover; None = 0."""
    heads: Any = None
    """`float[3, R, A]`: logits that an action is legal, wins at once, draws at once; above 0 is
    yes. For alternating play with a win worth 1; None where the model has no such heads."""


@dataclass(frozen=True)
class RulesModel:
    """The true rules with a network that judges positions (AlphaZero)."""

    spec: EnvSpec
    """An environment that gives its rules."""
    network: Network | CompiledNetwork
    """Policy and value."""

    def __post_init__(self) -> None:
        """Refuses environments without rules.

        Raises:
            SearchConfigError: when the spec has none.
        """
        if self.spec.rules is None:
            raise SearchConfigError(
                f"{self.spec.id} gives no rules to search on; use a LearnedModel there"
            )

    @property
    def num_actions(self) -> int:
        """`A`."""
        return self.spec.num_actions

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Smallest and largest return, where known."""
        return self.spec.value_range

    @property
    def discount(self) -> float:
        """Of every step that does not end the episode."""
        return self.spec.discount


@dataclass(frozen=True)
class LearnedModel:
    """A model that imagines what follows (MuZero)."""

    initial: Callable[[Any], Evaluation]
    """`initial(observation)`: `[B, ...]` as handed to the search; the reward is not read."""
    recurrent: Callable[[Any, Any], Evaluation] | CompiledNetwork
    """`recurrent(latent, action)`: `[R, ...]` and `int64[R]`."""
    num_actions: int
    """`A`."""
    discount: float
    """Of every step: -1 for alternating play, gamma for solo play."""
    bounds: tuple[float, float] | None = None
    """Smallest and largest return, where known; elsewhere values are stretched from min to max."""
    gather: Callable[[Any, Any], Any] = getitem
    """`gather(pool, slots)`: picks latents, `int64[R]`, out of the pool."""
    capacity: int | None = None
    """Latents that a model which keeps them itself has room for; None = any number."""


Model = RulesModel | LearnedModel


def compiled(model: Model) -> CompiledNetwork | None:
    """Gives the model's network if it is a kernel."""
    network = model.network if isinstance(model, RulesModel) else model.recurrent
    return network if isinstance(network, CompiledNetwork) else None


def game(model: Model, cached: int) -> Game:
    """Gives what the kernels must know of the environment, with a cache of `cached` answers."""
    known = model.bounds is not None and model.discount == -1
    bound = model.bounds[1] if known and model.bounds else np.inf
    rules = model.spec.rules if isinstance(model, RulesModel) else None
    words = 0 if rules is None else rules.state_size
    cache = blank(cached, words, model.num_actions)
    params = 0 if rules is None else rules.params
    network = compiled(model)
    weights = 0 if network is None else network.weights
    return Game(params, np.float32(model.discount), np.float32(bound), cache, weights)


def _look_ahead(node: Any, game: Any, batch: Any) -> None:
    """Marks what is illegal and what ends at once in a node that has its state."""
    legal(game.params, node.state, batch.legal)
    for a in range(node.q.size):
        if not batch.legal[a]:
            node.ends[a] = ILLEGAL
            continue
        reward, ended = step(game.params, node.state, a, batch.state)
        if ended:
            node.ends[a] = 1
            node.q[a] = reward
    settle(node, game.bound)


def _leaf_rules(parent: Any, node: Any, game: Any, batch: Any, r: Any) -> Any:
    """Gives a new node its state; says whether it needs row `r` of the network."""
    reward, _ = step(game.params, parent.state, node.action, node.state)
    node.reward = reward
    node.discount = game.discount
    look_ahead(node, game, batch)
    if node.proven:
        node.raw = node.value
        node.ready = True
        return False
    if recall(node, game.cache):
        return False
    observe(game.params, node.state, batch.observation[r])
    return True


@inlined
def fill_rules(node: Any, game: Any, batch: Any, outputs: Any, r: Any) -> Any:
    """Puts row `r` of the network's answers into a node; says whether they were finite."""
    remember(node, game.cache, outputs.logits[r], outputs.value[r])
    finite = weigh(node, outputs.logits[r])
    return judge(node, outputs.value[r]) and finite


@inlined
def leaf_learned(parent: Any, node: Any, game: Any, batch: Any, r: Any) -> Any:
    """Asks for a new node in row `r` of the network."""
    batch.slot[r] = parent.slot
    batch.action[r] = node.action
    node.slot = np.int32(batch.ledger[OFFSET] + r)
    return True


@inlined
def fill_learned(node: Any, game: Any, batch: Any, outputs: Any, r: Any) -> Any:
    """Puts row `r` of the network's answers into a node; says whether they were finite.

    Where heads would forbid every action, they are not believed; nor at the root, whose legal
    actions are given.
    """
    inner = node.parent != UNVISITED
    if inner:
        node.reward = outputs.reward[r]
        node.discount = game.discount
    if outputs.heads.shape[0] == 3:
        allowed = False
        for a in range(node.q.size):
            allowed = allowed or (node.ends[a] == OPEN and outputs.heads[0, r, a] > 0)
        for a in range(node.q.size):
            if node.ends[a] == OPEN and (allowed or not inner):
                if inner and outputs.heads[0, r, a] <= 0:
                    node.ends[a] = ILLEGAL
                elif outputs.heads[1, r, a] > 0 or outputs.heads[2, r, a] > 0:
                    node.ends[a] = 1
                    node.q[a] = 1 if outputs.heads[1, r, a] > 0 else 0
        settle(node, game.bound)
    finite = weigh(node, outputs.logits[r]) and np.isfinite(outputs.reward[r])
    return judge(node, outputs.value[r]) and finite


@inlined
def _limit(root: Any, row: Any, game: Any, mask: Any) -> None:
    """Takes from a fresh root the actions that `mask`, `bool[A]`, forbids; counts the open ones."""
    for a in range(root.q.size):
        if not mask[a]:
            root.ends[a] = ILLEGAL
    root.proven = False
    settle(root, game.bound)
    row.considered = 0
    for a in range(root.q.size):
        row.brought[a] = root.visits[a]
        row.considered += root.ends[a] == OPEN


@inlined
def _covers(root: Any, mask: Any) -> Any:
    """Says whether `mask`, `bool[A]`, allows every legal action of a root."""
    covers = True
    for a in range(root.q.size):
        covers = covers and (mask[a] or root.ends[a] == ILLEGAL)
    return covers


def plant_learned(nodes: Any, rows: Any, game: Any, batch: Any, observation: Any, mask: Any) -> Any:
    """Gives every tree a fresh root, its latent in the slot of its row; gives their number."""
    for row in range(rows.size):
        root = nodes[row, 0]
        create(root, UNVISITED, UNVISITED)
        root.slot = row
        rows[row]["size"] = 1
        _limit(root, rows[row], game, mask[row])
        batch.tree[row], batch.node[row] = row, 0
    return rows.size


def _plant_rules(nodes: Any, rows: Any, game: Any, batch: Any, observation: Any, mask: Any) -> Any:
    """Gives every tree its root; gives the number of those that the network must see.

    A tree in use (`size > 0`) goes on from the node that has the new state, if there is one and
    it leaves room for the budget.
    """
    asked = 0
    for row in range(rows.size):
        tree, root = rows[row], nodes[row, 0]
        state(game.params, observation[row], batch.state)
        first = find(nodes, rows, row, batch.state)
        if first >= 0:
            reroot(nodes, rows, row, first, batch.moved)
        full = tree["size"] + tree.budget > nodes.shape[1]
        if first < 0 or full or not _covers(root, mask[row]):
            create(root, UNVISITED, UNVISITED)
            for word in range(batch.state.size):
                root.state[word] = batch.state[word]
            look_ahead(root, game, batch)
            tree["size"] = 1
            batch.tree[asked], batch.node[asked] = row, 0
            asked += 1
        _limit(root, tree, game, mask[row])
    return asked


class Kernels(NamedTuple):
    """The functions that a kind of model puts into the search's templates."""

    plant: Any
    """`plant(nodes, rows, game, batch, observation, mask) -> roots that the network must see`."""
    leaf: Any
    """`leaf(parent, node, game, batch, r) -> whether the node needs row r of the network`."""
    fill: Any
    """`fill(node, game, batch, outputs, r) -> whether the network's answers were finite`."""


def kernels(model: Model) -> Kernels:
    """Gives the functions of a model's kind, compiled for its rules."""
    if isinstance(model, LearnedModel):
        return Kernels(specialise(kernel, plant_learned), leaf_learned, fill_learned)
    rules = model.spec.rules
    assert rules is not None
    ahead = specialise(inlined, _look_ahead, legal=rules.legal, step=rules.step)
    leaf = specialise(
        inlined, _leaf_rules, step=rules.step, observe=rules.observe, look_ahead=ahead
    )
    plant = specialise(kernel, _plant_rules, state=rules.state, look_ahead=ahead)
    return Kernels(plant, leaf, fill_rules)
