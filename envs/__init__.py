"""Games and their contract."""

from envs.kernel_cache import enable

enable()
