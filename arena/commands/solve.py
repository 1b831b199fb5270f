"""`arena solve`."""

from __future__ import annotations

import math
import time
from typing import Any

import click
import numpy as np
from rich.text import Text

from agents.solver import HOPELESS, new_solver, positions
from agents.solver_root import Budget, Node, OutOfBudgetError, Solver
from arena import moves as move_texts
from arena import screen
from arena.commands import json_option, print_json
from envs import registry as env_registry

_SOLVING = 0.9


@click.command()
@click.argument("moves", default="")
@click.option("--env", default="connectx", show_default=True, help="Env id.")
@click.option(
    "--seconds", type=click.FloatRange(min=0, min_open=True), help="Bounds after so long."
)
@json_option
def command(moves: str, env: str, seconds: float | None, as_json: bool) -> int:
    """Give the score of every column of a Connect X position.

    MOVES are columns from 1, from the empty board, such as 4453. A score counts discs: it is
    positive if the player to move wins, 1 with its last disc, one more for each disc sooner;
    negative if it loses; 0 for a draw. Without --seconds the scores are exact.
    """
    env = env_registry.canonical(env)
    actions = move_texts.read(moves, env)
    step = move_texts.play(actions, env)
    spec = env_registry.spec(env)
    if not env.startswith("connectx"):
        raise move_texts.MovesError(f"only connectx can be solved, not {env!r}; choose another env")
    mine, occupied = positions(step.observation[None])[0]
    left = math.prod(spec.observation_shape[1:]) - len(actions)
    if left > HOPELESS and seconds is None:
        raise move_texts.MovesError(
            f"{env} with {left} empty cells cannot be solved exactly; give --seconds for bounds"
        )
    began = time.monotonic()
    solver = new_solver([int(spec.options[name]) for name in ("columns", "rows", "inarow")])
    nodes, line = _solved(solver, mine, occupied, math.inf if seconds is None else seconds)
    document = _document(env, actions, nodes, line)
    document |= {"nodes": solver.nodes, "seconds": round(time.monotonic() - began, 3)}
    if as_json:
        print_json(document)
    else:
        _show(document, actions)
    return 0


def _solved(
    solver: Solver, mine: int, occupied: int, seconds: float
) -> tuple[list[Node | None], list[int] | None]:
    """Gives the position after each column, and the best line if there was time for all."""
    now = time.monotonic()
    nodes = solver.children(mine, occupied)
    try:
        solver.budget = Budget(now + _SOLVING * seconds)
        for node in nodes:
            if node is not None:
                solver.solve(node)
        best = min(node.low for node in nodes if node is not None)
        first = next(c for c, node in enumerate(nodes) if node is not None and node.low == best)
        return nodes, solver.line(mine, occupied, [first])
    except OutOfBudgetError:
        pass
    try:
        solver.budget = Budget(now + seconds)
        solver.narrow(nodes)
    except OutOfBudgetError:
        pass
    return nodes, None


def _document(
    env: str, actions: tuple[int, ...], nodes: list[Node | None], line: list[int] | None
) -> dict[str, Any]:
    bounds = [None if node is None else [-node.high, -node.low] for node in nodes]
    scores = [pair[0] if pair and pair[0] == pair[1] else None for pair in bounds]
    solved = all(pair is None or pair[0] == pair[1] for pair in bounds)
    best = max(score for score in scores if score is not None) if solved else None
    return {
        "env": env,
        "moves": move_texts.write(actions),
        "to_play": len(actions) % 2,
        "solved": solved,
        "value": None if best is None else int(np.sign(best)),
        "scores": scores,
        "bounds": bounds,
        "best": [c + 1 for c, score in enumerate(scores) if solved and score == best],
        "line": None if line is None else move_texts.write(line),
    }


def _show(document: dict[str, Any], actions: tuple[int, ...]) -> None:
    console = screen.console()
    board = env_registry.draw(document["env"])(actions, not console.no_color)
    rows = [
        [str(column), _words(pair), "best" if column in document["best"] else ""]
        for column, pair in enumerate(document["bounds"], 1)
    ]
    screen.show(Text.from_ansi(board), "", screen.table([">column", ">score", ""], rows), "")
    if document["solved"]:
        verdict = {1: "wins", 0: "draws", -1: "loses"}[document["value"]]
        line = f"; best play: {document['line']}" if document["line"] else ""
        screen.show(f"The player to move {verdict}{line}")
    else:
        screen.warn("not solved in that time; the scores are bounds, give more --seconds")


def _words(pair: list[int] | None) -> str:
    if pair is None:
        return "full"
    low, high = pair
    return f"{low:+d}".replace("+0", "0") if low == high else f"{low:+d} to {high:+d}"
