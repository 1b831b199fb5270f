"""Every Atari game by name: actions, groups, protocols. Plain data, no emulator is loaded.

A game is named as ale-py names its ROM (`ms_pacman`), a protocol says how it is played. An id joins
both: `ALE/MsPacman-v5@nature`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from difflib import get_close_matches

DEFAULT = "sticky"
"""The protocol that ids leave out."""
PREFIX, SUFFIX = "ALE/", "-v5"

_ACTIONS = """
NOOP FIRE UP RIGHT LEFT DOWN UPRIGHT UPLEFT DOWNRIGHT DOWNLEFT UPFIRE RIGHTFIRE LEFTFIRE DOWNFIRE
UPRIGHTFIRE UPLEFTFIRE DOWNRIGHTFIRE DOWNLEFTFIRE
"""
ACTIONS = tuple(_ACTIONS.split())
"""What people call the 18 actions of the joystick, by the emulator's number."""

_GAMES = """
adventure air_raid:181b alien amidar:3c3f assault:181f asterix:3fd asteroids:fcff
atlantis:1803 atlantis2:1803 backgammon:1a bank_heist basic_math:3f battle_zone
beam_rider:18df berzerk blackjack:27 bowling:2427 boxing breakout:1b carnival:181b casino:27
centipede chopper_command crazy_climber:3fd crossbow darkchambers defender demon_attack:181b
donkey_kong double_dunk earthworld elevator_action enduro:1b3b entombed et fishing_derby
flag_capture freeway:25 frogger:3d frostbite galaxian:181b gopher:1c1f gravitar hangman
haunted_house hero human_cannonball ice_hockey jamesbond journey_escape:3fbfd kaboom:1b
kangaroo keystone_kapers:3fff king_kong:3f klax koolaid:3fd krull kung_fu_master:3fb3d
laser_gates lost_luggage:3fd mario_bros miniature_golf montezuma_revenge mr_do:3c3f
ms_pacman:3fd name_this_game:181b othello:3ff pacman:3d phoenix:383b pitfall pitfall2
pong:181b pooyan:2427 private_eye qbert:3f riverraid road_runner robotank seaquest
sir_lancelot:181b skiing:19 solaris space_invaders:181b space_war star_gunner superman
surround:3d tennis tetris:3b tic_tac_toe_3d:3ff time_pilot:3c3f trondead turmoil:1bff
tutankham:1c3d up_n_down:2427 venture video_checkers:3c2 video_chess:3ff video_cube
video_pinball:1c3f wizard_of_wor:3c3f word_zapper yars_revenge zaxxon
"""
"""Games of ale-py 0.12.1 that one can play alone, each with the bits of the actions that it knows,
hexadecimal; all 18 where none are given."""

MINIMAL: dict[str, tuple[int, ...]] = {
    name: tuple(n for n in range(len(ACTIONS)) if int(bits or "3ffff", 16) >> n & 1)
    for name, _, bits in (entry.partition(":") for entry in _GAMES.split())
}
"""Game to the emulator's numbers of the actions that it knows, in the emulator's order."""

TWO_PLAYERS = ("combat", "joust", "maze_craze", "warlords")
"""Games that ship with ale-py and cannot be played alone."""

_FIVE = "battle_zone double_dunk name_this_game phoenix qbert"
_TWENTY_SIX = """
alien amidar assault asterix bank_heist battle_zone boxing breakout chopper_command
crazy_climber demon_attack freeway frostbite gopher hero jamesbond kangaroo krull
kung_fu_master ms_pacman pong private_eye qbert road_runner seaquest up_n_down
"""
_FIFTY_SEVEN = """
alien amidar assault asterix asteroids atlantis bank_heist battle_zone beam_rider berzerk
bowling boxing breakout centipede chopper_command crazy_climber defender demon_attack
double_dunk enduro fishing_derby freeway frostbite gopher gravitar hero ice_hockey jamesbond
kangaroo krull kung_fu_master montezuma_revenge ms_pacman name_this_game phoenix pitfall pong
private_eye qbert riverraid road_runner robotank seaquest skiing solaris space_invaders
star_gunner surround tennis time_pilot tutankham up_n_down venture video_pinball wizard_of_wor
yars_revenge zaxxon
"""

GROUPS: dict[str, tuple[str, ...]] = {
    "atari-5": tuple(_FIVE.split()),
    "atari-26": tuple(_TWENTY_SIX.split()),
    "atari-57": tuple(_FIFTY_SEVEN.split()),
    "atari": tuple(MINIMAL),
}
"""Group to games. `atari-5`: the five that tell most about all (https://arxiv.org/abs/2210.02019);
`atari-26`: those of Atari 100k (https://arxiv.org/abs/1903.00374); `atari-57`: the classic set
(https://arxiv.org/abs/1511.06581); `atari`: every game."""


@dataclass(frozen=True)
class Protocol:
    """How a game is played and seen: scores of different protocols cannot be compared.

    `sticky` follows https://arxiv.org/abs/1709.06009, `nature` follows
    https://doi.org/10.1038/nature14236; both end with the game only, never with a life.
    """

    name: str
    repeat_action_probability: float
    """Chance in every frame that the emulator goes on with the action of the frame before."""
    noops: int
    """An episode begins with 1 to so many idle frames; 0 for none."""
    full_actions: bool
    """All 18 actions, also those that the game does not know."""
    frame_skip: int = 4
    """Frames that an action lasts."""
    max_pool: bool = True
    """Each pixel is the lighter one of the last two frames, since games flicker."""
    screen: int = 84
    """Height and width of a picture."""
    grey: bool = True
    """One channel, luminance."""
    stack: int = 4
    """Pictures in an observation, the newest last; black before the first."""
    game_over_only: bool = True
    """A lost life does not end an episode."""
    max_frames: int = 108_000
    """Frames until an episode is truncated: half an hour of play; idle ones do not count."""

    @property
    def stamp(self) -> str:
        """Gives the name and a hash of every field: equal stamps mean equal protocols."""
        text = json.dumps(asdict(self), sort_keys=True)
        return f"{self.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("sticky", 0.25, 0, False),
        Protocol("nature", 0.0, 30, False),
        Protocol("sticky-full", 0.25, 0, True),
        Protocol("nature-full", 0.0, 30, True),
    )
}


def actions(game: str, protocol: Protocol) -> tuple[int, ...]:
    """Gives the emulator's number of every action of an env, in the order of the env."""
    return tuple(range(len(ACTIONS))) if protocol.full_actions else MINIMAL[game]


def split(text: str) -> tuple[str, str]:
    """Gives the game or group as written and the name of the protocol, which may be unknown."""
    name, _, protocol = text.partition("@")
    return name, protocol or (DEFAULT if "@" not in text else "")


def matches(text: str) -> bool:
    """Tells whether a text names a game, a group or something of `ALE/`, under any protocol."""
    name, _ = split(text)
    return name.lower() in GROUPS or find(name) is not None or name.lower().startswith("ale/")


def find(name: str) -> str | None:
    """Gives the game that has a name, also one for two players; None where there is none.

    `MsPacman`, `ms_pacman`, `mspacman` and `ALE/MsPacman-v5` are names of the same one.
    """
    return _BY_PLAIN_NAME.get(_plain(name))


def near(name: str) -> str | None:
    """Gives the game whose name is nearest to a misspelt one; None where none is near."""
    found = get_close_matches(_plain(name), list(_BY_PLAIN_NAME), 1, 0.6)
    return _BY_PLAIN_NAME[found[0]] if found else None


def env_id(game: str, protocol: str = DEFAULT) -> str:
    """Gives the canonical id of a game under a protocol."""
    name = game.title().replace("_", "")
    return f"{PREFIX}{name}{SUFFIX}" + ("" if protocol == DEFAULT else f"@{protocol}")


def _plain(name: str) -> str:
    """Gives the name in small letters, without what ids put around and between its words."""
    bare = name.lower().removeprefix(PREFIX.lower()).removesuffix(SUFFIX)
    return bare.replace("_", "").replace("-", "")


_BY_PLAIN_NAME = {_plain(game): game for game in (*MINIMAL, *TWO_PLAYERS)}
