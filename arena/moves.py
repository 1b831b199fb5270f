"""Connect X moves as people write them: columns from 1, `4453` or, for wide boards, `10,4,5`."""

from __future__ import annotations

from collections.abc import Sequence

from envs import registry as env_registry
from envs.base import IllegalActionError, TimeStep


class MovesError(ValueError):
    """Moves that cannot be played."""


def read(text: str, env: str) -> tuple[int, ...]:
    """Gives the actions that `text` names, from 0.

    Raises:
        MovesError: when one is no column of `env`.
    """
    columns = env_registry.spec(env).num_actions
    words = text.split(",") if "," in text else list(text)
    for place, word in enumerate(words):
        if not (word.isascii() and word.isdigit() and 1 <= int(word) <= columns):
            raise MovesError(
                f"move {place + 1} of {text!r} is {word!r}; expected a column from 1 to {columns}"
            )
    return tuple(int(word) - 1 for word in words)


def write(actions: Sequence[int]) -> str:
    """Gives the text that `read` takes for actions."""
    names = [str(action + 1) for action in actions]
    return ",".join(names) if any(len(name) > 1 for name in names) else "".join(names)


def play(actions: Sequence[int], env: str) -> TimeStep:
    """Gives the running position after `actions`.

    Raises:
        MovesError: when a column is full, or the game ends before or with the last move.
    """
    game = env_registry.make(env)
    step = game.reset(0)
    for place, action in enumerate(actions):
        where = f"move {place + 1} of {write(actions)!r}"
        if step.last:
            raise MovesError(f"{where} comes after the game's end; leave it out")
        try:
            step = game.step(action)
        except IllegalActionError:
            raise MovesError(f"{where}: column {action + 1} is full; choose another") from None
    if step.last:
        raise MovesError(f"the game is over after {write(actions)!r}; leave out the last move")
    return step
