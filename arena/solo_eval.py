"""Evaluation of an agent in solo envs, on seeds that all agents share."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from arena import chunk as chunks
from arena import executor as executors
from arena import solo_chunks, solo_returns
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
    ahead = executors.ahead(executor)
    for outcome in executor.map(chunks.play_chunk, chunks_, ahead, chunks.retry):
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
    """Gives what episodes of one env are worth: `solo_returns.summary`, and how it was measured."""
    returns = np.array([episode.returns[0] for episode in episodes])
    return {
        "agent": agent,
        "env": env,
        "protocol": registry.spec(env).protocol,
        **solo_returns.summary(env, returns),
        "faults": sum(episode.blame is not None for episode in episodes),
        "returns": returns.tolist(),
    }


def united(env: str, documents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Gives the documents of a group of envs as `envs`, and the aggregates over them."""
    returns = {part["env"]: np.array(part["returns"]) for part in documents}
    overall = solo_returns.over_envs(returns)
    return {
        "agent": documents[0]["agent"],
        "env": env,
        "protocol": documents[0]["protocol"],
        "envs": list(documents),
        "overall": overall,
    }


def _slot(card: AgentCard, chunk: Chunk, game: Game) -> int:
    """Gives where an episode belongs: an agent plays each seed of an env once."""
    return seeding.derive("evaluation", chunk.env, card.agent, card.digest or "", game.seed)
