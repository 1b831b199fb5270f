import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import ale_py
import gymnasium
import pytest

from envs import atari, registry
from envs.atari_games import ACTIONS, GROUPS, MINIMAL, PROTOCOLS, TWO_PLAYERS, env_id
from envs.base import EnvOptionError

ROOT = Path(__file__).parents[2]


def test_the_games_are_those_that_ale_py_registers():
    assert len(MINIMAL) == 104
    gymnasium.register_envs(ale_py)
    theirs = {id for id in gymnasium.registry if id.startswith("ALE/")}
    assert {env_id(game) for game in MINIMAL} == theirs
    assert not set(MINIMAL) & set(TWO_PLAYERS)


@pytest.mark.parametrize("game", ["pong", "journey_escape", "video_checkers", "boxing"])
def test_the_actions_are_those_of_the_emulator(game):
    ale = atari.load(game)
    assert [action.value for action in ale.getMinimalActionSet()] == list(MINIMAL[game])
    assert [action.name for action in ale.getLegalActionSet()] == list(ACTIONS)


def test_groups_hold_games_of_their_size():
    sizes = {"atari-5": 5, "atari-26": 26, "atari-57": 57, "atari": 104}
    for name, games in GROUPS.items():
        assert len(set(games)) == len(games) == sizes[name]
        assert set(games) <= set(GROUPS["atari"])
        assert registry.group(name) == tuple(env_id(game) for game in games)
    assert set(GROUPS["atari-26"]) < set(GROUPS["atari-57"])
    assert registry.group("ATARI-5@nature")[1] == "ALE/DoubleDunk-v5@nature"
    assert registry.group("atari-5@sticky") == registry.group("atari-5")
    for name in ("pong", "connectx", "ALE/Pong-v5", "nobody"):
        assert registry.group(name) is None


def test_every_field_is_in_the_stamp():
    protocol = PROTOCOLS["sticky"]
    others = {"name": "x", "max_pool": False, "grey": False, "game_over_only": False}
    changed = [replace(protocol, **{f.name: others.get(f.name, 7)}) for f in fields(protocol)]
    stamps = {protocol.stamp for protocol in (*PROTOCOLS.values(), *changed)}
    assert len(stamps) == 4 + len(changed)
    assert protocol.stamp == "sticky-cd491bc6", "scores of this name would be mixed with older ones"


@pytest.mark.parametrize(
    ("id", "canonical"),
    [
        ("pong", "ALE/Pong-v5"),
        ("PONG@sticky", "ALE/Pong-v5"),
        ("ale/pong-v5", "ALE/Pong-v5"),
        ("ms_pacman", "ALE/MsPacman-v5"),
        ("mspacman@nature", "ALE/MsPacman-v5@nature"),
        ("MsPacman-v5", "ALE/MsPacman-v5"),
        ("tic_tac_toe_3d@sticky-full", "ALE/TicTacToe3D-v5@sticky-full"),
    ],
)
def test_names_of_one_game_have_one_id(id, canonical):
    assert registry.canonical(id) == canonical
    assert registry.canonical(canonical) == canonical


@pytest.mark.parametrize(
    ("id", "words"),
    [
        ("pnog", "did you mean 'pong'?"),
        ("ms_packman", "did you mean 'ms_pacman'?"),
        ("ALE/Breakut-v5", "did you mean 'ALE/Breakout-v5'?"),
        ("ALE/Xyzzyx-v5", "see 'arena envs atari'"),
        ("ALE/Joust-v5", "joust is for two players"),
        ("warlords", "warlords is for two players"),
        ("pong@natur", "did you mean 'nature'?"),
        ("pong@", "known are sticky, nature"),
        ("atari-57", "names 57 games; give one of them, such as 'ALE/Alien-v5'"),
    ],
)
def test_what_is_no_env_is_told_in_a_line(id, words):
    with pytest.raises((registry.UnknownEnvError, EnvOptionError)) as error:
        registry.spec(id)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_the_options_tell_rom_emulator_and_protocol():
    spec = registry.spec("pong@nature")
    assert spec.protocol == PROTOCOLS["nature"].stamp
    assert spec.num_actions == 6
    assert registry.spec("pong@nature-full").num_actions == 18
    told = {"game": "pong", "rom_md5": "60e0ea3cbe0913d39803477945e9e5ec", "ale_py": "0.12.1"}
    assert told.items() <= spec.options.items()
    named = {"protocol" if f.name == "name" else f.name for f in fields(PROTOCOLS["nature"])}
    assert set(spec.options) == named | set(told)


def test_actions_have_the_names_of_the_joystick():
    name = registry.action_name("pong")
    assert " ".join(map(name, range(6))) == "NOOP FIRE RIGHT LEFT RIGHTFIRE LEFTFIRE"


def test_there_are_no_openings_and_no_drawing_from_actions():
    assert registry.openings("pong", 0) == [()]
    with pytest.raises(EnvOptionError, match=r"ALE/Pong-v5 has no openings of 4 plies"):
        registry.openings("pong", 4)
    assert registry.draws("connectx")
    assert not registry.draws("pong")
    with pytest.raises(EnvOptionError, match=r"ALE/Pong-v5 cannot be drawn from its actions"):
        registry.draw("pong")


def test_specs_load_neither_the_emulator_nor_gymnasium():
    code = "from envs import registry; registry.spec('pong'), registry.group('atari')"
    code += "; import sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert not set(done.stdout.split()) & {"ale_py", "gymnasium", "torch"}


def test_the_command_lists_families_groups_and_their_games(arena):
    listed = arena("envs").stdout
    assert "104 Atari games" in listed
    assert "atari-5, atari-26, atari-57, atari" in listed
    assert arena("envs", "atari-5@nature").stdout.split()[1] == "ALE/DoubleDunk-v5@nature"
    assert arena("envs", "mspacman").stdout == "ALE/MsPacman-v5\n"
    assert len(arena("envs", "atari").stdout.split()) == 104
    wrong = arena("envs", "joust")
    assert wrong.returncode == 2
    assert "joust is for two players" in wrong.stderr
