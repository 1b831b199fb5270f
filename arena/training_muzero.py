"""The kinds of training by search: `alphazero` has the rules, `muzero` learns them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from agents.trainer import Trainer
from arena import training_start
from arena.training import TrainingConfig
from configs.loader import ConfigError
from muzero import train, warm_start, weights
from muzero.config import TrainConfig
from muzero.train import Beginning


def _validate(kind: str, config: TrainConfig, env: str) -> None:
    """Refuses what cannot be trained.

    Raises:
        ConfigError: when the kind and what it unrolls do not fit.
        SearchConfigError: when the config does not fit the environment.
    """
    if (kind == "muzero") != config.learned:
        raise ConfigError(
            f"kind='{kind}' with train.learner.unroll={config.learner.unroll}; "
            "muzero learns a model, so give at least 1, such as 5; alphazero has the rules, give 0"
        )
    train.validate(config, env)


def _begin(config: TrainingConfig, root: Path) -> Beginning:
    """Gives what a new training is handed; `init` and `openings` are named exactly.

    Raises:
        ConfigError: when it does not fit the training.
        AgentError: when the agent cannot be read.
        RunError: when there is no such run.
    """
    played = training_start.games(config.openings, root, config.env) if config.openings else ()
    network = training_start.network(config.init, config.kind) if config.init else None
    if network is not None:
        try:
            warm_start.check(network, config.env, config.train.network)
        except weights.CheckpointError as error:
            raise ConfigError(f"init={config.init}: {error}") from error
    return Beginning(network, played)


def _trainer(kind: str) -> Trainer:
    return Trainer(
        config=TrainConfig,
        clock="chunks",
        validate=partial(_validate, kind),
        train=train.train,
        jobs=True,
        searches=True,
        begin=_begin,
    )


ALPHAZERO = _trainer("alphazero")
MUZERO = _trainer("muzero")
