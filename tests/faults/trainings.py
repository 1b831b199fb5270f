"""`kill -9` of trainings at random moments; each that ends has the weights of a calm one."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from pathlib import Path

from agents import checkpoint
from tests.faults import processes
from tests.faults.row import Row

_NAME = "it"
_SMALL = ("train.network.channels=8", "train.network.hidden=8")
_SEARCH = (
    *_SMALL,
    "train.learner.batch=16",
    "train.learner.first_moments=20",
    "train.selfplay.rows=4",
    "train.selfplay.search.simulations=4",
    "evaluation.games=0",
)
_BOARD = ("env=connectx-4x4x3", "evaluation.games=0")
_PONG = ("train.rows=2", "train.network.pictures=small", "evaluation.episodes=0")
TRAININGS = {
    ("dqn", "connectx"): (
        *_BOARD, "train.env_steps=1024", "train.barrier=128", "train.rows=4",
        "train.learning_starts=64", "train.buffer=512",
    ),
    ("ppo", "connectx"): (
        *_BOARD, "train.env_steps=1024", "train.barrier=128", "train.rows=4", "train.rollout=16",
        "train.batch=32",
    ),
    ("muzero", "connectx"): (
        *_BOARD, *_SEARCH, "train.chunks=12", "train.barrier=2", "train.network.blocks=1",
        "train.network.column_channels=8", "train.selfplay.games=8",
        "train.selfplay.random_chunks=2",
    ),
    ("dqn", "pong"): (
        *_PONG, "train.env_steps=768", "train.barrier=128", "train.learning_starts=32",
        "train.buffer=96",
    ),
    ("ppo", "pong"): (
        *_PONG, "train.env_steps=768", "train.barrier=128", "train.rollout=16", "train.batch=32",
    ),
    ("muzero", "pong"): (
        *_SEARCH[:-1], "evaluation.episodes=0", "train.chunks=8", "train.barrier=2",
        "train.selfplay.steps=8", "train.selfplay.random_chunks=1", "train.learner.unroll=1",
    ),
}  # fmt: skip
"""Kind and preset to the settings that make it small."""


def start(root: Path, kind: str, preset: str) -> subprocess.Popen[bytes]:
    """Starts or resumes a training."""
    words = ["train", f"{preset}/{kind}", *TRAININGS[kind, preset], "--dir", str(root)]
    words += ["--name", _NAME, "--resume", "--workers", "0", "--device", "cpu"]
    return processes.start(root, *words)


def weights(root: Path) -> str:
    """Gives the SHA-256 of the weights of the last checkpoint."""
    step = checkpoint.steps(root / _NAME)[-1]
    return checkpoint.manifest(checkpoint.at(root / _NAME, step)).parts[checkpoint.WEIGHTS]


def killed(folder: Path, count: int, kind: str, preset: str) -> Row:
    """Kills a training `count` times at moments of its whole life, and resumes it."""
    calm, broken = folder / "calm", folder / "broken"
    began = time.monotonic()
    assert start(calm, kind, preset).wait() == 0, (calm / "stderr").read_text()
    whole_s, expected = time.monotonic() - began, weights(calm)
    chance, kills, ends, others = random.Random(f"{kind} {preset}"), 0, 0, 0
    went_on = 0
    process = start(broken, kind, preset)
    while True:
        moment = chance.uniform(0.3, 1.0) * whole_s
        try:
            code = process.wait(timeout=moment if kills < count else None)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
            went_on += bool(checkpoint.steps(broken / _NAME))
        else:
            ends += 1
            others += code != 0 or weights(broken) != expected
            if kills == count:
                break
            shutil.rmtree(broken / _NAME)
        process = start(broken, kind, preset)
    result = f"{ends} ended, {others} with other weights; {went_on} kills behind a checkpoint"
    what = f"`kill -9` of {kind}, {preset}"
    return Row(what, kills, "the weights of a calm training", result, not others, "")
