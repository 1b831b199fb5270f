"""Imported models say what they say in Stable-Baselines3, or are refused in one line."""

import numpy as np
import pytest
import torch
from sb3_contrib import QRDQN, TRPO, MaskablePPO, RecurrentPPO
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3

import tests.sb3_zips as zips
from agents import sb3_zip
from agents.check import check_player
from agents.dqn_player import DqnPlayer
from agents.ppo_player import PpoPlayer
from agents.sb3_model import convert
from agents.sb3_zip import Sb3ZipError
from envs import registry
from envs.base import TimeStep
from muzero import weights

PONG = registry.spec("pong")
BOARD = registry.spec("connectx-4x3x3")
CLOSE = {"rtol": 0, "atol": 5e-3}
"""How near answers of about 1 are when weights are stored as float16."""


def read(model, folder):
    """Saves a model and reads it again; gives both."""
    model.save(folder / "it.zip")
    return model, sb3_zip.read(folder / "it.zip")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("zips")


@pytest.fixture(scope="module")
def ppo(folder):
    model = zips.model(PPO, "CnnPolicy", zips.atari(), **zips.FEW)
    model.num_timesteps = 1234
    return read(model, folder)


@pytest.fixture(scope="module")
def mlp(folder):
    return read(zips.model(PPO, "MlpPolicy", zips.board(), **zips.FEW), folder)


def moments(spec, rows=8):
    """Random observations of an environment, all actions legal."""
    generator = np.random.default_rng(5)
    high = 256 if spec.num_players == 1 else 2
    block = 12 if spec.num_players == 1 else 1  # noise alone looks all alike to convolutions
    shape = [rows, *(size // block for size in spec.observation_shape[1:])]
    shape.insert(1, spec.observation_shape[0])
    seen = generator.integers(0, high, shape, np.uint8).repeat(block, 2).repeat(block, 3)
    free, zeros = np.ones((rows, spec.num_actions), bool), np.zeros(rows, np.int64)
    over = np.zeros(rows, bool)
    return TimeStep(seen, free, zeros, np.zeros((rows, spec.num_players)), over, over)


def decided(player, spec, steps):
    rows = np.arange(len(steps.action_mask))
    player.reset(spec, np.zeros(len(rows), np.int64), rows)
    return player.act(rows, steps)


def check_ppo(model, saved, spec):
    steps = moments(spec)
    found = decided(PpoPlayer("it", convert(saved, spec).network, sample=False), spec, steps)
    seen = torch.from_numpy(steps.observation).float()
    with torch.no_grad():
        wanted = model.policy.get_distribution(seen).distribution.probs.numpy()
        value = model.policy.predict_values(seen)[:, 0].numpy()
    assert np.ptp(wanted, axis=0).max() > 20 * CLOSE["atol"]
    np.testing.assert_allclose(found.policy, wanted, **CLOSE)
    low, high = spec.value_range or (-np.inf, np.inf)
    np.testing.assert_allclose(found.value, value.clip(low, high), **CLOSE)
    np.testing.assert_array_equal(found.action, wanted.argmax(1))


def check_dqn(model, saved, spec):
    steps = moments(spec)
    found = decided(DqnPlayer("it", convert(saved, spec).network), spec, steps)
    with torch.no_grad():
        wanted = model.q_net(torch.from_numpy(steps.observation).float()).numpy()
    assert np.ptp(wanted, axis=0).max() > 20 * CLOSE["atol"]
    low, high = spec.value_range or (-np.inf, np.inf)
    np.testing.assert_allclose(found.q, wanted.clip(low, high), **CLOSE)
    np.testing.assert_array_equal(found.action, wanted.argmax(1))


def test_ppo_of_pictures_says_the_same(ppo):
    check_ppo(*ppo, PONG)
    assert convert(ppo[1], PONG)[:3] == ("ppo", "PPO", 1234)


def test_models_of_before_eyes_were_listed_three_times_are_the_same(ppo):
    once = {n: a for n, a in ppo[1].parameters.items() if not n.startswith(("pi_", "vf_"))}
    assert len(once) == 12 < len(ppo[1].parameters)
    assert convert(ppo[1]._replace(parameters=once), PONG) == convert(ppo[1], PONG)


def test_dqn_of_pictures_says_the_same(folder):
    model, saved = read(zips.model(DQN, "CnnPolicy", zips.atari(), buffer_size=2), folder)
    check_dqn(model, saved, PONG)
    assert convert(saved, PONG)[:3] == ("dqn", "DQN", 0)


def test_ppo_of_boards_says_the_same(mlp):
    check_ppo(*mlp, BOARD)


@pytest.mark.parametrize("layers", [None, [], [16]])
def test_dqn_of_boards_says_the_same(layers, folder):
    options = {"policy_kwargs": {} if layers is None else {"net_arch": layers}}
    check_dqn(
        *read(zips.model(DQN, "MlpPolicy", zips.board(), buffer_size=2, **options), folder), BOARD
    )


@pytest.mark.parametrize(
    ("algorithm", "options"),
    [
        (
            MaskablePPO,
            {**zips.FEW, "policy_kwargs": {"activation_fn": torch.nn.ReLU, "net_arch": [24]}},
        ),
        (A2C, {"policy_kwargs": {"net_arch": {"pi": [], "vf": [16, 8, 8]}}}),
        (TRPO, {}),
    ],
)
def test_other_sizes_and_algorithms_with_the_same_network_say_the_same(algorithm, options, folder):
    model, saved = read(zips.model(algorithm, "MlpPolicy", zips.board(), **options), folder)
    check_ppo(model, saved, BOARD)
    assert convert(saved, BOARD)[:2] == ("ppo", algorithm.__name__)


def test_players_of_imported_boards_keep_the_contract(mlp):
    data = convert(mlp[1], BOARD).network
    check_player(lambda: PpoPlayer("it", data, sample=True), BOARD.id, games=2)


def test_numbers_too_large_for_float16_are_kept(mlp):
    large = 1e6 * mlp[1].parameters["action_net.weight"]
    data = convert(changed(mlp[1], {"action_net.weight": large}), BOARD).network
    np.testing.assert_array_equal(weights.unpack_network(data).arrays["actions.weight"], large)


def changed(saved, parameters):
    """A model with other parameters among its own."""
    return saved._replace(parameters={**saved.parameters, **parameters})


def refused(saved, spec, named):
    with pytest.raises(Sb3ZipError) as caught:
        convert(saved, spec)
    assert named in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("algorithm", "policy", "options", "named"),
    [
        (QRDQN, "MlpPolicy", {"buffer_size": 2}, "is of QR-DQN; supported are PPO"),
        (RecurrentPPO, "MlpLstmPolicy", {}, "is of RecurrentPPO; supported are PPO"),
        (SAC, "MlpPolicy", {"buffer_size": 2}, "is of SAC, TQC or CrossQ; supported are PPO"),
        (TD3, "MlpPolicy", {"buffer_size": 2}, "is of TD3 or DDPG; supported are PPO"),
        (PPO, "MlpPolicy", zips.FEW, "acts by numbers without steps"),
    ],
)
def test_other_algorithms_are_refused_by_name(algorithm, policy, options, named, folder):
    counted = algorithm in (QRDQN, RecurrentPPO)
    actions = 4 if counted else zips.Box(-1, 1, (2,), np.float32)
    model = algorithm(policy, zips.board(actions=actions), device="cpu", **options)
    refused(read(model, folder)[1], BOARD, named)


def test_another_env_is_refused_with_both_numbers(ppo, mlp):
    breakout = registry.spec("breakout")
    refused(ppo[1], breakout, "chooses among 6 actions, ALE/Breakout-v5 has 4; give --env")
    refused(ppo[1], BOARD, "sees 4 x 84 x 84 numbers, connectx-4x3x3 shows 2 x 3 x 4; give --env")
    refused(mlp[1], registry.spec("connectx"), "sees 2 x 3 x 4 numbers, connectx shows 2 x 6 x 7")
    refused(mlp[1], PONG, "sees 2 x 3 x 4 numbers, ALE/Pong-v5 shows 4 x 84 x 84")


def test_without_words_the_shape_is_told_from_the_layers(ppo, mlp):
    assert convert(ppo[1]._replace(about={"num_timesteps": 5}), PONG).timesteps == 5
    refused(ppo[1]._replace(about={}), BOARD, "sees 4 x 84 x 84 numbers")
    for odd in (None, -1, 0.5, True, "7", 10**40):
        assert convert(mlp[1]._replace(about={"num_timesteps": odd}), BOARD).timesteps == 0
    refused(mlp[1]._replace(about={}), PONG, "sees 24 numbers")


def test_other_networks_of_pictures_are_refused(ppo):
    saved, small = ppo[1], np.zeros((8, 512), np.float32)
    more = changed(saved, {"mlp_extractor.policy_net.0.weight": small})
    refused(more, PONG, "layers between its NatureCNN and its answers (net_arch)")
    own = changed(saved, {"vf_features_extractor.cnn.0.bias": np.ones(32, np.float32)})
    refused(own, PONG, "sees by other layers for its value than for its policy")
    slim = {"features_extractor.linear.0.weight": np.zeros((64, 3136), np.float32)}
    slim["pi_features_extractor.linear.0.weight"] = slim["features_extractor.linear.0.weight"]
    slim["vf_features_extractor.linear.0.weight"] = slim["features_extractor.linear.0.weight"]
    refused(changed(saved, slim), PONG, "'dense.weight' is 64 x 3136, expected 512 x 3136")


@pytest.mark.parametrize(
    ("which", "attribute", "part", "text", "named"),
    [
        ("mlp", "policy_kwargs", "activation_fn", "<class 'torch.nn.ELU'>", "has 'ELU' after"),
        ("mlp", "policy_kwargs", "features_extractor_class", "<class 'x.Own'>", "sees by 'Own'"),
        ("ppo", "policy_kwargs", "features_extractor_class", "<class 'x.Own'>", "sees by 'Own'"),
        ("ppo", "policy_kwargs", "normalize_images", False, "not divided by 255"),
        ("mlp", "observation_space", "high_repr", "255", "that are divided by 255"),
        ("mlp", "action_space", ":type:", "<class 'x.MultiDiscrete'>", "(Discrete)"),
    ],
)
def test_what_is_computed_in_another_way_is_refused(which, attribute, part, text, named, request):
    saved = request.getfixturevalue(which)[1]
    about = {**saved.about, attribute: {**saved.about[attribute], part: text}}
    about["observation_space"] = {**about["observation_space"], "dtype": "uint8"}
    refused(saved._replace(about=about), PONG if which == "ppo" else BOARD, named)


@pytest.mark.parametrize(
    ("name", "shape", "named"),
    [
        ("surprise.weight", (2, 2), "'surprise.weight' belongs to no network"),
        ("mlp_extractor.shared_net.0.weight", (2, 2), "belongs to no network"),
        (
            "mlp_extractor.policy_net.2.weight",
            (64, 9),
            "takes 9 numbers and gives 64, expected 64 and 64",
        ),
        ("mlp_extractor.policy_net.2.bias", (64, 9), "belongs to no network"),
        ("mlp_extractor.policy_net.2.weight", (0, 64), "belongs to no network"),
        ("\x1b]0;x\n", (2, 2), r"'\x1b]0;x\n' belongs to no network"),
        ("value_net.weight", (2, 64), "takes 64 numbers and gives 2, expected 64 and 1"),
    ],
)
def test_parameters_that_fit_nowhere_are_refused(name, shape, named, mlp):
    refused(changed(mlp[1], {name: np.zeros(shape, np.float32)}), BOARD, named)


def test_a_solo_env_without_pictures_is_refused(mlp):
    space = {**mlp[1].about["observation_space"], "_shape": [4, 84, 84]}
    saved = mlp[1]._replace(about={**mlp[1].about, "observation_space": space})
    refused(saved, PONG, "so it may play boards only, not ALE/Pong-v5")
