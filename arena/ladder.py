"""The ladder and the crosstable as documents that JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from agents.registry import parse
from arena import rating, solo, solo_returns
from arena.rating import DisconnectedError, Ratings
from arena.standings import ByEnv, Standings
from arena.tally import Counts, Tally, pairing_players

__all__ = ["DisconnectedError", "crosstable", "document", "ladder_document", "overall", "united"]


def document(
    env: str, standings: Standings, prior: str = "gauss:2000", partial: bool = False
) -> dict[str, Any]:
    """Gives the ladder of one env, of games for two or of solo episodes.

    Args and errors are those of `ladder_document`. In solo play the `pairings` are games derived
    from equal seeds, whoever stands first in them; agents have what `solo_returns.summary` gives,
    and `improvements` says who improves on whom.
    """
    counts, ratings = standings.counts(), standings.fit(prior)
    out = _document(env, counts, ratings, standings.faults, partial)
    if not standings.alone:
        return out
    returns = standings.outcomes.returns()
    for agent in out["agents"]:
        agent |= solo_returns.summary(env, returns[agent["agent"]])
    numbers = {agent["agent"]: agent["episodes"] for agent in out["agents"]}
    order = () if partial else tuple(numbers)
    out["improvements"] = solo_returns.improvements(returns, order)
    out["warnings"] += solo.warnings(numbers)
    return out


def united(by_env: ByEnv, prior: str = "gauss:2000", several: bool | None = None) -> dict[str, Any]:
    """Gives the document of one env, or `ladders` of several and one `overall`.

    Args:
        by_env: standings of at least one env.
        prior: as in `rating.fit`. Errors are those of `ladder_document`.
        several: which of the two; None = by the number of envs.
    """
    documents = [document(env, standings, prior) for env, standings in by_env.items()]
    if not (len(documents) > 1 if several is None else several):
        return documents[0]
    total = overall(documents, prior)
    if returns := _returns(by_env):
        total["returns"] = {agent: solo_returns.over_envs(of) for agent, of in returns.items()}
    return {"ladders": documents, "overall": total, "warnings": []}


def _returns(by_env: ByEnv) -> dict[str, dict[str, Any]]:
    """Gives the returns of every agent that played all the solo envs, by env."""
    alone = {env: found.outcomes.returns() for env, found in by_env.items() if found.alone}
    agents = [set(returns) for returns in alone.values()]
    everywhere = set.intersection(*agents) if agents else set()
    return {a: {env: found[a] for env, found in alone.items()} for a in sorted(everywhere)}


def ladder_document(
    env: str,
    tally: Tally | Counts,
    faults: Mapping[str, int],
    prior: str = "gauss:2000",
    partial: bool = False,
) -> dict[str, Any]:
    """Gives the ladder, best agent first, with a fresh fit, and the crosstable as `pairings`.

    `elo` sums to 0 over the agents, `error95` is half the 95 % interval against the mean of the
    agents with a finite rating, None where there is no interval. `bound` "lower" or "upper" marks
    an `elo` that the prior holds; then `bound_elo` is the one-sided 95 % bound, else None.

    Args:
        env: id of the environment, or any name for the games.
        tally: of the games.
        faults: games lost by a fault of the agent, by name; missing = 0.
        prior: as in `rating.fit`.
        partial: whether more games follow: groups that have not met yet are then no error.

    Raises:
        DisconnectedError: when groups of agents never met.
        NoRatingError: when there is no game, or the prior is `none` and no finite rating exists.
        PriorError: when `prior` names none.
    """
    counts = tally if isinstance(tally, Counts) else tally.counts()
    return _document(env, counts, rating.fit(counts, prior), faults, partial)


def _document(
    env: str, counts: Counts, ratings: Ratings, faults: Mapping[str, int], partial: bool
) -> dict[str, Any]:
    """Gives what `ladder_document` does, from ratings."""
    if len(ratings.groups) > 1 and not partial:
        raise DisconnectedError(ratings.groups)
    games = counts.by_player(counts.games)
    distinct = counts.by_player(counts.distinct)
    scores = counts.scores()
    agents = [
        {
            "agent": name,
            "elo": float(ratings.elo[k]),
            "error95": _number(ratings.error95[k]),
            "bound": ratings.bound[k],
            "bound_elo": _number(ratings.bound_elo[k]),
            "games": int(games[k]),
            "distinct_games": int(distinct[k]),
            "score": float(scores[k]),
            "faults": int(faults.get(name, 0)),
        }
        for k, name in enumerate(ratings.players)
    ]
    return {
        "env": env,
        "model": ratings.model,
        "first_move_elo": ratings.first_move_elo,
        "agents": sorted(agents, key=lambda agent: (-agent["elo"], agent["agent"])),
        "pairings": crosstable(counts),
        "warnings": list(ratings.warnings),
    }


def crosstable(tally: Tally | Counts) -> list[dict[str, Any]]:
    """Gives `first, second, wins, draws, losses` of each meeting by seat, for the first mover."""
    counts = tally if isinstance(tally, Counts) else tally.counts()
    low, high = pairing_players(len(counts.players))
    rows = []
    for pairing, seats in enumerate(counts.cells.tolist()):
        pair = counts.players[low[pairing]], counts.players[high[pairing]]
        for (first, second), (losses, draws, wins) in zip((pair, pair[::-1]), seats, strict=True):
            if wins + draws + losses:
                rows.append(
                    {
                        "first": first,
                        "second": second,
                        "wins": wins,
                        "draws": draws,
                        "losses": losses,
                    }
                )
    return rows


def overall(documents: Iterable[Mapping[str, Any]], prior: str = "gauss:2000") -> dict[str, Any]:
    """Gives one ladder of kinds over several envs, each env with the same weight.

    A kind is an agent's name up to its options, and the last word of a name of the zoo:
    `zoo/connectx-ppo` and `zoo/pong-ppo` are both `ppo`. All pairings of different kinds enter one
    Bradley-Terry fit without a first-move term, those of an env weighted so that they count as
    many games as those of any other. Errors would need the clusters and are not given.

    Args:
        documents: of `ladder_document`, one an env.
        prior: as in `rating.fit`.
    """
    envs = [_kind_results(document) for document in documents]
    envs = [results for results in envs if results]
    totals = [sum(sum(games) for games in results.values()) for results in envs]
    kinds = sorted({kind for results in envs for pair in results for kind in pair})
    index = {kind: k for k, kind in enumerate(kinds)}
    cells = np.zeros((len(kinds) * (len(kinds) - 1) // 2, 2, 3))
    for results, total in zip(envs, totals, strict=True):
        for (low, high), games in results.items():
            row = index[high] * (index[high] - 1) // 2 + index[low]
            cells[row, 0] += np.array(games) * (sum(totals) / len(totals) / total)
    document: dict[str, Any] = {"model": None, "agents": [], "warnings": []}
    if not kinds:
        return document
    unknown = np.zeros(len(cells), np.int64)
    counts = Counts(
        tuple(kinds),
        cells,
        products=np.zeros((len(cells), 10), np.int64),
        clusters=unknown,
        repeats=np.zeros(cells.shape, np.int64),
        distinct=unknown,
    )
    ratings = rating.fit(counts, prior, first_move=False, errors="fisher")
    order = np.argsort(-ratings.elo, kind="stable")
    agents = [
        {"agent": kinds[k], "elo": float(ratings.elo[k]), "bound": ratings.bound[k]} for k in order
    ]
    return {**document, "model": ratings.model, "agents": agents}


def _kind_results(document: Mapping[str, Any]) -> dict[tuple[str, str], list[float]]:
    """Gives lost, drawn and won games of each two kinds, for the one that comes first by name."""
    results: dict[tuple[str, str], list[float]] = {}
    for meeting in document["pairings"]:
        first, second = (_kind(meeting[seat]) for seat in ("first", "second"))
        if first == second:
            continue
        games = [meeting["losses"], meeting["draws"], meeting["wins"]]
        pair = (first, second) if first < second else (second, first)
        known = results.setdefault(pair, [0, 0, 0])
        for k, number in enumerate(games if first < second else games[::-1]):
            known[k] += number
    return results


def _kind(agent: str) -> str:
    head = parse(agent).head
    return head.rpartition("-")[2] if head.startswith("zoo/") else head


def _number(value: float) -> float | None:
    """Gives None for nan: JSON has none."""
    return None if math.isnan(value) else float(value)
