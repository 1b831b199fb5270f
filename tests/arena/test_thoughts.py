import numpy as np
import pytest

from agents import registry as agents
from agents.base import Decisions
from arena import match, thoughts
from arena.chunk import AgentCard, Chunk, Game, decode, play_chunk
from arena.executor import Outcome
from arena.match import TimeControl
from arena.played import records_of
from arena.records import Records
from envs import registry as envs


def played(*names, rows=2, env="connectx", opening=()):
    return match.play(
        envs.make_vector(env, rows),
        [agents.make(name) for name in names],
        np.array([list(range(len(names)))] * rows),
        [opening] * rows,
        np.arange(rows),
    )


def notebook(said, rows=1, actions=3, alone=False, move=0):
    book = thoughts.Notebook(rows, actions, alone)
    book.add(move, np.arange(rows), said)
    return book


def kept(said, **given):
    return thoughts.unpack(notebook(said, **given).packed([1])[0])[0]


def test_what_searches_say_comes_back_for_each_move():
    episode = played("zoo/connectx-muzero:simulations=16", "negamax:depth=2")[0]
    found = thoughts.unpack(episode.search)
    assert len(found) == len(episode.actions)
    for thought, action in zip(found[::2], episode.actions[::2], strict=True):
        assert thought.line[0] == action
        assert sum(thought.policy) == pytest.approx(1, abs=0.02)
        assert 1 <= sum(thought.visits) <= 16
        assert -1 <= thought.value <= 1
        assert [q is None for q in thought.q] == [n == 0 for n in thought.visits] or 1 in thought.q
    for thought, action in zip(found[1::2], episode.actions[1::2], strict=False):
        assert thought.policy is None and thought.visits is None
        assert thought.line[0] == action
        assert max(q for q in thought.q if q is not None) == thought.q[action]


def test_numbers_are_kept_as_exactly_as_is_said():
    value, policy, visits, q = -0.3217, [0.1, 0.6, 0.3], [70_000, 3, 0], [0.25, -1.0, np.nan]
    said = Decisions(
        np.array([1]),
        np.array([value]),
        np.array([policy]),
        np.array([visits]),
        np.array([q]),
        [[1, 0, 2]],
    )
    thought = kept(said)
    assert thought.value == pytest.approx(value, abs=1 / 32_767)
    assert thought.policy == pytest.approx(policy, abs=0.5 / 255)
    assert thought.visits == visits and thought.line == [1, 0, 2]
    assert thought.q[2] is None
    assert thought.q[:2] == pytest.approx(q[:2], abs=1.25 / 254)


def test_close_returns_are_told_apart_however_large_they_are():
    q = [[41.02, 41.0, 40.9]]
    thought = kept(Decisions(np.array([0]), np.array([41.02]), q=np.array(q)), alone=True)
    assert thought.q[0] > thought.q[1] > thought.q[2]
    assert thought.q[0] - thought.q[2] == pytest.approx(0.12, abs=0.001)
    assert thought.value == pytest.approx(41.02, abs=0.002)


@pytest.mark.parametrize(
    "said",
    [
        Decisions(np.array([0]), value=np.array([np.nan])),
        Decisions(np.array([0]), value=np.array([1.0, 2.0])),
        Decisions(np.array([0]), value="high"),
        Decisions(np.array([0]), q=np.full((1, 3), -np.inf)),
        Decisions(np.array([0]), policy=np.ones((1, 4)) / 4),
        Decisions(np.array([0]), line=[["left"]]),
        Decisions(np.array([0]), line=[[300]]),
        Decisions(np.array([0]), line=7),
    ],
)
def test_what_is_not_in_the_form_of_the_contract_is_left_out(said):
    assert notebook(said).packed([1]) == [None]


def test_who_says_nothing_costs_nothing():
    assert [episode.search for episode in played("random", "one-ply")] == [None, None]


def test_a_game_has_the_same_thoughts_alone_and_among_others():
    names = "zoo/connectx-alphazero:simulations=8", "zoo/connectx-ppo"
    assert played(*names)[0].search == played(*names, rows=1)[0].search is not None


def test_of_long_episodes_alone_some_moves_are_kept():
    book = thoughts.Notebook(2, 4, alone=True)
    rows = np.arange(2)
    for move in range(5_000):
        policy = np.full((2, 4), 0.25)
        book.add(move, rows, Decisions(rows, np.array([move / 50, 1.0]), policy, q=policy))
    long, short = (thoughts.unpack(data) for data in book.packed([5_000, 1_500]))
    assert len(long) == 5_000 and len(short) == 1_500 and None not in short
    places = [place for place, thought in enumerate(long) if thought]
    assert 1_000 < len(places) <= 2_000 and places[1] - places[0] == 3
    assert long[3].value == pytest.approx(3 / 50, abs=0.002)
    assert long[3].q is None and long[3].visits is None
    assert len(book.packed([5_000, 0])[0]) < 20_000


def test_thoughts_go_through_a_chunk_and_the_records(tmp_path):
    names = ("negamax:depth=2", "mcts:simulations=20")
    games = tuple(Game(seats, (3, 3), 5) for seats in ((0, 1), (1, 0)))
    chunk = Chunk(0, "connectx", names, games, TimeControl())
    data = play_chunk(chunk, lambda *_: None)
    assert data == play_chunk(chunk, lambda *_: None)
    cards = {name: AgentCard(name, None, None) for name in names}
    found = records_of(chunk, Outcome(0, "ok", data), cards, (1, 2))
    with Records.write(tmp_path) as records:
        records.commit(found)
    with Records.read(tmp_path) as records:
        stored = [records.search(number) for number in (1, 2, 3)]
    assert stored == [played.episode.search for played in decode(data)] + [None]
    assert all(thoughts.unpack(part)[0].q is not None for part in stored[:2])


def test_a_game_of_two_searches_takes_less_than_a_kilobyte():
    names = "zoo/connectx-muzero:simulations=32", "zoo/connectx-alphazero:simulations=32"
    episodes = played(*names, rows=2)
    assert max(len(e.search) + len(e.actions) + 60 for e in episodes) < 1_000


@pytest.mark.parametrize("harm", [lambda d: d[:20], lambda d: b"\x09" + d[1:], lambda d: b""])
def test_damaged_thoughts_are_refused(harm):
    data = played("negamax:depth=2", "negamax:depth=2", rows=1)[0].search
    with pytest.raises(thoughts.ThoughtsError):
        thoughts.unpack(harm(data))
