"""`arena doctor`."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import sqlite3
import sys
from pathlib import Path
from typing import Any

import click

from agents import sandbox
from arena import repair as repairing
from arena import runs, screen
from arena.commands import dir_option, json_option, print_json
from arena.runs import RunError
from configs.loader import ConfigError

PACKAGES = (
    "gymnasium",
    "ale-py",
    "kaggle-environments",
    "stable-baselines3",
    "torch",
    "numba",
    "numpy",
    "tensorboard",
)
EXTRAS = {
    "ray": ("ray", "tournaments on a cluster", "pip install -c constraints.txt -e '.[ray]'"),
    "pytest": ("dev", "the tests", "make test"),
}
"""Module to the extra that brings it, what it is for, how to get it."""

SANDBOX = {
    "landlock": "Linux 5.13 or later, with landlock among its security modules (lsm=)",
    "seccomp": "Linux on x86_64 or aarch64 with CONFIG_SECCOMP_FILTER",
}
"""Layer to what brings it."""


@click.command()
@click.option("--repair", metavar="RUN", help="Say what is damaged in a run, and how to mend it.")
@click.option("--yes", is_flag=True, help="With --repair: do it.")
@dir_option
@json_option
def command(repair: str | None, yes: bool, root: Path, as_json: bool) -> int:
    """Check this machine and installation, or the files of a run."""
    if yes and not repair:
        raise ConfigError("--yes goes with --repair RUN; name the run to mend")
    if repair:
        return _repair(runs.path(root, repair), yes, as_json)
    document = {
        "arena": _version("arena"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)),
        "packages": {name: _version(name) for name in PACKAGES},
        "threads": _threads(),
        "sqlite": sqlite3.sqlite_version,
        "sandbox": list(sandbox.layers()),
        "missing": _missing(),
    }
    if as_json:
        print_json(document)
    else:
        _print(document)
    return 0


def _repair(run: Path, yes: bool, as_json: bool) -> int:
    if not run.is_dir():
        raise RunError(f"no run '{run.name}' in {run.parent}; name one that is there")
    with repairing.locked(run):
        found = repairing.find(run)
        told = [{"what": d.what, "plan": d.plan, "done": d.mend() if yes else None} for d in found]
    if as_json:
        print_json({"run": run.name, "damage": told})
        return 0
    for entry in told:
        screen.show(entry["what"] or "", f"  {entry['done'] or entry['plan']}")
    if not found:
        screen.show(f"{run}: nothing is damaged")
    elif not yes:
        screen.note(f"`arena doctor --repair {run.name} --yes` does it.")
    return 0


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _threads() -> dict[str, int]:
    """Gives the threads that each library uses in a process that plays."""
    import numpy as np  # loads BLAS, so that it can be asked
    from threadpoolctl import threadpool_info

    np.ones((2, 2)) @ np.ones((2, 2))
    threads = {pool["internal_api"]: int(pool["num_threads"]) for pool in threadpool_info()}
    if importlib.util.find_spec("torch"):
        import torch

        threads["torch"] = torch.get_num_threads()
    return threads


def _missing() -> list[dict[str, str]]:
    missing = [
        {"what": name, "for": "the arena itself", "get": "make setup"}
        for name in PACKAGES
        if _version(name) is None
    ]
    for module, (extra, purpose, how) in EXTRAS.items():
        if importlib.util.find_spec(module) is None:
            missing.append({"what": f"{module} (extra {extra})", "for": purpose, "get": how})
    for layer, what in SANDBOX.items():
        if layer not in sandbox.layers():
            missing.append({"what": layer, "for": "containing agents from files", "get": what})
    if sys.platform != "linux":
        missing.append({"what": "Linux", "for": "worker processes", "get": "a Linux machine"})
    return missing


def _print(document: dict[str, Any]) -> None:
    threads = ", ".join(f"{name} {count}" for name, count in document["threads"].items())
    rows = [
        ["arena", str(document["arena"])],
        ["python", f"{document['python']} on {document['system']}"],
        ["cores", str(document["cores"])],
        *([name, version or "missing"] for name, version in document["packages"].items()),
        ["threads a process", threads],
        ["sqlite", document["sqlite"]],
        ["sandbox", ", ".join(document["sandbox"])],
    ]
    screen.show(screen.table(["", ""], rows))
    for entry in document["missing"]:
        screen.show(f"missing: {entry['what']}, for {entry['for']}: {entry['get']}")
    if not document["missing"]:
        screen.show("nothing is missing")
