"""What networks see, and that it is put together again as the env showed it."""

import numpy as np
import pytest

from envs import registry
from muzero import architecture, views
from muzero.limits import SearchConfigError
from muzero.network import NetworkConfig


def test_smaller_pictures_are_means_of_areas_with_halves_rounded_up():
    picture = np.array([[0, 255, 10, 10], [0, 255, 10, 11]], np.uint8)
    seen = views.smaller(np.concatenate([picture, picture])[None, None], 2)
    assert seen.tolist() == [[[[128, 10], [128, 10]]]]


def test_they_equal_the_means_of_numpy():
    given = np.random.default_rng(0).integers(0, 256, (3, 4, 84, 84)).astype(np.uint8)
    means = given.reshape(3, 4, 42, 2, 42, 2).mean((3, 5))
    assert np.array_equal(views.smaller(given, 42), np.floor(means + 0.5).astype(np.uint8))


def test_each_network_says_what_it_sees():
    pong, board = registry.spec("pong"), registry.spec("connectx")
    small = architecture.view(pong, NetworkConfig("flat-model", picture=42))
    assert (small.shape, small.frames, small.kept) == ((4, 42, 42), 4, 42 * 42)
    plain = architecture.view(board, NetworkConfig("board-model"))
    assert (plain.shape, plain.frames, plain.kept) == ((2, 6, 7), 1, 84)
    numbers = architecture.view(registry.spec("cartpole"), NetworkConfig("flat-model", picture=42))
    assert (numbers.shape, numbers.frames) == ((4,), 1)


def test_a_picture_that_is_no_divisor_is_refused():
    with pytest.raises(SearchConfigError, match=r"network.picture = 40 is no divisor of 84 and 84"):
        views.pictures(registry.spec("pong"), 40)


def test_stacks_are_put_together_from_what_was_kept():
    view = views.View((3, 1, 1), 3, lambda seen: seen)
    stack = np.array([[[[5]], [[6]], [[7]]]], np.uint8)
    kept = np.concatenate([*view.older(stack), view.newest(stack), view.newest(stack + 1)])
    assert views.stacked(kept, np.array([2]), 3).tolist() == stack.tolist()
    assert views.stacked(kept, np.array([[2, 3]]), 3)[0, 1].ravel().tolist() == [6, 7, 8]
