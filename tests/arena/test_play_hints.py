"""What `arena play --hints` tells a learner."""

import io
import json

import pytest
from rich.cells import cell_len

from arena import hints, thoughts
from arena.cli import run
from arena.records import Records
from arena.thoughts import Thought

HINT = Thought(0.3, None, None, [0.3, -0.8, None], [0, 1])


@pytest.fixture
def play(workshop, monkeypatch, capsys):
    def given(*arguments, typed):
        monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(typed) + "\n"))
        code = run(["play", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return given


@pytest.mark.parametrize(
    ("before", "move", "after", "word", "lost"),
    [
        (HINT, 0, 0.25, "the best", 0.0),
        (HINT, 0, -1.0, "the best", 0.0),  # the agent would have gone wrong, too
        (HINT, 1, None, "a blunder", 1.1),
        (HINT, 2, 0.2, "good", 0.1),
        (HINT, 2, 0.0, "an inaccuracy", 0.3),
        (HINT, 2, -0.2, "a mistake", 0.5),
        (HINT, 2, 0.9, "good", 0.0),
        (Thought(0.5, [0.9, 0.1], None, None, None), 1, -0.5, "a blunder", 1.0),
        (Thought(None, None, [9, 1], [0.4, 0.1], None), 1, None, "an inaccuracy", 0.3),
    ],
)
def test_a_move_is_judged_by_what_it_lost(before, move, after, word, lost):
    found = hints.judge(before, move, after)
    assert (found.word, found.best) == (word, 0) and found.lost == pytest.approx(lost)


@pytest.mark.parametrize(
    ("before", "after"), [(HINT, None), (Thought(None, [0.5, 0.3, 0.2], None, None, None), 0.5)]
)
def test_where_nothing_is_known_nothing_is_judged(before, after):
    assert hints.judge(before, 2, after) is None


def test_a_lost_game_is_explained_move_by_move(play, workshop):
    # Bottom row for the agent: the person stacks discs on the edge and never blocks.
    code, out, error = play("negamax:depth=4", "--hints", typed=list("1777222333444555666"))
    assert code == 0 and error == ""
    assert "hint for you, value" in out and "negamax:depth=4 thought, value" in out
    assert "◀ played" in out and "expects" in out
    assert "a blunder, it brings -1.00; " in out and " was better" in out
    assert max(map(cell_len, out.splitlines())) <= 80 and "\x1b" not in out
    assert "You lose" in out
    with Records.read(workshop / "runs" / "human") as records:
        episode, said = records.episode(1), thoughts.unpack(records.search(1))
    assert [thought is not None for thought in said] == [
        place % 2 == 1 for place in range(len(episode.actions))
    ]


def test_json_tells_what_each_move_was_worth(play):
    code, out, error = play("negamax:depth=2", "--hints", "--second", "--json", typed="7" * 6)
    document = json.loads(out) if code == 0 else {}
    if not document:  # six discs did not end the game: the person left
        assert "you left" in error and out == ""
        return
    assert set(document["moves"][0]) == {"move", "best", "brings", "lost", "word"}


def test_hints_do_not_make_the_agent_another_one(play, workshop):
    for options in ([], ["--hints"]):
        play("zoo/connectx-muzero:simulations=8", *options, typed=list("4444455566677711122233"))
    with Records.read(workshop / "runs" / "human") as records:
        plain, taught = records.episode(1), records.episode(2)
    assert plain.actions == taught.actions and records.path.exists()


@pytest.mark.parametrize("agent", ["random", "one-ply"])
def test_an_agent_that_says_nothing_gives_no_hints(play, agent):
    code, out, error = play(agent, "--hints", typed=["4"])
    assert code == 2 and out == "" and error.count("\n") == 1
    assert "gives no hints; choose one that does, such as negamax:depth=6" in error
