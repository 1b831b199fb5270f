"""PUCT, the rule of AlphaZero and MuZero. Axes: `B` trees, `A` actions, `T` visits of a node.

An action is chosen by `q + c(n) * prior / (1 + visits)`, `q` brought to `[0, 1]` by the known
bounds of returns, or by the smallest and largest value around the node where none are known.
Source: MuZero, Appendix B, equations 2 and 5, https://arxiv.org/abs/1911.08265.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from muzero.jit import inlined
from muzero.limits import SearchConfigError, check
from muzero.noise import Noise
from muzero.tree import ILLEGAL, OPEN, Tree, best_exact

_NEVER, _ZERO, _ONE = np.float32(-np.inf), np.float32(0), np.float32(1)
_FAINT = np.float32(1e-30)


@dataclass(frozen=True)
class PuctConfig:
    """A search by PUCT."""

    simulations: int = 50
    """Paths that are walked, at least 1; each adds one node."""
    leaves: int = 1
    """Most nodes of one tree in one call of the network; above 1 for single games, at some loss of
    strength a simulation."""
    pb_c_init: float = 1.25
    """Weight of the prior, `c1` in the source."""
    pb_c_base: float = 19652.0
    """Visits over which that weight grows, `c2` in the source."""
    dirichlet_fraction: float = 0.25
    """Share of the noise in the root's prior; without noise it is 0."""
    dirichlet_alpha: float = 0.3
    """Concentration of that noise."""
    temperature: float = 1.0
    """Actions are drawn by `visits ** (1 / temperature)`; 0 or no noise = the most visited."""
    unvisited: Literal["lowest", "parent"] = "lowest"
    """What an unvisited action counts for: the lowest value, or the mean of its node."""
    range_floor: float = 1e-2
    """Smallest range that values are stretched from where their bounds are unknown."""

    def __post_init__(self) -> None:
        """Refuses what cannot be searched.

        Raises:
            SearchConfigError: when a field is out of its range.
        """
        check("simulations", self.simulations, 1)
        check("leaves", self.leaves, 1)
        check("pb_c_init", self.pb_c_init, 0)
        check("pb_c_base", self.pb_c_base, 1)
        check("dirichlet_fraction", self.dirichlet_fraction, 0, 1)
        check("dirichlet_alpha", self.dirichlet_alpha, 1e-3)
        check("temperature", self.temperature, 0)
        check("range_floor", self.range_floor, 0)
        if self.unvisited not in ("lowest", "parent"):
            raise SearchConfigError(
                f"unvisited = '{self.unvisited}' is unknown; give 'lowest' or 'parent'"
            )


class PuctParams(NamedTuple):
    """The config as the kernels read it."""

    explore: NDArray[np.float32]
    """`float32[T]`, weight of the prior in a node of so many visits."""
    low: np.float32
    """Smallest return, where bounds are known."""
    scale: np.float32
    """One over the range of returns, where bounds are known."""
    known: bool
    """Whether they are."""
    parent: bool
    """Whether an unvisited action counts for the mean of its node."""
    range_floor: np.float32
    """As in the config."""
    temperature: np.float32
    """As in the config."""


def params(
    config: PuctConfig, bounds: tuple[float, float] | None, num_actions: int, num_nodes: int
) -> PuctParams:
    """Gives what the kernels need for trees of at most `num_nodes` nodes."""
    visits = np.arange(num_nodes + 2)
    weight = config.pb_c_init + np.log((visits + config.pb_c_base + 1) / config.pb_c_base)
    low, high = bounds or (0.0, 1.0)
    return PuctParams(
        (np.sqrt(visits) * weight).astype(np.float32),
        np.float32(low),
        np.float32(1 / (high - low)),
        bounds is not None,
        config.unvisited == "parent",
        np.float32(config.range_floor),
        np.float32(config.temperature),
    )


def share(rule: PuctParams, rows: NDArray[Any]) -> PuctParams:
    """Gives the params for rows with budgets of their own: the same, for none depends on them."""
    return rule


def perturb(tree: Tree, config: PuctConfig, noise: Noise) -> None:
    """Puts noise into the roots: Dirichlet into the prior of the actions that are not illegal.

    Source: MuZero, pseudocode `add_exploration_noise`, https://arxiv.org/abs/1911.08265.
    """
    tree.rows["bias"] = 0 if noise.gumbel is None else noise.gumbel
    if noise.dirichlet is not None:
        extra = np.where(tree.root("ends") == ILLEGAL, 0, noise.dirichlet)
        extra = extra / np.maximum(extra.sum(1, keepdims=True), _FAINT)
        prior = tree.root("prior")
        prior += np.float32(config.dirichlet_fraction) * (extra - prior)


@inlined
def _frame(node: Any, rule: Any) -> Any:
    """Gives (lowest value, one over the range) that bring the values at a node to `[0, 1]`."""
    if rule.known:
        return rule.low, rule.scale
    low = high = node.value
    for a in range(node.q.size):
        if node.visits[a] > 0 or node.ends[a] > OPEN:
            low, high = min(low, node.q[a]), max(high, node.q[a])
    return low, _ONE / max(high - low, rule.range_floor)


@inlined
def select(node: Any, tree: Any, rule: Any) -> Any:
    """Gives the open action with the highest score, the lowest of equal ones."""
    weight = rule.explore[node.total]
    low, scale = _frame(node, rule)
    fill = (node.value - low) * scale if rule.parent else _ZERO
    best, action = _NEVER, 0
    for a in range(node.q.size):
        visits, worth = node.visits[a], (node.q[a] - low) * scale
        worth = worth if visits > 0 else fill
        score = worth + weight * node.prior[a] / np.float32(np.int32(1 + visits))
        score = score if node.ends[a] == OPEN else _NEVER
        if score > best:
            best, action = score, a
    return action


select_root = select


def decide(nodes: Any, rows: Any, rule: Any, action: Any, weights: Any, q: Any) -> None:
    """Writes what the search found: `action`, `int64[B]`; `weights` and `q`, `float32[B, A]`.

    Weights are shares of the visits; one action has all where an exact return beats the mean of
    the most visited. `q` is nan where nothing is known.
    """
    for row in range(rows.size):
        node, noise = nodes[row, 0], rows[row].bias
        favourite, total, exact = -1, _ZERO, best_exact(node)
        for a in range(node.q.size):
            known = node.visits[a] > 0 or node.ends[a] > OPEN
            q[row, a] = node.q[a] if known and node.ends[a] != ILLEGAL else np.nan
            bad = node.ends[a] == ILLEGAL or (node.ends[a] > OPEN and node.q[a] < node.floor)
            weights[row, a] = _ZERO if bad else np.float32(node.visits[a])
            total += weights[row, a]
            if node.ends[a] == OPEN and (favourite < 0 or node.visits[a] > node.visits[favourite]):
                favourite = a
        if exact >= 0 and (node.proven or node.floor > node.q[favourite] or total == 0):
            total = _ONE
            for a in range(node.q.size):
                weights[row, a] = _ONE if a == exact else _ZERO
        best, action[row] = _NEVER, -1
        for a in range(node.q.size):
            weights[row, a] /= total
            score = weights[row, a]
            if score > 0 and rule.temperature > 0:
                score = np.log(score) + rule.temperature * noise[a]
            if weights[row, a] > 0 and score > best:
                best, action[row] = score, a
