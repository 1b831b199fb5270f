"""Containment of foreign code: what a process gives up before it runs any.

Layers: `limits` (memory, threads, file sizes, processor time, a session and an environment of its
own, nothing open but its channel) always; `user` (an unprivileged one) when started as root;
`landlock` and `seccomp` where the kernel has them; `bubblewrap` where it is installed. All of it is
entered by the process itself and cannot be left. Imported by the child too, so it imports little.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import resource
import signal
import struct
import sys
from collections.abc import Iterator
from typing import NamedTuple

from agents import landlock, seccomp

NEEDED = ("landlock", "seccomp")
"""Layers without which foreign code runs only when the user says so."""
TRUST, REQUIRE = "ARENA_TRUST", "ARENA_REQUIRE_SANDBOX"
"""Variables by which a command's `--trust` and `--require-sandbox` reach its workers."""

_MEGABYTE = 1 << 20
_FILE_MB = 64
_OPEN_FILES = 64
_THREADS = 64
_CPU_S = 3600
_FIRST_USER = 0x40000000
"""Users from here on own nothing anywhere; each process gets one of its own, so that they cannot
signal each other and share no limit."""

_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_SET_NO_NEW_PRIVS = 1, 8, 38
_CAPABILITY_VERSION = 0x20080522
_READ_ANYTHING = 1 << 2
_SYSTEM = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys/devices/system/cpu",
    "/dev/urandom",
    "/dev/random",
    "/dev/zero",
)


class SandboxError(RuntimeError):
    """A layer that should hold and does not."""


class Confinement(NamedTuple):
    """What a process keeps."""

    readable: list[str]
    """Files and folders beyond those of the system."""
    listed: list[str]
    """Folders of which names may be listed."""
    scratch: str
    """Folder that it may write."""
    memory_mb: int
    """Most address space; megabytes."""


@functools.cache
def layers() -> tuple[str, ...]:
    """Gives the layers that hold here, the weakest first."""
    found = ["limits"]
    if sys.platform != "linux":
        return tuple(found)
    if os.geteuid() == 0 and (landlock.version() or all(map(_public, readable()))):
        found.append("user")
    if landlock.version():
        found.append("landlock")
    if seccomp.available():
        found.append("seccomp")
    if wrapper():
        found.append("bubblewrap")
    return tuple(found)


@functools.cache
def wrapper() -> tuple[str, ...]:
    """Gives the command that a nursery is started by: bubblewrap where it works, else nothing.

    It has a network of its own without devices, its own System V memory, and a file system that is
    read-only; what is bound after it, is not.
    """
    import shutil
    import subprocess  # imported here, since forked children carry what this module loads

    if not (program := shutil.which("bwrap")):
        return ()
    apart = ("--ro-bind", "/", "/", "--unshare-net", "--unshare-ipc", "--die-with-parent")
    rights = ("--cap-add", "ALL") if os.geteuid() == 0 else ()  # given up one by one in `enter`
    command = (program, *apart, *rights)
    try:
        tried = subprocess.run([*command, sys.executable, "-I", "-S", "-c", ""], timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return command if tried.returncode == 0 else ()


@contextlib.contextmanager
def policy(trust: bool, require: bool) -> Iterator[None]:
    """Says for a while, to this process and those it starts, what foreign code may lack.

    Args:
        trust: it may run without the layers of `NEEDED`.
        require: it must not, whoever trusts it.
    """
    before = {name: os.environ.get(name) for name in (TRUST, REQUIRE)}
    wanted = {TRUST: "1" if trust else None, REQUIRE: "1" if require else None}
    try:
        for name, value in wanted.items():
            if value:
                os.environ[name] = value
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def refusal() -> str | None:
    """Gives why foreign code must not run here, None when it may."""
    missing = " and ".join(name for name in NEEDED if name not in layers())
    if not missing:
        return None
    if os.environ.get(REQUIRE):
        return f"this system lacks {missing}, which --require-sandbox asks for; use another machine"
    if not os.environ.get(TRUST):
        return f"it would run without {missing}; if you trust its author, say so with --trust"
    return None


@functools.cache
def packages() -> list[str]:
    """Gives the folders in which installed packages are."""
    import site
    import sysconfig

    paths = sysconfig.get_paths()
    named = [*site.getsitepackages(), paths["purelib"], paths["platlib"]]
    return [path for path in dict.fromkeys(map(os.path.realpath, named)) if os.path.isdir(path)]


@functools.cache
def readable() -> list[str]:
    """Gives the folders that Python and its packages need: libraries, never a whole prefix."""
    return [os.path.dirname(os.path.realpath(os.__file__)), *packages()]


def prepare() -> None:
    """Learns what `enter` needs to know, so that forked processes know it already."""
    tasks_of_user()
    if seccomp.available():
        seccomp.prepare()


def enter(confinement: Confinement, parent: int) -> tuple[str, ...]:
    """Confines this process for ever; gives the layers that now hold.

    Raises:
        OSError: when the kernel refuses a layer that it has.
        SandboxError: when the parent is gone.
    """
    held = ["limits"]
    own_user = _own_user(confinement)
    _set_limits(confinement.memory_mb, own_user)
    if own_user:
        _become(user_of(os.getpid()))
        held.append("user")
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    die_with(parent)  # a change of user forgets this, so it stands after it
    if landlock.version():
        own = f"/proc/{os.getpid()}"
        landlock.restrict(
            [*_SYSTEM, own, *confinement.readable],
            [confinement.scratch, "/dev/null"],
            confinement.listed,
        )
        held.append("landlock")
    if seccomp.available():
        seccomp.install()
        held.append("seccomp")
    return tuple(held)


def die_with(parent: int) -> None:
    """Lets the kernel kill this process when its parent dies.

    Raises:
        SandboxError: when the parent is gone already.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SandboxError("the parent is gone")


def user_of(pid: int) -> int:
    """Gives the user that a process started as root becomes, where it becomes another."""
    return _FIRST_USER + pid


def _own_user(confinement: Confinement) -> bool:
    """Prepares the scratch folder for a user of this process's own; False where there is none.

    Without Landlock to say what may be read, the user must be able to read it by itself.
    """
    if os.geteuid() != 0:
        return False
    if not landlock.version() and not all(map(_public, [*sys.path, *confinement.readable])):
        return False
    user = user_of(os.getpid())
    try:
        os.chown(confinement.scratch, user, user)
    except OSError:  # a container without that user
        return False
    return True


def _public(path: str) -> bool:
    """Gives whether everybody can read a path."""
    while os.path.exists(path) and path != "/":
        wanted = 0o005 if os.path.isdir(path) else 0o004
        if os.stat(path).st_mode & wanted != wanted:
            return False
        path = os.path.dirname(path)
    return True


def _set_limits(memory_mb: int, own_user: bool) -> None:
    memory, size = memory_mb * _MEGABYTE, _FILE_MB * _MEGABYTE
    limits = [
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, size),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CPU, _CPU_S),
        (resource.RLIMIT_NPROC, _THREADS if own_user else _THREADS + tasks_of_user()),
    ]
    for kind, most in limits:
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


@functools.cache
def tasks_of_user() -> int:
    """Gives the threads that this user runs, since the kernel counts them all together."""
    user, count = os.getuid(), 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.stat(f"/proc/{name}").st_uid == user:
                    count += len(os.listdir(f"/proc/{name}/task"))
            except OSError:
                continue
    return count


def _become(user: int) -> None:
    """Changes to a user without rights.

    One right of root stays where Landlock says what may be read: to pass folders that are closed
    to others, since Python itself may live in one.
    """
    kept = _READ_ANYTHING if landlock.version() else 0
    _prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    header = struct.pack("<Ii", _CAPABILITY_VERSION, 0)
    if _LIBC.capset(header, struct.pack("<6I", kept, kept, 0, 0, 0, 0)):
        number = ctypes.get_errno()
        raise OSError(number, f"capset: {os.strerror(number)}")


def _prctl(option: int, value: int) -> None:
    if _LIBC.prctl(option, *map(ctypes.c_ulong, (value, 0, 0, 0))):
        number = ctypes.get_errno()
        raise OSError(number, f"prctl {option}: {os.strerror(number)}")


_LIBC = ctypes.CDLL(None, use_errno=True)
