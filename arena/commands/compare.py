"""`arena compare`."""

from __future__ import annotations

import csv as csv_module
from pathlib import Path
from typing import Any

import click

from arena import atari_scores, compare, compare_screen, runs, screen
from arena.cli import EXIT_FILE
from arena.commands import dir_option, json_option, print_json
from arena.commands.rate import csv_option
from arena.compare import CompareError, Entry
from arena.compare_episodes import Episodes, entries, gather, left_out

FIELDS = (
    "agent",
    "game",
    "protocol",
    "episodes",
    "mean",
    "std",
    "hns",
    "frames",
    "steps",
    "source",
)
_PUBLISHED = "dqn,rainbow,ppo,muzero"
_ALL = "atari-57"


@click.command()
@click.argument("agents", nargs=-1, metavar="[AGENT ...]")
@click.option("--games", multiple=True, help="GAME, atari-5, atari-26, atari-57; several by comma.")
@click.option(
    "--with",
    "published",
    default=_PUBLISHED,
    show_default=True,
    help="Published agents by comma: also c51, iqn, qr-dqn, dqn-adam, each @10M, @40M or @199M "
    "frames; ppo2, r2d2, agent57; sb3-dqn, sb3-qrdqn, sb3-a2c, sb3-ppo. `all` or `none`.",
)
@click.option("--run", "names", multiple=True, help="Episodes of this run only; repeatable.")
@click.option("--protocol", help="sticky, nature...: whose agents are ranked; else ours.")
@csv_option
@click.option(
    "--png", type=click.Path(path_type=Path, dir_okay=False), help="Also draw a picture there."
)
@dir_option
@json_option
def command(
    agents: tuple[str, ...],
    games: tuple[str, ...],
    published: str,
    names: tuple[str, ...],
    protocol: str | None,
    csv: Path | None,
    png: Path | None,
    root: Path,
    as_json: bool,
) -> int:
    """Compare agents on Atari games, with each other and with published ones.

    AGENT is one that has played alone on record, such as random or runs/NAME, or a pattern in
    quotes; NAME=PATTERN takes agents that were trained a game at a time as one, ours='runs/ppo-*'.
    Without an AGENT: everybody on record.
    """
    known = gather(runs.existing(root, name) for name in names or sorted(runs.names(root)))
    if not known.episodes and (agents or names):
        raise CompareError(
            f"no solo Atari episode in {', '.join(names) or root}; "
            "`arena eval AGENT --env atari-5` records some"
        )
    document = _document(known, agents, games, _entries(published), protocol)
    if names and not any(agent["ours"] for agent in document["agents"]):
        raise CompareError(f"no episode of these games and protocol in {', '.join(names)}")
    document["warnings"] += known.warnings
    if csv:
        _write_csv(csv, document)
    if png:
        from arena import comparison_plot

        comparison_plot.draw(document, png)
    if as_json:
        print_json(document)
    else:
        _print(document)
    return EXIT_FILE if known.damaged else 0


def _entries(published: str) -> list[Entry]:
    """Gives the published agents that a text names."""
    words = [word.strip() for word in published.split(",") if word.strip()]
    if words == ["none"]:
        return []
    if words == ["all"]:
        words = list(atari_scores.published())
    agents = {agent.name: agent for agent in map(atari_scores.find, words)}
    return [compare.published_entry(agent) for agent in agents.values()]


def _document(
    known: Episodes,
    agents: tuple[str, ...],
    games: tuple[str, ...],
    published: list[Entry],
    protocol: str | None,
) -> dict[str, Any]:
    named = compare.games_named(word for text in games for word in text.split(",") if word)
    ours = entries(known.episodes, agents, named, protocol)
    if not ours and not published:
        raise CompareError("nobody to compare; record episodes, or name published agents by --with")
    if not named:
        played = {game for entry in ours for game in entry.scores}
        named = sorted(played) or compare.games_named([_ALL])
    if ours:
        reference = ours[0].protocol
    else:
        reference = compare.protocol_named(protocol) if protocol else published[0].protocol
    document = compare.document([*ours, *published], named, reference)
    if omitted := [] if agents else left_out(known.episodes, ours):
        told = f"not compared, for no episode of these games under {reference}"
        document["warnings"].append(f"{told}: {compare.listed(omitted)}")
    return document


def _print(document: dict[str, Any]) -> None:
    console = screen.console()
    screen.show(*compare_screen.by_game(document, console))
    if document["shared"]:
        screen.show(*compare_screen.aggregates(document, console))
    if document["improvement"]:
        screen.show(compare_screen.improvement(document), "")
    for text in compare_screen.notes(document):
        screen.note(text)
    for text in document["warnings"]:
        screen.warn(text)


def _write_csv(file: Path, document: dict[str, Any]) -> None:
    """Writes a line for every agent and game."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        table = csv_module.DictWriter(stream, FIELDS, lineterminator="\n", extrasaction="ignore")
        table.writeheader()
        for agent in document["agents"]:
            for game, row in agent["games"].items():
                about = {name: agent[name] for name in ("agent", "protocol", "source")}
                table.writerow({**row, **about, "game": game})
