"""The stage of a rehearsal: a fresh process in which the official interpreter plays submissions.

It reads an order, enters the sandbox and plays game after game. What it finds goes out as a line of
JSON a game. Modules of the arena are out of sight before a submission is loaded.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from agents import sandbox
from envs import kaggle

_KEPT = 2_000
_OWN = ("agents", "arena", "configs", "envs", "muzero")


def main() -> NoReturn:
    """Plays what it was told to, then ends."""
    parent, out = os.getppid(), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (1, 2):
        os.dup2(nothing, fd)
    order = json.loads(sys.argv[1])
    kaggle.make_connectx()
    sandbox.prepare()
    _hand_over(order["scratch"])
    own = sandbox.Confinement(
        [*sandbox.readable(), *order["readable"]], [], order["scratch"], order["memory_mb"]
    )
    layers = sandbox.enter(own, parent)
    os.environ["TMPDIR"] = os.environ["HOME"] = order["scratch"]
    os.chdir(order["scratch"])
    sys.path[:] = [path for path in sys.path if path not in ("", order["root"])]
    for name in [name for name in sys.modules if name.partition(".")[0] in _OWN]:
        del sys.modules[name]
    _say(out, {"layers": layers})
    for game in order["games"]:
        _say(out, _played(game))
    os._exit(0)


def _hand_over(scratch: str) -> None:
    """Makes what earlier processes left in the scratch folder this one's, should it change users.

    See `agents.sandbox`: as root each process becomes a user of its own.
    """
    if os.geteuid() == 0:
        user = sandbox.user_of(os.getpid())
        for place, _, files in os.walk(scratch):
            for name in (place, *(os.path.join(place, file) for file in files)):
                os.chown(name, user, user)


def _say(out: int, document: dict[str, Any]) -> None:
    data = json.dumps(document).encode() + b"\n"
    while data:
        data = data[os.write(out, data) :]


def _played(game: dict[str, Any]) -> dict[str, Any]:
    """Gives what happened in a game."""
    returned: list[list[str]] = [[], []]
    agents: list[Any] = []
    for seat, agent in enumerate(game["agents"]):
        own = _watched(agent, returned[seat]) if agent.startswith("/") else agent
        agents.append(own)
    try:
        env = kaggle.run(agents, game["settings"])
    except BaseException as error:  # sys.exit and its like leave the interpreter
        return {"raised": f"{type(error).__name__}: {error}"[:_KEPT], "returned": returned}
    logs = env.logs[len(env.logs) - len(env.steps) + 1 :]
    return {
        "statuses": [state.status for state in env.state],
        "rewards": [state.reward for state in env.state],
        "moves": len(env.steps) - 1,
        "returned": returned,
        "seconds": [_seconds(logs, seat) for seat in (0, 1)],
        "said": [_said(logs, seat) for seat in (0, 1)],
        "bank": [state.observation.get("remainingOverageTime") for state in env.state],
    }


def _watched(path: str, returned: list[str]) -> Callable[[Any, Any], Any]:
    """Gives the agent of a file; the types of what it returns, and what is no `int`, are noted."""
    agent = kaggle.load_agent(path)

    def watched(observation: Any, configuration: Any) -> Any:
        action = agent(observation, configuration)
        returned.append("int" if type(action) is int else _in_words(action))
        return action

    return watched


def _in_words(value: Any) -> str:
    """Gives a value with its type; its own `repr` may raise."""
    try:
        return f"{value!r:.60} of type {type(value).__name__:.60}"
    except Exception:
        return "a value that cannot be described"


def _seconds(logs: Any, seat: int) -> list[float]:
    """Gives the durations of a seat's moves: those of entries that it was to move in."""
    found = [entry[seat] for entry in logs if seat < len(entry)]
    return [log["duration"] for log in found if log and "duration" in log]


def _said(logs: Any, seat: int) -> str:
    """Gives the last of what a seat printed on stderr."""
    found = [entry[seat].get("stderr", "") for entry in logs if seat < len(entry) and entry[seat]]
    return "".join(found)[-_KEPT:]


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()
