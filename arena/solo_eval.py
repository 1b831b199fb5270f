"""Evaluation of an agent in solo envs, on seeds that all agents share."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from arena import aggregates, atari_scores, schedule, solo_chunks
from arena import chunk as chunks
from arena.aggregates import Scores
from arena.chunk import AgentCard, Chunk, Game
from arena.executor import Executor
from arena.match import TimeControl
from arena.played import layers, records_of
from arena.records import MatchRecord, Records
from envs import registry, seeding


def wanted(env: str, card: AgentCard, seeds: Sequence[int], clock: TimeControl) -> list[Chunk]:
    """Gives the chunks in which an agent plays so many seeds of an env, or of a group of them."""
    found: list[Chunk] = []
    for name in solo_chunks.envs(env):
        for begin in range(0, len(seeds), solo_chunks.ROWS):
            for part in solo_chunks.parts(seeds[begin : begin + solo_chunks.ROWS], card):
                games = tuple(Game((0,), (), seed) for seed in part)
                found.append(Chunk(len(found), name, (card.agent,), games, clock))
    return found


def missing(chunks: Sequence[Chunk], card: AgentCard, records: Records) -> list[Chunk]:
    """Gives the chunks without the episodes that are recorded, those without any left out."""
    known = {record.slot for record in records.episodes("purpose = 'evaluation'")}
    out = []
    for chunk in chunks:
        games = tuple(game for game in chunk.games if _slot(card, chunk, game) not in known)
        if games:
            out.append(replace(chunk, games=games))
    return out


def play(
    chunks_: Sequence[Chunk], card: AgentCard, records: Records, executor: Executor
) -> Iterator[list[MatchRecord]]:
    """Plays chunks, commits each and gives its episodes then.

    Raises:
        ChunkError: when a chunk fails for a reason that is no agent's.
        RecordsError: when the disk refuses.
    """
    drawn: deque[Chunk] = deque(chunks_)
    cards = {card.agent: card}
    for outcome in executor.map(chunks.play_chunk, chunks_, schedule.AHEAD, chunks.retry):
        chunk = drawn.popleft()
        slots = [_slot(card, chunk, game) for game in chunk.games]
        stored = records_of(chunk, outcome, cards, slots, "evaluation")
        records.commit(stored, layers=layers(chunk, cards))
        yield stored


def recorded(chunks: Sequence[Chunk], card: AgentCard, records: Records) -> list[MatchRecord]:
    """Gives the episodes of chunks that are all committed, in their order."""
    slots = [_slot(card, chunk, game) for chunk in chunks for game in chunk.games]
    known = {record.slot: record for record in records.episodes("purpose = 'evaluation'")}
    return [known[slot] for slot in slots]


def document(env: str, agent: str, episodes: Sequence[MatchRecord]) -> dict[str, Any]:
    """Gives what episodes of one env are worth.

    `mean_return` with the 95 % interval `low` to `high` (bootstrap), `std` over episodes, `iqm`;
    `hns`, the human-normalised mean, None where no human score was published.
    """
    returns = np.array([episode.returns[0] for episode in episodes])
    statistics = aggregates.mean, aggregates.iqm
    mean, iqm = aggregates.estimates(statistics, Scores.of([returns]))
    game = _game(env)
    known = game in atari_scores.games()
    return {
        "agent": agent,
        "env": env,
        "protocol": registry.spec(env).protocol,
        "episodes": len(returns),
        "mean_return": mean.value,
        "low": _number(mean.low),
        "high": _number(mean.high),
        "std": float(returns.std(ddof=1)) if len(returns) > 1 else None,
        "iqm": iqm.value,
        "hns": atari_scores.human_normalised(game, mean.value) if known else None,
        "faults": sum(episode.blame is not None for episode in episodes),
        "returns": returns.tolist(),
    }


def united(documents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Gives the human-normalised aggregates over envs, each with the same weight.

    `mean`, `median`, `iqm`, `optimality_gap`: `[value, low, high]` with the 95 % interval of a
    bootstrap within envs; None where no env has a human score.
    """
    known = [part for part in documents if part["hns"] is not None]
    names = ("mean", "median", "iqm", "optimality_gap")
    if not known:
        return dict.fromkeys(names)
    scores = Scores.of(
        atari_scores.human_normalised(_game(part["env"]), np.array(part["returns"]))
        for part in known
    )
    found = aggregates.estimates([getattr(aggregates, name) for name in names], scores)
    return {
        name: [_number(number) for number in estimate]
        for name, estimate in zip(names, found, strict=True)
    }


def _game(env: str) -> str:
    """Gives the short name under which scores of an env are published."""
    return str(registry.spec(env).options.get("game", env))


def _number(value: float) -> float | None:
    """Gives None for nan: JSON has none."""
    return None if np.isnan(value) else float(value)


def _slot(card: AgentCard, chunk: Chunk, game: Game) -> int:
    """Gives where an episode belongs: an agent plays each seed of an env once."""
    return seeding.derive("evaluation", chunk.env, card.agent, card.digest or "", game.seed)
