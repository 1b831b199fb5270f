"""What `arena compare` prints: scores by game, aggregates, and what must be known to read them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rich.console import Console, RenderableType

from arena import atari_scores, screen
from arena.aggregates import RESAMPLINGS
from arena.compare import listed

Agent = dict[str, Any]
"""An agent of the document of `compare.document`."""
OTHER, FORFEIT, NONE = "†", "!", "·"
TITLES = {"mean": "mean", "median": "median", "iqm": "IQM", "optimality_gap": "gap"}
_BAR = 28
_LEAST = 0.01
"""Human-normalised score at the left end of the bars at least; they are logarithmic."""


class Column(NamedTuple):
    """One column of a table."""

    header: str
    """`>` before it aligns the cells to the right."""
    cells: list[str]


def by_game(document: dict[str, Any], console: Console) -> Iterator[RenderableType]:
    """Gives the scores by game: as few tables as fit the console's width, one at least."""
    games = document["games"]
    left = [Column("game", list(games))]
    left += [
        Column(f">{name}", [NONE if r[name] is None else score(r[name]) for r in games.values()])
        for name in ("random", "human")
    ]
    yield from _fitted(left, [_game_columns(document, a) for a in document["agents"]], console)


def aggregates(document: dict[str, Any], console: Console) -> Iterator[RenderableType]:
    """Gives the aggregates, agents of the protocol first and ranked, the others after them."""
    agents = sorted(document["agents"], key=_order)
    places = [OTHER if agent["place"] is None else str(agent["place"]) for agent in agents]
    left = [Column(">#", places), Column("agent", [agent["agent"] for agent in agents])]
    groups = [
        [
            Column("protocol", [agent["protocol"] for agent in agents]),
            Column(">frames", [count(agent["frames"]) for agent in agents]),
            Column(">steps", [count(agent["steps"]) for agent in agents]),
            Column("scores", [_scores(agent) for agent in agents]),
        ]
    ]
    for name, title in TITLES.items():
        groups.append(_estimates(title, [agent["aggregates"][name] for agent in agents]))
    groups.append([Column("IQM, log scale", _bars(agents))])
    if _foretold(document):
        groups.append(_estimates("median of 57", [agent["atari5"] for agent in agents]))
    yield from _fitted(left, groups, console)


def improvement(document: dict[str, Any]) -> RenderableType:
    """Gives the chance that a score of one recorded agent beats that of another."""
    rows = [
        [row["first"], row["second"], number(row["value"]), _interval(row)]
        for row in document["improvement"]
    ]
    return screen.table(["agent", "scores more than", ">with a chance of", "95 %"], rows)


def notes(document: dict[str, Any]) -> Iterator[str]:
    """Gives what must be known to read the tables, a line each."""
    agents, shared = document["agents"], document["shared"]
    yield (
        "HNS = (score - random) / (human - random): 0 is random play, 1 a human tester "
        "(dqn_zoo's table). A step is four frames."
    )
    if shared:
        yield (
            f"Aggregates are over the mean scores of the {_count(len(shared), 'game')} that all "
            "have, ordered by IQM, the mean of the middle half. gap: by how much games miss 1."
        )
    lacking: dict[tuple[str, ...], list[str]] = {}
    for agent in agents:
        lacking.setdefault(tuple(agent["missing"]), []).append(agent["agent"])
    for games, names in lacking.items():
        if games:
            yield f"Not measured of {', '.join(names)}: {listed(games, 8)}."
    if nobody := [game for game in document["asked"] if game not in document["games"]]:
        yield f"Not measured of anybody: {listed(nobody, 8)}."
    yield from _protocol_notes(document)
    yield from _interval_notes(agents)
    for game in document["games"]:
        if game not in atari_scores.games():
            yield f"{game} has no published human score and enters no aggregate."
        elif remark := atari_scores.games()[game].remark:
            yield f"{remark}."
    if _foretold(document):
        held, number_held = atari_scores.atari5_held()
        yield (
            "median of 57: what five games foretell (Atari-5, arXiv 2210.02019); the interval is "
            f"that of cross-validation and held {held} of {number_held} published agents. One "
            "agent may be off by 25 %: CleanRL's PPO has 1.02, foretold are 0.765."
        )
    yield from _sources(agents)


def number(value: float | None) -> str:
    """Gives a human-normalised score in as many digits as tell something."""
    if value is None:
        return NONE
    value = value if abs(value) >= 0.005 else 0.0  # no -0.00
    return f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}"


def score(value: float) -> str:
    """Gives a return of a game."""
    return f"{value:,.1f}" if abs(value) < 1000 else f"{value:,.0f}"


def count(value: int | None) -> str:
    """Gives a number of frames or steps: 49.8M, 20B."""
    for unit, size in (("B", 10**9), ("M", 10**6), ("k", 10**3)):
        if value is not None and value >= size:
            return f"{value / size:.3g}{unit}"
    return NONE if value is None else str(value)


def _fitted(
    left: list[Column], groups: Sequence[list[Column]], console: Console
) -> Iterator[RenderableType]:
    """Gives tables that begin with the same columns and hold as many groups as fit the width."""
    wide = console.options.update(max_width=10_000)
    waiting = list(groups)
    while waiting:
        columns = [*left, *waiting.pop(0)]
        while waiting:
            wider = [*columns, *waiting[0]]
            if console.measure(_table(wider), options=wide).maximum > console.width:
                break
            columns = wider
            waiting.pop(0)
        yield _table(columns)
        yield ""


def _table(columns: Sequence[Column]) -> RenderableType:
    rows = zip(*(column.cells for column in columns), strict=True)
    return screen.table([column.header for column in columns], rows)


def _game_columns(document: dict[str, Any], agent: Agent) -> list[Column]:
    """Gives the columns of an agent in the table of games."""
    mark = "" if agent["protocol"] == document["protocol"] else f" {OTHER}"
    about = [f"{agent['agent']}{mark}", agent["protocol"]]
    if agent["steps"]:
        about += [f"{count(agent['frames'])} frames", f"{count(agent['steps'])} steps"]
    found = [agent["games"].get(game) for game in document["games"]]
    means = [score(r["mean"]) + (FORFEIT if r["forfeits"] else "") if r else NONE for r in found]
    columns = [
        Column(">" + "\n".join(about), means),
        Column(">HNS", [number(row["hns"]) if row else NONE for row in found]),
    ]
    return [*columns, Column("95 %", list(map(_interval, found)))] if agent["ours"] else columns


def _estimates(title: str, found: Sequence[Agent | None]) -> list[Column]:
    """Gives a column of values, and one of their intervals where there are any."""
    values = [NONE if row is None else number(row.get("value", row.get("median"))) for row in found]
    intervals = list(map(_interval, found))
    return [Column(f">{title}", values), *([Column("95 %", intervals)] if any(intervals) else [])]


def _foretold(document: dict[str, Any]) -> bool:
    """Gives whether to show what five games foretell: where not all games were measured."""
    return len(document["shared"]) < len(atari_scores.games()) and any(
        agent["atari5"] for agent in document["agents"]
    )


def _order(agent: Agent) -> tuple[bool, int, str, float]:
    """Ranked agents by place, then the others by protocol and value."""
    place = agent["place"]
    value = agent["aggregates"]["iqm"]["value"]
    return place is None, place or 0, agent["protocol"], -value


def _scores(agent: Agent) -> str:
    """Gives what the scores of an agent are over."""
    if agent["unit"] == "means":
        return f"mean of {_count(agent['runs'], 'run')}" if agent["runs"] else "mean"
    episodes = sum(row["episodes"] for row in agent["games"].values())
    told = _count(episodes, "episode")
    return f"{told}, {_count(agent['runs'], 'run')}" if agent["unit"] == "runs" else told


def _interval(found: Mapping[str, Any] | None) -> str:
    """Gives an interval as text, nothing where there is none."""
    if found is None or found["low"] is None:
        return ""
    return f"[{number(found['low'])}, {number(found['high'])}]"


def _bars(agents: Sequence[Agent]) -> list[str]:
    """Draws each IQM as a dot, with its interval where there is one, in logarithms."""
    found = [agent["aggregates"]["iqm"] for agent in agents]
    values = [max(v, _LEAST) for row in found for v in row.values() if v is not None]
    low = math.log10(min(values))
    wide = max(math.log10(max(values)) - low, 0.1)

    def place(value: float) -> int:
        return round((math.log10(max(value, _LEAST)) - low) / wide * (_BAR - 1))

    bars = []
    for row in found:
        cells = [" "] * _BAR
        if row["low"] is not None:
            ends = place(row["low"]), place(row["high"]) + 1
            cells[slice(*ends)] = "─" * (ends[1] - ends[0])
        cells[place(row["value"])] = "●"
        bars.append("".join(cells))
    return bars


def _protocol_notes(document: dict[str, Any]) -> Iterator[str]:
    meaning = atari_scores.protocols()
    others: list[str] = []
    for agent in document["agents"]:
        if agent["protocol"] not in [document["protocol"], *others]:
            others.append(agent["protocol"])
    stamps = {a["stamp"] for a in document["agents"] if a["stamp"]}
    stamp = f" ({', '.join(sorted(stamps))})" if stamps else ""
    name = document["protocol"]
    yield f"{name}{stamp}: {meaning.get(name, 'as its stamp says')}."
    for other in others:
        yield f"{OTHER} {other}, not ranked with {name}: {meaning.get(other, '')}."


def _interval_notes(agents: Sequence[Agent]) -> Iterator[str]:
    units = {agent["unit"] for agent in agents if agent["aggregates"]} - {"means"}
    for unit in sorted(units):
        rest = " and tell nothing of other trainings of the same kind" if unit == "episodes" else ""
        yield (
            f"95 %: percentiles of {RESAMPLINGS:,} resamplings of {unit} within each game; they "
            f"are of these {unit}{rest}. That of the gap is too narrow where {unit} are few. "
            "Published means alone have none."
        )
    for agent in agents:
        forfeits = {game: row["forfeits"] for game, row in agent["games"].items()}
        if total := sum(forfeits.values()):
            games = listed([game for game, number in forfeits.items() if number])
            yield (
                f"{FORFEIT} {agent['agent']} forfeited {_count(total, 'episode')} of {games}, "
                "counted with the returns they had."
            )


def _sources(agents: Sequence[Agent]) -> Iterator[str]:
    """Gives where scores are from, agents of one source together."""
    told: dict[tuple[str, str | None], list[str]] = {}
    for agent in agents:
        told.setdefault((agent["source"], agent["measured"]), []).append(agent["agent"])
    for (source, measured), names in told.items():
        where = f"run {source}" if measured is None else f"{source}: {measured}"
        yield f"{', '.join(names)}: {where}."


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
