"""The ring of experience: returns over several steps, ends, cuts, and its shards."""

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from agents.dqn_buffer import Ring


def ring(size=40, rows=2, n_step=1, discount=-0.5):
    return Ring(
        size,
        Box(0, 255, (1, 1, 1), np.uint8),
        Discrete(3),
        n_envs=rows,
        n_step=n_step,
        discount=discount,
    )


def put(ring, number, ended=(False, False)):
    """Puts moment `number` of both rows: it is seen as that number, 100 more in row 1."""
    seen = np.array([number, 100 + number], np.uint8).reshape(2, 1, 1, 1)
    mask = np.tile([True, number % 2 == 0, False], (2, 1))
    first = np.array([number == 0, False])
    done = np.array([1, 2]), np.array([number, -number], np.float32), np.array(ended)
    ring.put(seen, mask, first, *done)


def by_moment(ring, draws=400):
    """Gives what was sampled, moment to its (returns, next moment, discount, legal)."""
    np.random.seed(0)
    found = ring.sample(draws)
    return {
        int(seen): (float(paid), int(after), float(discount), mask.tolist(), int(action))
        for seen, action, paid, after, mask, discount in zip(
            found.observation.ravel(),
            found.action,
            found.returns,
            found.next_observation.ravel(),
            found.next_mask,
            found.discount,
            strict=True,
        )
    }


def test_each_moment_is_followed_by_the_next_with_its_mask():
    kept = ring()
    for number in range(5):
        put(kept, number)
    found = by_moment(kept)
    assert sorted(found) == [0, 1, 2, 3, 100, 101, 102, 103], "nothing follows the last yet"
    assert found[1] == (1.0, 2, -0.5, [True, True, False], 1)
    assert found[102] == (-2.0, 103, -0.5, [True, False, False], 2)


def test_returns_are_summed_with_the_sign_of_who_moves_and_stop_at_ends():
    kept = ring(n_step=3)
    for number in range(1, 7):
        put(kept, number, (number == 3, False))
    found = by_moment(kept)
    assert found[1][:3] == (1 - 0.5 * 2 + 0.25 * 3, 3, 0.0)
    assert found[3][0] == 3
    assert found[3][2] == 0
    assert found[4][:3] == (4 - 0.5 * 5, 6, 0.25), "as far as is known"
    assert found[101][:3] == (-1 + 0.5 * 2 - 0.25 * 3, 104, -0.125)
    assert 6 not in found


def test_nothing_follows_across_a_barrier_but_ends_still_teach():
    kept = ring(n_step=2)
    put(kept, 1)
    put(kept, 2, (True, False))
    kept.begin()
    put(kept, 3)
    put(kept, 4)
    found = by_moment(kept)
    assert found[2][:3] == (2, 2, 0.0)
    assert 102 not in found
    assert found[101][:3] == (-1, 102, -0.5)
    assert found[3][1] == 4


def test_stacked_pictures_are_those_before_and_black_before_the_first():
    space = Box(0, 255, (3, 2, 2), np.uint8)
    kept = Ring(16, space, Discrete(3), n_envs=1, n_step=1, discount=1.0, stacked=True)
    stack, seen = np.zeros((1, 3, 2, 2), np.uint8), {}
    for number in range(40):
        first = np.array([number % 7 == 0])
        if first:
            stack = np.zeros_like(stack)
        stack = np.concatenate([stack[:, 1:], np.full((1, 1, 2, 2), number + 1, np.uint8)], 1)
        seen[number + 1] = stack[0]
        ended = np.array([number % 7 == 6])
        kept.put(stack, np.ones((1, 3), bool), first, np.zeros(1), np.zeros(1), ended)
        found = kept.sample(50) if number > 2 else None
        for moment, after, left in (
            zip(*found[:1], found[3], found[5], strict=True) if found else ()
        ):
            np.testing.assert_array_equal(moment, seen[moment[-1, 0, 0]])
            if left:
                np.testing.assert_array_equal(after, seen[moment[-1, 0, 0] + 1])
    assert kept.length == 16


def test_the_oldest_are_forgotten():
    kept = ring(size=20)
    for number in range(37):
        put(kept, number)
    assert {moment for moment in by_moment(kept, 2000) if moment < 100} == set(range(28, 36))


@pytest.mark.parametrize("length", [7, 23, 45])
def test_what_was_saved_comes_back_to_the_same_places(store, length):
    kept = ring(size=40, n_step=2)
    for number in range(length):
        put(kept, number, (number % 5 == 4, False))
        if number % 6 == 5:
            kept.save(store)
            kept.begin()
    kept.save(store)
    kept.begin()
    other = ring(size=40, n_step=2)
    other.load(kept.shards, store)
    for number in range(length, length + 4):
        put(kept, number)
        put(other, number)
    np.random.seed(3)
    one = kept.sample(300)
    np.random.seed(3)
    two = other.sample(300)
    for first, second in zip(one, two, strict=True):
        np.testing.assert_array_equal(first, second)
    assert other.count == length + 4
    kept.save(store)
    other.save(store)
    assert other.shards == kept.shards
    assert len(kept.shards) <= 5
