import numpy as np
import pytest
from numba import njit

from muzero.jit import inlined, kernel
from muzero.kernels import exp, specialise, weigh
from muzero.tree import ILLEGAL, allocate, create


@njit
def _exp_each(x, out):
    for i in range(x.size):
        out[i] = exp(x[i])


@njit
def _weigh_one(nodes, logits, forbidden):
    create(nodes[0, 0], -1, -1)
    for a in forbidden:
        nodes[0, 0].ends[a] = ILLEGAL
    return weigh(nodes[0, 0], logits)


def test_exp_is_exact_to_seven_digits():
    x = -np.geomspace(1e-6, 86, 5000, dtype=np.float32)
    x[:2] = 0, -1
    out = np.empty_like(x)
    _exp_each(x, out)
    np.testing.assert_allclose(out, np.exp(x.astype(float)), rtol=4e-7)
    _exp_each(np.array([-500], np.float32), out)
    assert 0 < out[0] < 2e-38


@pytest.mark.parametrize("forbidden", [(), (0, 3)])
def test_weights_are_a_softmax_of_what_is_legal(forbidden):
    logits = np.array([0.3, -2, 50, 49, 1e9 if 0 in forbidden else 3], np.float32)
    nodes = allocate(1, 1, 5, 0).nodes
    assert _weigh_one(nodes, logits, np.array(forbidden, np.int64))
    powers = np.exp(logits.astype(float) - logits.max())
    powers[list(forbidden)] = 0
    expected = powers / powers.sum()
    np.testing.assert_allclose(nodes["prior"][0, 0], expected, atol=1e-6)
    assert ((nodes["prior"][0, 0] > 0) == (powers >= 0) & ~np.isin(range(5), forbidden)).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_are_noticed(bad):
    logits = np.array([0, bad, 0, 0, 0], np.float32)
    assert not _weigh_one(allocate(1, 1, 5, 0).nodes, logits, np.zeros(0, np.int64))


@inlined
def _double(x):
    return 2 * x


@inlined
def _triple(x):
    return 3 * x


def _apply_template(x):
    return change(x) + 1  # noqa: F821


def test_a_template_takes_what_it_is_given():
    double = specialise(kernel, _apply_template, change=_double)
    triple = specialise(kernel, _apply_template, change=_triple)
    assert (double(5), triple(5)) == (11, 16)
    assert specialise(kernel, _apply_template, change=_double) is double
    assert double.py_func.__qualname__ != triple.py_func.__qualname__
