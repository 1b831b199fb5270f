"""What a run is, for a TensorBoard that knows nothing of the arena: curves, tables, films.

Everything here follows from records and checkpoints and can be thrown away. A run that goes on
after a stop writes from where it goes on; readers then forget what came later before.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from arena import ladder, screen
from arena.board import filmed
from arena.board.scalars import Events, written
from arena.records import MatchRecord, Records
from arena.replaying import ForeignRecordError
from arena.standings import ByEnv, games_of
from arena.training import Event

_EVERY_S = 5.0
_SHARE = 0.05
"""Of the time that ladders may take."""
_TABLE = "| # | agent | elo | ± 95 % | games | score |\n|--:|:--|--:|--:|--:|--:|"
Values = Mapping[str, bool | float | str]


class TournamentMirror:
    """The ladder of a tournament, as curves over the games played and as a table."""

    def __init__(self, run: Path) -> None:
        """Opens nothing yet; `run` is the run's folder."""
        self._run = run
        self._events: Events | None = None
        self._due = time.monotonic() + _EVERY_S
        self._last = -1  # step that was written

    def show(self, by_env: ByEnv) -> None:
        """Writes how things stand, not more often than every few seconds."""
        began = time.monotonic()
        if began >= self._due:
            self._write(by_env)
            now = time.monotonic()
            self._due = now + max(_EVERY_S, (now - began) / _SHARE)

    def finish(self, by_env: ByEnv, records: Records) -> None:
        """Writes how things stand at the end, and a game of the best as a film."""
        events = self._events
        if events is None or games_of(by_env) != self._last:
            events = self._write(by_env)
        for env, document in self._documents(by_env):
            record = _best(records, env, [agent["agent"] for agent in document["agents"]])
            _film(events, games_of(by_env), f"best/{env}", record)
        events.flush()

    def close(self) -> None:
        """Closes the file."""
        if self._events is not None:
            self._events.close()

    def _documents(self, by_env: ByEnv) -> list[tuple[str, dict[str, Any]]]:
        return [
            (env, ladder.document(env, standings, partial=True))
            for env, standings in by_env.items()
            if len(standings.counts().players) > 1
        ]

    def _write(self, by_env: ByEnv) -> Events:
        step, documents = games_of(by_env), self._documents(by_env)
        events = self._events = self._events or Events(self._run, since=step)
        self._last = step
        for env, document in documents:
            group = f"elo/{env}" if len(by_env) > 1 else "elo"
            agents = document["agents"]
            events.add(step, {f"{group}/{agent['agent']}": agent["elo"] for agent in agents})
            events.text(step, f"ladder/{env}", table(document))
        events.flush()
        return events


class TrainingMirror:
    """The curves of a training, its hyper-parameters, and a film of every evaluation."""

    def __init__(self, run: Path, values: Values, config: str) -> None:
        """Opens nothing yet.

        Args:
            run: folder of the run.
            values: hyper-parameters that are worth a column, by their name.
            config: all of them as TOML.
        """
        self._run, self._values, self._config = run, values, config
        self._events: Events | None = None

    def show(self, event: Event, records: Records) -> None:
        """Adds an event; the curves' axis is positions played.

        Metrics that stand in no group are of the group `train`.
        """
        step = event.progress.counters["env_steps"]
        events = self._events = self._events or self._begun(step)
        counters = {f"count/{name}": float(n) for name, n in event.progress.counters.items()}
        metrics = {
            name if "/" in name else f"train/{name}": value
            for name, value in event.progress.metrics.items()
        }
        events.add(step, {**counters, **metrics, "count/minutes": event.seconds / 60})
        if event.verdict is not None:
            found = event.verdict._asdict().items()
            events.add(step, {f"evaluation/{name}": v for name, v in found if v is not None})
            record = _typical(records, event.agent or "")
            against = "" if record is None else _against(record, event.agent or "")
            _film(events, step, f"evaluation{against}", record)
            events.flush()

    def close(self) -> None:
        """Closes the file."""
        if self._events is not None:
            self._events.close()

    def _begun(self, step: int) -> Events:
        new = not written(self._run)
        events = Events(self._run, since=step)
        if new:
            events.parameters(self._run.name, self._values)
            events.text(0, "config", "".join(f"    {line}\n" for line in self._config.split("\n")))
        return events


def table(document: Mapping[str, Any]) -> str:
    """Gives a ladder document as a table in Markdown."""
    count = "episodes" if screen.is_solo(dict(document)) else "games"
    rows = [
        f"| {place} | {_cell(agent['agent'])} | {agent['elo']:+.0f} | {screen.error(agent)} "
        f"| {agent[count]:,} | {100 * agent['score']:.1f} % |"
        for place, agent in enumerate(document["agents"], 1)
    ]
    return "\n".join([_TABLE.replace("games", count), *rows])


def _cell(name: str) -> str:
    """Gives a name as text that is no markup."""
    return "`" + screen.harmless(name).replace("`", "'").replace("|", "¦") + "`"


def _film(events: Events, step: int, name: str, record: MatchRecord | None) -> None:
    """Adds an episode as a film, where there is one that can be shown."""
    try:
        png = None if record is None else filmed.animated(record)
    except ForeignRecordError:  # of an earlier emulator: its numbers count, its film is gone
        return
    if png is not None:
        events.picture(step, name, png)


def _typical(records: Records, agent: str) -> MatchRecord | None:
    """Gives the first episode of a checkpoint; where two meet, against its last opponent."""
    query = "instr(a.spec, ?) = 1 OR instr(b.spec, ?) = 1"
    played = [r for r in records.episodes(query, (agent, agent)) if _plays(r, agent)]
    last = [r for r in played if set(r.agents) == set(played[-1].agents)]
    return last[0] if last else None


def _plays(record: MatchRecord, agent: str) -> bool:
    return any(name == agent or name.startswith(f"{agent}:") for name in record.agents)


def _against(record: MatchRecord, agent: str) -> str:
    others = [name for name in record.agents if not name.startswith(agent)]
    return f"/against {others[0]}" if others else f"/{record.env}"


def _best(records: Records, env: str, agents: list[str]) -> MatchRecord | None:
    """Gives the last game of the two best that met; alone, the best episode of the best."""
    query = "rated AND blame IS NULL AND env.name = ? AND a.spec = ?"
    alone = records.episodes(f"{query} AND seat1 IS NULL", (env, agents[0]))
    if best := max(alone, key=lambda record: record.returns[0], default=None):
        return best
    for other in agents[1:]:
        met = records.episodes(f"{query} AND b.spec = ?", (env, agents[0], other))
        if last := deque(met, maxlen=1):  # of very many, only one is kept
            return last[0]
    return None
