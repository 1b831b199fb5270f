"""Imagined latents are drawn to true ones, and never the other way."""

import numpy as np
import pytest
import torch
from torch import nn

from muzero.consistency import Consistency
from muzero.losses import Targets

ROWS, STEPS, SIZE = 16, 3, 12


class Linear(nn.Module):
    """A network whose latents are easily compared: dynamics cannot see what is to come."""

    def __init__(self):
        super().__init__()
        self.see = nn.Linear(SIZE, SIZE)
        self.step = nn.Linear(SIZE, SIZE)

    def representation(self, observation):
        return self.see(observation)


def wanted(inside=None):
    seen = torch.from_numpy(np.random.default_rng(1).normal(size=(STEPS + 1, ROWS, SIZE))).float()
    if inside is None:
        inside = torch.ones((STEPS + 1) * ROWS)
    others = dict.fromkeys(Targets._fields) | {"observation": seen, "inside": inside}
    return Targets(**others)


def latents(network, targets):
    """Gives `STEPS + 1` latents, all but the first imagined."""
    found = [network.representation(targets.observation[0])]
    for _ in range(STEPS):
        found.append(network.step(found[-1]))
    return found


@pytest.fixture
def made():
    torch.manual_seed(4)
    torch.set_num_threads(1)
    return Linear(), Consistency(SIZE)


def test_no_gradient_flows_into_the_true_side(made):
    network, consistency = made
    targets = wanted()
    imagined = [torch.randn(ROWS, SIZE, requires_grad=True) for _ in range(STEPS + 1)]
    consistency(network, imagined, targets).backward()
    assert all(parameter.grad is None for parameter in network.parameters())
    assert imagined[0].grad is None, "the first latent is not imagined"
    assert all(latent.grad.abs().max() > 0 for latent in imagined[1:])
    assert all(p.grad is not None for p in consistency.parameters())


def test_it_is_minus_a_cosine_that_rises_when_it_is_learned(made):
    network, consistency = made
    targets = wanted()
    imagined = [torch.randn(ROWS, SIZE, requires_grad=True) for _ in range(STEPS + 1)]
    taught = [*imagined, *consistency.parameters()]
    optimizer = torch.optim.Adam(taught, 1e-2)
    found = []
    for _ in range(60):
        loss = consistency(network, imagined, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(float(loss.detach()))
    assert abs(found[0]) < 0.4
    assert -1 <= found[-1] < -0.95


def test_it_is_the_mean_over_the_moments_inside(made):
    network, consistency = made
    consistency.eval()
    inside = (torch.arange((STEPS + 1) * ROWS) % 3 > 0).float()
    targets, imagined = wanted(inside), [torch.randn(ROWS, SIZE) for _ in range(STEPS + 1)]
    found, cosines = float(consistency(network, imagined, targets).detach()), []
    for step in range(1, STEPS + 1):
        for row in range(ROWS):
            if inside[step * ROWS + row]:
                true = consistency.project(network.see(targets.observation[step, row][None]))
                here = consistency.predict(consistency.project(imagined[step][row][None]))
                one = torch.nn.functional.cosine_similarity(here, true)
                cosines.append(float(one.detach()))
    assert found == pytest.approx(-np.mean(cosines), abs=1e-5)


def test_nothing_past_the_end_counts(made):
    network, consistency = made
    consistency.eval()
    inside = torch.ones(STEPS + 1, ROWS)
    inside[2:, ROWS // 2 :] = 0
    targets = wanted(inside.flatten())
    imagined = [torch.randn(ROWS, SIZE, requires_grad=True) for _ in range(STEPS + 1)]
    one = consistency(network, imagined, targets)
    one.backward()
    assert imagined[1].grad.abs().sum(1).min() > 0
    for latent in imagined[2:]:
        assert not latent.grad[ROWS // 2 :].any() and latent.grad[: ROWS // 2].any()
    seen = torch.where(inside[..., None] > 0, targets.observation, 7.0)
    with torch.no_grad():
        for latent in imagined[2:]:
            latent[ROWS // 2 :] = 5
    two = consistency(network, imagined, targets._replace(observation=seen))
    assert float(one.detach()) == pytest.approx(float(two.detach()), abs=1e-6)


def test_a_batch_in_which_all_is_over_gives_nothing(made):
    network, consistency = made
    none = wanted(torch.zeros((STEPS + 1) * ROWS))
    assert float(consistency(network, latents(network, none), none).detach()) == 0
