"""The door to ale-py: emulators of games, and the moment at which a game begins."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import ale_py
import numpy as np
from ale_py import roms
from numpy.typing import NDArray

from envs.atari_picture import Greys, learn, no_greys

VERSION: str = ale_py.__version__
NOOP = 0
"""The emulator's number of the action that does nothing."""
_LOSE_SCORE = frozenset({"miniature_golf"})
"""Games whose score ale-py 0.12.1 loses when it restores a state."""
_UNFINISHED = frozenset({"qbert", "tetris"})
"""Games that begin within a frame, which a state of ale-py 0.12.1 does not tell."""
_THINK = frozenset({"backgammon", "othello", "tic_tac_toe_3d", "video_checkers", "video_chess"})
"""Games that think for longer than a frame, with the same effect in the midst of play."""
DRAWN_BEFORE = {"berzerk": 40}
"""Frames in which ale-py draws whether an action sticks before the game begins; else none."""

ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)


class Beginning(NamedTuple):
    """The moment at which a game begins, `H` and `W` its screen's size.

    The frame is kept since an emulator that restores a state shows none until it plays on.
    """

    state: Any
    """The emulator's."""
    frame: NDArray[np.uint8]
    """`[H, W]`, numbers of colours."""
    grey: NDArray[np.uint8]
    """`[H, W]`, luminance."""
    rgb: NDArray[np.uint8]
    """`[H, W, 3]`."""


def load(game: str) -> Any:
    """Gives an emulator, an `ALEInterface`, with a game in it; takes a tenth of a second.

    No action sticks in it and it draws nothing by chance: sticky actions are decided outside.
    """
    ale = ale_py.ALEInterface()
    ale.setFloat("repeat_action_probability", 0.0)
    ale.setInt("random_seed", 0)
    _insert(ale, game)
    return ale


def _insert(ale: Any, game: str) -> None:
    """Puts a game into an emulator, as new."""
    path = roms.get_rom_path(game)
    assert path is not None
    ale.loadROM(path)


@cache
def beginning(game: str) -> Beginning:
    """Gives the moment at which a game begins, the same in every process."""
    ale = load(game)
    ale.reset_game()
    return look(ale)


@cache
def greys(game: str) -> Greys:
    """Gives the table of a game's colours, which grows as they are seen."""
    table, begun = no_greys(), beginning(game)
    learn(table, begun.frame, begun.grey)
    return table


def look(ale: Any) -> Beginning:
    """Gives the moment that an emulator shows, to begin from it later."""
    return Beginning(
        ale.cloneState(),
        ale.getScreen(),
        ale.getScreenGrayscale(),
        ale.getScreenRGB(),
    )


def begin(ale: Any, game: str) -> None:
    """Puts an emulator, whatever it did before, where its game begins."""
    state = beginning(game).state
    if game in _LOSE_SCORE:
        _insert(ale, game)
        ale.reset_game()
    elif game in _UNFINISHED:
        ale.reset_game()  # leaves the emulator within a frame, but not always in the same state
        ale.restoreState(state)
    else:
        restore(ale, state)


def can_restore(game: str) -> bool:
    """Tells whether a game goes on from a state of its emulator as if nothing had happened."""
    return game not in _LOSE_SCORE | _UNFINISHED | _THINK


def restore(ale: Any, state: Any) -> None:
    """Puts an emulator, whatever it did before, into a state, so that it plays on the same.

    What a state leaves out is set by two idle frames: the two buffers that the emulator draws
    into, and whether its last frame was finished.
    """
    ale.restoreState(state)
    ale.act(NOOP)
    ale.act(NOOP)
    ale.restoreState(state)


def state_from(data: bytes) -> Any:
    """Gives the emulator's state that `serialize` made `data` from."""
    return ale_py.ALEState(data)
