"""The battery of faults: prints a table of what was tried, what was promised and what came of it.

python -m tests.faults.battery                        # every row, hours
python -m tests.faults.battery coordinator --count 20
python -m tests.faults.battery interrupts coordinator --count 20 --longest 14 --executor ray
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.faults import bits, disk, kills, soak, sockets, stops, suites, trainings
from tests.faults.row import HEAD, Row

Options = argparse.Namespace

ROWS: dict[str, Callable[[Path, Options], Row]] = {
    "coordinator": lambda folder, o: kills.coordinator(folder, o.count, o.longest, o.executor),
    "workers": lambda folder, o: kills.workers(folder, o.count, o.longest),
    "agents": lambda folder, o: kills.agents(folder, o.count, o.longest / 4),
    "interrupts": lambda folder, o: stops.interrupts(folder, o.count, o.longest, o.executor),
    "twice": lambda folder, o: stops.interrupts(folder, o.count, o.longest, o.executor, twice=True),
    **{
        f"{kind}-{preset}": lambda folder, o, kind=kind, preset=preset: trainings.killed(
            folder, o.trainings, kind, preset
        )
        for kind, preset in trainings.TRAININGS
    },
    "bits": lambda folder, o: bits.sweep(folder, o.flips, o.flips // 3),
    **{
        f"disk-{work}": lambda folder, o, work=work: disk.sweep(work, o.every)
        for work in disk.WORKS
    },
    **{name: lambda folder, o, name=name: suites.row(name) for name in suites.SUITES},
    "sockets": lambda folder, o: sockets.sockets(folder, o.count),
    "soak": lambda folder, o: soak.soak(folder, o.games),
}
"""Row to what fills it."""


def run(name: str, options: Options) -> Row:
    """Fills a row, with the command that does it again."""
    with tempfile.TemporaryDirectory() as folder:
        row = ROWS[name](Path(folder), options)
    return row._replace(command=" ".join(["python -m tests.faults.battery", name, *_told(options)]))


def _told(options: Options) -> list[str]:
    """Gives the options that are not by default, as they are typed."""
    plain = vars(_parser().parse_args([]))
    given = {key: value for key, value in vars(options).items() if key != "rows"}
    return [f"--{key} {value}" for key, value in given.items() if value != plain[key]]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}")
    parser.add_argument("--count", type=int, default=200, help="kills, interrupts")
    parser.add_argument("--trainings", type=int, default=20, help="kills of each training")
    parser.add_argument("--flips", type=int, default=300, help="bits of each kind of file")
    parser.add_argument("--every", type=int, default=1, help="each so many-th change of a disk")
    parser.add_argument("--games", type=int, default=1_000_000, help="of the soak")
    parser.add_argument("--longest", type=float, default=4.0, help="seconds before an act")
    parser.add_argument("--executor", choices=("local", "ray"), default="local")
    return parser


def main() -> int:
    """Prints the table, a row when it is done; gives 1 when a promise was not held."""
    options = _parser().parse_args()
    wanted = options.rows or list(ROWS)
    if unknown := sorted(set(wanted) - set(ROWS)):
        print(f"no row {', '.join(unknown)}; there are {', '.join(ROWS)}", file=sys.stderr)
        return 2
    print(HEAD, flush=True)
    held = True
    for name in wanted:
        row = run(name, options)
        print(row, flush=True)
        held &= row.held
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
