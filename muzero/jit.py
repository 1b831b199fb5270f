"""How kernels are compiled.

Parts are inlined into the kernel that they belong to, and nothing counts references: in a search
there is no array to free, and the counting took a third of its time. `_nrt` is private to Numba.
"""

from __future__ import annotations

import os
from typing import Any

from numba import njit

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True, "_nrt": False}
_NO_C: dict[str, Any] = {"no_cfunc_wrapper": True}
WITHIN: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
"""For what only kernels call: without entrances for Python and C, which took as long to compile."""
_PARTS = WITHIN if "ARENA_BUNDLE" in os.environ else _NO_C
"""Of parts. Tests call them from Python; in a bundle nobody does, and all compiles on a clock."""
inlined: Any = njit(forceinline=True, **_PARTS, **_OPTIONS)
"""For the parts of kernels: not cached, since Numba would not see that a part of a part changed."""
called: Any = njit(forceinline=True, **_NO_C, **_OPTIONS)
"""For parts that players call from Python, too."""
kernel: Any = njit(cache=True, **_NO_C, **_OPTIONS)
"""For what Python calls, by way of `muzero.kernels.specialise`, which does see it."""
