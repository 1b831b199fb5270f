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
        RayError: when it lets in who has no token, or there is none here.
    """
    _demand_token()
    given = any(os.environ.get(name) for name in _TOKENS)
    if not given and not (Path.home() / ".ray" / "auth_token").exists():
        raise RayError(
            f"no token for {address}: copy ~/.ray/auth_token from the cluster's head, where "
            "`ray get-auth-token --generate` makes one, or set RAY_AUTH_TOKEN"
        )
    _demand_closed(address)


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
        for node in reversed(self._nodes):
            with contextlib.suppress(Exception):  # a node that was lost
                node.kill_all_processes(check_alive=False, allow_graceful=False, wait=True)
        self._nodes.clear()
        self._watcher.end()  # a raylet leaves its agents behind, which stay for half a minute


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


def _demand_closed(address: str) -> None:
    """Raises RayError when a cluster lets in who has no token."""
    names = {*_TOKENS, "RAY_AUTH_MODE"}
    bare = {name: value for name, value in os.environ.items() if name not in names}
    door()
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
