"""What a training of MuZero costs with a GPU, from pieces that are measured here.

    python benchmarks/gpu_cost.py atari/muzero-100k --env ALE/Pong-v5 --workers 15
    python benchmarks/gpu_cost.py atari/muzero-100k --env ALE/Pong-v5 --workers 15 --device cuda

Measures what one core takes to play a chunk, and what the learner takes for a step. With
`--device cuda` the step is timed there. Without a GPU it is computed: the time of the same step
with the smallest batch, nearly all of which is Python and dispatch, and `LAUNCH_US` for each of its
operations, or the time of its arithmetic at `TFLOPS`, whichever is longer.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from pixels import Store, inline, timed
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from arena import training
from configs import loader
from muzero.learner import Learner
from muzero.train import _Run, train

LAUNCH_US = 4.0
"""A launch as the host waits for it, without Python and dispatch (NVIDIA's figures are 2 to 5)."""
TFLOPS = 100.0
"""What small convolutions reach: a tenth of what an H200 does at best in bf16."""
_CHUNKS, _STEPS, _SMALLEST = 2, 10, 2


class _Counted(TorchDispatchMode):
    """Counts operations that are more than a view."""

    def __init__(self) -> None:
        """Begins at 0."""
        super().__init__()
        self.operations = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Counts one."""
        self.operations += not func.is_view
        return func(*args, **(kwargs or {}))


def arguments() -> argparse.Namespace:
    """Gives what was typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("preset", nargs="?", default="atari/muzero-100k")
    parser.add_argument("--env", default="ALE/Pong-v5")
    parser.add_argument("--workers", type=int, default=15, help="cores that play")
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


def watched(seen: dict[str, Any], device: str) -> None:
    """Lets the learner note how long its steps take, and what the last one was given."""
    learn = Learner.learn
    clock = time.process_time if device == "cpu" else time.perf_counter

    def noted(self: Learner, *given: Any) -> dict[str, float]:
        began = clock()
        found = learn(self, *given)
        if device != "cpu":
            torch.cuda.synchronize()
        seen["steps"].append(clock() - began)
        seen["last"] = self, given
        return found

    Learner.learn = noted  # type: ignore[method-assign]


def noting(took: list[float], work: Any, jobs: Iterable[Any], ahead: int) -> Iterator[Any]:
    """Runs jobs here and notes the processor time of each."""

    def noted(job: Any, report: Any) -> Any:
        began = time.process_time()
        made = work(job, report)
        took.append(time.process_time() - began)
        return made

    return inline(noted, jobs, ahead)


def computed(learner: Learner, given: tuple[Any, ...], seen: dict[str, Any]) -> dict[str, float]:
    """Gives what a step would take on a GPU, in milliseconds, and from what."""
    counted, flops = _Counted(), FlopCounterMode(display=False)
    with counted, flops:
        learner.learn(*given)
    batch, mirrored, lr = given[:3]
    small = type(batch)(*(None if part is None else part[:_SMALLEST] for part in batch))
    seen["steps"] = []
    for _ in range(_STEPS):
        learner.learn(small, mirrored[:_SMALLEST], lr)
    host = statistics.median(seen["steps"]) + counted.operations * LAUNCH_US * 1e-6
    arithmetic = flops.get_total_flops() / (TFLOPS * 1e12)
    return {
        "operations": counted.operations,
        "gflop": round(flops.get_total_flops() / 1e9, 1),
        "smallest_ms": round(1e3 * statistics.median(seen["steps"]), 2),
        "step_ms": round(1e3 * max(host, arithmetic), 2),
    }


def main() -> None:
    """Measures and prints."""
    asked = arguments()
    torch.set_num_threads(1)
    config = training.load({**loader.preset("train", asked.preset), "env": asked.env}).train
    moments = config.selfplay.steps * config.selfplay.rows
    ratio = _STEPS * config.learner.batch / moments
    some = replace(
        config,
        chunks=_CHUNKS + config.lag + 1,
        selfplay=replace(config.selfplay, random_chunks=1),
        learner=replace(config.learner, first_moments=1, replay_ratio=ratio / (config.lag + 2)),
    )
    seen: dict[str, Any] = {"steps": []}
    watched(seen, asked.device)
    spent, played = {"samples": 0.0}, list[float]()
    timed(_Run, "_sample", spent, "samples")
    for _ in train(some, asked.env, partial(noting, played), Store(), device=asked.device):
        pass
    took, host = statistics.median(seen["steps"]), spent["samples"] / len(seen["steps"])
    found: dict[str, Any] = {"name": "gpu_cost", "preset": asked.preset, "env": asked.env}
    found["device"], found["step_here_ms"] = asked.device, round(1e3 * took, 2)
    step = took
    if asked.device == "cpu":
        found["gpu"] = computed(*seen["last"], seen)
        step = found["gpu"]["step_ms"] / 1e3
    steps = config.chunks * moments * config.learner.replay_ratio / config.learner.batch
    chunk = statistics.median(played[-_CHUNKS:])
    found["sample_ms"], found["chunk_s"] = round(1e3 * host, 2), round(chunk, 2)
    found["env_steps"], found["learner_steps"] = config.chunks * moments, round(steps)
    playing = config.chunks * chunk / min(asked.workers, config.lag + 1)
    learning = steps * (step + host)
    found["playing_min"], found["learning_min"] = round(playing / 60, 1), round(learning / 60, 1)
    found["wall_min"] = round(max(playing, learning) / 60, 1)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
