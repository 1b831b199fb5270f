"""Self-play: whole, legal games that follow from seed and weights alone."""

import numpy as np
import pytest

from envs import registry
from muzero.gumbel import GumbelConfig
from muzero.limits import SearchConfigError
from muzero.selfplay import Selfplay, SelfplayConfig, opening

ENV = "connectx-4x4x3"
CONFIG = SelfplayConfig(games=12, rows=5, search=GumbelConfig(simulations=8), random_plies=4)


def played(hashed, config=CONFIG, index=0, seed=7):
    model = hashed.on_rules(registry.spec(ENV))
    return Selfplay(ENV, model, config).play(seed, index)


def games(part):
    ends = np.flatnonzero(part.left == 0) + 1
    return [type(part)(*(f[a:b] for f in part)) for a, b in zip([0, *ends], ends, strict=False)]


def test_games_are_whole_and_follow_the_rules(hashed):
    found = games(played(hashed))
    assert len(found) == CONFIG.games
    rules = registry.spec(ENV).rules
    for game in found:
        state = np.zeros(2, np.uint64)
        seen = np.zeros(game.observation.shape[1:], np.uint8)
        rules.state(rules.params, game.observation[0], state)
        for t in range(len(game.left) - 1):
            legal = np.zeros(4, np.bool_)
            rules.legal(rules.params, state, legal)
            assert legal[game.action[t]]
            assert game.policy[t][~legal].max(initial=0) == 0
            assert game.policy[t].sum() == pytest.approx(1, abs=2e-3)
            reward, over = rules.step(rules.params, state, game.action[t], state)
            assert (reward, over) == (game.reward[t], game.left[t] == 1)
            rules.observe(rules.params, state, seen)
            assert np.array_equal(seen, game.observation[t + 1])
        signs = (-1.0) ** (game.left[:-1] - 1)
        assert np.array_equal(game.returns[:-1], signs * game.reward[len(game.left) - 2])


def test_a_chunk_follows_from_its_seed_and_index(hashed):
    one, two = played(hashed), played(hashed)
    assert one.pack() == two.pack()
    assert played(hashed, seed=8).pack() != one.pack()
    assert played(hashed, index=1).pack() != one.pack()


def test_a_game_does_not_depend_on_its_neighbours(hashed):
    alone = SelfplayConfig(**{**vars(CONFIG), "rows": 1})
    assert played(hashed, alone).pack() == played(hashed).pack()


def test_trees_that_are_kept_change_no_rule(hashed):
    part = played(hashed, SelfplayConfig(**{**vars(CONFIG), "keep": 32, "decay": 0.9}))
    assert part.episodes == CONFIG.games
    assert all(np.isfinite(field.astype(float)).all() for field in part)
    assert np.abs(part.value).max() <= 1


def test_proven_ends_count_for_less_if_they_are_far(hashed):
    part = played(hashed, SelfplayConfig(**{**vars(CONFIG), "decay": 0.5}))
    won = (part.left == 1) & (part.reward == 1)
    assert np.allclose(part.returns[won], 1)
    assert np.allclose(part.policy[won, part.action[won]] > 0, True)
    assert (part.value[won] == 1).all()
    before = np.flatnonzero(won) - 1
    inside = before[(before >= 0) & (part.left[before] == 2)]
    assert np.allclose(part.returns[inside], -0.5)


def test_cheap_searches_teach_no_policy(hashed):
    half = SelfplayConfig(**{**vars(CONFIG), "cheap_share": 0.5, "cheap_simulations": 2})
    weights = played(hashed, half).weight
    assert 0.2 < weights.mean() < 0.7
    assert set(np.unique(weights)) == {0, 1}


def test_openings_leave_a_game_to_play():
    config = SelfplayConfig(games=2, rows=1, random_share=1.0, random_plies=9)
    found = [opening(ENV, seed, config) for seed in range(200)]
    assert {len(moves) for moves in found} >= {0, 1, 4}
    for moves in found:
        assert not registry.make(ENV).reset(0, moves).last
    none = SelfplayConfig(games=2, rows=1, random_share=0.0)
    assert all(opening(ENV, seed, none) == () for seed in range(20))


def test_some_openings_are_positions_of_recorded_games():
    recorded = [[0, 1, 0, 1, 0], (3, 2, 3, 2, 3)]
    config = SelfplayConfig(games=2, rows=1, random_plies=0, openings_share=0.75)
    found = [opening(ENV, seed, config, recorded) for seed in range(800)]
    prefixes = {tuple(game[:plies]) for game in recorded for plies in range(5)}
    assert set(found) == prefixes, "the whole game would leave nothing to play"
    begun = [moves for moves in found if moves]
    assert len(begun) == pytest.approx(800 * 0.75 * 4 / 5, rel=0.1)
    plies = [len(moves) for moves in begun]
    assert min(plies.count(n) for n in (1, 2, 3, 4)) > 80
    assert sum(moves[0] == 0 for moves in begun) == pytest.approx(len(begun) / 2, rel=0.2)
    assert found[:9] == [opening(ENV, seed, config, recorded) for seed in range(9)]


def test_recorded_games_in_two_parts_begin_after_the_first():
    config = SelfplayConfig(games=2, rows=1, random_plies=0, openings_share=1.0)
    found = [opening(ENV, seed, config, [((0, 1), (0, 1, 0)), [[], [3]]]) for seed in range(99)]
    assert set(found) == {(), (0, 1), (0, 1, 0), (0, 1, 0, 1)}


def test_the_other_games_begin_as_if_nothing_were_recorded():
    config = SelfplayConfig(games=2, rows=1, random_share=1.0, openings_share=0.0)
    assert all(
        opening(ENV, seed, config, [(0, 1, 0, 1, 0)]) == opening(ENV, seed, config)
        for seed in range(50)
    )


def test_games_of_a_chunk_begin_from_recorded_positions(hashed):
    config = SelfplayConfig(**{**vars(CONFIG), "openings_share": 1.0})
    chunk = Selfplay(ENV, hashed.on_rules(registry.spec(ENV)), config)
    found = games(chunk.play(7, 0, [(0, 1, 0, 1, 0)]))
    discs = {int(game.observation[0].sum()) for game in found}
    assert max(discs) == 4 and len(discs) > 2
    for game in found:
        assert not game.observation[0][:, :, 2:].any()


@pytest.mark.parametrize(
    "field",
    [
        {"games": 0},
        {"rows": 13, "games": 12},
        {"cheap_share": 1.5},
        {"decay": 2.0},
        {"openings_share": -0.5},
    ],
)
def test_impossible_configs_are_refused(field):
    with pytest.raises(SearchConfigError, match=f"{next(iter(field))} = .* is impossible"):
        SelfplayConfig(**{"games": 12, "rows": 1, **field})
