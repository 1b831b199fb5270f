import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muzero.gumbel import halving
from muzero.noise import Noise, gumbel
from muzero.search import GumbelConfig, search


def test_halving_as_in_the_paper():
    """Figure 1 there: 16 simulations over 4 actions; 2 of them 2 more times; and so on."""
    assert halving(4, 16) == (0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5)
    assert halving(1, 4) == (0, 1, 2, 3)


@given(st.integers(1, 20), st.integers(1, 200))
def test_halving_can_always_be_followed(considered, simulations):
    """Some action has the visits that are asked for, at each simulation."""
    visits = np.zeros(considered, int)
    for wanted in halving(considered, simulations):
        assert wanted in visits
        visits[np.flatnonzero(visits == wanted)[0]] += 1
    assert visits.sum() == simulations


@pytest.mark.parametrize("most", [1, 2, 3, 6])
def test_only_so_many_actions_are_considered(most, hashed):
    root, mask = np.arange(50, dtype=np.uint32), np.ones((50, 6), bool)
    noise = Noise(gumbel(np.arange(50), 0, 6))
    result = search(hashed.learned(), root, mask, GumbelConfig(24, max_considered=most), noise)
    visits = result.tree.root("visits")
    assert ((visits > 0).sum(1) == most).all()
    chosen = np.take_along_axis(visits, result.action[:, None], 1)[:, 0]
    assert (chosen == visits.max(1)).all()


def test_the_policy_is_improved(hashed):
    """Its value under the completed values is at least that of the prior: the paper's theorem."""
    root, mask = np.arange(200, dtype=np.uint32), np.ones((200, 6), bool)
    result = search(hashed.learned(bounds=(-2.0, 2.0)), root, mask, GumbelConfig(16))
    gain = ((result.action_weights - result.tree.root("prior")) * result.q).sum(1)
    assert (gain > -1e-5).all() and gain.mean() > 0.1


def test_equal_actions_share_alike(hashed):
    plain = hashed.learned(4, reward=0.0)

    def flat(latent, *action):
        return plain.initial(latent)._replace(
            logits=np.zeros((len(latent), 4)), value=np.zeros(len(latent))
        )

    model = type(plain)(flat, flat, 4, -1.0, (-1.0, 1.0))
    result = search(model, np.zeros(1, np.uint32), np.ones((1, 4), bool), GumbelConfig(16))
    np.testing.assert_allclose(result.action_weights, 0.25)
    assert result.action[0] == 0 and result.value[0] == 0
