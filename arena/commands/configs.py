"""`arena configs`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from arena import screen, tournament
from arena.commands import json_option, print_json
from arena.tournament import TournamentConfig
from configs import loader
from configs.loader import ConfigError


def _tournament(tree: dict[str, Any]) -> TournamentConfig:
    config = loader.load(TournamentConfig, tree)
    tournament.check(config)
    return config


def _train(tree: dict[str, Any]) -> Any:
    from arena import training  # it loads what nothing else here needs

    config = training.load(tree)
    training.check(config)
    return config


CHECKS: dict[str, Callable[[dict[str, Any]], Any]] = {"tournament": _tournament, "train": _train}
"""For each command with presets: what turns a tree into its config, checked."""


@click.group()
def command() -> None:
    """List, show or check presets."""


@command.command("ls")
@json_option
def list_presets(as_json: bool) -> int:
    """List all presets."""
    found = [(kind, name) for kind in loader.consumers() for name in loader.presets(kind)]
    if as_json:
        print_json({"configs": [{"command": kind, "preset": name} for kind, name in found]})
    else:
        rows = [[name, f"arena {kind} {name}"] for kind, name in found]
        screen.show(screen.table(["preset", "used by"], rows))
    return 0


@command.command("show")
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> int:
    """Show a preset with every default written out."""
    kinds = [kind for kind in loader.consumers() if name in loader.presets(kind)]
    if not kinds:
        known = [preset for kind in loader.consumers() for preset in loader.presets(kind)]
        raise ConfigError(f"no preset '{name}'{loader.closest(name, known)}")
    resolved = loader.dump(CHECKS[kinds[0]](loader.preset(kinds[0], name)))
    if as_json:
        print_json({"command": kinds[0], "config": resolved})
    else:
        click.echo(loader.to_toml(resolved), nl=False)
    return 0


@command.command("check")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--for", "kind", default="tournament", show_default=True, help="Which command's.")
@json_option
def check(file: Path, kind: str, as_json: bool) -> int:
    """Check a config file of your own."""
    if kind not in CHECKS:
        raise ConfigError(f"no command '{kind}' has configs{loader.closest(kind, CHECKS)}")
    resolved = loader.dump(CHECKS[kind](loader.read(file)))
    if as_json:
        print_json({"command": kind, "config": resolved})
    else:
        click.echo(f"{file}: a good config for `arena {kind}`")
    return 0
