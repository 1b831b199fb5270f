"""What the isolation of a file player costs: a move, a start, a hang. Prints one JSON document.

The peer is the same agent, called in this process with the same data.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from agents.base import Clock
from agents.confined import Confined
from agents.kaggle import FilePlayer
from envs import kaggle, registry

SOURCE = """
def agent(observation, configuration):
    middle = configuration.columns // 2
    order = sorted(range(configuration.columns), key=lambda column: abs(column - middle))
    return next(column for column in order if observation.board[column] == 0)
"""
HANGS = {
    "spins": "def agent(observation):\n    while True: pass",
    "sleeps": "import time\ndef agent(observation): time.sleep(60)",
}


def moves(player: Any, env: Any, count: int) -> list[float]:
    """Gives the seconds of each of `count` moves through `act`."""
    row, step = np.array([0]), env.reset(np.array([0]), np.array([0]), [()])
    player.reset(env.spec, row, row)
    player.act(row, step)
    times = []
    for _ in range(count):
        began = time.perf_counter()
        player.act(row, step, Clock(time.monotonic() + 62))
        times.append(time.perf_counter() - began)
    return times


def calls(env: Any, count: int) -> list[float]:
    """Gives the seconds of each of `count` moves in this process."""
    namespace: dict[str, Any] = {}
    exec(SOURCE, namespace)
    step = env.reset(np.array([0]), np.array([0]), [()])
    configuration = kaggle.configuration(env.spec)
    times = []
    for _ in range(count):
        began = time.perf_counter()
        namespace["agent"](kaggle.observation(step.observation[0], 0), configuration)
        times.append(time.perf_counter() - began)
    return times


def starts(path: str, count: int) -> list[float]:
    """Gives the seconds until a fresh process, its sandbox entered, says that it is ready."""
    order, times = FilePlayer(path)._order, []
    for _ in range(count):
        began = time.perf_counter()
        child = Confined(order)
        times.append(time.perf_counter() - began)
        child.kill()
    return times


def hang(path: str, env: Any, limit: float, count: int) -> list[float]:
    """Gives the seconds that each of `count` hanging moves took beyond its limit."""
    row, step = np.array([0]), env.reset(np.array([0]), np.array([0]), [()])
    player, times = FilePlayer(path), []
    for _ in range(count):
        player.reset(env.spec, row, row)
        began = time.monotonic()
        decisions = player.act(row, step, Clock(began + limit))
        times.append(time.monotonic() - began - limit)
        assert decisions.failure and decisions.failure[0].reason == "timeout"
    return times


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moves", type=int, default=5_000)
    parser.add_argument("--hangs", type=int, default=10)
    options = parser.parse_args()
    env = registry.make_vector("connectx", 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "main.py"
        path.write_text(SOURCE)
        player = FilePlayer(str(path))
        through = statistics.median(moves(player, env, options.moves))
        player.stop()
        inside = statistics.median(calls(env, options.moves))
        begun = statistics.median(starts(str(path), 50))
        beyond = {}
        for name, source in HANGS.items():
            hanging = Path(folder) / f"{name}.py"
            hanging.write_text(source)
            beyond[name] = hang(str(hanging), env, 0.1, options.hangs)
    document = {
        "name": "cost of isolating a file player",
        "command": "python benchmarks/isolation.py",
        "at_most": {"isolation_us": 60, "hang_beyond_limit_ms": 50},
        "layers": list(player.layers),
        "move_us": {
            "confined": round(through * 1e6, 1),
            "in_process": round(inside * 1e6, 1),
            "isolation": round((through - inside) * 1e6, 1),
        },
        "start_ms": round(begun * 1e3, 2),
        "hang_beyond_limit_ms": {
            name: {
                "median": round(statistics.median(times) * 1e3, 1),
                "largest": round(max(times) * 1e3, 1),
            }
            for name, times in beyond.items()
        },
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
