"""The contract of every trainer: what a kind of training is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muzero.progress import Progress


@dataclass(frozen=True)
class Trainer:
    """A kind of training: its config and the functions that do it.

    Who plays from its checkpoints is in `agents.trained.KINDS`.
    """

    config: type[Any]
    """A frozen dataclass with a field `seed` and one that is called as `clock` says."""
    clock: str
    """Counter that tells how far a training is, and the config's field that ends it. Checkpoints
    are named by it."""
    validate: Callable[[Any, str], None]
    """`validate(config, env)`: raises a user's mistake for what cannot be trained."""
    train: Callable[..., Iterator[Progress]]
    """`train(config, env, map, store, state, device)`: gives a progress again and again. `state` is
    the parts of a barrier, or what `begin` gave."""
    jobs: bool = False
    """Whether it plays by jobs, which `map` may run anywhere."""
    searches: bool = False
    """Whether its players take the option `simulations`."""
    begin: Callable[[Any, Path], Any] | None = None
    """`begin(training, root)`: gives what a new training is handed by `init` and `openings`, or
    raises a user's mistake; None = it begins from nothing."""

    def total(self, config: Any) -> int:
        """Gives what the clock says at the end of a training."""
        return int(getattr(config, self.clock))
