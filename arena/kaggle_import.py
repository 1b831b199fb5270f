"""Episodes of Kaggle, taken into the records of a run, each once, and looked through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from rich.progress import track

from arena import kaggle_episode, screen, value_lost
from arena.commands import print_json
from arena.match_record import MatchRecord
from arena.records import Records
from arena.value_lost import Lost


class Taken(NamedTuple):
    """An episode that was read."""

    file: Path
    record: MatchRecord
    """As it is in the run, with its number there."""
    new: bool
    """False where the run held it already."""
    lost: tuple[Lost, ...]
    """The first moves that lost value, at most one of each seat."""
    solved: bool
    """Whether all positions were looked at."""


class Imported(NamedTuple):
    """What came of some files."""

    run: str
    episodes: tuple[Taken, ...]


def run(files: Sequence[Path], folder: Path, analyse: bool) -> Imported:
    """Takes episodes into a run, all or none; gives what they are.

    Args:
        files: of episodes.
        folder: of the run; made where there is none.
        analyse: whether to look for moves that lost value.

    Raises:
        EpisodeFileError: when a file cannot be read; nothing is stored then.
        RunBusyError: when another process writes the run.
        RecordsError: when the disk refuses.
    """
    found = [kaggle_episode.read(file) for file in files]
    with Records.write(folder) as records:
        numbers = {one.source: one.number for one in records.episodes("source IS NOT NULL")}
        fresh: dict[str | None, MatchRecord] = {}
        for one in found:
            if one.source not in numbers:
                fresh.setdefault(one.source, one)
        first = records.commit(list(fresh.values())) if fresh else 0
        numbers |= {source: first + place for place, source in enumerate(fresh)}
    taken, seen = [], set()
    console = screen.console(stderr=True)
    pairs = list(zip(files, found, strict=True))
    for file, one in track(pairs, "looking for lost value", console=console, transient=True):
        new = one.source in fresh and one.source not in seen
        seen.add(one.source)
        lost, solved = value_lost.first(one) if analyse and new else ([], False)
        numbered = replace(one, number=numbers[one.source])
        taken.append(Taken(file, numbered, new, tuple(lost), solved))
    return Imported(folder.name, tuple(taken))


def show(imported: Imported, as_json: bool) -> int:
    """Tells people or programs what was imported; gives the exit code."""
    documents = [_document(imported.run, one) for one in imported.episodes]
    if as_json:
        print_json({"run": imported.run, "episodes": documents})
        return 0
    headers = ["episode", "first", "second", "result", "value lost by first", "by second"]
    rows = [
        [
            document["episode"],
            *document["agents"],
            document["result"],
            *[_moves(one, seat) for seat in (0, 1)],
        ]
        for document, one in zip(documents, imported.episodes, strict=True)
        if one.new
    ]
    if rows:
        screen.show(screen.table(headers, [[screen.harmless(c) for c in row] for row in rows]))
    again = sum(not one.new for one in imported.episodes)
    screen.note(f"{len(rows)} episodes added to {imported.run}, {again} were there already.")
    if rows:
        example = rows[0][0]
        screen.note(
            f"`arena replay {example}` shows a game, with --analyse every move as the solver sees "
            f"it; openings=lost:{imported.run} trains from where value was lost."
        )
    return 0


def _document(run: str, one: Taken) -> dict[str, Any]:
    record = one.record
    return {
        "episode": f"{run}/{record.number}",
        "file": str(one.file),
        "new": one.new,
        "source": record.source,
        "agents": [agent.removeprefix("import:") for agent in record.agents],
        "moves": len(record.actions),
        "scores": list(record.scores),
        "result": _result(record),
        "termination": record.termination,
        "blame": record.blame,
        "solved": one.solved,
        "lost_value": [
            {
                "move": lost.move,
                "seat": lost.seat,
                "column": lost.action + 1,
                "before": lost.before,
                "after": lost.after,
            }
            for lost in one.lost
        ],
    }


def _result(record: MatchRecord) -> str:
    words = {(1.0, 0.0): "1 : 0", (0.0, 1.0): "0 : 1", (0.5, 0.5): "draw"}[
        (record.scores[0], record.scores[1])
    ]
    return words if record.blame is None else f"{words} ({record.termination})"


def _moves(one: Taken, seat: int) -> str:
    """Gives where a seat lost value, in words."""
    for lost in one.lost:
        if lost.seat == seat:
            return f"move {lost.move}, column {lost.action + 1}: {lost.words}"
    return "never" if one.solved else "·"
