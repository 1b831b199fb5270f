"""Players and what makes them."""

import envs as envs  # says first where compiled kernels are kept
