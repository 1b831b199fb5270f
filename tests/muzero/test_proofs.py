"""What a search says it has proven is true, by brute force over a small game."""

from functools import cache

import numpy as np
import pytest

from envs.registry import spec as spec_of
from muzero.search import GumbelConfig, PuctConfig, Searcher, search
from muzero.tree import OPEN

both = pytest.mark.parametrize("maker", [PuctConfig, GumbelConfig])


def solver(spec):
    """Gives a function from a state to its value for the mover, by negamax without any bound."""
    rules = spec.rules

    @cache
    def solve(mine, occupied):
        state, after = np.array([mine, occupied], np.uint64), np.zeros(2, np.uint64)
        legal = np.zeros(spec.num_actions, bool)
        rules.legal(rules.params, state, legal)
        best = -2
        for action in np.flatnonzero(legal):
            reward, ended = rules.step(rules.params, state, action, after)
            best = max(best, reward if ended else -solve(int(after[0]), int(after[1])))
            if best == 1:
                break
        return best

    return lambda state: solve(int(state[0]), int(state[1]))


@both
@pytest.mark.parametrize("board", ["connectx-4x4x3", "connectx-4x4x4"])
def test_every_proof_is_right(maker, board, hashed):
    spec = spec_of(board)
    solve, rules = solver(spec), spec.rules
    observation, mask = hashed.positions(spec, 30, 12, seed=7)
    nodes, rows = search(hashed.on_rules(spec), observation, mask, maker(150)).tree
    proven = exact = 0
    after = np.zeros(2, np.uint64)
    for row, size in enumerate(rows["size"]):
        for node in nodes[row, :size]:
            if node["proven"]:
                assert node["value"] == solve(node["state"])
                proven += 1
            for action in np.flatnonzero(node["ends"] > OPEN):
                reward, ended = rules.step(rules.params, node["state"], action, after)
                assert node["q"][action] == (reward if ended else -solve(after))
                exact += 1
    assert proven > 200 and exact > 500


@both
def test_a_solved_root_is_played_right(maker, hashed, small):
    solve, rules = solver(small), small.rules
    observation, mask = hashed.positions(small, 40, 6, seed=8)
    result = search(hashed.on_rules(small), observation, mask, maker(3000))
    state, after = np.zeros(2, np.uint64), np.zeros(2, np.uint64)
    assert result.tree.root("proven").mean() > 0.9
    for row in np.flatnonzero(result.tree.root("proven")):
        rules.state(rules.params, observation[row], state)
        reward, ended = rules.step(rules.params, state, result.action[row], after)
        assert result.value[row] == solve(state) == (reward if ended else -solve(after))


@both
def test_a_proven_tree_rests(maker, hashed, small):
    observation, mask = hashed.positions(small, 20, 8, seed=9)
    calls = []
    model = hashed.on_rules(small)
    searcher = Searcher(model, maker(2000), 20)
    rows = searcher(observation, mask).tree.rows
    calls.append(rows["done"].copy())
    assert (calls[0] < 2000).all()
    again = searcher(observation, mask).tree.rows["done"]
    np.testing.assert_array_equal(again, calls[0])


@both
def test_wins_come_soon_and_losses_late(maker, hashed):
    spec = spec_of("connectx-5x4x3")
    rules = spec.rules
    state = np.zeros(2, np.uint64)
    for action in (2, 0, 2):
        rules.step(rules.params, state, action, state)
    observation = np.zeros((1, *spec.observation_shape), np.uint8)
    rules.observe(rules.params, state, observation[0])
    result = search(hashed.on_rules(spec), observation, np.ones((1, 5), bool), maker(2000))
    ends = result.tree.root("ends")[0]
    assert result.value[0] == -1
    assert ends[result.action[0]] == ends.max() > 2
    line = result.tree.line(0, result.action[0])
    assert len(line) == ends[result.action[0]]


@both
def test_a_tree_is_kept_over_moves(maker, hashed):
    spec = spec_of("connectx")
    rules, model = spec.rules, hashed.on_rules(spec)
    searcher = Searcher(model, maker(200), 2, keep=400)
    observation, mask = np.zeros((2, *spec.observation_shape), np.uint8), np.ones((2, 7), bool)
    state = np.zeros(2, np.uint64)
    before = 0
    for ply in range(6):
        result = searcher(observation, mask)
        nodes, rows = result.tree
        assert (rows["done"] == 200).all() and (rows["size"] <= 601).all()
        if ply:
            assert nodes["total"][0, 0] == 200 + before > 201
        root = nodes[0]
        for index in range(1, rows["size"][0]):
            parent = root["parent"][index]
            assert parent < index and root["children"][parent, root["action"][index]] == index
            rules.step(rules.params, root["state"][parent], root["action"][index], state)
            np.testing.assert_array_equal(state, root["state"][index])
        best = result.action[0]
        before = nodes["total"][0, nodes["children"][0, 0, best]]
        rules.step(rules.params, nodes["state"][0, 0], best, state)
        rules.observe(rules.params, state, observation[0])
        observation[1] = observation[0]
        assert (result.action == best).all()


@both
def test_a_stranger_starts_anew(maker, hashed, small):
    observation, mask = hashed.positions(small, 12, 5, seed=10)
    model = hashed.on_rules(small)
    keeper = Searcher(model, maker(60), 6, keep=100)
    keeper(observation[:6], mask[:6])
    kept = keeper(observation[6:], mask[6:])
    fresh = search(model, observation[6:], mask[6:], maker(60))
    known = kept.tree.rows["size"] > fresh.tree.rows["size"]
    np.testing.assert_array_equal(kept.action[~known], fresh.action[~known])
    assert (~known).sum() >= 3
