"""Gumbel MuZero. Axes: `B` trees, `A` actions, `M` considered actions, `T` simulations.

At the root, actions drawn without replacement are halved until one is left; below it the search is
deterministic and follows the improved policy, the softmax of `logits + sigma(q)`, in which an
unvisited action counts for the mixed value of its node.
Source: Danihelka et al., Policy improvement by planning with Gumbel,
https://openreview.net/forum?id=bERaNdoegnO.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from muzero.jit import inlined
from muzero.kernels import exp
from muzero.limits import SearchConfigError, check
from muzero.noise import Noise
from muzero.tree import ILLEGAL, OPEN, Tree, best_exact

_NEVER, _ZERO, _ONE = np.float32(-np.inf), np.float32(0), np.float32(1)
_FAINT, _LOWEST = np.float32(1e-30), np.float32(-1e9)


@dataclass(frozen=True)
class GumbelConfig:
    """A search by Gumbel MuZero."""

    simulations: int = 32
    """Paths that are walked, at least 1; each adds one node."""
    leaves: int = 1
    """Most nodes of one tree in one call of the network; above 1 for single games, at some loss of
    strength a simulation."""
    max_considered: int | None = None
    """Actions that sequential halving starts with; None = all that are legal."""
    gumbel_scale: float = 1.0
    """Weight of the noise; 0 plays for points."""
    value_scale: float = 0.1
    """`c_scale` in the source, eq. 8: weight of values against logits."""
    maxvisit_init: float = 50.0
    """`c_visit` in the source, eq. 8: visits that this weight starts from."""
    range_floor: float = 1e-2
    """Smallest range that values are stretched from where their bounds are unknown."""

    def __post_init__(self) -> None:
        """Refuses what cannot be searched.

        Raises:
            SearchConfigError: when a field is out of its range.
        """
        check("simulations", self.simulations, 1)
        check("leaves", self.leaves, 1)
        check("gumbel_scale", self.gumbel_scale, 0)
        check("value_scale", self.value_scale, 0)
        check("maxvisit_init", self.maxvisit_init, 0)
        check("range_floor", self.range_floor, 0)
        if self.max_considered is not None:
            check("max_considered", self.max_considered, 1)


class GumbelParams(NamedTuple):
    """The config as the kernels read it."""

    schedule: NDArray[np.int32]
    """`int32[U, M + 1, T]`: the visits that an action must have to be walked next, by table, by
    number of considered actions and by simulations done."""
    value_scale: np.float32
    """As in the config."""
    maxvisit_init: np.float32
    """As in the config."""
    known: bool
    """Whether the bounds of returns are known; values are stretched where they are not."""
    range_floor: np.float32
    """As in the config."""


@cache
def halving(considered: int, simulations: int) -> tuple[int, ...]:
    """Gives, simulation by simulation, the visits that the action walked next must have.

    Each of about log2(considered) rounds gets an equal share of the simulations, spread evenly over
    the actions left; then the better half stays, never fewer than two.
    Source: Karnin et al., Almost Optimal Exploration in Multi-Armed Bandits, algorithm 1,
    http://proceedings.mlr.press/v28/karnin13.pdf, and figure 1 of the module's source.
    """
    if considered <= 1:
        return tuple(range(simulations))
    rounds, left, reached = math.ceil(math.log2(considered)), considered, 0
    order: list[int] = []
    while len(order) < simulations:
        each = max(1, simulations // (rounds * left))
        for visits in range(reached, reached + each):
            order += [visits] * left
        reached += each
        left = max(2, left // 2)
    return tuple(order[:simulations])


def params(
    config: GumbelConfig, bounds: tuple[float, float] | None, num_actions: int, num_nodes: int
) -> GumbelParams:
    """Gives what the kernels need; `schedule` is for the config's own number of simulations.

    Raises:
        SearchConfigError: when more actions are to be considered than exist.
    """
    most = config.max_considered or num_actions
    if most > num_actions:
        raise SearchConfigError(
            f"max_considered = {most} is more than the {num_actions} actions that exist; "
            f"give at most {num_actions}, or leave it out"
        )
    return GumbelParams(
        schedules(most, (config.simulations,)),
        np.float32(config.value_scale),
        np.float32(config.maxvisit_init),
        bounds is not None,
        np.float32(config.range_floor),
    )


@cache
def schedules(most: int, budgets: tuple[int, ...]) -> NDArray[np.int32]:
    """Gives the tables of `GumbelParams.schedule`, one for each number of simulations."""
    tables = np.zeros((len(budgets), most + 1, max(budgets)), np.int32)
    for table, budget in enumerate(budgets):
        for considered in range(most + 1):
            tables[table, considered, :budget] = halving(considered, budget)
    return tables


def share(rule: GumbelParams, rows: NDArray[Any]) -> GumbelParams:
    """Gives the params for rows with budgets of their own, and tells each row its table."""
    budgets, rows["table"] = np.unique(rows["budget"], return_inverse=True)
    most = rule.schedule.shape[1] - 1
    return rule._replace(schedule=schedules(most, tuple(budgets.tolist())))


def perturb(tree: Tree, config: GumbelConfig, noise: Noise) -> None:
    """Gives the roots `gumbel + logits` and says how many actions each considers."""
    prior = np.maximum(tree.root("prior"), _FAINT)
    logits = np.log(prior / prior.max(1, keepdims=True))
    if noise.gumbel is not None:
        logits += np.float32(config.gumbel_scale) * noise.gumbel
    tree.rows["bias"] = logits
    if config.max_considered is not None:
        considered = tree.rows["considered"]
        np.minimum(considered, config.max_considered, out=considered)


@inlined
def complete(node: Any, work: Any) -> None:
    """Writes the completed values of a node, `float32[A]`: `q` where known, else the mixed value.

    v_mix = (raw + N * sum_known(prior * q) / sum_known(prior)) / (1 + N), N the visits of all
    actions. Source: the module's, eq. 10 and appendix D.
    """
    mass = gain = _ZERO
    for a in range(node.q.size):
        known = node.visits[a] > 0 or node.ends[a] > OPEN
        share = max(node.prior[a], _FAINT) if known else _ZERO
        mass += share
        gain += share * node.q[a]
    visits = np.float32(node.total - 1)
    mean = gain / mass if mass > 0 else node.raw
    mixed = (node.raw + visits * mean) / (visits + _ONE)
    for a in range(node.q.size):
        known = node.visits[a] > 0 or node.ends[a] > OPEN
        q = node.q[a]
        work[a] = q if known else mixed


@inlined
def transform(node: Any, rule: Any, work: Any) -> None:
    """Turns completed values into sigma(q) = (maxvisit_init + max visits) * value_scale * q.

    Source: the module's, eq. 8; values are stretched to `[0, 1]` where their bounds are unknown.
    """
    most, low = np.int32(0), _ZERO
    for a in range(node.q.size):
        most = max(most, node.visits[a])
    scale = (rule.maxvisit_init + np.float32(most)) * rule.value_scale
    if not rule.known:
        low = high = work[0]
        for a in range(node.q.size):
            low, high = min(low, work[a]), max(high, work[a])
        scale /= max(high - low, rule.range_floor)
    for a in range(node.q.size):
        work[a] = (work[a] - low) * scale


@inlined
def select(node: Any, tree: Any, rule: Any) -> Any:
    """Gives the open action that is furthest behind its share in the improved policy.

    The highest of pi'(a) - visits(a) / (1 + N), the lowest index of equal ones. Source: the
    module's, eq. 14.
    """
    work = tree.work
    complete(node, work)
    transform(node, rule, work)
    top, total = _NEVER, _ZERO
    for a in range(node.q.size):
        top = max(top, work[a] if node.ends[a] == OPEN else _NEVER)
    for a in range(node.q.size):
        weight = node.prior[a] * exp(min(work[a] - top, _ZERO))
        work[a] = weight if node.ends[a] == OPEN else _ZERO
    for a in range(node.q.size):
        total += work[a]
    total, visits = _ONE / total, _ONE / np.float32(node.total)
    best, action = _NEVER, 0
    for a in range(node.q.size):
        score = work[a] * total - np.float32(node.visits[a]) * visits
        score = score if node.ends[a] == OPEN else _NEVER
        if score > best:
            best, action = score, a
    return action


@inlined
def _score_root(node: Any, tree: Any, rule: Any) -> None:
    """Writes `gumbel + logits + sigma(q)` of every action of the root into `tree.work`."""
    work = tree.work
    complete(node, work)
    transform(node, rule, work)
    for a in range(node.q.size):
        work[a] = max(tree.bias[a] + work[a], _LOWEST)


@inlined
def select_root(node: Any, tree: Any, rule: Any) -> Any:
    """Gives the open action with the best score among those whose visits the schedule asks for.

    Where none has them, since proofs have taken actions away, the best of all open ones.
    """
    _score_root(node, tree, rule)
    done = 0
    for a in range(node.q.size):
        done += node.visits[a] - tree.brought[a]
    wanted = rule.schedule[tree.table, tree.considered, min(done, tree.budget - 1)]
    best, action, fits = _NEVER, -1, False
    for a in range(node.q.size):
        if node.ends[a] == OPEN:
            fit = node.visits[a] - tree.brought[a] == wanted
            if (fit and not fits) or (fit == fits and tree.work[a] > best):
                best, action, fits = tree.work[a], a, fit
    return action


@inlined
def _improve(node: Any, rule: Any, weights: Any, q: Any) -> None:
    """Writes the improved policy and the completed values, nan where illegal, of a root.

    A root that was proven before the network saw it has no priors; its policy is the best edge.
    """
    complete(node, q)
    for a in range(node.q.size):
        weights[a] = q[a]
    transform(node, rule, weights)
    top, total = _NEVER, _ZERO
    for a in range(node.q.size):
        if node.ends[a] != ILLEGAL:
            top = max(top, weights[a])
    for a in range(node.q.size):
        weights[a] = node.prior[a] * exp(min(weights[a] - top, _ZERO))
        total += weights[a]
        if node.ends[a] == ILLEGAL:
            q[a] = np.nan
    if total <= 0:
        total = _ONE
        weights[best_exact(node)] = total
    for a in range(node.q.size):
        weights[a] /= total


def decide(nodes: Any, rows: Any, rule: Any, action: Any, weights: Any, q: Any) -> None:
    """Writes what the search found: `action`, `int64[B]`; `weights` and `q`, `float32[B, A]`.

    The action has the best `gumbel + logits + sigma(q)` among the most visited ones, unless an
    exact return beats its mean. Weights are the improved policy, `q` the completed values.
    """
    for row in range(rows.size):
        node, tree = nodes[row, 0], rows[row]
        _improve(node, rule, weights[row], q[row])
        _score_root(node, tree, rule)
        best = -1
        for a in range(node.q.size):
            if node.ends[a] == OPEN:
                new = node.visits[a] - tree.brought[a]
                most = 0 if best < 0 else node.visits[best] - tree.brought[best]
                if best < 0 or new > most or (new == most and tree.work[a] > tree.work[best]):
                    best = a
        exact = best_exact(node)
        if exact >= 0 and (node.proven or best < 0 or node.floor > node.q[best]):
            best = exact
        action[row] = best
