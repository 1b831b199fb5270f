"""What the terminal shows of the returns of solo agents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from arena import screen
from arena.solo_returns import OVERALL

HEADERS = (">episodes", ">mean", ">95 %", ">median", ">iqm", ">95 %", ">std", ">human", ">gap")
NOTE = "Human: 0 % = random play, 100 % = the human tester; gap: by how much episodes miss 100 %."


def cells(row: Mapping[str, Any]) -> list[str]:
    """Gives the cells of `HEADERS` of a `solo_returns.summary`."""
    return [
        f"{row['episodes']:,}",
        _number(row["mean_return"]),
        _interval(*row["mean_interval"]),
        _number(row["median_return"]),
        _number(row["iqm"]),
        _interval(*row["iqm_interval"]),
        _number(row["std"]),
        _percent(row["hns"]),
        _percent(row["optimality_gap"]),
    ]


def table(document: Mapping[str, Any]) -> RenderableType:
    """Gives the returns of a solo ladder, and how likely each agent improves on the next."""
    names = [agent["agent"] for agent in document["agents"]]
    found = {(row["first"], row["second"]): row for row in document["improvements"]}
    rows = []
    for place, agent in enumerate(document["agents"]):
        below = found.get((agent["agent"], names[place + 1])) if place + 1 < len(names) else None
        rows.append([str(place + 1), agent["agent"], *cells(agent), _chance(below)])
    headers = [">#", "returns", *HEADERS, ">improves on the next"]
    return Group(screen.table(headers, rows), Text(f"\n{NOTE}", style="dim"))


def overall(returns: Mapping[str, Mapping[str, Any]]) -> RenderableType:
    """Gives the human-normalised aggregates of agents over envs, see `solo_returns.over_envs`."""
    rows = [
        [agent, str(row["envs"]), *(_estimate(row[name]) for name in OVERALL)]
        for agent, row in returns.items()
    ]
    headers = ["human-normalised", ">envs", *(f">{name.replace('_', ' ')}" for name in OVERALL)]
    return screen.table(headers, rows)


def _number(value: float | None) -> str:
    return "·" if value is None else f"{value:,.1f}"


def _interval(low: float | None, high: float | None) -> str:
    return "·" if low is None or high is None else f"{low:,.1f} to {high:,.1f}"


def _percent(value: float | None) -> str:
    return "·" if value is None else f"{100 * value:.1f} %"


def _estimate(found: list[float | None] | None) -> str:
    if found is None or found[0] is None:
        return "·"
    low, high = found[1:]
    ends = "" if low is None or high is None else f" ({100 * low:.1f} to {100 * high:.1f})"
    return f"{100 * found[0]:.1f} %{ends}"


def _chance(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return ""
    ends = "" if row["low"] is None else f" ({100 * row['low']:.0f} to {100 * row['high']:.0f})"
    return f"{100 * row['probability']:.0f} %{ends}"
