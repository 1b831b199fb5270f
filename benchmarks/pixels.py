"""Where a step of MuZero on pictures spends its time, in processor time of one thread.

    python benchmarks/pixels.py [PRESET] [CHUNKS]

Plays and learns with a preset (`pong/muzero`) as `arena train` does with `--workers 0`, and prints
steps a second and what each part takes of a step: emulator, search, learning. Processor time, so
that other work on the machine counts little.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from arena import training
from configs import loader
from envs.serial import SerialVectorEnv
from muzero.imagining import Imagining
from muzero.learner import Learner
from muzero.search import Searcher
from muzero.train import train
from muzero.trajectory import TrajectoryBuffer

_PARTS: dict[str, tuple[Any, str]] = {
    "emulator": (SerialVectorEnv, "step"),
    "search": (Searcher, "__call__"),
    "search_encoder": (Imagining, "_initial"),
    "search_steps": (Imagining, "_recurrent"),
    "samples": (TrajectoryBuffer, "sample"),
    "learning": (Learner, "learn"),
}


class Store(dict[str, bytes]):
    """Objects in memory."""

    def put(self, data: bytes) -> str:
        """Keeps data under a name of its own."""
        name = str(hash(data))
        self[name] = data
        return name

    def get(self, name: str) -> bytes:
        """Gives what was kept."""
        return self[name]


def _unlimited(seconds: float) -> None:
    """Takes the limit that a job sets itself; here nothing watches it."""


def inline(work: Any, jobs: Iterable[Any], ahead: int) -> Iterator[Any]:
    """Runs jobs here, `ahead` of them drawn at once."""
    source, drawn = iter(jobs), list[Any]()
    while True:
        while len(drawn) < ahead and (job := next(source, None)) is not None:
            drawn.append(job)
        if not drawn:
            return
        yield SimpleNamespace(status="ok", value=work(drawn.pop(0), _unlimited))


def timed(owner: Any, name: str, spent: dict[str, float], part: str) -> None:
    """Lets a function note the processor time that it takes."""
    function: Callable[..., Any] = getattr(owner, name)

    def noted(*args: Any, **options: Any) -> Any:
        began = time.process_time()
        try:
            return function(*args, **options)
        finally:
            spent[part] += time.process_time() - began

    setattr(owner, name, noted)


def main() -> None:
    """Measures and prints."""
    preset = sys.argv[1] if len(sys.argv) > 1 else "pong/muzero"
    chunks = int(sys.argv[2]) if len(sys.argv) > 2 else 12
    torch.set_num_threads(1)
    config = training.load(loader.preset("train", preset))
    spent = dict.fromkeys(_PARTS, 0.0)
    for part, (owner, name) in _PARTS.items():
        timed(owner, name, spent, part)
    began, before, played = 0.0, 0, 0
    for progress in train(config.train, config.env, inline, Store()):
        played = progress.counters["env_steps"]
        if progress.counters["chunks"] == chunks // 2:  # all is compiled and learning has begun
            began, before = time.process_time(), played
            spent.update(dict.fromkeys(spent, 0.0))
        if progress.counters["chunks"] == chunks:
            break
    steps, total = played - before, time.process_time() - began
    found: dict[str, float | str] = {"name": "pixels", "preset": preset}
    found["steps_per_s"] = round(steps / total)
    for part, seconds in spent.items():
        found[f"{part}_us_a_step"] = round(1e6 * seconds / steps)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
