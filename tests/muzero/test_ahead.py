"""Values asked anew: n-step returns whose last value a network says."""

import numpy as np
import pytest
import torch

from muzero import ahead
from muzero.categories import Categories
from muzero.network import Prediction
from muzero.targets import Trace, lambda_returns
from muzero.trajectory import Trajectory, TrajectoryBuffer


@pytest.fixture
def part():
    """Three pieces; the last is cut. What is seen at a moment is its number."""
    left = np.array([4, 3, 2, 1, 0, 1, 0, 3, 2, 1, 0], np.int16)
    count = len(left)
    chance = np.random.default_rng(0)
    value = np.where(left == 0, 0, np.arange(count)).astype(np.float32)
    value[-1] = count - 1
    action = np.zeros(count, np.int16)
    action[-1] = -1
    return Trajectory(
        np.arange(count, dtype=np.uint8)[:, None],
        np.ones((count, 2), np.bool_),
        action,
        np.where(left == 0, 0, chance.normal(size=count)).astype(np.float32),
        np.full((count, 2), 0.5, np.float16),
        value,
        np.zeros(count, np.float32),
        np.ones(count, np.float32),
        left,
    )


class Numbers:
    """Says of every moment its number, as logits of two categories or as one number."""

    def __init__(self, scale):
        self._scale = scale

    def representation(self, seen):
        return seen

    def prediction(self, latent):
        share = self._scale.histogram(latent[:, 0]).log().clamp(min=-99)
        return Prediction(latent, share)


@pytest.mark.parametrize("n", [0, 1, 2, 9])
def test_they_are_n_step_returns_of_values_that_are_numbers(part, n):
    scale, rule = Categories(2001, 20, 0.0), Trace(0.9, 1.0, n)
    place = np.arange(len(part.left))[:, None]
    found = ahead.returns(
        ahead.look(part, place, rule, 1), Numbers(scale), scale, torch.device("cpu")
    )
    wanted = lambda_returns(part.reward, part.value, part.left, rule)
    inside = part.left > 0
    np.testing.assert_allclose(found[inside, 0], wanted[inside], atol=2e-3)


def test_batches_carry_it_when_asked(part):
    buffer = TrajectoryBuffer(1 << 20)
    buffer.add("a", part)
    assert buffer.sample(np.array([0.0]), 2).ahead is None
    found = buffer.sample(np.array([0.0]), 2, None, Trace(0.9, 1.0, 2)).ahead
    assert found.observation[0, :, 0].tolist() == [2, 3, 4]
    np.testing.assert_allclose(found.weight[0], [0.81, 0.81, 0])
