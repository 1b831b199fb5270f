"""One training with several seeds: which runs these are, and what they reached together."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from arena import screen
from arena.training_live import rating, share
from configs.loader import ConfigError

GOALS = (0.90, 0.95, 0.97)
"""Shares of moves that keep the outcome; the minutes until they are first reached are compared."""
_MEASURED = ("weak", "strong", "elo", "mean_return", "hns")
_MOST = 100
_PART = re.compile(r"(\d{1,18})(?:-(\d{1,18}))?")


def seeds(text: str) -> tuple[int, ...]:
    """Gives the seeds that a text names, such as `0-2` or `0,3,5`.

    Raises:
        ConfigError: when it names none, one twice, or too many.
    """
    found: list[int] = []
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise ConfigError(f"--seeds '{text}': write them as 0-2 or 0,3,5")
        found += range(first, min(last, first + _MOST) + 1)
    if len(found) > _MOST or len(set(found)) < len(found):
        raise ConfigError(f"--seeds '{text}': give at most {_MOST} of them, each once")
    return tuple(found)


def free_name(root: Path, kind: str) -> str:
    """Gives `kind-1`, `kind-2`...: the first that no run has, with seeds or without."""
    number = 1
    while (root / f"{kind}-{number}").exists() or any(root.glob(f"{kind}-{number}-s*")):
        number += 1
    return f"{kind}-{number}"


def summary(run: str, seed: int, agent: str | None, cards: Sequence[Mapping[str, Any]]) -> Any:
    """Gives what one training reached, as a document; None = it did not, or was not measured.

    Args:
        run: its name.
        seed: its seed.
        agent: who plays from its last checkpoint.
        cards: counters and cards of its checkpoints, the oldest first.
    """
    last = cards[-1] if cards else {}
    return {
        "run": run,
        "seed": seed,
        "agent": agent,
        "minutes_to": {f"{goal:.0%}": _minutes(cards, goal) for goal in GOALS},
        **{name: last.get(name) for name in (*_MEASURED, "error95")},
        "evaluations": list(cards),
    }


def _minutes(cards: Sequence[Mapping[str, Any]], goal: float) -> float | None:
    reached = (card["seconds"] / 60 for card in cards if (card.get("weak") or 0) >= goal)
    return next(reached, None)


def document(summaries: Sequence[Any], picture: Path | None) -> dict[str, Any]:
    """Gives what several trainings reached, and the medians; a goal not reached is infinitely far.

    Args:
        summaries: of each.
        picture: of their curves.
    """
    goals = [f"{goal:.0%}" for goal in GOALS]
    middle: dict[str, Any] = {
        "minutes_to": {
            goal: _median(_far(s["minutes_to"][goal]) for s in summaries) for goal in goals
        },
    }
    for name in _MEASURED:
        middle[name] = _median(s[name] for s in summaries if s[name] is not None)
    return {
        "runs": list(summaries),
        "median": middle,
        "picture": None if picture is None else str(picture),
    }


def _far(minutes: float | None) -> float:
    return math.inf if minutes is None else minutes


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    middle = statistics.median(found) if found else math.inf
    return middle if math.isfinite(middle) else None


def table(document: dict[str, Any]) -> Table:
    """Gives a row for each training and one of medians; goals only where positions were graded."""
    rows = [*document["runs"], {"run": "median", "error95": None, **document["median"]}]
    if any(row["mean_return"] is not None for row in document["runs"]):
        return screen.table(["run", ">return", ">human"], [_alone(row) for row in rows])
    graded = any(row["weak"] is not None for row in document["runs"])
    goals = [f"{goal:.0%}" for goal in GOALS] if graded else []
    headers = ["run", *(f">min to {goal} weak" for goal in goals), ">weak", ">strong", ">rating"]
    return screen.table(headers, [_row(row, goals) for row in rows])


def _alone(row: Mapping[str, Any]) -> list[str]:
    found = row["mean_return"]
    return [row["run"], "·" if found is None else f"{found:,.1f}", share(row["hns"])]


def _row(row: Mapping[str, Any], goals: Sequence[str]) -> list[str]:
    minutes = [row["minutes_to"][goal] for goal in goals]
    return [
        row["run"],
        *("·" if m is None else f"{m:.1f}" for m in minutes),
        share(row["weak"]),
        share(row["strong"]),
        rating(row["elo"], row["error95"]),
    ]
