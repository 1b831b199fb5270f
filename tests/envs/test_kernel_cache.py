import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from envs import kernel_cache

ROOT = Path(__file__).parents[2]
KERNELS = [path for package in kernel_cache._PACKAGES for path in (ROOT / package).rglob("*.py")]


def cache_dir(home, code, **extra):
    program = f"{code}\nimport numba; print(numba.config.CACHE_DIR)"
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**environment, "XDG_CACHE_HOME": str(home), **extra},
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("module", ["envs.seeding", "agents.one_ply", "muzero.tree"])
def test_kernels_are_kept_in_the_folder_of_their_sources(tmp_path, module):
    expected = tmp_path / "arena" / "kernels" / kernel_cache.fingerprint()
    assert cache_dir(tmp_path, f"import {module}") == str(expected)
    assert cache_dir(tmp_path, f"import numba, {module}") == str(expected)
    call = "from envs.connectx import rules; rules.column_mask(rules.geometry(7, 6, 4), 3)"
    cache_dir(tmp_path, call)
    assert any(expected.rglob("*column_mask*.nbi"))


def test_a_folder_that_a_user_chose_is_left_alone(tmp_path):
    chosen = str(tmp_path / "mine")
    assert cache_dir(tmp_path, "import envs.seeding", NUMBA_CACHE_DIR=chosen) == chosen
    assert not (tmp_path / "arena").exists()


def test_a_home_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "file").write_text("")
    assert cache_dir(tmp_path / "file", "import envs.seeding") == ""


def test_old_states_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(numba.config, "CACHE_DIR", numba.config.CACHE_DIR)
    home = tmp_path / "arena" / "kernels"
    for name, age in (("old", 20), ("young", 2)):
        (home / name).mkdir(parents=True)
        then = (home / name).stat().st_mtime - age * 24 * 3600
        os.utime(home / name, (then, then))
    kernel_cache.enable()
    assert {folder.name for folder in home.iterdir()} == {"young", kernel_cache.fingerprint()}


def test_every_kernel_follows_from_the_fingerprint():
    """Kernels stand only in files of the packages that are hashed."""
    others = [p for p in ROOT.glob("*/**/*.py") if p not in KERNELS and ".venv" not in p.parts]
    for path in others:
        if path.relative_to(ROOT).parts[0] not in ("tests", "benchmarks", "scripts"):
            assert "njit" not in path.read_text(encoding="utf-8"), path
