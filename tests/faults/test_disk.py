"""The short form of `make faults`: a disk that refuses some of the changes that a command makes."""

import shutil
import subprocess
import sys

import pytest

from tests.faults import disk
from tests.faults.processes import ROOT

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")


def test_a_tournament_survives_a_disk_that_refuses(capfd):
    row = disk.sweep("tournament", every=41)
    assert row.held, row.result + capfd.readouterr().err
    assert row.count >= 6 and " 0 commands with exit 74" not in row.result


@pytest.mark.slow
def test_a_training_survives_a_disk_that_refuses(capfd):
    row = disk.sweep("training", every=40)
    assert row.held, row.result + capfd.readouterr().err


def test_an_output_that_is_full_is_told():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "arena", "envs"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
    assert done.returncode == 74
    assert "cannot write the output: No space left on device" in done.stderr
