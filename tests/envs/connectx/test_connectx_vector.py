import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.base import IllegalActionError, VectorEnv
from envs.connectx.env import ConnectX
from envs.connectx.vector import ConnectXVector


def play(env, picks):
    """Gives all moments of rows that choose by `picks`, `int[T, B]`."""
    moments = [env.reset(np.arange(env.num_rows), np.zeros(env.num_rows, np.int64))]
    for row in picks:
        legal = [np.flatnonzero(mask) for mask in moments[-1].action_mask]
        choice = [a[p % a.size] if a.size else 0 for a, p in zip(legal, row, strict=True)]
        moments.append(env.step(np.array(choice)))
    return moments


@given(st.sampled_from([(7, 6, 4), (8, 7, 4), (3, 3, 3)]), st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_rows_do_not_touch_each_other(size, seed):
    picks = np.random.default_rng(seed).integers(0, 999, (20, 5))
    together = play(ConnectXVector(5, *size), picks)
    for row in range(5):
        alone = play(ConnectXVector(1, *size), picks[:, [row]])
        for many, one in zip(together, alone, strict=True):
            for name in ("observation", "action_mask", "to_play", "rewards", "terminated"):
                assert np.array_equal(getattr(many, name)[row], getattr(one, name)[0])


def test_it_is_a_vector_env():
    assert isinstance(ConnectXVector(2), VectorEnv)


def test_an_illegal_action_names_the_row_and_what_is_legal():
    env = ConnectXVector(3, 4, 2, 4)
    env.reset(np.arange(3), np.zeros(3), [[], [1, 1], []])
    before = env.digest()
    for bad in (1, -1, 4, 2**40):
        with pytest.raises(IllegalActionError, match=f"action {bad} in row 1 .* legal are 0, 2, 3"):
            env.step(np.array([0, bad, 0]))
        assert (env.digest() == before).all()


@pytest.mark.parametrize("actions", [[0], [0, 1, 2], [0.0, 1.0], [[0, 1]], [True, False]])
def test_actions_of_another_form_are_refused(actions):
    with pytest.raises(IllegalActionError, match="expected an integer for each of 2 rows"):
        ConnectXVector(2).step(np.array(actions))


@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.uint64])
def test_all_integers_are_actions(dtype):
    moments = ConnectXVector(2).step(np.array([6, 0], dtype))
    assert moments.observation[0, 1, 5, 6] == moments.observation[1, 1, 5, 0] == 1


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ([3, 9], "move 2, column 9"),
        ([-1], "move 1, column -1"),
        ([0, 1, 0, 1, 0, 1, 0], "move 7, column 0"),
        ([0] * 7, "move 7, column 0"),
    ],
)
def test_a_wrong_start_names_its_move_and_changes_nothing(start, words):
    env, scalar = ConnectXVector(3), ConnectX()
    env.step(np.array([1, 2, 3]))
    before = env.digest()
    with pytest.raises(IllegalActionError, match=words):
        env.reset(np.arange(2), np.zeros(2), [[4, 4], start])
    assert (env.digest() == before).all()
    with pytest.raises(IllegalActionError, match=words):
        scalar.reset(0, start)


def test_a_saved_state_is_the_moves_as_bytes():
    env = ConnectXVector(2)
    env.reset(np.arange(2), np.zeros(2), [bytes([3, 3, 4]), (3, 3, 4)])
    one, other = env.digest()
    assert one == other
    scalar = ConnectX()
    scalar.reset(0, bytes([3, 3, 4]))
    assert scalar.digest() == int(one).to_bytes(8, "little")


def test_every_row_needs_a_start():
    with pytest.raises(ValueError, match="1 starts for 2 rows"):
        ConnectXVector(2).reset(np.arange(2), np.zeros(2), [[1]])


def test_no_rows_can_begin():
    env = ConnectXVector(2)
    assert env.reset(np.arange(0), np.arange(0), []).observation.shape == (2, 2, 6, 7)


def test_digests_know_the_board_and_whose_discs_they_are():
    words = {
        int(ConnectXVector(1, *size).digest()[0]) for size in [(7, 6, 4), (7, 6, 5), (6, 7, 4)]
    }
    env = ConnectXVector(2)
    env.reset(np.arange(2), np.zeros(2), [[0, 1], [1, 0]])
    words |= {int(word) for word in env.digest()}
    assert len(words) == 5
