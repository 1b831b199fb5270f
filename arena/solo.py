"""Solo episodes rated: a pair of returns on one seed is a game. Axes: `P` agents, `G` games.

An agent plays each seed once; the higher return wins, equal ones draw, and a forfeit loses to any
episode that is none. So one episode takes part in games against every other agent, and games of
one seed are not independent: errors are clustered by seed, over all agents at once.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from arena import rating
from arena.rating import Ratings
from arena.rating_errors import Scatter
from arena.records import MatchRecord
from arena.results import Results
from envs import seeding

FEW_SEEDS = 10
"""Seeds below which errors are said to be rough."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an agent made of a seed."""

    episode_return: float
    faulty: bool
    """Whether it forfeited."""
    moves: int
    """A hash of all that happened."""

    def score2(self, other: Outcome) -> int:
        """Gives the points times two that it takes from another outcome of the seed: 0, 1, 2."""
        if self.faulty != other.faulty:
            return 2 * int(other.faulty)
        if self.faulty or self.episode_return == other.episode_return:
            return 1
        return 2 * int(self.episode_return > other.episode_return)


def seeds(seed: int, count: int) -> list[int]:
    """Gives the first episode seeds that all agents of an event share; they do not depend on env.

    Args:
        seed: of the event; evaluations and tournaments that leave it at 0 share their episodes.
        count: at least 0.
    """
    return [seeding.derive(seed, "solo", number) for number in range(count)]


class Outcomes:
    """The rated episodes of one solo env; grows with every `add`."""

    def __init__(self) -> None:
        """Starts without episodes."""
        self.by_seed: dict[int, dict[str, Outcome]] = {}

    def add(self, records: Iterable[MatchRecord]) -> None:
        """Adds episodes; one that an agent has played before counts once."""
        for record in records:
            agents = self.by_seed.setdefault(record.seed, {})
            agents[record.agents[0]] = Outcome(
                record.returns[0],
                record.blame is not None,
                _hash(record.digests + record.actions),
            )

    def by_agent(self) -> dict[str, list[Outcome]]:
        """Gives the outcomes of each agent, in the order of the seeds."""
        found: dict[str, list[Outcome]] = {}
        for seed in sorted(self.by_seed):
            for agent, outcome in self.by_seed[seed].items():
                found.setdefault(agent, []).append(outcome)
        return found

    def returns(self) -> dict[str, NDArray[np.float64]]:
        """Gives the returns of each agent, forfeited episodes with what they had."""
        return {
            agent: np.array([outcome.episode_return for outcome in outcomes])
            for agent, outcomes in self.by_agent().items()
        }

    def faults(self) -> Counter[str]:
        """Gives the episodes that each agent forfeited."""
        return Counter(
            agent
            for outcomes in self.by_seed.values()
            for agent, outcome in outcomes.items()
            if outcome.faulty
        )

    def results(self) -> Results:
        """Gives the game of every two agents on every seed that both played."""
        names = sorted(self.by_agent())
        index = {name: k for k, name in enumerate(names)}
        first, second, score2, cluster, moves = [], [], [], [], []
        for seed in sorted(self.by_seed):
            outcomes = self.by_seed[seed]
            for one, other in combinations(sorted(outcomes), 2):
                first.append(index[one])
                second.append(index[other])
                score2.append(outcomes[one].score2(outcomes[other]))
                cluster.append(seed)
                moves.append(_pair(outcomes[one].moves, outcomes[other].moves))
        return Results.of(names, first, second, score2, cluster, moves)


def fit(results: Results, prior: str = "gauss:2000") -> Ratings:
    """Gives the ratings of solo agents, without a first-move term, errors clustered by seed.

    Args:
        results: of `Outcomes.results`; `cluster` is the seed.
        prior: as in `rating.fit`. Raises as that.
    """
    counts = rating.counts_of(results)
    return rating.fit(counts, prior, first_move=False, errors=_by_seed(results, counts.players))


def _by_seed(results: Results, players: tuple[str, ...]) -> Scatter:
    """Gives the scatter of the gradients of whole seeds, see `rating_errors.Scatter`.

    Source: Liang and Zeger 1986, https://doi.org/10.1093/biomet/73.1.13.
    """
    place = np.array([players.index(name) if name in players else -1 for name in results.players])
    first, second = place[results.first], place[results.second]
    _, seed = np.unique(results.cluster, return_inverse=True)
    size, num_seeds = len(players) + 1, int(seed.max(initial=-1)) + 1

    def scatter(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
        residual = results.score2 / 2 - 1 / (1 + np.exp(x[second] - x[first]))
        gradient = np.zeros((num_seeds, size))
        np.add.at(gradient, (seed, first), residual)
        np.add.at(gradient, (seed, second), -residual)
        if num_seeds < 2:
            return np.full((size, size), np.nan), 0
        return gradient.T @ gradient * (num_seeds / (num_seeds - 1)), len(results)

    return scatter


def warnings(num_seeds: Mapping[str, int]) -> list[str]:
    """Gives what a reader should know of the number of seeds that agents played."""
    out = []
    if len(set(num_seeds.values())) > 1:
        counts = ", ".join(f"{agent} {count}" for agent, count in num_seeds.items())
        out.append(f"agents played unequal numbers of seeds: {counts}")
    if num_seeds and min(num_seeds.values()) < FEW_SEEDS:
        out.append(f"only {min(num_seeds.values())} seeds: errors are rough, use {FEW_SEEDS}+")
    return out


def _pair(one: int, other: int) -> int:
    return seeding.derive(one, other)


def _hash(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=7).digest(), "little")
