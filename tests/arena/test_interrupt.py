"""An interrupt ends a command even where the code that gets it goes on."""

import signal
import subprocess
import sys
import time

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
