"""The one loop in which agents meet. Axes: `B` games side by side, `P` seats, `R` rows to move.

Games run in lockstep: each player decides at once for all the games in which it is to move, so that
networks see batches. Rows do not influence each other: a game is the same alone.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from agents.base import AgentError, Clock, Decisions, Failure, Player
from arena.thoughts import Notebook
from envs import seeding
from envs.base import EnvSpec, Start, TimeStep, VectorEnv

_DETAIL_KEPT = 10_000
_SLACK_S = 30.0
DIGEST_EVERY = 1_000
"""Actions from one digest to the next, so that a replay can tell where it goes astray."""


@dataclass(frozen=True)
class TimeControl:
    """How long players may think; seconds."""

    move_s: float = 2.0
    """For each move; 0 = no limit."""
    bank_s: float = 60.0
    """For each game on top: what a move takes longer is taken from here."""
    load_s: float = 120.0
    """For a player to be made and to prepare for a chunk of games."""


@dataclass(frozen=True, slots=True)
class Episode:
    """A game that was played."""

    players: tuple[int, ...]
    """Index into the players, by seat."""
    actions: tuple[int, ...]
    """Without those of the opening."""
    returns: tuple[float, ...]
    """Sum of the env's rewards, by seat."""
    digests: tuple[int, ...]
    """Digests of the state after every `DIGEST_EVERY` actions, and of the last one."""
    termination: str
    """`terminated`, `truncated`, or the reason of a forfeit."""
    blame: int | None
    """Seat that forfeited."""
    detail: str | None
    """What happened then."""
    search: bytes | None = None
    """What the players thought of their moves, see `arena.thoughts`; None = they said nothing."""

    @property
    def digest_bytes(self) -> bytes:
        """Gives the digests as records keep them, 8 bytes each."""
        return b"".join(digest.to_bytes(8, "little") for digest in self.digests)


Watch = Callable[[int, NDArray[Any], float, list[NDArray[np.int64]]], None]
"""Told before each `act`: player, its rows, seconds it has, actions `[T][B]` so far."""


class TimeKeeper(Protocol):
    """What a player has that ends late moves itself, such as one in a process of its own."""

    time_control: TimeControl
    """Set before `reset`."""
    charged_s: float
    """What its last `act` is charged: seconds, less those in which the machine stood still."""


class _Games:
    """What is known of the `B` games while they run."""

    def __init__(self, seats: NDArray[np.int64], spec: EnvSpec, clock: TimeControl) -> None:
        rows, num_seats = len(seats), spec.num_players
        self.thoughts = Notebook(rows, spec.num_actions, alone=num_seats == 1)
        self.seats = seats
        self.clock = clock
        self.running = np.ones(rows, dtype=np.bool_)
        self.lengths = np.zeros(rows, dtype=np.int64)
        self.returns = np.zeros((rows, num_seats))
        self.digests: list[list[int]] = [[] for _ in range(rows)]
        self.bank = np.full((rows, num_seats), clock.bank_s)
        self.history: list[NDArray[np.int64]] = []
        self.endings: list[str] = ["terminated"] * rows
        self.faults: dict[int, tuple[int, Failure]] = {}

    def note(self, rows: NDArray[np.int64], digests: NDArray[np.uint64]) -> None:
        for row, digest in zip(rows.tolist(), digests[rows].tolist(), strict=True):
            self.digests[row].append(digest)

    def end(self, rows: NDArray[np.int64], digests: NDArray[np.uint64]) -> None:
        self.running[rows] = False
        self.lengths[rows] = len(self.history)
        self.note(rows, digests)

    def forfeit(self, row: int, seat: int, failure: Failure) -> None:
        self.faults[row] = (seat, failure)
        self.endings[row] = failure.reason

    def episodes(self) -> list[Episode]:
        played = np.stack(self.history) if self.history else np.zeros((0, len(self.seats)), int)
        columns = np.ascontiguousarray(played.T).tolist()
        returns, lengths = self.returns.tolist(), self.lengths.tolist()
        seats = self.seats.tolist()
        thoughts = self.thoughts.packed(lengths)
        nobody: tuple[int | None, Failure | None] = (None, None)
        episodes = []
        for row, ending in enumerate(self.endings):
            blame, failure = self.faults.get(row, nobody)
            actions = tuple(columns[row][: lengths[row]])
            detail = failure.detail[-_DETAIL_KEPT:] if failure else None
            episode = Episode(
                players=tuple(seats[row]),
                actions=actions,
                returns=tuple(returns[row]),
                digests=tuple(self.digests[row]),
                termination=ending,
                blame=blame,
                detail=detail,
                search=thoughts[row],
            )
            episodes.append(episode)
        return episodes


def play(
    env: VectorEnv,
    players: Sequence[Player],
    seats: NDArray[np.int64],
    openings: Sequence[Start],
    seeds: NDArray[np.int64],
    clock: TimeControl = TimeControl(),
    watch: Watch | None = None,
) -> list[Episode]:
    """Plays `B` games and gives them in the order of the rows.

    Args:
        env: with `B` rows.
        players: each sits at one seat of every row.
        seats: `int64[B, P]`, index of the player at each seat.
        openings: `B` starts, played before the first decision.
        seeds: `int64[B]`, one for each game; equal seeds give equal games.
        clock: past it the games that a player was deciding are forfeited; noticed here only when
            the player returns (a worker's parent notices in time, see `arena.executor`).
        watch: told before each `act`.

    Raises:
        AgentError: when a player cannot play this environment.
        IllegalActionError: when an opening breaks the rules.
    """
    games = _Games(seats, env.spec, clock)
    everyone = np.arange(env.num_rows)
    step = env.reset(everyone, seeds, openings)
    for index, player in enumerate(players):
        _prepare(games, player, index, env, seeds)
    while games.running.any():
        mover = seats[everyone, step.to_play]
        actions = step.action_mask.argmax(axis=1)  # of rows that are over: anything legal
        for index, player in enumerate(players):
            rows = np.flatnonzero(games.running & (mover == index))
            if rows.size:
                actions[rows] = _decide(games, player, index, rows, step.take(rows), watch)
        if games.faults:
            forfeited = np.array([row for row in games.faults if games.running[row]], dtype=int)
            games.end(forfeited, env.digest())
            if not games.running.any():
                break
        games.history.append(np.where(games.running, actions, -1))
        step = env.step(actions)
        games.returns += np.where(games.running[:, None], step.rewards, 0.0)
        over = np.flatnonzero(games.running & step.last)
        if over.size:
            for row in over[step.truncated[over]]:
                games.endings[row] = "truncated"
            games.end(over, env.digest())
        if len(games.history) % DIGEST_EVERY == 0 and games.running.any():
            games.note(np.flatnonzero(games.running), env.digest())
    return games.episodes()


def _prepare(
    games: _Games, player: Player, index: int, env: VectorEnv, seeds: NDArray[np.int64]
) -> None:
    """Resets a player with seeds of its own; where it fails, it forfeits every game."""
    seats = np.argmax(games.seats == index, axis=1)
    own = (seeding.mix(seeds, seats + 1) >> np.uint64(1)).astype(np.int64)
    if keeper := _keeper(player):
        keeper.time_control = games.clock
    try:
        player.reset(env.spec, seats, own)
    except AgentError:
        raise
    except (Exception, SystemExit) as error:
        detail = "".join(traceback.format_exception(error))
        for row in range(len(seats)):
            if row not in games.faults:
                games.forfeit(row, int(seats[row]), Failure("error", detail))


def _keeper(player: Player) -> TimeKeeper | None:
    # Asking for one attribute is 20 times as quick as a protocol's isinstance.
    return cast(TimeKeeper, player) if hasattr(player, "charged_s") else None


def _decide(
    games: _Games,
    player: Player,
    index: int,
    rows: NDArray[np.int64],
    steps: TimeStep,
    watch: Watch | None,
) -> NDArray[np.int64]:
    """Gives a legal action for each row; where the player has none, notes why it forfeits."""
    keeper = _keeper(player)
    limit, seats = games.clock.move_s * len(rows), steps.to_play
    bank = games.bank[rows, seats]
    allowed = limit + bank.min() if limit else 0.0
    if watch:
        watch(index, rows, _SLACK_S + 2 * allowed if keeper and limit else allowed, games.history)
    began = time.monotonic()
    try:
        decisions = player.act(rows, steps, Clock(began + allowed) if limit else None)
        actions, failures = _checked(decisions, steps)
        games.thoughts.add(len(games.history), rows, decisions)
    except (Exception, SystemExit) as error:
        detail = "".join(traceback.format_exception(error))
        failures = {place: Failure("error", detail) for place in range(len(rows))}
        actions = steps.action_mask.argmax(axis=1)
    used = keeper.charged_s if keeper else time.monotonic() - began
    excess = (used - limit) / len(rows)
    if limit and excess > 0:
        games.bank[rows, seats] = bank - excess
        for place in np.flatnonzero(bank < excess).tolist():
            words = f"{excess + games.clock.move_s:.2f} s for a move, its bank is empty"
            failures.setdefault(place, Failure("timeout", words))
    for place, failure in failures.items():
        games.forfeit(int(rows[place]), int(seats[place]), failure)
    return actions


def _checked(decisions: Decisions, steps: TimeStep) -> tuple[NDArray[np.int64], dict[int, Failure]]:
    """Gives legal actions, and a failure for each place where the player gave none."""
    mask = steps.action_mask
    actions = np.asarray(decisions.action)
    if actions.shape != (len(mask),) or actions.dtype.kind not in "iu":
        raise TypeError(
            f"act gave actions of shape {actions.shape} and type {actions.dtype}, "
            f"expected int[{len(mask)}]"
        )
    inside = (actions >= 0) & (actions < mask.shape[1])
    chosen = np.where(inside, actions, 0).astype(np.int64)
    legal = inside & mask[np.arange(len(mask)), chosen]
    failures: dict[int, Failure] = {}
    if decisions.failure is not None:
        failures = {i: failure for i, failure in enumerate(decisions.failure) if failure}
    if not legal.all():
        for place in np.flatnonzero(~legal):
            allowed = np.flatnonzero(mask[place]).tolist()
            words = f"action {int(actions[place])}, legal were {allowed}"
            failures.setdefault(int(place), Failure("illegal", words))
        chosen = np.where(legal, chosen, mask.argmax(axis=1))
    return chosen, failures
