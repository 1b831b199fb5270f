"""Wrongly ordered pairs after equal simulated games: adaptive schedule against round robin."""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from arena import rating
from arena.elo import elo_to_score
from arena.results import Results
from arena.schedule import AHEAD, SCHEDULES, Meeting, Plan
from arena.standings import Standings

AGENTS, GAMES, TOURNAMENTS = 20, 4, 50
SPREAD, FIRST_MOVE = 300.0, 50.0
"""Standard deviation of true ratings, and what moving first is worth; Elo."""


def results(
    plan: Plan, meeting: Meeting, elo: NDArray[np.float64], chance: np.random.Generator
) -> Results:
    """Gives a result for each game of a meeting, each pair of games a cluster."""
    numbers = np.arange(meeting.begin, meeting.end)
    first = np.where(numbers % 2 == 0, meeting.first, meeting.second)
    second = meeting.first + meeting.second - first
    won = chance.random(len(numbers)) < elo_to_score(elo[first] - elo[second] + FIRST_MOVE)
    return Results.of(plan.agents, first, second, 2 * won, numbers // 2)


def play(name: str, elo: NDArray[np.float64], seed: int) -> tuple[int, int, float]:
    """Gives wrongly ordered pairs, games and CPU seconds a meeting of one simulated tournament."""
    chance, standings = np.random.default_rng(seed), Standings()
    plan = Plan(tuple(f"agent{k}" for k in range(len(elo))), GAMES, 2, standings)
    waiting: deque[Meeting | None] = deque()
    spent, drawn = 0.0, 0

    def tell(meeting: Meeting | None) -> None:
        if meeting:
            standings.tally.add(results(plan, meeting, elo, chance))
            standings.games += meeting.end - meeting.begin

    meetings: Iterator[Meeting | None] = SCHEDULES[name].meetings(plan)
    while True:
        began = time.process_time()
        try:
            waiting.append(next(meetings))
        except StopIteration:
            break
        spent += time.process_time() - began
        drawn += 1
        if len(waiting) >= AHEAD:
            tell(waiting.popleft())
    for meeting in waiting:
        tell(meeting)
    ratings = rating.fit(standings.tally)
    found = np.array([ratings.elo[ratings.players.index(name)] for name in plan.agents])
    low, high = np.triu_indices(len(elo), 1)
    wrong = (found[low] - found[high]) * (elo[low] - elo[high]) <= 0
    return int(wrong.sum()), standings.games, spent / drawn


if __name__ == "__main__":
    truths = [np.random.default_rng(k).normal(0, SPREAD, AGENTS) for k in range(TOURNAMENTS)]
    for name in ("adaptive", "round-robin"):
        play(name, truths[0], 0)
    ours = [play("adaptive", elo, k) for k, elo in enumerate(truths)]
    peer = [play("round-robin", elo, k) for k, elo in enumerate(truths)]
    assert [games for _, games, _ in ours] == [games for _, games, _ in peer]
    mine, theirs = (np.mean([wrong for wrong, _, _ in runs]) for runs in (ours, peer))
    difference = [a[0] - b[0] for a, b in zip(ours, peer, strict=True)]
    json.dump(
        {
            "name": f"wrongly ordered pairs of {AGENTS} agents after {ours[0][1]} simulated games",
            "ours": round(float(mine), 2),
            "peer": round(float(theirs), 2),
            "peer_name": "round robin",
            "ratio": round(float(mine / theirs), 3),
            "at_most": {"ratio": 0.75},
            "ratio_error": round(float(np.std(difference) / TOURNAMENTS**0.5 / theirs), 3),
            "milliseconds_a_pick": round(1000 * float(np.mean([run[2] for run in ours])), 2),
            "tournaments": TOURNAMENTS,
            "command": "python benchmarks/adaptive.py",
        },
        sys.stdout,
        indent=2,
    )
    print()
