"""`arena grade`."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import click
from rich.progress import track
from rich.text import Text

from agents import registry as agent_registry
from agents import sandbox, workspace
from arena import grade, grade_jobs, screen
from arena import moves as move_texts
from arena.cli import EXIT_FAULTS
from arena.commands import Place, executor_options, json_option, print_json
from arena.grade import Answer
from envs import registry as env_registry


@click.command()
@click.argument("agent")
@click.option(
    "--positions",
    type=click.Path(path_type=Path, dir_okay=False),
    default=grade.SHIPPED,
    help="Solved positions, JSON lines.  [default: 1,000 that are shipped]",
)
@click.option("--limit", type=click.IntRange(min=1), help="Only so many, spread over the file.")
@click.option("--failures", is_flag=True, help="Also show where it did not play a best move.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the agent's chance.")
@click.option(
    "--move-s",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Seconds a position may take; who takes longer has no move there.  [default: no limit]",
)
@executor_options("inline")
@json_option
def command(
    agent: str,
    positions: Path,
    limit: int | None,
    failures: bool,
    seed: int,
    move_s: float,
    place: Place,
    as_json: bool,
) -> int:
    """Grade an agent on solved Connect X positions.

    Weak is the share of moves that keep the game's outcome, strong that of best moves: soonest win,
    latest loss. In decisive positions some legal move changes the outcome.
    """
    text = agent_registry.canonical(agent)
    labelled = grade.read(positions)
    if limit is not None and limit < len(labelled):
        labelled = [labelled[nth * len(labelled) // limit] for nth in range(limit)]
    with contextlib.ExitStack() as stack:
        stack.enter_context(sandbox.policy(False, False))
        stack.callback(workspace.sweep)
        executor = place.open()
        stack.callback(executor.close)
        found = list(
            track(
                grade_jobs.answers(text, labelled, seed, executor, move_s),
                description=text,
                total=len(labelled),
                console=screen.console(stderr=True),
                transient=True,
            )
        )
    document = {"agent": text, **grade.document(found)}
    missed = [answer for answer in found if not answer.strong]
    if failures:
        document["failures"] = [_failure(answer) for answer in missed]
    if as_json:
        print_json(document)
    else:
        _show(document, missed if failures else [])
    faults = [answer for answer in found if answer.fault]
    if faults:
        screen.warn(f"{len(faults)} positions without a move; the first: {faults[0].fault}")
    return EXIT_FAULTS if faults else 0


def _failure(answer: Answer) -> dict[str, Any]:
    best = answer.position.best
    return {
        "moves": move_texts.write(answer.position.actions),
        "column": None if answer.action is None else answer.action + 1,
        "score": None if answer.action is None else answer.position.scores[answer.action],
        "best_score": best,
        "best": [c for c, score in enumerate(answer.position.scores, 1) if score == best],
        "weak": answer.weak,
        "fault": answer.fault,
    }


def _show(document: dict[str, Any], missed: list[Answer]) -> None:
    draw = env_registry.draw(grade.ENV)
    console = screen.console()
    for answer in missed:
        entry = _failure(answer)
        board = Text.from_ansi(draw(answer.position.actions, not console.no_color))
        played = entry["fault"] or f"column {entry['column']} ({_score(entry['score'])})"
        best = f"{', '.join(map(str, entry['best']))} ({_score(entry['best_score'])})"
        kept = "keeps the outcome" if entry["weak"] else "changes the outcome"
        screen.show(f"moves {entry['moves']}", board, f"played {played}, best {best}: {kept}", "")
    rows = [_row(f"{band['first']}-{band['last']}", band) for band in document["plies"]]
    headers = [
        "plies",
        ">positions",
        ">weak",
        ">strong",
        ">decisive",
        ">weak there",
        ">strong there",
    ]
    screen.show(
        screen.table(headers, [*rows, _row("all", document)]),
        f"\n{document['agent']}: {document['ms_per_move']:.3g} ms a move",
    )


def _row(name: str, part: dict[str, Any]) -> list[str]:
    def percent(key: str) -> str:
        return "·" if part[key] is None else f"{100 * part[key]:.1f} %"

    return [
        name,
        f"{part['positions']:,}",
        percent("weak"),
        percent("strong"),
        f"{part['decisive']:,}",
        percent("decisive_weak"),
        percent("decisive_strong"),
    ]


def _score(score: int | None) -> str:
    return f"{score:+d}" if score else "0"
