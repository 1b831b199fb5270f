"""What ships: every trained player has a small file, a full card, and plays."""

import numpy as np
import pytest

from agents import checkpoint, registry, trained
from envs import registry as envs

NAMES = sorted(folder.parent.name for folder in trained.ZOO.glob(f"*/{checkpoint.MANIFEST}"))
LARGEST = {"connectx": 2**20, "ALE/Pong-v5": 4 * 2**20, "ALE/Breakout-v5": 4 * 2**20}


def test_it_is_not_empty():
    assert {"connectx-alphazero", "connectx-dqn", "connectx-muzero", "connectx-ppo"} <= {*NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_player_is_small_and_its_card_tells_how_it_was_made(name):
    folder = trained.ZOO / name
    about = checkpoint.manifest(folder)
    assert (folder / checkpoint.WEIGHTS).stat().st_size <= LARGEST[about.env]
    assert about.objects == ()
    assert set(about.parts) == {checkpoint.WEIGHTS}
    assert about.counters["episodes"] > 0
    assert about.card["command"].startswith("arena train ")
    assert about.card["seconds"] > 60
    measured = {"weak", "strong"} if about.env == "connectx" else {"mean_return", "hns"}
    assert measured <= about.card.keys()


@pytest.mark.parametrize("name", NAMES)
def test_a_player_plays_legally_from_its_shipped_file(name):
    player = registry.make(f"zoo/{name}")
    env = envs.make_vector(checkpoint.manifest(trained.ZOO / name).env, 2)
    rows = np.arange(2)
    steps = env.reset(rows, rows)
    player.reset(env.spec, np.zeros(2, np.int64), rows)
    for _ in range(3):
        found = player.act(rows, steps)
        assert found.failure is None or not any(found.failure)
        assert steps.action_mask[rows, found.action].all()
        steps = env.step(found.action)
        player.reset(env.spec, steps.to_play, rows)
