"""Rehearsals: a submission plays here, under harsher rules than Kaggle's, before it is sent.

Fresh processes load it with the official interpreter as Kaggle does, in a sandbox without network,
on a core that is held to a share, beside other submissions in the same process. What would fail
there is found here, and said in words of what to do.
"""

from __future__ import annotations

import io
import json
import os
import select
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from agents import archive, bundled, sandbox, workspace
from agents.base import AgentError
from agents.process import QUIET_THREADS, describe_exit
from arena import bundle
from arena.slow_core import SlowCore, processor_s, waited_s

FULL, QUARTER = 0.8, 0.25
"""Shares of a core: what Kaggle's own sandbox gives, and what must still do."""
MEMORY_MB = 4096
_START_S = 60.0
_PATIENCE_S = 90.0
"""Beyond its moves and bank, for a game that says nothing."""
_BANK_S, _ACT_S = 60.0, 2.0
_OTHER = "one-ply"
"""Who is packed as another bundle for the same process."""
_FILES = ("main.py", "submission.py")
_ROOT = Path(__file__).parents[1]


class RehearsalError(RuntimeError):
    """A rehearsal that this machine cannot hold."""


class Scene(NamedTuple):
    """A game to be played."""

    title: str
    seats: tuple[str, str]
    """`mine`, `other`, or an agent of the interpreter's own."""
    steps: int
    """At which Kaggle would end the game; 1000 = never."""
    size: tuple[int, int, int] = (7, 6, 4)
    """Columns, rows, how many in a row win."""


@dataclass(frozen=True)
class Game:
    """What came of a scene, at one seat of the submission."""

    title: str
    share: float
    """Of a core."""
    seat: int
    standard: bool
    """Whether the board is Kaggle's."""
    moves: int
    first_s: float | None
    """Time of the first move with import and compilation; None = it made none."""
    worst_s: float | None
    """Of all later moves."""
    overage_s: float
    """What it took out of the bank."""
    faults: tuple[str, ...]
    """What Kaggle would punish, and what to do."""
    said: str
    """The end of its stderr."""


@dataclass(frozen=True)
class Report:
    """A rehearsal."""

    file: str
    bytes: int
    games: tuple[Game, ...]
    faults: tuple[str, ...]
    """What must be mended, each once; empty = passed."""
    warnings: tuple[str, ...]
    layers: tuple[str, ...]
    """What contained it."""
    seconds: float


_QUICK = (
    Scene("v random, a quarter of a core", ("mine", "random"), 12),
    Scene("v random", ("random", "mine"), 1000),
    Scene("v itself", ("mine", "mine"), 15),
    Scene("v negamax", ("mine", "negamax"), 21),
    Scene("v another bundle", ("other", "mine"), 12),
    Scene("5x4x3 v random", ("mine", "random"), 9, (5, 4, 3)),
    Scene("9x8x5 v random", ("random", "mine"), 9, (9, 8, 5)),
)


def _long(scene: Scene) -> Scene:
    return scene._replace(steps=1000)


def acts(thorough: bool) -> list[tuple[float, list[Scene]]]:
    """Gives shares of a core and what is played at each, one process an entry."""
    first, *others = _QUICK
    if not thorough:
        return [(QUARTER, [first]), (FULL, list(others))]
    every = [_long(scene) for scene in others]
    return [(QUARTER, [_long(first), *every]), (FULL, every)]


Told = Callable[[str], None]


def rehearse(file: Path, thorough: bool = False, told: Told = lambda text: None) -> Report:
    """Gives what would happen to a submission on Kaggle.

    Args:
        file: a `.py` or `.tar.gz`, anybody's.
        thorough: play all games to their ends, also on a quarter of a core.
        told: told in words what is being done.

    Raises:
        AgentError: when it cannot be read, holds no `main.py`, or must not run on this system.
        RehearsalError: when this machine cannot hold it.
    """
    if why := sandbox.refusal():
        raise AgentError(f"cannot run '{file}': {why}")
    began, folder = time.monotonic(), tempfile.mkdtemp(dir=workspace.folder(), prefix="stage-")
    try:
        main, size = _opened(file, Path(folder))
        other = _reference(Path(folder) / "other")
        plan = acts(thorough)
        cores = len(os.sched_getaffinity(0))
        with ThreadPoolExecutor(min(len(plan), cores)) as pool:
            stages = [_Stage(main, other, share, scenes, told) for share, scenes in plan]
            found = list(pool.map(_Stage.play, stages))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    games = tuple(game for stage in found for game in stage)
    faults = [fault for game in games for fault in game.faults]
    if size > bundle.LIMIT_MB * 10**6:
        faults.append(f"{size / 1e6:.0f} MB, Kaggle takes {bundle.LIMIT_MB}; leave something out")
    return Report(
        str(file),
        size,
        games,
        tuple(dict.fromkeys(faults)),
        tuple(w for stage in stages for w in stage.warnings)[:1],
        stages[0].layers,
        time.monotonic() - began,
    )


def _opened(file: Path, folder: Path) -> tuple[Path, int]:
    """Gives the file that Kaggle executes, in a folder of its own, and the submission's size.

    Raises:
        AgentError: when there is none.
    """
    if not file.is_file():
        raise AgentError(f"no file '{file}'; give a main.py or a .tar.gz")
    if file.name.endswith(".py"):
        place = folder / "mine"
        place.mkdir()
        shutil.copy(file, place / file.name)
        return place / file.name, file.stat().st_size
    if not file.name.endswith((".tar.gz", ".tgz")):
        raise AgentError(f"'{file}' is no submission; give a main.py or a .tar.gz")
    unpacked = Path(archive.unpack(file)[1])
    for name in _FILES:
        if (unpacked / name).is_file():
            return unpacked / name, file.stat().st_size
    raise AgentError(f"'{file}' has no main.py at its root; pack the file, not its folder")


def _reference(folder: Path) -> Path:
    """Gives the `main.py` of another bundle."""
    with tarfile.open(fileobj=io.BytesIO(bundle.pack(_OTHER).data)) as packed:
        packed.extractall(folder, filter="data")
    return folder / "main.py"


class _Stage:
    """A process on a share of a core, and what it plays."""

    def __init__(
        self, main: Path, other: Path, share: float, scenes: Sequence[Scene], told: Told
    ) -> None:
        self._agents = {"mine": str(main), "other": str(other)}
        self._share, self._scenes, self._told = share, scenes, told
        self._scratch = tempfile.mkdtemp(dir=workspace.folder(), prefix="scratch-")
        self.layers: tuple[str, ...] = ()
        self.warnings: list[str] = []

    def play(self) -> list[Game]:
        """Plays all scenes; after a death, those that are left in a new process."""
        games: list[Game] = []
        left = list(self._scenes)
        try:
            while left:
                for scene, document in self._session(left):
                    games += self._judged(scene, document)
                    left.remove(scene)
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)
        return games

    def _session(self, scenes: Sequence[Scene]) -> Iterator[tuple[Scene, dict[str, Any]]]:
        """Gives scenes and what the process said of them; the last one may have ended it."""
        process = self._start(scenes)
        assert process.stdout is not None
        try:
            lines = _Lines(process.stdout.fileno())
            hello = lines.next(_START_S)
            if hello is None or "layers" not in hello:
                raise RehearsalError("the stage does not start; run `arena doctor`")
            self.layers = tuple(hello["layers"])
            for scene in scenes:
                self._told(scene.title)
                with SlowCore(process.pid, self._share):
                    document = lines.next(_patience(scene))
                    self._watch(process.pid)
                if document is None:
                    yield scene, _silent(process)
                    return
                yield scene, document
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def _watch(self, pid: int) -> None:
        """Warns where the machine, not the submission, was slow."""
        used, waited = processor_s(pid), waited_s(pid)
        if waited > 1 + used and not self.warnings:
            self.warnings.append(
                f"this machine was busy: the submission waited {waited:.0f} s for a core that it "
                f"used for {used:.0f} s, so times are too long; rehearse again when it is idle"
            )

    def _start(self, scenes: Sequence[Scene]) -> subprocess.Popen[bytes]:
        order = {
            "root": str(_ROOT),
            "readable": [str(Path(path).parent) for path in self._agents.values()],
            "scratch": self._scratch,
            "memory_mb": MEMORY_MB,
            "games": [
                {
                    "agents": [self._agents.get(name, name) for name in scene.seats],
                    "settings": dict(zip(("columns", "rows", "inarow"), scene.size, strict=True))
                    | {"episodeSteps": scene.steps},
                }
                for scene in scenes
            ],
        }
        environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **QUIET_THREADS}
        return subprocess.Popen(
            [sys.executable, str(_ROOT / "arena" / "rehearsal_child.py"), json.dumps(order)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd="/",
            start_new_session=True,
        )

    def _judged(self, scene: Scene, document: dict[str, Any]) -> list[Game]:
        """Gives what came of a scene at each seat of the submission."""
        return [
            judged(scene, self._share, seat, document)
            for seat, name in enumerate(scene.seats)
            if name == "mine"
        ]


def judged(scene: Scene, share: float, seat: int, document: dict[str, Any]) -> Game:
    """Gives what a game says of the submission at a seat.

    Args:
        scene: what was played.
        share: of a core.
        seat: of the submission.
        document: what the stage said of it.
    """
    returned = document.get("returned", [[], []])[seat]
    seconds = document.get("seconds", [[], []])[seat]
    said = document.get("said", ["", ""])[seat]
    standard = scene.size == (7, 6, 4)
    return Game(
        title=scene.title,
        share=share,
        seat=seat,
        standard=standard,
        moves=len(seconds),
        first_s=seconds[0] if seconds else None,
        worst_s=max(seconds[1:]) if seconds[1:] else None,
        overage_s=sum(max(0.0, took - _ACT_S) for took in seconds),
        faults=tuple(_faults(document, seat, returned, said, standard)),
        said=said,
    )


def _faults(
    document: dict[str, Any], seat: int, returned: list[str], said: str, standard: bool
) -> Iterator[str]:
    """Gives what was wrong, each with what to do."""
    last = said.strip().splitlines()[-1] if said.strip() else "nothing on stderr"
    if raised := document.get("raised"):
        yield f"it ends the whole episode: {raised}; let agent() return a plain int and never exit"
        return
    status = document["statuses"][seat]
    wrong = [words for words in returned if words != "int"]
    if "None of type NoneType" in wrong:
        yield "it returned None, which Kaggle plays as column 0; return the column"
    elif wrong:
        yield f"it returned {wrong[0]}; return int(column)"
    elif status == "INVALID":
        yield "it returned an illegal column; choose one whose top cell is empty"
    if status == "ERROR":
        yield f"it raised an error: {last}"
    if status == "TIMEOUT":
        yield (
            f"it ran out of time after {_BANK_S:.0f} s of overage; think less, or compile less "
            "before the first move"
        )
    if standard and bundled.SIGN in said:
        line = next(line for line in said.splitlines() if bundled.SIGN in line)
        yield f"its player did not decide: {line}; last words: {last}"


def _silent(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Gives a document for a game in which the process died or said nothing any more."""
    try:
        status = process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        return {"raised": "no move for minutes, and Kaggle never ends an endless loop"}
    return {"raised": f"its process died ({describe_exit(status)})"}


def _patience(scene: Scene) -> float:
    moves = min(scene.steps, scene.size[0] * scene.size[1])
    return _PATIENCE_S + 2 * _BANK_S + moves * 2 * _ACT_S


class _Lines:
    """Lines of JSON from a pipe, each by a deadline."""

    def __init__(self, fd: int) -> None:
        self._fd, self._data = fd, b""

    def next(self, seconds: float) -> dict[str, Any] | None:
        """Gives the next document, None when it does not come or makes no sense."""
        due = time.monotonic() + seconds
        while b"\n" not in self._data:
            left = due - time.monotonic()
            if left <= 0 or not select.select([self._fd], [], [], left)[0]:
                return None
            part = os.read(self._fd, 1 << 16)
            if not part:
                return None
            self._data += part
        line, _, self._data = self._data.partition(b"\n")
        try:
            found = json.loads(line)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None
