"""The Bradley-Terry likelihood and the linear algebra of its fit, in kernels of one thread.

Axes: `P` players, `Q` pairings as `tally` orders them, `N = P + 1` unknowns: the ratings in nats
and last the first-move term. Games between i, who began, and j have d = x_i - x_j + x_P and the
expected score p = 1 / (1 + e^-d); a draw is half a point.
Source: Bradley and Terry 1952, https://doi.org/10.2307/2334029; the first-move term: Davidson and
Beaver 1977, https://doi.org/10.2307/2529467.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

_KERNELS_UP_TO = 300
"""Unknowns up to which these kernels are faster than LAPACK, whose threads wait for each other."""


@njit(cache=True)
def derivatives(cells: Any, x: Any, gradient: Any, hessian: Any) -> None:
    """Writes the gradient and minus the Hessian (lower half) of the log-likelihood at `x`.

    Args:
        cells: `int64[Q, 2, 3]`, as in `Counts`.
        x: `float64[N]`, nats.
        gradient: `float64[N]`, out.
        hessian: `float64[N, N]`, out.
    """
    last = x.size - 1
    strength = np.exp(x)
    seat = strength[last]
    gradient[:] = 0
    hessian[:] = 0
    row = 0
    for j in range(1, last):
        for i in range(j):
            n0 = cells[row, 0, 0] + cells[row, 0, 1] + cells[row, 0, 2]
            n1 = cells[row, 1, 0] + cells[row, 1, 1] + cells[row, 1, 2]
            if n0 + n1 > 0:
                p0 = strength[i] * seat / (strength[i] * seat + strength[j])
                q0 = strength[j] / (strength[i] * seat + strength[j])
                p1 = strength[j] * seat / (strength[j] * seat + strength[i])
                q1 = strength[i] / (strength[j] * seat + strength[i])
                r0 = cells[row, 0, 2] * q0 - cells[row, 0, 0] * p0
                r0 += cells[row, 0, 1] * 0.5 * (q0 - p0)
                r1 = cells[row, 1, 2] * q1 - cells[row, 1, 0] * p1
                r1 += cells[row, 1, 1] * 0.5 * (q1 - p1)
                h0, h1 = n0 * p0 * q0, n1 * p1 * q1
                gradient[i] += r0 - r1
                gradient[j] -= r0 - r1
                gradient[last] += r0 + r1
                hessian[i, i] += h0 + h1
                hessian[j, j] += h0 + h1
                hessian[j, i] = -h0 - h1
                hessian[last, i] += h0 - h1
                hessian[last, j] -= h0 - h1
                hessian[last, last] += h0 + h1
            row += 1


@njit(cache=True)
def scatter(products: Any, x: Any) -> Any:
    """Gives the sum of u u' over all clusters, `float64[N, N]`, u being a cluster's gradient.

    With s = r0 - r1 and t = r0 + r1, the residuals r of both seats of a cluster, u has s at i,
    -s at j and t at the first-move term; s and t are linear in the cluster's sums.
    Source: Liang and Zeger 1986, https://doi.org/10.1093/biomet/73.1.13.

    Args:
        products: `int64[Q, 10]`, as in `Counts`.
        x: `float64[N]`, nats.
    """
    last = x.size - 1
    strength = np.exp(x)
    out = np.zeros((x.size, x.size))
    row = 0
    for j in range(1, last):
        for i in range(j):
            z = products[row]
            row += 1
            if z[4] + z[9] == 0:
                continue
            f0 = 2 * strength[i] * strength[last] / (strength[i] * strength[last] + strength[j])
            f1 = 2 * strength[j] * strength[last] / (strength[j] * strength[last] + strength[i])
            r00 = 0.25 * (z[0] - 2 * f0 * z[1] + f0 * f0 * z[4])
            r11 = 0.25 * (z[7] - 2 * f1 * z[8] + f1 * f1 * z[9])
            r01 = 0.25 * (z[2] - f1 * z[3] - f0 * z[5] + f0 * f1 * z[6])
            ss, tt, st = r00 + r11 - 2 * r01, r00 + r11 + 2 * r01, r00 - r11
            out[i, i] += ss
            out[j, j] += ss
            out[i, j] = out[j, i] = -ss
            out[i, last] += st
            out[j, last] -= st
            out[last, last] += tt
    out[last, :last] = out[:last, last]
    return out


def solve(lower: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gives the solution for a positive definite matrix whose lower half is given, `float64[N]`."""
    if len(right) <= _KERNELS_UP_TO:
        return np.asarray(_solve(lower, right))
    return np.asarray(np.linalg.solve(lower + np.tril(lower, -1).T, right))


def inverse(lower: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gives the inverse of a positive definite matrix whose lower half is given."""
    if len(lower) <= _KERNELS_UP_TO:
        return np.asarray(_inverse(lower))
    return np.asarray(np.linalg.inv(lower + np.tril(lower, -1).T))


def sandwich(outer: NDArray[np.float64], inner: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gives `outer @ inner @ outer` of symmetric matrices."""
    if len(outer) <= _KERNELS_UP_TO:
        return np.asarray(_sandwich(outer, inner))
    return np.asarray(outer @ inner @ outer)


@njit(cache=True, fastmath={"reassoc", "contract"})
def _dot(a: Any, b: Any, size: int) -> float:
    total = 0.0
    for k in range(size):
        total += a[k] * b[k]
    return total


@njit(cache=True)
def _factor(lower: Any) -> Any:
    """Gives L with L L' = the matrix."""
    out = np.zeros_like(lower)
    for i in range(out.shape[0]):
        for j in range(i):
            out[i, j] = (lower[i, j] - _dot(out[i], out[j], j)) / out[j, j]
        out[i, i] = np.sqrt(lower[i, i] - _dot(out[i], out[i], i))
    return out


@njit(cache=True)
def _solve(lower: Any, right: Any) -> Any:
    factor = _factor(lower)
    x = right.copy()
    for i in range(x.size):
        x[i] = (x[i] - _dot(factor[i], x, i)) / factor[i, i]
    for i in range(x.size - 1, -1, -1):
        x[i] /= factor[i, i]
        for k in range(i):
            x[k] -= factor[i, k] * x[i]
    return x


@njit(cache=True, fastmath={"contract"})
def _add_rows(weights: Any, rows: Any, out: Any, width: int) -> None:
    """Adds the weighted sum of `rows` to `out`, four rows at a time to spare loads and stores."""
    whole = weights.size - weights.size % 4
    for k in range(0, whole, 4):
        w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        r0, r1, r2, r3 = rows[k], rows[k + 1], rows[k + 2], rows[k + 3]
        for j in range(width):
            out[j] += w0 * r0[j] + w1 * r1[j] + w2 * r2[j] + w3 * r3[j]
    for k in range(whole, weights.size):
        for j in range(width):
            out[j] += weights[k] * rows[k, j]


@njit(cache=True)
def _inverse(lower: Any) -> Any:
    factor = _factor(lower)
    size = factor.shape[0]
    root = np.zeros_like(factor)
    for i in range(size):
        _add_rows(factor[i, :i] / -factor[i, i], root, root[i], i)
        root[i, i] = 1 / factor[i, i]
    columns = root.T.copy()
    out = np.zeros_like(factor)
    for i in range(size):
        _add_rows(columns[i, i:], root[i:], out[i], i + 1)
        for j in range(i):
            out[j, i] = out[i, j]
    return out


@njit(cache=True, fastmath={"reassoc", "contract"})
def _sandwich(outer: Any, inner: Any) -> Any:
    size = outer.shape[0]
    half, out = np.empty_like(outer), np.empty_like(outer)
    for i in range(size):
        _dots(outer[i], inner, half[i], size)
        _dots(half[i], outer, out[i], i + 1)
        for j in range(i):
            out[j, i] = out[i, j]
    return out


@njit(cache=True, fastmath={"reassoc", "contract"})
def _dots(vector: Any, rows: Any, out: Any, width: int) -> None:
    """Writes the products with the first `width` rows, four at a time to spare loads."""
    whole = width - width % 4
    for j in range(0, whole, 4):
        r0, r1, r2, r3 = rows[j], rows[j + 1], rows[j + 2], rows[j + 3]
        s0 = s1 = s2 = s3 = 0.0
        for k in range(vector.size):
            s0 += vector[k] * r0[k]
            s1 += vector[k] * r1[k]
            s2 += vector[k] * r2[k]
            s3 += vector[k] * r3[k]
        out[j], out[j + 1], out[j + 2], out[j + 3] = s0, s1, s2, s3
    for j in range(whole, width):
        out[j] = _dot(vector, rows[j], vector.size)
