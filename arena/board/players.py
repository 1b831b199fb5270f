"""Who can be asked what to think of a position, by name, and with bounds on what it may cost."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from agents import checkpoint, registry, trained
from agents.base import AgentError, Player
from agents.registry import AgentSpec
from arena.board.query import QueryError
from arena.board.shelf import Shelf

MOST = {"simulations": 20_000, "depth": 12, "seconds": 2.0, "memory_mb": 256.0}
"""The most that may be asked for, by option."""
_SEARCHING = {"alphazero", "muzero"}
_SIMULATED = {"mcts"}
_RUNNABLE = {"random", "one-ply", "negamax", "mcts", "solver", "repeat", "follow-ball"}


class Absent(Exception):
    """A player that cannot be asked; the text says why."""


def listed(shelf: Shelf, env: str) -> list[dict[str, Any]]:
    """Gives `agent` (to ask for), `name` (for people) and `simulations` of those who play `env`."""
    found: list[dict[str, Any]] = [
        {"agent": _example(kind.agent), "name": _example(kind.agent), "simulations": None}
        for kind in registry.kinds()
        if kind.kind in _RUNNABLE and "seconds" not in kind.agent and fnmatchcase(env, kind.env)
    ]
    for entry in found:
        if registry.parse(entry["agent"]).head in _SIMULATED:
            entry["simulations"] = 1000
    return [*_trained(shelf, env), *found]


def _example(agent: str) -> str:
    """Gives a text that can be asked for, of one with capitals where values go."""
    return agent.replace("depth=N", "depth=6").replace(":simulations=N", "").replace("=N", "=0")


def _trained(shelf: Shelf, env: str) -> Iterator[dict[str, Any]]:
    folders = [(f"zoo/{file.parent.name}", file.parent) for file in sorted(trained.ZOO.glob("*/*"))]
    seen = {name: folder for name, folder in folders if (folder / checkpoint.MANIFEST).is_file()}
    for run in sorted(shelf.root.glob("*")):
        if (run / checkpoint.FOLDER).is_dir():
            for step in checkpoint.steps(run):
                seen[f"runs/{run.name}@{step}"] = checkpoint.at(run, step)
    for name, folder in seen.items():
        try:
            about = checkpoint.manifest(folder)
        except AgentError:
            continue  # a damaged one cannot be asked
        if about.env == env:
            searches = about.kind in _SEARCHING
            yield {"agent": name, "name": name, "simulations": 200 if searches else None}


def find(shelf: Shelf, agent: str, simulations: int = 0) -> tuple[str, Player]:
    """Gives the exact name of a player and the player.

    Args:
        shelf: where trained runs are looked for first.
        agent: AGENT text; files and classes of users are not run.
        simulations: for players that search, 0 = their own number; too many are cut to `MOST`.

    Raises:
        Absent: when it cannot be asked.
    """
    try:
        spec = registry.parse(agent)
        options = {name: _bounded(name, text) for name, text in spec.options.items()}
        head = _head(shelf, spec.head)
        if simulations and _searches(head):
            options["simulations"] = str(min(simulations, int(MOST["simulations"])))
        name = str(AgentSpec(spec.head, options))
        return name, registry.make(str(AgentSpec(head, options)))
    except (AgentError, QueryError) as error:
        raise Absent(str(error)) from error
    except Exception as error:
        raise Absent(f"{agent} cannot be loaded: {type(error).__name__}: {error}") from error


def _head(shelf: Shelf, head: str) -> str:
    """Gives where a player is found, for one that is no foreign code."""
    if head in _RUNNABLE or head.startswith("zoo/"):
        return head
    run, at, step = head.rpartition("@") if "@" in head else (head, "", "")
    folder = shelf.root / Path(run).name
    known = [f.name for f in shelf.root.glob("*") if (f / checkpoint.FOLDER).is_dir()]
    if folder.name in known:
        return f"{folder.absolute()}{at}{step}"
    if head.startswith("runs/") or at:
        raise Absent(f"{head} is not here any longer")
    raise Absent(f"{head} is a program of somebody's; it is not run to look at its games")


def _searches(head: str) -> bool:
    if head in _SIMULATED:
        return True
    return trained_kind(head) in _SEARCHING


def trained_kind(head: str) -> str | None:
    """Gives the kind of a trained player, None for others."""
    found = trained.find(head)
    if found is None:
        return None
    folder = trained.ZOO / head[4:] if head.startswith("zoo/") else None
    if folder is None:
        run, _, step = found[0].rpartition("@")
        folder = checkpoint.at(Path(run), int(step))
    return checkpoint.manifest(folder).kind


def _bounded(name: str, text: str) -> str:
    """Gives the text of an option, cut to the most that may be asked for."""
    most = MOST.get(name)
    try:
        return f"{most:g}" if most is not None and float(text) > most else text
    except ValueError:
        return text
