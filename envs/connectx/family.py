"""Connect X as the registry knows it."""

from __future__ import annotations

from collections.abc import Sequence

from envs.base import EnvSpec
from envs.connectx.env import ConnectX, connectx_spec
from envs.connectx.openings import openings
from envs.connectx.rules import geometry
from envs.connectx.vector import ConnectXVector
from envs.registry import Family


def _spec(id: str) -> EnvSpec:
    _, _, size = id.partition("-")
    return connectx_spec(geometry(*map(int, (size or "7x6x4").split("x"))))


def _size(spec: EnvSpec) -> tuple[int, int, int]:
    return int(spec.options["columns"]), int(spec.options["rows"]), int(spec.options["inarow"])


def _draw(spec: EnvSpec, moves: Sequence[int], colour: bool) -> str:
    """Gives the board after moves as text."""
    env = ConnectX(*_size(spec))
    for column in moves:
        env.step(column)
    return env.text(colour)


FAMILY = Family(
    spec=_spec,
    make=lambda spec: ConnectX(*_size(spec)),
    make_vector=lambda spec, num_rows: ConnectXVector(num_rows, *_size(spec)),
    make_recorded=lambda spec, num_rows: ConnectXVector(num_rows, *_size(spec)),
    openings=lambda spec, plies: openings(geometry(*_size(spec)), plies),
    draw=_draw,
    action_name=lambda spec, column: str(column + 1),
)
