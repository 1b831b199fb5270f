"""One network in its three forms: as it learns, folded in PyTorch, and as a kernel."""

import numpy as np
import pytest
import torch

from envs import registry
from muzero import weights
from muzero.compiled import compile_network
from muzero.inference import Acting, fold
from muzero.kernels import Batch, Outputs
from muzero.limits import SearchConfigError
from muzero.network import BoardNetwork, NetworkConfig
from muzero.weights import CheckpointError, Network

SMALL = NetworkConfig(channels=12, blocks=2, column_channels=20, hidden=8)


def network(spec, config=SMALL):
    """Gives a network whose normalisation has something to fold."""
    torch.manual_seed(3)
    made = BoardNetwork(spec, config).eval()
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.1)
    return made


def observations(spec, count=9):
    chance = np.random.default_rng(5).random((count, *spec.observation_shape))
    return (chance < 0.3).astype(np.uint8)


def expected(made, seen):
    with torch.no_grad():
        said = made.prediction(made.representation(torch.from_numpy(seen).float()))
    return said.logits.numpy(), torch.tanh(said.value / 2).numpy()


@pytest.mark.parametrize("env_id", ["connectx", "connectx-5x4x3", "connectx-9x6x4"])
def test_the_kernel_says_what_the_network_says(env_id):
    spec = registry.spec(env_id)
    made, seen = network(spec), observations(spec)
    logits, values = searched(spec, made, seen)
    wanted = expected(made, seen)
    assert np.allclose(logits, wanted[0], atol=1e-4)
    assert np.allclose(values, wanted[1], atol=1e-4)


def searched(spec, made, seen):
    """Asks the kernel as a search does."""
    function, arrays = compile_network(Network(spec.id, {}, fold(made)), spec)
    count, actions = len(seen), spec.num_actions
    batch = Batch(
        *(np.zeros(len(seen), kind) for kind in (np.int32, np.int32, np.int64, np.int64)),
        seen,
        np.zeros(actions, np.bool_),
        np.zeros(2, np.uint64),
        np.zeros(1, np.int64),
        np.zeros(3, np.int64),
    )
    out = Outputs(
        np.zeros((count, actions), np.float32),
        np.zeros(count, np.float32),
        np.zeros(count, np.float32),
        np.zeros((0, count, actions), np.float32),
    )
    function(arrays, batch, count, out)
    again = out.logits.copy()
    function(arrays, batch, count, out)
    assert np.array_equal(again, out.logits), "a call leaves something behind"
    return out.logits, out.value


def test_acting_says_nearly_the_same():
    spec = registry.spec("connectx")
    made, seen = network(spec), observations(spec, 40)
    acting = Acting()
    acting.load(fold(made))
    logits, values = acting(seen)
    wanted = expected(made, seen)
    assert np.abs(logits - wanted[0]).max() < 0.05
    assert np.abs(values - wanted[1]).max() < 0.05
    assert acting.seconds > 0


def test_networks_refuse_games_that_are_no_boards():
    spec = registry.spec("connectx")
    pong = type(spec)("ALE/Pong-v5", {}, 1, 6, (4, 84, 84), 0.997)
    with pytest.raises(SearchConfigError, match="no board with one action for each column"):
        BoardNetwork(pong, SMALL)
    with pytest.raises(SearchConfigError, match="channels = 0 is impossible"):
        NetworkConfig(channels=0)


def test_kernels_refuse_weights_of_another_shape():
    spec, other = registry.spec("connectx"), registry.spec("connectx-5x4x3")
    folded = fold(network(spec))
    with pytest.raises(CheckpointError):
        compile_network(Network(other.id, {}, folded), other)
    del folded["hidden.bias"]
    with pytest.raises(CheckpointError, match=r"lack 'hidden.bias'"):
        compile_network(Network(spec.id, {}, folded), spec)


def test_a_file_keeps_a_network():
    spec = registry.spec("connectx")
    folded = fold(network(spec))
    read = weights.unpack_network(weights.pack_network(folded, spec.id)).arrays
    assert all(np.array_equal(read[name], array) for name, array in folded.items())
