"""Files as players: Kaggle's calling rules, exactly, and every way of going wrong."""

import contextlib
import gzip
import io
import os
import signal
import subprocess
import sys
import tarfile
import textwrap
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import kaggle_child as protocol
from agents import pool, registry
from agents.base import AgentError, Clock
from agents.confined import Answer
from agents.kaggle import FilePlayer, _judged
from arena import match
from arena.match import TimeControl
from envs import kaggle
from envs import registry as envs

CLOCK = TimeControl(move_s=0.2, bank_s=0.3)
GOOD = "def agent(observation, configuration):\n    return observation.board[:7].index(0)\n"
ENV = envs.make_vector("connectx", 1)


@pytest.fixture
def write(tmp_path):
    def write(source, name="main.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
        return str(path)

    return write


@pytest.fixture
def play(write):
    """Plays a source, which begins, against a good file."""

    def play(source, clock=CLOCK, **options):
        players = [FilePlayer(write(source), **options), FilePlayer(write(GOOD, "good.py"))]
        seats, seeds = np.array([[0, 1]]), np.array([7])
        return match.play(ENV, players, seats, [()], seeds, clock=clock)[0]

    return play


def ours(path):
    """The reply of a file to the first moment."""
    player = FilePlayer(path)
    player.reset(ENV.spec, np.array([0]), np.array([0]))
    step = ENV.reset(np.array([0]), np.array([0]), [()])
    child = player._fresh()
    reply = child.ask(protocol.MOVE, player._moment(step, None, 0.0)).reply
    player.stop()
    return reply


def theirs(path):
    """What the official harness gets from a file at the first moment."""
    env = kaggle.make_connectx()
    agent = kaggle._official().agent.Agent(path, env)
    here = list(sys.path)
    try:
        return agent.act(env.state[0].observation)[0]
    finally:
        sys.path[:] = here
        sys.modules.pop("own_helper", None)


RULES = {
    "two arguments": "def agent(o, c): return repr((o.mark, c.columns))",
    "one argument": "def agent(o): return repr(sorted(o))",
    "no argument": "def agent(): return 'nothing'",
    "three arguments": "def agent(o, c, more=5): return repr(more)",
    "star arguments": "def agent(*a): return repr(len(a))",
    "last callable": "def first(o): return '1'\ndef second(o): return '2'",
    "lambda below": "def agent(o): return '1'\nother = lambda o: '2'",
    "import below": "def agent(o): return '1'\nfrom math import floor",
    "import above": "from math import floor\ndef agent(o): return '1'",
    "class below": "def agent(o): return '1'\nclass Late:\n    def __init__(s, o, c): pass\n"
    "    def __repr__(s): return 'late'",
    "rebound": "def a(o): return '1'\ndef b(o): return '2'\ndef a(o): return '3'",
    "instance": "class A:\n    def __call__(s, o, c): return 'called'\nagent = A()",
    "no callable": "agent = 3",
    "empty": "",
    "syntax": "def agent(:",
    "import error": "import nowhere_to_be_found\ndef agent(o): return '1'",
    "error at import": "def agent(o): return '1'\nraise ValueError('no')",
    "file": "def agent(o): return __file__",
    "name": "name = __name__\ndef agent(o): return name",
    "path": "import sys, os\nname = os.path.basename(sys.path[-1])\ndef agent(o): return name",
    "helper": "import own_helper\ndef agent(o): return repr(own_helper.value)",
    "helper too late": "def agent(o):\n    import own_helper\n    return repr(own_helper.value)",
    "own filename": "import sys\nname = sys._getframe().f_code.co_filename\n"
    "def agent(o, c): return repr((name, c['__raw_path__']))",
    "configuration": "import hashlib, json\ndef agent(o, c):\n"
    "    return hashlib.md5(json.dumps(c, sort_keys=True).encode()).hexdigest()",
    "observation": "import json\ndef agent(o, c):\n"
    "    o.board = len(o.board)\n    return json.dumps(o, sort_keys=True)",
    "attributes": "def agent(o, c):\n"
    "    return repr((o.step, o.board[:2], o.mark, c.inarow, list(vars(o))))",
    "writes": "def agent(o, c):\n    o.own = 1\n    c.x = 2\n    return repr((o['own'], c['x']))",
    "raises": "def agent(o): return 1 / 0",
    "prints": "print('a')\ndef agent(o):\n    print('b')\n    return 'c'",
}


RAISING = {"empty", "file", "helper too late", "raises", "no callable", "syntax"}
RAISING |= {"error at import", "import error", "import below"}


@pytest.mark.parametrize("rule", RULES)
def test_a_file_is_called_as_the_official_harness_calls_it(write, rule):
    write("value = 41", "own_helper.py")
    path = write(RULES[rule], f"{rule.replace(' ', '_')}.py")
    official, reply = theirs(path), ours(path)
    if isinstance(official, Exception):
        assert reply[:1] == protocol.RAISED, (official, reply)
    else:
        words = f"o{official!r} of type {type(official).__name__}"
        assert reply.decode() == words and len(words) < 400
    assert isinstance(official, Exception) == (rule in RAISING)


RETURNED = {
    "-1": "action -1",
    "7": "7",
    "99": "99",
    "10**40": "1000",
    "3.5": "3.5 of type float",
    "3.0": "3.0 of type float",
    "float('nan')": "nan of type float",
    "float('inf')": "inf",
    "True": "True of type bool",
    "'3'": "'3' of type str",
    "[3]": "[3] of type list",
    "__import__('numpy').int64(3)": "int64",
    "b'3'": "bytes",
    "agent": "function",
    "'x' * 100_000_000": "xxx",
}


@pytest.mark.parametrize("value", RETURNED)
def test_what_is_no_column_is_illegal(play, value):
    clock = TimeControl(move_s=5.0)
    episode = play(f"def agent(o): return {value}", clock, memory_mb=2048)
    assert (episode.termination, episode.blame, episode.actions) == ("illegal", 0, ())
    assert RETURNED[value].removeprefix("action ") in episode.detail
    assert "legal were [0, 1, 2, 3, 4, 5, 6]" in episode.detail


def test_a_full_column_is_illegal(play):
    episode = play("def agent(o): return 0")
    assert (episode.termination, episode.blame) == ("illegal", 0)
    assert "legal were [1, 2, 3, 4, 5, 6]" in episode.detail


def test_none_is_column_0(play):
    episode = play("def agent(o): return None")
    assert set(episode.actions[::2]) == {0} and len(episode.actions) > 1
    assert episode.blame is None or "None, which is column 0" in episode.detail


@pytest.mark.parametrize("value", ["3", "int(3)", "__import__('enum').IntEnum('E', 'a b c')(3)"])
def test_whole_numbers_are_columns(play, value):
    assert play(f"def agent(o): return {value}").actions[0] == 3


FAULTS = {
    "does not import": ("import nowhere", "error", "ModuleNotFoundError"),
    "is no Python": ("def agent(:", "error", "SyntaxError"),
    "raises at import": ("1 / 0", "error", "ZeroDivisionError"),
    "raises": ("def agent(o): raise KeyError('x')", "error", "KeyError: 'x'"),
    "hangs at import": ("while True: pass", "timeout", "no move after"),
    "hangs": ("def agent(o):\n    while True: pass", "timeout", "no move after"),
    "sleeps": ("import time\ndef agent(o): time.sleep(9)", "timeout", "no move after"),
    "defends itself": (
        "import time\ndef agent(o):\n    while True:\n        try: time.sleep(9)\n"
        "        except BaseException: pass",
        "timeout",
        "no move after",
    ),
    "floods": ("def agent(o):\n    while True: print('x' * 9999)", "timeout", "xxx"),
    "sys.exit": ("import sys\ndef agent(o): sys.exit(0)", "error", "SystemExit"),
    "exit": ("def agent(o): exit()", "error", "SystemExit"),
    "interrupt": ("def agent(o): raise KeyboardInterrupt", "error", "KeyboardInterrupt"),
    "os._exit": ("import os\ndef agent(o): os._exit(3)", "crash", "exit status 3"),
    "segfault": ("import ctypes\ndef agent(o): ctypes.string_at(0)", "crash", "SIGSEGV"),
    "abort": ("import os\ndef agent(o): os.abort()", "crash", "SIGABRT"),
    "kills itself": ("import os\ndef agent(o): os.kill(os.getpid(), 9)", "crash", "SIGKILL"),
    "too deep": ("def agent(o): return agent(o)", "error", "RecursionError"),
    "3 GB": ("def agent(o): return len(bytearray(3 << 30))", "memory", "MemoryError"),
    "raises oddly": (
        "class E(Exception):\n    def __str__(self): raise self\ndef agent(o): raise E",
        "error",
        "E",
    ),
    "odd value": (
        "class V:\n    def __repr__(self): raise ValueError\ndef agent(o): return V()",
        "error",
        "ValueError",
    ),
    "lies about its type": (
        "class V:\n    __class__ = int\ndef agent(o): return V()",
        "error",
        "TypeError",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_its_name_and_its_words(play, fault):
    source, reason, words = FAULTS[fault]
    began = time.monotonic()
    episode = play(source)
    assert (episode.termination, episode.blame, episode.actions) == (reason, 0, ())
    assert words in episode.detail and len(episode.detail) <= 10_000
    assert time.monotonic() - began < 4.0


def test_a_traceback_begins_in_the_file(play):
    detail = play("def agent(o):\n    return {}[1]").detail
    lines = detail.splitlines()
    assert lines[0].startswith("Traceback") and "main.py" in lines[1] and "line 2" in lines[1]


@given(st.binary(max_size=40))
def test_any_reply_is_a_legal_column_or_a_failure(reply):
    mask = np.array([True, False, True])
    column, failure = _judged(Answer(reply, None, 0.0), mask)
    assert failure or mask[column]
    assert failure is None or failure.reason in ("illegal", "crash", "error", "memory")


def test_a_fork_bomb_is_an_error(play):
    source = "import os\ndef agent(o):\n    while True: os.fork()"
    assert play(source, TimeControl(move_s=1.0, bank_s=0.0)).termination in ("error", "timeout")


def test_what_it_printed_is_kept_with_the_fault(play):
    source = "import os, sys\ndef agent(o):\n    print('last words', file=sys.stderr)\n    {}"
    for end in ("os._exit(1)", "1 / 0", "while True: pass"):
        assert "last words" in play(source.format(end)).detail


def test_printing_20_mb_is_no_fault(play):
    source = "def agent(o, c):\n    print('x' * 20_000_000)\n    return o.board[:7].index(0)"
    assert play(source, TimeControl()).blame is None


def test_the_bank_pays_for_a_slow_move_once(play):
    slow = "import time\ndef agent(o, c):\n    time.sleep(0.35)\n    return 3"
    episode = play(slow, TimeControl(move_s=0.2, bank_s=0.4))
    assert (episode.termination, episode.blame) == ("timeout", 0)
    assert 1 <= len(episode.actions[::2]) <= 2


def test_the_file_is_told_of_the_clock(play):
    source = """
    def agent(o, c):
        raise ValueError((c.actTimeout, c.agentTimeout, round(o.remainingOverageTime, 1)))
    """
    assert "(0.2, 0.3, 0.3)" in play(source).detail


def test_state_ends_with_the_episode(write):
    """The file is executed anew, its own modules too; the process stays."""
    write("calls = []", "helper.py")
    source = """
    import os, helper
    count = 0
    def agent(o, c):
        global count
        count += 1
        helper.calls.append(1)
        return f"{count} {len(helper.calls)} {os.getpid()}"
    """
    player = FilePlayer(write(source))
    step = ENV.reset(np.array([0]), np.array([0]), [()])
    told = []
    for _ in range(3):
        player.reset(ENV.spec, np.array([0]), np.array([0]))
        child = player._fresh()
        told += [child.ask(protocol.MOVE, player._moment(step, None, 0.0)).reply for _ in "ab"]
    assert told[0].startswith(b"o'1 1 ") and told[1].startswith(b"o'2 2 ")
    assert told[::2] == told[:1] * 3 and told[1::2] == told[1:2] * 3
    player.stop()


def test_a_fault_costs_the_process_and_no_other_game(write):
    source = """
    import os
    def agent(o, c):
        if o.step == 2:
            os._exit(1)
        return o.board[:7].index(0)
    """
    path = write(source)
    players = [FilePlayer(path), FilePlayer(write(GOOD, "good.py"))]
    for seat in (0, 0, 1):
        seats = np.array([[seat, 1 - seat]])
        episode = match.play(ENV, players, seats, [()], np.array([1]), clock=CLOCK)[0]
        assert episode.blame == (0 if seat == 0 else None), episode


def test_equal_seeds_give_equal_choices(write):
    path = write("import random\ndef agent(o, c): return random.randrange(7)")
    chosen = []
    for seed in (5, 6, 5):
        player = FilePlayer(path)
        player.reset(ENV.spec, np.array([0]), np.array([seed]))
        step = ENV.reset(np.array([0]), np.array([0]), [()])
        chosen.append([int(player.act(np.array([0]), step).action[0]) for _ in range(20)])
        player.stop()
    assert chosen[0] == chosen[2] != chosen[1]


def moved(player, seconds):
    player.reset(ENV.spec, np.array([0]), np.array([0]))
    step = ENV.reset(np.array([0]), np.array([0]), [()])
    return player.act(np.array([0]), step, Clock(time.monotonic() + seconds))


def test_time_in_which_the_house_stood_still_is_given_back(write):
    class Sluggish:
        def __init__(self, poll):
            self._poll = poll

        def poll(self, patience):
            time.sleep(0.3)
            return self._poll.poll(patience)

    player = FilePlayer(write("import time\ndef agent(o, c):\n    time.sleep(0.1)\n    return 3"))
    moved(player, 5.0)
    player._child._poll = Sluggish(player._child._poll)
    decisions = moved(player, 0.2)
    assert decisions.failure is None and decisions.action[0] == 3
    assert player.charged_s < 0.2
    player.stop()


def test_a_stopped_house_blames_nobody(write):
    path = write("import time\ndef agent(o, c):\n    time.sleep(0.3)\n    return 3")
    code = """
    import sys, time
    import numpy as np
    from agents.base import Clock
    from agents.kaggle import FilePlayer
    from envs import registry
    env = registry.make_vector("connectx", 1)
    player = FilePlayer(sys.argv[1])
    player.reset(env.spec, np.array([0]), np.array([0]))
    step = env.reset(np.array([0]), np.array([0]), [()])
    player.act(np.array([0]), step)
    print("ready", flush=True)
    began = time.monotonic()
    decisions = player.act(np.array([0]), step, Clock(began + 0.6))
    print(decisions.failure, player.charged_s < 0.6, time.monotonic() - began > 1.0)
    player.stop()
    """
    house = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), path], stdout=subprocess.PIPE, text=True
    )
    assert house.stdout.readline() == "ready\n"
    time.sleep(0.1)
    house.send_signal(signal.SIGSTOP)
    time.sleep(1.2)
    house.send_signal(signal.SIGCONT)
    assert house.communicate(timeout=20)[0] == "None True True\n"


def test_between_games_it_stands_still(write):
    source = """
    import threading
    def spin():
        while True: pass
    threading.Thread(target=spin, daemon=True).start()
    def agent(o, c): return 3
    """
    path = write(source)
    player = FilePlayer(path)
    moved(player, 10.0)
    child = player._child
    player.rest()
    time.sleep(0.02)
    before = child.processor_s()
    time.sleep(0.1)
    assert child.processor_s() == before
    again = FilePlayer(path)
    assert moved(again, 10.0).failure is None and again._child is child
    again.stop()


def test_who_dies_or_speaks_between_games_is_replaced(write):
    source = """
    import os, threading, time
    def later():
        time.sleep(0.05)
        {}
    def agent(o, c):
        threading.Thread(target=later).start()
        return 3
    """
    for what in ("os._exit(1)", "os.write(3, b'c3')"):
        player = FilePlayer(write(source.format(what)))
        moved(player, 10.0)
        time.sleep(0.3)
        assert moved(player, 10.0).failure is None
        player.stop()


def test_processes_rest_until_their_memory_is_needed(write, monkeypatch):
    monkeypatch.setattr(pool, "_resting", [])
    monkeypatch.setattr(pool, "_KEPT", 3)
    pids = []
    for number in range(5):
        player = FilePlayer(write(GOOD, f"file{number}.py"))
        moved(player, 10.0)
        pids.append(player._child.pid)
        player.rest()
    assert [child.pid for _, child in pool._resting] == pids[2:]
    monkeypatch.setattr(pool, "_KEPT_MB", 0.0)
    player = FilePlayer(write("data = bytes(8 << 20)\n" + GOOD, "large.py"))
    moved(player, 10.0)
    player.rest()
    assert not pool._resting


def test_a_process_that_fills_up_from_game_to_game_is_replaced_in_time(write):
    source = """
    import sys, types
    kept = sys.modules.setdefault("kept", types.ModuleType("kept"))
    kept.data = [*getattr(kept, "data", ()), bytes(60 << 20)]
    """
    player, pids = FilePlayer(write(textwrap.dedent(source) + GOOD), memory_mb=512), []
    for _ in range(12):
        assert moved(player, 10.0).failure is None
        pids.append(player._child.pid)
    assert 1 < len(set(pids)) < 6
    player.stop()


def packed(path, *members):
    """Writes an archive of (name, content or type, link target)."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = content
                archive.addfile(info)
    return str(path)


def test_an_archive_plays(tmp_path):
    main = b"import helper\ndef agent(o, c): return helper.column(o)\n"
    path = packed(
        tmp_path / "submission.tar.gz",
        ("./main.py", main),
        ("./helper.py", b"def column(o): return int(open('data/x').read())"),
        ("./data/x", b"5"),
    )
    player = FilePlayer(path)
    assert moved(player, 10.0).action[0] == 5
    assert registry.make(path).digest == player.digest and len(player.digest) == 64
    player.stop()


UNSAFE = {
    "absolute": [("/tmp/arena-escape/main.py", b"")],
    "climbs": [("../main.py", b"")],
    "climbs inside": [("a/../../main.py", b"")],
    "symbolic link": [("main.py", (tarfile.SYMTYPE, "/etc/passwd"))],
    "hard link": [("main.py", (tarfile.LNKTYPE, "/etc/passwd"))],
    "link, then through it": [("d", (tarfile.SYMTYPE, "/tmp")), ("d/main.py", b"")],
    "device": [("main.py", (tarfile.CHRTYPE, ""))],
    "pipe": [("main.py", (tarfile.FIFOTYPE, ""))],
    "bomb": [("main.py", GOOD.encode()), ("zeros", bytes(30_000_000))],
    "many files": [("main.py", GOOD.encode()), *((f"f{i}", os.urandom(99)) for i in range(200))],
    "long name": [("x" * 256, b"")],
    "no main": [("folder/main.py", GOOD.encode())],
    "file in the way": [("main.py", b""), ("main.py/x", b"")],
}


@pytest.mark.parametrize("kind", UNSAFE)
def test_unsafe_archives_are_refused_in_one_line(tmp_path, kind):
    path = packed(tmp_path / "submission.tar.gz", *UNSAFE[kind])
    with pytest.raises(AgentError) as refused:
        registry.make(path)
    assert "\n" not in str(refused.value) and "submission.tar.gz" in str(refused.value)
    assert not os.path.exists("/tmp/arena-escape")
    assert [p.name for p in tmp_path.iterdir()] == ["submission.tar.gz"]


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08\x00broken"])
def test_broken_archives_are_refused(tmp_path, content):
    path = tmp_path / "submission.tar.gz"
    path.write_bytes(content)
    with pytest.raises(AgentError, match=r"submission\.tar\.gz.*; pack"):
        FilePlayer(str(path))
    path.write_bytes(b"")


def test_a_cut_archive_is_refused(tmp_path):
    whole = packed(tmp_path / "a.tar.gz", ("main.py", os.urandom(5000)))
    with open(whole, "r+b") as file:
        file.truncate(3000)
    with pytest.raises(AgentError, match="no readable"):
        FilePlayer(whole)


@given(st.integers(0, 10**6), st.integers(0, 255))
def test_damaged_archives_are_refused_or_play(tmp_path_factory, place, byte):
    folder = tmp_path_factory.mktemp("damaged")
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        info = tarfile.TarInfo("main.py")
        info.size = len(GOOD)
        archive.addfile(info, io.BytesIO(GOOD.encode()))
    data = bytearray(plain.getvalue()[:1536])
    data[place % len(data)] = byte
    path = folder / "a.tar.gz"
    path.write_bytes(gzip.compress(bytes(data), mtime=0))
    with contextlib.suppress(AgentError):
        FilePlayer(str(path))
    assert [entry.name for entry in folder.iterdir()] == ["a.tar.gz"]


def test_names_are_paths_from_here(write, tmp_path, monkeypatch):
    write(GOOD, "deep/main.py")
    monkeypatch.chdir(tmp_path)
    for text in ("deep/main.py", "./deep//main.py", f"{tmp_path}/deep/main.py"):
        assert registry.canonical(text) == "deep/main.py"
    assert registry.canonical("deep/main.py:memory_mb=2048") == "deep/main.py:memory_mb=2048"
    assert registry.canonical("deep/main.py:memory_mb=1024") == "deep/main.py"
    with pytest.raises(AgentError, match=r"no file 'deep/mian.py' here; did you mean 'deep/main"):
        registry.make("deep/mian.py")
    with pytest.raises(AgentError, match="did you mean 'memory_mb'"):
        registry.make("deep/main.py:memory=3")
    with pytest.raises(AgentError, match="memory_mb=1 "):
        registry.make("deep/main.py:memory_mb=1")


def test_a_file_needs_trust_where_nothing_contains_it(write, monkeypatch):
    path = write(GOOD)
    monkeypatch.setattr("agents.sandbox.layers", lambda: ("limits", "seccomp"))
    with pytest.raises(AgentError, match=r"without landlock; .* --trust"):
        registry.make(path)
    monkeypatch.setenv("ARENA_TRUST", "1")
    registry.make(path)


def test_making_a_player_runs_nothing(write, tmp_path):
    registry.canonical(write(f"open({str(tmp_path / 'ran')!r}, 'w')\n1 / 0"))
    assert not (tmp_path / "ran").exists()
