"""Times the tree alone, with a network that costs nothing; prints one JSON document.

`python benchmarks/search_tree.py [--rows 64] [--simulations 50]`. All figures are microseconds for
one simulation of one root, the best of several runs, 7 actions. `compiled`: the network is a
kernel, so a search is one call; `driven`: it is a Python function over NumPy arrays. mctx runs in
the same process on the CPU with the same hash for a network. LightZero is not installed here:
`sheet` holds the figures of its C++ tree from a like machine, 1.1-1.2 for MuZero and 11-13 for
Gumbel at 64 rows.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from envs.registry import spec
from muzero.jit import inlined
from muzero.kernels import OFFSET
from muzero.models import CompiledNetwork, Evaluation, LearnedModel, RulesModel
from muzero.search import GumbelConfig, PuctConfig, Searcher

ACTIONS, LAST = 7, 1023
SHEET = {"puct": 1.15, "gumbel": 12.0}


@inlined
def table(weights: Any, batch: Any, rows: Any, outputs: Any) -> None:
    """Answers from a table, by the action and the place of the parent's latent."""
    logits, value = weights
    for r in range(rows):
        place = (batch.slot[r] * 31 + batch.action[r] * 7 + batch.ledger[OFFSET]) & LAST
        for a in range(ACTIONS):
            outputs.logits[r, a] = logits[place, a]
        outputs.value[r] = value[place]


@inlined
def table_of_states(weights: Any, batch: Any, rows: Any, outputs: Any) -> None:
    """Answers from a table, by the observation's corner: next to nothing on true rules."""
    logits, value = weights
    for r in range(rows):
        place = (batch.node[r] * 31 + batch.tree[r] * 7) & LAST
        for a in range(ACTIONS):
            outputs.logits[r, a] = logits[place, a]
        outputs.value[r] = value[place]


def tables() -> tuple[Any, Any]:
    """Gives logits, `float32[1024, A]`, and values, `float32[1024]`."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(1024, ACTIONS)).astype(np.float32)
    return logits, rng.uniform(-1, 1, 1024).astype(np.float32)


def learned(rows: int, compiled: bool) -> LearnedModel:
    """Gives a learned model that reads a table."""
    logits, value = tables()
    slots = np.arange(rows, dtype=np.int32) % 1024

    def answer(latent: Any, action: Any = 0) -> Evaluation:
        size = len(latent)
        return Evaluation(latent, logits[:size], value[:size])

    def initial(root: Any) -> Evaluation:
        return Evaluation(root, logits[slots], value[slots])

    step = CompiledNetwork(table, (logits, value)) if compiled else answer
    return LearnedModel(initial, step, ACTIONS, -1.0, (-1.0, 1.0))


def on_rules() -> RulesModel:
    """Gives a model on the true rules of Connect X that reads a table."""
    return RulesModel(spec("connectx"), CompiledNetwork(table_of_states, tables()))


def best(run: Callable[[], Any], repeats: int) -> float:
    """Gives the shortest time of a run, seconds, after one to warm up."""
    run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def ours(model: Any, config: Any, rows: int, repeats: int = 40) -> float:
    """Gives microseconds for one simulation of one root."""
    mask = np.ones((rows, ACTIONS), bool)
    root = np.zeros((rows, 1), np.uint32)
    if isinstance(model, RulesModel):
        root = np.zeros((rows, *model.spec.observation_shape), np.uint8)
    searcher = Searcher(model, config, rows)
    total = searcher(root, mask).tree.rows["done"].sum()
    return best(lambda: searcher(root, mask), repeats) * 1e6 / float(total)


def mctx_time(algorithm: str, rows: int, simulations: int) -> float:
    """Gives the same of mctx on the CPU, compiled beforehand."""
    import functools

    import jax
    import jax.numpy as jnp
    import mctx

    logits, value = map(jnp.asarray, tables())

    def recurrent(params: Any, key: Any, action: Any, latent: Any) -> Any:
        latent = (latent * 31 + action * 7 + 1) % 1024
        zero = jnp.zeros(rows)
        output = mctx.RecurrentFnOutput(
            reward=zero, discount=zero - 1, prior_logits=logits[latent], value=value[latent]
        )
        return output, latent

    if algorithm == "puct":
        transform = functools.partial(mctx.qtransform_by_min_max, min_value=-1, max_value=1)
        policy = functools.partial(mctx.muzero_policy, qtransform=transform)
    else:
        transform = functools.partial(mctx.qtransform_completed_by_mix_value, rescale_values=False)
        policy = functools.partial(
            mctx.gumbel_muzero_policy, qtransform=transform, max_num_considered_actions=ACTIONS
        )

    def run(key: Any) -> Any:
        root = jnp.arange(rows, dtype=jnp.int32) % 1024
        start = mctx.RootFnOutput(prior_logits=logits[root], value=value[root], embedding=root)
        return policy((), key, start, recurrent, simulations).action_weights

    jitted = jax.jit(run)
    return (
        best(lambda: jitted(jax.random.PRNGKey(0)).block_until_ready(), 5)
        * 1e6
        / (rows * simulations)
    )


COLD = """
import time; start = time.perf_counter()
import numpy as np
from envs.registry import spec
from muzero.models import RulesModel
from muzero.search import GumbelConfig, search
loaded = time.perf_counter()
model = RulesModel(spec("connectx"), lambda x: (np.zeros((len(x), 7)), np.zeros(len(x))))
search(model, np.zeros((1, 2, 6, 7), np.uint8), np.ones((1, 7), bool), GumbelConfig())
print(loaded - start, time.perf_counter() - loaded)
"""


def cold_start() -> dict[str, float]:
    """Gives seconds of a fresh process whose kernels lie in the cache: import, first search."""
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", COLD], capture_output=True, text=True, check=True
        )
    imported, searched = map(float, done.stdout.split())
    return {"import_s": round(imported, 2), "first_search_s": round(searched, 2)}


def measure(rows: int, simulations: int) -> dict[str, Any]:
    """Gives all figures."""
    report: dict[str, Any] = {"rows": rows, "simulations": simulations, "actions": ACTIONS}
    for name, config in {
        "puct": PuctConfig(simulations),
        "gumbel": GumbelConfig(simulations),
    }.items():
        one = ours(learned(1, True), config, 1)
        many = ours(learned(rows, True), config, rows)
        peer = mctx_time(name, rows, simulations)
        figures = {
            "compiled": many,
            "compiled_one_row": one,
            "driven": ours(learned(rows, False), config, rows),
            "driven_one_row": ours(learned(1, False), config, 1),
            "compiled_true_rules": ours(on_rules(), config, rows),
            "mctx": peer,
            "sheet_lightzero": SHEET[name],
        }
        report[name] = {key: round(value, 3) for key, value in figures.items()}
        report[name] |= {
            "mctx_ratio": round(peer / many, 1),
            "sheet_lightzero_ratio": round(SHEET[name] / many, 1),
        }
    return report | {"cold_start": cold_start()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--simulations", type=int, default=50)
    args = parser.parse_args()
    print(json.dumps(measure(args.rows, args.simulations), indent=1))
