"""`arena submit`."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from agents import sandbox
from arena import bundle, rehearsal, screen
from arena.bundle import Bundle, BundleError
from arena.cli import EXIT_FAULTS
from arena.commands import dir_option, json_option, print_json
from arena.rehearsal import Game, Report
from configs.loader import ConfigError

_SUBMISSIONS = (".py", ".tar.gz", ".tgz")
_AGAINST = (0.0, 20.0)
_MOST_GAMES = 2_000


@click.command()
@click.argument("agent", required=False)
@click.option("--out", type=click.Path(path_type=Path), help="Write the bundle here (.tar.gz).")
@click.option(
    "--rehearse",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Rehearse a submission, anybody's: a main.py or a .tar.gz.",
)
@click.option("--thorough", is_flag=True, help="Rehearse whole games, on a quarter of a core, too.")
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Play the rehearsed file against this one until it is decided which is stronger.",
)
@click.option("--games", type=click.IntRange(min=2), help="Most games of --against.")
@click.option(
    "--sprt",
    nargs=2,
    type=float,
    metavar="ELO ELO",
    default=_AGAINST,
    show_default=True,
    help="Of --against: is the first file the one or the other stronger?",
)
@click.option("--message", metavar="TEXT", help="Send it to Kaggle, with this description.")
@click.option("--wait", is_flag=True, help="After sending, wait for the validation episode.")
@click.option("--trust", is_flag=True, help="Rehearse even where no sandbox holds the file.")
@dir_option
@json_option
def command(agent: str | None, root: Path, as_json: bool, **options: Any) -> int:
    """Make a submission for Kaggle's Connect X of any agent, rehearse it, send it.

    With --out it is one file with sources and weights. --rehearse plays a file as Kaggle does, but
    harsher, and says what to mend. --message sends it, which needs an account of Kaggle. AGENT may
    also be a file that is a submission already.
    """
    rehearsed, against = options["rehearse"], options["against"]
    if agent is None and rehearsed is None:
        raise click.UsageError("name an AGENT to make a submission of, or --rehearse FILE")
    if agent is not None and rehearsed is not None:
        raise click.UsageError("give an AGENT or --rehearse FILE, not both")
    if rehearsed is not None:
        if against is not None and not against.is_file():
            raise ConfigError(f"no file '{against}' to play against; give a submission")
        with sandbox.policy(options["trust"], False):
            report = _rehearse(rehearsed, options["thorough"])
            if against is None or report.faults:
                return _tell_rehearsed(report, as_json)
            if not as_json:
                _show(report)
            return _against(rehearsed, options, root, as_json)
    assert agent is not None
    return _make(agent, options, as_json)


def _make(agent: str, options: dict[str, Any], as_json: bool) -> int:
    """Makes, writes and sends, as far as was asked for."""
    out, message = options["out"], options["message"]
    if against := options["against"]:
        raise ConfigError(f"--against {against} plays a rehearsed file; give --rehearse FILE, too")
    if out is None and message is None:
        raise ConfigError(
            "nothing to do: write it with --out FILE.tar.gz, or send it with --message"
        )
    document: dict[str, Any] = {"agent": agent}
    with tempfile.TemporaryDirectory() as folder:
        if agent.lower().endswith(_SUBMISSIONS):
            if out is not None:
                raise BundleError(f"'{agent}' is a submission already; leave --out out")
            file = Path(agent)
            if not file.is_file():
                raise BundleError(f"no file '{file}'; give an AGENT or a submission")
        else:
            packed = bundle.pack(agent)
            file = out or Path(folder) / "submission.tar.gz"
            bundle.write(packed, file)
            document |= _described(packed, file if out else None)
            if not as_json:
                _tell(packed, out)
        if message is not None:
            document |= _send(file, message, options["wait"], as_json)
    if as_json:
        print_json(document)
    return 0


def _described(packed: Bundle, out: Path | None) -> dict[str, Any]:
    return {
        "agent": packed.agent,
        "file": str(out) if out else None,
        "bytes": len(packed.data),
        "sha256": packed.digest,
    }


def _tell(packed: Bundle, out: Path | None) -> None:
    screen.note(f"{packed.agent}: {len(packed.data) / 1e3:,.0f} kB")
    if out is not None:
        screen.note(f"Wrote {out}. `arena submit --rehearse {out}` plays it as Kaggle does.")


def _send(file: Path, message: str, wait: bool, as_json: bool) -> dict[str, Any]:
    """Sends a submission; gives what is known of it then."""
    from arena.kaggle_account import Account  # its package is needed for nothing else

    account = Account()
    ref = account.submit(file, message)
    told = (lambda text: None) if as_json else screen.note
    told(f"Sent as submission {ref}. `arena kaggle episodes {ref}` lists its games.")
    document: dict[str, Any] = {"ref": ref}
    if wait:
        document["status"] = account.wait(ref, lambda status: told(f"Its status is {status}."))[1]
    return document


def _rehearse(file: Path, thorough: bool) -> Report:
    console = screen.console(stderr=True)
    with console.status("starting", spinner="dots") as status:
        return rehearsal.rehearse(file, thorough, lambda title: status.update(title))


def _tell_rehearsed(report: Report, as_json: bool) -> int:
    """Tells people or programs of a rehearsal; gives the exit code."""
    if as_json:
        print_json(dataclasses.asdict(report) | {"passed": not report.faults})
    else:
        _show(report)
    return EXIT_FAULTS if report.faults else 0


def _show(report: Report) -> None:
    """Shows what was played and the verdict."""
    headers = ["game", "seat", "core", "moves", "first move", "worst later", "overage", ""]
    rows = [_row(game) for game in report.games]
    screen.show(screen.table(headers, rows), "")
    for warning in report.warnings:
        screen.warn(warning)
    held = ", ".join(report.layers)
    screen.note(
        f"{report.file}: {report.bytes / 1e3:,.0f} kB, {report.seconds:.0f} s, held by {held}"
    )
    for fault in report.faults:
        screen.show(Text(f"To mend: {screen.harmless(fault)}", style="bold red"))
    if not report.faults:
        screen.show(Text("Passed: nothing that Kaggle would punish was seen.", style="bold green"))


def _row(game: Game) -> list[str]:
    return [
        game.title,
        "first" if game.seat == 0 else "second",
        f"{game.share:.0%}",
        str(game.moves),
        _s(game.first_s),
        _s(game.worst_s),
        _s(game.overage_s),
        "to mend" if game.faults else "fine",
    ]


def _s(seconds: float | None) -> str:
    return "·" if seconds is None else f"{seconds:.2f} s"


def _against(file: Path, options: dict[str, Any], root: Path, as_json: bool) -> int:
    """Plays pairs of games until it is decided which file is stronger."""
    from arena.commands import tournament

    games = (options["games"] or _MOST_GAMES) // 2 * 2
    arguments = ["-a", str(file), "-a", str(options["against"]), "--dir", str(root)]
    arguments += ["--games", str(games), "--sprt", *map(str, options["sprt"])]
    arguments += ["--json"] if as_json else []
    code: int = tournament.command.main(arguments, prog_name="arena", standalone_mode=False)
    return code
