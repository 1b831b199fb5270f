"""Checkpoints as folders: `manifest.json` and the parts that it names, each with its SHA-256.

A folder appears whole or not at all, and what was damaged later is noticed when it is read.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents import disk
from agents.base import AgentError

FORMAT = 1
MANIFEST = "manifest.json"
FOLDER = "checkpoints"
"""Where a run has them, each named by its step."""
WEIGHTS = "weights.safetensors"
"""The part that plays."""
_CHECK = "sha256"
"""Key of a manifest to the SHA-256 of all the others."""


class CheckpointError(AgentError):
    """A checkpoint that is missing, damaged, or made for something else."""


@dataclass(frozen=True)
class Manifest:
    """What a checkpoint holds."""

    kind: str
    """Who plays from it, such as `alphazero`."""
    env: str
    """Id of the environment that it was trained for."""
    config: str
    """SHA-256 of the config of the training."""
    counters: Mapping[str, int]
    """What was done until then, such as `env_steps`."""
    parts: Mapping[str, str]
    """Name of a file in the folder to its SHA-256."""
    objects: tuple[str, ...] = ()
    """Names of what the training needs from the run's store to go on; empty where it cannot."""
    card: Mapping[str, Any] = field(default_factory=dict)
    """What people should know: command, minutes, grade."""
    format: int = FORMAT
    """Version of all this."""


def digest(data: bytes) -> str:
    """Gives the SHA-256 of some bytes."""
    return hashlib.sha256(data).hexdigest()


def write(folder: Path, manifest: Manifest, parts: Mapping[str, bytes]) -> None:
    """Writes a checkpoint, in place of one that is there; `manifest.parts` is filled in.

    Raises:
        DiskError: when it cannot be written.
    """
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    named = {name: digest(data) for name, data in parts.items()}
    text = _text(dataclasses.replace(manifest, parts=named))
    with disk.named(folder):
        part.mkdir(parents=True)
        for name, data in {**parts, MANIFEST: text}.items():
            disk.save(part / name, data)
        disk.sync(part)
        if folder.exists():
            shutil.rmtree(folder)
        part.rename(folder)
        disk.sync(folder.parent)


def _text(manifest: Manifest) -> bytes:
    tree = json.loads(json.dumps(dataclasses.asdict(manifest)))
    return json.dumps({**tree, _CHECK: _check(tree)}, indent=2).encode()


def _check(tree: Mapping[str, Any]) -> str:
    """Gives the SHA-256 of what a manifest says."""
    return digest(json.dumps(tree, sort_keys=True, separators=(",", ":")).encode())


def annotate(folder: Path, card: Mapping[str, Any]) -> None:
    """Gives a checkpoint another card."""
    _exchange(folder, dataclasses.replace(manifest(folder), card=card))


def strip(folder: Path) -> None:
    """Takes from a checkpoint what only training needs; its player stays."""
    about = manifest(folder)
    parts = {name: sha for name, sha in about.parts.items() if name == WEIGHTS}
    if parts != about.parts or about.objects:
        _exchange(folder, dataclasses.replace(about, parts=parts, objects=()))
        for name in set(about.parts) - set(parts):
            (folder / name).unlink(missing_ok=True)


def _exchange(folder: Path, about: Manifest) -> None:
    """Puts another manifest in place of the old one, at once."""
    disk.replace(folder / MANIFEST, _text(about))


def steps(run: Path) -> list[int]:
    """Gives the steps of a run's checkpoints, ascending."""
    found = (run / FOLDER).glob(f"*/{MANIFEST}")
    return sorted(int(path.parent.name) for path in found if path.parent.name.isdigit())


def at(run: Path, step: int) -> Path:
    """Gives the folder of a checkpoint."""
    return run / FOLDER / f"{step:08d}"


def manifest(folder: Path) -> Manifest:
    """Gives the manifest of a checkpoint.

    Raises:
        CheckpointError: when it cannot be read or is of another version.
    """
    try:
        tree = json.loads((folder / MANIFEST).read_bytes())
        version = tree["format"]
        if version == FORMAT:
            written = tree.pop(_CHECK, None)  # older ones have none
            if written is not None and written != _check(tree):
                raise ValueError("its SHA-256 is not that of its contents")
            tree["objects"] = tuple(tree["objects"])
            return Manifest(**tree)
    except OSError as error:
        raise CheckpointError(f"no checkpoint in {folder} ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{folder / MANIFEST} is damaged ({error})") from error
    raise CheckpointError(f"{folder} has format {version}, expected {FORMAT}; train it anew")


def read(folder: Path, name: str) -> bytes:
    """Gives a part of a checkpoint as it was written.

    Raises:
        CheckpointError: when it is missing or differs from what was written.
    """
    wanted = manifest(folder).parts.get(name)
    try:
        data = (folder / name).read_bytes() if wanted else None
    except OSError:
        data = None
    if data is None:
        raise CheckpointError(f"{folder} has no part '{name}'; choose another checkpoint")
    if digest(data) != wanted:
        raise CheckpointError(
            f"{folder / name} is damaged: its SHA-256 is not that of the manifest; "
            "choose another checkpoint"
        )
    return data
