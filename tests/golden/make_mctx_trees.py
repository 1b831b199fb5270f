"""Makes the golden trees of `tests/golden/mctx/` with mctx; run it as a script, no arguments.

The model is a hash that JAX and NumPy compute alike, see `tests/muzero/conftest.py`; a latent is
one `uint32`. Each file holds one search: the question, and for every row of the batch the tree node
by node. They change only in a commit of their own that says why.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import mctx
import numpy as np

ROWS, ACTIONS, SIMULATIONS = 4, 6, 40
FOLDER = Path(__file__).parent / "mctx"


def mix(x: Any) -> Any:
    """Gives the hash of a `uint32`; constants: https://github.com/skeeto/hash-prospector."""
    x = (x ^ (x >> 16)) * jnp.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * jnp.uint32(0x846CA68B)
    return x ^ (x >> 16)


def number(x: Any) -> Any:
    """Gives a number in `[-1, 1)` that follows from a hash."""
    return (x >> 8).astype(jnp.float32) / jnp.float32(1 << 23) - 1


def predict(latent: Any) -> tuple[Any, Any]:
    """Gives logits in `[-3, 3)` and a value in `[-1, 1)`."""
    actions = jnp.arange(1, ACTIONS + 1, dtype=jnp.uint32)
    return 3 * number(mix(latent[:, None] + actions * 977)), number(mix(latent ^ 0x5BD1E995))


def recurrent(reward: float, discount: float, key: Any, action: Any, latent: Any) -> Any:
    """Gives the model's answer in the form that mctx asks for."""
    latent = mix(latent * 31 + action.astype(jnp.uint32) + 1)
    logits, value = predict(latent)
    output = mctx.RecurrentFnOutput(
        reward=reward * number(mix(latent + 12345)),
        discount=jnp.full(latent.shape, discount),
        prior_logits=logits,
        value=value,
    )
    return output, latent


def golden(case: dict[str, Any]) -> dict[str, Any]:
    """Gives a case with its answer."""
    latent = mix(jnp.arange(1, ROWS + 1, dtype=jnp.uint32) * case["seed"])
    logits, value = predict(latent)
    invalid = np.zeros((ROWS, ACTIONS), bool)
    for row, actions in enumerate(case["forbidden"]):
        invalid[row, actions] = True
    known = case["bounds"] is not None
    key = jax.random.PRNGKey(case["seed"])
    common = {
        "root": mctx.RootFnOutput(prior_logits=logits, value=value, embedding=latent),
        "num_simulations": SIMULATIONS,
        "invalid_actions": invalid,
    }
    common["recurrent_fn"] = lambda params, key, action, latent: recurrent(
        case["reward"], case["discount"], key, action, latent
    )
    if case["algorithm"] == "puct":
        transform = mctx.qtransform_by_parent_and_siblings
        if known:
            low, high = case["bounds"]
            transform = functools.partial(mctx.qtransform_by_min_max, min_value=low, max_value=high)
        share = case["dirichlet_fraction"]
        policy = functools.partial(mctx.muzero_policy, dirichlet_fraction=share)
        noise = jax.random.dirichlet(jax.random.split(key, 3)[1], jnp.full([ACTIONS], 0.3), (ROWS,))
    else:
        transform = functools.partial(
            mctx.qtransform_completed_by_mix_value, rescale_values=not known
        )
        policy = functools.partial(
            mctx.gumbel_muzero_policy, max_num_considered_actions=case["max_considered"]
        )
        noise = jax.random.gumbel(jax.random.split(key)[1], (ROWS, ACTIONS))
    output = policy((), key, qtransform=transform, **common)
    tree = output.search_tree
    answer = {
        "latent": latent,
        "noise": noise,
        "action": output.action,
        "action_weights": output.action_weights,
        "parent": tree.parents,
        "edge": tree.action_from_parent,
        "visits": tree.node_visits,
        "value": tree.node_values,
    }
    return case | {name: np.asarray(array).tolist() for name, array in answer.items()}


def cases() -> dict[str, dict[str, Any]]:
    """Gives every case by name."""
    some = [[], [0, 3], [1, 2, 4, 5], [5]]
    none: list[list[int]] = [[], [], [], []]
    base = {"bounds": None, "reward": 0.5, "forbidden": some}
    puct = base | {"algorithm": "puct", "dirichlet_fraction": 0.0}
    gumbel = base | {"algorithm": "gumbel", "max_considered": ACTIONS}
    known = {"bounds": [-1.0, 1.0], "reward": 0.0, "discount": -1.0}
    return {
        "puct_alternating": puct | {"discount": -1.0, "seed": 1},
        "puct_solo": puct | {"discount": 0.95, "seed": 2},
        "puct_known_bounds": puct | known | {"seed": 3},
        "puct_noise": puct
        | {"discount": -1.0, "seed": 4, "dirichlet_fraction": 0.25, "forbidden": none},
        "gumbel_alternating": gumbel | {"discount": -1.0, "seed": 5},
        "gumbel_solo": gumbel | {"discount": 0.95, "seed": 6},
        "gumbel_known_bounds": gumbel | known | {"seed": 7},
        "gumbel_few_considered": gumbel | {"discount": -1.0, "seed": 8, "max_considered": 3},
    }


def text(answer: dict[str, Any]) -> str:
    """Gives JSON with a line for each field, and for each row where a field has rows."""
    parts = []
    for name, value in answer.items():
        body = json.dumps(value)
        if isinstance(value, list) and value and isinstance(value[0], list):
            body = "[\n  " + ",\n  ".join(map(json.dumps, _rounded(value))) + "\n ]"
        parts.append(f' "{name}": {body}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _rounded(rows: list[list[Any]]) -> list[list[Any]]:
    """Gives rows whose floats have seven digits."""
    return [[round(x, 7) if isinstance(x, float) else x for x in row] for row in rows]


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, case in cases().items():
        (FOLDER / f"{name}.json").write_text(text(golden(case)))
