"""The one-ply player on drawn boards: `x` is to move, `o` is not, top row first."""

import numpy as np
import pytest

from agents.base import AgentError
from agents.one_ply import OnePlyPlayer
from envs.base import EnvSpec, TimeStep
from envs.connectx.rules import geometry
from envs.connectx.vector import connectx_spec


def board(drawing):
    """Gives the observation, `uint8[2, rows, columns]`, of a drawing."""
    cells = np.array([list(line) for line in drawing.split()])
    return np.stack([cells == "x", cells == "o"]).astype(np.uint8)


def actions(drawing, inarow, tries=200):
    """Gives the set of actions taken over many seeds."""
    seen = board(drawing)
    _, rows, columns = seen.shape
    player = OnePlyPlayer()
    spec = connectx_spec(geometry(columns, rows, inarow))
    player.reset(spec, np.zeros(tries, np.int64), np.arange(tries))
    seen = np.repeat(seen[None], tries, 0)
    mask = seen[:, :, 0].sum(1) == 0
    ended = np.zeros(tries, bool)
    steps = TimeStep(seen, mask, np.zeros(tries, int), np.zeros((tries, 2)), ended, ended)
    return set(player.act(np.arange(tries), steps).action.tolist())


@pytest.mark.parametrize(
    ("drawing", "inarow", "expected"),
    [
        # Wins, though it could block.
        (".... x..o x..o x..o", 4, {0}),
        ("....... ....... ....... ....... ooo.... xxx....", 4, {3}),
        # Wins in the middle of a line, or at either end of one.
        ("....... xx.xooo", 4, {2}),
        (".oo.... oxxx..o", 4, {4}),
        ("....... .oxxx..", 4, {5}),
        ("....... ..xxx..", 4, {1, 5}),
        # Diagonals, rising and falling.
        (".... ..xo .xoo xoox", 4, {3}),
        (".... ox.. oox. xoox", 4, {0}),
        # Blocks what the other would win with.
        (".... ...o x..o x..o", 4, {3}),
        ("....... ooo...x", 4, {3}),
        # A line that needs another disc below it is no threat yet.
        ("..... ...oo ...xx x..oo", 3, {2}),
        ("....... ....... xx.x... oo.ooxx", 4, {2}),
        # Neither: everything legal.
        ("x..o. x..o.", 4, {1, 2, 4}),
        (".... .... .... ....", 4, {0, 1, 2, 3}),
        # Other lengths.
        (".. ..", 1, {0, 1}),
        ("... x..", 2, {0, 1}),
        ("...... xxxx..", 5, {4}),
    ],
)
def test_wins_else_blocks_else_anything(drawing, inarow, expected):
    assert actions(drawing, inarow) == expected


def test_other_environments_are_refused():
    with pytest.raises(AgentError, match="one-ply plays connectx only, not 'ALE/Pong-v5'"):
        spec = EnvSpec("ALE/Pong-v5", {}, 1, 6, (210, 160, 3), 0.99)
        OnePlyPlayer().reset(spec, np.zeros(1, np.int64), np.zeros(1, np.int64))
