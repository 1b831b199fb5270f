"""From chunks that were played to the episodes that are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from arena import chunk as chunks
from arena.chunk import AgentCard, Chunk, ChunkError, Played
from arena.conduct import SUSPENDED
from arena.executor import Outcome
from arena.records import MatchRecord
from envs import registry


def records_of(
    chunk: Chunk,
    outcome: Outcome,
    cards: Mapping[str, AgentCard],
    slots: Sequence[int],
    purpose: str = "tournament",
) -> list[MatchRecord]:
    """Gives the episodes of a chunk that was played.

    Args:
        chunk: what was to be played.
        outcome: what the executor gave for it.
        cards: of its agents, by canonical AGENT text.
        slots: where each of its games belongs in the run.
        purpose: as in `MatchRecord`.

    Raises:
        ChunkError: when it failed for a reason that is no agent's.
    """
    if outcome.status != "ok":
        raise ChunkError(f"chunk {chunk.number} failed ({outcome.status}): {outcome.value}")
    played = chunks.decode(outcome.value)
    final = {p.game: p.attempt for p in played}
    spec = registry.spec(chunk.env)

    def record(played: Played) -> MatchRecord:
        game, episode = chunk.games[played.game], played.episode
        agents = tuple(chunk.agents[player] for player in episode.players)
        return MatchRecord(
            env=chunk.env,
            protocol=spec.protocol,
            options=spec.options,
            agents=agents,
            seed=game.seed,
            start=bytes(game.opening),
            actions=bytes(episode.actions),
            returns=episode.returns,
            digests=episode.digest_bytes,
            termination=episode.termination,
            blame=episode.blame,
            fault=episode.detail,
            purpose=purpose,
            rated=played.attempt == final[played.game] and _counts(chunk, played),
            slot=slots[played.game],
            attempt=played.attempt,
            search=episode.search,
            digest_by_seat=tuple(cards[agent].digest for agent in agents),
        )

    return [record(p) for p in played]


def layers(chunk: Chunk, cards: Mapping[str, AgentCard]) -> str | None:
    """Gives what contained the agents of a chunk, None where all are trusted."""
    found = [layer for agent in chunk.agents for layer in cards[agent].layers]
    return ",".join(dict.fromkeys(found)) or None


def _counts(chunk: Chunk, played: Played) -> bool:
    """Gives whether ladders count an episode, if it is the last try at its game."""
    episode = played.episode
    return episode.blame is None or (chunk.on_fault != "void" and episode.termination != SUSPENDED)
