"""Randomness as hash(seed, role, counter): never a shared generator, never the clock.

Scalars are derived with SHA-256 from anything that can be written down; arrays are mixed with
SplitMix64 (https://prng.di.unimi.it/splitmix64.c), the same bits in NumPy and in kernels.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


def derive(*parts: int | str | bytes) -> int:
    """Gives a seed in `[0, 2**63)` that follows from `parts` alone, on any machine."""
    text = "\x1f".join(part.hex() if isinstance(part, bytes) else str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


@njit(cache=True, inline="always")
def mix64(x: Any) -> Any:
    """Gives the SplitMix64 output for the state `x`, `uint64`; elementwise in kernels."""
    z = np.uint64(x) + _GOLDEN
    z = (z ^ (z >> _S30)) * _FIRST
    z = (z ^ (z >> _S27)) * _SECOND
    return z ^ (z >> _S31)


def mix(seeds: NDArray[Any], counters: NDArray[Any] | int) -> NDArray[np.uint64]:
    """Gives one random word for each (seed, counter), `uint64[R]`."""
    with np.errstate(over="ignore"):
        z = np.asarray(seeds).astype(np.uint64) * _SECOND ^ np.asarray(counters).astype(np.uint64)
        z = z + _GOLDEN
        z = (z ^ (z >> _S30)) * _FIRST
        z = (z ^ (z >> _S27)) * _SECOND
        return np.asarray(z ^ (z >> _S31), dtype=np.uint64)


def uniform(seeds: NDArray[Any], counters: NDArray[Any] | int) -> NDArray[np.float64]:
    """Gives one number in `[0, 1)` for each (seed, counter), `float64[R]`."""
    return np.asarray((mix(seeds, counters) >> _S11).astype(np.float64) * 2.0**-53)
