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
from arena import schedule, sprt
from arena.chunk import ON_FAULT, AgentCard, Chunk, ChunkError, Game, Played
from arena.conduct import SUSPENDED, Conduct
from arena.executor import Executor, Outcome
from arena.match import TimeControl
from arena.records import MatchRecord, Records
from arena.schedule import Plan
from arena.sprt import Sprt
from arena.standings import Standings
from configs import loader
from configs.loader import ConfigError
from envs import registry as env_registry
from envs import seeding


@dataclass(frozen=True)
class TournamentConfig:
    """Everything that decides which games are played and how."""

    env: str = "connectx"
    """Env id."""
    agents: tuple[str, ...] = ()
    """AGENT texts, at least two."""
    schedule: str = "round-robin"
    """`round-robin`, `gauntlet` (the first agent meets each of the others), `swiss` (rounds of
    equals), `knockout`, or `adaptive` (as many games as a round robin, where they tell most)."""
    games: int = 20
    """Games a pairing, even: each opening from both seats."""
    openings: int = 4
    """Plies played first; all such positions are used, in seeded order. 0 = empty board."""
    seed: int = 0
    """Seed of everything random."""
    chunk_games: int = 32
    """Most games that are played in lockstep and committed together."""
    clock: TimeControl = field(default_factory=TimeControl)
    """How long players may think."""
    on_fault: str = "forfeit"
    """`forfeit`: the game is lost; `void`: it counts for nobody; `retry`: it is played again, twice
    at most, then lost. Three faults in a row suspend an agent for the rest of the tournament."""
    sprt: tuple[float, float] | None = None
    """Elo, H0 and H1: a tournament of two ends when it is decided which of them the first agent is
    stronger by, after `games` at the latest."""


class Committed(NamedTuple):
    """A chunk that is on disk."""

    number: int
    agents: tuple[str, ...]
    records: list[MatchRecord]


def check(config: TournamentConfig) -> None:
    """Checks what can be known before agents are made.

    Raises:
        ConfigError: on values that no tournament can be made from.
        UnknownEnvError: on an env that does not exist.
    """
    spec = env_registry.spec(config.env)
    schedule.find(config.schedule)
    if len(config.agents) < 2:
        raise ConfigError("a tournament needs at least two agents; name each with -a AGENT")
    if config.games < 2 or config.games % 2:
        raise ConfigError(
            f"games={config.games}: give an even number, at least 2, "
            "since each opening is played from both seats"
        )
    if config.chunk_games < 1:
        raise ConfigError(f"chunk_games={config.chunk_games}: at least 1")
    if config.clock.move_s < 0 or config.clock.bank_s < 0 or config.clock.load_s < 0:
        raise ConfigError("clock: seconds cannot be negative; 0 means no limit")
    if config.on_fault not in ON_FAULT:
        hint = loader.closest(config.on_fault, ON_FAULT)
        raise ConfigError(f"on_fault='{config.on_fault}'{hint} (there are: {', '.join(ON_FAULT)})")
    if spec.num_players != 2:
        raise ConfigError(f"{spec.id} is a game for one; tournaments need a game for two")
    if config.sprt is not None:
        sprt.check(config.sprt, len(config.agents))


def inspect(config: TournamentConfig, executor: Executor) -> list[AgentCard]:
    """Makes every agent once, in a worker, and gives their cards in the order of the config.

    Raises:
        AgentError: when an agent cannot be made, cannot play the env, or is named twice.
    """
    jobs = [(agent, config.env, config.clock.load_s) for agent in config.agents]
    cards: list[AgentCard] = []
    for agent, outcome in zip(
        config.agents, executor.map(chunks.inspect_agent, jobs, ahead=schedule.AHEAD), strict=True
    ):
        if outcome.status != "ok" or isinstance(outcome.value, str):
            last = str(outcome.value).strip().splitlines()[-1]
            raise AgentError(last if outcome.status == "ok" else f"{agent} does not load: {last}")
        cards.append(outcome.value)
    texts = [card.agent for card in cards]
    for text in texts:
        if texts.count(text) > 1:
            raise AgentError(
                f"agent '{text}' is named twice; leave one out, or give it another option, "
                "such as a seed"
            )
    return cards


def total_games(config: TournamentConfig) -> int:
    """Gives the number of games of the whole tournament."""
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
    openings = _openings(config)
    agents = tuple(card.agent for card in cards)
    plan = Plan(agents, config.games, config.chunk_games, standings)
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
    test = Sprt(config.sprt, cards[0].agent)
    drawn: deque[Chunk] = deque()
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
            if (
                chunk.number >= schedule.AHEAD - 1
            ):  # the next one may know what came schedule.AHEAD before it
                records_then = results.popleft()
                known.add(records_then)
                conduct.add(records_then)

    for outcome in executor.map(chunks.play_chunk, missing(), schedule.AHEAD, chunks.retry):
        chunk = drawn.popleft()
        while chunk.number < done:
            chunk = drawn.popleft()
        stored = _played(chunk, outcome, key, by_name)
        records.commit(stored, key, chunk.number, _layers(chunk, by_name))
        results.append(stored)
        test.add(stored)
        yield Committed(chunk.number, chunk.agents, stored)
        if test.decided:
            return


def _played(
    chunk: Chunk, outcome: Outcome, key: str, cards: dict[str, AgentCard]
) -> list[MatchRecord]:
    """Gives the episodes of a chunk that was played."""
    if outcome.status != "ok":
        raise ChunkError(f"chunk {chunk.number} failed ({outcome.status}): {outcome.value}")
    played = chunks.decode(outcome.value)
    final = {p.game: p.attempt for p in played}
    return [_record(chunk, p, key, cards, p.attempt == final[p.game]) for p in played]


def _stored(records: Records, chunk: Chunk, key: str) -> list[MatchRecord]:
    """Gives the committed episodes of a chunk."""
    slots = [_slot(key, chunk, place) for place in range(len(chunk.games))]
    return [record for slot in slots for record in records.episodes("slot = ?", (slot,))]


def _slot(key: str, chunk: Chunk, place: int) -> int:
    return seeding.derive(key, chunk.number, place)


def _openings(config: TournamentConfig) -> list[tuple[int, ...]]:
    openings = env_registry.openings(config.env, config.openings)
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


def _layers(chunk: Chunk, cards: dict[str, AgentCard]) -> str | None:
    """Gives what contained the agents of a chunk, None where all are trusted."""
    found = [layer for agent in chunk.agents for layer in cards[agent].layers]
    return ",".join(dict.fromkeys(found)) or None


def _record(
    chunk: Chunk, played: Played, key: str, cards: dict[str, AgentCard], final: bool
) -> MatchRecord:
    game, episode = chunk.games[played.game], played.episode
    counts = episode.blame is None or (
        chunk.on_fault != "void" and episode.termination != SUSPENDED
    )
    agents = tuple(chunk.agents[player] for player in episode.players)
    return MatchRecord(
        env=chunk.env,
        agents=agents,
        seed=game.seed,
        start=bytes(game.opening),
        actions=bytes(episode.actions),
        returns=episode.returns,
        digests=episode.digest_bytes,
        termination=episode.termination,
        blame=episode.blame,
        fault=episode.detail,
        rated=final and counts,
        slot=_slot(key, chunk, played.game),
        attempt=played.attempt,
        digest_by_seat=tuple(cards[agent].digest for agent in agents),
    )
