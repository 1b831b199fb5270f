"""`arena envs`."""

from __future__ import annotations

import click

from arena import screen
from arena.commands import json_option, print_json
from envs import registry


@click.command()
@json_option
def command(as_json: bool) -> int:
    """List the environments."""
    families = registry.ids()
    if as_json:
        print_json({"envs": [{"env": f.id, "summary": f.summary} for f in families]})
        return 0
    rows = [[family.id, family.summary] for family in families]
    screen.show(screen.table(["env", "what it is"], rows))
    return 0
