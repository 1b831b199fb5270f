"""Agents beside each other on Atari games, as a document that JSON can hold.

Aggregates are over the mean scores of games, so that recorded episodes and published means are
treated alike. Only agents of one protocol are ranked together, on the games that all have.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arena import aggregates, atari_scores
from arena.aggregates import Estimate, Scores, averaged
from arena.atari_scores import FRAMES_A_STEP, Published
from configs import loader
from envs import atari_games

Floats = NDArray[np.float64]
FEW = 10
"""Episodes a game below which intervals are said to be too narrow."""
STATISTICS = {
    "mean": aggregates.mean,
    "median": aggregates.median,
    "iqm": lambda scores: aggregates.iqm(averaged(scores)),
    "optimality_gap": lambda scores: aggregates.optimality_gap(averaged(scores)),
}
RANKED_BY = "iqm"


class CompareError(ValueError):
    """Agents, games or protocols that cannot be compared."""


@dataclass(frozen=True, eq=False)
class Entry:
    """One agent of a comparison."""

    name: str
    protocol: str
    """Name of the protocol that all its scores come from."""
    unit: str
    """What its scores are: `episodes`, `runs` (the mean of each training), or published `means`."""
    scores: Mapping[str, Floats]
    """Game to `float64[n]` returns of whole games; a published mean is one score."""
    source: str
    """Names of runs, or where it was published."""
    label: str = ""
    """For pictures; the name where it is empty."""
    measured: str = ""
    """Which episodes a published score is the mean of."""
    stamp: str | None = None
    """The protocol with its hash, None of published agents."""
    runs: int | None = None
    """Trainings in each game, None = not known."""
    steps: Mapping[str, int] = field(default_factory=dict)
    """Game to decisions of the training, where they are known."""
    stds: Mapping[str, float] = field(default_factory=dict)
    """Game to standard deviation, over episodes or runs."""
    episodes: Mapping[str, int] = field(default_factory=dict)
    """Game to recorded episodes."""
    forfeits: Mapping[str, int] = field(default_factory=dict)
    """Game to episodes that ended by a fault of the agent; they count as they stood."""

    @property
    def ours(self) -> bool:
        """Whether its episodes are recorded."""
        return self.unit != "means"


def published_entry(agent: Published) -> Entry:
    """Gives a published agent as an entry."""
    return Entry(
        name=agent.name,
        label=agent.label,
        protocol=agent.protocol,
        unit="means",
        scores={game: np.array([score]) for game, score in agent.scores.items()},
        source=agent.source,
        measured=agent.measured,
        runs=agent.runs,
        steps={} if agent.steps is None else dict.fromkeys(agent.scores, agent.steps),
        stds=agent.stds,
    )


def games_named(words: Iterable[str]) -> list[str]:
    """Gives the games that names and groups stand for, each once, in that order.

    Raises:
        CompareError: on a name that is neither, with the nearest one.
    """
    found: dict[str, None] = {}
    for word in words:
        game = atari_games.find(word)
        if word in atari_games.GROUPS:
            found.update(dict.fromkeys(atari_games.GROUPS[word]))
        elif game in atari_games.MINIMAL:
            found[str(game)] = None
        elif game is not None:
            raise CompareError(f"'{word}' is for two players; name a game that one plays alone")
        elif "@" in word:
            raise CompareError(f"'{word}': name games alone, and the protocol by --protocol")
        else:
            hint = loader.closest(word.lower(), [*atari_games.GROUPS, *atari_games.MINIMAL])
            raise CompareError(f"no game '{word}'{hint} (groups: {', '.join(atari_games.GROUPS)})")
    return list(found)


def protocol_named(name: str) -> str:
    """Gives the name of a protocol as it is.

    Raises:
        CompareError: when there is none, with the nearest name.
    """
    known = atari_scores.protocols()
    if name not in known:
        hint = loader.closest(name, known)
        raise CompareError(f"no protocol '{name}'{hint} (there are: {', '.join(known)})")
    return name


def document(entries: Sequence[Entry], games: Sequence[str], protocol: str) -> dict[str, Any]:
    """Gives the comparison.

    `shared` are the games that enter aggregates. An agent's `place` is among those of `protocol`
    by the interquartile mean, None for others; its `aggregates` are {value, low, high} each, and
    None without shared games. Intervals are 95 %, None where nothing was recorded.

    Args:
        entries: in the order of the columns; names differ.
        games: those to show.
        protocol: the one whose agents are ranked.

    Raises:
        CompareError: when no entry has a score in any of the games, or two have the same name.
    """
    for entry in entries:
        if sum(other.name == entry.name for other in entries) > 1:
            raise CompareError(f"two agents are called '{entry.name}'; call yours by NAME=AGENT")
    entries = [_only(entry, games) for entry in entries]
    shown = [game for game in games if any(game in entry.scores for entry in entries)]
    if not shown:
        names = ", ".join(entry.name for entry in entries)
        raise CompareError(f"no score of {names} in {listed(games)}; choose other --games")
    measured = [game for game in shown if game in atari_scores.games()]
    shared = [game for game in measured if all(game in entry.scores for entry in entries)]
    agents = [_agent(entry, measured, shared) for entry in entries]
    _place(agents, protocol)
    known = atari_scores.games()
    return {
        "protocol": protocol,
        "games": {
            game: {"random": known[game].random, "human": known[game].human}
            if game in known
            else {"random": None, "human": None}
            for game in shown
        },
        "asked": list(games),
        "shared": shared,
        "agents": agents,
        "improvement": _improvement(entries, shared, protocol),
        "warnings": _warnings(entries, shared),
    }


def _only(entry: Entry, games: Sequence[str]) -> Entry:
    """Gives an entry with the scores of some games alone."""
    scores = {game: entry.scores[game] for game in games if game in entry.scores}
    return Entry(**{**vars(entry), "scores": scores})


def _agent(entry: Entry, measured: Sequence[str], shared: Sequence[str]) -> dict[str, Any]:
    """Gives what is told of an entry."""
    rows = {game: _row(entry, game) for game in entry.scores}
    normalised = {game: row["hns"] for game, row in rows.items() if row["hns"] is not None}
    estimate = atari_scores.atari5_estimate(normalised)
    steps = max((entry.steps[game] for game in rows if game in entry.steps), default=None)
    return {
        "agent": entry.name,
        "label": entry.label or entry.name,
        "ours": entry.ours,
        "protocol": entry.protocol,
        "stamp": entry.stamp,
        "frames": None if steps is None else FRAMES_A_STEP * steps,
        "steps": steps,
        "runs": entry.runs,
        "unit": entry.unit,
        "source": entry.source,
        "measured": entry.measured or None,
        "place": None,
        "missing": [game for game in measured if game not in rows],
        "games": rows,
        "aggregates": _aggregates(entry, shared) if shared else None,
        "atari5": None if estimate is None else estimate._asdict(),
    }


def _row(entry: Entry, game: str) -> dict[str, Any]:
    """Gives what is told of an entry in a game."""
    scores, steps = entry.scores[game], entry.steps.get(game)
    mean, hns = float(scores.mean()), Estimate(math.nan, math.nan, math.nan)
    if game in atari_scores.games():
        (hns,) = aggregates.estimates([aggregates.mean], _normalised(entry, [game]))
    return {
        "mean": mean,
        "std": entry.stds.get(game),
        **{name: _number(value) for name, value in zip(("hns", "low", "high"), hns, strict=True)},
        "episodes": entry.episodes.get(game),
        "forfeits": entry.forfeits.get(game, 0),
        "frames": None if steps is None else FRAMES_A_STEP * steps,
        "steps": steps,
    }


def _aggregates(entry: Entry, shared: Sequence[str]) -> dict[str, dict[str, float | None]]:
    found = aggregates.estimates(STATISTICS.values(), _normalised(entry, shared))
    return {
        name: {part: _number(value) for part, value in estimate._asdict().items()}
        for name, estimate in zip(STATISTICS, found, strict=True)
    }


def _normalised(entry: Entry, games: Sequence[str]) -> Scores:
    """Gives human-normalised scores of an entry in some games, in their order."""
    return Scores.of(atari_scores.human_normalised(game, entry.scores[game]) for game in games)


def _place(agents: Sequence[dict[str, Any]], protocol: str) -> None:
    """Writes the place of each agent of the protocol, best first."""
    ranked = [a for a in agents if a["protocol"] == protocol and a["aggregates"]]
    ranked.sort(key=lambda agent: -float(agent["aggregates"][RANKED_BY]["value"]))
    for place, agent in enumerate(ranked, 1):
        agent["place"] = place


def _improvement(
    entries: Sequence[Entry], shared: Sequence[str], protocol: str
) -> list[dict[str, Any]]:
    """Gives how likely a score of the first beats one of the second, for each two recorded.

    The first is the likelier one. Episodes and means of trainings do not compare.
    """
    ours = [entry for entry in entries if entry.ours and entry.protocol == protocol]
    found = []
    for first, second in combinations(ours if shared else [], 2):
        if first.unit != second.unit:
            continue
        both = _normalised(first, shared), _normalised(second, shared)
        chance, names = aggregates.improvement(*both), (first.name, second.name)
        if chance.value < 0.5:
            chance, names = (
                Estimate(*(1 - x for x in (chance[0], chance[2], chance[1]))),
                names[::-1],
            )
        row = {part: _number(value) for part, value in chance._asdict().items()}
        found.append({"first": names[0], "second": names[1], **row})
    return found


def _warnings(entries: Sequence[Entry], shared: Sequence[str]) -> list[str]:
    out = []
    for entry in entries:
        if entry.unit != "episodes":
            continue
        few = [game for game in shared if len(entry.scores[game]) < FEW]
        single = [game for game in shared if len(entry.scores[game]) < 2]
        if single:
            out.append(f"{entry.name}: one episode of {listed(single)}, so there is no interval")
        elif few:
            out.append(
                f"{entry.name}: fewer than {FEW} episodes of {listed(few)}; intervals from so few "
                "are too narrow"
            )
    return out


def listed(names: Sequence[str], most: int = 5) -> str:
    """Gives names as text, of many the first and how many more."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _number(value: float) -> float | None:
    """Gives None for nan: JSON has none."""
    return None if math.isnan(value) else float(value)
