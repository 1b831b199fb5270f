"""What an unrolled network is told, against a plain reading of what was played."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from envs import registry
from muzero.board_model import BoardModel
from muzero.categories import Categories
from muzero.gumbel import GumbelConfig
from muzero.learner import Learner, LearnerConfig
from muzero.losses import Unrolled, losses, targets, unroll
from muzero.network import BoardNetwork, NetworkConfig, Prediction
from muzero.selfplay import Selfplay, SelfplayConfig
from muzero.trajectory import Trajectory, TrajectoryBuffer

ENV = "connectx-4x4x3"
SPEC = registry.spec(ENV)
CPU = torch.device("cpu")
SIZE = {"channels": 8, "blocks": 1, "column_channels": 8, "hidden": 16}


def network(**changes):
    """Gives a model whose normalisation stands still, so that rows do not influence each other."""
    torch.manual_seed(1)
    torch.set_num_threads(1)
    fields = {"name": "board-model", **SIZE, "dynamics_blocks": 1, **changes}
    return BoardModel(SPEC, NetworkConfig(**fields)).eval()


def played(hashed, env_id):
    """Gives games of a search that knows nothing, some moves of which teach no policy."""
    search = GumbelConfig(simulations=6)
    config = SelfplayConfig(24, 12, search, cheap_share=0.3, cheap_simulations=2, decay=0.9)
    return Selfplay(env_id, hashed.on_rules(registry.spec(env_id)), config).play(3, 0)


@pytest.fixture(scope="module")
def part(hashed):
    return played(hashed, ENV)


def sampled(part, count, steps):
    """Gives a batch of moments all over `part`, and where each begins."""
    buffer = TrajectoryBuffer(1 << 20)
    buffer.add("a", part)
    chance = (np.arange(count) + 0.5) / count
    starts = np.flatnonzero(part.left > 0)
    return buffer.sample(chance, steps), starts[(chance * len(starts)).astype(int)]


def cells(seen):
    """Gives a board, a list of rows: 0 empty, 1 the mover's, 2 the other's."""
    return [
        [int(m) + 2 * int(t) for m, t in zip(*row, strict=True)] for row in zip(*seen, strict=True)
    ]


def plainly(part, first, step, mirror, share):
    """Gives what a network is to say `step` steps after moment `first`, read moment by moment."""
    end = first + int(part.left[first])
    place = min(first + step, end)
    inside = first + step < end
    turn = -1 if mirror else 1
    board = cells(part.observation[end])
    if (end - place) % 2:
        board = [[(0, 2, 1)[cell] for cell in row] for row in board]
    action, last = int(part.action[place]), inside and place + 1 == end
    value = share * part.value[place] + (1 - share) * part.returns[place]
    return {
        "observation": part.observation[place][..., ::turn],
        "action": part.action_mask.shape[1] - 1 - action if mirror else action,
        "policy": part.policy[place][::turn],
        "value": value if inside else 0,
        "reward": part.reward[place] if inside else 0,
        "legal": part.action_mask[place][::turn],
        "wins": last and part.reward[place] > 0,
        "draws": last and part.reward[place] == 0,
        "final": [row[::turn] for row in board],
        "inside": inside,
        "weight": part.weight[place] if inside else 0,
    }


@pytest.mark.parametrize(("env_id", "ends"), [(ENV, "wins"), ("connectx-4x4x4", "draws")])
def test_targets_are_what_a_plain_reading_of_the_games_says(hashed, env_id, ends):
    steps, count, share, part = 4, 60, 0.3, played(hashed, env_id)
    batch, first = sampled(part, count, steps)
    mirrored = np.arange(count) % 3 == 0
    wanted = targets(batch, mirrored, share, CPU)
    seen = dict.fromkeys(("past", ends, "cheap"), 0)
    for step in range(steps + 1):
        for row in range(count):
            plain = plainly(part, first[row], step, mirrored[row], share)
            place = step * count + row
            for name, value in plain.items():
                if name == "final" and not plain["inside"]:
                    continue
                tensor = getattr(wanted, name)
                found = tensor[step, row] if name in ("observation", "action") else tensor[place]
                assert np.allclose(found, np.array(value, float)), (name, step, row)
            seen["past"] += not plain["inside"]
            seen[ends] += int(plain[ends])
            seen["cheap"] += plain["inside"] and not plain["weight"]
    assert min(seen.values()) > 0, f"the games do not show everything: {seen}"


def two_plies():
    """Gives, on a board of one row and two cells, a game that fills it and one won at once.

    What stands at the last moments, 9, is nothing to learn from.
    """
    empty, left, full = [[0, 0]], [[1, 0]], [[0, 1]]
    boards = [[empty, empty], [empty, left], [left, full], [empty, empty], [empty, full]]
    return Trajectory(
        np.array(boards, np.uint8),
        np.array([[1, 1], [0, 1], [0, 0], [1, 1], [0, 0]], np.bool_),
        np.array([0, 1, 0, 1, 0], np.int16),
        np.array([0, 0, 9, 1, 9], np.float32),
        np.array([[0.75, 0.25], [0, 1], [0, 0], [0.5, 0.5], [0, 0]], np.float16),
        np.array([0.5, -0.25, 9, 0.5, 9], np.float32),
        np.array([0, 0, 9, 1, 9], np.float32),
        np.array([1, 0, 9, 1, 9], np.float32),
        np.array([2, 1, 0, 1, 0], np.int16),
    )


def test_legal_actions_divide_a_share_of_the_policy(hashed):
    batch, _ = sampled(played(hashed, ENV), 60, 4)
    mirrored, share = np.arange(60) % 3 == 0, 0.2
    plain = targets(batch, mirrored, 0.5, CPU)
    spread = targets(batch, mirrored, 0.5, CPU, share)
    inside = plain.inside > 0
    wanted, legal = plain.policy[inside], plain.legal[inside]
    assert (legal.sum(1) < legal.shape[1]).any(), "everything is legal: nothing is shown"
    even = legal / legal.sum(1, keepdim=True)
    assert torch.allclose(spread.policy[inside], (1 - share) * wanted + share * even)
    assert torch.isfinite(spread.policy).all(), "moments past the end, where nothing is legal"
    for name in set(plain._fields) - {"policy"}:
        assert torch.equal(getattr(plain, name), getattr(spread, name)), name


def test_targets_of_games_written_by_hand():
    batch, first = sampled(two_plies(), 3, 2)
    assert list(first) == [0, 1, 3]
    wanted = targets(batch, np.array([False, True, False]), 0.5, CPU)
    rows = {
        "action": [[0, 0, 1], [1, 1, 0], [0, 1, 0]],
        "value": [0.25, -0.125, 0.75, -0.125, 0, 0, 0, 0, 0],
        "reward": [0, 0, 1, 0, 0, 0, 0, 0, 0],
        "wins": [0, 0, 1, 0, 0, 0, 0, 0, 0],
        "draws": [0, 1, 0, 1, 0, 0, 0, 0, 0],
        "inside": [1, 1, 1, 1, 0, 0, 0, 0, 0],
        "weight": [1, 0, 1, 0, 0, 0, 0, 0, 0],
    }
    for name, numbers in rows.items():
        assert getattr(wanted, name).tolist() == numbers, name
    assert wanted.policy[:4].tolist() == [[0.75, 0.25], [1, 0], [0.5, 0.5], [0, 1]]
    assert wanted.legal[:4].tolist() == [[1, 1], [1, 0], [1, 1], [0, 1]]
    assert wanted.final[:4].tolist() == [[[1, 2]], [[1, 2]], [[0, 1]], [[2, 1]]]


def test_observations_that_are_no_boards_have_no_final_one(part):
    batch, _ = sampled(part._replace(observation=part.observation[:, 0, 0]), 6, 2)
    wanted = targets(batch, np.zeros(6, np.bool_), 0.5, CPU)
    assert wanted.final is None
    boards = targets(sampled(part, 6, 2)[0], np.zeros(6, np.bool_), 0.5, CPU)
    assert torch.equal(wanted.observation, boards.observation[:, :, 0, 0])
    for name in ("action", "policy", "value", "reward", "legal", "wins", "draws", "weight"):
        assert torch.equal(getattr(wanted, name), getattr(boards, name)), name


def test_discs_of_every_step_stay_in_the_final_board(part):
    batch, _ = sampled(part, 40, 3)
    wanted = targets(batch, np.arange(40) % 2 == 0, 0.5, CPU)
    mine, theirs = wanted.observation.flatten(0, 1).unbind(1)
    inside = wanted.inside.view(-1, 1, 1) > 0
    assert (wanted.final[inside & (mine > 0)] == 1).all()
    assert (wanted.final[inside & (theirs > 0)] == 2).all()


def gradients(model, wanted, scale=None):
    """Gives the losses and what they ask of every parameter."""
    model.zero_grad(set_to_none=True)
    found = losses(unroll(model, wanted), wanted, scale)
    sum(found.values()).backward()
    asked = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    return {name: float(loss.detach()) for name, loss in found.items()}, asked


def disturbed(wanted):
    """Gives targets in which everything past the end is something else."""
    past, steps = wanted.inside == 0, wanted.action.shape
    chance = torch.Generator().manual_seed(2)

    def other(tensor):
        noise = torch.rand(tensor.shape, generator=chance)
        return torch.where(past.view(-1, *(1,) * (tensor.ndim - 1)), noise, tensor)

    flat = {n: other(getattr(wanted, n)) for n in ("policy", "value", "legal", "wins", "draws")}
    turned = torch.where(past.view(steps), 3 - wanted.action, wanted.action)
    boards = wanted.observation.flip(2)  # the other's discs are the mover's
    seen = torch.where(past.view(*steps, 1, 1, 1), boards, wanted.observation)
    final = torch.where(past.view(-1, 1, 1), 2 - wanted.final, wanted.final)
    return wanted._replace(observation=seen, action=turned, final=final, **flat)


def test_rule_heads_learn_nothing_past_the_end(part):
    batch, _ = sampled(part, 24, 4)
    wanted, model = targets(batch, np.zeros(24, np.bool_), 0.5, CPU), network()
    one, asked = gradients(model, wanted)
    two, again = gradients(model, disturbed(wanted))
    assert set(one) == {"policy", "value", "legal", "ends", "decoder", "final"}
    assert one == pytest.approx(two, rel=1e-5)
    assert asked.keys() == again.keys() and asked["action"].abs().max() > 0
    for name, gradient in asked.items():
        assert torch.allclose(gradient, again[name], atol=1e-6), name


@pytest.mark.parametrize("categories", [0, 5])
def test_reward_heads_learn_that_nothing_follows_the_end(part, categories):
    batch, _ = sampled(part, 24, 4)
    wanted = targets(batch, np.zeros(24, np.bool_), 0.5, CPU)
    scale = Categories(categories, 1.0) if categories else None
    model = network(rule_heads=False, categories=categories)
    past = wanted.inside == 0
    assert past.any() and not wanted.value[past].any() and not wanted.reward[past].any()
    one, _ = gradients(model, wanted, scale)
    assert set(one) == {"policy", "value", "reward", "decoder", "final"}
    for name in ("value", "reward"):
        changed = wanted._replace(**{name: torch.where(past, 1.0, getattr(wanted, name))})
        two, _ = gradients(model, changed, scale)
        assert {n for n in one if two[n] != one[n]} == {name}


def test_a_reward_is_that_of_the_action_before_it():
    """Rewards stand one step after their action: the last reward of a batch has no answer."""
    batch, _ = sampled(two_plies(), 3, 1)
    wanted = targets(batch, np.zeros(3, np.bool_), 0.5, CPU)
    said = Prediction(torch.zeros(6, 2), torch.zeros(6))
    out = Unrolled(said, [torch.zeros(3, 1)] * 2, [torch.tensor([0.0, 0.0, 1.0])])
    assert float(losses(out, wanted, None)["reward"]) == 0


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_a_gradient_is_halved_at_every_step_of_the_dynamics(steps):
    weight = torch.tensor(3.0, requires_grad=True)
    model = SimpleNamespace(
        representation=lambda seen: weight * seen,
        dynamics=lambda latent, action: (latent + 1, None),
        prediction=lambda latent: latent,
    )
    wanted = SimpleNamespace(observation=torch.ones(steps + 1, 1), action=torch.zeros(steps + 1, 1))
    out = unroll(model, wanted)
    assert out.said.tolist() == [3 + step for step in range(steps + 1)]
    assert len(out.latents) == steps + 1 and out.rewards == []
    asked = [torch.autograd.grad(said, weight, retain_graph=True)[0].item() for said in out.said]
    assert asked == [0.5**step for step in range(steps + 1)]


def test_unrolling_nothing_is_the_plain_loss(part):
    torch.manual_seed(1)
    model = BoardNetwork(SPEC, NetworkConfig(**SIZE)).eval()
    batch, first = sampled(part, 24, 0)
    wanted = targets(batch, np.zeros(24, np.bool_), 0.25, CPU)
    found = losses(unroll(model, wanted), wanted, None)
    said = model.prediction(model.representation(torch.from_numpy(batch.observation[:, 0]).float()))
    policy, teaches = torch.from_numpy(part.policy[first]).float(), part.weight[first] > 0
    share = torch.from_numpy(1 + 0.25 * part.value[first] + 0.75 * part.returns[first]) / 2
    plain = {
        "policy": F.cross_entropy(said.logits[teaches], policy[teaches]),
        "value": F.binary_cross_entropy(torch.sigmoid(said.value), share),
        "final": F.cross_entropy(said.final, wanted.final),
    }
    assert found.keys() == plain.keys()
    for name, loss in plain.items():
        assert float(found[name].detach()) == pytest.approx(float(loss.detach()), rel=1e-5), name


def test_illegal_actions_count_for_legality_and_only_played_ones_for_ends():
    batch, _ = sampled(two_plies(), 3, 0)
    wanted = targets(batch, np.zeros(3, np.bool_), 0.5, CPU)
    rules = torch.full((3, 2, 3), -20.0)
    rules[:, :, 0] = torch.tensor([[20.0, 20], [-20, 20], [20, 20]])
    rules[1, 1, 2] = rules[2, 1, 1] = 20
    rules[0, 1, 1:] = rules[2, 0, 1:] = 20  # not played: nobody knows what they would do
    said = Prediction(torch.zeros(3, 2), torch.zeros(3), rules)
    found = losses(Unrolled(said, [torch.zeros(3, 1)], []), wanted, None)
    assert float(found["legal"]) < 1e-6 and float(found["ends"]) < 1e-6
    rules[1, 0, 0] = 20
    found = losses(Unrolled(said, [torch.zeros(3, 1)], []), wanted, None)
    assert float(found["legal"]) == pytest.approx(20 / 6, rel=1e-3)


def least(wanted):
    """Gives the lowest policy and value losses there can be: their targets' entropies."""
    worth = (1 + wanted.value) / 2
    both = torch.stack([worth, 1 - worth])
    value = -(torch.special.xlogy(both, both).sum(0) * wanted.inside).sum() / wanted.inside.sum()
    each = -torch.special.xlogy(wanted.policy, wanted.policy).sum(1) * wanted.weight
    return {"policy": float(each.sum() / wanted.weight.sum()), "value": float(value)}


def test_one_small_batch_is_learned_by_heart(part):
    batch, first = sampled(part, 60, 2)
    _, once = np.unique(part.observation[first], axis=0, return_index=True)
    batch = type(batch)(*(None if field is None else field[once] for field in batch))
    none = np.zeros(len(once), np.bool_)
    learner = Learner(
        network(channels=16, column_channels=16),
        LearnerConfig(batch=64, unroll=2, decoder_weight=1),
    )
    floor = least(targets(batch, none, 0.5, CPU))
    found = [learner.learn(batch, none, 1e-2 if step < 90 else 2e-3) for step in range(110)]
    for name in ("policy", "value", "legal", "ends", "decoder", "final"):
        low = floor.get(name, 0.0)
        begun, ended = found[0][name] - low, found[-1][name] - low
        assert -0.01 < ended < 0.1 * begun, (name, low, found[0][name], found[-1][name])
