"""The way between kernels and network. Axes: `B` trees, `R` network rows, `A` actions.

Rows are compact, and padded to a multiple of 32 (or to the most there can be), so that a network
meets few different batch sizes. Padding rows hold anything; their answers are not read.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from muzero.kernels import OFFSET, Batch, Outputs
from muzero.models import CompiledNetwork, LearnedModel, Model, RulesModel

_ROW_STEP = 32


class NetworkError(ValueError):
    """A network that answers in another shape than asked, or with numbers that are not finite."""


class Evaluator(Protocol):
    """Asks a model's network what kernels want to know."""

    def roots(self, batch: Batch, root: Any, asked: int) -> Outputs:
        """Gives the answers for the trees named in the first `asked` rows."""
        ...

    def ask(self, batch: Batch, asked: int, limit: int) -> Outputs:
        """Gives the answers for the first `asked` rows, of `limit` that there can be."""
        ...


def blank(size: int, num_actions: int, heads: int = 0) -> Outputs:
    """Gives room for the answers of a compiled network."""
    return Outputs(
        np.zeros((size, num_actions), np.float32),
        np.zeros(size, np.float32),
        np.zeros(size, np.float32),
        np.zeros((heads, size, num_actions), np.float32),
    )


def _array(name: str, given: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Gives an answer as the kernels read it.

    Raises:
        NetworkError: when it has another shape.
    """
    array = np.ascontiguousarray(given, np.float32)
    if array.shape != shape:
        raise NetworkError(f"the network gave {name} of shape {array.shape}; expected {shape}")
    return array


def padded(asked: int, limit: int | None = None) -> int:
    """Gives the rows that the network is to see for `asked` ones, at most `limit`."""
    rows = -(-asked // _ROW_STEP) * _ROW_STEP
    return rows if limit is None else min(rows, limit)


class RulesEvaluator:
    """Asks for policy and value of observations."""

    heads = 0

    def __init__(self, model: RulesModel) -> None:
        self._network, self._actions = model.network, model.num_actions
        self._none = blank(0, model.num_actions)

    def roots(self, batch: Batch, root: Any, asked: int) -> Outputs:
        """See `Evaluator`."""
        if isinstance(self._network, CompiledNetwork):
            outputs = blank(asked, self._actions)
            batch.observation[:asked] = root[batch.tree[:asked]]
            self._network.function(self._network.weights, batch, asked, outputs)
            return outputs
        return self._answer(root[batch.tree[:asked]])

    def ask(self, batch: Batch, asked: int, limit: int) -> Outputs:
        """See `Evaluator`."""
        return self._answer(batch.observation[: padded(asked, limit)])

    def _answer(self, observation: NDArray[np.uint8]) -> Outputs:
        logits, value = self._network(observation)  # type: ignore[operator]
        size = len(observation)
        return Outputs(
            _array("logits", logits, (size, self._actions)),
            _array("value", value, (size,)),
            self._none.reward,
            self._none.heads,
        )


class LearnedEvaluator:
    """Asks for the latents that follow, and keeps them in one pool of the network's backend."""

    def __init__(self, model: LearnedModel, capacity: int) -> None:
        self._model, self._capacity = model, capacity
        self._pool: Any = None
        self.heads = 0
        self._zeros = blank(capacity, model.num_actions)

    def roots(self, batch: Batch, root: Any, asked: int) -> Outputs:
        """See `Evaluator`."""
        said = self._model.initial(root)
        if self._pool is None or self._pool.dtype != said.latent.dtype:
            shape = (self._capacity, *said.latent.shape[1:])
            create = getattr(said.latent, "new_empty", None)
            self._pool = create(shape) if create else np.empty(shape, said.latent.dtype)
        self.heads = 0 if said.heads is None else 3
        batch.ledger[OFFSET] = 0
        return self._keep(batch, said._replace(reward=None), asked, asked)

    def ask(self, batch: Batch, asked: int, limit: int) -> Outputs:
        """See `Evaluator`."""
        rows = padded(asked, limit)
        if rows > asked:
            batch.slot[asked:rows] = 0
            batch.action[asked:rows] = 0
        latent = self._model.gather(self._pool, batch.slot[:rows])
        said = self._model.recurrent(latent, batch.action[:rows])  # type: ignore[operator]
        return self._keep(batch, said, asked, rows)

    def _keep(self, batch: Batch, said: Any, asked: int, rows: int) -> Outputs:
        """Stores the latents of `asked` rows; gives the answers of `rows` ones."""
        if said.latent.shape[0] != rows:
            raise NetworkError(f"the network gave {said.latent.shape[0]} latents; expected {rows}")
        start = int(batch.ledger[OFFSET])
        self._pool[start : start + asked] = said.latent[:asked]
        batch.ledger[OFFSET] += asked
        actions, zeros = self._model.num_actions, self._zeros
        none, heads = said.reward is None, said.heads
        return Outputs(
            _array("logits", said.logits, (rows, actions)),
            _array("value", said.value, (rows,)),
            zeros.reward[:rows] if none else _array("reward", said.reward, (rows,)),
            zeros.heads if heads is None else _array("heads", heads, (3, rows, actions)),
        )


def evaluator(model: Model, capacity: int) -> RulesEvaluator | LearnedEvaluator:
    """Gives the way to a model's network; a pool of latents holds `capacity` of them."""
    if isinstance(model, RulesModel):
        return RulesEvaluator(model)
    return LearnedEvaluator(model, capacity)
