"""One game as a document that a page can play."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from arena import replaying, thoughts
from arena.board import games, shelf
from arena.board.shelf import MissingError
from arena.match_record import MatchRecord
from arena.records import EpisodeNotFoundError, Records, RecordsError
from arena.thoughts import Thought, ThoughtsError
from envs import registry
from envs.base import EnvOptionError
from envs.registry import UnknownEnvError

_SIZE = ("columns", "rows", "inarow")


def load(run: Path, number: int) -> tuple[MatchRecord, bytes | None]:
    """Gives a recorded episode, and what its players thought as it is stored.

    Raises:
        MissingError: when the run holds no such episode.
        RecordsError: when it is damaged.
    """
    with shelf.reading(run) as connection:
        records = shelf.records(run, connection)
        return _load(records, number), records.search(number)


def document(run: Path, number: int) -> dict[str, Any]:
    """Gives everything that is stored of an episode, with what its board looks like.

    `kind` is `board` or `film`; `opening` and `actions` are actions from 0, `names` what people
    call them, `thoughts` what was thought before each action, `before` and `after` the numbers of
    the episodes beside it. A record that nothing here can play has a `problem` instead of `kind`.

    Raises:
        MissingError: as `load`.
        RecordsError: as `load`.
    """
    with shelf.reading(run) as connection:
        records = shelf.records(run, connection)
        record = _load(records, number)
        before, after = games.neighbours(connection, number)
        try:
            found = described(record, records.search(number))
        except RecordsError as error:
            found = {**described(record, None), "thoughts_problem": str(error)}
    return {**found, "run": run.name, "before": before, "after": after}


def _load(records: Records, number: int) -> MatchRecord:
    try:
        return records.episode(number)
    except EpisodeNotFoundError as error:
        raise MissingError(str(error)) from error


def described(record: MatchRecord, search: bytes | None) -> dict[str, Any]:
    """Gives the document of an episode without its place among others."""
    found: dict[str, Any] = {
        "number": record.number,
        "env": record.env,
        "agents": list(record.agents),
        "returns": list(record.returns),
        "termination": record.termination,
        "blame": record.blame,
        "fault": record.fault,
        "purpose": record.purpose,
        "rated": record.rated,
        "seed": str(record.seed),
        "actions": list(record.actions),
        "opening": [],
        **_thoughts(search),
    }
    try:
        spec = registry.spec(record.env)
    except (UnknownEnvError, EnvOptionError) as error:
        return {**found, "problem": str(error)}
    name = registry.action_name(record.env)
    found["names"] = [name(action) for action in range(spec.num_actions)]
    if registry.draws(record.env) and set(_SIZE) <= spec.options.keys():
        size = {key: spec.options[key] for key in _SIZE}
        return {**found, **size, "kind": "board", "opening": list(record.start)}
    try:
        replaying.begin(record)
    except ValueError as error:  # of another emulator, or a start that cannot be played
        return {**found, "problem": str(error)}
    return {**found, "kind": "film"}


def _thoughts(search: bytes | None) -> dict[str, Any]:
    """Gives `thoughts`, an object or None a move; where they are damaged, what is wrong."""
    if search is None:
        return {"thoughts": []}
    try:
        found = thoughts.unpack(search)
    except ThoughtsError as error:
        return {"thoughts": [], "thoughts_problem": str(error)}
    return {"thoughts": [None if thought is None else _said(thought) for thought in found]}


def _said(thought: Thought) -> dict[str, Any]:
    fields = {name: value for name, value in thought._asdict().items() if value is not None}
    return {name: _rounded(value) for name, value in fields.items()}


def _rounded(value: Any) -> Any:
    """Gives numbers with as many digits as a reader sees."""
    if isinstance(value, list):
        return [_rounded(entry) for entry in value]
    return round(value, 3) if isinstance(value, float) else value
