"""Connect X steps a second on one core, 1,024 boards at once, against pgx and PettingZoo.

Every step plays a random legal move on every board and begins anew the boards that ended; choosing
the moves is part of the time, each side in its own way.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"

import numpy as np
from numba import njit

from envs import registry
from envs.seeding import mix64

ROWS, SECONDS, ROUNDS = 1024, 1.0, 5


def steps_a_second(step: Callable[[], int]) -> float:
    """Gives the rate of calls, each of which plays so many moves."""
    began, played = time.perf_counter(), 0
    while (now := time.perf_counter()) < began + SECONDS:
        played += step()
    return played / (now - began)


@njit(cache=True)
def _random_moves(mask: Any, counter: Any) -> Any:
    """Gives a random legal action for each row of `mask`, `int64[B]`; 0 where none is."""
    out = np.zeros(mask.shape[0], np.int64)
    for row in range(mask.shape[0]):
        count = np.uint64(np.count_nonzero(mask[row]))
        if count:
            left = mix64(np.uint64(counter * mask.shape[0] + row)) % count
            for column in range(mask.shape[1]):
                if mask[row, column]:
                    if left == 0:
                        out[row] = column
                        break
                    left -= np.uint64(1)
    return out


def ours() -> Callable[[], int]:
    """Gives a step of the arena's `VectorEnv`."""
    env = registry.make_vector("connectx", ROWS)
    everyone = np.arange(ROWS)
    moment, counter = env.reset(everyone, everyone), 0

    def step() -> int:
        nonlocal moment, counter
        counter += 1
        moment = env.step(_random_moves(moment.action_mask, counter))
        over = np.flatnonzero(moment.last)
        if over.size:
            moment = env.reset(over, over)
        return ROWS

    return step


def pgx() -> Callable[[], int]:
    """Gives some steps of pgx, compiled into one call, with its own automatic reset."""
    import jax
    import jax.numpy as jnp
    import pgx
    from pgx.experimental import auto_reset

    env = pgx.make("connect_four")
    begin, advance = jax.vmap(env.init), jax.vmap(auto_reset(env.step, env.init))
    calls = 64

    def one(carry: Any, key: Any) -> Any:
        chosen, again = jax.random.split(key)
        logits = jnp.where(carry.legal_action_mask, 0.0, -jnp.inf)
        actions = jax.random.categorical(chosen, logits)
        return advance(carry, actions, jax.random.split(again, ROWS)), None

    @jax.jit
    def many(carry: Any, key: Any) -> Any:
        return jax.lax.scan(one, carry, jax.random.split(key, calls))[0]

    state = jax.jit(begin)(jax.random.split(jax.random.PRNGKey(0), ROWS))
    key = jax.random.PRNGKey(1)

    def step() -> int:
        nonlocal state, key
        key, now = jax.random.split(key)
        state = jax.block_until_ready(many(state, now))
        return ROWS * calls

    return step


def pettingzoo() -> Callable[[], int]:
    """Gives a step of one PettingZoo board: there is no vector of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from pettingzoo.classic import connect_four_v3

    env = connect_four_v3.raw_env()
    chance = np.random.default_rng(0)
    env.reset()

    def step() -> int:
        mask = env.observe(env.agent_selection)["action_mask"]
        env.step(int(chance.choice(np.flatnonzero(mask))))
        if env.terminations[env.agent_selection]:
            env.reset()
        return 1

    return step


if __name__ == "__main__":
    sides = {make.__name__: make() for make in (ours, pgx, pettingzoo)}
    for side in sides.values():
        side()
    rounds = [{name: steps_a_second(side) for name, side in sides.items()} for _ in range(ROUNDS)]
    rates = {name: sorted(rates[name] for rates in rounds)[ROUNDS // 2] for name in sides}
    json.dump(
        {
            "name": f"Connect X steps per second, one core, {ROWS} boards, random play, resets",
            "ours": round(rates["ours"]),
            "peer": round(rates["pgx"]),
            "peer_name": "pgx 2.6.0, jit, CPU",
            "ratio": round(rates["ours"] / rates["pgx"], 2),
            "pettingzoo_connect_four": round(rates["pettingzoo"]),
            "ratio_pettingzoo": round(rates["ours"] / rates["pettingzoo"]),
            "at_least": {"ratio": 1.0, "ratio_pettingzoo": 1.0},
            "command": "python benchmarks/vector_env.py",
        },
        sys.stdout,
        indent=2,
    )
    print()
