"""What is assumed of ratings before the first game."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from arena.elo import ELO_PER_NAT

_KINDS = {"gauss": "Elo, such as gauss:2000", "virtual": "games, such as virtual:2"}


class RatingError(ValueError):
    """Something that no rating follows from: what a user can mend."""


class PriorError(RatingError):
    """A text that names no prior."""


@dataclass(frozen=True)
class Prior:
    """A pull of every rating towards 0, the same for all."""

    kind: Literal["none", "gauss", "virtual"]
    """`gauss`: a normal density on each rating. `virtual`: each player also met a player that
    stands at 0 and took half of the points, as in KataGo's ratings,
    https://github.com/lightvector/KataGo/blob/master/python/katago/utils/elo.py."""
    amount: float
    """`gauss`: standard deviation in Elo. `virtual`: number of games. `none`: 0."""

    def __str__(self) -> str:
        """Gives the text that `parse_prior` understands."""
        return self.kind if self.kind == "none" else f"{self.kind}:{self.amount:g}"

    def derivatives(
        self, x: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Gives the gradient and minus the second derivatives of the log density at `x`, nats."""
        if self.kind == "gauss":
            precision = (ELO_PER_NAT / self.amount) ** 2
            return -precision * x, np.full_like(x, precision)
        p = 1 / (1 + np.exp(-x))
        return self.amount * (0.5 - p), self.amount * p * (1 - p)


def parse_prior(text: str) -> Prior:
    """Gives the prior that `none`, `gauss:SD` (in Elo) or `virtual:GAMES` names.

    Raises:
        PriorError: when the text is none of them or the number is not finite and above 0.
    """
    kind, _, amount = text.partition(":")
    if text == "none":
        return Prior("none", 0.0)
    if kind not in _KINDS:
        close = difflib.get_close_matches(kind, ["none", *_KINDS], n=1)
        hint = f"; did you mean {close[0]!r}?" if close else "; try gauss:2000"
        raise PriorError(f"unknown prior {text!r}, expected none, gauss:SD or virtual:GAMES{hint}")
    try:
        value = float(amount)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise PriorError(f"prior {text!r} needs a number above 0 after the colon: {_KINDS[kind]}")
    return Prior("gauss" if kind == "gauss" else "virtual", value)
