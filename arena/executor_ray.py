"""An executor on Ray: the same jobs, the same bytes, on the processors of one machine or of many.

An actor of Ray, here a *post*, stands for each worker. It runs a job in a process beside it, as
`Local` does, so a job that hangs or dies is noticed where it runs, with its note. A post that is
lost, alone or with its machine, costs the job nothing but time: it goes to another post as it was.

Ray runs whatever it is sent. So the arena starts it with a token only, on one address only, and
joins no cluster that lets in who has none.
https://docs.ray.io/en/latest/ray-security/token-auth.html
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import os
import pickle
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.process import resolve
from arena.executor import Local, Outcome, Pool, Report, Task

HOME = "127.0.0.1"
"""Where Ray listens if nothing is said: it can be reached from this machine only."""
_INSTALL = "pip install -c constraints.txt -e '.[ray]'"
_FLOORS = ("agents", "arena", "configs", "envs", "muzero")
_SESSION = "session"
_OBJECTS = 100_000_000
_POLL_S = 0.2
_PATIENCE_S = 300.0
_LOSSES_BORNE = 3
_PROBE = "import sys; from ray._raylet import GcsClient as C; print(C(sys.argv[1]).cluster_id)"
_TOKENS = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")


class RayError(RuntimeError):
    """Ray that is not installed, not safe, or has no room."""


def make(workers: int | None, address: str | None) -> RayPool:
    """Gives the executor on a Ray of its own, or on a cluster that is there.

    Args:
        workers: how many jobs run at a time; None = as many as there are processors.
        address: `HOST`, where to start Ray; `HOST:PORT`, the cluster to join; None = `HOME`.

    Raises:
        RayError: when Ray is absent, would be open to anybody, or cannot be reached.
    """
    if address is None or ":" not in address:
        cluster = Cluster(address or HOME)
        cluster.add(workers or len(os.sched_getaffinity(0)))
        return join(workers, cluster.address, cluster)
    _demand_token()
    given = any(os.environ.get(name) for name in _TOKENS)
    if not given and not (Path.home() / ".ray" / "auth_token").exists():
        raise RayError(
            f"no token for {address}: copy ~/.ray/auth_token from the cluster's head, where "
            "`ray get-auth-token --generate` makes one, or set RAY_AUTH_TOKEN"
        )
    _demand_closed(address)
    return join(workers, address)


def join(workers: int | None, address: str, own: Cluster | None = None) -> RayPool:
    """Gives the executor on a cluster that is there; `own` is ended with it.

    Raises:
        RayError: when it cannot be reached.
    """
    ray = _ray(address.rpartition(":")[0])
    try:
        quiet = {"log_to_driver": False, "logging_level": "ERROR"}
        worker: Any = importlib.import_module("ray._private.worker")
        worker.print_to_stdstream = _print_nothing  # else stdout, where JSON goes, gets warnings
        ray.init(address=address, namespace="arena", **quiet)
    except Exception as error:  # Ray has a dozen for it
        if own:
            own.close()
        last = str(error).strip().splitlines()[0]
        raise RayError(f"the Ray at {address} cannot be used: {last}") from error
    return RayPool(workers or int(ray.cluster_resources().get("CPU", 1)), own)


class Cluster:
    """A Ray of one machine that lives as long as this process."""

    def __init__(self, host: str) -> None:
        """Checks that Ray may be started on the address `host`.

        Raises:
            RayError: when Ray is absent, or would be open to anybody.
        """
        _demand_token()
        if host in ("0.0.0.0", "::", ""):
            raise RayError(f"--address {host} is every address; name one, such as {HOME}")
        with socket.socket() as probe:
            try:
                probe.bind((host, 0))
            except OSError as error:
                raise RayError(
                    f"--address {host} is no address of this machine ({error.strerror}); to join "
                    "a cluster give HOST:PORT of its head"
                ) from error
        if not any(os.environ.get(name) for name in _TOKENS):
            os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
        _ray(host)
        self._host = host
        self._folder = tempfile.mkdtemp(prefix=f"arena-{os.getpid()}-")
        self._nodes: list[Any] = []

    @property
    def address(self) -> str:
        """Where it can be joined, `HOST:PORT`."""
        return str(self._nodes[0].gcs_address)

    def add(self, processors: int) -> Any:
        """Starts a node and gives it; the first is the head.

        Raises:
            RayError: when it does not come up.
        """
        node, parameter = (
            importlib.import_module(f"ray._private.{name}") for name in ("node", "parameter")
        )
        head, name = not self._nodes, secrets.token_hex(28)
        ports = {name: _free_port(self._host) for name in _PORTS}
        self._announce(name, ports)
        parameters = parameter.RayParams(
            num_cpus=processors,
            num_gpus=0,
            node_ip_address=self._host,
            object_store_memory=_OBJECTS,
            include_dashboard=False,
            include_log_monitor=False,
            temp_dir=self._folder,
            min_worker_port=0,
            max_worker_port=0,
            gcs_address=None if head else self.address,
            node_manager_port=0,
            session_name=_SESSION,
            env_vars={"RAY_OVERRIDE_NODE_ID_FOR_TESTING": name},
            **ports,
        )
        how = {"shutdown_at_exit": False, "spawn_reaper": True}
        try:
            self._nodes.append(node.Node(parameters, head=head, **how))
        except Exception as error:  # Ray raises just that
            self.close()
            raise RayError(f"Ray does not start on {self._host}: {error}") from error
        return self._nodes[-1]

    def _announce(self, name: str, ports: Mapping[str, int]) -> None:
        """Writes what a node waits for, which on a busy machine its agent tells too late."""
        session = Path(self._folder) / _SESSION
        session.mkdir(exist_ok=True)
        for port, number in ports.items():
            (session / f"{port}_{name}").write_text(str(number))

    def close(self) -> None:
        """Ends all nodes and removes what Ray wrote."""
        below = _below(os.getpid())
        for node in reversed(self._nodes):
            with contextlib.suppress(Exception):  # a node that was lost
                node.kill_all_processes(check_alive=False, allow_graceful=False, wait=True)
        self._nodes.clear()
        for pid in below:  # a raylet leaves its agents behind, which stay for half a minute
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::"):
                    os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self._folder, ignore_errors=True)


def _below(pid: int) -> list[int]:
    """Gives the processes that a process has started, and those that they have."""
    try:
        lists = [f.read_text().split() for f in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return []
    children = [int(child) for each in lists for child in each]
    return [*children, *(deeper for child in children for deeper in _below(child))]


class RayPool(Pool):
    """Runs jobs at `workers` posts, which it replaces when they are lost."""

    def __init__(self, workers: int, own: Cluster | None) -> None:
        super().__init__(workers)
        self._ray = _ray()
        self._own = own
        self._coming: dict[Any, Any] = {}
        self._idle: list[Any] = []
        self._busy: dict[Any, tuple[Any, Task]] = {}
        self._lost: deque[Task] = deque()
        self._failures = 0
        self._heard = time.monotonic()
        remote = self._ray.remote(num_cpus=1, max_restarts=0)
        self._post = functools.partial(remote(Post).remote, os.getcwd(), _settings())

    def close(self) -> None:
        """Ends every post at once, and Ray itself where it was started for this."""
        self._abandon()
        for post in [*self._coming.values(), *self._idle]:
            self._ray.kill(post)
        self._coming.clear()
        self._idle.clear()
        self._ray.shutdown()
        if self._own:
            self._own.close()

    def _dispatch(self, target: str, waiting: deque[Task]) -> None:
        waiting.extendleft(reversed(self._lost))
        self._lost.clear()
        posts = len(self._coming) + len(self._idle) + len(self._busy)
        for _ in range(min(self.workers - posts, len(waiting) - len(self._idle))):
            post = self._post()
            self._coming[post.sources.remote()] = post
        while waiting and self._idle:
            post, task = self._idle.pop(), waiting.popleft()
            self._busy[post.run.remote(pickle.dumps((target, task.job)))] = post, task

    def _wait(self) -> list[tuple[Task, Outcome]]:
        refs = [*self._coming, *self._busy]
        ready, _ = self._ray.wait(refs, num_returns=1, timeout=_POLL_S)
        over: list[tuple[Task, Outcome]] = []
        for ref in ready:
            self._heard = time.monotonic()
            if ref in self._coming:
                self._greet(ref)
            else:
                over += self._finish(ref)
        if not self._busy and not self._idle and time.monotonic() - self._heard > _PATIENCE_S:
            raise RayError(
                f"no worker of Ray came up in {_PATIENCE_S:.0f} s; see `ray status`, or ask for "
                "fewer --workers"
            )
        return over

    def _greet(self, ref: Any) -> None:
        """Lets a new post in.

        Raises:
            RayError: when it has another arena than this, or none comes up.
        """
        post = self._coming.pop(ref)
        try:
            sources = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            self._failures += 1
            if self._failures > _LOSSES_BORNE * self.workers:
                last = str(error).strip().splitlines()[-1]
                raise RayError(f"no worker of Ray stays up; the last said: {last}") from error
            return
        if sources != digest():
            raise RayError(
                "a machine of the cluster has another arena than this one, so its games would not "
                "be the same; install the same version everywhere"
            )
        self._idle.append(post)

    def _finish(self, ref: Any) -> list[tuple[Task, Outcome]]:
        post, task = self._busy.pop(ref)
        try:
            outcome = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            self._ray.kill(post)
            task.losses += 1
            if task.losses < _LOSSES_BORNE:
                self._lost.append(task)
                return []
            last = str(error).strip().splitlines()[0]
            return [(task, Outcome(task.index, "crash", f"its machine was lost: {last}"))]
        self._failures = 0
        self._idle.append(post)
        value = pickle.loads(outcome.value) if outcome.status == "ok" else outcome.value
        return [(task, outcome._replace(place=task.index, value=value))]

    def _abandon(self) -> None:
        for post, _ in self._busy.values():
            self._ray.kill(post)
        self._busy.clear()
        self._lost.clear()


class Post:
    """What stands for a worker on its machine: it runs a job at a time and watches over it."""

    def __init__(self, folder: str, settings: Mapping[str, str]) -> None:
        """Goes to `folder`, where it is there, so that relative names mean the same files."""
        with contextlib.suppress(OSError):
            os.chdir(folder)
        os.environ.update(settings)
        self._local = Local(1)

    def sources(self) -> str:
        """Gives the `digest` of the arena on this machine."""
        return digest()

    def run(self, data: bytes) -> Outcome:
        """Runs a packed job; the value of an `ok` is packed, too."""
        (outcome,) = self._local.map(run_packed, [data], ahead=1)
        return outcome


def run_packed(data: bytes, report: Report) -> bytes:
    """Runs a job of which only this process need know anything; gives its result, packed."""
    target, job = pickle.loads(data)
    return pickle.dumps(resolve(target)(job, report))


@functools.cache
def digest() -> str:
    """Gives the SHA-256 of all source files of the arena."""
    root, found = Path(__file__).parents[1], hashlib.sha256()
    for file in sorted(path for floor in _FLOORS for path in (root / floor).rglob("*.py")):
        found.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    return found.hexdigest()


def _print_nothing(data: Any, ignore_prefix: bool = False) -> None:
    """Stands where Ray prints that a machine was lost, which the executor makes good."""


_PORTS = (
    "metrics_agent_port",
    "metrics_export_port",
    "runtime_env_agent_port",
    "dashboard_agent_listen_port",
)


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("ARENA_")}


def _demand_token() -> None:
    """Raises RayError where the user has switched authentication off; else switches it on."""
    mode = os.environ.setdefault("RAY_AUTH_MODE", "token")
    if mode.lower() != "token":
        raise RayError(
            f"RAY_AUTH_MODE={mode}: anybody who reaches such a Ray can run code in it; set "
            "RAY_AUTH_MODE=token, or unset it"
        )


def _demand_closed(address: str) -> None:
    """Raises RayError when a cluster lets in who has no token."""
    names = {*_TOKENS, "RAY_AUTH_MODE"}
    bare = {name: value for name, value in os.environ.items() if name not in names}
    _ray()
    asked = subprocess.run(
        [sys.executable, "-c", _PROBE, address],
        env={**bare, "RAY_AUTH_MODE": "disabled", "HOME": "/nowhere"},
        capture_output=True,
        text=True,
    )
    if asked.returncode == 0:
        raise RayError(
            f"the Ray at {address} lets in anybody; start all its nodes with RAY_AUTH_MODE=token"
        )


def _ray(host: str = "") -> Any:
    """Gives the module `ray`, told to keep to itself.

    Raises:
        RayError: when it is not installed.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_enable_metrics_collection", "0")
    if host.startswith("127."):  # else Ray takes the address of a network card instead
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    try:
        import ray
    except ImportError as error:
        raise RayError(f"Ray is not installed; `{_INSTALL}` brings it") from error
    sys.modules.setdefault("ray.dashboard.optional_deps", None)  # type: ignore[arg-type]
    return ray
