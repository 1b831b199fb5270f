"""A tournament: from a config to committed chunks of games.

The coordinator alone draws chunks and commits them, in their order; workers only play. What is
committed is finished; anything else is played again after a stop.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from agents.base import AgentError
from arena import chunk as chunks
from arena import executor as executors
from arena import schedule, solo_chunks, sprt
from arena.chunk import ON_FAULT, AgentCard, Chunk, Game
from arena.conduct import Conduct
from arena.executor import Executor
from arena.match import TimeControl
from arena.played import layers, records_of
from arena.records import MatchRecord, Records
from arena.schedule import Plan
from arena.sprt import Sprt
from arena.standings import Standings
from configs import loader
from configs.loader import ConfigError
from envs import registry as env_registry
from envs import seeding

_PLIES = 4
_AGAIN = 3
"""An agent is made so often more when its process dies: somebody else may have ended that."""


@dataclass(frozen=True)
class TournamentConfig:
    """Everything that decides which games are played and how."""

    env: str = "connectx"
    """Env id, or a group of solo envs such as `atari-5`."""
    agents: tuple[str, ...] = ()
    """AGENT texts, at least two."""
    schedule: str = "round-robin"
    """`round-robin`, `gauntlet` (the first agent meets each of the others), `swiss` (rounds of
    equals), `knockout`, or `adaptive` (as many games as a round robin, where they tell most)."""
    games: int = 20
    """Games a pairing, even: each opening from both seats. Solo: seeds that each agent plays."""
    openings: int | None = None
    """Plies played first; all such positions are used, in seeded order. 0 = empty board, None = 4
    where two meet and 0 in solo play."""
    seed: int = 0
    """Seed of everything random."""
    chunk_games: int = 32
    """Most games that are played in lockstep and committed together; of solo episodes, 8."""
    clock: TimeControl = field(default_factory=TimeControl)
    """How long players may think."""
    on_fault: str = "forfeit"
    """`forfeit`: the game is lost; `void`: it counts for nobody; `retry`: it is played again, twice
    at most, then lost. Three faults in a row suspend an agent for the rest of the tournament."""
    ahead: int | None = None
    """Chunks under way at once, so the most workers that find work. A chunk knows only the results
    of those so many before it (schedules, `sprt`, suspended agents); None = 16."""
    sprt: tuple[float, float] | None = None
    """Elo, H0 and H1: a tournament of two ends when it is decided which of them the first agent is
    stronger by, after `games` at the latest."""


class Committed(NamedTuple):
    """A chunk that is on disk."""

    number: int
    env: str
    agents: tuple[str, ...]
    records: list[MatchRecord]


def check(config: TournamentConfig) -> None:
    """Checks what can be known before agents are made.

    Raises:
        ConfigError: on values that no tournament can be made from.
        UnknownEnvError: on an env that does not exist.
    """
    solo = solo_chunks.is_solo(config.env)
    schedule.find(config.schedule)
    if len(config.agents) < 2:
        raise ConfigError("a tournament needs at least two agents; name each with -a AGENT")
    if solo:
        _check_solo(config)
    elif config.games < 2 or config.games % 2:
        raise ConfigError(
            f"games={config.games}: give an even number, at least 2, "
            "since each opening is played from both seats"
        )
    if config.chunk_games < 1:
        raise ConfigError(f"chunk_games={config.chunk_games}: at least 1")
    if config.ahead is not None and config.ahead < 1:
        raise ConfigError(f"ahead={config.ahead}: at least 1 chunk is under way")
    if config.clock.move_s < 0 or config.clock.bank_s < 0 or config.clock.load_s < 0:
        raise ConfigError("clock: seconds cannot be negative; 0 means no limit")
    if config.on_fault not in ON_FAULT:
        hint = loader.closest(config.on_fault, ON_FAULT)
        raise ConfigError(f"on_fault='{config.on_fault}'{hint} (there are: {', '.join(ON_FAULT)})")
    if config.sprt is not None:
        sprt.check(config.sprt, len(config.agents))


def _check_solo(config: TournamentConfig) -> None:
    """Raises ConfigError on what solo play has not."""
    if config.games < 1:
        raise ConfigError(f"games={config.games}: give at least 1 seed that each agent plays")
    if config.schedule != "round-robin":
        raise ConfigError(
            f"schedule='{config.schedule}': agents of {config.env} play alone, each the same "
            "seeds; leave it out"
        )
    if config.openings:
        raise ConfigError(f"openings={config.openings}: {config.env} has none; leave it out")
    if config.sprt is not None:
        raise ConfigError(f"sprt: a test of pairs of games, which {config.env} has not; see `eval`")


def inspect(config: TournamentConfig, executor: Executor) -> list[AgentCard]:
    """Makes every agent once, in a worker, and gives their cards in the order of the config.

    Raises:
        AgentError: when an agent cannot be made, cannot play the env, or is named twice.
    """
    cards = cards_of(config.agents, solo_chunks.envs(config.env), config.clock, executor)
    texts = [card.agent for card in cards]
    for text in texts:
        if texts.count(text) > 1:
            raise AgentError(
                f"agent '{text}' is named twice; leave one out, or give it another option, "
                "such as a seed"
            )
    return cards


def cards_of(
    agents: Sequence[str], envs: Sequence[str], clock: TimeControl, executor: Executor
) -> list[AgentCard]:
    """Makes every agent once, in a worker, for each env, and gives their cards.

    Raises:
        AgentError: when an agent cannot be made or cannot play an env.
    """
    jobs = [(agent, env, clock.load_s) for agent in agents for env in envs]
    cards: dict[str, AgentCard] = {}
    ahead = executors.ahead(executor)
    outcomes = executor.map(chunks.inspect_agent, jobs, ahead, executors.again(_AGAIN, "crash"))
    for job, outcome in zip(jobs, outcomes, strict=True):
        if outcome.status != "ok" or isinstance(outcome.value, str):
            last = str(outcome.value).strip().splitlines()[-1]
            raise AgentError(last if outcome.status == "ok" else f"{job[0]} does not load: {last}")
        cards[job[0]] = outcome.value
    return [cards[agent] for agent in agents]


def total_games(config: TournamentConfig) -> int:
    """Gives the number of games of the whole tournament."""
    if solo_chunks.is_solo(config.env):
        return config.games * len(config.agents) * len(solo_chunks.envs(config.env))
    return schedule.find(config.schedule).total(len(config.agents), config.games)


def draw(
    config: TournamentConfig, cards: Sequence[AgentCard], standings: Standings
) -> Iterator[Chunk]:
    """Gives the chunks of a tournament in their order, each when it is asked for.

    Args:
        config: the tournament's.
        cards: of its agents, in the order of the config.
        standings: what schedules may know; the caller adds to it.
    """
    if solo_chunks.is_solo(config.env):
        seeds = solo_chunks.Seeds(config.seed, config.games, config.chunk_games)
        yield from solo_chunks.draw(config.env, cards, seeds, config.clock)
        return
    openings = _openings(config)
    agents = tuple(card.agent for card in cards)
    plan = Plan(agents, config.games, config.chunk_games, standings, _ahead(config))
    env, numbers = env_registry.canonical(config.env), itertools.count()
    for meeting in schedule.find(config.schedule).meetings(plan):
        if meeting is None:
            yield Chunk(next(numbers), env, (), (), config.clock)
            continue
        pair = [cards[meeting.first], cards[meeting.second]]
        names = tuple(card.agent for card in pair)
        size = min(config.chunk_games, *(card.max_batch or config.chunk_games for card in pair))
        for first in range(meeting.begin, meeting.end, size):
            games = range(first, min(first + size, meeting.end))
            played = tuple(_game(config, names, openings, number) for number in games)
            yield Chunk(next(numbers), env, names, played, config.clock)


def run(
    config: TournamentConfig, cards: Sequence[AgentCard], records: Records, executor: Executor
) -> Iterator[Committed]:
    """Plays what is not yet committed, commits it chunk by chunk, and gives each chunk then.

    Raises:
        ChunkError: when a chunk fails for a reason that is no agent's.
        RecordsError: when the disk refuses.
    """
    key = loader.digest(config)
    done = len(records.chunks(key))
    by_name = {card.agent: card for card in cards}
    known, conduct = Standings(), Conduct()
    looks = not solo_chunks.is_solo(config.env) and schedule.find(config.schedule).looks
    test = Sprt(config.sprt, cards[0].agent)
    ahead, drawn = _ahead(config), deque[Chunk]()
    results: deque[list[MatchRecord]] = deque()

    def missing() -> Iterator[Chunk]:
        for chunk in draw(config, cards, known):
            out = [i for i, agent in enumerate(chunk.agents) if agent in conduct.suspended]
            chunk = replace(chunk, on_fault=config.on_fault, suspended=tuple(out))
            drawn.append(chunk)
            if chunk.number < done:
                results.append(_stored(records, chunk, key))
                test.add(results[-1])
            elif test.decided:
                return
            else:
                yield chunk
            if chunk.number >= ahead - 1:  # the next one may know what came so many before it
                records_then = results.popleft()
                if looks:
                    known.add(records_then)
                conduct.add(records_then)

    for outcome in executor.map(chunks.play_chunk, missing(), ahead, chunks.retry):
        chunk = drawn.popleft()
        while chunk.number < done:
            chunk = drawn.popleft()
        stored = records_of(chunk, outcome, by_name, _slots(key, chunk))
        records.commit(stored, key, chunk.number, layers(chunk, by_name))
        results.append(stored)
        test.add(stored)
        yield Committed(chunk.number, chunk.env, chunk.agents, stored)
        if test.decided:
            return


def _stored(records: Records, chunk: Chunk, key: str) -> list[MatchRecord]:
    """Gives the committed episodes of a chunk."""
    return [record for slot in _slots(key, chunk) for record in records.at_slot(slot)]


def _slots(key: str, chunk: Chunk) -> list[int]:
    return [seeding.derive(key, chunk.number, place) for place in range(len(chunk.games))]


def _ahead(config: TournamentConfig) -> int:
    return schedule.AHEAD if config.ahead is None else config.ahead


def _openings(config: TournamentConfig) -> list[tuple[int, ...]]:
    plies = _PLIES if config.openings is None else config.openings
    openings = env_registry.openings(config.env, plies)
    return sorted(openings, key=lambda o: seeding.derive(config.seed, "opening", bytes(o)))


def _game(
    config: TournamentConfig,
    names: tuple[str, ...],
    openings: Sequence[tuple[int, ...]],
    number: int,
) -> Game:
    """Gives a game of a pairing; two in a row share their opening, seats swapped."""
    return Game(
        seats=(0, 1) if number % 2 == 0 else (1, 0),
        opening=openings[number // 2 % len(openings)],
        seed=seeding.derive(config.seed, "game", *names, number),
    )
