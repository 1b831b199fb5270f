"""The short form of `make faults`: interrupts, sockets, and what a row says."""

import argparse

from tests.faults import battery, stops


def options(**changes):
    plain = vars(battery._parser().parse_args([]))
    return argparse.Namespace(**{**plain, **changes})


def test_interrupts_end_everything(tmp_path):
    found = [stops.interrupt(tmp_path, moment, "local") for moment in (0.3, 2.5)]
    found.append(stops.interrupt(tmp_path, 1.5, "local", twice=True))
    assert not [stop for stop in found if stop.other or stop.left]


def test_nothing_listens(tmp_path):
    row = battery.run("sockets", options(count=5))
    assert row.held, str(row)


def test_a_row_says_the_command_that_fills_it():
    row = battery.run("bits", options(flips=3))
    assert row.command == "python -m tests.faults.battery bits --flips 3"
    assert str(row).count("|") == 7
