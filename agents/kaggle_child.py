"""The other side of a player from a file: a nursery, and the confined children that it forks.

The nursery is a clean and small Python that knows nothing; a child of it is there in a
millisecond, with its own memory. It enters its sandbox and then plays by Kaggle's calling rules:
the file is executed for each episode, in an empty namespace; the agent is the callable bound last;
it gets as many arguments as its code takes. Messages are packets that begin with 8 bytes: those of
the request in its reply. Runs without the rest of the project and without packages.
"""

from __future__ import annotations

import gc
import json
import os
import random
import socket
import struct
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from agents import sandbox

STAMP = 8
"""Bytes by which a reply names its request."""
MOMENT = struct.Struct("<BHd")
"""Mark of the mover, number of the step, seconds left in its bank; the board follows."""
LARGEST = 1 << 16
"""Most bytes of a packet."""
READY, EPISODE, MOVE = b"R", b"E", b"M"
COLUMN, NONE, OTHER, RAISED, MEMORY = b"c", b"n", b"o", b"r", b"m"
"""Kinds of replies: a whole number, None, any other value in words, an exception, out of memory."""

_CHANNEL = 3
_TOLD = 10_000
_VALUE_TOLD = 200


class Struct(dict[str, Any]):
    """A dict whose keys are attributes too."""

    def __init__(self, entries: dict[str, Any]) -> None:
        super().__init__(entries)
        self.__dict__.update(entries)

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value
        self[name] = value


class Agent:
    """A file, executed anew for each episode."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._folder = os.path.dirname(path)
        self._modules = set(sys.modules)
        self._search_path = list(sys.path)
        self._configuration: dict[str, Any] = {}
        self._agent: Callable[..., Any] | None = None
        self._arguments = 2

    def begin(self, configuration: dict[str, Any], seed: int) -> None:
        """Forgets the last episode; the file is executed at the first move, on its clock."""
        self._configuration = {**configuration, "__raw_path__": self._path}
        self._agent = None
        sys.path[:] = self._search_path
        for name in set(sys.modules) - self._modules:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if file.startswith(self._folder + os.sep):
                del sys.modules[name]
        random.seed(seed)

    def act(self, observation: dict[str, Any]) -> Any:
        """Gives what the agent returns."""
        if self._agent is None:
            self._agent = self._load()
            code = getattr(self._agent, "__code__", None)
            self._arguments = min(2, getattr(code, "co_argcount", 2))
        arguments = (Struct(observation), Struct(self._configuration))
        return self._agent(*arguments[: self._arguments])

    def _load(self) -> Callable[..., Any]:
        with open(self._path, encoding="utf-8") as file:
            code = compile(file.read(), self._path, "exec")
        bound: dict[str, Any] = {}
        sys.path.append(self._folder)
        exec(code, bound)
        sys.path.pop()
        found = [value for value in bound.values() if callable(value)]
        if not found:
            raise TypeError(f"{os.path.basename(self._path)} binds no callable; define an agent")
        return found[-1]  # type: ignore[no-any-return]


def nursery() -> NoReturn:
    """Forks children as told, until the parent is gone."""
    control = socket.socket(fileno=int(sys.argv[1]))
    sandbox.die_with(os.getppid())
    sys.path.extend(json.loads(sys.argv[2]))
    sandbox.prepare()
    import site

    site.setquit()
    gc.freeze()
    while True:
        message, received, _, _ = socket.recv_fds(control, LARGEST, 2)
        if not message:
            os._exit(0)
        order = json.loads(message)
        if "reap" in order:
            reply = {"status": os.waitstatus_to_exitcode(os.waitpid(order["reap"], 0)[1])}
        else:
            nurse = os.getpid()
            reply = {"pid": os.fork()}
            if reply["pid"] == 0:
                _live(nurse, order, *received)
            for fd in received:
                os.close(fd)
        control.send(json.dumps(reply).encode())


def _live(nurse: int, order: dict[str, Any], channel: int, output: int) -> NoReturn:
    """Runs a forked child: enters the sandbox, says so, plays until the other side is gone."""
    os.setsid()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(channel, _CHANNEL)
    os.closerange(_CHANNEL + 1, 1 << 16)
    scratch = order["scratch"]
    try:
        os.environ.pop("PWD", None)
        os.environ.update(HOME=scratch, TMPDIR=scratch)
        confinement = sandbox.Confinement(
            order["readable"], order["listed"], scratch, order["memory_mb"]
        )
        layers = sandbox.enter(confinement, nurse)
        os.chdir(order["folder"])
    except BaseException:
        os.write(_CHANNEL, traceback.format_exc()[-_TOLD:].encode())
        os._exit(1)
    sys.argv[:] = [order["file"]]
    for name in [name for name in sys.modules if name.split(".")[0] == "agents"]:
        del sys.modules[name]  # an agent may bring modules of that name
    os.write(_CHANNEL, READY + json.dumps(layers).encode())
    try:
        _serve(Agent(order["file"]))
    finally:
        os._exit(0)


def _serve(agent: Agent) -> None:
    read, write = os.read, os.write
    while packet := read(_CHANNEL, LARGEST):
        stamp, kind, content = packet[:STAMP], packet[STAMP : STAMP + 1], packet[STAMP + 1 :]
        if kind == MOVE:
            write(_CHANNEL, stamp + _answer(agent, content))
        else:
            agent.begin(*json.loads(content))


def _answer(agent: Agent, content: bytes) -> bytes:
    mark, step, bank = MOMENT.unpack_from(content)
    board = list(content[MOMENT.size :])
    left = int(bank) if bank.is_integer() else bank
    try:
        action = agent.act(
            {"remainingOverageTime": left, "step": step, "board": board, "mark": mark}
        )
        if isinstance(action, int) and not isinstance(action, bool):
            return COLUMN + b"%d" % int.__index__(action)
        return NONE if action is None else OTHER + _in_words(action)
    except MemoryError as error:
        return MEMORY + _last_words(error)
    except BaseException as error:  # sys.exit and its like leave the agent too
        return RAISED + _last_words(error)


def _in_words(action: Any) -> bytes:
    """Gives a value with its type; an agent's own `repr` may raise."""
    words = f"{action!r:.{_VALUE_TOLD}} of type {type(action).__name__:.{_VALUE_TOLD}}"
    return words.encode(errors="replace")


def _last_words(error: BaseException) -> bytes:
    """Gives the traceback of an exception without the calls in this file."""
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    try:
        sys.stdout.flush()
        words = "".join(traceback.format_exception(type(error), error, trace))
        return words[-_TOLD:].encode(errors="replace")
    except BaseException:
        return b"an exception that cannot be described"
