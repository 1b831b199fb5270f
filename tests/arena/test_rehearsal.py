"""Rehearsals: what Kaggle would punish is found, in the official interpreter, on a slowed core."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agents import bundled, last_resort
from agents.base import AgentError
from arena import bundle, rehearsal
from arena.rehearsal import Scene
from arena.slow_core import SlowCore, processor_s, waited_s

GOOD = """
def agent(observation, configuration):
    return observation.board[: configuration.columns].index(0)
"""
PLAIN = """

def agent(observation, configuration):
    return column(list(observation["board"]), observation["mark"], (7, 6, 4))
"""
BAD = {
    "none": ("return None", "returned None, which Kaggle plays as column 0"),
    "numpy": ("import numpy; return numpy.int64(3)", "int64; return int(column)"),
    "float": ("return 3.0", "ends the whole episode: TypeError"),
    "exit": ("raise SystemExit(1)", "ends the whole episode: SystemExit"),
    "dead": ("import os; os._exit(7)", "its process died (exit status 7)"),
    "error": ("return configuration.nothing", "raised an error: "),
    "full": ("return 99", "illegal column"),
    "network": (
        "import socket; socket.create_connection(('127.0.0.1', 9)); return 0",
        "raised an error: ",
    ),
}


@pytest.fixture
def short(monkeypatch):
    """A rehearsal of one scene at full speed."""
    scene = Scene("v random", ("mine", "random"), 7)
    monkeypatch.setattr(rehearsal, "acts", lambda thorough: [(1.0, [scene])])


def written(folder, body):
    file = folder / "main.py"
    file.write_text(f"def agent(observation, configuration):\n    {body}\n")
    return file


@pytest.mark.parametrize("name", BAD)
def test_what_kaggle_would_punish_is_found(name, short, tmp_path):
    body, words = BAD[name]
    report = rehearsal.rehearse(written(tmp_path, body))
    assert any(words in fault for fault in report.faults), report.faults
    assert "\n" not in "".join(report.faults)


def test_a_good_file_passes_by_the_command_and_a_bad_one_ends_with_3(short, arena, workshop):
    (workshop / "main.py").write_text(GOOD)
    done = arena("submit", "--rehearse", "main.py")
    assert done.returncode == 0, done.stderr
    assert "Passed" in done.stdout
    written(workshop, "return None")
    bad = arena("submit", "--rehearse", "main.py", "--json")
    assert bad.returncode == 3
    document = json.loads(bad.stdout)
    assert not document["passed"]
    assert document["games"][0]["moves"] > 0


def test_against_another_file_ends_when_it_is_decided_who_is_stronger(short, arena, workshop):
    (workshop / "main.py").write_text(Path(last_resort.__file__).read_text() + PLAIN)
    (workshop / "same.py").write_text((workshop / "main.py").read_text() + "# as good\n")
    (workshop / "left.py").write_text(GOOD)

    def decided(first, second):
        against = ["--against", second, "--sprt", "0", "200", "--games", "400", "--json"]
        done = arena("submit", "--rehearse", first, *against)
        assert done.returncode == 0, done.stderr
        document = json.loads(done.stdout)
        games = sum(p["wins"] + p["draws"] + p["losses"] for p in document["pairings"])
        assert games == 2 * sum(document["sprt"]["pentanomial"])
        return document["sprt"]["decision"], games

    stronger, games = decided("main.py", "left.py")
    assert stronger == "H1" and 4 <= games < 100
    equal, games = decided("main.py", "same.py")
    assert equal == "H0" and 4 <= games < 100


def test_against_is_refused_without_a_second_file(short, arena, workshop):
    (workshop / "main.py").write_text(GOOD)
    done = arena("submit", "--rehearse", "main.py", "--against", "gone.py")
    assert done.returncode == 2
    assert "no file 'gone.py' to play against" in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_bundle_passes_the_whole_rehearsal(tmp_path):
    file = tmp_path / "sub.tar.gz"
    bundle.write(bundle.pack("one-ply"), file)
    report = rehearsal.rehearse(file)
    assert not report.faults
    played = {(game.title, game.seat) for game in report.games}
    assert len(played) == len(report.games) == 8
    assert all(game.moves for game in report.games)


@pytest.mark.parametrize(
    ("name", "words"),
    [("gone.py", "no file"), ("notes.txt", "no submission"), ("bad.tar.gz", "no readable")],
)
def test_what_is_no_submission_is_refused(name, words, tmp_path):
    if name != "gone.py":
        (tmp_path / name).write_text("nothing")
    with pytest.raises(AgentError, match=words):
        rehearsal.rehearse(tmp_path / name)


def test_a_last_resort_counts_on_kaggles_board_alone():
    said = f"{bundled.SIGN}: AgentError: it plays connectx only (a new game)"
    document = {
        "statuses": ["DONE", "DONE"],
        "returned": [["int"], []],
        "seconds": [[0.1], []],
        "said": [said, ""],
    }
    scene = Scene("v random", ("mine", "random"), 7)
    assert "did not decide" in rehearsal.judged(scene, 1.0, 0, document).faults[0]
    odd = scene._replace(size=(5, 4, 3))
    assert not rehearsal.judged(odd, 1.0, 0, document).faults
    late = document | {"statuses": ["TIMEOUT", "DONE"], "said": ["", ""], "seconds": [[61, 3], []]}
    game = rehearsal.judged(scene, 1.0, 0, late)
    assert "out of time" in game.faults[0]
    assert (game.first_s, game.worst_s, game.overage_s) == (61, 3, 60)


def test_a_slow_core_gives_its_share_and_not_more():
    child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        time.sleep(0.2)
        with SlowCore(child.pid, 0.2):
            began, used = time.monotonic(), processor_s(child.pid)
            time.sleep(1.5)
            share = (processor_s(child.pid) - used) / (time.monotonic() - began)
        assert share < 0.3
        assert waited_s(child.pid) >= 0
    finally:
        child.kill()
        child.wait()
    assert processor_s(child.pid) == 0
