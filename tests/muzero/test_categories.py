"""Numbers as categories and back."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from muzero.categories import Categories, lengthen, shorten

LIMITS = st.sampled_from([1.0, 10.0, 300.0])
COUNTS = st.integers(2, 101)
SHARES = st.lists(st.floats(-1.0, 1.0, width=32), min_size=1, max_size=20)


def numbers(shares, limit):
    return limit * torch.tensor(shares, dtype=torch.float32)


def back(scale, x):
    """Gives the numbers that the histograms of `x` stand for."""
    return scale.mean(scale.histogram(x).log())


def off(scale, x):
    """Gives how far numbers are from what their histograms stand for, in places of the scale."""
    place = 2 * float(shorten(torch.tensor(scale.limit))) / (scale.count - 1)
    return (shorten(back(scale, x)) - shorten(x)) / place


@settings(deadline=None)
@given(SHARES, LIMITS, COUNTS, st.sampled_from([0.0, 0.5, 0.75, 2.0]))
def test_a_histogram_is_shares_that_sum_to_one(shares, limit, count, spread):
    found = Categories(count, limit, spread).histogram(numbers(shares, limit))
    assert found.shape == (len(shares), count)
    assert found.min() >= 0
    assert torch.allclose(found.sum(1), torch.ones(len(shares)), atol=1e-5)


@settings(deadline=None)
@given(SHARES, LIMITS, COUNTS)
def test_two_neighbours_keep_a_number_exactly(shares, limit, count):
    scale, x = Categories(count, limit, 0.0), numbers(shares, limit)
    assert ((scale.histogram(x) > 0).sum(1) <= 2).all()
    assert torch.allclose(back(scale, x), x, atol=2e-4 * (1 + limit))


@settings(deadline=None)
@given(SHARES, LIMITS, COUNTS)
def test_a_spread_histogram_keeps_a_number_within_two_fifths_of_a_place(shares, limit, count):
    """At the ends half of the normal distribution has no place, so they move inwards."""
    scale, x = Categories(count, limit), numbers(shares, limit)
    moved = off(scale, x)
    assert moved.abs().max() < 0.4
    assert (moved * x.sign() < 0.01).all(), "nothing moves outwards"


def test_a_spread_histogram_keeps_what_is_far_from_the_ends():
    scale, x = Categories(51, 300.0), torch.linspace(-200, 200, 401)
    assert off(scale, x).abs().max() < 0.01
    wide = (scale.histogram(torch.zeros(1)) > 0.01).sum()
    assert wide == 5, "the mass is on the places around the number"


@pytest.mark.parametrize("spread", [0.0, 0.75])
def test_what_lies_outside_counts_as_the_end(spread):
    scale = Categories(11, 5.0, spread)
    ends = scale.histogram(torch.tensor([5.0, -5.0]))
    assert torch.equal(scale.histogram(torch.tensor([6.0, -1e6])), ends)
    assert ends[0].argmax() == 10 and ends[1].argmax() == 0
    assert torch.allclose(ends[0], ends[1].flip(0), atol=1e-6)


def test_means_are_of_the_short_numbers_and_stay_inside():
    scale = Categories(3, 8.0)
    certain = torch.tensor([[0.0, -99, -99], [-99, 0, -99], [-99, -99, 0], [0, -99, 0]])
    assert torch.allclose(scale.mean(certain), torch.tensor([-8.0, 0, 8, 0]), atol=1e-3)
    leaning = torch.tensor([0.0, 1.0, 1.0]).log()
    half = lengthen(shorten(torch.tensor(8.0)) / 2)
    assert float(scale.mean(leaning)) == pytest.approx(float(half), rel=1e-3)
    assert scale.mean(leaning.to(torch.bfloat16)).dtype == torch.float32


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_lengthen_is_the_inverse_of_shorten(many):
    x = torch.tensor(many, dtype=torch.float64)
    assert torch.allclose(lengthen(shorten(x)), x, rtol=1e-8, atol=1e-8)
    assert torch.allclose(shorten(lengthen(x / 1000)), x / 1000, rtol=1e-8, atol=1e-8)
    single = lengthen(shorten(x.float())).double()
    assert ((single - x).abs() <= 3e-4 * (1 + x.abs())).all(), "single precision"


def test_short_numbers_by_hand():
    x = torch.tensor([0.0, 3, -3, 8], dtype=torch.float64)
    assert shorten(x).tolist() == pytest.approx([0, 1.003, -1.003, 2.008])
