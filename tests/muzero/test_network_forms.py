"""One network in its three forms: as it learns, folded in PyTorch, and as a kernel."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from envs import registry
from muzero import architecture, evaluate, weights
from muzero.compiled import compile_network
from muzero.compiled_boards import compile_boards
from muzero.compiled_model import compile_model
from muzero.inference import Acting, fold
from muzero.kernels import OFFSET, Batch
from muzero.limits import SearchConfigError
from muzero.models import Evaluation, LearnedModel
from muzero.network import BoardNetwork, NetworkConfig
from muzero.search import GumbelConfig, Searcher, search
from muzero.weights import CheckpointError, Network

SMALL = NetworkConfig(channels=12, blocks=2, column_channels=20, hidden=8)
MODEL = replace(SMALL, name="board-model", blocks=1, dynamics_blocks=2)
IMAGINED = replace(SMALL, name="predicted-board", blocks=1)
BOARDS = ["connectx", "connectx-5x4x3", "connectx-9x6x4"]


def network(spec, config=SMALL):
    """Gives a network whose normalisation has something to fold."""
    torch.manual_seed(3)
    made = architecture.make(spec, config).eval()
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


def questions(spec, seen):
    """Gives a batch that asks for rows, see `muzero.kernels`."""
    size = len(seen)
    return Batch(
        *(np.zeros(size, kind) for kind in (np.int32, np.int32, np.int64, np.int64)),
        seen,
        np.zeros(spec.num_actions, np.bool_),
        np.zeros(2, np.uint64),
        np.zeros(1, np.int64),
        np.zeros(3, np.int64),
    )


@pytest.mark.parametrize("env_id", BOARDS)
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
    count, batch = len(seen), questions(spec, seen)
    out = evaluate.blank(count, spec.num_actions)
    function(arrays, batch, count, out)
    again = out.logits.copy()
    function(arrays, batch, count, out)
    assert np.array_equal(again, out.logits), "a call leaves something behind"
    return out.logits, out.value


@torch.no_grad()
def imagined(made, seen, actions):
    """Gives what the model says of observations and after each of `int64[steps, B]` actions."""
    latent, told = made.representation(torch.from_numpy(seen).float()), []
    for action in [None, *actions]:
        if action is not None:
            latent, _ = made.dynamics(latent, torch.from_numpy(action))
        told.append(evaluation(latent, made.prediction(latent)))
    return told


def evaluation(latent, said):
    values = torch.tanh(said.value / 2).numpy()
    heads = said.rules.permute(2, 0, 1).numpy()
    return Evaluation(latent, said.logits.numpy(), values, None, heads)


def near(told, wanted):
    """Asserts that two evaluations are equal but for rounding."""
    for name in ("logits", "value", "heads"):
        gap = np.abs(getattr(told, name) - getattr(wanted, name)).max()
        assert gap < 1e-3, f"{name} differ by {gap}"


@pytest.mark.parametrize("env_id", BOARDS)
@pytest.mark.parametrize("blocks", [0, 1])
def test_the_kernel_imagines_what_the_model_imagines(env_id, blocks):
    spec, steps = registry.spec(env_id), 4
    made = network(spec, replace(MODEL, blocks=blocks, prediction_blocks=blocks))
    seen = observations(spec)
    count, chance = len(seen), np.random.default_rng(7)
    actions = chance.integers(0, spec.num_actions, (steps, count))
    wanted = imagined(made, seen, actions)
    model = compile_model(Network(spec.id, {}, fold(made)), spec, count * (steps + 1))
    near(model.initial(seen), wanted[0])
    batch, (function, arrays) = questions(spec, seen), model.recurrent
    out = evaluate.blank(count, spec.num_actions, 3)
    for step, action in enumerate(actions):
        batch.slot[:] = step * count + np.arange(count)
        batch.action[:] = action
        batch.ledger[OFFSET] = (step + 1) * count
        function(arrays, batch, count, out)
        near(out, wanted[step + 1])
    rows, columns = spec.observation_shape[1:]
    kept = arrays.latents.reshape(-1, count, rows, columns + 1, 16)[:, :, :, :columns, :12]
    for mine, said in zip(kept, wanted, strict=True):
        assert np.abs(mine.transpose(0, 3, 1, 2) - said.latent.numpy()).max() < 1e-3
    assert not out.reward.any()


@pytest.mark.parametrize("env_id", BOARDS)
def test_the_kernel_imagines_the_boards_that_the_model_imagines(env_id):
    spec, steps = registry.spec(env_id), 4
    made, seen = network(spec, IMAGINED), observations(spec)
    count, chance = len(seen), np.random.default_rng(7)
    actions = chance.integers(0, spec.num_actions, (steps, count))
    wanted = imagined(made, seen, actions)
    model = compile_boards(Network(spec.id, {}, fold(made)), spec, count * (steps + 1))
    near(model.initial(seen), wanted[0])
    batch, (function, arrays) = questions(spec, seen), model.recurrent
    out = evaluate.blank(count, spec.num_actions, 3)
    for step, action in enumerate(actions):
        batch.slot[:] = step * count + np.arange(count)
        batch.action[:] = action
        batch.ledger[OFFSET] = (step + 1) * count
        function(arrays, batch, count, out)
        near(out, wanted[step + 1])
        boards = arrays.latents[(step + 1) * count : (step + 2) * count]
        assert np.array_equal(boards, wanted[step + 1].latent[:, :2].numpy())


@pytest.mark.parametrize("leaves", [1, 4])
def test_a_search_in_the_kernel_is_the_search_in_the_model(hashed, small, leaves):
    made = network(small, MODEL)
    made.heads.policy.bias.data[:] = torch.tensor([0.0, 3, -3, -3])

    @torch.no_grad()
    def initial(seen):
        return imagined(made, seen, [])[0]

    @torch.no_grad()
    def recurrent(latent, action):
        latent, _ = made.dynamics(latent, torch.from_numpy(action))
        return evaluation(latent, made.prediction(latent))

    seen, mask = hashed.positions(small, 8, 5)
    config = GumbelConfig(40, leaves=leaves)
    plain = LearnedModel(initial, recurrent, 4, small.discount, small.value_range)
    model = compile_model(Network(small.id, {}, fold(made)), small, 8 * 41)
    mine, other = search(model, seen, mask, config), search(plain, seen, mask, config)
    same = (mine.tree.root("visits") == other.tree.root("visits")).all(1)
    assert same.sum() >= 7, "rounding may decide between equals, but seldom does"
    assert np.abs(mine.value - other.value)[same].max() < 1e-3


def test_a_model_has_room_for_so_many_latents(small):
    model = compile_model(Network(small.id, {}, fold(network(small, MODEL))), small, 20)
    Searcher(model, GumbelConfig(9), 2)
    with pytest.raises(SearchConfigError, match="2 trees of 11 nodes need 22 latents"):
        Searcher(model, GumbelConfig(10), 2)
    with pytest.raises(SearchConfigError, match="has room for 20 latents, not for 21"):
        model.initial(observations(small, 21))


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


@pytest.mark.parametrize("config", [SMALL, MODEL, IMAGINED], ids=["rules", "model", "boards"])
def test_kernels_refuse_weights_that_do_not_fit(config):
    def compiled(spec, arrays):
        made = Network(spec.id, {}, arrays)
        if config is SMALL:
            return compile_network(made, spec)
        return (compile_model if config is MODEL else compile_boards)(made, spec, 9)

    spec, other = registry.spec("connectx"), registry.spec("connectx-5x4x3")
    folded = fold(network(spec, config))
    with pytest.raises(CheckpointError, match="on connectx-5x4x3; choose another agent or get"):
        compiled(other, folded)
    for name, array in folded.items():
        rest = {key: held for key, held in folded.items() if key != name}
        with pytest.raises(CheckpointError, match=f"the weights lack '{name}'"):
            compiled(spec, rest)
        for wrong in (array[:-1], np.repeat(array, 2, -1), array[None]):
            with pytest.raises(CheckpointError, match=r"is [0-9x ]+, expected [0-9x any]+ on conn"):
                compiled(spec, rest | {name: wrong})
        with pytest.raises(CheckpointError, match=f"'{name}' of the weights holds what is no"):
            compiled(spec, rest | {name: array * np.nan})


def test_a_file_keeps_a_network():
    spec = registry.spec("connectx")
    folded = fold(network(spec))
    read = weights.unpack_network(weights.pack_network(folded, spec.id)).arrays
    assert all(np.array_equal(read[name], array) for name, array in folded.items())
