"""`arena tournament`."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import click

from agents import sandbox, workspace
from arena import ladder, runs, screen, solo_chunks, tournament
from arena.chunk import ON_FAULT
from arena.cli import EXIT_FAULTS
from arena.commands import Place, dir_option, executor_options, json_option, print_json
from arena.commands import ladder as ladder_command
from arena.commands.watch import hint
from arena.live import Live
from arena.records import Records
from arena.sprt import Sprt
from arena.standings import ByEnv, add_by_env, games_of
from arena.tournament import TournamentConfig
from configs import loader
from configs.loader import ConfigError


@click.command()
@click.argument("preset", required=False)
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE ...]")
@click.option("-a", "--agent", "agents", multiple=True, metavar="AGENT", help="An agent; repeat.")
@click.option("--env", help="Env id, such as connectx or connectx-5x4x3.")
@click.option("--schedule", help="round-robin, gauntlet, swiss, knockout or adaptive.")
@click.option("--games", type=int, help="Games a pairing, even: each opening from both seats.")
@click.option(
    "--sprt",
    nargs=2,
    type=float,
    metavar="ELO0 ELO1",
    help="Two agents: end when it is decided which the first is stronger by; --games is the most.",
)
@click.option("--openings", type=int, metavar="PLIES", help="Plies played first; 0 = empty board.")
@click.option("--seed", type=int, help="Seed of everything random.")
@click.option("--name", help="Name of the run.  [default: the preset's, with a number]")
@click.option("--resume", is_flag=True, help="Go on with the run of that name.")
@executor_options("local")
@click.option(
    "--on-fault",
    type=click.Choice(ON_FAULT),
    help="A faulty game is lost, counts for nobody, or is played again, twice at most.",
)
@click.option(
    "--trust", is_flag=True, help="Run agents from files even where little contains them."
)
@click.option("--require-sandbox", is_flag=True, help="Refuse them there, --trust or not.")
@dir_option
@json_option
def command(
    preset: str | None,
    settings: tuple[str, ...],
    name: str | None,
    resume: bool,
    place: Place,
    trust: bool,
    require_sandbox: bool,
    root: Path,
    as_json: bool,
    **options: Any,
) -> int:
    """Let agents meet and rate them.

    PRESET is one of `arena configs ls`; options and KEY=VALUE settings change it. What is played is
    recorded in the run's folder, chunk by chunk; --resume goes on after any stop.
    """
    if preset and "=" in preset:
        settings, preset = (preset, *settings), None
    if resume and not name:
        raise ConfigError("--resume needs --name NAME, the run to go on with")
    config = _config(preset, settings, options, runs.path(root, name) if resume and name else None)
    tournament.check(config)
    run = runs.path(root, name or runs.free_name(root, preset or "tournament"))
    with contextlib.ExitStack() as stack:
        stack.enter_context(sandbox.policy(trust, require_sandbox))
        stack.callback(workspace.sweep)  # of workers, who are killed and cannot clean up
        executor = place.open()
        stack.callback(executor.close)
        cards = tournament.inspect(config, executor)
        runs.settle(run, "tournament", loader.dump(config), resume)
        records = stack.enter_context(Records.write(run))
        by_env = _play(config, cards, records, executor, as_json)
        test = Sprt(config.sprt, cards[0].agent)
        test.add(records.episodes())
        faulty = next(records.episodes("blame IS NOT NULL"), None) is not None
    code = EXIT_FAULTS if faulty else 0
    document = ladder.united(by_env)
    if verdict := test.verdict():
        document["sprt"] = verdict._asdict()
    return _finish(run, document, by_env, as_json) or code


def _config(
    preset: str | None, settings: tuple[str, ...], options: dict[str, Any], going_on: Path | None
) -> TournamentConfig:
    """Gives the config: that of the run to go on with, else the preset's, changed by the user."""
    tree: dict[str, Any] = {}
    if preset:
        tree = loader.preset("tournament", preset)
    elif going_on and (stored := runs.config(going_on)):
        tree = stored.get("tournament", {})
    given = {key: value for key, value in options.items() if value is not None and value != ()}
    return loader.load(TournamentConfig, loader.override({**tree, **given}, settings))


def _play(
    config: TournamentConfig, cards: Any, records: Records, executor: Any, quiet: bool
) -> ByEnv:
    by_env: ByEnv = {}
    add_by_env(by_env, records.episodes())
    from arena.board.mirror import TournamentMirror  # it loads TensorBoard, the help does not

    unit = "episodes" if solo_chunks.is_solo(config.env) else "games"
    with (
        Live(tournament.total_games(config), games_of(by_env), quiet, unit) as live,
        contextlib.closing(TournamentMirror(records.path.parent)) as mirror,
    ):
        for chunk in tournament.run(config, cards, records, executor):
            add_by_env(by_env, chunk.records)
            live.show(by_env, chunk.env)
            mirror.show(by_env)
        mirror.finish(by_env, records)
    return by_env


def _finish(run: Path, document: dict[str, Any], by_env: ByEnv, as_json: bool) -> int:
    code = EXIT_FAULTS if any(standings.faults for standings in by_env.values()) else 0
    if as_json:
        print_json(document)
        return code
    if any(standings.alone for standings in by_env.values()):
        ladder_command.show(document, lambda part: f"{by_env[part['env']].games:,} episodes")
    else:
        screen.show(screen.ladder(document), "", screen.crosstable(document), "")
    if "sprt" in document:
        screen.show(screen.sprt(document), "")
    several = " --env all" if "ladders" in document else ""
    first, what = document.get("ladders", [document])[0], f"{games_of(by_env):,}"
    unit = ladder_command.unit(first)
    screen.note(
        f"{what} {unit} in {run}. `arena ladder {run.name}{several}` shows this again, "
        f"`arena replay {run.name}/1` the first of the {unit}."
    )
    screen.note(hint(run.parent))
    return code
