"""What is learned past the ends of pieces: after an end nothing follows, a cut is not known."""

import numpy as np
import torch

from muzero.categories import Categories
from muzero.losses import losses, targets, unroll
from muzero.network import Prediction
from muzero.trajectory import Trajectory, TrajectoryBuffer

SCALE, SIGNS = Categories(11, 4.0, 0.0), Categories(3, 1.0, 0.0)


def pieces():
    """Gives a piece that ends after two actions, and one that is cut after two."""
    count = 6
    return Trajectory(
        np.zeros((count, 4), np.uint8),
        np.ones((count, 2), np.bool_),
        np.array([0, 1, 0, 1, 0, -1], np.int16),
        np.array([0, 1, 0, 0, -1, 0], np.float32),
        np.full((count, 2), 0.5, np.float16),
        np.array([1, 1, 0, 2, 3, 4], np.float32),
        np.array([1, 1, 0, 2, 3, 0], np.float32),
        np.array([1, 1, 0, 1, 1, 0], np.float32),
        np.array([2, 1, 0, 2, 1, 0], np.int16),
    )


class Says(torch.nn.Module):
    """Says of every latent what it was made with."""

    def __init__(self):
        super().__init__()
        self.value, self.reward = torch.zeros(1, 11), torch.zeros(1, 3)

    def representation(self, observation):
        return observation

    def dynamics(self, latent, action):
        return latent, self.reward.expand(len(latent), -1)

    def prediction(self, latent):
        return Prediction(torch.zeros(len(latent), 2), self.value.expand(len(latent), -1))


def test_of_a_cut_piece_nothing_is_learned_past_it():
    buffer = TrajectoryBuffer(1 << 20)
    buffer.add("a", pieces())
    batch = buffer.sample(np.array([0.3, 0.8]), 3)
    assert batch.left.tolist() == [1, 1]
    assert batch.known.tolist() == [[1, 1, 1, 1], [1, 0, 0, 0]]
    wanted = targets(batch, np.zeros(2, np.bool_), 0.0, torch.device("cpu"))
    assert wanted.value.reshape(4, 2).tolist() == [[1, 3], [0, 0], [0, 0], [0, 0]]
    network = Says()
    out = unroll(network, wanted)
    found = losses(out, wanted, SCALE, SIGNS)
    np.testing.assert_allclose(found["value"], np.log(11), rtol=1e-6)
    np.testing.assert_allclose(found["reward"], np.log(3), rtol=1e-6)
    network.reward = torch.tensor([[0.0, 0.0, 9.0]])
    likely = torch.log_softmax(network.reward, 1)[0]
    # Known: rewards 1, 0, 0 of the piece that ends, -1 of the one that is cut.
    told = losses(unroll(network, wanted), wanted, SCALE, SIGNS)["reward"]
    np.testing.assert_allclose(told, -(likely[2] + 2 * likely[1] + likely[0]) / 4, rtol=1e-5)


def test_signs_are_three_categories():
    found = SIGNS.histogram(torch.tensor([-1.0, 0.0, 1.0]))
    np.testing.assert_allclose(found, np.eye(3), atol=1e-6)
    read = SIGNS.read(torch.tensor([[9.0, 0, 0], [0, 0, 0], [0, 0, 99]]))
    np.testing.assert_allclose(
        read, SIGNS.mean(torch.tensor([[9.0, 0, 0], [0, 0, 0], [0, 0, 99]])), atol=1e-3
    )
