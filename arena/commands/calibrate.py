"""`arena calibrate`."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from agents import registry as agent_registry
from agents import sandbox
from arena import executor as executors
from arena import runs, scale, screen, tournament
from arena.cli import EXIT_FAULTS
from arena.commands import dir_option, json_option, print_json, worker_count
from arena.live import Progress
from arena.match import TimeControl
from arena.records import MatchRecord, Records
from arena.scale import Place, Scale
from arena.tournament import TournamentConfig
from configs import loader
from envs import registry as env_registry

_PART = 8


@click.command()
@click.argument("agent")
@click.option("--env", default="connectx", show_default=True, help="Env id that has a scale.")
@click.option("--within", type=float, default=40.0, show_default=True, help="Elo, half interval.")
@click.option("--games", type=int, default=400, show_default=True, help="Most games an anchor.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything random.")
@click.option("--name", help="Name of the run.  [default: calibrate, with a number]")
@click.option("--resume", is_flag=True, help="Go on with the run of that name.")
@click.option("--workers", type=int, default=None, help="Worker processes.  [default: cores]")
@dir_option
@json_option
def command(
    agent: str,
    env: str,
    within: float,
    games: int,
    seed: int,
    name: str | None,
    resume: bool,
    workers: int | None,
    root: Path,
    as_json: bool,
) -> int:
    """Place an agent on the fixed scale of strength, where random is 0 Elo.

    It plays a gauntlet against the scale's anchors, equally many games each, until the 95 %
    interval is within --within Elo, or --games are played.
    """
    text = agent_registry.canonical(agent)
    anchors = scale.load(env_registry.canonical(env)).without(text)
    config = _config(text, anchors, games, seed)
    tournament.check(config)
    run = runs.path(root, name or runs.free_name(root, "calibrate"))
    with contextlib.ExitStack() as stack:
        stack.enter_context(sandbox.policy(False, False))
        executor = executors.make("local", worker_count(workers))
        stack.callback(executor.close)
        cards = tournament.inspect(config, executor)
        runs.settle(run, "calibrate", loader.dump(config), resume)
        records = stack.enter_context(Records.write(run))
        played = list(records.episodes())
        place = _enough(anchors, text, played, within)
        progress = stack.enter_context(Progress(within, as_json))
        for chunk in () if place else tournament.run(config, cards, records, executor):
            played += chunk.records
            if place := _enough(anchors, text, played, within, progress):
                break
        place = place or scale.place(anchors, text, played)
    _report(text, place, anchors, run, as_json)
    faulty = any(r.blame is not None and r.agents[r.blame] == text for r in played)
    return EXIT_FAULTS if faulty else 0


def _config(agent: str, anchors: Scale, games: int, seed: int) -> TournamentConfig:
    return TournamentConfig(
        env=anchors.env,
        agents=(agent, *anchors.agents),
        schedule="gauntlet",
        games=games,
        openings=anchors.openings,
        seed=seed,
        chunk_games=_PART,
        clock=TimeControl(move_s=0.0),
    )


def _enough(
    anchors: Scale,
    agent: str,
    played: list[MatchRecord],
    within: float,
    progress: Progress | None = None,
) -> Place | None:
    """Gives the agent's place once every anchor has had as many games and the interval is small."""
    if not played or len(played) % (_PART * len(anchors.agents)):
        return None
    place = scale.place(anchors, agent, played)
    if progress:
        progress.show(place.games, place.elo, place.error95)
    return place if place.error95 is not None and place.error95 <= within else None


def _report(agent: str, place: Place, anchors: Scale, run: Path, as_json: bool) -> None:
    if as_json:
        document: dict[str, Any] = {"env": anchors.env, "agent": agent, **asdict(place)}
        print_json({**document, "scale": anchors.records, "run": run.name})
        return
    rows = [(float(elo), name, "") for name, elo in zip(anchors.agents, anchors.elo, strict=True)]
    rows.append((place.elo, agent, _interval(place)))
    table = [[f"{elo:+.0f}", text, name] for elo, name, text in sorted(rows, reverse=True)]
    screen.show(screen.table([">elo", "± 95 %", "agent"], table), "")
    screen.note(f"{place.games:,} games against the anchors in {run}; random is 0 Elo.")


def _interval(place: Place) -> str:
    if place.bound_elo is not None:
        return f"{'≥' if place.bound == 'lower' else '≤'} {place.bound_elo:+.0f}"
    return f"± {place.error95:.0f} ←"
