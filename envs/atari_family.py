"""Atari as the registry knows it. Nothing here loads the emulator before an env is made."""

from __future__ import annotations

import json
from dataclasses import asdict
from difflib import get_close_matches
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from envs import atari_games
from envs.atari_games import ACTIONS, GROUPS, PROTOCOLS, TWO_PLAYERS, actions
from envs.base import Env, EnvOptionError, EnvSpec, VectorEnv
from envs.registry import Family, UnknownEnvError
from envs.serial import SerialVectorEnv

_DISCOUNT = 0.99
"""What learners assume unless they are told otherwise; scores are never discounted."""


def _spec(id: str) -> EnvSpec:
    name, protocol = _checked(id)
    if name.lower() in GROUPS:
        games = GROUPS[name.lower()]
        raise EnvOptionError(
            f"'{id}' names {len(games)} games; give one of them, such as "
            f"'{atari_games.env_id(games[0], protocol)}'"
        )
    game = atari_games.find(name)
    if game is None:
        near = atari_games.near(name)
        hint = f"did you mean '{atari_games.env_id(near)}'?" if near else "see 'arena envs atari'"
        raise UnknownEnvError(f"unknown Atari game '{name}'; {hint}")
    if game in TWO_PLAYERS:
        raise EnvOptionError(
            f"{game} is for two players; Atari is played alone here, see 'arena envs atari'"
        )
    return _spec_of(game, protocol)


def _checked(id: str) -> tuple[str, str]:
    """Gives the name of a game or group and of a protocol that exists."""
    name, protocol = atari_games.split(id)
    if protocol not in PROTOCOLS:
        near = get_close_matches(protocol, PROTOCOLS, 1, 0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(PROTOCOLS)}"
        raise EnvOptionError(f"unknown protocol '{protocol}' in '{id}'; {hint}")
    return name, protocol


@cache
def _spec_of(game: str, name: str) -> EnvSpec:
    protocol = PROTOCOLS[name]
    fields = asdict(protocol)
    del fields["name"]
    about = {"game": game, "rom_md5": _rom_md5(game), "ale_py": version("ale-py")}
    return EnvSpec(
        id=atari_games.env_id(game, name),
        options={**about, "protocol": name, **fields},
        num_players=1,
        num_actions=len(actions(game, protocol)),
        observation_shape=(protocol.stack, protocol.screen, protocol.screen),
        discount=_DISCOUNT,
        protocol=protocol.stamp,
    )


def _rom_md5(game: str) -> str:
    """Gives the MD5 of a game's ROM, by the list against which ale-py checks each it loads."""
    package = find_spec("ale_py")
    assert package is not None
    assert package.origin is not None
    sums = json.loads((Path(package.origin).parent / "roms" / "md5.json").read_text())
    return str(sums[f"{game}.bin"])


def _make(spec: EnvSpec) -> Env:
    from envs.atari_env import Atari

    return Atari(spec)


def _make_vector(spec: EnvSpec, num_rows: int) -> VectorEnv:
    from envs.atari_vector import AtariVector

    return AtariVector(spec, num_rows)


def _make_recorded(spec: EnvSpec, num_rows: int) -> VectorEnv:
    return SerialVectorEnv([_make(spec) for _ in range(num_rows)])


def _openings(spec: EnvSpec, plies: int) -> list[tuple[int, ...]]:
    if plies:
        raise EnvOptionError(
            f"{spec.id} has no openings of {plies} plies, its seeds make episodes differ; give 0"
        )
    return [()]


def _group(name: str) -> tuple[str, ...] | None:
    if atari_games.split(name)[0].lower() not in GROUPS:
        return None
    group, protocol = _checked(name)
    return tuple(atari_games.env_id(game, protocol) for game in GROUPS[group.lower()])


FAMILY = Family(
    spec=_spec,
    make=_make,
    make_vector=_make_vector,
    make_recorded=_make_recorded,
    openings=_openings,
    action_name=lambda spec, action: ACTIONS[
        actions(str(spec.options["game"]), PROTOCOLS[str(spec.options["protocol"])])[action]
    ],
    group=_group,
)
