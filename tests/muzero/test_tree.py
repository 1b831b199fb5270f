import numpy as np
import pytest

from envs.registry import spec as spec_of
from muzero.models import RulesModel
from muzero.search import GumbelConfig, PuctConfig, search
from muzero.tree import UNVISITED, allocate


@pytest.mark.parametrize("actions", [2, 7, 18])
def test_nodes_are_whole_cache_lines(actions):
    nodes = allocate(3, 5, actions, 2).nodes
    assert nodes.shape == (3, 5)
    assert nodes.dtype.itemsize % 64 == 0 and nodes.ctypes.data % 64 == 0
    assert nodes["q"].shape == (3, 5, actions) and nodes["state"].shape == (3, 5, 2)


@pytest.mark.parametrize("config", [PuctConfig(300), GumbelConfig(300)], ids=["puct", "gumbel"])
def test_a_line_can_be_played(config, hashed):
    spec = spec_of("connectx")
    rules = spec.rules
    observation, mask = hashed.positions(spec, 12, 20, seed=13)
    result = search(hashed.on_rules(spec), observation, mask, config)
    for row, action in enumerate(result.action):
        line = result.tree.line(row, action)
        state = result.tree.nodes["state"][row, 0].copy()
        assert line[0] == action and len(line) >= 1
        for ply, move in enumerate(line):
            reward, ended = rules.step(rules.params, state, move, state)
            assert not ended or ply == len(line) - 1
        if result.tree.root("proven")[row]:
            assert ended and len(line) == result.tree.root("plies")[row]
            assert result.value[row] == (reward if ply % 2 == 0 else -reward)
        assert result.tree.line(row, action, limit=1) == line[:1]


def test_values_are_means_of_what_lies_below(hashed, small):
    """Without proofs: V = (raw + sum of visits * q) / total, in every node."""
    model = hashed.learned(discount=0.9)
    root, mask = np.arange(20, dtype=np.uint32), np.ones((20, 6), bool)
    nodes, rows = search(model, root, mask, GumbelConfig(50)).tree
    assert (rows["size"] == 51).all()
    total = nodes["raw"] + (nodes["visits"] * nodes["q"]).sum(2)
    np.testing.assert_allclose(nodes["value"], total / nodes["total"], atol=1e-5)
    seen = nodes["children"] != UNVISITED
    np.testing.assert_array_equal(seen, nodes["visits"] > 0)


def test_a_position_is_searched_as_its_mover_sees_it():
    """A network that likes the mover's centre discs makes either side go there."""
    spec = spec_of("connectx")

    def network(observation):
        centre = observation[:, :, :, 3].astype(np.float32).sum(2)
        return np.zeros((len(observation), 7)), (centre[:, 0] - centre[:, 1]) / 7

    for config in (PuctConfig(100, unvisited="parent"), GumbelConfig(100)):
        observation = np.zeros((2, *spec.observation_shape), np.uint8)
        observation[1, 1, 5, 3] = 1
        model = RulesModel(spec, network)
        result = search(model, observation, np.ones((2, 7), bool), config)
        assert (result.action == 3).all()
        assert result.value[0] > 0 > result.value[1] - 0.1
