"""How kernels are compiled.

Parts are inlined into the kernel that they belong to, and nothing counts references: in a search
there is no array to free, and the counting took a third of its time. `_nrt` is private to Numba.
"""

from __future__ import annotations

from numba import njit

inlined = njit(cache=True, error_model="numpy", forceinline=True, _nrt=False)
"""For the parts of kernels."""
kernel = njit(cache=True, error_model="numpy", nogil=True, _nrt=False)
"""For what Python calls."""
