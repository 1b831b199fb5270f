"""`arena envs`."""

from __future__ import annotations

import click

from arena import screen
from arena.commands import json_option, print_json
from envs import registry


@click.command()
@click.argument("name", required=False)
@json_option
def command(name: str | None, as_json: bool) -> int:
    """List the environments, or those that a name such as atari-26 stands for."""
    if name is not None:
        found = registry.group(name) or (registry.canonical(name),)
        if as_json:
            print_json({"envs": [{"env": id} for id in found]})
        else:
            screen.show(*found)
        return 0
    families = registry.ids()
    if as_json:
        listed = [{"env": f.id, "summary": f.summary, "groups": list(f.groups)} for f in families]
        print_json({"envs": listed})
        return 0
    rows = [[family.id, family.summary] for family in families]
    rows += [
        ["", f"groups, listed by 'arena envs GROUP': {', '.join(f.groups)}"]
        for f in families
        if f.groups
    ]
    screen.show(screen.table(["env", "what it is"], rows))
    return 0
