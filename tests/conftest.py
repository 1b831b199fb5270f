"""Shared by all tests: where faulty players are found, and the arena's command in a process."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from arena import cli

settings.register_profile("house", deadline=None)  # the first call of a kernel compiles
settings.load_profile("house")

HERE = Path(__file__).parent


@pytest.fixture
def workshop(tmp_path, monkeypatch):
    """A folder with `faulty_players.py`, made the current one."""
    shutil.copy(HERE / "faulty_players.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def arena(workshop, capfd):
    """Runs `arena ARGUMENTS` in the workshop; gives its exit code, stdout and stderr.

    In this process, which is quick; with options, those of `subprocess.run`, in one of its own.
    """

    def run(*arguments, **options):
        if not options:
            capfd.readouterr()
            code = cli.run(arguments)
            told = capfd.readouterr()
            return subprocess.CompletedProcess(arguments, code, told.out, told.err)
        return subprocess.run(
            [sys.executable, "-m", "arena", *arguments],
            capture_output=True,
            text=True,
            cwd=workshop,
            env={**os.environ, "PYTHONPATH": str(HERE.parent)},
            timeout=200,
            **options,
        )

    return run
