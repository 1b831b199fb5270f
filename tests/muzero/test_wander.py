"""Random actions that are held for a while."""

from __future__ import annotations

from itertools import groupby

import numpy as np

from muzero.moves import Moment, wander

_SEEDS, _STEPS, _ACTIONS, _OWN = 50, 1600, 6, 5


def _moment(rows: int, mask: np.ndarray | None = None) -> Moment:
    none = np.zeros(rows)
    legal = np.ones((rows, _ACTIONS), np.bool_) if mask is None else mask
    return Moment(
        np.arange(rows), np.zeros((rows, 1), np.uint8), legal, np.full(rows, _OWN), none,
        np.full((rows, _ACTIONS), 1 / _ACTIONS), none, none + 1,
    )  # fmt: skip


def _played(share: float, mask: np.ndarray | None = None) -> np.ndarray:
    seeds, steps = np.arange(_SEEDS), range(_STEPS)
    every = [wander(_moment(_SEEDS, mask), seeds, np.full(_SEEDS, n), share) for n in steps]
    return np.stack([moment.action for moment in every], 1)


def test_about_the_share_of_windows_begins_with_a_random_action_that_is_held() -> None:
    windows = _played(0.3).reshape(-1, 16)
    changed = (windows != _OWN).any(1)
    assert 0.21 < changed.mean() < 0.29, "a sixth of the random actions are the own one"
    for window in windows[changed]:
        parts = [action for action, _ in groupby(window)]
        assert parts in ([parts[0]], [parts[0], _OWN])
    lengths = (windows[changed] != _OWN).sum(1)
    assert set(lengths) == set(range(1, 17))
    assert set(windows[changed][:, 0]) == {0, 1, 2, 3, 4}


def test_what_is_played_follows_from_seed_and_ply_alone() -> None:
    seeds, ply = np.array([7, 8, 9]), np.array([400, 3, 77])
    whole = wander(_moment(3), seeds, ply, 1.0).action
    alone = [wander(_moment(1), seeds[[i]], ply[[i]], 1.0).action[0] for i in range(3)]
    assert whole.tolist() == alone


def test_random_actions_are_legal_and_the_policy_stays() -> None:
    mask = np.zeros((_SEEDS, _ACTIONS), np.bool_)
    mask[:, [1, 4]] = True
    assert set(np.unique(_played(1.0, mask))) <= {1, 4, _OWN}
    before = _moment(_SEEDS)
    after = wander(before, np.arange(_SEEDS), np.zeros(_SEEDS, np.int64), 1.0)
    assert after._replace(action=before.action) == before


def test_no_share_changes_nothing() -> None:
    assert (_played(0.0) == _OWN).all()
