"""Every tree is the one that mctx builds, node by node."""

import json
from pathlib import Path

import numpy as np
import pytest

from muzero.noise import Noise
from muzero.search import GumbelConfig, PuctConfig, search

FILES = sorted((Path(__file__).parents[1] / "golden" / "mctx").glob("*.json"))


def ask(case, hashed):
    bounds = None if case["bounds"] is None else tuple(case["bounds"])
    noise = np.array(case["noise"], np.float32)
    simulations = len(case["parent"][0]) - 1
    model = hashed.learned(noise.shape[1], case["discount"], case["reward"], bounds)
    if case["algorithm"] == "puct":
        share = case["dirichlet_fraction"]
        config = PuctConfig(simulations, dirichlet_fraction=share, range_floor=1e-8)
        noise = Noise(dirichlet=noise)
    else:
        most = case["max_considered"]
        config = GumbelConfig(simulations, max_considered=most, range_floor=1e-8)
        noise = Noise(gumbel=noise)
    mask = np.ones((len(case["latent"]), model.num_actions), bool)
    for row, actions in enumerate(case["forbidden"]):
        mask[row, actions] = False
    return model, np.array(case["latent"], np.uint32), mask, config, noise


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_tree_of_mctx(file, hashed):
    case = json.loads(file.read_text())
    result = search(*ask(case, hashed))
    nodes = result.tree.nodes
    np.testing.assert_array_equal(nodes["parent"], case["parent"])
    np.testing.assert_array_equal(nodes["action"], case["edge"])
    np.testing.assert_array_equal(nodes["total"], case["visits"])
    np.testing.assert_allclose(nodes["value"], case["value"], atol=1e-3)
    np.testing.assert_allclose(result.action_weights, case["action_weights"], atol=1e-3)
    np.testing.assert_allclose(result.value, np.array(case["value"])[:, 0], atol=1e-3)
    if case["algorithm"] == "gumbel":
        np.testing.assert_array_equal(result.action, case["action"])


def test_there_are_golden_trees():
    assert len(FILES) == 8
