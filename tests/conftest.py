"""Shared by all tests: where faulty players are found, and the arena's command in a process."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def workshop(tmp_path, monkeypatch):
    """A folder with `faulty_players.py`, made the current one."""
    shutil.copy(HERE / "faulty_players.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def arena(workshop):
    """Runs `arena ARGUMENTS` in the workshop; gives its exit code, stdout and stderr."""

    def run(*arguments, **options):
        return subprocess.run(
            [sys.executable, "-m", "arena.cli", *arguments],
            capture_output=True,
            text=True,
            cwd=workshop,
            env={**os.environ, "PYTHONPATH": str(HERE.parent)},
            timeout=200,
            **options,
        )

    return run
