"""A disk that refuses the n-th change, and the n+1-th, until none is refused.

Each time a command ends with 74, names the path and says what is safe; what was finished before can
be read; gone on with, it ends with what a calm one has. Needs a C compiler, for `no_space.c`.

python -m tests.faults.disk tournament --every 1
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tests.faults.processes import ROOT
from tests.faults.row import Row

_FOR_EVER = 2**62
_RUN = "it"
FAULTS = {
    "full": (errno.ENOSPC, _FOR_EVER),
    "broken": (errno.EIO, 0),
}
"""Name to the error and how many changes after the first are refused, too."""


class Work(NamedTuple):
    """A command that is tried."""

    words: tuple[str, ...]
    """Without folder and name."""
    finished: Callable[[Path], list[Any]]
    """Gives what is finished in the run's folder, in order."""


def games(run: Path) -> list[Any]:
    """Gives the recorded games."""
    from arena.records import Records

    if not (run / "records.sqlite").exists() or not (run / "records.count").exists():
        return []
    with Records.read(run) as records:
        found = [repr(one) for one in records.episodes()]
        assert records.verdict() is None
        return found


def weights(run: Path) -> list[Any]:
    """Gives step and weights of the checkpoints, all of whose parts can be read."""
    from agents import checkpoint

    found = []
    for step in checkpoint.steps(run):
        about = checkpoint.manifest(checkpoint.at(run, step))
        for name in about.parts:
            checkpoint.read(checkpoint.at(run, step), name)
        found.append((step, about.parts[checkpoint.WEIGHTS]))
    return found


WORKS = {
    "tournament": Work(
        ("tournament", "-a", "random", "-a", "one-ply", "--games", "24", "chunk_games=8")
        + ("--executor", "inline"),
        games,
    ),
    "training": Work(
        ("train", "connectx/alphazero", "env=connectx-4x4x3", "train.chunks=4", "train.barrier=2")
        + ("train.network.channels=8", "train.network.blocks=1", "train.network.hidden=8")
        + ("train.network.column_channels=8", "train.selfplay.games=4", "train.selfplay.rows=4")
        + ("train.selfplay.keep=0", "train.selfplay.search.simulations=4", "train.learner.batch=8")
        + ("train.learner.first_moments=8", "evaluation.games=0", "--workers", "0")
        + ("--device", "cpu"),
        weights,
    ),
}


def main() -> None:
    """Sweeps in a process whose changes can be refused; prints what came of it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=WORKS)
    parser.add_argument("--every", type=int, default=1, help="Try each so many-th change.")
    parser.add_argument("--below", type=Path, default=None)
    options = parser.parse_args()
    if options.below is None:
        print(sweep(options.work, options.every))
        return
    print(json.dumps(_sweep(WORKS[options.work], options.below, options.every)))


def sweep(work: str, every: int) -> Row:
    """Refuses every `every`-th change of a command in turn, by a full and by a broken disk."""
    with tempfile.TemporaryDirectory() as name:
        library, below = Path(name) / "no_space.so", Path(name) / "runs"
        source = Path(__file__).with_name("no_space.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        below.mkdir()
        words = [work, "--every", str(every), "--below", str(below)]
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.disk", *words],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env={**os.environ, "LD_PRELOAD": str(library), "FAULT_BELOW": str(below)},
        )
    told = json.loads(done.stdout.splitlines()[-1])
    bad = {name: many for name, many in told["bad"].items() if many}
    result = (
        f"{told['changes']} changes, {told['refused']} commands with exit 74, "
        f"{told['unharmed']} came through; "
        + (", ".join(f"{many} {name}" for name, many in bad.items()) or "nothing else")
    )
    for example in told["examples"]:
        print(example, file=sys.stderr)
    promise = "exit 74, path named, all that was finished readable, resumed to the same"
    what = f"disk full, and EIO, at every change by a {work}"
    return Row(what, told["tried"], promise, result, not bad, "")


def _sweep(work: Work, below: Path, every: int) -> dict[str, Any]:
    library = ctypes.CDLL(None)
    library.fault_arm.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_long]
    calm = below / "calm"
    changes = _command(work, calm, 0, (errno.EIO, -1), resume=False)[2]
    expected = work.finished(calm / _RUN)
    told: Counter[str] = Counter()
    bad: Counter[str] = Counter()
    examples: list[str] = []
    for fault, (number, more) in FAULTS.items():
        for n in range(0, changes, every):
            told["tried"] += 1
            root = below / f"{fault}-{n}"
            code, said, _ = _command(work, root, n, (number, more), resume=False)
            wrong = _wrong(work, root, code, said, expected)
            told["refused" if code == 74 else "unharmed"] += not wrong
            if not wrong:
                code, said, _ = _command(work, root, 0, (errno.EIO, -1), resume=True)
                if code or work.finished(root / _RUN) != expected:
                    wrong = "not resumed to the same"
            if wrong:
                bad[wrong] += 1
                examples.append(f"{fault} at {n}: {wrong}, exit {code}: {said[-300:]}")
            shutil.rmtree(root, ignore_errors=True)
    return {"changes": changes, "bad": bad, "examples": examples[:20], **_plain(told)}


def _plain(told: Counter[str]) -> dict[str, int]:
    return {name: told[name] for name in ("tried", "refused", "unharmed")}


def _wrong(work: Work, root: Path, code: int, said: str, expected: list[Any]) -> str:
    """Gives what was not held after a refusal, empty for nothing."""
    try:
        left = work.finished(root / _RUN)
    except Exception as error:
        return f"unreadable ({type(error).__name__}: {error})"
    if left != expected[: len(left)]:
        return "other contents"
    if code == 0:
        return "" if left == expected else "exit 0 without the whole"
    if code != 74:
        return f"exit {code}"
    lines = said.strip().splitlines()
    return "" if lines and str(root) in lines[-1] and "safe" in lines[-1] else "path not named"


def _command(
    work: Work, root: Path, first: int, fault: tuple[int, int], resume: bool
) -> tuple[int, str, int]:
    """Runs a command in a fork; gives its exit code, what it said, and the changes it made.

    Args:
        work: what.
        root: folder of the runs.
        first: number of the change that is refused first.
        fault: the error, and how many more changes are refused; -1 = none at all.
        resume: whether it goes on.
    """
    from arena import cli, ladder, training  # noqa: F401  # once, before the first fork

    number, more = fault
    words = [*work.words, "--dir", str(root), "--name", _RUN, *(["--resume"] if resume else [])]
    reading, writing = os.pipe()
    said = os.memfd_create("said")
    child = os.fork()
    if child == 0:
        os.dup2(said, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        library = ctypes.CDLL(None)
        library.fault_arm.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_long]
        library.fault_arm(first, number, first + more)
        code = 1
        with contextlib.suppress(BaseException):
            import traceback

            try:
                code = cli.run(words)
            except BaseException:
                traceback.print_exc()
            sys.stderr.flush()
            os.write(writing, str(library.fault_count()).encode())
        os._exit(code)
    os.close(writing)
    counted = os.read(reading, 20)
    _, status = os.waitpid(child, 0)
    text = os.pread(said, 1 << 20, 0).decode(errors="replace")
    os.close(reading)
    os.close(said)
    return os.waitstatus_to_exitcode(status), text, int(counted or -1)


if __name__ == "__main__":
    main()
