"""Networks by name: who is found, and what is refused before anything is learned."""

import dataclasses
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from envs import registry
from muzero import architecture
from muzero.board_model import BoardModel
from muzero.checkpoint import pack_weights
from muzero.config import TrainConfig
from muzero.gumbel import GumbelConfig
from muzero.imagining import Imagining
from muzero.inference import fold
from muzero.learner import LearnerConfig
from muzero.limits import SearchConfigError
from muzero.network import BoardNetwork, NetworkConfig, Prediction
from muzero.selfplay import SelfplayConfig
from muzero.train import validate
from muzero.weights import CheckpointError, unpack_network

ENV = "connectx-4x4x3"
SPEC = registry.spec(ENV)
HERE = f"{__name__}:"
SIZE = {"channels": 8, "blocks": 1, "column_channels": 8, "hidden": 8}


def config(name="board-model", **changes):
    return NetworkConfig(name=name, **{**SIZE, **changes})


class Small(torch.nn.Module):
    """The least that a model must have: a latent of 5 numbers, policy, value and reward."""

    def __init__(self, spec, config):
        super().__init__()
        self.see = torch.nn.Linear(int(np.prod(spec.observation_shape)), 5)
        self.move = torch.nn.Linear(5 + spec.num_actions, 5)
        self.say = torch.nn.Linear(5, spec.num_actions + (config.categories or 1))
        self.gain = torch.nn.Linear(5, config.categories or 1)
        self.actions, self.categories = spec.num_actions, config.categories

    def representation(self, observation):
        return torch.tanh(self.see(observation.flatten(1)))

    def dynamics(self, latent, action):
        played = torch.nn.functional.one_hot(action, self.actions).float()
        moved = torch.tanh(self.move(torch.cat([latent, played], 1)))
        return moved, self.number(self.gain(moved))

    def prediction(self, latent):
        said = self.say(latent)
        return Prediction(said[:, : self.actions], self.number(said[:, self.actions :]))

    def number(self, said):
        return said if self.categories else said[:, 0]


class Changed(BoardModel):
    """A model of the house with something that its folded layers cannot say."""

    def __init__(self, spec, config):
        super().__init__(spec, config)
        self.scale = torch.nn.Parameter(torch.tensor(2.0))

    def prediction(self, latent):
        return super().prediction(self.scale * latent)


class Copied(Changed):
    """The same, with a `folded` of its own, as a copy of the house's file would have."""

    def folded(self):
        return super().folded()

    def __init__(self, spec, config):
        super().__init__(spec, config)
        self.register_buffer("places", torch.arange(100_000, 100_003))


def check(network, made=None, unroll=2):
    made = config(f"{HERE}Small") if made is None else made
    architecture.check(network, SPEC, made, unroll)


def small():
    torch.manual_seed(0)
    return Small(SPEC, config())


def test_known_names_and_classes_are_made():
    assert type(architecture.make(SPEC, config("board"))) is BoardNetwork
    assert type(architecture.make(SPEC, config("board-model"))) is BoardModel
    assert type(architecture.make(SPEC, config(f"{HERE}Small"))) is Small


@pytest.mark.parametrize("categories", [0, 5])
@pytest.mark.parametrize("rule_heads", [True, False])
def test_the_model_of_the_house_passes(rule_heads, categories):
    made = config(rule_heads=rule_heads, categories=categories)
    network = architecture.make(SPEC, made).train()
    check(network, made)
    assert network.training, "it is left as it was"
    check(Small(SPEC, made), made)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bord", "no network 'bord'; did you mean 'board'?"),
        ("resnet", "no network 'resnet'; there are: board, board-model, predicted-board"),
        ("nowhere_at_all:Mine", "cannot import 'nowhere_at_all' (ModuleNotFoundError: No module"),
        ("muzero.board_model:BoardModel", "is called 'board-model'; give that name"),
        (":Mine", "cannot import '' (ValueError"),
        ("muzero.network:BoardNetwrok", "no class 'BoardNetwrok'; did you mean 'BoardNetwork'?"),
        ("muzero.network:", "'muzero.network' has no class ''; give the name of one"),
    ],
)
def test_names_that_lead_nowhere_are_refused(name, words):
    with pytest.raises(SearchConfigError) as error:
        architecture.make(SPEC, config(name))
    assert words in str(error.value) and "\n" not in str(error.value)


def test_a_class_of_the_current_folder_is_found(tmp_path, monkeypatch):
    (tmp_path / "net_of_this_folder.py").write_text(
        "from muzero.board_model import BoardModel\nclass Mine(BoardModel): pass\nNUMBER = 3\n"
    )
    (tmp_path / "net_with_a_fault.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert isinstance(architecture.make(SPEC, config("net_of_this_folder:Mine")), BoardModel)
    with pytest.raises(SearchConfigError, match="has no class 'NUMBER'; give the name of one"):
        architecture.make(SPEC, config("net_of_this_folder:NUMBER"))
    with pytest.raises(SearchConfigError, match=r"\(ZeroDivisionError: division by zero\)"):
        architecture.make(SPEC, config("net_with_a_fault:Mine"))


@pytest.mark.parametrize("name", ["representation", "dynamics", "prediction"])
def test_functions_that_lack_are_named(name):
    network = small()
    setattr(network, name, None)
    with pytest.raises(SearchConfigError, match=f"Small' has no function {name}; see docs/"):
        check(network)


def answering(**changes):
    """Gives a network whose prediction says something else."""
    network = small()
    plain = network.prediction
    network.prediction = lambda latent: plain(latent)._replace(**changes)
    return network


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("logits", (2, 5), "(2, 4)"),
        ("value", (2, 1), "(2,)"),
        ("rules", (2, 3, 4), "(2, 4, 3)"),
        ("decoded", (2, 2, 4, 4), "(2, 3, 4, 4)"),
        ("final", (2, 3, 16), "(2, 3, 4, 4)"),
    ],
)
def test_answers_of_another_shape_are_named_with_the_shape_expected(name, shape, expected):
    with pytest.raises(SearchConfigError) as error:
        check(answering(**{name: torch.zeros(shape)}))
    assert f"for 2 rows the network gives {name} of shape {shape}; expected {expected}" in str(
        error.value
    )
    with pytest.raises(SearchConfigError, match=f"the network gives list for {name}; expected a"):
        check(answering(**{name: [1, 2]}))


def test_categories_must_be_given_where_they_are_asked_for():
    many = config(f"{HERE}Small", categories=7)
    with pytest.raises(SearchConfigError, match=r"value of shape \(2,\); expected \(2, 7\)"):
        check(small(), many)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (torch.zeros(2, 5), "dynamics gives Tensor; expected a pair"),
        ((torch.zeros(2, 6), None), r"the latent of dynamics of shape \(2, 6\); expected \(2, 5\)"),
        (
            (torch.zeros(2, 5), torch.zeros(2, 1)),
            r"the reward of dynamics of shape \(2, 1\); expected \(2,\)",
        ),
    ],
)
def test_dynamics_must_give_a_latent_like_the_first_and_a_reward(said, words):
    network = small()
    network.dynamics = lambda latent, action: said
    with pytest.raises(SearchConfigError, match=words):
        check(network)


def test_a_model_must_see_who_wins():
    network = small()
    network.dynamics = lambda latent, action: (latent, None)
    with pytest.raises(SearchConfigError, match="no rules in its prediction and no reward from"):
        check(network)
    rules, plain = torch.zeros(2, 4, 3), network.prediction
    network.prediction = lambda latent: plain(latent)._replace(rules=rules)
    check(network)


@pytest.mark.parametrize("name", ["decoded", "final"])
def test_cells_are_told_of_boards_alone(name):
    flat = dataclasses.replace(SPEC, observation_shape=(3,))
    made = config(f"{HERE}Small")
    network = Small(flat, made)
    architecture.check(network, flat, made, 2)
    plain, cells = network.prediction, torch.zeros(2, 3)
    network.prediction = lambda latent: plain(latent)._replace(**{name: cells})
    with pytest.raises(SearchConfigError, match=f"gives {name}, the cells of a board, but .*None"):
        architecture.check(network, flat, made, 2)


def test_a_network_for_true_rules_is_not_unrolled():
    with pytest.raises(SearchConfigError) as caught:
        check(architecture.make(SPEC, config("board")), config("board"))
    assert str(caught.value) == (
        "network 'board' is for true rules; a learned model needs train.network.name=board-model "
        "(or module:Class)"
    )


def test_other_things_than_networks_and_predictions_are_refused():
    with pytest.raises(SearchConfigError, match=r"makes SimpleNamespace; expected a torch\.nn"):
        check(SimpleNamespace())
    network = small()
    network.prediction = lambda latent: (torch.zeros(2, 4), torch.zeros(2))
    with pytest.raises(SearchConfigError, match=r"gives tuple; expected a muzero\.network\.Pred"):
        check(network)
    network = small()
    network.representation = lambda observation: torch.zeros(1, 5)
    with pytest.raises(SearchConfigError, match=r"latents of shape \(1, 5\); expected \(2, 5\)"):
        check(network)


@pytest.mark.parametrize("name", ["board-model", f"{HERE}Small"])
def test_only_the_network_of_true_rules_is_searched_on_them(name):
    search = SelfplayConfig(games=1, rows=1, search=GumbelConfig(simulations=4))
    rules = TrainConfig(network=config("board"), selfplay=search)
    validate(rules, ENV)
    with pytest.raises(SearchConfigError, match=f"network '{name}' needs a learned model.*unroll"):
        check(small(), config(name), 0)
    with pytest.raises(SearchConfigError, match=r"'board-model' needs a learned model"):
        validate(TrainConfig(network=config(), selfplay=search), ENV)
    validate(TrainConfig(network=config(), selfplay=search, learner=LearnerConfig(unroll=1)), ENV)


@pytest.mark.parametrize("kind", [Changed, Copied])
def test_a_network_that_changes_one_of_the_house_is_kept_whole(kind):
    torch.manual_seed(2)
    network, made = kind(SPEC, config()).eval(), config(f"{HERE}{kind.__name__}")
    arrays = unpack_network(pack_weights(network, SPEC, made, "float16")).arrays
    assert arrays.keys() == network.state_dict().keys()
    for name, tensor in network.state_dict().items():
        assert torch.equal(torch.from_numpy(arrays[name]), tensor), name
    imagining = Imagining(SPEC, made)
    imagining.load(arrays)
    seen = np.zeros((1, *SPEC.observation_shape), np.uint8)
    said = imagining.model.initial(seen)
    with torch.no_grad():
        wanted = network.prediction(network.representation(torch.zeros(seen.shape)))
    assert np.allclose(said.logits, wanted.logits, atol=0.05)


def test_weights_of_another_class_are_refused():
    imagining = Imagining(SPEC, config(f"{HERE}Small"))
    with pytest.raises(
        CheckpointError, match=r"Small' is now .*Missing key\(s\).*use the code"
    ) as e:
        imagining.load(fold(Changed(SPEC, config())))
    assert len(str(e.value)) < 400, "not all the names there are"
