"""What a search may not be asked for."""

from __future__ import annotations

import numpy as np


class SearchConfigError(ValueError):
    """A search that cannot be made, such as one of no simulations."""


def check(name: str, value: float, low: float, high: float = np.inf) -> None:
    """Raises where a field of a config is out of its range.

    Raises:
        SearchConfigError: when `value` is not in `[low, high]`.
    """
    if not low <= value <= high:
        limit = f"at least {low:g}" if high == np.inf else f"from {low:g} to {high:g}"
        raise SearchConfigError(f"{name} = {value} is impossible; give a number {limit}")
