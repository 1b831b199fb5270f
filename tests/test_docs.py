"""Every example of the docs runs alone, without a warning, and prints what stands below it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from arena import cli

ROOT = Path(__file__).parents[1]
EXAMPLE = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)
PAGES = [
    (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("python-api.md", "networks.md")
]
EXAMPLES = [example for page in PAGES for example in EXAMPLE.findall(page)]


@pytest.mark.parametrize("page", PAGES, ids=["python-api", "networks"])
def test_every_example_says_what_it_prints(page):
    assert len(EXAMPLE.findall(page)) == page.count("```python") > 0


@pytest.mark.parametrize(("code", "printed"), EXAMPLES)
def test_an_example_prints_what_stands_below_it(code, printed):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    assert (done.stdout, done.stderr) == (printed, "")


def test_the_readmes_player_is_the_example_and_plays(arena, workshop):
    example = (ROOT / "examples" / "centre.py").read_text()
    shown = (ROOT / "README.md").read_text()
    assert example[example.index("import numpy") :].strip() in shown
    (workshop / "centre.py").write_text(example)
    agents = ("-a", "centre:Centre", "-a", "random", "--executor", "inline")
    done = arena("tournament", *agents, "--games", "20", "--json")
    assert done.returncode == 0, done.stderr
    first = json.loads(done.stdout)["agents"][0]
    assert first["agent"] == "centre:Centre" and first["score"] > 0.5


def test_every_command_of_the_readme_exists():
    shown = (ROOT / "README.md").read_text()
    named = set(re.findall(r"\barena ([a-z]+)", shown)) - {"from", "is", "runs", "ships", "meet"}
    assert named <= set(cli.COMMANDS), named - set(cli.COMMANDS)
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)\b", shown)) <= targets
