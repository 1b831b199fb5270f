"""The tab as TensorBoard serves it: routes, types, headers, methods; and the command."""

import json
import signal
import subprocess
import sys
import time
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from urllib.request import urlopen

import pytest
from tensorboard.backend.application import TensorBoardWSGI
from werkzeug.test import Client

from arena.board.desk import Desk
from arena.board.plugin import _QUESTIONS, STATIC, ArenaPlugin

BASE = "/data/plugin/arena"


@pytest.fixture(scope="module")
def plugin(library):
    return ArenaPlugin(SimpleNamespace(logdir=str(library)))


@pytest.fixture(scope="module")
def client(plugin):
    return Client(TensorBoardWSGI([plugin]))


def test_tensorboard_finds_the_tab_by_its_entry_point():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    target = project["project"]["entry-points"]["tensorboard_plugins"]["arena"]
    assert EntryPoint("arena", target, "tensorboard_plugins").load() is ArenaPlugin
    assert "board/static/*" in project["tool"]["setuptools"]["package-data"]["arena"]


def test_every_question_has_a_route(library):
    assert set(_QUESTIONS) == set(Desk(library).questions)


@pytest.mark.parametrize("name", sorted(file.name for file in STATIC.iterdir()))
def test_files_are_served_with_their_type(client, name):
    answer = client.get(f"{BASE}/static/{name}")
    kinds = {"js": "application/javascript", "css": "text/css"}
    assert answer.status_code == 200
    assert answer.mimetype == kinds[name.rpartition(".")[2]]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("runs", 200),
        ("version?run=games", 200),
        ("ladder?run=games", 200),
        ("games?run=games&player=random", 200),
        ("game?run=games&number=1", 200),
        ("game?run=games&number=abc", 400),
        ("game?run=games", 400),
        ("game?run=games&number=1%00", 400),
        ("game?run=games&number=²", 400),
        ("game?run=games&number=9999", 404),
        ("game?run=..%2Fgames&number=1", 404),
        ("static/../plugin.py", 404),
        ("static/%2e%2e/plugin.py", 404),
        ("static/nothing.js", 404),
        ("nothing", 404),
    ],
)
def test_questions_are_answered_in_json_or_refused(client, path, code):
    answer = client.get(f"{BASE}/{path}")
    assert answer.status_code == code
    if answer.mimetype == "application/json":
        assert ("error" in answer.json) == (code != 200)


def test_the_page_of_the_tab_has_the_policy(client):
    answer = client.get("/data/plugin_entry.html?name=arena")
    assert answer.status_code == 200 and "static/index.js" in answer.text
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_only_get_is_answered(client):
    for path in ("runs", "static/index.js"):
        answer = client.post(f"{BASE}/{path}")
        assert answer.status_code == 405 and answer.headers["Allow"] == "GET"


def test_the_tab_is_listed_where_there_are_games(client, tmp_path):
    listed = client.get("/data/plugins_listing").json["arena"]
    assert listed["enabled"]
    assert listed["loading_mechanism"]["module_path"].endswith("/static/index.js")
    assert listed["tab_name"] == "Arena"
    assert not ArenaPlugin(SimpleNamespace(logdir=str(tmp_path))).is_active()
    assert not ArenaPlugin(SimpleNamespace(logdir="")).is_active()


def test_watch_serves_a_new_game_and_ends_with_ctrl_c(copied):
    command = [sys.executable, "-m", "arena", "watch", str(copied), "--port", "0", "--no-open"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        link = process.stdout.readline().strip()
        assert link.startswith("http://127.0.0.1:") and link.endswith("/#arena")
        base = link.removesuffix("#arena")
        with urlopen(f"{base}data/plugin/arena/runs", timeout=60) as answer:
            assert {run["name"] for run in json.load(answer)["runs"]} == {"games", "pong"}
        with urlopen(f"{base}data/plugins_listing", timeout=60) as answer:
            assert json.load(answer)["arena"]["enabled"]
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        time.sleep(0.1)
        with pytest.raises(OSError):
            urlopen(base, timeout=2)
    finally:
        process.kill()
        process.communicate()


def test_watch_says_what_to_do_without_a_folder(arena):
    done = arena("watch", "nowhere")
    assert done.returncode == 2
    assert "arena tournament demo" in done.stderr and done.stderr.count("\n") == 1
