"""What a fresh process loads for a game: players that travel must do without the heavy guests."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "gymnasium", "kaggle_environments", "stable_baselines3", "ale_py"}
LIGHT = ["envs.connectx.rules", "envs.connectx.family", "envs.kaggle", "envs.check", "envs.serial"]


def loaded_by(module):
    """Gives the names of all modules that an import loads."""
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", LIGHT)
def test_games_load_without_heavy_guests(module):
    assert not loaded_by(module) & HEAVY


def test_the_registry_alone_loads_no_game():
    assert not any("connectx" in name for name in loaded_by("envs.registry"))
