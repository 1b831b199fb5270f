"""Rows of the battery that tests of the suite fill: how many of them passed."""

from __future__ import annotations

import subprocess
import sys
from typing import NamedTuple
from xml.etree import ElementTree

from tests.faults.processes import ROOT
from tests.faults.row import Row


class Suite(NamedTuple):
    """Some tests, and what they hold the arena to."""

    what: str
    promise: str
    tests: tuple[str, ...]
    """Words for pytest."""


SUITES = {
    "players": Suite(
        "faults of players: what they return, raise, print, take or do not do in time",
        "each recorded once, no good player blamed",
        ("tests/arena/test_conduct.py", "tests/agents/test_kaggle_file.py", "-m", "not slow"),
    ),
    "hangs": Suite(
        "hung and late jobs",
        "each ended little after its limit, told once",
        ("tests/arena/test_executor.py",),
    ),
    "executors": Suite(
        "inline, local 1 and 2, Ray with one node and with two, one of them killed",
        "identical records",
        ("tests/arena/test_tournament.py", "tests/arena/test_executor_ray.py",
         "-m", "slow or not slow"),
    ),
    "probes": Suite(
        "ways out of the sandbox, secrets and sockets among them",
        "all stopped",
        ("tests/agents/test_sandbox.py",),
    ),
    "parsers": Suite(
        "cut, flipped and random input to what reads files",
        "no error that is not told in words",
        ("tests/arena/test_results_file.py", "tests/arena/test_import.py",
         "tests/arena/test_records.py", "tests/agents/test_checkpoint.py",
         "tests/agents/test_sb3_zip.py"),
    ),
}  # fmt: skip
"""Row to its tests."""


def row(name: str) -> Row:
    """Runs the tests of a row; those that cannot run here are said."""
    suite = SUITES[name]
    report = ROOT / ".pytest_cache" / f"battery-{name}.xml"
    words = [*suite.tests, "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    subprocess.run([sys.executable, "-m", "pytest", *words], cwd=ROOT, stdout=subprocess.DEVNULL)
    about = ElementTree.parse(report).getroot().find("testsuite")
    assert about is not None
    tests, failed, skipped = (int(about.attrib[key]) for key in ("tests", "failures", "skipped"))
    failed += int(about.attrib["errors"])
    result = f"{tests - failed - skipped} tests passed, {failed} failed, {skipped} not run here"
    return Row(suite.what, tests, suite.promise, result, not failed and tests > skipped, "")
