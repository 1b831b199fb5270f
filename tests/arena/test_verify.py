"""Recorded episodes played again: board games, Atari, forfeits; every change is noticed."""

import json
from dataclasses import replace

import numpy as np
import pytest

import tests.faulty_players as faulty
from agents import registry as agents
from arena import match
from arena.match_record import MatchRecord
from arena.records import Records
from arena.replaying import ForeignRecordError, difference, moments
from envs import registry


def record(env, players, seed=5, opening=(), **changes):
    seats = np.arange(len(players))[None]
    made = [agents.make(player) for player in players]
    vector = registry.make_recorded(env, 1)
    (episode,) = match.play(vector, made, seats, [opening], np.array([seed]))
    spec = registry.spec(env)
    found = MatchRecord(
        env=spec.id,
        agents=tuple(players),
        seed=seed,
        start=bytes(opening),
        actions=bytes(episode.actions),
        returns=episode.returns,
        digests=episode.digest_bytes,
        termination=episode.termination,
        blame=episode.blame,
        options=spec.options,
        number=1,
    )
    return replace(found, **changes)


@pytest.fixture(scope="module")
def pong():
    found = record("pong", ["random"])
    assert len(found.actions) < 1000 or len(found.digests) > 8
    return found


@pytest.fixture(scope="module")
def freeway():
    """An episode of more than 2,000 steps, so with digests on the way."""
    return record("freeway", ["random"])


def test_what_was_recorded_is_verified(pong, freeway):
    assert difference(pong) is None
    assert len(freeway.actions) > 2000 and difference(freeway) is None
    assert difference(record("connectx", ["random", "one-ply"], opening=(3, 3, 1))) is None


@pytest.mark.parametrize("env", ["pong", "connectx"])
def test_a_forfeit_is_verified(env):
    players = [f"{faulty.__name__}:Raises"] + ["random"] * (registry.spec(env).num_players - 1)
    found = record(env, players)
    assert found.blame == 0 and difference(found) is None


def test_every_change_is_noticed(pong, freeway):
    assert difference(replace(pong, seed=6))
    assert "returns are" in difference(replace(pong, returns=(7.0,)))
    assert "last state" in difference(replace(pong, digests=pong.digests[:-8] + b"another!"))
    assert difference(replace(pong, actions=pong.actions[:-1]))
    assert "cannot be played" in difference(replace(pong, actions=pong.actions + b"\0"))
    assert "cannot be played" in difference(replace(pong, actions=b"\xff" + pong.actions[1:]))
    changed = bytearray(freeway.actions)
    changed[1200:1400] = b"\1" * 200  # walks on
    words = difference(replace(freeway, actions=bytes(changed)))
    assert "between the actions 1000 and 2000" in words
    assert "digests on the way" in difference(replace(freeway, digests=freeway.digests[8:]))
    assert "digests" in difference(replace(freeway, digests=b""))
    assert "start cannot be played" in difference(
        replace(record("connectx", ["random", "random"]), start=b"\x63")
    )


@pytest.mark.parametrize("option", ["rom_md5", "ale_py"])
def test_another_rom_or_emulator_is_refused(pong, option):
    foreign = replace(pong, options={**pong.options, option: "other"})
    with pytest.raises(ForeignRecordError, match="other"):
        difference(foreign)


def test_moments_are_those_of_the_episode(pong):
    steps = list(moments(pong))
    assert len(steps) == len(pong.actions) + 1
    assert sum(step.rewards[0] for step in steps) == pong.returns[0]
    assert steps[-1].last and not steps[-2].last


def test_verify_at_the_command_line(arena, workshop, pong):
    changed = replace(pong, seed=9, slot=None)
    with Records.write(workshop / "runs" / "mixed") as records:
        records.commit([pong, changed, record("connectx", ["random", "random:seed=2"])])
    done = arena("verify", "mixed", "--json")
    assert done.returncode == 3, done.stderr
    document = json.loads(done.stdout)
    rows = {row["env"]: (row["episodes"], row["verified"]) for row in document["envs"]}
    assert rows == {"ALE/Pong-v5": (2, 1), "connectx": (1, 1)}
    assert [row["episode"] for row in document["differences"]] == ["mixed/2"]
    assert arena("verify", "mixed/1", "mixed/3").returncode == 0
    assert "mixed/2: " in arena("verify", "mixed/2").stdout


@pytest.mark.parametrize("name", ["nowhere", "nowhere/1", "mixed/x"])
def test_what_is_no_episode_is_one_line(arena, name):
    done = arena("verify", name)
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1
