"""Episodes of Kaggle's Connect X as records: who played, all moves, how it ended."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from arena.match_record import MatchRecord
from envs import registry
from envs.base import EnvOptionError, IllegalActionError

VERSION = 1
"""Of the form that episodes are written in."""
_MOST_BYTES = 50_000_000
_ENDINGS = {"INVALID": "illegal", "ERROR": "error", "TIMEOUT": "timeout"}
"""Kaggle's status of who is to blame, to what records call it."""
_NAME = 60


class EpisodeFileError(ValueError):
    """A file that is no whole episode of Connect X."""


def read(file: Path) -> MatchRecord:
    """Gives the record of an episode file; its players are `import:NAME`.

    Raises:
        EpisodeFileError: when it is missing, cut off, of another competition or version, or tells
            of a game that does not follow the rules.
    """
    try:
        size = file.stat().st_size
        data = file.read_bytes() if size <= _MOST_BYTES else b""
    except OSError as error:
        raise EpisodeFileError(f"cannot read '{file}': {error.strerror}") from error
    if size > _MOST_BYTES:
        raise EpisodeFileError(f"'{file}' has {size:,} bytes; no episode of Connect X is so large")
    try:
        tree = json.loads(data)
    except ValueError as error:
        raise EpisodeFileError(
            f"'{file}' is cut off or no JSON ({error}); fetch it again"
        ) from error
    try:
        return record(tree)
    except EpisodeFileError as error:
        raise EpisodeFileError(f"'{file}': {error}") from error
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise EpisodeFileError(
            f"'{file}' is no whole episode ({type(error).__name__}: {error}); fetch it again"
        ) from error


def record(tree: Mapping[str, Any]) -> MatchRecord:
    """Gives the record of an episode as Kaggle writes it.

    Raises:
        EpisodeFileError: as `read`.
        KeyError: and other errors of lookups, when something is missing or of another kind.
    """
    if not isinstance(tree, Mapping) or "steps" not in tree or "name" not in tree:
        raise EpisodeFileError("it is no episode of Kaggle; expected `name` and `steps`")
    if tree["name"] != "connectx":
        raise EpisodeFileError(f"it is of '{tree['name']}'; only connectx can be imported")
    if tree.get("schema_version") != VERSION:
        raise EpisodeFileError(
            f"it has version {tree.get('schema_version')}, expected {VERSION}; update the arena"
        )
    env_id = _env(tree["configuration"])
    steps, env = tree["steps"], registry.make(env_id)
    actions, step = bytearray(), env.reset(0)
    returns = np.zeros(2)
    statuses = [one["status"] for one in steps[-1]]
    blame = next((seat for seat in (0, 1) if statuses[seat] in _ENDINGS), None)
    last = len(steps) - 1 if blame is None else len(steps) - 2
    for number in range(1, last + 1):
        action = steps[number][(number - 1) % 2]["action"]
        try:
            step = env.step(action)
        except (IllegalActionError, TypeError) as error:
            raise EpisodeFileError(f"move {number} breaks the rules ({error})") from error
        actions.append(action)
        returns += step.rewards
    _check_end(tree, steps[-1], step, returns, blame)
    return MatchRecord(
        env=env_id,
        agents=_players(tree),
        seed=0,
        start=b"",
        actions=bytes(actions),
        returns=(float(returns[0]), float(returns[1])),
        digests=env.digest(),
        termination="terminated" if blame is None else _ENDINGS[statuses[blame]],
        blame=blame,
        fault=None if blame is None else f"status {statuses[blame]} on Kaggle",
        purpose="import",
        source=_source(tree, bytes(actions)),
        options=env.spec.options,
    )


def _env(configuration: Mapping[str, Any]) -> str:
    size = [configuration[name] for name in ("columns", "rows", "inarow")]
    try:
        return registry.canonical("connectx-" + "x".join(str(int(number)) for number in size))
    except EnvOptionError as error:
        raise EpisodeFileError(f"its board cannot be played here ({error})") from error


def _check_end(
    tree: Mapping[str, Any], states: Any, step: Any, returns: Any, blame: int | None
) -> None:
    """Compares the end of a game played again with what the file says.

    Raises:
        EpisodeFileError: when they differ.
    """
    board = states[0]["observation"]["board"]
    discs = int(step.observation.sum())
    if sum(mark != 0 for mark in board) != discs:
        raise EpisodeFileError(f"its last board has not the {discs} discs of its moves")
    if blame is not None:
        return
    if not step.last:
        raise EpisodeFileError("its game is not over; it was cut off, or ended by a limit of steps")
    rewards = [float(reward) for reward in tree["rewards"]]
    if rewards != returns.tolist():
        raise EpisodeFileError(f"its rewards are {rewards}, but its moves give {returns.tolist()}")


def _players(tree: Mapping[str, Any]) -> tuple[str, str]:
    """Gives the players by seat, under the names of their teams."""
    info = tree.get("info") or {}
    names = info.get("TeamNames") or [agent.get("Name", "") for agent in info.get("Agents", [])]
    names = [str(name) for name in names][:2] if len(names) >= 2 else ["", ""]
    clean = ["".join(c for c in name if c.isprintable()).strip()[:_NAME] for name in names]
    return (
        f"import:{clean[0] or 'first'}",
        f"import:{clean[1] or 'second'}",
    )


def _source(tree: Mapping[str, Any], actions: bytes) -> str:
    """Gives an id by which the same episode is noticed again."""
    info = tree.get("info") or {}
    named = info.get("EpisodeId") or tree.get("id")
    if named:
        return f"kaggle:{named}"
    return f"kaggle:sha256-{hashlib.sha256(repr(_players(tree)).encode() + actions).hexdigest()}"
