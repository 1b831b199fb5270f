"""TOML to frozen dataclasses. Defaults < preset < `a.b=c` on the command line.

The dataclasses stand beside the code that consumes them; this module knows none of them.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import tomli_w

Config = TypeVar("Config")
Tree = dict[str, Any]

_PRESETS = Path(__file__).parent


class ConfigError(ValueError):
    """A config that cannot be used: an unknown key, a value of the wrong type, no such preset."""


def closest(word: str, known: Iterable[str]) -> str:
    """Gives `; did you mean 'x'?` for the nearest known word, or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else ""


def load(cls: type[Config], tree: Mapping[str, Any], where: str = "") -> Config:
    """Gives the dataclass that a tree of values describes.

    Args:
        cls: a frozen dataclass; fields may be dataclasses themselves.
        tree: as parsed from TOML; what is missing keeps its default.
        where: path of the tree in the whole config, for errors.

    Raises:
        ConfigError: on a key that the class lacks or a value of another type.
    """
    hints = typing.get_type_hints(cls)
    for key in tree:
        if key not in hints:
            hint = closest(key, hints)
            raise ConfigError(f"unknown key '{where}{key}' for {cls.__name__}{hint}")
    values = {key: _value(hints[key], value, where + key) for key, value in tree.items()}
    try:
        return cls(**values)
    except TypeError as error:
        raise ConfigError(f"{cls.__name__}: {error}") from error


def dump(config: Any) -> Tree:
    """Gives the tree of a config, every default written out."""
    return {name: _plain(value) for name, value in _fields(config).items() if value is not None}


def to_toml(tree: Mapping[str, Any]) -> str:
    """Gives a tree as TOML."""
    return tomli_w.dumps(tree)


def digest(config: Any) -> str:
    """Gives the SHA-256 of a resolved config: equal for equal configs, on any machine."""
    return hashlib.sha256(to_toml(dump(config)).encode()).hexdigest()


def override(tree: Mapping[str, Any], assignments: Iterable[str]) -> Tree:
    """Gives the tree with `a.b=c` applied; values are read as TOML, else as text.

    Raises:
        ConfigError: on a text without `=`, or a path through something that is no table.
    """
    result: Tree = _copy(tree)
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals or not path:
            raise ConfigError(f"'{assignment}' is no setting; write key=value, such as games=20")
        *parents, key = path.split(".")
        table = result
        for parent in parents:
            table = table.setdefault(parent, {})
            if not isinstance(table, dict):
                raise ConfigError(f"'{path}': '{parent}' is a value, it has no keys")
        table[key] = _parse(text)
    return result


def presets(consumer: str) -> list[str]:
    """Gives the names of the presets of `tournament` or of another consumer, sorted."""
    folder = _PRESETS / consumer
    return sorted(p.relative_to(folder).with_suffix("").as_posix() for p in folder.rglob("*.toml"))


def consumers() -> list[str]:
    """Gives the commands that have presets."""
    return sorted(p.name for p in _PRESETS.iterdir() if p.is_dir() and any(p.rglob("*.toml")))


def preset(consumer: str, name: str) -> Tree:
    """Gives the tree of a preset.

    Raises:
        ConfigError: when there is none of that name.
    """
    known = presets(consumer)
    if name not in known:
        raise ConfigError(
            f"no {consumer} preset '{name}'{closest(name, known)} (there are: {', '.join(known)})"
        )
    return read(_PRESETS / consumer / f"{name}.toml")


def read(path: Path) -> Tree:
    """Gives the tree of a TOML file.

    Raises:
        ConfigError: when it cannot be read or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def difference(old: Mapping[str, Any], new: Mapping[str, Any], where: str = "") -> list[str]:
    """Gives what differs between two trees, a line each: `games: 20, now 40`."""
    lines = []
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            lines += difference(before, after, f"{where}{key}.")
        elif before != after:
            lines.append(f"{where}{key}: {before!r}, now {after!r}")
    return lines


def _value(kind: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise ConfigError(f"'{where}' is a table, got {value!r}")
        return load(typing.cast(type, kind), value, f"{where}.")
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        kind = next(a for a in arguments if a is not type(None))
        return None if value is None else _value(kind, value, where)
    if origin is tuple:
        if isinstance(value, str) or not isinstance(value, list | tuple):
            raise ConfigError(f"'{where}' is a list, got {value!r}")
        return tuple(_value(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ConfigError(f"'{where}' is {_words(kind)}, got {value!r}")
    return value


def _words(kind: Any) -> str:
    words = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    return words.get(kind, str(kind))


def _parse(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _fields(config: Any) -> Tree:
    return {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return dump(value)
    return list(value) if isinstance(value, tuple) else value


def _copy(tree: Mapping[str, Any]) -> Tree:
    return {key: _copy(item) if isinstance(item, Mapping) else item for key, item in tree.items()}
