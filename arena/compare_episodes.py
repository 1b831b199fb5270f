"""Recorded solo Atari episodes as entries of a comparison: which agents, which protocol."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import numpy as np

from agents import checkpoint, registry, trained
from agents.base import AgentError
from arena.compare import CompareError, Entry
from arena.conduct import SUSPENDED
from arena.records import MatchRecord, Records, RecordsError
from configs import loader
from envs import atari_games

_PURPOSES = ("evaluation", "tournament")
_SOLO = f"env.name LIKE 'ALE/%' AND seat1 IS NULL AND rated = 1 AND purpose IN {_PURPOSES}"
_GROUP = re.compile(r"(?P<label>[A-Za-z0-9][\w.+-]*)=(?P<pattern>.+)")
_CHECKPOINT = re.compile(r"(?P<run>.+)@(?P<step>\d+)")


class Episode(NamedTuple):
    """One recorded episode of one agent."""

    agent: str
    """Canonical AGENT text."""
    game: str
    """Short name."""
    stamp: str
    """Protocol with its hash."""
    score: float
    """The return, of a forfeited episode what it had."""
    forfeit: bool
    run: str
    """Name of the run that holds it."""
    identity: tuple[object, ...]
    """Equal for an episode that was recorded twice."""


class Episodes(NamedTuple):
    """What runs hold."""

    episodes: list[Episode]
    warnings: list[str]
    """What was left out and why."""
    damaged: bool
    """Whether a run could be read in part only."""


def gather(runs: Iterable[Path]) -> Episodes:
    """Gives the rated solo Atari episodes of runs; one that several runs hold counts once."""
    found: dict[tuple[object, ...], Episode] = {}
    warnings: list[str] = []
    unplayed: Counter[str] = Counter()
    damaged = False
    for run in runs:
        records, damage = _read(run)
        warnings += damage
        damaged = damaged or bool(damage)
        for record in records:
            if record.termination == SUSPENDED:
                unplayed[record.agents[0]] += 1
            elif (episode := _episode(record, run.name)) is not None:
                found.setdefault(episode.identity, episode)
    for agent, number in unplayed.items():
        warnings.append(f"{agent}: suspended after faults, {number} episodes were not played")
    return Episodes(list(found.values()), warnings, damaged)


def entries(
    episodes: Sequence[Episode],
    words: Sequence[str] = (),
    games: Sequence[str] = (),
    protocol: str | None = None,
) -> list[Entry]:
    """Gives an entry for each agent or group of agents, all of one protocol.

    A word is an AGENT as recorded, or a pattern with `*`; without `@STEP` it means the newest
    checkpoint. `NAME=PATTERN` gathers all that match under a name, for agents that are trained a
    game at a time; where it finds several in every game, they are trainings to compare the mean of.

    Args:
        episodes: to choose from.
        words: none = every agent.
        games: that count; none = all.
        protocol: name or stamp; None = the only one there is.

    Raises:
        CompareError: when a word matches nobody, or somebody without an episode of the games and
            the protocol, or the episodes are of several protocols.
    """
    kept = [e for e in episodes if not games or e.game in games]
    groups = _groups(words, kept, episodes)
    chosen = {agent for agents in groups.values() for agent in agents}
    kept = _one_protocol([e for e in kept if e.agent in chosen], protocol)
    found = []
    for name, agents in groups.items():
        own = [episode for episode in kept if episode.agent in agents]
        if own:
            found.append(_entry(name, own))
        elif words:
            raise CompareError(f"no episode of {name} under protocol '{protocol}'; choose another")
    return found


def left_out(episodes: Sequence[Episode], chosen: Sequence[Entry]) -> list[str]:
    """Gives the agents, of each training its newest checkpoint, that are no entry."""
    names = {entry.name for entry in chosen}
    return [agent for agent in _newest(sorted({e.agent for e in episodes})) if agent not in names]


def _read(run: Path) -> tuple[list[MatchRecord], list[str]]:
    with Records.read(run) as source:
        records: list[MatchRecord] = []
        try:
            records.extend(source.episodes(_SOLO))
        except RecordsError as error:
            found = source.salvage()
            records = [r for r in found if len(r.agents) == 1 and r.purpose in _PURPOSES]
            return records, [f"{error}; {len(records)} episodes could be read"]
        return records, []


def _episode(record: MatchRecord, run: str) -> Episode | None:
    name, protocol = atari_games.split(record.env)
    game = atari_games.find(name)
    if game is None:
        return None
    stamp = record.protocol or protocol
    played = hashlib.blake2b(record.start + record.actions).digest()
    return Episode(
        agent=record.agents[0],
        game=game,
        stamp=stamp,
        score=record.returns[0],
        forfeit=record.blame is not None,
        run=run,
        identity=(record.agents, game, stamp, record.seed, played, record.returns),
    )


def _groups(
    words: Sequence[str], kept: Sequence[Episode], every: Sequence[Episode]
) -> dict[str, list[str]]:
    """Gives the name of each entry and its agents."""
    known = sorted({episode.agent for episode in kept})
    if not words:
        return {agent: [agent] for agent in _newest(known)}
    groups: dict[str, list[str]] = {}
    for word in words:
        match = _GROUP.fullmatch(word)
        agents = _matching(match["pattern"] if match else word, known)
        if not agents:
            elsewhere = {episode.agent for episode in every}
            if _matching(match["pattern"] if match else word, sorted(elsewhere)):
                raise CompareError(f"no episode of {word} in these games; choose other --games")
            hint = loader.closest(word, elsewhere)
            raise CompareError(
                f"no recorded Atari episode of '{word}'{hint} (`arena eval AGENT --env atari-5` "
                "records some)"
            )
        if match and match["label"] in groups:
            raise CompareError(f"two groups are called '{match['label']}'; name one differently")
        groups.update({match["label"]: agents} if match else {agent: [agent] for agent in agents})
    return groups


def _matching(pattern: str, known: Sequence[str]) -> list[str]:
    if pattern in known:
        return [pattern]
    if "@" not in pattern:
        known = _newest(known)
    return [a for a in known if fnmatchcase(a, pattern) or _without_step(a) == pattern]


def _newest(known: Iterable[str]) -> list[str]:
    """Gives the agents, of each training only the newest checkpoint."""
    newest: dict[str, tuple[int, str]] = {}
    for agent in known:
        match = _CHECKPOINT.fullmatch(registry.parse(agent).head)
        step = int(match["step"]) if match else 0
        name = _without_step(agent)
        newest[name] = max(newest.get(name, (-1, "")), (step, agent))
    return [agent for _, agent in newest.values()]


def _without_step(agent: str) -> str:
    spec = registry.parse(agent)
    match = _CHECKPOINT.fullmatch(spec.head)
    return str(spec._replace(head=match["run"])) if match else agent


def _one_protocol(episodes: list[Episode], wanted: str | None) -> list[Episode]:
    """Gives the episodes of the wanted protocol, or all where there is only one.

    Raises:
        CompareError: when there are several to choose from, or none is left.
    """
    stamps: dict[str, str] = {}
    for episode in episodes:
        if wanted in (None, episode.stamp, _name(episode.stamp)):
            stamps.setdefault(episode.stamp, episode.agent)
    if len(stamps) > 1:
        there = sorted(stamps)
        names = [_name(stamp) for stamp in there]
        choice = names if len(set(names)) == len(names) else there
        told = " and ".join(f"{stamp} ({stamps[stamp]})" for stamp in there)
        raise CompareError(
            f"episodes under {told} do not compare; choose with --protocol {'|'.join(choice)}"
        )
    return [episode for episode in episodes if episode.stamp in stamps]


def _name(stamp: str) -> str:
    """Gives the name of a protocol: a stamp without its hash."""
    return stamp if stamp in atari_games.PROTOCOLS else stamp.rpartition("-")[0] or stamp


def _entry(name: str, episodes: Sequence[Episode]) -> Entry:
    by_game: dict[str, dict[str, list[float]]] = {}
    for episode in episodes:
        agents = by_game.setdefault(episode.game, {})
        agents.setdefault(episode.agent, []).append(episode.score)
    several = all(len(agents) > 1 for agents in by_game.values())
    scores = {
        game: np.array([np.mean(s) for s in agents.values()])
        if several
        else np.concatenate([np.array(s) for s in agents.values()])
        for game, agents in by_game.items()
    }
    steps = _steps(by_game)
    counts = {len(agents) for agents in by_game.values()}
    return Entry(
        name=name,
        protocol=_name(episodes[0].stamp),
        unit="runs" if several else "episodes",
        scores=scores,
        source=", ".join(dict.fromkeys(episode.run for episode in episodes)),
        stamp=episodes[0].stamp,
        runs=counts.pop() if len(counts) == 1 and (several or steps) else None,
        steps=steps,
        stds={game: float(s.std(ddof=1)) for game, s in scores.items() if len(s) > 1},
        episodes=Counter(episode.game for episode in episodes),
        forfeits=Counter(episode.game for episode in episodes if episode.forfeit),
    )


def _steps(by_game: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Gives the decisions that agents were trained for in each game, the most of several."""
    most = {game: max(map(_trained, agents)) for game, agents in by_game.items()}
    return {game: steps for game, steps in most.items() if steps}


def _trained(agent: str) -> int:
    """Gives the decisions of the training of a checkpoint, 0 where that is not known."""
    head = registry.parse(agent).head
    match = _CHECKPOINT.fullmatch(head)
    if head.startswith("zoo/"):
        folder = trained.ZOO / head.removeprefix("zoo/")
    elif match:
        folder = checkpoint.at(Path(match["run"]), int(match["step"]))
    else:
        return 0
    with suppress(AgentError):
        return checkpoint.manifest(folder).counters.get("env_steps", 0)
    return 0
