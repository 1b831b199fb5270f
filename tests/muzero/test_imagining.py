"""Learned models that only answer: fused layers say what the network says, in any batch."""

import numpy as np
import pytest
import torch

from envs import registry
from muzero.board_model import BoardModel
from muzero.categories import Categories
from muzero.gumbel import GumbelConfig
from muzero.imagining import Imagining, _Fused, _Whole, scale
from muzero.inference import fast_type, fold
from muzero.limits import SearchConfigError
from muzero.network import NetworkConfig
from muzero.puct import PuctConfig
from muzero.search import Searcher

ENV = "connectx-4x4x3"
SMALL = {"name": "board-model", "channels": 8, "blocks": 1, "column_channels": 8, "hidden": 8}
NEAR = {torch.bfloat16: 0.06, torch.float32: 1e-4}
"""Tolerance by what is computed with: bfloat16 has 8 bits, a few layers of it are right to 0.06."""
KINDS = [
    {"rule_heads": False},
    {"rule_heads": False, "categories": 11},
    {"categories": 11},
]


def model(spec, **changes):
    """Gives a network whose normalisation has something to fold, and its config."""
    torch.manual_seed(3)
    torch.set_num_threads(1)
    config = NetworkConfig(**{**SMALL, **changes})
    made = BoardModel(spec, config).eval()
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.1)
    return made, config


def imagining(spec, made, config):
    found = Imagining(spec, config)
    found.load(fold(made))
    return found


def observations(spec, count):
    chance = np.random.default_rng(5).random((count, *spec.observation_shape))
    return (chance < 0.3).astype(np.uint8)


def actions(spec, count, step):
    return np.random.default_rng(step).integers(0, spec.num_actions, count)


@pytest.fixture(params=sorted({torch.float32, fast_type()}, key=str), ids=str)
def near(request, monkeypatch):
    """Computes with numbers of a kind, and gives their tolerance."""
    monkeypatch.setattr("muzero.imagining.fast_type", lambda: request.param)
    return NEAR[request.param]


def gap(one, two):
    return float(np.abs(np.asarray(one, np.float32) - np.asarray(two, np.float32)).max())


@pytest.mark.parametrize("env_id", ["connectx", ENV, "connectx-9x6x4"])
@pytest.mark.parametrize("blocks", [(2, 2, 1), (0, 0, 0)], ids=["blocks", "none"])
def test_fused_layers_say_what_the_network_says(near, env_id, blocks):
    spec = registry.spec(env_id)
    sizes = dict(zip(("blocks", "dynamics_blocks", "prediction_blocks"), blocks, strict=True))
    made, config = model(spec, channels=12, **sizes)
    found = imagining(spec, made, config)
    assert isinstance(found._form, _Fused)
    seen = observations(spec, 9)
    with torch.no_grad():
        latent = made.representation(torch.from_numpy(seen).float())
    said = found.model.initial(seen)
    for step in range(4):
        with torch.no_grad():
            wanted = made.prediction(latent)
        assert gap(said.latent.permute(0, 3, 1, 2).float(), latent) < 3 * near, step
        assert gap(said.logits, wanted.logits) < near, step
        assert gap(said.value, torch.tanh(wanted.value / 2)) < near, step
        assert gap(said.heads, wanted.rules.permute(2, 0, 1)) < near, step
        assert said.reward is None
        played = actions(spec, 9, step)
        with torch.no_grad():
            latent, _ = made.dynamics(latent, torch.from_numpy(played))
        said = found.model.recurrent(said.latent, played)


def test_the_whole_network_says_what_the_fused_layers_say(near):
    spec = registry.spec("connectx-5x4x3")
    made, _ = model(spec, dynamics_blocks=2)
    fused, whole = _Fused(fold(made)), _Whole(made, NetworkConfig())
    seen = observations(spec, 32)
    with torch.inference_mode():
        one, two = fused.initial(seen), whole.initial(seen)
        for step in range(4):
            assert gap(one.latent.permute(0, 3, 1, 2).float(), two.latent.float()) < 3 * near
            assert gap(one.logits, two.logits) < near
            assert gap(one.value, two.value) < near
            assert gap(one.heads, two.heads) < near
            played = actions(spec, 32, step)
            one, two = fused.recurrent(one.latent, played), whole.recurrent(two.latent, played)


@pytest.mark.parametrize("changes", [{}, *KINDS])
def test_a_row_says_the_same_in_any_batch(near, changes):
    spec = registry.spec(ENV)
    found = imagining(spec, *model(spec, **changes))
    seen, played = observations(spec, 70), actions(spec, 70, 0)
    first = found.model.initial(seen)
    after = found.model.recurrent(first.latent, played)
    for rows in (slice(0, 1), slice(3, 8), slice(0, 32), slice(5, 70)):
        alone = found.model.initial(seen[rows])
        assert len(alone.latent) == len(alone.logits) == len(alone.value) == len(seen[rows])
        then = found.model.recurrent(first.latent[rows], played[rows])
        for one, two in ((alone, first), (then, after)):
            assert gap(one.latent.float(), two.latent[rows].float()) < near
            assert gap(one.logits, two.logits[rows]) < near
            assert gap(one.value, two.value[rows]) < near
            if two.heads is not None:
                assert gap(one.heads, two.heads[:, rows]) < near


@pytest.mark.parametrize("changes", KINDS)
def test_a_network_that_does_not_fold_answers_by_its_own_functions(near, changes):
    spec = registry.spec(ENV)
    made, config = model(spec, **changes)
    found = imagining(spec, made, config)
    assert isinstance(found._form, _Whole)
    seen, played = observations(spec, 5), actions(spec, 5, 0)
    one = found.model.initial(seen)
    two = found.model.recurrent(one.latent, played)
    with torch.no_grad():
        latent = made.representation(torch.from_numpy(seen).float())
        moved, reward = made.dynamics(latent, torch.from_numpy(played))
        wanted = made.prediction(latent), made.prediction(moved)

    places = Categories(config.categories, 1.0) if config.categories else None
    for said, true in zip((one, two), wanted, strict=True):
        assert gap(said.logits, true.logits) < near
        value = places.mean(true.value) if places else torch.tanh(true.value / 2)
        assert gap(said.value, value) < near
        assert (said.heads is None) == (true.rules is None)
    assert one.reward is None
    assert (two.reward is None) == (reward is None)
    if reward is not None:
        assert gap(two.reward, places.mean(reward) if places else reward) < near


@pytest.mark.parametrize("changes", [{}, *KINDS])
@pytest.mark.parametrize("config", [GumbelConfig(12), PuctConfig(12)], ids=["gumbel", "puct"])
def test_a_search_imagines(hashed, changes, config):
    spec = registry.spec(ENV)
    found = imagining(spec, *model(spec, **changes))
    searcher = Searcher(found.model, config, 7)
    seen, mask = hashed.positions(spec, 7, 8)
    result = searcher(seen, mask)
    assert mask[np.arange(7), result.action].all()
    assert np.allclose(result.action_weights.sum(1), 1, atol=1e-5)
    assert (result.action_weights[~mask] == 0).all()
    assert np.isfinite(result.value).all()
    visits = result.tree.root("visits").sum(1)
    assert (result.tree.root("proven") | (visits >= 12)).all()
    again = result.action_weights.copy()
    assert np.array_equal(searcher(seen, mask).action_weights, again)
    assert found.seconds > 0


def test_a_scale_is_that_of_the_config():
    assert scale(NetworkConfig()) is None
    config = NetworkConfig(categories=11, categories_limit=3.0, categories_spread=0.0)
    assert scale(config) == Categories(11, 3.0, 0.0)
    assert scale(NetworkConfig(categories=11)) == Categories(11, 1.0)
    with pytest.raises(SearchConfigError, match="categories_spread = -1 is impossible"):
        NetworkConfig(categories_spread=-1)


def test_other_weights_are_other_answers():
    spec = registry.spec(ENV)
    made, config = model(spec)
    found, seen = imagining(spec, made, config), observations(spec, 3)
    before = found.model.initial(seen).logits.copy()
    with torch.no_grad():
        made.heads.policy.weight.mul_(3)
    found.load(fold(made))
    assert found.seconds == 0
    assert gap(found.model.initial(seen).logits, before) > 0.01
