"""Ray: the same bytes as at home, whatever it loses, and never open to anybody."""

import functools
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from arena import cli, executor_ray, ray_cluster
from arena.executor import Inline, Local
from arena.ray_cluster import RayError
from tests.arena import ray_run

ROOT = Path(__file__).parents[2]
EVERYDAY = ("tournament", "grade", "objects", "eval")
LONG = ("tournament", "grade-long", "eval-long", "train")
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed (extra `ray`)"
)


@pytest.fixture
def token(monkeypatch, tmp_path):
    """An environment in which Ray may be used, put back afterwards."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(scope="module")
def at_home(tmp_path_factory):
    """Gives what comes out of an event in this process."""

    @functools.cache
    def inline(what):
        return ray_run.EVENTS[what](tmp_path_factory.mktemp(what), Inline())

    return inline


def played(folder, nodes, *wanted):
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/arena/ray_run.py"), str(folder), str(nodes), *wanted],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=700,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def leftovers(folder, seconds=5.0):
    """Processes that are still there after a while, see `alive`."""
    until = time.monotonic() + seconds
    while (found := alive(folder)) and time.monotonic() < until:
        time.sleep(0.1)
    return found


def alive(folder):
    """Processes that have a Ray of the test as a parent, or its folder in their arguments."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "environ").read_bytes()
            except OSError:
                continue
            found += [entry.name] if str(folder).encode() in words else []
    return found


@pytest.mark.parametrize(
    ("what", "count", "numbers"), [("tournament", 120, (1, 2, 4)), ("grade", 200, (2,))]
)
def test_executors_at_home_give_the_same(tmp_path, at_home, what, count, numbers):
    assert len(at_home(what)) == count
    for workers in numbers:
        assert with_local(workers, what, tmp_path / str(workers)) == at_home(what)


def with_local(workers, what, folder):
    executor = Local(workers)
    try:
        return ray_run.EVENTS[what](folder, executor)
    finally:
        executor.close()


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_training_is_the_same_with_any_number_of_workers(tmp_path, at_home, workers):
    assert with_local(workers, "train", tmp_path) == at_home("train")


@needs_ray
@pytest.mark.timeout(720)
def test_ray_tells_every_fault_and_gives_the_same_as_at_home(tmp_path, at_home, monkeypatch):
    monkeypatch.setenv("ARENA_TEST_MARK", str(tmp_path))
    told = played(tmp_path, 1, "faults", *EVERYDAY)
    assert [[*o[:2], *o[3:]] if o[1] == "crash" else o for o in told.pop("faults")] == [
        [0, "ok", "0", ""],
        [1, "error", "ValueError: job 1", ""],
        [2, "ok", "20", ""],
        [3, "crash", "3"],
        [4, "ok", "4", ""],
    ]
    assert told == {what: at_home(what) for what in EVERYDAY}
    assert not leftovers(tmp_path)


@needs_ray
@pytest.mark.slow
@pytest.mark.timeout(720)
@pytest.mark.parametrize("what", LONG)
def test_a_node_killed_midway_changes_nothing(tmp_path, at_home, what):
    assert played(tmp_path, 2, what) == {what: at_home(what)}


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.0.2.77", "localhost"])
def test_ray_starts_only_where_it_keeps_to_one_address(token, address):
    with pytest.raises(RayError, match="listens on every address of this machine"):
        ray_cluster.Cluster(address)


def test_ray_without_token_is_refused(token, monkeypatch, capsys, tmp_path):
    with pytest.raises(RayError, match=r"no token for 127\.0\.0\.1:6379: copy"):
        executor_ray.make(1, "127.0.0.1:6379")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(RayError, match="RAY_AUTH_MODE=disabled: anybody"):
        executor_ray.make(1, None)
    words = ["tournament", "-a", "random", "-a", "one-ply", "--dir", str(tmp_path)]
    assert cli.run([*words, "--executor", "ray"]) == 2
    assert "RAY_AUTH_MODE=token" in capsys.readouterr().err
    assert cli.run([*words, "--address", "127.0.0.1"]) == 2
    assert "is for --executor ray" in capsys.readouterr().err


def test_a_training_without_jobs_is_refused_before_anything_is_written(capsys, tmp_path):
    for preset, words, told in [
        ("connectx/ppo", ["--executor", "ray"], "of kind 'ppo' plays where it learns"),
        ("connectx/small", ["--executor", "ray", "--workers", "0"], "--workers 0: at least 1"),
        ("connectx/small", ["--address", "127.0.0.1"], "is for --executor ray"),
    ]:
        assert cli.run(["train", preset, *words, "--dir", str(tmp_path)]) == 2
        assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@needs_ray
def test_a_cluster_that_is_not_there_is_said_at_once(token, monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", "a" * 64)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(RayError, match=f"nobody answers at {address}"):
            executor_ray.make(1, address)
    with pytest.raises(RayError, match="nobody answers at here:there"):
        executor_ray.make(1, "here:there")


def test_what_brings_ray_is_said(token, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RayError, match=r"pip install -c constraints\.txt -e '\.\[ray\]'"):
        executor_ray.make(1, None)
