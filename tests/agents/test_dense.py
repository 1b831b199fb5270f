"""Networks of dense layers without PyTorch."""

import numpy as np
import pytest

from agents.dense import Dense
from agents.reflex import Reflex
from envs import registry
from muzero import weights
from muzero.weights import CheckpointError, Network

SPEC = registry.spec("connectx-4x3x3")


def arrays(hidden=5):
    """Layers with random weights: one before actions, none before the value."""
    generator = np.random.default_rng(1)
    shapes = {"policy0": (hidden, 24), "actions": (4, hidden), "value": (1, 24)}
    found = {f"{name}.weight": generator.normal(size=s) for name, s in shapes.items()}
    return found | {f"{name}.bias": generator.normal(size=s[0]) for name, s in shapes.items()}


def seen(rows):
    return np.random.default_rng(2).integers(0, 2, (rows, 2, 3, 4), np.uint8)


def test_answers_follow_from_the_layers_and_are_the_same_in_any_batch():
    own = arrays()
    dense = Dense(Network(SPEC.id, {"dense": "tanh"}, own), SPEC)
    actions, value = dense(seen(6))
    x = seen(6).reshape(6, 24)
    hidden = np.tanh(x @ own["policy0.weight"].T + own["policy0.bias"])
    wanted = hidden @ own["actions.weight"].T + own["actions.bias"]
    np.testing.assert_allclose(actions, wanted, atol=1e-5)
    whole = x @ own["value.weight"][0] + own["value.bias"][0]
    np.testing.assert_allclose(value, whole.clip(-1, 1), atol=1e-5)
    assert (abs(whole) > 1).any()
    np.testing.assert_array_equal(dense(seen(6)[2:3])[0][0], actions[2])


def test_boards_are_not_seen_in_a_mirror():
    data = weights.pack_network(arrays(), SPEC.id, {"dense": "relu"})
    reflex = Reflex("it", data)
    reflex.reset(SPEC, np.arange(6))
    wanted = Dense(weights.unpack_network(data), SPEC)(seen(6))
    np.testing.assert_array_equal(reflex._answer(seen(6)).actions, wanted[0])


@pytest.mark.parametrize(
    ("about", "change", "named"),
    [
        ({}, {}, "of no network of dense layers"),
        ({"dense": "elu"}, {}, "of no network of dense layers"),
        ({"dense": "relu"}, arrays(6) | {"actions.weight": np.zeros((4, 5))}, "takes 5 .* 6 and 4"),
        ({"dense": "relu"}, {"value.weight": np.full((1, 24), np.nan)}, "cannot be used"),
        (
            {"dense": "relu"},
            {"actions.weight": np.zeros((3, 5)), "actions.bias": np.zeros(3)},
            "'actions' of the weights gives 3 numbers, expected 4",
        ),
    ],
)
def test_other_layers_are_refused(about, change, named):
    with pytest.raises(CheckpointError, match=named):
        Dense(Network(SPEC.id, about, arrays() | change), SPEC)
