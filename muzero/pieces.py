"""Moments of a stretch, piece by piece. Axes: `R` rows, `M` moments, `A` actions.

A piece is an episode, or what of it lies in the stretch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from muzero.moves import Moment
from muzero.targets import Trace, lambda_returns
from muzero.trajectory import Trajectory
from muzero.views import View

_BEFORE, _LAST = -1, 0
"""Of moments that are kept but not played: before a first one, and after the last action."""


class Notes:
    """Moments of pieces: episodes, or what of them lies in the chunk."""

    def __init__(self, rows: int, view: View) -> None:
        self._view, self._moments, self._kinds = view, list[Moment](), list[NDArray[np.int8]]()
        self.piece = np.arange(rows)
        self._pieces = 0

    def begin(self, rows: NDArray[np.int64], seen: NDArray[np.uint8], actions: int) -> None:
        """Lets pieces begin in `rows`, at what is seen there."""
        self.piece[rows] = self._pieces + np.arange(len(rows))
        self._pieces += len(rows)
        for older in self._view.older(seen):
            self._put(_nothing(self.piece[rows], older, actions), _BEFORE)

    def play(self, moment: Moment) -> None:
        """Adds a moment of all rows; what is seen is made what is kept."""
        self._put(moment._replace(observation=self._view.newest(moment.observation)), 1)

    def end(
        self, rows: NDArray[np.int64], seen: NDArray[np.uint8], expected: NDArray[Any], actions: int
    ) -> None:
        """Ends the pieces of `rows`; `expected`, `float[R]`, is nan where nothing follows."""
        moment = _nothing(self.piece[rows], self._view.newest(seen), actions)
        goes_on = np.isfinite(expected)
        value = np.where(goes_on, expected, 0)
        self._put(moment._replace(value=value, action=np.where(goes_on, -1, 0)), _LAST)

    def _put(self, moment: Moment, kind: int) -> None:
        self._moments.append(moment)
        self._kinds.append(np.full(len(moment.game), kind, np.int8))

    def trajectory(self, rule: Trace) -> Trajectory:
        """Gives all pieces, one after the other."""
        whole = Moment(*(np.concatenate(part) for part in zip(*self._moments, strict=True)))
        order = np.argsort(whole.game, kind="stable")
        kind = np.concatenate(self._kinds)[order]
        parts: list[Any] = [part[order] for part in whole]
        piece, observation, action_mask, action, reward, policy, value, weight = parts
        ends, place = np.flatnonzero(np.diff(piece, append=-1)), np.arange(len(piece))
        left = np.where(kind == _BEFORE, -1, ends[np.searchsorted(ends, place)] - place)
        left, value = left.astype(np.int16), value.astype(np.float32)
        unknown = np.isnan(value)
        if unknown.any():  # random play was not searched: what followed stands for it
            value[unknown] = 0
            rule = rule._replace(share=1.0, n=0)
        returns = lambda_returns(reward, value, left, rule)
        return Trajectory(
            observation,
            action_mask,
            action.astype(np.int16),
            reward.astype(np.float32),
            policy.astype(np.float16),
            np.where(unknown, returns, value),
            returns,
            weight.astype(np.float32),
            left,
        )


def _nothing(piece: NDArray[np.int64], kept: NDArray[np.uint8], actions: int) -> Moment:
    """Gives moments in which nothing is done."""
    none = np.zeros(len(piece))
    policy = np.zeros((len(piece), actions))
    return Moment(piece, kept, policy > 0, none, none, policy, none, none)
