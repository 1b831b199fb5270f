"""Batched tree search. Axes: `B` trees, `R` network rows, `A` actions, `N` nodes.

Trees are independent: a row gets the same bits alone, in any batch and on any thread, as far as the
network gives them. Kernels release the GIL, so searchers may run on threads of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muzero import gumbel, kernels, models, puct
from muzero.evaluate import NetworkError, blank, evaluator
from muzero.gumbel import GumbelConfig
from muzero.jit import inlined, kernel
from muzero.kernels import Batch, specialise
from muzero.limits import SearchConfigError
from muzero.models import Model, RulesModel, compiled
from muzero.noise import Noise
from muzero.puct import PuctConfig
from muzero.tree import Tree, allocate

SearchConfig = PuctConfig | GumbelConfig
_ALGORITHMS: dict[type, ModuleType] = {PuctConfig: puct, GumbelConfig: gumbel}


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found for `B` roots, seen by the players to move there."""

    action: NDArray[np.int64]
    """`int64[B]`."""
    action_weights: NDArray[np.float32]
    """`float32[B, A]`, sums to 1: a target for the policy."""
    value: NDArray[np.float32]
    """`float32[B]`, mean return of the simulations, exact where the root is proven."""
    q: NDArray[np.float32]
    """`float32[B, A]`, expected return after each action; nan = illegal or, under PUCT, unknown.
    Under Gumbel unknown ones are completed, so `nansum(action_weights * q)` is a target too."""
    tree: Tree
    """The memory of the search, overwritten by the next one of the same searcher."""


def _memory(model: Model, num_rows: int, leaves: int, num_nodes: int) -> Batch:
    """Gives the arrays of the network's questions."""
    size = num_rows * leaves
    rules = model.spec.rules if isinstance(model, RulesModel) else None
    shape = model.spec.observation_shape if isinstance(model, RulesModel) else (0,)
    return Batch(
        tree=np.zeros(size, np.int32),
        node=np.zeros(size, np.int32),
        slot=np.zeros(size, np.int64),
        action=np.zeros(size, np.int64),
        observation=np.zeros((size, *shape), np.uint8),
        legal=np.zeros(model.num_actions, np.bool_),
        state=np.zeros(rules.state_size if rules else 0, np.uint64),
        moved=np.zeros(num_nodes, np.int64),
        ledger=np.array([0, 0, leaves], np.int64),
    )


class Searcher:
    """A search with its memory, allocated once and used for any number of searches.

    Args of the maker:
        model: what to search on.
        config: how; its class names the algorithm.
        num_rows: the most roots of one search.
        keep: nodes of earlier searches for which there is room. Above 0, and on true rules, a
            search goes on with the part of its row's last tree that starts at the new root.
        cache: answers of the network on true rules that are remembered, a power of two or 0. Call
            `forget` when its weights have changed.
    """

    def __init__(
        self, model: Model, config: SearchConfig, num_rows: int, keep: int = 0, cache: int = 0
    ) -> None:
        """Allocates.

        Raises:
            SearchConfigError: when the search cannot be made.
        """
        if num_rows < 1 or keep < 0:
            raise SearchConfigError(
                f"a searcher of {num_rows} rows that keeps {keep} nodes is impossible; give at "
                "least 1 row and 0 nodes"
            )
        if (keep or cache) and not isinstance(model, RulesModel):
            raise SearchConfigError(
                f"keep = {keep} and cache = {cache} need true rules, for a learned model cannot "
                "tell positions apart; leave them out"
            )
        if cache < 0 or cache & (cache - 1):
            raise SearchConfigError(
                f"a cache of {cache} answers is impossible; give a power of two, or 0 for none"
            )
        self.model, self.config, self.num_rows, self.keep = model, config, num_rows, keep
        self._algorithm = _ALGORITHMS[type(config)]
        num_nodes = config.simulations + 1 + keep
        room = None if isinstance(model, RulesModel) else model.capacity
        if room is not None and num_rows * num_nodes > room:
            raise SearchConfigError(
                f"{num_rows} trees of {num_nodes} nodes need {num_rows * num_nodes} latents, but "
                f"the model has room for {room}; give it more"
            )
        state_size = 0
        if isinstance(model, RulesModel) and model.spec.rules:
            state_size = model.spec.rules.state_size
        self.tree = allocate(num_rows, num_nodes, model.num_actions, state_size)
        self._batch = _memory(model, num_rows, config.leaves, num_nodes)
        self._game = models.game(model, cache)
        self._rule = self._algorithm.params(config, model.bounds, model.num_actions, num_nodes)
        self._none = blank(0, model.num_actions)
        self._evaluator = evaluator(model, num_rows * num_nodes)
        self._torn = False
        """Whether the last search was broken off, so that its trees and cache mean nothing."""
        self._compile()

    def _compile(self) -> None:
        """Puts algorithm and model into the templates."""
        parts = models.kernels(self.model)
        rule = self._algorithm
        descend = specialise(
            inlined, kernels.descend_template, select_root=rule.select_root, select=rule.select
        )
        self._plant, self._decide = parts.plant, specialise(kernel, rule.decide)
        self._absorb = specialise(kernel, kernels.absorb_template, fill=parts.fill)
        self._advance = specialise(
            kernel, kernels.advance_template, absorb=self._absorb, descend=descend, leaf=parts.leaf
        )
        self._finish, network = None, compiled(self.model)
        if network is not None:
            self._finish = specialise(
                kernel, kernels.finish_template, advance=self._advance, network=network.function
            )

    def __call__(
        self,
        root: Any,
        action_mask: NDArray[np.bool_],
        noise: Noise | None = None,
        budget: NDArray[Any] | None = None,
    ) -> SearchResult:
        """Searches from `B` roots.

        Args:
            root: observations, `[B, ...]`, as the model's network takes them.
            action_mask: `bool[B, A]`, True = allowed at the root.
            noise: of the roots; None = none, for the strongest play.
            budget: `int[B]`, simulations of each row, from 1 to the config's; None = the config's.

        Raises:
            SearchConfigError: when mask, noise or budget do not fit.
            NetworkError: when the network's answers cannot be used.
        """
        mask = np.ascontiguousarray(action_mask, np.bool_)
        self._check(root, mask)
        if self.keep and noise is not None and noise.dirichlet is not None:
            raise SearchConfigError(
                "Dirichlet noise would stay in the trees that are kept; leave out noise or keep"
            )
        size = len(mask)
        nodes, rows = self.tree.nodes[:size], self.tree.rows[:size]
        rule = self._allow(rows, budget)
        if self._torn:
            self.forget()
        elif not self.keep:
            rows["size"] = 0
        self._torn = True
        self._grow_roots(nodes, rows, root, mask)
        self._algorithm.perturb(Tree(nodes, rows), self.config, noise or Noise())
        self._run(nodes, rows, rule)
        self._torn = False
        action, q = np.empty(size, np.int64), np.empty(mask.shape, np.float32)
        weights = np.empty(mask.shape, np.float32)
        self._decide(nodes, rows, rule, action, weights, q)
        tree = Tree(nodes, rows)
        return SearchResult(action, weights, tree.root("value").copy(), q, tree)

    def forget(self) -> None:
        """Empties the cache and drops the trees, as a change of weights asks for."""
        self._game.cache.used[:] = False
        self.tree.rows["size"] = 0

    def _check(self, root: Any, mask: NDArray[np.bool_]) -> None:
        """Refuses roots that cannot be searched."""
        if not 1 <= len(mask) <= self.num_rows or mask.shape[1:] != (self.model.num_actions,):
            raise SearchConfigError(
                f"action_mask has shape {mask.shape}; expected (B, {self.model.num_actions}) with "
                f"B from 1 to {self.num_rows}"
            )
        if len(root) != len(mask):
            raise SearchConfigError(f"{len(root)} roots but {len(mask)} masks; give one for each")
        if not mask.any(1).all():
            raise SearchConfigError(
                f"row {int(mask.any(1).argmin())} has no legal action; leave ended rows out"
            )

    def _allow(self, rows: NDArray[Any], budget: NDArray[Any] | None) -> Any:
        """Sets the simulations of each row; gives the rule for them."""
        most = self.config.simulations
        rows["done"], rows["table"], rows["budget"] = 0, 0, most
        if budget is None:
            return self._rule
        budget = np.asarray(budget)
        if budget.shape != rows.shape or budget.min() < 1 or budget.max() > most:
            raise SearchConfigError(
                f"budget must be {rows.size} numbers from 1 to {most}, the config's simulations"
            )
        rows["budget"] = budget
        return self._algorithm.share(self._rule, rows)

    def _grow_roots(self, nodes: Any, rows: Any, root: Any, mask: NDArray[np.bool_]) -> None:
        """Gives every tree its root, as the network sees it."""
        batch = self._batch
        if isinstance(self.model, RulesModel):
            seen = root = np.ascontiguousarray(root, np.uint8)
        else:
            seen = batch.observation
        asked = self._plant(nodes, rows, self._game, batch, seen, mask)
        batch.ledger[:] = 0, asked, self.config.leaves
        if asked:
            outputs = self._evaluator.roots(batch, root, asked)
            self._accept(self._absorb(nodes, self._game, batch, outputs))

    def _run(self, nodes: Any, rows: Any, rule: Any) -> None:
        """Runs all simulations, one call of the network after the other."""
        batch, limit, game = self._batch, len(rows) * self.config.leaves, self._game
        if self._finish is not None:
            outputs = blank(limit, self.model.num_actions, self._evaluator.heads)
            self._accept(self._finish(nodes, rows, rule, game, batch, outputs))
            return
        asked = self._advance(nodes, rows, rule, game, batch, self._none)
        while asked > 0:
            outputs = self._evaluator.ask(batch, asked, limit)
            asked = self._advance(nodes, rows, rule, game, batch, outputs)
        self._accept(asked)

    def _accept(self, status: int) -> None:
        """Refuses what the network answered.

        Raises:
            NetworkError: when a kernel met numbers that are not finite.
        """
        if status < 0:
            raise NetworkError(
                "the network gave logits, a value or a reward that are not finite; look at its "
                "weights and at the learning rate"
            )


def search(
    model: Model,
    root: Any,
    action_mask: NDArray[np.bool_],
    config: SearchConfig,
    noise: Noise | None = None,
) -> SearchResult:
    """Searches once from `B` roots; see `Searcher`, which keeps its memory from search to search.

    Raises:
        SearchConfigError: when config, mask or noise do not fit the model.
        NetworkError: when the network's answers cannot be used.
    """
    return Searcher(model, config, len(action_mask))(root, action_mask, noise)
