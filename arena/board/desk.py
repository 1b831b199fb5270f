"""Every question of a page and its answer, without any web server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agents import checkpoint
from agents.base import AgentError
from agents.disk import DiskError
from arena import runs
from arena.board import episode, games, players, shelf
from arena.board.analysis import Analyst
from arena.board.frames import Reel, Reels
from arena.board.query import Query, QueryError
from arena.board.shelf import MissingError, Shelf
from arena.board.tables import Tables
from arena.film import FilmError
from arena.records import RecordsError
from arena.replaying import ForeignRecordError
from arena.standings import ProtocolError
from envs.base import EnvOptionError
from envs.registry import UnknownEnvError

Document = dict[str, Any]
_VERDICT_S = 1.5
"""About how long an answer of the solver takes; the rest comes when it is asked again."""


class Desk:
    """Answers questions about the runs on a shelf. Several threads may ask at once."""

    def __init__(self, logdir: Path) -> None:
        """Takes the folder of the runs, or one run."""
        self.shelf = Shelf(logdir)
        self._analyst = Analyst(self.shelf)
        self._reels = Reels()
        self._lock = threading.Lock()
        self._tables: dict[Path, Tables] = {}
        self.questions: dict[str, Callable[[Query], Document]] = {
            "runs": self.runs,
            "version": self.version,
            "ladder": self.ladder,
            "training": self.training,
            "games": self.games,
            "game": self.game,
            "verdicts": self.verdicts,
            "film": self.film,
            "frames": self.frames,
            "agents": self.agents,
            "analyse": self.analyse,
        }

    def answer(self, name: str, query: Query) -> tuple[int, Document]:
        """Gives the status of HTTP and the document that answers a question.

        What is wrong with the data is an answer, too: a document with `error`.
        """
        try:
            return 200, self.questions[name](query)
        except (QueryError, EnvOptionError, UnknownEnvError) as error:
            return 400, {"error": str(error)}
        except MissingError as error:
            return 404, {"error": str(error)}
        except (RecordsError, FilmError, ForeignRecordError, ProtocolError) as error:
            return 200, {"error": str(error)}

    def runs(self, query: Query) -> Document:
        """Gives the `runs`, the newest first: name, games, kind; the `root` they are in."""
        return {"runs": [self._about(name) for name in self.shelf.names()], **self._where()}

    def version(self, query: Query) -> Document:
        """Gives `mark`, which changes when the run does, and `runs`, their number; cheap."""
        names = self.shelf.names()
        run = query.text("run", "")
        return {"mark": shelf.mark(self.shelf.run(run)) if run else "", "runs": len(names)}

    def ladder(self, query: Query) -> Document:
        """Gives the document of the ladder of `run`, of `env` or that with most games."""
        run = self._run(query)
        tables = self._of(run)
        damage = None
        try:
            envs = tables.read()
        except RecordsError as error:
            envs, damage = tables.envs, str(error)
        env = query.text("env", "") or (envs[0] if envs else "")
        if env and env not in envs:
            raise MissingError(f"no rated games of {env} in {run.name}")
        found = tables.ladder(env) if env else {"env": "", "agents": [], "pairings": []}
        return {**found, "run": run.name, "envs": envs, "damage": damage}

    def training(self, query: Query) -> Document:
        """Gives the `points` of a training, a counter and what was measured at each checkpoint."""
        run = self._run(query)
        if not (run / checkpoint.FOLDER).is_dir():
            return {"points": []}
        try:
            return {"points": measured(run)}
        except AgentError as error:
            return {"points": [], "error": str(error)}

    def games(self, query: Query) -> Document:
        """Gives a page of the games of a run; see `games.wanted` for filters, `before` for more."""
        run = self._run(query)
        elo: dict[str, float] = {}
        if query.number("upsets", 0):
            tables = self._of(run)
            envs = tables.read()
            env = query.text("env", "")
            elo = tables.elo(env if env in envs else envs[0]) if envs else {}
        which = games.wanted(query, elo)
        with shelf.reading(run) as connection:
            found = games.page(connection, which, query.number("before", 0))
        return {**found, "run": run.name}

    def game(self, query: Query) -> Document:
        """Gives one game, see `episode.document`."""
        return episode.document(self._run(query), query.number("number"))

    def verdicts(self, query: Query) -> Document:
        """Gives what the solver says of each position of a game, see `verdicts.verdicts`."""
        record, _ = episode.load(self._run(query), query.number("number"))
        if record.env != "connectx":
            return {"verdicts": [], "done": True}
        return self._analyst.verdicts(record.start, record.actions, _VERDICT_S)

    def film(self, query: Query) -> Document:
        """Gives what is known of a solo episode that was played again."""
        return self._reel(query).about

    def frames(self, query: Query) -> Document:
        """Gives the chunk `chunk` of an episode's frames."""
        return self._reel(query).chunk(query.number("chunk", 0))

    def agents(self, query: Query) -> Document:
        """Gives the `agents` that can be asked about positions of `env`."""
        return {"agents": players.listed(self.shelf, query.text("env"))}

    def analyse(self, query: Query) -> Document:
        """Gives what `agent` thinks of a position: `env` and `moves`, or `run`, `number`, `at`."""
        agent, simulations = query.text("agent", ""), query.number("simulations", 0)
        if "env" in query:
            env = query.text("env")
            return self._analyst.board(env, query.text("moves", ""), agent, simulations)
        run, number = self._run(query), query.number("number")
        record, _ = episode.load(run, number)
        key = (run.name, number)
        return self._analyst.film(record, key, query.number("at", 0), (agent, simulations))

    def _run(self, query: Query) -> Path:
        return self.shelf.run(query.text("run"))

    def _of(self, run: Path) -> Tables:
        with self._lock:
            return self._tables.setdefault(run, Tables(run))

    def _reel(self, query: Query) -> Reel:
        run, number = self._run(query), query.number("number")
        record, _ = episode.load(run, number)
        if len(record.agents) != 1:
            raise QueryError(f"game {number} of {run.name} is played on a board; it has no frames")
        return self._reels.get((run, number, record.digests), record)

    def _where(self) -> Document:
        return {"root": str(self.shelf.root), "alone": self.shelf.alone}

    def _about(self, name: str) -> Document:
        run = self.shelf.root / name
        try:
            with shelf.reading(run) as connection:
                count = connection.execute("SELECT max(number) FROM episode").fetchone()[0] or 0
        except RecordsError as error:
            return {"name": name, "games": 0, "error": str(error), "kind": ""}
        try:
            kind = str(runs.config(run).get("command", ""))
        except (ValueError, DiskError):
            kind = ""
        return {"name": name, "games": count, "kind": kind}


def measured(run: Path) -> list[Document]:
    """Gives the numbers on the card of every checkpoint of a run and its counters, by name.

    Raises:
        AgentError: when a checkpoint is damaged.
    """
    found = []
    for step in checkpoint.steps(run):
        about = checkpoint.manifest(checkpoint.at(run, step))
        card = {**about.counters, **about.card}
        numbers = {k: v for k, v in card.items() if isinstance(v, int | float) and v == v}
        found.append({name: round(value, 4) for name, value in numbers.items()})
    return found
