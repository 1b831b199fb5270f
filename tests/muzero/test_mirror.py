import numpy as np
import pytest

from envs.registry import spec as spec_of
from muzero.models import RulesModel
from muzero.search import GumbelConfig, PuctConfig, search


@pytest.mark.parametrize("config", [PuctConfig(60), GumbelConfig(60)], ids=["puct", "gumbel"])
def test_mirrored_boards_give_mirrored_searches(config, hashed):
    spec = spec_of("connectx")
    plain = hashed.on_rules(spec).network

    def network(observation):
        logits, value = plain(observation)
        turned, other = plain(observation[..., ::-1])
        return (logits + turned[:, ::-1]) / 2, (value + other) / 2

    observation, mask = hashed.positions(spec, 30, 12, seed=12)
    model = RulesModel(spec, network)
    one = search(model, observation, mask, config)
    other = search(model, observation[..., ::-1], mask[:, ::-1], config)
    lopsided = (observation != observation[..., ::-1]).any((1, 2, 3))
    open_rows = lopsided & ~one.tree.root("proven")
    assert open_rows.sum() > 15
    turned = other.action_weights[:, ::-1]
    np.testing.assert_allclose(one.action_weights[open_rows], turned[open_rows], atol=1e-5)
    np.testing.assert_allclose(one.value[lopsided], other.value[lopsided], atol=1e-5)
