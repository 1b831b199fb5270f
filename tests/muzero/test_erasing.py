"""Rectangles painted over pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muzero import train
from muzero.config import TrainConfig
from muzero.erasing import NUMBERS, erase
from muzero.learner import LearnerConfig
from muzero.limits import SearchConfigError

_ROWS = 64


def _pictures(side: int = 42) -> np.ndarray:
    random = np.random.default_rng(0)
    return random.integers(0, 256, (_ROWS, 2, 4, side, side), dtype=np.uint8)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), side=st.sampled_from([10, 42, 84]))
def test_a_rectangle_of_one_grey_lies_at_the_same_place_in_all_pictures_of_a_row(
    seed: int, side: int
) -> None:
    before, after = _pictures(side), _pictures(side)
    chance = np.random.default_rng(seed).random((_ROWS, NUMBERS))
    erase(after, 1.0, chance)
    for old, new, numbers in zip(before, after, chance, strict=True):
        changed = (old != new).any((0, 1))
        rows, columns = np.nonzero(changed)
        assert len(rows) > 0, "one grey is rarely what all eight pictures show"
        box = (..., slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
        assert max(new[box].shape[-2:]) <= side / 4
        assert (new[..., changed] == int(256 * numbers[1])).all()
        whole = old.copy()
        whole[box] = new[box]
        assert (whole == new).all()


def test_about_the_share_asked_for_is_painted_over() -> None:
    before, after = _pictures(), _pictures()
    erase(after, 0.25, np.random.default_rng(1).random((_ROWS, NUMBERS)))
    assert 8 <= (before != after).any((1, 2, 3, 4)).sum() <= 24


def test_no_share_changes_nothing() -> None:
    after = _pictures()
    erase(after, 0.0, np.random.default_rng(1).random((_ROWS, NUMBERS)))
    assert (after == _pictures()).all()


def test_what_shows_no_pictures_is_refused() -> None:
    config = TrainConfig(learner=LearnerConfig(erased=0.25))
    with pytest.raises(SearchConfigError, match="shows no pictures"):
        train.validate(config, "connectx")
