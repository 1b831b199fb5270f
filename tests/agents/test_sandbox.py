"""What a file may try in order to get out, and that all of it is stopped."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from agents import kaggle, nursery, sandbox, seccomp
from agents import kaggle_child as protocol
from agents.confined import Confined, Order
from agents.nursery import HarnessError

SECRET = "canary-4f1d"
BOARD = protocol.MOMENT.pack(1, 0, 60.0) + bytes(42)

contained = pytest.mark.skipif(
    not set(sandbox.NEEDED) <= set(sandbox.layers()),
    reason=f"this kernel offers only {', '.join(sandbox.layers())}; "
    "the probes need Landlock and seccomp",
)


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A home with a credentials file, and an agent's folder with what must stay hidden."""
    home, folder = tmp_path / "home", tmp_path / "agent"
    for path in (home / ".kaggle/kaggle.json", folder / ".env", folder / "kaggle.json"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SECRET)
    (folder / "away").symlink_to(home)
    (folder / "notes.txt").write_text("mine")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("ARENA_CANARY", SECRET)
    return tmp_path


def start(world, body, memory_mb=512):
    """Starts a child whose agent runs `body`; what it returns tells how far it came."""
    file = world / "agent" / "main.py"
    names = {"WORLD": str(world), "PARENT": os.getpid(), "SECRET": SECRET}
    lines = "import ctypes, os, sys\nlibc = ctypes.CDLL(None, use_errno=True)\n"
    lines += "".join(f"{name} = {value!r}\n" for name, value in names.items())
    lines += f"def probe():\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"
    lines += "def agent(observation):\n    try:\n        return f'got {probe()}'\n"
    lines += "    except (Exception, SystemExit) as error:\n        return f'stopped {error!r}'\n"
    file.write_text(lines)
    return Confined(kaggle.order(str(file), memory_mb))


def run(world, body, seconds=10.0, memory_mb=512):
    child = start(world, body, memory_mb)
    child.tell(protocol.EPISODE, b"[{}, 1]")
    answer = child.ask(protocol.MOVE, BOARD, time.monotonic() + seconds)
    child.kill()
    return answer


SYSCALL = """
number = {number}
result = libc.syscall(number, *map(ctypes.c_long, {arguments}))
if result < 0:
    raise OSError(ctypes.get_errno(), 'refused')
return result
"""

FILES = {
    "passwords": "return open('/etc/passwd').read()",
    "credentials": "return open(WORLD + '/home/.kaggle/kaggle.json').read()",
    "hidden file beside": "return open(WORLD + '/agent/.env').read()",
    "token beside": "return open(WORLD + '/agent/kaggle.json').read()",
    "link out of the folder": "return open(WORLD + '/agent/away/.kaggle/kaggle.json').read()",
    "climb": "return open(WORLD + '/agent/../home/.kaggle/kaggle.json').read()",
    "environment of the parent": "return open(f'/proc/{PARENT}/environ').read()",
    "memory of the parent": "return open(f'/proc/{PARENT}/mem', 'rb').read(1)",
    "through its own root": "return open('/proc/self/root' + WORLD + '/home/.kaggle/kaggle.json')",
    "through its own cwd": "return open('/proc/self/cwd/../home/.kaggle/kaggle.json').read()",
    "list the root": "return os.listdir('/')",
    "list the home": "return os.listdir(WORLD + '/home')",
    "list the processes": "return os.listdir('/proc')",
    "settings of the installation": "return open(sys.prefix + '/pyvenv.cfg').read()",
    "write beside": "return open(WORLD + '/agent/new', 'w')",
    "write over itself": "return open(WORLD + '/agent/main.py', 'w')",
    "write to the temporary folder": "return open('/tmp/arena-escape', 'w')",
    "write to a library": "return open(os.__file__ + '.new', 'w')",
    "write to shared memory": "return open('/dev/shm/arena-escape', 'w')",
    "delete itself": "return os.remove(WORLD + '/agent/main.py')",
    "rename": "return os.rename(WORLD + '/agent/notes.txt', WORLD + '/agent/other')",
    "move out of scratch": "open(os.environ['HOME'] + '/x', 'w')\n"
    "return os.rename(os.environ['HOME'] + '/x', WORLD + '/x')",
    "make a folder": "return os.mkdir(WORLD + '/agent/folder')",
    "symbolic link": "return os.symlink(WORLD, os.environ['HOME'] + '/link')",
    "hard link": "return os.link(WORLD + '/agent/notes.txt', os.environ['HOME'] + '/link')",
    "open for all": "return os.chmod(WORLD + '/agent/notes.txt', 0o777)",
    "own a file": "return os.chown(WORLD + '/agent/notes.txt', os.getuid(), -1)",
    "set times": "return os.utime(WORLD + '/agent/notes.txt')",
    "truncate": "return os.truncate(WORLD + '/agent/notes.txt', 0)",
    "attribute": "return os.setxattr(WORLD + '/agent/notes.txt', 'user.a', b'a')",
    "device": "return os.mknod(os.environ['HOME'] + '/device', 0o20666, os.makedev(1, 1))",
    "leave by chroot": "return os.chroot('.')",
}
NETWORK = {
    "TCP": "import socket\nreturn socket.create_connection(('127.0.0.1', 9))",
    "TCP 6": "import socket\nreturn socket.socket(socket.AF_INET6)",
    "UDP": "import socket\n"
    "return socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
    "unix socket": "import socket\nreturn socket.socket(socket.AF_UNIX).connect(WORLD + '/door')",
    "abstract socket": "import socket\nreturn socket.socket(socket.AF_UNIX).bind('\\0arena')",
    "netlink": "import socket\nreturn socket.socket(socket.AF_NETLINK)",
    "listen": "import socket\nreturn socket.create_server(('127.0.0.1', 0))",
    "connect what it has": "import socket\nreturn socket.socketpair()[0].connect(WORLD + '/door')",
    "web": "import urllib.request\nreturn urllib.request.urlopen('http://127.0.0.1:9')",
}
PROCESSES = {
    "fork": "return os.fork()",
    "fork with a terminal": "return os.forkpty()",
    "shell": "import subprocess\nreturn subprocess.run(['/bin/sh', '-c', 'true'])",
    "spawn": "return os.posix_spawn('/bin/true', ['true'], {})",
    "program": "return os.execv('/bin/true', ['true'])",
    "multiprocessing": "import multiprocessing\n"
    "return multiprocessing.get_context('fork').Process(target=print).start()",
    "clone": SYSCALL.format(number="56 if os.uname().machine == 'x86_64' else 220", arguments=[17]),
    "clone3": SYSCALL.format(number=435, arguments=[0, 88]),
    "fork bomb": "for _ in range(1000):\n    os.fork()\nreturn 'bomb'",
    "thread bomb": "import threading, time\nfor _ in range(1000):\n"
    "    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\nreturn 'bomb'",
    "rights of root": "os.setuid(0)\nreturn os.getuid()",
    "namespace": "result = libc.unshare(0x10000000)\nif result:\n"
    "    raise OSError(ctypes.get_errno(), 'refused')\nreturn result",
    "outlive the parent": "if libc.prctl(1, 0, 0, 0, 0):\n"
    "    raise OSError(ctypes.get_errno(), 'refused')\nreturn 'outlives'",
}
MEMORY = {
    "3 GB": "return len(bytearray(3 << 30))",
    "3 GB in parts": "parts = []\nfor _ in range(3000):\n    parts.append(bytearray(1 << 20))\n"
    "return 'all'",
    "mapping": "import mmap\nreturn mmap.mmap(-1, 3 << 30)",
    "memory as a file": "return os.memfd_create('x')",
    "shared segment": SYSCALL.format(
        number="29 if os.uname().machine == 'x86_64' else 194", arguments=[0, 1 << 30, 0o1777]
    ),
    "more by a limit": "import resource\n"
    "return resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))",
    "large file": "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    "file = open(os.environ['HOME'] + '/x', 'wb')\nfor _ in range(100):\n"
    "    file.write(bytes(1 << 20))\n    file.flush()\nreturn 'large'",
    "many open files": "return [os.open('/dev/null', 0) for _ in range(1000)]",
}
SIGNALS = {
    "kill the parent": "return os.kill(PARENT, 0)",
    "kill the nursery": "return os.kill(os.getppid(), 9)",
    "kill everybody": "return os.kill(-1, 0)",
    "kill a group": "return os.killpg(os.getpgid(PARENT), 0)",
    "kill a thread": "import signal\n"
    + SYSCALL.format(
        number="200 if os.uname().machine == 'x86_64' else 130", arguments="[PARENT, 0]"
    ),
    "handle on a process": "return os.pidfd_open(PARENT)",
    "signal by a descriptor": "import fcntl\nends = os.pipe()\n"
    "return fcntl.fcntl(ends[0], fcntl.F_SETOWN, PARENT)",
    "trace": "if libc.ptrace(16, PARENT, 0, 0):\n"
    "    raise OSError(ctypes.get_errno(), 'refused')\nreturn 'traced'",
    "limit the parent": "import resource\n"
    "return resource.prlimit(PARENT, resource.RLIMIT_CPU, (1, 1))",
    "priority of the parent": "return os.setpriority(os.PRIO_PROCESS, PARENT, 19)",
    "cores of the parent": "return os.sched_setaffinity(PARENT, {0})",
    "schedule of the parent": "return os.sched_setscheduler(PARENT, 3, os.sched_param(0))",
}
PROBES = {**FILES, **NETWORK, **PROCESSES, **MEMORY, **SIGNALS}


@contained
@pytest.mark.parametrize("name", PROBES)
def test_no_probe_gets_out(world, name):
    before = {path: path.read_bytes() for path in world.rglob("*") if path.is_file()}
    answer = run(world, PROBES[name])
    assert answer.failure is None, answer
    words = answer.reply[1:].decode()
    assert "stopped" in words and SECRET not in words, words
    assert len(PROBES) >= 40
    main = world / "agent" / "main.py"
    assert {p: p.read_bytes() for p in world.rglob("*") if p.is_file() and p != main} == before


@contained
@pytest.mark.parametrize("call", sorted(set(seccomp.denied()) - {"fork", "vfork"}))
def test_no_forbidden_call_is_made(world, call):
    answer = run(world, SYSCALL.format(number=seccomp.denied()[call], arguments=[0, 0, 0, 0]))
    assert b"stopped PermissionError(1" in answer.reply, answer


@contained
def test_a_process_sees_nothing_of_its_owner(world):
    answer = run(
        world, "return (sorted(os.environ), sorted(map(int, os.listdir('/proc/self/fd'))))"
    )
    words = answer.reply.decode()
    assert SECRET not in words and "ARENA_CANARY" not in words
    allowed = {"HOME", "TMPDIR", "PATH", "LANG", "PYTHONHASHSEED", "LC_CTYPE"}
    names, fds = eval(words[1:].partition("got ")[2].rpartition('"')[0])
    assert set(names) <= allowed | set(nursery.QUIET_THREADS)
    assert fds[:4] == [0, 1, 2, 3] and len(fds) == 5  # the fifth lists them


@contained
def test_what_an_agent_needs_works(world):
    body = """
    import random, threading, json, tempfile, sqlite3, asyncio
    import numpy
    thread = threading.Thread(target=print)
    thread.start()
    thread.join()
    with tempfile.TemporaryDirectory() as folder:
        open(folder + '/x', 'w').write('x' * 1000)
    asyncio.run(asyncio.sleep(0))
    os.kill(os.getpid(), 0)
    return open('notes.txt').read(), numpy.linalg.solve(numpy.eye(20), numpy.ones(20)).sum()
    """
    answer = run(world, body, seconds=30, memory_mb=1024)
    assert answer.failure is None and b"got ('mine', " in answer.reply, answer


@contained
def test_layers_are_those_that_were_entered(world):
    child = start(world, "return 0")
    assert child.layers == tuple(name for name in sandbox.layers() if name != "bubblewrap")
    status = Path(f"/proc/{child.pid}/status").read_text()
    assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status
    if "user" in child.layers:  # a user of its own
        assert f"Uid:\t{0x40000000 + child.pid}" in status
    child.kill()


def test_scratch_cannot_fill_the_disk(world):
    body = """
    number = 0
    while True:
        number += 1
        with open(f"{os.environ['HOME']}/{number}", 'wb') as file:
            file.write(bytes(8 << 20))
    """
    child = start(world, body)
    child.tell(protocol.EPISODE, b"[{}, 1]")
    answer = child.ask(protocol.MOVE, BOARD, time.monotonic() + 20)
    assert answer.failure.reason == "crash" and "scratch" in answer.failure.detail
    assert not os.path.exists(child.scratch)


EARLY = {
    "before it is asked": "os.write(3, b'00000000c3')\nreturn 0",
    "many times": "for _ in range(100):\n    os.write(3, bytes(8) + b'c3')\nreturn 0",
    "garbage": "os.write(3, os.urandom(1000))\nreturn 0",
    "nothing": "os.write(3, b'')\nreturn 0",
    "too much": "os.write(3, bytes(100_000))\nreturn 0",
    "no kind": "os.write(3, sys._getframe(4).f_locals['stamp'])\nreturn 0",
    "hang up": "os.close(3)\nreturn 0",
}


@pytest.mark.parametrize("name", EARLY)
def test_who_speaks_out_of_turn_is_ended(world, name):
    child = start(world, EARLY[name])
    child.tell(protocol.EPISODE, b"[{}, 1]")
    answer = child.ask(protocol.MOVE, BOARD, time.monotonic() + 10)
    assert answer.failure.reason == "crash" and answer.reply == b""
    assert not child.alive


def test_a_reply_to_come_cannot_be_sent_ahead(world):
    """The stamp of the next question is not known, so what is sent after a reply is noticed."""
    body = """
    import threading, time
    stamp = sys._getframe(4).f_locals['stamp']
    def ahead():
        time.sleep(0.1)
        os.write(3, stamp + b'c3')
    threading.Thread(target=ahead).start()
    return 0
    """
    child = start(world, body)
    child.tell(protocol.EPISODE, b"[{}, 1]")
    assert child.ask(protocol.MOVE, BOARD, time.monotonic() + 10).failure is None
    time.sleep(0.3)
    assert child.ask(protocol.MOVE, BOARD, time.monotonic() + 10).failure.reason == "crash"


def test_children_die_with_their_owner(world):
    code = (
        "import sys; from agents.confined import Confined, Order; "
        "child = Confined(Order(sys.argv[1], sys.argv[2], (), (), 512)); "
        "print(child.pid, child._nursery._process.pid, flush=True); sys.stdin.read()"
    )
    file = world / "agent" / "main.py"
    file.write_text("def agent(): return 0\n")
    owner = subprocess.Popen(
        [sys.executable, "-c", code, str(file), str(file.parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    pids = [int(word) for word in owner.stdout.readline().split()]
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    deadline = time.monotonic() + 5
    while any(_running(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(_running(pid) for pid in pids)
    owner.stdin.close()
    owner.stdout.close()


def _running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_a_broken_sandbox_is_no_fault_of_the_file(world, monkeypatch):
    monkeypatch.setattr(sandbox, "readable", lambda: [])
    monkeypatch.setattr(nursery, "_nurseries", [])
    order = Order(str(world / "none" / "main.py"), str(world / "none"), (), (), 512)
    with pytest.raises(HarnessError, match="did not start"):
        Confined(order)


def test_the_end_of_a_nursery_is_no_fault_of_the_file(world):
    child = start(world, "import time\ntime.sleep(5)")
    child._nursery._process.kill()
    child.tell(protocol.EPISODE, b"[{}, 1]")
    with pytest.raises(HarnessError):
        child.ask(protocol.MOVE, BOARD, time.monotonic() + 10)
    again = run(world, "return 'well'")
    assert b"well" in again.reply


def test_foreign_code_needs_the_layers_or_trust(monkeypatch):
    assert sandbox.refusal() is None or "landlock" not in sandbox.layers()
    monkeypatch.setattr(sandbox, "layers", lambda: ("limits",))
    assert "--trust" in sandbox.refusal()
    monkeypatch.setenv(sandbox.TRUST, "1")
    assert sandbox.refusal() is None
    monkeypatch.setenv(sandbox.REQUIRE, "1")
    assert "--require-sandbox" in sandbox.refusal()


def test_a_door_stays_closed(world):
    """A listener in the house hears nothing of a file that knocks."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(0.2)
        port = door.getsockname()[1]
        body = f"import socket\nreturn socket.create_connection(('127.0.0.1', {port}))"
        if set(sandbox.NEEDED) <= set(sandbox.layers()):
            assert b"stopped" in run(world, body).reply
            with pytest.raises(TimeoutError):
                door.accept()
