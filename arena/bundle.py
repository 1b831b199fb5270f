"""Bundles: a player with its sources and weights as one file that Kaggle plays.

The sources are those that play here. Equal agents give equal bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from agents import bundled, muzero, registry, trained
from agents.base import AgentError
from arena.bundle_closure import ROOT, ClosureError, closure
from envs import registry as env_registry
from muzero.weights import unpack_network

LIMIT_MB = 100
"""Most that Kaggle takes."""
SECONDS = 1.6
"""Of each move, for players that can play by time and were not told how strong to be; Kaggle
allows 2."""
_BOOKS = ROOT / "agents" / "books"
_MODE = 0o644


class BundleError(AgentError):
    """An agent that cannot travel, or a bundle that Kaggle would not take."""


class Bundle(NamedTuple):
    """A packed agent."""

    agent: str
    """Canonical AGENT text of what is in it."""
    data: bytes
    """The `.tar.gz`."""
    about: Mapping[str, Any]
    """Its `bundle.json`."""

    @property
    def digest(self) -> str:
        """Gives its SHA-256."""
        return hashlib.sha256(self.data).hexdigest()


class _Maker(NamedTuple):
    """What makes a player."""

    module: str
    name: str
    weights: bytes | None
    options: Mapping[str, Any]


def pack(agent: str) -> Bundle:
    """Gives the bundle of an agent.

    Raises:
        BundleError: when the agent cannot travel, or is too large.
        AgentError: when there is no such agent, or its weights are missing or damaged.
    """
    maker = _maker(agent)
    named = registry.canonical(_with_options(agent, maker.options))
    _check_env(named)
    try:
        sources = closure(["agents.bundled", "agents.last_resort", maker.module])
    except ClosureError as error:
        raise BundleError(f"{agent} cannot travel: {error}") from error
    files = {place: file.read_bytes() for place, file in sources.items()}
    if "agents/solver_book.py" in files:
        files |= {f"agents/books/{f.name}": f.read_bytes() for f in sorted(_BOOKS.iterdir())}
    if maker.weights is not None:
        files[bundled.WEIGHTS] = maker.weights
    files["main.py"] = Path(__file__).with_name("bundle_main.py").read_bytes()
    modules = {p.split("/")[0].removesuffix(".py") for p in files if p.endswith(".py")}
    about: dict[str, Any] = {
        "agent": named,
        "player": f"{maker.module}:{maker.name}",
        "options": dict(maker.options),
        "weights": maker.weights is not None,
        "light": "muzero/layers.py" in files,
        "modules": sorted(modules - {"main"}),
        "digest": _digest(files),
    }
    files[bundled.ABOUT] = json.dumps(about, indent=2).encode()
    data = _archive(files)
    if len(data) > LIMIT_MB * 10**6:
        raise BundleError(
            f"the bundle of {agent} has {len(data) / 1e6:.0f} MB, Kaggle takes {LIMIT_MB}; "
            "choose a smaller network"
        )
    return Bundle(named, data, about)


def write(bundle: Bundle, file: Path) -> None:
    """Writes a bundle, whole or not at all.

    Raises:
        BundleError: when the name is not one of a `.tar.gz`, or its folder is not there.
    """
    if not file.name.endswith((".tar.gz", ".tgz")):
        raise BundleError(f"'{file}' must end in .tar.gz, for Kaggle unpacks nothing else")
    if not file.parent.is_dir():
        raise BundleError(f"no folder '{file.parent}'; make it first")
    part = file.with_name(f".{file.name}.part")
    part.write_bytes(bundle.data)
    os.replace(part, file)


def _maker(agent: str) -> _Maker:
    """Gives what makes an agent here, and so in its bundle.

    Raises:
        BundleError: when it is not made by a class of a module.
        AgentError: as `pack`.
    """
    head = registry.parse(agent).head
    if head.startswith("kaggle:"):
        raise BundleError(f"{head} is part of Kaggle's interpreter and cannot travel")
    if head.lower().endswith((".py", ".tar.gz", ".tgz")):
        raise BundleError(f"{head} is a submission already; `arena submit --rehearse {head}`")
    env = trained.env_of(head)
    if env is not None and not env.startswith("connectx"):
        raise BundleError(f"{agent} plays {env} and cannot travel; Kaggle plays Connect X")
    found, options = registry.resolve(agent)
    build: Any = found.build
    known = registry.parameters(build)
    if {"simulations", "seconds"} <= known.keys() and not {"simulations", "seconds"} & {*options}:
        options["seconds"] = SECONDS
    weights = None
    if isinstance(build, partial):
        build, weights = build.func, build.args[1]
        if build.__module__ == muzero.__name__ and muzero.needs_torch(unpack_network(weights)):
            raise BundleError(f"{agent} has a network that needs PyTorch, so it cannot travel")
    return _Maker(build.__module__, build.__qualname__, weights, options)


def _with_options(agent: str, options: Mapping[str, Any]) -> str:
    spec = registry.parse(agent)
    return str(registry.AgentSpec(spec.head, {name: str(value) for name, value in options.items()}))


def _check_env(agent: str) -> None:
    """Refuses players of other games, and those that need what no bundle has.

    Raises:
        BundleError: when the agent does not play Connect X.
    """
    head = registry.parse(agent).head
    envs = [kind.env for kind in registry.kinds() if kind.kind == head]
    if envs and not any(env == "*" or env.startswith("connectx") for env in envs):
        played = " and ".join(env.rstrip("*") for env in envs)
        raise BundleError(f"{agent} plays {played} and cannot travel; Kaggle plays Connect X")
    env = trained.env_of(head)
    if env is not None and env_registry.canonical(env) != "connectx":
        raise BundleError(f"{agent} plays {env}, Kaggle plays connectx; choose another agent")


def _digest(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, data in sorted(files.items()):
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


def _archive(files: Mapping[str, bytes]) -> bytes:
    """Gives a `.tar.gz`, `main.py` first, without names, times and rights of this machine."""
    plain, packed = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files, key=lambda name: (name != "main.py", name)):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(files[name]), _MODE
            archive.addfile(member, io.BytesIO(files[name]))
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9, mtime=0, filename="") as file:
        file.write(plain.getvalue())
    return packed.getvalue()
