"""Polynomials by composition: `polyval` and its kin, the highest power first, and series
in orthogonal polynomials, as `np.polynomial.legendre.legval`.

Refused: what depends on which coefficients are 0, as division does. A polynomial whose
coefficients are traced has as many as its array, leading zeros counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .handle import Handle, handle_of
from .layout import reshape
from .making import arange
from .splitting import append
from .table import reached_by

__all__ = ["POLYNOMIAL", "polyval"]


@reached_by(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """The value at x of the polynomial with coefficients p, the highest first."""
    x, value = handle_of(x), handle_of(0)
    for one in handle_of(p):
        value = value * x + one
    return value


def _termwise(function: Callable) -> Callable:
    def build(a1: Any, a2: Any) -> Any:
        a: Any = np.atleast_1d(handle_of(a1))
        b: Any = np.atleast_1d(handle_of(a2))
        more = a.shape[0] - b.shape[0]
        return function(np.pad(a, (max(-more, 0), 0)), np.pad(b, (max(more, 0), 0)))

    return build


reached_by(np.polyadd)(_termwise(np.add))
reached_by(np.polysub)(_termwise(np.subtract))


@reached_by(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    """The product of polynomials."""
    return np.convolve(np.atleast_1d(handle_of(a1)), np.atleast_1d(handle_of(a2)))


@reached_by(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    """The m-th derivative of a polynomial."""
    p = handle_of(p)
    for _ in range(m):
        p = p[:-1] * arange(p.shape[0] - 1, 0, -1)
    return p


@reached_by(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = 0) -> Any:
    """The m-th integral of a polynomial, with constants k."""
    p = handle_of(p)
    constants: Any = np.broadcast_to(handle_of(0 if k is None else k), (m,))
    for i in range(m):
        p = append(p / arange(p.shape[0], 0, -1), constants[i])
    return p


@reached_by(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    """The polynomial with given roots; of a matrix, its characteristic one is not."""
    coefficients: Any = handle_of([1.0])
    for root in np.atleast_1d(handle_of(seq_of_zeros)):
        coefficients = np.convolve(coefficients, handle_of([1.0, -root]))
    return coefficients


# Series in polynomials by their recurrences: M. Abramowitz and I. A. Stegun, Handbook of
# Mathematical Functions (1964), table 22.7. Each is of the number k, x and the two
# polynomials before the k-th.


def _series(following: Callable) -> Callable:
    def build(x: Any, c: Any, tensor: bool = True) -> Any:
        x, c = handle_of(x), np.atleast_1d(handle_of(c))
        if tensor:
            c = reshape(c, (*c.sizes, *(1,) * x.ndim))
        before, term = handle_of(0.0), handle_of(1.0)
        value: Any = c[0] + np.zeros_like(x)
        for k, one in enumerate(c[1:], 1):
            before, term = term, following(k, x, term, before)
            value = value + one * term
        return value

    return build


def _chebyshev(k: int, x: Handle, p: Handle, q: Handle) -> Any:
    return x if k == 1 else 2 * x * p - q


# The functions of NumPy's modules of polynomials, by module and name.
POLYNOMIAL: dict[str, dict[str, Callable]] = {
    "polynomial": {"polyval": _series(lambda k, x, p, q: p * x)},
    "chebyshev": {"chebval": _series(_chebyshev)},
    "legendre": {
        "legval": _series(lambda k, x, p, q: ((2 * k - 1) * x * p - (k - 1) * q) / k)
    },
    "hermite": {
        "hermval": _series(lambda k, x, p, q: 2 * x * p - 2 * (k - 1) * q),
    },
    "hermite_e": {
        "hermeval": _series(lambda k, x, p, q: x * p - (k - 1) * q),
    },
    "laguerre": {
        "lagval": _series(lambda k, x, p, q: ((2 * k - 1 - x) * p - (k - 1) * q) / k)
    },
}
