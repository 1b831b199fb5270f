"""Listening sockets of a command and of all that it starts, while it plays."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from tests.faults import processes, stops
from tests.faults.row import Row

_LISTENS = "0A"


def listening(pids: set[int]) -> int:
    """Gives how many TCP sockets some processes listen on."""
    inodes: set[str] = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENS:
                inodes.add(f"socket:[{fields[9]}]")
    found = 0
    for pid in pids:
        try:
            links = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
        except OSError:
            continue
        found += sum(link in inodes for link in links)
    return found


def sockets(folder: Path, count: int) -> Row:
    """Looks `count` times while a tournament is played."""
    process = stops.begin(folder, "local")
    most = seen = 0
    try:
        deadline = time.monotonic() + 60.0
        while not processes.family(process.pid) and time.monotonic() < deadline:
            time.sleep(0.1)
        for _ in range(count):
            time.sleep(0.1)
            pids = {process.pid, *(one.pid for one in processes.family(process.pid))}
            most, seen = max(most, listening(pids)), max(seen, len(pids))
    finally:
        process.terminate()
        _ended(process)
    result = f"{most} sockets of {seen} processes"
    promise = "none, without Ray and TensorBoard"
    return Row("listening sockets", count, promise, result, not most and seen > 1, "")


def _ended(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
