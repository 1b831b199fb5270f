"""The source files that a player needs, found without running any of them.

A module needs what it imports when it is imported itself. What a function imports when it is called
stays behind: a player that travels calls no such function.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
OWN = ("agents", "envs", "muzero")
"""Packages that can travel."""
FORBIDDEN = {"arena", "configs", "gymnasium", "kaggle_environments", "pettingzoo", "ale_py"} | {
    "stable_baselines3",
    "sb3_contrib",
    "torch",
    "tensorboard",
}
"""Modules that no bundle may load."""


class ClosureError(ValueError):
    """A player that needs what cannot travel."""


def closure(modules: Sequence[str]) -> dict[str, Path]:
    """Gives the files of some modules and of all that they import, by their names in a bundle.

    Args:
        modules: of this project, or single files of a user's own on `sys.path`.

    Raises:
        ClosureError: when one of them loads what no bundle may load, or cannot be found.
    """
    found: dict[str, Path] = {}
    waiting = list(modules)
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if (file := _file(name, name in modules)) is None:
            continue
        found[_place(name, file)] = file
        packages = name.split(".")[:-1]
        waiting += [".".join(packages[:count]) for count in range(1, len(packages) + 1)]
        for other in _imports(file):
            if other.split(".")[0] in FORBIDDEN:
                raise ClosureError(f"{name} needs {other.split('.')[0]}, which no bundle can load")
            waiting.append(other)
    return dict(sorted(found.items()))


def _file(name: str, wanted: bool) -> Path | None:
    """Gives the file of a module that travels; None for what Python or its packages bring.

    Raises:
        ClosureError: when it is wanted and not there.
    """
    if name.split(".")[0] in OWN:
        base = ROOT.joinpath(*name.split("."))
        for file in (base.with_suffix(".py"), base / "__init__.py"):
            if file.is_file():
                return file
        return None
    if not wanted:
        return None
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None or "." in name or not spec.origin.endswith(".py"):
        raise ClosureError(f"module {name} is no single Python file; put the player into one")
    return Path(spec.origin)


def _place(name: str, file: Path) -> str:
    """Gives the path of a module inside a bundle."""
    if name.split(".")[0] in OWN:
        return file.relative_to(ROOT).as_posix()
    return file.name


def _imports(file: Path) -> Iterator[str]:
    """Gives the modules that a file may import when it is imported, and names that may be some."""
    tree = ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 11))
    for node in _outer(tree.body):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _outer(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Gives the statements that run when a module is imported."""
    for node in body:
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.If | ast.Try | ast.With | ast.ClassDef | ast.For | ast.While):
            for part in ("body", "orelse", "finalbody"):
                yield from _outer(getattr(node, part, ()))
            for handler in getattr(node, "handlers", ()):
                yield from _outer(handler.body)
