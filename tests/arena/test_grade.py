"""Grading on solved positions, and `arena grade` and `arena solve` as people use them."""

import json

import numpy as np
import pytest

from agents import registry
from agents.base import Decisions, Failure
from arena import grade, grade_jobs, moves
from arena.executor import Local
from arena.grade import Labelled
from envs import seeding

WON = Labelled((0, 1, 0, 1, 0, 1), (18, -17, -17, -17, -17, -17, -17))
EVEN = Labelled((), (0, 0, 0, 0, 0, 0, 0))


class Fixed:
    """Always plays one column."""

    max_batch = None
    digest = None

    def __init__(self, column, failure=None):
        self.column, self.failure, self.seeds = column, failure, []

    def reset(self, spec, seats, seeds):
        self.seats = seats
        self.seeds += seeds.tolist()

    def act(self, rows, steps, clock=None):
        assert clock is None
        return Decisions(np.full(len(rows), self.column), failure=self.failure)


def graded(player, *positions):
    return grade.document(list(grade.answers(player, positions, 0)))


def test_shipped_sets_are_of_all_plies_and_unlike():
    sets = []
    for name in ("connectx", "connectx-holdout"):
        positions = grade.read(grade.SHIPPED.with_name(f"{name}.jsonl"))
        assert len(positions) == 1000
        games = {position.actions for position in positions}
        assert len(games | {tuple(6 - a for a in game) for game in games}) >= 1990
        assert {len(game) for game in games} >= set(range(5, 37))
        sets.append(games)
    assert not sets[0] & sets[1]


def test_shares_count_outcomes_and_best_moves():
    slow = Labelled((0, 1, 0, 1, 0, 1), (18, 3, -1, 0, 1, -17, -17))
    document = graded(Fixed(1), WON, slow, EVEN)
    assert document["positions"] == 3
    assert (document["weak"], document["strong"]) == (2 / 3, 1 / 3)
    assert document["decisive"] == 2
    assert (document["decisive_weak"], document["decisive_strong"]) == (1 / 2, 0)
    assert [(band["first"], band["positions"]) for band in document["plies"]] == [(0, 3)]
    assert graded(Fixed(0), EVEN)["decisive_weak"] is None


def test_faults_are_neither_weak_nor_strong():
    full = Labelled((0, 0, 0, 0, 0, 0), (None, 0, 0, 0, 0, 0, 0))
    found = list(grade.answers(Fixed(0), [full], 0))
    assert (found[0].action, found[0].weak, found[0].strong) == (None, False, False)
    assert found[0].fault == "illegal: column 1"
    for column in (7, -1):
        assert (
            next(grade.answers(Fixed(column), [EVEN], 0)).fault == f"illegal: column {column + 1}"
        )
    failed = next(grade.answers(Fixed(0, [Failure("timeout", "slow")]), [EVEN], 0))
    assert failed.fault == "timeout: slow"
    wrong = next(grade.answers(Fixed(0.5), [EVEN], 0))
    assert wrong.fault.startswith("TypeError: actions are float64[1]")


def test_luck_is_the_position_s_and_the_seed_s():
    alone, among, other = Fixed(0), Fixed(0), Fixed(0)
    list(grade.answers(alone, [WON], 0))
    list(grade.answers(among, [EVEN, WON], 0))
    list(grade.answers(other, [WON], 1))
    assert among.seeds[1] == alone.seeds[0] != other.seeds[0]


def test_players_that_keep_one_game_are_asked_one_by_one():
    one = Fixed(0)
    one.max_batch = 1
    assert graded(one, WON, EVEN)["positions"] == 2
    assert len(one.seats) == 1


@pytest.mark.parametrize(
    ("name", "every", "words", "limit_s"),
    [("Dies", 150, "crash: exit status 9", 60.0), ("Hangs", 300, "timeout: ", 3.0)],
)
def test_who_kills_or_blocks_a_process_has_no_move_there_only(name, every, words, limit_s):
    positions, executor = grade.read(grade.SHIPPED)[::every], Local(2)
    try:
        agent = f"tests.faulty_players:{name}"
        found = list(grade_jobs.answers(agent, positions, 0, executor, limit_s))
    finally:
        executor.close()
    texts = [moves.write(position.actions) for position in positions]
    odd = [seeding.derive(0, "grade", text) % 2 == 1 for text in texts]
    bad = [at and len(p.actions) >= 6 for at, p in zip(odd, positions, strict=True)]
    assert 0 < sum(bad) < len(bad)
    assert [answer.fault.startswith(words) for answer in found] == bad
    assert [answer.position for answer in found] == positions
    assert [answer.action is None for answer in found] == bad


def test_the_solver_is_perfect():
    positions = grade.read(grade.SHIPPED)[::25]
    document = graded(registry.make("solver"), *positions)
    assert (document["weak"], document["strong"]) == (1, 1)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", "no JSON: "),
        ("[1]", 'expected {"moves": "4453", "scores": [...]}'),
        ('{"moves": "4"}', 'expected {"moves": "4453", "scores": [...]}'),
        ('{"moves": 4, "scores": []}', "moves are 4; expected a text such as '4453'"),
        ('{"moves": "8", "scores": []}', "move 1 of '8' is '8'; expected a column from 1 to 7"),
        ('{"moves": "1111111", "scores": []}', "move 7 of '1111111': column 1 is full"),
        ('{"moves": "1212121", "scores": []}', "the game is over after '1212121'"),
        ('{"moves": "12121212", "scores": []}', "move 8 of '12121212' comes after the game's end"),
        ('{"moves": "4", "scores": [1, 2]}', "scores are [1, 2]; expected a list of 7"),
        ('{"moves": "4", "scores": [null,0,0,0,0,0,0]}', "score of column 1 is None; expected a"),
        ('{"moves": "4", "scores": [true,0,0,0,0,0,0]}', "score of column 1 is True; expected a"),
        ('{"moves": "111111", "scores": [0,0,0,0,0,0,0]}', "column 1 is full, its score is 0"),
    ],
)
def test_bad_lines_are_named(arena, workshop, line, message):
    good = json.dumps({"moves": "", "scores": [0] * 7})
    (workshop / "mine.jsonl").write_text(f"{good}\n\n{line}\n")
    done = arena("grade", "random", "--positions", "mine.jsonl")
    assert done.returncode == 2
    assert f"mine.jsonl, line 3: {message}" in done.stderr
    assert done.stderr.count("\n") == 1


def test_files_without_positions_are_refused(arena, workshop):
    (workshop / "empty.jsonl").write_text("\n")
    assert (
        "empty.jsonl has no positions"
        in arena("grade", "random", "--positions", "empty.jsonl").stderr
    )
    done = arena("grade", "random", "--positions", "none.jsonl")
    assert (done.returncode, "cannot read none.jsonl" in done.stderr) == (2, True)


def test_a_grade_as_document_and_as_table(arena):
    done = arena("grade", "random:seed=3", "--limit", "80", "--json")
    document = json.loads(done.stdout)
    keys = {"positions", "weak", "strong", "decisive", "decisive_weak", "decisive_strong"}
    assert keys | {"agent", "ms_per_move", "plies"} == set(document)
    assert document["positions"] == 80 == sum(band["positions"] for band in document["plies"])
    assert 0.3 < document["weak"] < 0.95
    again = json.loads(arena("grade", "random:seed=3", "--limit", "80", "--json").stdout)
    assert {**again, "ms_per_move": document["ms_per_move"]} == document
    table = arena("grade", "random", "--limit", "20", "--failures").stdout
    assert "best" in table and "╰" in table and "all" in table
    shown = json.loads(arena("grade", "one-ply", "--limit", "20", "--failures", "--json").stdout)
    assert len(shown["failures"]) == round(20 * (1 - shown["strong"]))
    assert {"moves", "column", "score", "best_score", "best"} <= set(shown["failures"][0])


def test_solve_gives_scores_best_moves_and_the_line(arena):
    document = json.loads(arena("solve", "", "--json").stdout)
    assert document["scores"] == [-2, -1, 0, 1, 0, -1, -2]
    assert (document["value"], document["best"], document["solved"]) == (1, [4], True)
    assert len(document["line"]) == 41
    full = json.loads(arena("solve", "444444322222113311", "--json").stdout)
    assert full["scores"][3] is None
    assert "best" in arena("solve", "12", "--env", "connectx-4x4x3").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["8"], "move 1 of '8' is '8'; expected a column from 1 to 7"),
        (["40"], "move 2 of '40' is '0'; expected a column from 1 to 7"),
        (["4444444"], "move 7 of '4444444': column 4 is full; choose another"),
        (["12121212"], "move 8 of '12121212' comes after the game's end; leave it out"),
        (["1212121"], "the game is over after '1212121'; leave out the last move"),
        (["5", "--env", "connectx-4x4x3"], "expected a column from 1 to 4"),
        (["", "--env", "connectx-8x7x4"], "with 56 empty cells cannot be solved exactly; give --s"),
        (["", "--env", "conectx"], "did you mean 'connectx'?"),
        (["", "--seconds", "0"], "0"),
    ],
)
def test_what_cannot_be_solved_is_refused_in_one_line(arena, arguments, message):
    done = arena("solve", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_large_board_gives_bounds_in_the_time_allowed(arena):
    arguments = ("--env", "connectx-8x7x4", "--seconds", "1")
    document = json.loads(arena("solve", "12121", *arguments, "--json").stdout)
    assert not document["solved"] and document["line"] is None
    # Whatever is not the first column lets the other win there at once.
    assert document["bounds"][1] == [-25, -25]
    assert all(low <= high for low, high in document["bounds"])
    assert " to " in arena("solve", "12121", *arguments).stdout
