"""What a training begins from: the weights of an agent, the positions of a run's games.

Both are named exactly before a config is written. Of a run that is `runs/NAME@STEP` and
`run:NAME@COUNT` or `lost:NAME@COUNT`, which say for good what was learned from, as long as the run
is kept: checkpoints keep their steps, and records are append only. What `zoo/NAME` is, another
version may change.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from rich.progress import track

from agents import checkpoint, trained
from arena import runs, screen, value_lost
from arena.match_record import MatchRecord
from arena.records import Records
from configs import loader
from configs.loader import ConfigError
from envs import registry as env_registry
from envs.base import IllegalActionError
from muzero import weights
from muzero.selfplay import Games, parts
from muzero.weights import Network

_GAMES = re.compile(r"(?P<which>run|lost):(?P<run>[^@]+)(@(?P<count>\d+))?")
_BEFORE = 3
"""Plies before a move that lost value from which games begin, too."""


def exact_agent(init: str) -> str:
    """Gives the name of a trained agent with its step.

    Raises:
        ConfigError: when it has no weights.
        AgentError: when there is none of that name.
    """
    found = trained.find(init)
    if found is None:
        raise ConfigError(
            f"init='{init}' has no weights; give zoo/NAME, runs/NAME or its NAME@STEP"
        )
    return found[0]


def network(init: str, kind: str) -> Network:
    """Gives the weights of a trained agent.

    Args:
        init: its exact name.
        kind: of the training.

    Raises:
        ConfigError: when it is of another kind, or cannot be read.
        AgentError: when it is damaged.
    """
    run, _, step = init.rpartition("@")
    if init.startswith("zoo/"):
        folder = trained.ZOO / init.removeprefix("zoo/")
    else:
        folder = checkpoint.at(Path(run), int(step))
    about = checkpoint.manifest(folder)
    if about.kind != kind:
        raise ConfigError(
            f"init={init} has weights of kind '{about.kind}', from which no training of kind "
            f"'{kind}' may start; give an agent of kind '{kind}'"
        )
    try:
        return weights.unpack_network(checkpoint.read(folder, checkpoint.WEIGHTS))
    except weights.CheckpointError as error:
        raise ConfigError(f"init={init}: {error}") from error


def exact_games(openings: str, root: Path) -> str:
    """Gives the name of the games of a run with their number, those that there are now.

    Args:
        openings: `run:NAME` or `lost:NAME`, or `NAME@COUNT` for its first games.
        root: folder of the runs.

    Raises:
        ConfigError: when the text is no such name, or the run has fewer games.
        RunError: when there is no such run.
    """
    match = _GAMES.fullmatch(openings)
    if match is None:
        near = loader.closest(openings, [f"run:{name}" for name in runs.names(root)])
        raise ConfigError(
            f"openings='{openings}'{near or '; write run:NAME or lost:NAME, a run with games'}"
        )
    with Records.read(runs.existing(root, match["run"])) as records:
        there = records.count()
    count = there if match["count"] is None else int(match["count"])
    if count > there:
        raise ConfigError(f"openings={openings}: the run has {there} games; give at most that")
    return f"{match['which']}:{match['run']}@{count}"


def games(openings: str, root: Path, env: str) -> Games:
    """Gives the games of a run as their actions from the beginning, in the order of the records.

    Of `lost:NAME` they end with the first move of each player that lost value, by the solver, and
    begin three plies before it.

    Args:
        openings: their exact name.
        root: folder of the runs.
        env: which games; those of others are left out.

    Raises:
        ConfigError: when there are none, one breaks the rules, or none lost value.
        RunError: when there is no such run.
        MovesError: on `lost:` with games that cannot be solved.
    """
    match, wanted = _GAMES.fullmatch(openings), env_registry.canonical(env)
    assert match is not None, "an exact name"
    folder, count = runs.existing(root, match["run"]), int(match["count"])
    if match["which"] == "lost":
        found: Games = _lost(folder, count, wanted)
    else:
        found = [[*e.start, *e.actions] for e in _episodes(folder, count, wanted)]
    if not found:
        raise ConfigError(
            f"openings={openings}: no move of these games lost value; give run:{match['run']}"
        )
    _check(found, openings, wanted)
    return found


def _episodes(folder: Path, count: int, env: str) -> list[MatchRecord]:
    """Gives those of the first `count` games of a run that are of an env, with a move at least.

    Raises:
        ConfigError: when there are none.
    """
    with Records.read(folder) as records:
        episodes = list(records.episodes("episode.number <= ?", (count,)))
    found = [one for one in episodes if one.env == env and (one.start or one.actions)]
    if not found:
        others = sorted({episode.env for episode in episodes})
        has = f"did you mean env={' or '.join(others)}?" if others else "it has none at all."
        raise ConfigError(
            f"openings: no games of {env} in run '{folder.name}'; {has} Or choose another run"
        )
    return found


@lru_cache(maxsize=4)
def _lost(folder: Path, count: int, env: str) -> tuple[tuple[Sequence[int], Sequence[int]], ...]:
    """Gives games up to their moves that lost value, as what is always played and what follows.

    Raises:
        ConfigError: as `_episodes`.
        MovesError: when they cannot be solved.
    """
    episodes, found = _episodes(folder, count, env), list[tuple[Sequence[int], Sequence[int]]]()
    console = screen.console(stderr=True)
    for one in track(episodes, "looking for lost value", console=console, transient=True):
        played = [*one.start, *one.actions]
        for lost in value_lost.first(one)[0]:
            begin = max(lost.move - 1 - _BEFORE, 0)
            found.append((played[:begin], played[begin : lost.move]))
    return tuple(found)


def _check(found: Games, openings: str, env: str) -> None:
    """Plays all games but their last actions.

    Raises:
        ConfigError: when one breaks the rules, or ends too soon.
    """
    rows, halves = np.arange(len(found)), [parts(game) for game in found]
    starts = [(*given, *rest[:-1]) for given, rest in halves]
    try:
        env_registry.make_vector(env, len(found)).reset(rows, rows, starts)
    except IllegalActionError as error:
        raise ConfigError(
            f"openings={openings}: a game does not follow the rules of {env} ({error}); choose "
            "another run"
        ) from error
