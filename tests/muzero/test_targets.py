"""n-step returns against their definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muzero.targets import Trace, lambda_returns, n_step_returns

LENGTHS = st.lists(st.integers(1, 6), min_size=1, max_size=4)


def laid_out(lengths, seed):
    left = np.concatenate([np.arange(n, -1, -1) for n in lengths]).astype(np.int16)
    chance = np.random.default_rng(seed)
    rewards, values = chance.normal(size=(2, len(left)))
    return np.where(left == 0, 0, rewards), values, left


def plainly(rewards, values, left, discount, n, t):
    """Gives the return at `t` by its recursion."""
    if left[t] == 0:
        return 0.0
    if n == 0:
        return values[t]
    return rewards[t] + discount * plainly(rewards, values, left, discount, n - 1, t + 1)


@settings(deadline=None)
@given(LENGTHS, st.integers(0, 99), st.sampled_from([-1.0, -0.9, 0.5, 1.0]), st.integers(1, 8))
def test_returns_are_what_their_definition_says(lengths, seed, discount, n):
    rewards, values, left = laid_out(lengths, seed)
    values[left == 0] = 0
    found = n_step_returns(rewards, values, left, discount, n)
    wanted = [plainly(rewards, values, left, discount, n, t) for t in range(len(left))]
    assert np.allclose(found, wanted, atol=1e-5)


@settings(deadline=None)
@given(LENGTHS, st.integers(0, 99))
def test_looking_to_the_end_is_the_plain_return(lengths, seed):
    rewards, values, left = laid_out(lengths, seed)
    far = n_step_returns(rewards, values, left, -1.0, max(lengths))
    assert np.allclose(n_step_returns(rewards, values, left, -1.0, 0), far, atol=1e-5)


def test_a_win_is_a_loss_for_the_other_and_less_if_it_is_far():
    left, reward = np.array([3, 2, 1, 0], np.int16), np.array([0, 0, 1, 0])
    found = n_step_returns(reward, np.zeros(4), left, -0.9, 0)
    assert np.allclose(found, [0.81, -0.9, 1, 0])


def test_arrays_must_fit():
    with pytest.raises(ValueError, match="expected equal lengths"):
        n_step_returns(np.zeros(2), np.zeros(3), np.zeros(3, np.int16), -1.0, 0)


def test_lambda_returns_by_hand():
    reward, left = np.array([1.0, 0, 2, 9]), np.array([3, 2, 1, 0], np.int16)
    value = np.array([7.0, 4, 6, 8])
    last = 2 + 0.5 * 8
    second = 0 + 0.5 * (0.25 * 6 + 0.75 * last)
    first = 1 + 0.5 * (0.25 * 4 + 0.75 * second)
    found = lambda_returns(reward, value, left, Trace(0.5, 0.75, 0))
    assert found.tolist() == [first, second, last, 0]


def test_a_look_ahead_ends_in_the_value_there():
    reward, left = np.array([1.0, 2, 4, 0]), np.array([3, 2, 1, 0], np.int16)
    value = np.array([10.0, 20, 40, 0])
    assert lambda_returns(reward, value, left, Trace(0.5, 1, 1)).tolist() == [11, 22, 4, 0]
    two = [1 + 0.5 * (0.5 * 20 + 0.5 * 22), 2 + 0.5 * (0.5 * 40 + 0.5 * 4), 4, 0]
    assert lambda_returns(reward, value, left, Trace(0.5, 0.5, 2)).tolist() == two


def test_moments_before_a_trajectory_have_no_return():
    reward, left = np.array([9.0, 1, 0, 9, 2, 0]), np.array([-1, 1, 0, -1, 1, 0], np.int16)
    value = np.array([0, 3.0, 0, 0, 3, 10])
    assert lambda_returns(reward, value, left, Trace(0.5, 1, 0)).tolist() == [0, 1, 0, 0, 7, 0]
    with pytest.raises(ValueError, match="equal lengths"):
        lambda_returns(reward[1:], value, left, Trace(0.5, 1, 0))
