"""One seat, the opponent inside: games go by the rules, and rows do not touch each other."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import registry as agent_registry
from agents.base import Decisions, Failure
from agents.random import RandomPlayer
from agents.seat import OpponentError, SeatedRows
from arena import match
from envs import registry
from envs.base import EnvOptionError, EnvSpec
from envs.seeding import mix


class Solitary(RandomPlayer):
    """Plays one game at a time, and says so when it is asked otherwise."""

    max_batch = 1
    made = 0

    def __init__(self):
        super().__init__()
        Solitary.made += 1
        self.games = 0

    def reset(self, spec, seats, seeds):
        assert len(seats) == len(seeds) == 1
        self.seats, self.games = seats, self.games + 1
        super().reset(spec, seats, seeds)

    def act(self, rows, steps, clock=None):
        assert rows.tolist() == [0] and steps.to_play.tolist() == self.seats.tolist()
        return super().act(rows, steps, clock)


class Pair(Solitary):
    max_batch = 2

    def reset(self, spec, seats, seeds):
        assert len(seats) == 2
        RandomPlayer.reset(self, spec, seats, seeds)

    def act(self, rows, steps, clock=None):
        assert len(rows) <= 2
        return RandomPlayer.act(self, rows, steps, clock)


def seated(num_rows, opponent="one-ply", seat="alternate", env="connectx-5x4x3"):
    make = partial(agent_registry.make, opponent) if isinstance(opponent, str) else opponent
    return SeatedRows(registry.make_vector(env, num_rows), make, seat)


def played(rows, seeds, steps, everyone=None):
    """Gives `[T]` of what each row went through, ended rows beginning anew at once."""
    size = len(seeds)
    rows.seed(np.arange(size), seeds)
    moment = rows.begin(np.arange(size))
    seen = []
    for time in range(steps):
        legal = moment.action_mask
        wanted = mix(np.array(seeds), time) % legal.sum(1).astype(np.uint64)
        actions = (legal.cumsum(1) > wanted[:, None]).argmax(1)
        moment = rows.step(actions)
        seen.append((moment, actions))
        over = np.flatnonzero(moment.terminated)
        if over.size:
            moment = rows.begin(over)
            seen.append((moment, actions))
    return seen


def of_row(seen, row):
    return [
        [np.asarray(part)[row].tolist() for part in moment] + [int(actions[row])]
        for moment, actions in seen
    ]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(0, 2**62), min_size=1, max_size=5),
    st.sampled_from([0, 1, "alternate"]),
    st.sampled_from(["one-ply", "random", Solitary, Pair]),
)
def test_a_row_is_the_same_alone(seeds, seat, opponent):
    together = of_row(played(seated(len(seeds), opponent, seat), seeds, 60), -1)
    alone = of_row(played(seated(1, opponent, seat), seeds[-1:], 60), 0)
    # The begin of other rows shows a row once more, its reward paid.
    assert [m for i, m in enumerate(together) if not i or m[:2] != together[i - 1][:2]] == [
        m for i, m in enumerate(alone) if not i or m[:2] != alone[i - 1][:2]
    ]


@pytest.mark.parametrize("seat", [0, 1])
def test_games_are_those_of_a_match(seat):
    """The opponent gets the moments, the seat and a seed of its own, as in a tournament."""

    class Mirror(RandomPlayer):
        """Plays the lowest legal column."""

        def act(self, rows, steps, clock=None):
            return Decisions(steps.action_mask.argmax(1))

    order = (0, 1) if seat == 0 else (1, 0)
    env = registry.make_vector("connectx", 1)
    players = [Mirror(), agent_registry.make("negamax:depth=2")]
    episode = match.play(env, players, np.array([order]), [()], np.array([5]))[0]
    rows = seated(1, "negamax:depth=2", seat, "connectx")
    rows.seed(np.arange(1), [5])
    moment = rows.begin(np.arange(1))
    rewards, own = [], []
    while not moment.terminated[0]:
        assert moment.observation[0, 0].sum() == len(own)
        own.append(int(moment.action_mask[0].argmax()))
        moment = rows.step(np.array(own[-1:]))
        rewards.append(float(moment.reward[0]))
    assert sum(rewards) == rewards[-1] == episode.returns[seat]
    assert moment.observation[0, 0].sum() == len(own)
    assert abs(len(episode.actions) - 2 * len(own)) <= 1


def test_seats_alternate_in_each_row_and_begin_at_seat_0():
    seen = played(seated(3), [1, 2, 3], 40)
    for row in range(3):
        seats, episode = [], None
        for moment, _ in seen:
            discs = int(moment.observation[row].sum())
            if discs <= 1 and not moment.terminated[row] and episode != moment.seat[row]:
                seats.append(int(moment.seat[row]))
                episode = moment.seat[row]
                assert discs == moment.seat[row], "seat 1 sees the opponent's first disc"
        assert seats[:4] == [1, 0, 1, 0] and len(seats) > 4


def test_equal_seeds_give_equal_play_and_other_seeds_other_play():
    def run(rows):
        return of_row(played(rows, [7, 8], 30), 0)

    rows = seated(2, "random")
    first = run(rows)
    assert run(rows) == first == run(seated(2, "random"))
    assert of_row(played(rows, [8, 8], 30), 0) != first


def test_an_illegal_action_loses_and_the_row_stands_still():
    rows = seated(2, "random", 0)
    rows.seed(np.arange(2), [0, 0])
    before = rows.begin(np.arange(2))
    moment = rows.step(np.array([99, 2]))
    assert moment.terminated.tolist() == [True, False]
    assert moment.reward.tolist() == [-1, 0]
    assert not moment.action_mask[0].any()
    assert (moment.observation[0] == before.observation[0]).all()
    again = rows.step(np.array([2, 2]))
    assert again.terminated[0] and again.reward[0] == 0
    assert (again.observation[0] == before.observation[0]).all()
    assert rows.begin(np.array([0])).action_mask[0].all()


def test_a_full_column_loses():
    rows = seated(1, lambda: RandomPlayer(), 0, "connectx-1x4x4")
    rows.seed(np.arange(1), [0])
    rows.begin(np.arange(1))
    assert rows.step(np.array([0])).action_mask.tolist() == [[True]]
    assert rows.step(np.array([0])).terminated[0], "full: a draw"
    assert rows.begin(np.arange(1)).action_mask.tolist() == [[True]]


def test_few_players_serve_many_episodes():
    Solitary.made = 0
    played(seated(3, Solitary), [1, 2, 3], 200)
    assert Solitary.made == 3


def test_an_opponent_that_fails_is_named():
    class Gives(RandomPlayer):
        def act(self, rows, steps, clock=None):
            actions = super().act(rows, steps, clock).action
            return Decisions(actions, failure=[Failure("crash", "exit status 9")] * len(rows))

    rows = seated(1, Gives, 0)
    rows.begin(np.arange(1))
    with pytest.raises(OpponentError, match=r"gave no action \(crash\): exit status 9"):
        rows.step(np.array([0]))


def test_impossible_seats_are_refused():
    with pytest.raises(EnvOptionError, match="seat 2 does not exist; give 0, 1 or 'alternate'"):
        seated(1, seat=2)

    class Alone:
        spec = EnvSpec("pong", {}, 1, 6, (84, 84), 0.99)
        num_rows = 1

    with pytest.raises(EnvOptionError, match="pong is a game for one"):
        SeatedRows(Alone(), RandomPlayer, 0)
