"""What watching costs: lists of 100,000 games, opening one, the start of `arena watch`, pictures.

Times of the desk are those of the processor; a game that was played is committed again and again.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).parents[1]))

from agents import registry as agents
from arena import match
from arena.board.desk import Desk
from arena.board.query import Query
from arena.match_record import MatchRecord
from arena.records import Records
from envs import registry

GAMES = 100_000
NAMES = ("zoo/connectx-muzero:simulations=64", "zoo/connectx-alphazero:simulations=64")


def played(env: str, names: tuple[str, ...], games: int) -> list[MatchRecord]:
    """Gives records of games that were played just now, with thoughts."""
    import numpy as np

    vector = registry.make_recorded(env, games)
    spec, solo = vector.spec, len(names) == 1
    seats = (
        np.zeros((games, 1), int) if solo else np.array([(k % 2, 1 - k % 2) for k in range(games)])
    )
    starts = [() if solo else (k % 7,) for k in range(games)]
    players = [agents.make(name) for name in names]
    episodes = match.play(vector, players, seats, starts, np.arange(games))
    return [
        MatchRecord(
            env=spec.id,
            options=spec.options,
            protocol=spec.protocol,
            agents=tuple(names[place] for place in episode.players),
            seed=seed,
            start=bytes(start),
            actions=bytes(episode.actions),
            returns=episode.returns,
            digests=episode.digest_bytes,
            termination=episode.termination,
            search=episode.search,
        )
        for seed, (episode, start) in enumerate(zip(episodes, starts, strict=True))
    ]


def seconds(what: Callable[[], Any]) -> float:
    """Gives the seconds that something takes, of the processor."""
    began = time.process_time()
    what()
    return time.process_time() - began


def lists(root: Path, games: list[MatchRecord]) -> dict[str, float]:
    """Gives the seconds of the list, the tables and the games of a large run."""
    names = [f"agent-{k}" for k in range(12)]

    def copy(number: int) -> MatchRecord:
        one, other = number % 12, (number + 1 + number // 12 % 11) % 12
        record = games[number % len(games)]
        return replace(record, seed=number, agents=(names[one], names[other]))

    with Records.write(root / "large") as records:
        for block in range(0, GAMES, 10_000):
            records.commit([copy(number) for number in range(block, block + 10_000)])
    desk = Desk(root)

    def ask(name: str, **words: Any) -> None:
        code, answer = desk.answer(name, Query({k: str(v) for k, v in words.items()}))
        assert code == 200 and "error" not in answer, answer

    found = {
        "first_ladder": seconds(lambda: ask("ladder", run="large")),
        "list": seconds(lambda: ask("games", run="large")),
        "rare": seconds(lambda: ask("games", run="large", player="agent-3", most=4)),
        "list_and_crosstable": seconds(
            lambda: (ask("games", run="large"), ask("ladder", run="large"))
        ),
    }
    opened = [seconds(lambda n=n: ask("game", run="large", number=n)) for n in range(1, GAMES, 997)]
    found["open"] = max(opened)
    with Records.write(root / "large") as records:
        records.commit([replace(games[0], agents=("agent-0", "agent-1"), seed=GAMES)])
    found["after_one_more"] = seconds(lambda: ask("ladder", run="large"))
    return found


def start(root: Path) -> tuple[float, float]:
    """Gives the seconds from typing `arena watch` to the answer that a ladder is drawn from.

    By the clock, and those of the processor that it took.
    """
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "arena", "watch", str(root), "--port", "0", "--no-open"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        base = process.stdout.readline().strip().removesuffix("#arena")
        for path in ("", "data/plugin/arena/static/index.js", "data/plugin/arena/ladder?run=small"):
            answered(base + path)
        found = time.monotonic() - began
        process.terminate()
        process.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def answered(url: str) -> None:
    """Waits for an answer."""
    while True:
        try:
            with urlopen(url, timeout=60) as answer:
                answer.read()
            return
        except URLError:
            time.sleep(0.02)


def main() -> None:
    """Prints the figures."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        games = played("connectx", NAMES, 32)
        pong = played("pong", ("repeat",), 1)
        with Records.write(root / "small" / "runs" / "small") as records:
            records.commit(games)
        with Records.write(root / "runs" / "pong") as records:
            records.commit(pong)
        desk, words = Desk(root / "runs"), {"run": "pong", "number": "1"}
        film = seconds(lambda: desk.answer("film", Query(words)))
        chunk = seconds(lambda: desk.answer("frames", Query({**words, "chunk": "1"})))
        size = [len(game.search or b"") + len(game.actions) + len(game.start) for game in games]
        start(root / "small" / "runs")  # compiles what no run has compiled yet
        clock, processor = start(root / "small" / "runs")
        figures = {
            "kB a game of Connect X with the search of both": sum(size) / len(size) / 1000,
            "start of arena watch to the ladder, seconds by the clock": clock,
            "start of arena watch to the ladder, seconds of the processor": processor,
            "an episode of Pong played again, seconds": film,
            "300 pictures of it, seconds": chunk,
            **{f"100,000 games: {k}, seconds": v for k, v in lists(root / "runs", games).items()},
        }
    document = {
        "name": "watching",
        "ours": {name: round(value, 4) for name, value in figures.items()},
        "command": "python benchmarks/watching.py",
    }
    json.dump(document, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
