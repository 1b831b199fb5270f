"""MuZero as a library: batched tree search over arrays, on true rules or on a learned model.

`search.py` is the entrance; `models.py` says what a network must give, `puct.py` and `gumbel.py`
hold the two algorithms, `tree.py` the memory they share.
"""

import envs as envs  # says first where compiled kernels are kept
