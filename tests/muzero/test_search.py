import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muzero.evaluate import NetworkError
from muzero.jit import inlined
from muzero.limits import SearchConfigError
from muzero.models import CompiledNetwork, RulesModel
from muzero.noise import Noise, dirichlet, gumbel
from muzero.search import GumbelConfig, PuctConfig, Searcher, search

CONFIGS = [PuctConfig(40), GumbelConfig(40)]
both = pytest.mark.parametrize("config", CONFIGS, ids=["puct", "gumbel"])


def same(one, other, rows=slice(None)):
    """Asserts that rows of a search hold the same bits as another search."""
    for field in ("action", "action_weights", "value", "q"):
        np.testing.assert_array_equal(getattr(one, field)[rows], getattr(other, field), field)
    for field in one.tree.nodes.dtype.names:
        if field in ("spare", "slot"):
            continue
        for row, size in enumerate(other.tree.rows["size"]):
            mine = one.tree.nodes[field][rows][row, :size]
            np.testing.assert_array_equal(mine, other.tree.nodes[field][row, :size], field)


@both
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**31), size=st.integers(1, 9), row=st.integers(0, 8))
def test_a_row_alone_gets_the_same_bits(config, hashed, seed, size, row):
    model, row = hashed.learned(), row % size
    roots = hashed.predict(np.arange(size, dtype=np.uint32) + np.uint32(seed), 1)[0]
    roots = roots[:, 0].view(np.uint32)
    mask = np.ones((size, 6), bool)
    mask[:, 2] = roots % 2 == 0
    seeds = np.arange(size) + seed
    noise = Noise(gumbel(seeds, 0, 6), dirichlet(seeds, 1, 6, 0.3))
    whole = search(model, roots, mask, config, noise)
    only = Noise(noise.gumbel[row : row + 1], noise.dirichlet[row : row + 1])
    part = search(model, roots[row : row + 1], mask[row : row + 1], config, only)
    same(whole, part, slice(row, row + 1))


@both
def test_the_same_bits_on_any_number_of_threads(config, hashed, small):
    observation, mask = hashed.positions(small, 24, 6)
    model = hashed.on_rules(small)
    whole = search(model, observation, mask, config)
    parts = [slice(start, start + 6) for start in range(0, 24, 6)]
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda rows: search(model, observation[rows], mask[rows], config), parts)
        for rows, result in zip(parts, found, strict=True):
            same(whole, result, rows)


@both
def test_a_searcher_used_again_gives_the_same_bits(config, hashed, small):
    observation, mask = hashed.positions(small, 8, 6)
    model = hashed.on_rules(small)
    searcher = Searcher(model, config, 8)
    searcher(observation[::-1], mask[::-1])
    same(searcher(observation, mask), search(model, observation, mask, config))
    same(searcher(observation[:3], mask[:3]), search(model, observation[:3], mask[:3], config))


@both
def test_a_learned_model_that_is_the_rules_searches_alike(config, hashed, small):
    observation, mask = hashed.positions(small, 40, 9, seed=1)
    true = search(hashed.on_rules(small), observation, mask, config)
    learned = search(hashed.learned_rules(small), observation, mask, config)
    for field in ("action", "action_weights", "value", "q"):
        np.testing.assert_array_equal(getattr(true, field), getattr(learned, field))
    for row, size in enumerate(true.tree.rows["size"]):
        for field in ("parent", "action", "visits", "ends", "q"):
            mine, theirs = true.tree.nodes[field][row], learned.tree.nodes[field][row]
            np.testing.assert_array_equal(mine[:size], theirs[:size])


@both
def test_only_legal_actions_are_chosen(config, hashed, small):
    observation, mask = hashed.positions(small, 60, 14, seed=2)
    result = search(hashed.on_rules(small), observation, mask, config)
    assert np.take_along_axis(mask, result.action[:, None], 1).all()
    assert (result.action_weights[~mask] == 0).all()
    np.testing.assert_allclose(result.action_weights.sum(1), 1, atol=1e-6)
    assert (np.abs(result.value) <= 1).all()
    assert np.isnan(result.q[~mask]).all()


@both
def test_the_root_mask_can_forbid_a_win(config, hashed, small):
    rules, state = small.rules, np.zeros(2, np.uint64)
    for action in (0, 3, 0, 3):
        rules.step(rules.params, state, action, state)
    observation = np.zeros((2, *small.observation_shape), np.uint8)
    rules.observe(rules.params, state, observation[0])
    rules.observe(rules.params, state, observation[1])
    mask = np.ones((2, 4), bool)
    mask[1, 0] = False
    result = search(hashed.on_rules(small), observation, mask, config)
    assert result.action[0] == 0 and result.value[0] == 1
    assert result.tree.rows["done"][0] == 0
    assert result.action[1] != 0


@both
@pytest.mark.parametrize("leaves", [1, 3, 8])
def test_simulations_add_up(config, leaves, hashed, small):
    asked = []
    plain = hashed.on_rules(small)

    def network(observation):
        asked.append(len(observation))
        return plain.network(observation)

    config = dataclasses.replace(config, leaves=leaves)
    observation, mask = hashed.positions(small, 5, 2, seed=3)
    result = search(RulesModel(small, network), observation, mask, config)
    nodes, rows = result.tree
    open_rows = ~nodes["proven"][:, 0]
    assert (rows["done"][open_rows] == config.simulations).all()
    np.testing.assert_array_equal(nodes["visits"][:, 0].sum(1), rows["done"])
    for row, size in enumerate(rows["size"]):
        assert size == rows["done"][row] + 1
        assert (nodes["pending"][row, :size] == 0).all()
        assert (nodes["total"][row, :size] == nodes["visits"][row, :size].sum(1) + 1).all()
    assert len(asked) <= 1 + config.simulations
    if leaves == 8:
        assert len(asked) < config.simulations * 0.7


@both
def test_a_cache_changes_nothing_but_the_rows_asked(config, hashed, small):
    asked = []
    plain = hashed.on_rules(small)

    def network(observation):
        asked.append(len(observation))
        return plain.network(observation)

    def searched(searcher):
        before = len(asked)
        for row in range(30):
            found = searcher(observation[[row]], mask[[row]])
            same(found, search(plain, observation[[row]], mask[[row]], config))
        return len(asked) - before

    observation, mask = hashed.positions(small, 30, 4, seed=11)
    model = RulesModel(small, network)
    without = searched(Searcher(model, config, 1))
    searcher = Searcher(model, config, 1, cache=2**12)
    assert searched(searcher) < 0.8 * without
    assert searched(searcher) < 0.1 * without
    searcher.forget()
    assert searched(searcher) > 0.2 * without


@both
def test_rows_are_padded_to_few_sizes(config, hashed, small):
    sizes = set()
    plain = hashed.on_rules(small)

    def network(observation):
        sizes.add(len(observation))
        return plain.network(observation)

    observation, mask = hashed.positions(small, 70, 9, seed=4)
    search(RulesModel(small, network), observation, mask, config)
    assert sizes <= {70, 64, 32}


@both
def test_budgets_of_rows(config, hashed, small):
    observation, mask = hashed.positions(small, 6, 3, seed=5)
    model = hashed.on_rules(small)
    budget = np.array([5, 40, 17, 5, 1, 40])
    mixed = Searcher(model, config, 6)(observation, mask, budget=budget)
    for row, simulations in enumerate(budget):
        own = dataclasses.replace(config, simulations=int(simulations))
        alone = search(model, observation[[row]], mask[[row]], own)
        assert mixed.action[row] == alone.action[0]
        np.testing.assert_array_equal(mixed.action_weights[row], alone.action_weights[0])
        assert mixed.tree.rows["done"][row] == alone.tree.rows["done"][0]


@inlined
def _flat(weights, batch, rows, outputs):
    for r in range(rows):
        outputs.value[r] = 0
        for a in range(4):
            outputs.logits[r, a] = weights[a] + batch.observation[r, 0, 3, a]


@both
def test_a_compiled_network_is_searched_like_any_other(config, hashed, small):
    weights = np.array([0.1, 0.7, -0.3, 0.2], np.float32)

    def network(observation):
        return weights + observation[:, 0, 3], np.zeros(len(observation))

    observation, mask = hashed.positions(small, 5, 4, seed=6)
    compiled = RulesModel(small, CompiledNetwork(_flat, weights))
    one = search(compiled, observation, mask, config)
    same(one, search(RulesModel(small, network), observation, mask, config))


@both
def test_a_network_that_fails_is_named(config, small):
    observation = np.zeros((2, *small.observation_shape), np.uint8)
    mask = np.ones((2, 4), bool)

    def broken(observation):
        return np.full((len(observation), 4), np.nan), np.zeros(len(observation))

    with pytest.raises(NetworkError, match="not finite"):
        search(RulesModel(small, broken), observation, mask, config)
    with pytest.raises(NetworkError, match=r"logits of shape \(2, 3\); expected \(2, 4\)"):
        wrong = RulesModel(small, lambda seen: (np.zeros((len(seen), 3)), np.zeros(len(seen))))
        search(wrong, observation, mask, config)


@both
def test_a_search_that_was_broken_off_leaves_no_trace(config, hashed, small):
    observation, mask = hashed.positions(small, 4, 2, seed=14)
    plain, calls = hashed.on_rules(small), []

    def network(seen):
        calls.append(len(seen))
        if len(calls) == 9:
            raise KeyboardInterrupt
        logits, value = plain.network(seen)
        return logits, np.where(len(calls) == 30, np.nan, value)

    searcher = Searcher(RulesModel(small, network), config, 4, keep=100, cache=2**10)
    with pytest.raises(KeyboardInterrupt):
        searcher(observation, mask)
    with pytest.raises(NetworkError, match="not finite"):
        searcher(observation, mask)
    same(searcher(observation, mask), search(plain, observation, mask, config))


def test_what_cannot_be_searched_is_refused(hashed, small):
    model = hashed.on_rules(small)
    observation, mask = hashed.positions(small, 3, 0)
    with pytest.raises(SearchConfigError, match="more than the 4 actions"):
        search(model, observation, mask, GumbelConfig(max_considered=16))
    with pytest.raises(SearchConfigError, match=r"shape \(3, 3\)"):
        search(model, observation, mask[:, :3], PuctConfig())
    with pytest.raises(SearchConfigError, match="2 roots but 3 masks"):
        search(model, observation[:2], mask, PuctConfig())
    mask[1] = False
    with pytest.raises(SearchConfigError, match="row 1 has no legal action"):
        search(model, observation, mask, PuctConfig())
    with pytest.raises(SearchConfigError, match="need true rules"):
        Searcher(hashed.learned(), PuctConfig(), 1, keep=10)
    mask[1] = True
    with pytest.raises(SearchConfigError, match="budget must be 3 numbers from 1 to 50"):
        Searcher(model, PuctConfig(), 3)(observation, mask, budget=np.array([1, 51, 2]))
    with pytest.raises(SearchConfigError, match="would stay in the trees"):
        noise = Noise(dirichlet=dirichlet(np.arange(3), 0, 4, 0.3))
        Searcher(model, PuctConfig(), 3, keep=10)(observation, mask, noise)
    with pytest.raises(SearchConfigError, match="give a power of two"):
        Searcher(model, PuctConfig(), 3, cache=1000)
    with pytest.raises(SearchConfigError, match="gives no rules"):
        RulesModel(dataclasses.replace(small, rules=None), model.network)


@pytest.mark.parametrize("maker", [PuctConfig, GumbelConfig])
@pytest.mark.parametrize("field", ["simulations", "leaves", "range_floor"])
def test_configs_refuse_numbers_out_of_range(maker, field):
    with pytest.raises(SearchConfigError, match=f"{field} = -1 is impossible"):
        maker(**{field: -1})
