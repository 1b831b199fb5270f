"""Cut files and flipped bits: of every kind of file that a run has, what is noticed.

python -m tests.faults.bits --flips 300 --cuts 100
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from agents import checkpoint
from agents.base import AgentError
from agents.checkpoint import Manifest
from agents.disk import DiskError
from arena import repair, runs, tournament
from arena.executor import Inline
from arena.records import Records, RecordsError
from arena.store import FolderStore
from arena.tournament import TournamentConfig
from configs import loader
from configs.loader import ConfigError
from tests.faults.row import Row

NOTICED = (RecordsError, AgentError, DiskError, ConfigError)
_CONFIG = TournamentConfig(agents=("random", "mcts:simulations=8"), games=40, chunk_games=10)


class Kind(NamedTuple):
    """A kind of file."""

    file: str
    """Where it is in the run."""
    read: Callable[[Path], Any]
    """Gives what readers find of it in a run."""
    whole: bool = True
    """Whether no part of it can be left out unnoticed."""


def records(run: Path) -> Any:
    """Gives everything that the records hold."""
    with Records.read(run) as found:
        games = [(repr(one), found.search(one.number)) for one in found.episodes()]
        return games, sorted(found.chunks(loader.digest(_CONFIG)))


def training(run: Path) -> Any:
    """Gives everything that the checkpoints hold."""
    store = FolderStore(run / "objects")
    found = []
    for step in checkpoint.steps(run):
        about = checkpoint.manifest(checkpoint.at(run, step))
        parts = [checkpoint.read(checkpoint.at(run, step), name) for name in about.parts]
        found.append((about, parts, [store.get(name) for name in about.objects]))
    return found


def make(run: Path) -> list[Kind]:
    """Makes a run with every kind of file; gives them."""
    runs.settle(run, "tournament", loader.dump(_CONFIG), resume=False)
    cards = tournament.inspect(_CONFIG, Inline())
    with Records.write(run) as found:
        list(tournament.run(_CONFIG, cards, found, Inline()))
    shard = FolderStore(run / "objects").put(bytes(range(256)) * 4)
    about = Manifest("muzero", "connectx", "ab", {"chunks": 1}, {}, (shard,), {"elo": 1.5})
    parts = {checkpoint.WEIGHTS: bytes(range(200)), "state.safetensors": b"state" * 50}
    checkpoint.write(checkpoint.at(run, 1), about, parts)
    folder = checkpoint.at(Path(), 1)
    return [
        Kind("records.sqlite", records),
        Kind("records.count", records),
        Kind(runs.CONFIG, runs.config),
        Kind(str(folder / checkpoint.MANIFEST), training),
        Kind(str(folder / checkpoint.WEIGHTS), training),
        Kind(str(folder / "state.safetensors"), training),
        Kind(str(Path("objects") / shard), training),
    ]


def journal(run: Path, folder: Path) -> Kind:
    """Makes in `run` what a killed writer leaves: records whose end is in SQLite's journal."""
    _CONFIG_RUN = folder / "writing"
    cards = tournament.inspect(_CONFIG, Inline())
    with Records.write(_CONFIG_RUN) as found:
        list(tournament.run(_CONFIG, cards, found, Inline()))
        shutil.copytree(_CONFIG_RUN, run)
    (run / "records.sqlite-shm").unlink(missing_ok=True)
    return Kind("records.sqlite-wal", records)


def changes(data: bytes, flips: int, cuts: int, seed: str) -> Iterator[tuple[str, bytes]]:
    """Gives a file with one flipped bit each, then cut to several lengths."""
    chance = random.Random(seed)
    bits = range(8 * len(data))
    for place in sorted(chance.sample(bits, min(flips, len(bits)))):
        changed = bytearray(data)
        changed[place // 8] ^= 1 << place % 8
        yield f"bit {place}", bytes(changed)
    for length in sorted({0, *chance.sample(range(len(data)), min(cuts, len(data)))}):
        yield f"cut to {length}", data[:length]


def damage(
    run: Path, kind: Kind, flips: int, cuts: int, scratch: Path
) -> tuple[Counter[str], list[str]]:
    """Changes one file many times; gives how it was noticed, and what was not."""
    data, told, silent = (run / kind.file).read_bytes(), Counter[str](), []
    shutil.copytree(run, scratch)
    expected = kind.read(scratch)
    for what, changed in changes(data, flips, cuts, kind.file):
        shutil.rmtree(scratch)
        shutil.copytree(run, scratch)
        (scratch / kind.file).write_bytes(changed)
        try:
            found = kind.read(scratch)
        except NOTICED:
            told["told by the reader"] += 1
            continue
        if repair.find(scratch):
            told["told by `arena doctor`"] += 1
        elif found == expected:
            told["changed nothing"] += 1
        else:
            told["silent"] += 1
            silent.append(f"{kind.file}, {what}")
    shutil.rmtree(scratch)
    return told, silent


def sweep(folder: Path, flips: int, cuts: int) -> Row:
    """Damages every kind of file."""
    run = folder / "run"
    kinds = [(run, kind) for kind in make(run)]
    kinds.append((folder / "killed", journal(folder / "killed", folder)))
    told, silent = Counter[str](), []
    for where, kind in kinds:
        of_kind, unnoticed = damage(where, kind, flips, cuts, folder / "scratch")
        told += of_kind
        silent += unnoticed
    result = ", ".join(f"{many:,} {how}" for how, many in sorted(told.items()))
    if silent:
        result += f": {'; '.join(silent[:10])}"
    what = f"flipped bits and cuts of {len(kinds)} kinds of files"
    return Row(what, told.total(), "no silent change", result, not silent, "")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flips", type=int, default=300)
    parser.add_argument("--cuts", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        print(sweep(Path(name), options.flips, options.cuts))
