"""What the solver says of a game, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from arena import screen
from arena.match_record import MatchRecord
from arena.value_lost import Judged

_MARK = "◀ the first"


def document(moves: Sequence[Judged]) -> list[dict[str, Any]]:
    """Gives the moves of a game; columns from 1, outcomes 1 won to -1 lost for who moved."""
    return [
        {
            "move": one.move,
            "seat": one.seat,
            "column": one.action + 1,
            "before": one.before,
            "after": one.after,
            "kept_by": [column + 1 for column in one.kept],
            "first_lost": one.first,
        }
        for one in moves
    ]


def show(record: MatchRecord, moves: Sequence[Judged]) -> None:
    """Shows a line for each move, and which were the first that lost value."""
    headers = [">move", "player", ">column", "with best play", "kept by", ""]
    rows = [
        [
            str(one.move),
            screen.harmless(record.agents[one.seat].removeprefix("import:")),
            str(one.action + 1),
            one.words,
            ", ".join(str(column + 1) for column in one.kept),
            _MARK if one.first else "",
        ]
        for one in moves
    ]
    screen.show(screen.table(headers, rows), "")
    for seat, agent in enumerate(record.agents):
        name = screen.harmless(agent.removeprefix("import:"))
        first = next((one for one in moves if one.first and one.seat == seat), None)
        if first is not None:
            screen.note(f"{name} lost value by move {first.move}: {first.words}.")
        else:
            unknown = any(one.before is None for one in moves)
            screen.note(f"{name} lost no value{' where it was solved' if unknown else ''}.")
