"""Players by name: `NAME[:option=value[,option=value...]]`.

Options are what follows the last colon if it contains `=`; they are the keyword-only parameters of
the player's constructor. A name is one of `kinds()`, or `module:Class` for a player of your own.
Modules are imported on use, so naming a player costs nothing.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import math
import re
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Union, get_args, get_origin

from agents.base import AgentError, Player

Value = int | float | str | bool
_USER_CLASS = re.compile(r"(?P<module>[A-Za-z_][\w.]*):(?P<attr>[A-Za-z_]\w*)")
_MEANING = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


class AgentSpec(NamedTuple):
    """A player's name taken apart; nothing is checked but its grammar."""

    head: str
    """What comes before the options."""
    options: Mapping[str, str]
    """Option to value, as typed."""

    def __str__(self) -> str:
        """Gives the text that parses to this."""
        tail = ",".join(f"{name}={value}" for name, value in self.options.items())
        return f"{self.head}:{tail}" if tail else self.head


class Kind(NamedTuple):
    """One line of the list of players."""

    agent: str
    """The name as typed, capitals where a value goes."""
    kind: str
    """The name without options."""
    env: str
    """Pattern of the environment ids that it plays, `*` for any text."""
    card: str
    """What it is, in one line."""


class Found(NamedTuple):
    """What a head stands for."""

    head: str
    """The head as it is recorded."""
    build: Callable[..., Player]
    """Makes the player; its keyword-only parameters are the options."""


_TARGETS = {
    "random": "agents.random:RandomPlayer",
    "one-ply": "agents.one_ply:OnePlyPlayer",
    "negamax": "agents.negamax:NegamaxPlayer",
    "mcts": "agents.mcts:MctsPlayer",
    "solver": "agents.solver:SolverPlayer",
    "repeat": "agents.repeat:RepeatPlayer",
    "follow-ball": "agents.follow_ball:FollowBallPlayer",
    "kaggle:random": "agents.kaggle_builtin:random_player",
    "kaggle:negamax": "agents.kaggle_builtin:negamax_player",
}
_KINDS = (
    Kind("random", "random", "*", "any legal action, all alike"),
    Kind("one-ply", "one-ply", "connectx*", "wins if it can, blocks if it must, else random"),
    Kind("negamax:depth=N", "negamax", "connectx*", "alpha-beta search, N plies deep"),
    Kind("negamax:seconds=S", "negamax", "connectx*", "alpha-beta search for S seconds a move"),
    Kind("mcts:simulations=N", "mcts", "connectx*", "tree search by N random play-outs a move"),
    Kind("solver", "solver", "connectx*", "perfect play; on large boards a proven bound's best"),
    Kind("repeat:action=N", "repeat", "*", "action N all the time, or the next legal one above it"),
    Kind("follow-ball", "follow-ball", "ALE/Pong-v5*", "catches the ball, from pixels alone"),
    Kind("follow-ball", "follow-ball", "ALE/Breakout-v5*", "catches the ball, from pixels alone"),
    Kind("kaggle:random", "kaggle:random", "connectx*", "the interpreter's own random agent"),
    Kind("kaggle:negamax", "kaggle:negamax", "connectx*", "the interpreter's own negamax, 4 deep"),
)


def kinds() -> tuple[Kind, ...]:
    """Gives every kind of player that has a name here."""
    return _KINDS


def parse(text: str) -> AgentSpec:
    """Gives the head and the options of a name.

    Raises:
        AgentError: when the head is empty, or an option is empty, twice there or without a value.
    """
    head, colon, tail = text.strip().rpartition(":")
    if not colon or "=" not in tail:
        head, tail = text.strip(), ""
    if not head:
        raise AgentError(f"no player in {text!r}; expected NAME[:option=value,...]")
    options: dict[str, str] = {}
    for part in tail.split(",") if tail else ():
        name, _, value = (piece.strip() for piece in part.partition("="))
        if not name or not value:
            raise AgentError(f"cannot read {part!r} in {text!r}; expected option=value")
        if name in options:
            raise AgentError(f"option {name!r} stands twice in {text!r}; give it once")
        options[name] = value
    return AgentSpec(head, options)


def canonical(text: str) -> str:
    """Gives the one name that a player is recorded under; equal names mean equal players.

    Options come in the order of the constructor, values are written in one way, and options at
    their defaults are left out. The player is made and thrown away, so this refuses what `make`
    refuses.

    Raises:
        AgentError: when no player can be made from `text`.
    """
    found, options, _ = _make(text)
    order = parameters(found.build)
    written = {
        name: _written(options[name])
        for name, parameter in order.items()
        if name in options and options[name] != parameter.default
    }
    return str(AgentSpec(found.head, written))


def make(text: str) -> Player:
    """Makes the player that `text` names.

    Raises:
        AgentError: when the name is unknown, an option is unknown, missing or impossible, or a
            user's module cannot be imported.
    """
    return _make(text)[2]


def resolve(text: str) -> tuple[Found, dict[str, Value]]:
    """Gives what makes the player that `text` names, and the options that `text` gives it.

    Raises:
        AgentError: as `make`, but for options that the player itself refuses.
    """
    spec = parse(text)
    found = _find(spec.head)
    return found, _converted(spec, parameters(found.build))


def _make(text: str) -> tuple[Found, dict[str, Value], Player]:
    spec = parse(text)
    found, options = resolve(text)
    try:
        player = found.build(**options)
    except AgentError:
        raise
    except ValueError as error:
        raise AgentError(f"cannot make {text!r}: {error}; choose another value") from error
    lacking = [
        name for name in ("max_batch", "digest", "reset", "act") if not hasattr(player, name)
    ]
    if lacking:
        raise AgentError(
            f"{spec.head!r} is not a player: it lacks {', '.join(lacking)}; see agents/base.py"
        )
    return found, options, player


def _find(head: str) -> Found:
    for resolve in _RESOLVERS:
        if found := resolve(head):
            return found
    typed: dict[str, str] = {}
    for kind in _KINDS:
        typed.setdefault(kind.kind, kind.agent)
    named = ", ".join(kind.agent for kind in _KINDS)
    expected = f"; expected one of {named}, path/to/main.py, or module:Class for your own"
    raise AgentError(f"unknown agent {head!r}{_hint(head, typed, typed) or expected}")


def _registered(head: str) -> Found | None:
    if head not in _TARGETS:
        return None
    module, _, attr = _TARGETS[head].partition(":")
    return Found(head, getattr(importlib.import_module(module), attr))


def _file(head: str) -> Found | None:
    """Finds `path/to/main.py` and `path/to/submission.tar.gz`."""
    if not head.lower().endswith((".py", ".tar.gz", ".tgz")):
        return None
    named = importlib.import_module("agents.kaggle").find(head)
    return Found(*named) if named else None


def _trained(head: str) -> Found | None:
    """Finds `zoo/NAME`, `runs/NAME` and `runs/NAME@STEP`."""
    if "/" not in head:
        return None
    named = importlib.import_module("agents.trained").find(head)
    return Found(*named) if named else None


def _user_class(head: str) -> Found | None:
    """Finds `module:Class` on `sys.path`, the current folder included, after all else."""
    match = _USER_CLASS.fullmatch(head)
    if match is None or head.startswith("kaggle:"):
        return None
    name, attr = match["module"], match["attr"]
    if name in _TARGETS:
        raise AgentError(f"option {attr!r} for {name} needs a value; write {name}:{attr}=VALUE")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(name)
    except Exception as error:
        raise AgentError(_import_fault(head, name, error)) from error
    if not callable(build := getattr(module, attr, None)):
        public = [word for word in vars(module) if not word.startswith("_")]
        where = getattr(module, "__file__", None) or "built in"
        hint = _hint(attr, public) or "; expected the name of a class in it"
        raise AgentError(f"module {name!r} ({where}) has no class {attr!r}{hint}")
    return Found(head, build)


_RESOLVERS: tuple[Callable[[str], Found | None], ...] = (
    _registered,
    _file,
    _trained,
    _user_class,
)
"""Asked in this order; each gives None for heads that are not its own."""


def _import_fault(head: str, name: str, error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and name.split(".")[0] == error.name:
        hint = _hint(head, _TARGETS) or _hint(name, [path.stem for path in Path.cwd().glob("*.py")])
        return f"no module {name!r} here or on sys.path{hint or '; run from the folder it is in'}"
    return f"cannot import {name!r}: {type(error).__name__}: {error}; mend the module"


def parameters(build: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Gives the options of a constructor, in its order."""
    parameters = inspect.signature(build, eval_str=True).parameters
    return {name: p for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}


def _converted(spec: AgentSpec, known: Mapping[str, inspect.Parameter]) -> dict[str, Value]:
    for name in spec.options:
        if not known:
            raise AgentError(f"{spec.head} takes no options, got {name!r}; leave it out")
        if name not in known:
            hint = _hint(name, known) or f"; expected {' or '.join(known)}"
            raise AgentError(f"unknown option {name!r} for {spec.head}{hint}")
    for name, parameter in known.items():
        if parameter.default is parameter.empty and name not in spec.options:
            raise AgentError(f"{spec.head} needs {name}; write {spec.head}:{name}=VALUE")
    return {
        name: _value(spec.head, name, text, _type(known[name]))
        for name, text in spec.options.items()
    }


def _type(parameter: inspect.Parameter) -> type:
    """Gives the type of an option: the one beside None in its annotation, else its default's."""
    wanted = parameter.annotation
    if get_origin(wanted) in (Union, types.UnionType):
        wanted = next(part for part in get_args(wanted) if part is not types.NoneType)
    if wanted in _MEANING:
        return wanted  # type: ignore[no-any-return]
    return type(parameter.default) if type(parameter.default) in _MEANING else str


def _value(head: str, name: str, text: str, wanted: type) -> Value:
    if wanted is bool and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if wanted is int and re.fullmatch(r"[+-]?[0-9]+", text):
        return int(text)
    if wanted is float and re.fullmatch(r"[+-]?[0-9.]+(e[+-]?[0-9]+)?", text, re.IGNORECASE):
        try:
            if math.isfinite(number := float(text)):
                return number
        except ValueError:
            pass
    if wanted is str:
        return text
    raise AgentError(f"option {name!r} for {head} must be {_MEANING[wanted]}, got {text!r}")


def _written(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _hint(word: str, choices: Iterable[str], typed: Mapping[str, str] | None = None) -> str:
    """Gives the end of a message that names the closest choice, empty when none is close."""
    close = difflib.get_close_matches(word, list(choices), 1)
    return f"; did you mean {(typed or {}).get(close[0], close[0])!r}?" if close else ""
