"""Recorded episodes, played again: the same moments, and whether they are the recorded ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np

from arena.match import DIGEST_EVERY
from arena.match_record import MatchRecord
from envs import registry
from envs.base import Env, IllegalActionError, Start, TimeStep

_MAKES = {"rom_md5": "ROM", "ale_py": "ale-py"}
"""Options of an env that name what plays it, with what people call them."""


class ForeignRecordError(ValueError):
    """An episode that something else than what is installed here has played."""


def begin(record: MatchRecord, env: Env | None = None) -> tuple[Env, TimeStep]:
    """Gives an env at the first moment of an episode, and that moment.

    Args:
        record: of the episode.
        env: one of the record's kind that may be used; None = a new one.

    Raises:
        ForeignRecordError: when it was recorded with another ROM or emulator.
        IllegalActionError: when its start cannot be played.
    """
    spec = registry.spec(record.env)
    for option, name in _MAKES.items():
        found, here = record.options.get(option), spec.options.get(option)
        if found is not None and found != here:
            raise ForeignRecordError(
                f"episode {record.number} of {record.env} was recorded with {name} {found}, here "
                f"is {here}; only the same plays it again"
            )
    env = env or registry.make(record.env)
    return env, env.reset(record.seed, start(record))


def moments(record: MatchRecord) -> Iterator[TimeStep]:
    """Gives the moments of an episode, the first one and that after every action.

    Raises:
        ForeignRecordError: as `begin`.
        IllegalActionError: when an action is not allowed.
    """
    env, step = begin(record)
    yield step
    for action in record.actions:
        yield env.step(action)


Follow = Callable[[Env, TimeStep], None]
"""Told every moment of an episode that is played again."""


def difference(record: MatchRecord, follow: Follow | None = None) -> str | None:
    """Gives how an episode differs from its record when it is played again; None = it does not.

    Args:
        record: of the episode.
        follow: told the first moment, and that after every action until a difference is found.

    Raises:
        ForeignRecordError: as `begin`.
    """
    try:
        env, step = begin(record, None if follow else _spare(record.env))
    except IllegalActionError as error:
        return f"its start cannot be played: {error}"
    follow = follow or _ignore
    follow(env, step)
    returns = np.zeros(env.spec.num_players)
    *along, last = [record.digests[k : k + 8] for k in range(0, len(record.digests), 8)] or [b""]
    if len(along) != _digests_along(record):
        return f"{len(along)} digests on the way, expected {_digests_along(record)}"
    for number, action in enumerate(record.actions, 1):
        try:
            step = env.step(action)
        except IllegalActionError as error:
            return f"action {number} cannot be played: {error}"
        follow(env, step)
        returns += step.rewards
        place, between = divmod(number, DIGEST_EVERY)
        if not between and place <= len(along) and env.digest() != along[place - 1]:
            same = number - DIGEST_EVERY
            return f"it goes another way between the actions {same} and {number}"
    if tuple(returns.tolist()) != record.returns:
        return f"the returns are {_numbers(returns.tolist())}, not {_numbers(record.returns)}"
    if env.digest() != last:
        return "the last state is another one"
    if record.blame is None and not step.last:
        return "it does not end where the record does"
    return None


@lru_cache(maxsize=4)
def _spare(env: str) -> Env:
    """Gives an env that is used again and again: an emulator takes a tenth of a second to start."""
    return registry.make(env)


def _ignore(env: Env, step: TimeStep) -> None:
    """Follows nothing."""


def _digests_along(record: MatchRecord) -> int:
    """Gives the digests before the last; where an episode ends by the rules it is noted once."""
    by_rules = record.blame is None
    return max(len(record.actions) - by_rules, 0) // DIGEST_EVERY


def _numbers(values: tuple[float, ...] | list[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def start(record: MatchRecord) -> Start | None:
    """Gives where an episode begins: a saved state in solo play, else the actions played first."""
    if not record.start:
        return None
    return record.start if len(record.agents) == 1 else list(record.start)
