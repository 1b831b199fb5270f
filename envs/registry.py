"""Environments by id. A family of ids is a pattern and a `module:attr`, imported on first use."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, partial
from importlib import import_module
from typing import NamedTuple

from envs.base import Env, EnvOptionError, EnvSpec, VectorEnv


class UnknownEnvError(ValueError):
    """An id that no family of environments knows."""


@dataclass(frozen=True)
class Family:
    """What a family of environments offers; its module holds one."""

    spec: Callable[[str], EnvSpec]
    """Gives the spec of an id that matches the pattern; EnvOptionError if there is no such env."""
    make: Callable[[EnvSpec], Env]
    """Gives an env for one episode at a time."""
    make_vector: Callable[[EnvSpec, int], VectorEnv]
    """Gives an env of so many rows."""
    openings: Callable[[EnvSpec, int], list[tuple[int, ...]]]
    """Gives all fair starts of so many actions, at least 0, in a fixed order."""
    draw: Callable[[EnvSpec, Sequence[int], bool], str]
    """Gives the moment after actions as text, with ANSI colours if True."""
    action_name: Callable[[EnvSpec, int], str]
    """Gives what people call an action."""


class Listing(NamedTuple):
    """A family as the registry lists it."""

    id: str
    """The id that stands for the family."""
    summary: str
    """One line for people."""
    pattern: str
    """Regular expression that ids of the family match as a whole."""
    examples: tuple[str, ...]
    """Ids that a typo is compared with."""
    target: str
    """`module:attr` of its `Family`."""


_LISTINGS = (
    Listing(
        id="connectx",
        summary="Connect X, 7 columns x 6 rows x 4 in a row; connectx-5x4x3 and so on: other sizes",
        pattern=r"connectx(-\d+x\d+x\d+)?",
        examples=("connectx", "connectx-5x4x3"),
        target="envs.connectx.family:FAMILY",
    ),
)


def ids() -> list[Listing]:
    """Gives the families, each with its id and a one-line summary."""
    return list(_LISTINGS)


def spec(id: str) -> EnvSpec:
    """Gives what must be known of an environment before it starts.

    Raises:
        UnknownEnvError: when no family knows the id.
        EnvOptionError: when the id names options that no environment can have.
    """
    return _family(id).spec(id)


def canonical(id: str) -> str:
    """Gives the one id of these rules: `connectx` for `connectx-7x6x4`. Raises as `spec`."""
    return spec(id).id


def make(id: str) -> Env:
    """Gives an env for one episode at a time. Raises as `spec`."""
    return _family(id).make(spec(id))


def make_vector(id: str, num_rows: int) -> VectorEnv:
    """Gives an env of `num_rows` episodes side by side. Raises as `spec`."""
    return _family(id).make_vector(spec(id), num_rows)


def openings(id: str, plies: int) -> list[tuple[int, ...]]:
    """Gives all fair starts of `plies` actions, in a fixed order and distinct.

    Raises:
        EnvOptionError: when `plies` is negative, too many, or leaves no game to play.
    """
    if plies < 0:
        raise EnvOptionError(f"openings of {plies} plies do not exist; give 0 or more")
    return _family(id).openings(spec(id), plies)


def draw(id: str) -> Callable[[Sequence[int], bool], str]:
    """Gives the function `(actions, colour) -> text` that draws the moment after actions.

    `colour` asks for ANSI colours. That function raises IllegalActionError for illegal actions.
    """
    return partial(_family(id).draw, spec(id))


def action_name(id: str) -> Callable[[int], str]:
    """Gives the function `action -> name` with the names people use, such as columns from 1."""
    return partial(_family(id).action_name, spec(id))


def _family(id: str) -> Family:
    for listing in _LISTINGS:
        if re.fullmatch(listing.pattern, id):
            return _load(listing.target)
    examples = [example for listing in _LISTINGS for example in listing.examples]
    near = get_close_matches(id.lower(), examples, 1, 0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(examples)}"
    raise UnknownEnvError(f"unknown environment '{id}'; {hint}")


@cache
def _load(target: str) -> Family:
    module, attr = target.split(":")
    family = getattr(import_module(module), attr)
    assert isinstance(family, Family)
    return family
