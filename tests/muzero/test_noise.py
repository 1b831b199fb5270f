import numpy as np
import pytest

from muzero.noise import Noise, dirichlet, gumbel
from muzero.search import GumbelConfig, PuctConfig, search


def test_gumbel_noise_is_gumbel_noise():
    draws = gumbel(np.arange(20000), 3, 7)
    assert draws.mean() == pytest.approx(np.euler_gamma, abs=0.01)
    assert draws.std() == pytest.approx(np.pi / 6**0.5, abs=0.01)
    assert abs(np.corrcoef(draws, rowvar=False)[0, 1]) < 0.02


@pytest.mark.parametrize("alpha", [0.3, 1.0, 2.5])
def test_dirichlet_noise_is_dirichlet_noise(alpha):
    draws = dirichlet(np.arange(20000), 3, 5, alpha).astype(float)
    np.testing.assert_allclose(draws.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(draws.mean(0), 1 / 5, atol=0.01)
    variance = (1 / 5) * (4 / 5) / (5 * alpha + 1)
    np.testing.assert_allclose(draws.var(0), variance, rtol=0.06)


def test_noise_follows_from_seed_and_counter_alone():
    seeds = np.array([5, 9, 2**62])
    for draw in (gumbel, lambda *args: dirichlet(*args, 0.3)):
        whole = draw(seeds, 4, 6)
        np.testing.assert_array_equal(whole[[1]], draw(seeds[[1]], 4, 6))
        assert not np.array_equal(whole, draw(seeds, 5, 6))
        assert not np.array_equal(whole[0], whole[1])


def test_actions_are_drawn_by_visits(hashed):
    root = np.full(4000, 77, np.uint32)
    mask = np.ones((4000, 6), bool)
    config = PuctConfig(30, temperature=1.0)
    result = search(hashed.learned(), root, mask, config, Noise(gumbel(np.arange(4000), 0, 6)))
    share = np.bincount(result.action, minlength=6) / 4000
    np.testing.assert_allclose(share, result.action_weights[0], atol=0.03)
    greedy = search(hashed.learned(), root, mask, config)
    assert (greedy.action == result.action_weights[0].argmax()).all()


def test_noise_of_no_scale_changes_nothing(hashed):
    root, mask = np.arange(9, dtype=np.uint32), np.ones((9, 6), bool)
    noise = Noise(gumbel(np.arange(9), 0, 6), dirichlet(np.arange(9), 1, 6, 0.3))
    for config in (
        GumbelConfig(20, gumbel_scale=0.0),
        PuctConfig(20, dirichlet_fraction=0.0, temperature=0.0),
    ):
        with_noise = search(hashed.learned(), root, mask, config, noise)
        without = search(hashed.learned(), root, mask, config)
        np.testing.assert_array_equal(with_noise.action, without.action)
        np.testing.assert_array_equal(with_noise.action_weights, without.action_weights)
