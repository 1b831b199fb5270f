"""`arena agents`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from agents import registry, trained
from agents.base import AgentError
from agents.checkpoint import Manifest
from agents.registry import Kind
from arena import screen
from arena.commands import dir_option, json_option, print_json


@click.command()
@dir_option
@json_option
def command(root: Path, as_json: bool) -> int:
    """List the agents that can play, as they are typed: kinds, the zoo, and trained runs."""
    kinds = [*registry.kinds(), *_trained(root)]
    if as_json:
        print_json({"agents": [kind._asdict() for kind in kinds]})
        return 0
    rows = [[kind.agent, kind.env, kind.card] for kind in kinds]
    screen.show(screen.table(["agent", "plays", "what it is"], rows))
    screen.note("A file written for Kaggle: path/to/main.py or path/to/submission.tar.gz.")
    screen.note("A player of your own: module:Class, found from the current folder.")
    return 0


def _trained(root: Path) -> Iterator[Kind]:
    """Gives the zoo and the newest checkpoint of every run; a damaged one is left out, and said."""
    try:
        for name, about in trained.listed(root):
            yield Kind(name, about.kind, about.env, _card(about))
    except AgentError as error:
        screen.warn(str(error))


def _card(about: Manifest) -> str:
    """Gives what people should know of a trained player, in one line."""
    card, counters = about.card, about.counters
    if origin := card.get("imported"):
        steps = f"{origin['timesteps']:,} timesteps"
        return f"{origin['algorithm']} of {origin['library']}, {steps}, imported"
    what = "games" if card.get("mean_return") is None else "episodes"
    parts = [f"{counters.get('episodes', 0):,} {what}"]
    if seconds := card.get("seconds"):
        parts.append(f"{seconds / 60:.0f} minutes")
    if card.get("weak") is not None:
        parts.append(f"weak {100 * card['weak']:.1f} %, strong {100 * card['strong']:.1f} %")
    if card.get("mean_return") is not None:
        parts.append(f"mean return {card['mean_return']:.1f}")
    if card.get("elo") is not None:
        parts.append(f"{card['elo']:+.0f} Elo above {card.get('zero', 'its first opponent')}")
    return "; ".join(parts)
