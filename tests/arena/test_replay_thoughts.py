"""What `arena replay` shows of thoughts, on boards and in Atari games."""

import json
from dataclasses import replace

import numpy as np
import pytest
from rich.cells import cell_len

from agents import registry as agents
from agents.base import Decisions
from arena import film_screen, match, thought_screen, thoughts
from arena.cli import EXIT_FILE, run
from arena.film import Film
from arena.match_record import MatchRecord
from arena.records import Records
from arena.screen import harmless
from arena.thoughts import Thought
from envs import registry

EVIL = "kaggle:\x1b[2J\x1b]0;owned\x07main\u202e.py"


def name(action):
    return str(action + 1)


def recorded(env, names, seats):
    played = match.play(
        registry.make_recorded(env, 1), [agents.make(n) for n in names], seats, [()], np.array([3])
    )[0]
    return MatchRecord(
        env=registry.canonical(env),
        protocol=registry.spec(env).protocol,
        agents=tuple(names),
        seed=3,
        start=b"",
        actions=bytes(played.actions),
        returns=played.returns,
        digests=played.digest_bytes,
        termination=played.termination,
        options=registry.spec(env).options,
        search=played.search,
    )


@pytest.fixture(scope="module")
def game():
    names = "zoo/connectx-muzero:simulations=16", "negamax:depth=2"
    return recorded("connectx", names, np.array([[0, 1]]))


@pytest.fixture
def stored(workshop, game):
    harmed = replace(game, search=b"\x01" + bytes(20))
    evil = replace(game, agents=(EVIL, "random"), search=None)
    with Records.write(workshop / "runs" / "r") as records:
        records.commit([game, harmed, evil])


def shown(capsys, *arguments):
    code = run(["replay", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_game_is_shown_with_bars_values_and_the_line_expected(stored, game, capsys):
    code, out, _ = shown(capsys, "r/1", "--at", "3")
    thought = thoughts.unpack(game.search)[2]
    assert code == 0
    assert "move 3 of" in out and "first thought, value" in out and "visits" in out
    row = next(line for line in out.splitlines() if "◀ played" in line)
    share = thought.visits[game.actions[2]] / sum(thought.visits)
    assert f"{100 * share:.0f} %" in row and f"{thought.q[game.actions[2]]:+.2f}" in row
    assert f"expects {' '.join(str(a + 1) for a in thought.line[:10])}" in out
    assert max(map(cell_len, out.splitlines())) <= 80 and "\x1b" not in out


def test_a_whole_game_ends_with_the_course_of_both_values(stored, game, capsys):
    code, out, _ = shown(capsys, "r/1")
    assert code == 0 and out.count("◀ played") == len(game.actions)
    courses = [line for line in out.splitlines() if " sees " in line]
    assert len(courses) == 2
    assert all(cell_len(line) == 12 + len(game.actions) for line in courses)
    assert max(map(cell_len, out.splitlines())) <= 80


def test_json_holds_the_thoughts_of_each_action(stored, game, capsys):
    code, out, _ = shown(capsys, "r/1", "--json")
    found = json.loads(out)["thoughts"]
    assert code == 0 and len(found) == len(game.actions)
    assert set(found[0]) == {"value", "policy", "visits", "q", "line"}
    assert set(found[1]) == {"value", "q", "line"}


def test_of_damaged_thoughts_the_game_is_left(stored, capsys):
    code, out, error = shown(capsys, "r/2", "--at", "3")
    assert code == EXIT_FILE and "move 3 of" in out and "thought" not in out
    assert error.count("\n") == 1 and "cannot be shown: damaged thoughts" in error


def test_names_that_would_steer_the_terminal_are_shown_harmless(stored, capsys):
    code, out, _ = shown(capsys, "r/3", "--at", "1")
    assert code == 0 and "main" in out
    assert not set(out) & {"\x1b", "\x07", "\u202e"}
    assert harmless("Ünïcode 棋 · ●") == "Ünïcode 棋 · ●"


@pytest.mark.parametrize("episode", ["r/99", "r/x", "r", "nowhere/1"])
def test_what_is_no_episode_is_one_line(stored, episode, capsys):
    code, out, error = shown(capsys, episode)
    assert code == 2 and out == "" and error.count("\n") == 1


def test_bars_show_visits_before_policy_before_scores():
    full = Thought(0.5, [0.2, 0.8], [3, 1], [0.5, -1.0], None)
    assert thought_screen.shares(full) == ("visits", [0.75, 0.25])
    assert thought_screen.shares(full._replace(visits=[0, 0])) == ("policy", [0.2, 0.8])
    assert thought_screen.shares(Thought(None, None, None, [0.5, None], None)) == (
        "score",
        [0.75, None],
    )
    assert thought_screen.rows(Thought(0.1, None, None, None, None), name, {}) == []


def test_of_many_actions_the_largest_and_the_played_one_are_shown():
    policy = [0.0] * 30
    policy[20], policy[5] = 0.6, 0.4
    lines = thought_screen.rows(Thought(None, policy, None, None, None), name, {29: "◀ played"})
    assert len(lines) == 13
    assert [line.plain.split()[0] for line in lines[1:]][-2:] == ["21", "30"]


def test_bars_and_courses_are_of_the_length_they_say():
    assert [thought_screen.bar(share, 4) for share in (0, 0.5, 1, 2)] == [
        "    ",
        "██  ",
        "████",
        "████",
    ]
    assert thought_screen.course([-1, None, 0, 1, 5]) == "▁ ▅██"


def test_an_atari_episode_tells_what_its_player_thinks():
    record = recorded("pong", ["repeat"], np.zeros((1, 1), int))
    book = thoughts.Notebook(1, 6, alone=True)
    policy = np.array([[0.05, 0.05, 0.6, 0.2, 0.05, 0.05]])
    for move in range(0, len(record.actions), 2):
        book.add(move, np.zeros(1, int), Decisions(np.zeros(1, int), np.array([-3.25]), policy))
    film = Film(replace(record, search=book.packed([len(record.actions)])[0]))
    (line,) = film_screen.thinking(film, 31)
    assert line.startswith("thinks  value -3.25  ") and "60 %" in line and cell_len(line) <= 80
    assert line in film_screen.still(film, 31, colour=False)
    assert film_screen.thinking(Film(record), 31) == []
