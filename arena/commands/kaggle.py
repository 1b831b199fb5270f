"""`arena kaggle`."""

from __future__ import annotations

from pathlib import Path

import click

from arena import screen
from arena.commands import json_option, print_json
from arena.kaggle_account import Account, Hosted, KaggleError


@click.group()
def command() -> None:
    """See and fetch what your submissions did on Kaggle. Needs an account and its credential."""


@command.command()
@json_option
def submissions(as_json: bool) -> int:
    """List your submissions to Connect X, and how many more are allowed today."""
    account = Account()
    found, allowed = account.submissions(), account.allowance()
    if as_json:
        print_json({"submissions": [one._asdict() for one in found], "allowed_now": allowed})
        return 0
    headers = ["submission", "status", "rating", "sent", "description"]
    rows = [
        [str(one.ref), one.status, one.score or "·", one.date, one.error or one.description]
        for one in found
    ]
    screen.show(screen.table(headers, [[screen.harmless(cell) for cell in row] for row in rows]))
    screen.note(f"{allowed if allowed is not None else '?'} more may be sent now.")
    return 0


@command.command()
@click.argument("submission", type=int, required=False)
@json_option
def episodes(submission: int | None, as_json: bool) -> int:
    """List the episodes of a submission, the newest one's if none is named."""
    account = Account()
    ref = _newest(account) if submission is None else submission
    found = account.episodes(ref)
    if as_json:
        print_json({"submission": ref, "episodes": [one._asdict() for one in found]})
        return 0
    headers = ["episode", "kind", "state", "ended", "first", "second", "rewards"]
    rows = [
        [str(one.id), one.kind, one.state, one.ended, *_teams(one), _rewards(one)] for one in found
    ]
    screen.show(screen.table(headers, [[screen.harmless(cell) for cell in row] for row in rows]))
    screen.note(f"{len(found)} episodes of submission {ref}. `arena kaggle fetch {ref}` gets them.")
    return 0


@command.command()
@click.argument("number", type=int, required=False)
@click.option("--episode", is_flag=True, help="NUMBER is that of one episode.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default="episodes",
    show_default=True,
    help="Folder for the files.",
)
@json_option
def fetch(number: int | None, episode: bool, out: Path, as_json: bool) -> int:
    """Download the episodes of submission NUMBER that are over, without those already there.

    Without NUMBER: those of the newest submission. `arena import FILE ...` reads them.
    """
    account = Account()
    out.mkdir(parents=True, exist_ok=True)
    if episode:
        if number is None:
            raise click.UsageError("--episode needs its number")
        wanted = [number]
    else:
        ref = _newest(account) if number is None else number
        wanted = [one.id for one in account.episodes(ref) if one.state == "COMPLETED"]
    known = [one for one in wanted if (out / f"episode-{one}.json").is_file()]
    files = [account.fetch(one, out) for one in wanted if one not in known]
    if as_json:
        print_json({"files": [str(file) for file in files], "there_already": known})
        return 0
    screen.note(f"{len(files)} episodes fetched into {out}, {len(known)} were there already.")
    if files:
        screen.note(f"`arena import {out}/*.json` reads them.")
    return 0


def _newest(account: Account) -> int:
    found = account.submissions()
    if not found:
        raise KaggleError("there is no submission yet; `arena submit AGENT --message TEXT`")
    return found[0].ref


def _teams(one: Hosted) -> list[str]:
    return [*one.teams, "·", "·"][:2]


def _rewards(one: Hosted) -> str:
    return " : ".join("·" if reward is None else f"{reward:g}" for reward in one.rewards)
