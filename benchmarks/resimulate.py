"""Speed of playing recorded Atari episodes again, with pictures and digests, and what they take.

The peer is ale-py itself: the same actions, four frames each, and the last two screens in grey;
it makes no pictures of 84 x 84 and compares nothing.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import ale_py
import numpy as np
from ale_py import roms

from agents import registry as agents
from arena import match, replaying
from arena.match_record import MatchRecord
from arena.records import Records
from envs import registry

GAMES, SEEDS, ROUNDS = ("pong", "breakout", "seaquest", "freeway"), 6, 3
FRAMES = 4


def record(game: str) -> list[MatchRecord]:
    """Gives episodes of random play."""
    env = registry.make_recorded(game, SEEDS)
    seats, starts = np.zeros((SEEDS, 1), np.int64), [()] * SEEDS
    episodes = match.play(env, [agents.make("random")], seats, starts, np.arange(SEEDS))
    return [
        MatchRecord(
            env=env.spec.id,
            protocol=env.spec.protocol,
            options=env.spec.options,
            agents=("random",),
            seed=seed,
            start=b"",
            actions=bytes(episode.actions),
            returns=episode.returns,
            digests=episode.digest_bytes,
            termination=episode.termination,
        )
        for seed, episode in enumerate(episodes)
    ]


def ours(records: list[MatchRecord]) -> float:
    """Gives steps a processor second of playing episodes again; each must be as recorded."""
    began = time.process_time()
    assert not any(replaying.difference(record) for record in records)
    return sum(len(record.actions) for record in records) / (time.process_time() - began)


def peer(game: str, records: list[MatchRecord]) -> float:
    """Gives steps a processor second of the emulator under the same actions."""
    ale = ale_py.ALEInterface()
    ale.setFloat("repeat_action_probability", 0.0)
    ale.loadROM(roms.get_rom_path(game))
    codes = ale.getMinimalActionSet()
    steps, began = 0, time.process_time()
    for found in records:
        ale.reset_game()
        for action in found.actions:
            for frame in range(FRAMES):
                ale.act(codes[action])
                if frame >= FRAMES - 2:
                    ale.getScreenGrayscale()
            steps += 1
            if ale.game_over():
                ale.reset_game()
    return steps / (time.process_time() - began)


def stored(records: list[MatchRecord]) -> int:
    """Gives the bytes by which the episodes make a file of records grow."""
    sizes = []
    for kept in ([], records):
        with tempfile.TemporaryDirectory() as folder:
            with Records.write(Path(folder)) as run:
                run.commit(kept)
            sizes.append(sum(file.stat().st_size for file in Path(folder).glob("records.*")))
    return sizes[1] - sizes[0]


if __name__ == "__main__":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    episodes = {game: record(game) for game in GAMES}
    rows = []
    for game, records in episodes.items():
        rounds = [(ours(records), peer(game, records)) for _ in range(ROUNDS)]
        mine, theirs = (median(column) for column in zip(*rounds, strict=True))
        ratio = round(median(a / b for a, b in rounds), 2)
        rows.append({"game": game, "ours": round(mine), "peer": round(theirs), "ratio": ratio})
    every = [found for records in episodes.values() for found in records]
    steps = sum(len(found.actions) for found in every)
    taken, allowed = stored(every), 10_000 * len(every) + 8 * steps
    first = rows[0]
    json.dump(
        {
            "name": f"steps a second of {GAMES[0]}, recorded episodes played again, one core",
            "ours": first["ours"],
            "peer": first["peer"],
            "peer_name": "ale-py alone, two grey screens a step",
            "ratio": first["ratio"],
            "games": rows,
            "episodes": len(every),
            "steps": steps,
            "bytes": taken,
            "bytes_per_1000_steps": round(1000 * taken / steps),
            "share_of_10_kB_and_8_kB_per_1000_steps": round(taken / allowed, 3),
            "at_least": {"ours": 4000, "ratio": 0.8},
            "command": "python benchmarks/resimulate.py",
        },
        sys.stdout,
        indent=2,
    )
    print()
