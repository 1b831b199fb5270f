"""Trained players by name: `zoo/NAME`, `runs/NAME` and `runs/NAME@STEP`.

A run is a folder with checkpoints; without a step it is its newest one, and the name is recorded
with the step, for checkpoints come and go.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path

from agents import checkpoint
from agents.base import AgentError, Player
from agents.checkpoint import CheckpointError, Manifest

ZOO = Path(__file__).parent / "zoo"
KINDS = {
    "alphazero": "agents.alphazero:AlphaZeroPlayer",
    "muzero": "agents.muzero:MuZeroPlayer",
    "ppo": "agents.ppo_player:PpoPlayer",
    "dqn": "agents.dqn_player:DqnPlayer",
}
"""Kind of a training to who plays from its checkpoints."""
_RUN = re.compile(r"(?P<run>.+?)(@(?P<step>\d+))?")


def find(head: str) -> tuple[str, Callable[..., Player]] | None:
    """Gives the name as it is recorded and the maker of a player; None = no name of a trained one.

    Raises:
        CheckpointError: when the name is one, but there is no such checkpoint, or it is damaged.
    """
    place = _place(head)
    return None if place is None else (place[0], _maker(*place))


def env_of(head: str) -> str | None:
    """Gives the env that a trained player was trained for; None = no name of a trained one.

    Raises:
        CheckpointError: as `find`.
    """
    place = _place(head)
    return None if place is None else checkpoint.manifest(place[1]).env


def _place(head: str) -> tuple[str, Path] | None:
    """Gives the name as recorded and the folder of a checkpoint. None and errors as `find`."""
    if head.startswith("zoo/"):
        return head, _zoo(head.removeprefix("zoo/"))
    match = _RUN.fullmatch(head)
    run = Path(match["run"]) if match else Path()
    if not head.startswith("runs/") and not (run / checkpoint.FOLDER).is_dir():
        return None
    assert match is not None
    folder = _at(run, None if match["step"] is None else int(match["step"]))
    return f"{match['run'].rstrip('/')}@{int(folder.name)}", folder


def listed(root: Path) -> Iterator[tuple[str, Manifest]]:
    """Gives name and manifest of every player in the zoo and of the newest of every run."""
    for file in sorted(ZOO.glob(f"*/{checkpoint.MANIFEST}")):
        yield f"zoo/{file.parent.name}", checkpoint.manifest(file.parent)
    for folder in sorted(root.glob(f"*/{checkpoint.FOLDER}")):
        if known := checkpoint.steps(folder.parent):
            newest = checkpoint.at(folder.parent, known[-1])
            yield str(folder.parent), checkpoint.manifest(newest)


def _maker(name: str, folder: Path) -> Callable[..., Player]:
    """Gives what makes the player of a checkpoint; its keyword-only parameters are the options."""
    about = checkpoint.manifest(folder)
    if about.kind not in KINDS:
        raise CheckpointError(f"{name} is of kind '{about.kind}', which nobody here can play")
    module, _, attr = KINDS[about.kind].partition(":")
    data = checkpoint.read(folder, checkpoint.WEIGHTS)
    return partial(getattr(import_module(module), attr), name, data)


def _zoo(name: str) -> Path:
    folder, known = ZOO / name, sorted(p.parent.name for p in ZOO.glob(f"*/{checkpoint.MANIFEST}"))
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean 'zoo/{near[0]}'?" if near else f"there are: {', '.join(known)}"
        raise AgentError(f"no 'zoo/{name}'; {hint}")
    return folder


def _at(run: Path, step: int | None) -> Path:
    known = checkpoint.steps(run)
    if not known:
        near = difflib.get_close_matches(run.name, [p.name for p in run.parent.glob("*")], 1)
        hint = f"; did you mean '{run.parent / near[0]}'?" if near else ""
        raise CheckpointError(f"no checkpoint in {run}{hint} (`arena train` makes some)")
    if step is not None and step not in known:
        near_steps = ", ".join(map(str, sorted(known, key=lambda s: abs(s - step))[:3]))
        raise CheckpointError(f"{run} has no checkpoint {step}; the nearest are {near_steps}")
    return checkpoint.at(run, known[-1] if step is None else step)
