import numpy as np
import pytest

from arena import rating_solve
from arena.results import Results
from arena.tally import count


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 9, 31, 301])
def test_the_kernels_agree_with_numpy(size):
    rng = np.random.default_rng(size)
    root, other = rng.normal(size=(2, size, size))
    matrix, inner = root @ root.T + size * np.eye(size), other + other.T
    right = rng.normal(size=size)
    lower = np.tril(matrix)
    assert rating_solve.solve(lower, right) == pytest.approx(np.linalg.solve(matrix, right))
    assert rating_solve.inverse(lower) == pytest.approx(np.linalg.inv(matrix))
    assert rating_solve.sandwich(matrix, inner) == pytest.approx(matrix @ inner @ matrix)


def test_the_scatter_is_that_of_the_clusters_gradients():
    rng = np.random.default_rng(0)
    first = rng.integers(0, 4, 300)
    second = (first + rng.integers(1, 4, 300)) % 4
    score2, cluster = rng.integers(0, 3, 300), rng.integers(0, 9, 300)
    counts = count(Results.of("abcd", first, second, score2, cluster))
    order = [counts.players.index(name) for name in "abcd"]
    x = rng.normal(size=5)
    gradients = {}
    for i, j, points, opening in zip(first, second, score2, cluster, strict=True):
        a, b = order[i], order[j]
        residual = points / 2 - 1 / (1 + np.exp(-(x[a] - x[b] + x[4])))
        u = gradients.setdefault((frozenset((a, b)), opening), np.zeros(5))
        u[[a, b, 4]] += residual * np.array([1, -1, 1])
    expected = sum(np.outer(u, u) for u in gradients.values())
    assert rating_solve.scatter(counts.products, x) == pytest.approx(expected)
    gradient, hessian = np.empty(5), np.empty((5, 5))
    rating_solve.derivatives(counts.cells, x, gradient, hessian)
    assert gradient == pytest.approx(sum(gradients.values()))
    shifted = np.empty(5)
    for k in range(5):
        rating_solve.derivatives(counts.cells, x + 1e-6 * np.eye(5)[k], shifted, np.empty((5, 5)))
        slope = (gradient - shifted) / 1e-6
        assert hessian[k, : k + 1] == pytest.approx(slope[: k + 1], abs=1e-3)
