"""A Ray of this machine, and the guard of every Ray that the arena uses.

Ray runs whatever it is sent. So the arena starts it with a token only, on one address only, and
joins no cluster that lets in who has none.
https://docs.ray.io/en/latest/ray-security/token-auth.html
"""

from __future__ import annotations

import contextlib
import importlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from arena import ray_watch

HOME = "127.0.0.1"
"""Where Ray listens if nothing is said: it can be reached from this machine only."""
_INSTALL = "pip install -c constraints.txt -e '.[ray]'"
_SESSION = "session"
_OBJECTS = 100_000_000
_PROBE = "import sys; from ray._raylet import GcsClient as C; print(C(sys.argv[1]).cluster_id)"
_REACH_S = 5.0
_TOKENS = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
_EVEN = {"RAY_worker_niceness": "0"}  # else workers yield to all others, and players lose on time
_PORTS = (
    "metrics_agent_port",
    "metrics_export_port",
    "runtime_env_agent_port",
    "dashboard_agent_listen_port",
)


class RayError(RuntimeError):
    """Ray that is not installed, not safe, or has no room."""


def connect(address: str) -> Any:
    """Joins the Ray at `HOST:PORT` and gives the module `ray`.

    Raises:
        RayError: when it cannot be reached.
    """
    ray = door(address.rpartition(":")[0])
    try:
        quiet = {"log_to_driver": False, "logging_level": "ERROR"}
        worker: Any = importlib.import_module("ray._private.worker")
        worker.print_to_stdstream = _print_nothing  # else stdout, where JSON goes, gets warnings
        ray.init(address=address, namespace="arena", **quiet)
    except Exception as error:  # Ray has a dozen for it
        last = str(error).strip().splitlines()[0]
        raise RayError(f"the Ray at {address} cannot be used: {last}") from error
    return ray


def guard(address: str) -> None:
    """Refuses a cluster that is not closed to others, or to us.

    Args:
        address: `HOST:PORT` of its head.

    Raises:
        RayError: when it cannot be reached, lets in who has no token, or does not let in us.
    """
    _demand_token()
    given = any(os.environ.get(name) for name in _TOKENS)
    if not given and not (Path.home() / ".ray" / "auth_token").exists():
        raise RayError(
            f"no token for {address}: copy ~/.ray/auth_token from the cluster's head, where "
            "`ray get-auth-token --generate` makes one, or set RAY_AUTH_TOKEN"
        )
    door(address.rpartition(":")[0])
    _reach(address)
    nothing = dict.fromkeys(_TOKENS, "")
    if _admitted(address, **nothing, RAY_AUTH_MODE="disabled", HOME="/nowhere"):
        raise RayError(
            f"the Ray at {address} lets in anybody; start all its nodes with RAY_AUTH_MODE=token"
        )
    if not _admitted(address):
        raise RayError(
            f"the Ray at {address} does not take this token; copy ~/.ray/auth_token from the "
            "cluster's head, or set RAY_AUTH_TOKEN to the same"
        )


class Cluster:
    """A Ray of one machine that lives as long as this process."""

    def __init__(self, host: str) -> None:
        """Checks that Ray may be started on the address `host`.

        Raises:
            RayError: when Ray is absent, or would be open to anybody.
        """
        _demand_token()
        if host != HOME:
            raise RayError(
                f"--address {host}: a Ray that is started there listens on every address of this "
                f"machine, as on any but {HOME}; leave it out, or give HOST:PORT of a cluster that "
                "you have started, see docs/cluster.md"
            )
        if not any(os.environ.get(name) for name in _TOKENS):
            os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
        door(host)
        self._host = host
        self._folder = tempfile.mkdtemp(prefix=f"arena-{os.getpid()}-")
        self._watcher = ray_watch.Watcher(self._folder)
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
            env_vars={"RAY_OVERRIDE_NODE_ID_FOR_TESTING": name, **_EVEN, **self._watcher.mark},
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
        self._watcher.end()  # first: it knows a raylet's agents, which would stay for half a minute
        for node in reversed(self._nodes):
            with contextlib.suppress(Exception):  # a node that was lost
                node.kill_all_processes(check_alive=False, allow_graceful=False, wait=True)
        self._nodes.clear()


def _print_nothing(data: Any, ignore_prefix: bool = False) -> None:
    """Stands where Ray prints that a machine was lost, which the executor makes good."""


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _demand_token() -> None:
    """Raises RayError where the user has switched authentication off; else switches it on."""
    mode = os.environ.setdefault("RAY_AUTH_MODE", "token")
    if mode.lower() != "token":
        raise RayError(
            f"RAY_AUTH_MODE={mode}: anybody who reaches such a Ray can run code in it; set "
            "RAY_AUTH_MODE=token, or unset it"
        )


def _reach(address: str) -> None:
    """Raises RayError when nobody answers; Ray would take most of a minute to say so."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_REACH_S).close()
    except (OSError, ValueError, OverflowError) as error:
        raise RayError(
            f"nobody answers at {address} ({error}); give HOST:PORT of a cluster's head, which "
            "`ray start --head` starts, see docs/cluster.md"
        ) from error


def _admitted(address: str, **changes: str) -> bool:
    """Gives whether a cluster lets in a process with our environment and some changes."""
    with subprocess.Popen(
        [sys.executable, "-c", _PROBE, address],
        env={**os.environ, **changes},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as asked:
        assert asked.stderr is not None
        for line in asked.stderr:
            if "Unauthenticated" in line:  # it would go on asking for 20 s
                asked.kill()
                return False
    return asked.returncode == 0


def door(host: str = "") -> Any:
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
