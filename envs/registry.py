"""Environments by id. A family of ids is a pattern and a `module:attr`, imported on first use."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, partial
from importlib import import_module
from typing import NamedTuple

from envs import atari_games
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
    make_recorded: Callable[[EnvSpec, int], VectorEnv]
    """Gives an env of so many rows in this process alone, for episodes that are recorded."""
    openings: Callable[[EnvSpec, int], list[tuple[int, ...]]]
    """Gives all fair starts of so many actions, at least 0, in a fixed order."""
    action_name: Callable[[EnvSpec, int], str]
    """Gives what people call an action."""
    draw: Callable[[EnvSpec, Sequence[int], bool], str] | None = None
    """Gives the moment after actions as text, with ANSI colours if True; None where actions alone
    do not tell the moment."""
    group: Callable[[str], tuple[str, ...] | None] = lambda name: None
    """Gives the canonical ids that a name stands for, None where it names no group."""


class Listing(NamedTuple):
    """A family as the registry lists it."""

    id: str
    """The id that stands for the family."""
    summary: str
    """One line for people."""
    matches: Callable[[str], object]
    """Tells, by something true, whether an id is of the family, also one that has faults."""
    examples: tuple[str, ...]
    """Ids for people to begin with."""
    names: tuple[str, ...]
    """More ids, or what they begin with, that a typo is compared with."""
    target: str
    """`module:attr` of its `Family`."""
    groups: tuple[str, ...] = ()
    """Names that stand for several ids."""


_LISTINGS = (
    Listing(
        id="connectx",
        summary="Connect X, 7 columns x 6 rows x 4 in a row; connectx-5x4x3 and so on: other sizes",
        matches=re.compile(r"connectx(-\d+x\d+x\d+)?").fullmatch,
        examples=("connectx", "connectx-5x4x3"),
        names=(),
        target="envs.connectx.family:FAMILY",
    ),
    Listing(
        id="atari",
        summary=f"{len(atari_games.MINIMAL)} Atari games, played alone: pong or ALE/Pong-v5, "
        "pong@nature by the older protocol",
        matches=atari_games.matches,
        examples=("pong", "ALE/Pong-v5@nature"),
        names=(*atari_games.MINIMAL, *atari_games.TWO_PLAYERS, *atari_games.GROUPS),
        target="envs.atari_family:FAMILY",
        groups=tuple(atari_games.GROUPS),
    ),
    Listing(
        id="catch",
        summary="a ball falls and a paddle catches it, played alone and seen as pictures",
        matches=re.compile("catch").fullmatch,
        examples=("catch",),
        names=(),
        target="envs.catch:FAMILY",
    ),
    Listing(
        id="cartpole",
        summary="a pole on a cart is kept upright, played alone and seen as four numbers",
        matches=re.compile("cartpole").fullmatch,
        examples=("cartpole",),
        names=(),
        target="envs.cartpole:FAMILY",
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


def make_recorded(id: str, num_rows: int) -> VectorEnv:
    """Gives an env of `num_rows` episodes that are recorded. Raises as `spec`.

    It stays in this process and its `digest` and `starts` are those of single envs.
    """
    return _family(id).make_recorded(spec(id), num_rows)


def group(name: str) -> tuple[str, ...] | None:
    """Gives the canonical ids that a name such as `atari-5` or `atari-57@nature` stands for.

    None for every other name, that of a single env among them.

    Raises:
        EnvOptionError: when the name of a group has an option that does not exist.
    """
    found = (listing for listing in _LISTINGS if listing.matches(name))
    return next((_load(listing.target).group(name) for listing in found), None)


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

    Raises:
        EnvOptionError: when actions alone do not tell the moment, see `draws`; else as `spec`.
    """
    found, family = spec(id), _family(id)
    if family.draw is None:
        raise EnvOptionError(
            f"{found.id} cannot be drawn from its actions, which do not tell what chance did; "
            "play the episode again under its seed and ask Env.render"
        )
    return partial(family.draw, found)


def draws(id: str) -> bool:
    """Tells whether `draw` can draw an env. Raises as `spec`."""
    spec(id)
    return _family(id).draw is not None


def action_name(id: str) -> Callable[[int], str]:
    """Gives the function `action -> name` with the names people use, such as columns from 1."""
    return partial(_family(id).action_name, spec(id))


def _family(id: str) -> Family:
    for listing in _LISTINGS:
        if listing.matches(id):
            return _load(listing.target)
    examples = [example for listing in _LISTINGS for example in listing.examples]
    names = [name for listing in _LISTINGS for name in (*listing.examples, *listing.names)]
    near = get_close_matches(id.lower(), names, 1, 0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(examples)}"
    raise UnknownEnvError(f"unknown environment '{id}'; {hint}")


@cache
def _load(target: str) -> Family:
    module, attr = target.split(":")
    family = getattr(import_module(module), attr)
    assert isinstance(family, Family)
    return family
