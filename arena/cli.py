"""The command line: which commands there are, and how errors end.

Each command is a module of `arena.commands`, imported when it is used, so that `arena --help` is
quick. A user's mistake is one line and exit code 2; a disk or file error 74; an interrupt 130;
games that an agent forfeited by a fault 3. Anything else is a bug of ours and shows its traceback.
"""

from __future__ import annotations

import errno
import importlib
import keyword
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from arena import interrupt

COMMANDS = {
    "train": "Train an agent by self-play.",
    "tournament": "Let agents meet and rate them.",
    "eval": "Measure the returns of an agent in solo envs.",
    "ladder": "Show the ratings of a run or of several.",
    "compare": "Compare agents on Atari games, with published ones, too.",
    "rate": "Rate anybody's results from a CSV file.",
    "calibrate": "Place an agent on the fixed scale of strength.",
    "grade": "Grade an agent on solved Connect X positions.",
    "solve": "Give the score of every column of a Connect X position.",
    "export": "Write the games of a run, a line each, with their moves.",
    "import": "Make a run of a model of Stable-Baselines3, or record games of Kaggle.",
    "play": "Play against an agent in the terminal.",
    "replay": "Step through a recorded game, move by move.",
    "watch": "Watch ladder and games in the browser, live or afterwards.",
    "report": "Put ladder, curves and games into one HTML file.",
    "verify": "Play recorded episodes again and compare every state.",
    "submit": "Make a submission for Kaggle, rehearse it, send it.",
    "kaggle": "List and fetch what submissions did on Kaggle.",
    "agents": "List the agents that can play.",
    "envs": "List the environments.",
    "configs": "List, show or check presets.",
    "doctor": "Check this machine and installation.",
}
"""Name and what it does, in the order of the help."""

USER_ERRORS = {
    "agents.base:AgentError",
    "arena.atari_scores:PublishedError",
    "arena.compare:CompareError",
    "arena.film:FilmError",
    "arena.ray_cluster:RayError",
    "arena.grade:PositionsError",
    "arena.kaggle_account:KaggleError",
    "arena.kaggle_episode:EpisodeFileError",
    "arena.moves:MovesError",
    "arena.rating_prior:RatingError",
    "arena.records:EpisodeNotFoundError",
    "arena.run_lock:RunBusyError",
    "arena.rehearsal:RehearsalError",
    "arena.replaying:ForeignRecordError",
    "arena.report:ReportError",
    "arena.results:ResultsError",
    "arena.results_file:ResultsFileError",
    "arena.runs:RunError",
    "arena.scale:ScaleError",
    "arena.standings:ProtocolError",
    "configs.loader:ConfigError",
    "muzero.limits:SearchConfigError",
    "muzero.weights:CheckpointError",
    "envs.base:EnvOptionError",
    "envs.registry:UnknownEnvError",
}
"""Exceptions that are the user's to mend, by name, so that none is imported before it is raised."""

FILE_ERRNOS = {errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EFBIG}

EXIT_USAGE, EXIT_FAULTS, EXIT_FILE, EXIT_INTERRUPTED = 2, 3, 74, 130


class LazyGroup(click.Group):
    """A group that imports a command only to run it or to show its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Gives the names in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports a command."""
        if cmd_name not in COMMANDS:
            return None
        name = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        module = importlib.import_module(f"arena.commands.{name}")
        signal.signal(signal.SIGINT, interrupt.stop)  # there may be something to lose
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command, or says which was meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1, cutoff=0.5)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise click.UsageError(f"no command '{args[0]}'{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="arena")
def cli() -> None:
    """The arena in which reinforcement-learning agents meet.

    AGENT is written as random, one-ply, negamax:depth=4, kaggle:negamax or module:Class (a player
    of your own); `arena agents` lists them all. EPISODE is RUN/NUMBER.
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs a command and ends the process with its exit code."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    interrupt.insist()
    code = run(arguments)
    if code == EXIT_INTERRUPTED:  # Python would turn it into a death by the signal
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and gives its exit code; raises only what is a bug of ours."""
    try:
        return int(cli.main(arguments, prog_name="arena", standalone_mode=False) or 0)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted", EXIT_INTERRUPTED)
    except Exception as error:
        if interrupt.heard():
            return _fail("interrupted", EXIT_INTERRUPTED)
        return _failed(error)


def _failed(error: Exception) -> int:
    if isinstance(error, click.UsageError):
        hint = f" (see `{error.ctx.command_path} --help`)" if error.ctx else ""
        return _fail(f"{error.format_message()}{hint}", EXIT_USAGE)
    if isinstance(error, click.ClickException):
        return _fail(error.format_message(), EXIT_USAGE)
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    code = exit_code(error)
    if code is None:
        raise error
    return _fail(_words(error), code)


def exit_code(error: BaseException) -> int | None:
    """Gives the exit code that an exception stands for; None = a bug of ours."""
    names = {f"{cls.__module__}:{cls.__qualname__}" for cls in type(error).__mro__}
    if names & USER_ERRORS:
        return EXIT_USAGE
    if names & {"arena.records:RecordsError", "agents.disk:DiskError"}:
        return EXIT_FILE
    if isinstance(error, OSError) and error.errno in FILE_ERRNOS:
        return EXIT_FILE
    return None


def _words(error: Exception) -> str:
    """Gives what an exception says in a line; a disk error without a file is of the output."""
    if type(error) is OSError and error.filename is None and error.strerror:
        return f"cannot write the output: {error.strerror}; what was recorded is safe"
    return str(error.args[0] if isinstance(error, KeyError) else error)


def _fail(message: str, code: int) -> int:
    print(f"arena: {message}", file=sys.stderr)
    return code
