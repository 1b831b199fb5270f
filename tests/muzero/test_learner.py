"""Learning: losses fall, mirrors are mirrors, and what is lost is noticed."""

import numpy as np
import pytest
import torch

from envs import registry
from muzero.board_model import BoardModel
from muzero.consistency import Consistency
from muzero.gumbel import GumbelConfig
from muzero.learner import DivergedError, Learner, LearnerConfig, rate
from muzero.limits import SearchConfigError
from muzero.losses import targets
from muzero.network import BoardNetwork, NetworkConfig
from muzero.selfplay import Selfplay, SelfplayConfig
from muzero.trajectory import TrajectoryBuffer

ENV = "connectx-4x4x3"
CONFIG = LearnerConfig(batch=64, learning_rate=1e-2, warm_up=1)


@pytest.fixture
def buffer(hashed):
    spec = registry.spec(ENV)
    config = SelfplayConfig(games=16, rows=16, search=GumbelConfig(simulations=4))
    made = TrajectoryBuffer(1 << 20)
    made.add("a", Selfplay(ENV, hashed.on_rules(spec), config).play(1, 0))
    return made


def learner(config=CONFIG):
    torch.manual_seed(1)
    torch.set_num_threads(1)
    size = NetworkConfig(channels=8, blocks=1, column_channels=8, hidden=8)
    return Learner(BoardNetwork(registry.spec(ENV), size), config)


def test_losses_fall_and_the_average_follows(buffer):
    made = learner()
    before = [p.clone() for p in made.average.parameters()]
    batch, none = buffer.sample(np.linspace(0, 0.999, 64), 0), np.zeros(64, np.bool_)
    losses = [made.learn(batch, none, 1e-2) for _ in range(40)]
    for name in ("policy", "value", "final"):
        assert losses[-1][name] < losses[0][name]
    moved = [(a - b).abs().max() for a, b in zip(before, made.average.parameters(), strict=True)]
    assert max(moved) > 0
    assert made.step == 40


def test_a_mirrored_batch_is_the_batch_of_mirrored_boards(buffer):
    batch = buffer.sample(np.linspace(0, 0.999, 64), 0)
    flipped = batch._replace(
        observation=np.ascontiguousarray(batch.observation[..., ::-1]),
        final=np.ascontiguousarray(batch.final[..., ::-1]),
        policy=np.ascontiguousarray(batch.policy[..., ::-1]),
    )
    one = learner().learn(batch, np.ones(64, np.bool_), 0.0)
    two = learner().learn(flipped, np.zeros(64, np.bool_), 0.0)
    assert one == pytest.approx(two, rel=1e-5)


def test_the_final_board_is_seen_by_the_player_at_the_first(buffer):
    batch = buffer.sample(np.linspace(0, 0.999, 64), 0)
    wanted = targets(batch, np.zeros(64, np.bool_), 0.5, torch.device("cpu"))
    board = wanted.final.numpy()
    for row in range(64):
        mine, theirs = batch.observation[row, 0]
        assert (board[row][mine == 1] == 1).all(), "own discs stay where they are"
        assert (board[row][theirs == 1] == 2).all()


def test_a_loss_that_is_not_finite_ends_it(buffer):
    batch = buffer.sample(np.linspace(0, 0.999, 64), 0)
    bad = batch._replace(policy=batch.policy * np.float32(np.nan))
    with pytest.raises(DivergedError, match="the loss is nan at learner step 0"):
        learner().learn(bad, np.zeros(64, np.bool_), 1e-2)


def test_a_gradient_that_is_not_finite_ends_it_before_the_step(buffer):
    batch, made = buffer.sample(np.linspace(0, 0.999, 64), 0), learner()
    before = [p.detach().clone() for p in made.network.parameters()]
    made.network.heads.hidden.weight.register_hook(lambda gradient: gradient * torch.inf)
    with pytest.raises(DivergedError, match=r"the norm of the gradient is (nan|inf) at learner st"):
        made.learn(batch, np.zeros(64, np.bool_), 1e-2)
    after = made.network.parameters()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_the_gradient_of_all_that_learns_is_clipped(buffer):
    torch.manual_seed(1)
    config = LearnerConfig(batch=64, unroll=1, clip=1e-3, consistency_weight=100.0)
    size = NetworkConfig("board-model", 8, 1, 1, 1, 8, 8)
    network = BoardModel(registry.spec(ENV), size)
    made = Learner(network, config, consistency=Consistency(8 * 4 * 4))
    made.learn(buffer.sample(np.linspace(0, 0.999, 32), 1), np.zeros(32, np.bool_), 1e-2)
    gradients = {
        name: [p.grad.norm() for p in module.parameters() if p.grad is not None]
        for name, module in made.learning.items()
    }
    norms = {name: float(torch.stack(found).norm()) for name, found in gradients.items()}
    assert norms["consistency"] > 1e-4
    assert np.hypot(*norms.values()) == pytest.approx(1e-3, rel=1e-3)


def test_the_rate_warms_up_and_falls():
    config = LearnerConfig(learning_rate=1.0, warm_up=10, final_rate=0.1)
    assert rate(config, 0, 0.0) == pytest.approx(0.1)
    assert rate(config, 50, 0.0) == pytest.approx(1.0)
    assert rate(config, 50, 0.5) == pytest.approx(0.55)
    assert rate(config, 50, 1.0) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"root_share": 2}, "root_share = 2 is impossible"),
        ({"policy_spread": 1.5}, "policy_spread = 1.5 is impossible"),
        ({"weight_decay": -0.1}, "weight_decay = -0.1 is impossible"),
        (
            {"consistency_weight": 1, "batch": 7, "unroll": 3},
            "batch = 7 with unroll = 3 has 1; give a batch of at least 8",
        ),
    ],
)
def test_impossible_configs_are_refused(changes, words):
    with pytest.raises(SearchConfigError, match=words):
        LearnerConfig(**changes)
    LearnerConfig(batch=8, unroll=3, consistency_weight=1)
