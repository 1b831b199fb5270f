import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = ("--env", "connectx-5x4x3", "--games", "4", "--openings", "1", "--executor", "inline")
TWO = ("tournament", "-a", "random", "-a", "one-ply", *SMALL)


def document(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_tournament_from_first_game_to_ladder_export_and_replay(arena, workshop):
    played = document(arena(*TWO, "-a", "random:seed=2", "--name", "t", "--json"))
    assert played["env"] == "connectx-5x4x3"
    assert {a["agent"] for a in played["agents"]} == {"random", "one-ply", "random:seed=2"}
    keys = {"agent", "elo", "error95", "bound", "games", "distinct_games", "score", "faults"}
    assert all(keys <= set(agent) for agent in played["agents"])
    assert sum(p["wins"] + p["draws"] + p["losses"] for p in played["pairings"]) == 12

    shown = document(arena("ladder", "--json", "--csv", "out.csv"))
    assert shown == played
    assert shown == document(arena("ladder", "t", "--env", "connectx-5x4x3", "--json"))
    rows = list(csv.DictReader((workshop / "out.csv").open()))
    assert [row["agent"] for row in rows] == [agent["agent"] for agent in shown["agents"]]

    over_all = document(arena("ladder", "t", "--env", "all", "--json"))
    assert [part["env"] for part in over_all["ladders"]] == ["connectx-5x4x3"]
    assert {row["agent"] for row in over_all["overall"]["agents"]} == {"random", "one-ply"}

    game = document(arena("replay", "t/1", "--json"))
    assert game["verified"] and len(game["opening"]) == 1
    walked = arena("replay", "t/1")
    assert walked.returncode == 0
    assert walked.stdout.count("move ") == len(game["opening"]) + len(game["actions"]) + 1
    assert "\x1b" not in walked.stdout
    assert "elo" in arena("ladder").stdout


def test_runs_are_united(arena):
    document(arena(*TWO, "--name", "a", "--json"))
    document(arena(*TWO, "--name", "b", "--seed", "1", "--json"))
    assert {x["games"] for x in document(arena("ladder", "a", "b", "--json"))["agents"]} == {8}
    document(arena("tournament", "-a", "random", "-a", "repeat", "--env", "catch", "--json"))
    newest = document(arena("ladder", "--env", "all", "--json"))
    assert {part["env"] for part in newest["ladders"]} == {"connectx-5x4x3", "catch"}
    games = {p["env"]: {agent["games"] for agent in p["agents"]} for p in newest["ladders"]}
    assert games["connectx-5x4x3"] == {4}  # of run b alone


def test_a_resumed_tournament_is_the_same_tournament(arena):
    whole = document(arena(*TWO, "--name", "w", "--json"))
    started = document(arena(*TWO, "--name", "r", "--resume", "--json"))
    assert document(arena("tournament", "--name", "r", "--resume", "--json")) == started == whole


def test_faults_end_with_exit_code_3_and_names(arena):
    done = arena("tournament", "-a", "random", "-a", "faulty_players:Raises", *SMALL, "--json")
    assert done.returncode == 3, done.stderr
    faults = {a["agent"]: a["faults"] for a in json.loads(done.stdout)["agents"]}
    assert faults["random"] == 0 and faults["faulty_players:Raises"] > 0
    replayed = arena("replay", "tournament-1/1", "--json")
    assert "no idea" in json.loads(replayed.stdout)["fault"]


def test_the_clock_can_be_set_like_any_key(arena):
    done = arena(*TWO[:-4], "--executor", "inline", "clock.move_s=0.5", "games=2", "--json")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tournamnt",), "no command 'tournamnt'; did you mean 'tournament'?"),
        (("tournament", "dmo"), "no tournament preset 'dmo'; did you mean 'demo'?"),
        (("tournament", "-a", "randm", "-a", "one-ply"), "did you mean 'random'"),
        (("tournament", "-a", "random"), "at least two agents"),
        ((*TWO, "--env", "conectx"), "did you mean 'connectx'"),
        ((*TWO, "--env", "connectx-9x9x4"), "64"),
        ((*TWO, "--schedule", "gauntlt"), "unknown schedule 'gauntlt'; did you mean 'gauntlet'?"),
        ((*TWO, "game=3"), "unknown key 'game' for TournamentConfig; did you mean 'games'?"),
        ((*TWO, "games=many"), "'games' is a whole number"),
        ((*TWO, "--games", "5"), "games=5: give an even number"),
        ((*TWO, "--openings", "99"), "99"),
        ((*TWO, "--workers", "0"), "--workers 0"),
        ((*TWO, "--name", "../x"), "run name '../x'"),
        ((*TWO, "--resume"), "--resume needs --name"),
        ((*TWO, "--gmes", "5"), "--games"),
        (("ladder",), "no tournament in runs"),
        (("ladder", "nothing"), "no run 'nothing'"),
        (("replay", "nothing/1"), "no run 'nothing'"),
        (("replay", "nothing"), "write RUN/NUMBER"),
        (("configs", "show", "dmo"), "did you mean 'demo'"),
        (("configs", "check", "none.toml"), "none.toml"),
        (("rate", "none.csv"), "none.csv"),
        (("play", "negamx"), "did you mean 'negamax"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_2(arena, arguments, message):
    done = arena(*arguments)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("arena: ")
    assert done.stdout == ""


def test_a_name_in_use_and_a_changed_config_are_refused(arena):
    document(arena(*TWO, "--name", "t", "--json"))
    again = arena(*TWO, "--name", "t")
    assert again.returncode == 2 and "run 't' exists" in again.stderr
    changed = arena(*TWO, "--name", "t", "--resume", "--games", "6")
    assert changed.returncode == 2
    assert "tournament.games: 4, now 6" in changed.stderr


def test_an_episode_that_is_not_there(arena):
    document(arena(*TWO, "--name", "t", "--json"))
    done = arena("replay", "t/99")
    assert done.returncode == 2 and "it holds 1-4" in done.stderr


def test_records_that_another_process_writes(arena, workshop):
    document(arena(*TWO, "--name", "t", "--json"))
    holder = f"""
import sys, time; sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from arena.records import Records
Records.write(Path('runs/t')); print('held', flush=True); time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", holder], cwd=workshop, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        done = arena(*TWO, "--name", "t", "--resume")
        assert done.returncode == 2
        assert f"being written by process {process.pid}" in done.stderr
        assert arena("ladder", "t").returncode == 0
        process.kill()


def test_damaged_records_are_read_as_far_as_they_go(arena, workshop):
    many = ("tournament", "-a", "random", "-a", "one-ply", "--games", "4000", "--name", "t")
    document(arena(*many, "--json"))
    file = workshop / "runs" / "t" / "records.sqlite"
    os.truncate(file, file.stat().st_size // 2)
    shown = arena("ladder", "t", "--json")
    assert shown.returncode == 74, shown.stderr
    told = json.loads(shown.stdout)
    assert 100 < told["agents"][0]["games"] < 4000
    assert "could be read" in told["warnings"][-1]
    resumed = arena(*many, "--resume")
    assert resumed.returncode == 74
    assert "records.sqlite" in resumed.stderr and resumed.stderr.count("\n") == 1


def test_a_full_disk_ends_with_exit_code_74_and_what_is_safe(arena, workshop):
    import resource

    many = ("tournament", "-a", "random", "-a", "one-ply", "--games", "60000", "--name", "t")
    limit = (3_000_000, 3_000_000)
    done = arena(*many, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    assert done.returncode == 74, done.stderr
    last = done.stderr.splitlines()[-1]
    assert "runs/t/records.sqlite" in last and "safe" in last
    assert document(arena("ladder", "t", "--json"))["agents"][0]["games"] > 1000


def test_an_interrupt_ends_with_130_and_can_be_resumed(arena, workshop):
    many = ("tournament", "-a", "random", "-a", "one-ply", "--games", "20000", "--name", "t")
    process = subprocess.Popen(
        [sys.executable, "-m", "arena", *many],
        cwd=workshop,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (workshop / "runs/t/records.sqlite-wal").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=10)
    assert process.returncode == 130
    assert told.splitlines()[-1] == "arena: interrupted"
    assert document(arena(*many, "--resume", "--json"))["agents"][0]["games"] == 20000


def test_a_game_against_a_person_is_recorded_outside_the_ladder(arena):
    moves = "1\n2\n9\nx\n" + "1\n2\n3\n4\n5\n6\n7\n" * 6
    done = arena("play", "random", input=moves)
    assert done.returncode == 0, done.stderr
    assert "'9' is no legal move" in done.stdout
    assert "arena replay human/1" in done.stdout
    game = document(arena("replay", "human/1", "--json"))
    assert game["agents"][0].startswith("human:") and game["verified"]
    assert "no rated games" in arena("ladder", "human").stderr
    left = arena("play", "random", "--second", input="q\n")
    assert left.returncode == 0 and "nothing was recorded" in left.stderr


def test_results_of_others_are_rated(arena, workshop):
    lines = ["first,second,score,opening"]
    lines += [f"a,b,{score},{k}" for k, score in enumerate([1, 0, 0.5, 1, 1, 0])]
    (workshop / "r.csv").write_text("\n".join(lines))
    shown = document(arena("rate", "r.csv", "--json"))
    assert [agent["agent"] for agent in shown["agents"]] == ["a", "b"]
    assert "a" in arena("rate", "r.csv").stdout
    (workshop / "r.csv").write_text("\n".join([*lines, "a,b,7,1"]))
    bad = arena("rate", "r.csv")
    assert bad.returncode == 2 and "line 8" in bad.stderr.replace(":8", " line 8")
    (workshop / "r.csv").write_text("\n".join([*lines, "c,d,1,1"]))
    apart = arena("rate", "r.csv")
    assert apart.returncode == 2 and "c" in apart.stderr and apart.stderr.count("\n") == 1


def test_lists_and_doctor(arena):
    assert {"random", "negamax:depth=N"} <= {
        agent["agent"] for agent in document(arena("agents", "--json"))["agents"]
    }
    assert document(arena("envs", "--json"))["envs"][0]["env"] == "connectx"
    assert {"command": "tournament", "preset": "demo"} in document(
        arena("configs", "ls", "--json")
    )["configs"]
    assert document(arena("configs", "show", "demo", "--json"))["config"]["games"] > 0
    health = document(arena("doctor", "--json", input=""))
    assert health["packages"]["numba"] and health["cores"] >= 1
    assert health["threads"]["openblas"] == 1
    for command in ("agents", "envs", "doctor"):
        assert arena(command).returncode == 0
    assert arena("configs", "show", "demo").stdout.startswith("env = ")


def test_a_config_of_ones_own_is_checked(arena, workshop):
    (workshop / "mine.toml").write_text('agents = ["random", "one-ply"]\ngames = 10\n')
    assert "a good config" in arena("configs", "check", "mine.toml").stdout
    (workshop / "mine.toml").write_text("gamse = 10\n")
    bad = arena("configs", "check", "mine.toml")
    assert bad.returncode == 2 and "did you mean 'games'" in bad.stderr
