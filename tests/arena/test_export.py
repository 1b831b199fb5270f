"""What `arena export` writes: every game once, in moves that replay it, in a form that rates."""

import csv
import io
import json

import pytest

from arena.commands.export import FIELDS
from envs import registry


@pytest.fixture
def run(arena):
    """A run with a faulty player, whose forfeits are void."""
    players = ("-a", "one-ply", "-a", "random", "-a", "faulty_players:Illegal")
    options = ("--games", "6", "--openings", "2", "--executor", "inline", "--name", "one")
    told = arena("tournament", *players, *options, "--on-fault", "void")
    assert told.returncode == 3, told.stderr
    return arena


def games(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_every_game_is_told_once_with_moves_that_replay_it(run):
    rows = games(run("export", "one").stdout)
    assert [int(row["game"]) for row in rows] == list(range(1, len(rows) + 1))
    assert tuple(rows[0]) == FIELDS
    for row in rows:
        env = registry.make(row["env"])
        moment = env.reset(0, [int(column) - 1 for column in row["opening"]])
        assert len(row["opening"]) == 2 and row["moves"].startswith(row["opening"])
        for column in row["moves"][2:]:
            moment = env.step(int(column) - 1)
        if row["termination"] == "terminated":
            assert moment.terminated and row["blame"] == ""
            assert float(row["score"]) == (moment.rewards[0] + 1) / 2
        else:
            assert row["blame"] == "faulty_players:Illegal" and row["rated"] == "False"
            assert float(row["score"]) == float(row["first"] != row["blame"])


def test_both_forms_tell_the_same(run):
    rows = games(run("export", "one").stdout)
    lines = [
        json.loads(line)
        for line in run("export", "one", "--format", "jsonl").stdout.split("\n")[:-1]
    ]
    assert [{k: "" if v is None else str(v) for k, v in line.items()} for line in lines] == rows
    assert isinstance(lines[0]["score"], float) and lines[0]["rated"] in (True, False)


def test_the_csv_rates_as_the_run_does(run, tmp_path):
    told = run("export", "one", "--rated", "--out", "games.csv", "--json")
    document = json.loads(told.stdout)
    assert document == {
        "run": "one",
        "format": "csv",
        "out": "games.csv",
        "games": len(games((tmp_path / "games.csv").read_text())),
    }
    rated = json.loads(run("rate", "games.csv", "--json").stdout)
    ladder = json.loads(run("ladder", "one", "--json").stdout)
    assert {a["agent"]: a["elo"] for a in rated["agents"]} == pytest.approx(
        {a["agent"]: a["elo"] for a in ladder["agents"]}, abs=1e-6
    )
    assert {frozenset(p.items()) for p in rated["pairings"]} == {
        frozenset(p.items()) for p in ladder["pairings"]
    }


def test_columns_of_two_digits_stand_apart(arena):
    options = ("--env", "connectx-12x4x4", "--games", "2", "--executor", "inline")
    arena("tournament", "-a", "one-ply", "-a", "random", *options, "--name", "wide")
    row = games(arena("export", "wide").stdout)[0]
    assert all(1 <= int(move) <= 12 for move in row["moves"].split(","))
    assert row["opening"] == ",".join(row["moves"].split(",")[:4])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere",), "no run 'nowhere'"),
        (("one", "--format", "xml"), "'xml' is not one of 'csv', 'jsonl'"),
        (("one", "--json"), "give --out FILE"),
    ],
)
def test_mistakes_are_one_line(run, arguments, message):
    told = run("export", *arguments)
    assert told.returncode == 2 and message in told.stderr and told.stderr.count("\n") == 1
