"""An interrupt ends a command even where the code that gets it goes on."""

import os
import signal
import subprocess
import sys
import time

import click
import pytest

from arena import cli, interrupt

DEAF = """
import contextlib, signal, time
from arena import interrupt
signal.signal(signal.SIGINT, signal.default_int_handler)
{undone}
until, words = time.monotonic() + 5, ["ready"]
while time.monotonic() < until:
    with contextlib.suppress(KeyboardInterrupt):
        while words:
            print(words.pop(), flush=True)
        time.sleep(5)
"""


def interrupted(undone):
    process = subprocess.Popen(
        [sys.executable, "-c", DEAF.format(undone=undone)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    told = process.communicate()[1]
    return process.returncode, told, time.monotonic() - began


def test_an_interrupt_that_was_swallowed_ends_the_process_all_the_same():
    code, told, seconds = interrupted("interrupt.insist()")
    assert (code, told) == (130, "arena: interrupted\n")
    assert 1 < seconds < 4
    assert interrupted("")[:2] == (0, ""), "else it goes on"


@pytest.fixture
def command(monkeypatch):
    """Lets `arena envs` be an interrupt that some code turns into an error of its own."""

    def loaded(self, context, name):
        signal.signal(signal.SIGINT, interrupt.stop)
        return click.Command(name, callback=broken)

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(cli.LazyGroup, "get_command", loaded)
    yield lambda: cli.run(["envs"])
    signal.signal(signal.SIGINT, before)
    interrupt._heard.clear()


def broken():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
    except KeyboardInterrupt:
        raise ImportError("multiarray failed to import") from None


def test_what_an_interrupt_broke_is_told_as_an_interrupt(command, capsys):
    assert command() == 130
    assert capsys.readouterr().err == "arena: interrupted\n"


def test_the_same_error_without_an_interrupt_is_a_bug_of_ours(command, monkeypatch):
    monkeypatch.setattr(os, "kill", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(ImportError):
        command()
