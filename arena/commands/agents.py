"""`arena agents`."""

from __future__ import annotations

import click

from agents import registry
from arena import screen
from arena.commands import json_option, print_json


@click.command()
@json_option
def command(as_json: bool) -> int:
    """List the agents that can play, as they are typed."""
    kinds = registry.kinds()
    if as_json:
        print_json({"agents": [kind._asdict() for kind in kinds]})
        return 0
    rows = [[kind.agent, kind.env, kind.card] for kind in kinds]
    screen.show(screen.table(["agent", "plays", "what it is"], rows))
    screen.note("A player of your own: module:Class, found from the current folder.")
    return 0
