import numpy as np
import torch

from muzero.models import Evaluation, LearnedModel
from muzero.search import GumbelConfig, PuctConfig, search


def test_latents_may_be_tensors(hashed):
    """The pool is of the network's backend; the search is the same as with arrays."""
    plain = hashed.learned()

    def wrap(said):
        return said._replace(latent=torch.from_numpy(said.latent.astype(np.int64)))

    def initial(root):
        return wrap(plain.initial(np.asarray(root)))

    def recurrent(latent, action):
        assert isinstance(latent, torch.Tensor)
        return wrap(plain.recurrent(latent.numpy().astype(np.uint32), action))

    model = LearnedModel(initial, recurrent, 6, -1.0)
    root, mask = np.arange(40, dtype=np.uint32), np.ones((40, 6), bool)
    for config in (PuctConfig(20), GumbelConfig(20)):
        one = search(plain, root, mask, config)
        other = search(model, torch.from_numpy(root), mask, config)
        np.testing.assert_array_equal(one.action_weights, other.action_weights)
        np.testing.assert_array_equal(one.value, other.value)


def with_heads(hashed, heads):
    plain = hashed.learned(4, bounds=(-1.0, 1.0))

    def initial(root):
        return plain.initial(root)._replace(heads=heads(root))

    def recurrent(latent, action):
        said = plain.recurrent(latent, action)
        return said._replace(heads=heads(said.latent), reward=None)

    return LearnedModel(initial, recurrent, 4, -1.0, (-1.0, 1.0))


def ask(model, size=30):
    root, mask = np.arange(size, dtype=np.uint32), np.ones((size, 4), bool)
    return search(model, root, mask, GumbelConfig(30))


def test_heads_forbid_actions_everywhere_but_at_the_root(hashed):
    def heads(latent):
        said = np.full((3, len(latent), 4), -1.0)
        said[0, :, 1:3] = 1
        return said

    nodes, rows = ask(with_heads(hashed, heads)).tree
    for row, size in enumerate(rows["size"]):
        assert (nodes["visits"][row, 1:size][:, [0, 3]] == 0).all()
        assert nodes["visits"][row, 0].sum() == 30


def test_heads_that_forbid_all_are_not_believed(hashed):
    free = with_heads(hashed, lambda latent: np.ones((3, len(latent), 4)) * [[[1]], [[-1]], [[-1]]])
    none = with_heads(hashed, lambda latent: np.full((3, len(latent), 4), -1.0))
    np.testing.assert_array_equal(ask(free).action_weights, ask(none).action_weights)


def test_heads_end_the_episode(hashed):
    """A win behind every edge makes the root a win, without a simulation; draws make it a draw."""
    for place, value in ((1, 1), (2, 0)):

        def heads(latent, place=place):
            said = np.full((3, len(latent), 4), -1.0)
            said[0] = said[place, :, 2] = 1
            if place == 2:
                said[2] = 1
            return said

        result = ask(with_heads(hashed, heads))
        assert (result.tree.rows["done"] == 0).all()
        assert (result.value == value).all()
        assert (result.action == (2 if place == 1 else 0)).all()


def test_rewards_may_be_left_out(hashed):
    plain = hashed.learned(4, reward=0.0)

    def recurrent(latent, action):
        return plain.recurrent(latent, action)._replace(reward=None)

    model = LearnedModel(plain.initial, recurrent, 4, -1.0)
    np.testing.assert_array_equal(ask(model).value, ask(plain).value)


def test_an_evaluation_needs_only_three_fields():
    said = Evaluation(np.zeros(2), np.zeros((2, 3)), np.zeros(2))
    assert said.reward is None and said.heads is None
