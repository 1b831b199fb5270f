"""Episodes seen from one seat: the opponent moves inside. Axes: `B` rows, `R` rows, `A` actions.

For learners that know environments for one. Between two calls every running row waits for its own
seat to move. Rows do not influence each other: what a row goes through follows from its seed and
from the actions played in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.base import Decisions, Player
from envs.base import Array, EnvOptionError, EnvSpec, TimeStep, VectorEnv
from envs.seeding import mix

Seat = Literal[0, 1, "alternate"]
"""Where the own side sits; `alternate`: first at 0, and at the other seat in each next episode."""

_SPAN = 64
"""Episodes a row that an opponent is prepared for at once; it can only be reset as a whole."""
_ILLEGAL_RETURN = -1.0


class OpponentError(RuntimeError):
    """An opponent that gave no action."""


class Moment(NamedTuple):
    """`B` moments at which the own side is to move, or has nothing more to do."""

    observation: Array
    """`uint8[B, *observation_shape]`, seen by the own side, whose plane comes first."""
    action_mask: Array
    """`bool[B, A]`, True = legal; all False after the end."""
    reward: NDArray[np.float64]
    """`float64[B]`, the own side's, since the moment before."""
    terminated: NDArray[np.bool_]
    """`bool[B]`: ended by the rules, or by an illegal action, which loses."""
    truncated: NDArray[np.bool_]
    """`bool[B]`: ended by a limit."""
    seat: NDArray[np.int64]
    """`int64[B]`, where the own side sits."""


class Episodes(NamedTuple):
    """What a row's episodes follow from; `int64[B]` each."""

    seed: NDArray[np.int64]
    number: NDArray[np.int64]
    """The episode that runs, counted over all seeds."""
    begin: NDArray[np.int64]
    """The number of the first episode of the seed."""

    def seats(self, rows: Array, numbers: Array, seat: Seat) -> NDArray[np.int64]:
        """Gives the own side's seat in episodes of some rows."""
        if seat == "alternate":
            return np.asarray((numbers - self.begin[rows]) % 2)
        return np.full(len(rows), seat, np.int64)

    def seeds(self, rows: Array, numbers: Array) -> NDArray[np.int64]:
        """Gives the seeds of episodes of some rows."""
        words = mix(self.seed[rows], numbers - self.begin[rows])
        return np.asarray((words >> np.uint64(1)).astype(np.int64))


class _Opponents:
    """One opponent for all rows and episodes, made of as many players as its `max_batch` asks.

    A player is reset once for `_SPAN` episodes of each row of a group; groups are as large as a
    player allows. It is free again when the rows of its group have gone on to later episodes.
    """

    def __init__(self, make: Callable[[], Player], spec: EnvSpec, episodes: Episodes, seat: Seat):
        self._make, self._spec, self._episodes, self._seat = make, spec, episodes, seat
        self._free = [make()]
        batch, num_rows = self._free[0].max_batch, len(episodes.seed)
        self._size = min(num_rows, batch or num_rows)
        self._span = _SPAN if batch is None else max(1, batch // self._size)
        self._busy: dict[tuple[int, int], Player] = {}

    def next_unprepared(self) -> int:
        """Gives the number of the first episode that no player was reset for."""
        return self._span * (1 + max((stage for _, stage in self._busy), default=-1))

    def act(self, rows: NDArray[np.int64], steps: TimeStep) -> NDArray[np.int64]:
        """Gives the actions for the moments of `rows`, `int64[R]`."""
        stages = self._episodes.number[rows] // self._span
        groups = rows // self._size
        actions = np.empty(len(rows), np.int64)
        for group, stage in sorted({*zip(groups.tolist(), stages.tolist(), strict=True)}):
            own = np.flatnonzero((groups == group) & (stages == stage))
            player = self._player(group, stage)
            place = self._episodes.number[rows[own]] % self._span
            places = place * self._size + rows[own] % self._size
            actions[own] = _checked(player.act(places, steps.take(own)))
        return actions

    def _player(self, group: int, stage: int) -> Player:
        """Gives the player for some rows and episodes, reset for them when it is asked first."""
        if (group, stage) in self._busy:
            return self._busy[group, stage]
        begin = group * self._size
        rows = np.arange(begin, min(begin + self._size, len(self._episodes.seed)))
        current = int(self._episodes.number[rows].min()) // self._span
        for key in [key for key in self._busy if key[0] == group and key[1] < current]:
            self._free.append(self._busy.pop(key))
        player = self._busy[group, stage] = self._free.pop() if self._free else self._make()
        numbers = np.repeat(np.arange(stage * self._span, (stage + 1) * self._span), self._size)
        every = np.minimum(np.tile(np.arange(begin, begin + self._size), self._span), rows[-1])
        seats = 1 - self._episodes.seats(every, numbers, self._seat)
        player.reset(self._spec, seats, self._episodes.seeds(every, numbers))
        return player


def _checked(decisions: Decisions) -> Array:
    for failure in decisions.failure or ():
        if failure:
            raise OpponentError(f"the opponent gave no action ({failure.reason}): {failure.detail}")
    return decisions.action


class SeatedRows:
    """`B` episodes of a game for two, played from one seat each against an opponent inside."""

    def __init__(self, env: VectorEnv, opponent: Callable[[], Player], seat: Seat) -> None:
        """Prepares rows that no episode runs in.

        Args:
            env: of `B` rows.
            opponent: makes the player at the other seat, more than once where it must.
            seat: of the own side.

        Raises:
            EnvOptionError: when the game is not for two, or there is no such seat.
            AgentError: when the opponent cannot be made.
        """
        if env.spec.num_players != 2:
            raise EnvOptionError(f"{env.spec.id} is a game for one; a seat needs a game for two")
        if seat not in (0, 1, "alternate"):
            raise EnvOptionError(f"seat {seat!r} does not exist; give 0, 1 or 'alternate'")
        self._env, self._seat = env, seat
        rows = env.num_rows
        self._episodes = Episodes(
            np.zeros(rows, np.int64), np.full(rows, -1), np.zeros(rows, np.int64)
        )
        self._opponents = _Opponents(opponent, env.spec, self._episodes, seat)
        self._seats = np.zeros(rows, np.int64)
        self._step = env.reset(np.arange(rows), self._episodes.seed)
        self._shown = np.zeros_like(self._step.observation)
        self._terminated = np.ones(rows, np.bool_)
        self._truncated = np.zeros(rows, np.bool_)

    def seed(self, rows: NDArray[np.int64], seeds: Sequence[int] | NDArray[np.int64]) -> None:
        """Sets what the next episodes in `rows`, `int64[R]`, and all after them follow from."""
        begin = max(self._opponents.next_unprepared(), int(self._episodes.number.max()) + 1)
        self._episodes.seed[rows] = seeds
        self._episodes.begin[rows] = begin
        self._episodes.number[rows] = begin - 1

    def begin(self, rows: NDArray[np.int64]) -> Moment:
        """Begins the next episode in `rows`, `int64[R]`; gives all `B` moments, rewards 0."""
        self._episodes.number[rows] += 1
        numbers = self._episodes.number[rows]
        self._seats[rows] = self._episodes.seats(rows, numbers, self._seat)
        seeds = self._episodes.seeds(rows, numbers)
        step = self._env.reset(rows, seeds)
        second = np.flatnonzero(step.to_play[rows] != self._seats[rows])
        if second.size:
            others = rows[second]
            # Played as a start, the opponent's first move leaves the other rows where they are.
            starts = [(action,) for action in self._opponents.act(others, step.take(others))]
            step = self._env.reset(others, seeds[second], starts)
        self._step = step
        self._note(rows)
        return self._moment(np.zeros(len(self._seats)))

    def step(self, actions: Array) -> Moment:
        """Plays `actions`, `int[B]` (ignored where a row has ended), and the opponent's replies.

        An illegal action ends its row: it loses, as it does in a tournament.

        Raises:
            OpponentError: when the opponent gives no action.
        """
        running = ~(self._terminated | self._truncated)
        mask = self._step.action_mask
        inside = (actions >= 0) & (actions < mask.shape[1])
        legal = inside & mask[np.arange(len(mask)), np.where(inside, actions, 0)]
        lost, rows = running & ~legal, np.flatnonzero(running & legal)
        reward = np.where(lost, _ILLEGAL_RETURN, 0.0)
        self._terminated |= lost
        if rows.size:
            reward[rows] += self._play(rows, actions[rows])
            replying = rows[~self._step.last[rows]]
            if replying.size:
                replies = self._opponents.act(replying, self._step.take(replying))
                reward[replying] += self._play(replying, replies)
            self._note(rows)
        return self._moment(reward)

    def _play(self, rows: NDArray[np.int64], actions: Array) -> NDArray[np.float64]:
        """Plays actions in `rows`, `int64[R]`; gives the own side's rewards, `float64[R]`.

        The env plays on in all rows: where nobody watches, whatever is legal.
        """
        every = self._step.action_mask.argmax(1)
        every[rows] = actions
        self._step = self._env.step(every)
        return np.asarray(self._step.rewards[rows, self._seats[rows]])

    def _note(self, rows: NDArray[np.int64]) -> None:
        """Notes what is seen in `rows`, always by the own side, whose plane comes first."""
        seen = self._step.observation[rows]
        others = self._step.to_play[rows] != self._seats[rows]
        seen[others] = seen[others, ::-1]
        self._shown[rows] = seen
        self._terminated[rows] = self._step.terminated[rows]
        self._truncated[rows] = self._step.truncated[rows]

    def _moment(self, reward: NDArray[np.float64]) -> Moment:
        terminated, truncated = self._terminated.copy(), self._truncated.copy()
        mask = self._step.action_mask & ~(terminated | truncated)[:, None]
        return Moment(self._shown.copy(), mask, reward, terminated, truncated, self._seats.copy())
