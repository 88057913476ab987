"""Matrices of the numbers of a proof: their inverses, solutions and determinants.

In: numbers whose last two axes are those of square matrices, each element of which
stands for itself. Out: the numbers by Gauss's elimination, without a search for pivots:
where one is 0 the result has a fault. Refused with `NotGeneric`: matrices of unknown
size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from operator import itemgetter
from typing import Any

import numpy as np

from ..ops import solving
from .arrays import Arrays
from .elementwise import signs_of
from .numbers import Number, together
from .points import Points

__all__ = ["MATRICES"]


def _eliminated(points: Points, a: Number, b: Number) -> tuple[Number, Number]:
    """Return the x of a x = b, b being of matrices too, and the determinants of a."""
    size = a.p.shape[-1]
    joined = together(_joined, [a, b])
    rows = [joined.map(itemgetter((..., place, slice(None)))) for place in range(size)]
    determinant = points.constant(Fraction(1))
    for place in range(size):
        pivot = rows[place].map(itemgetter((..., slice(place, place + 1))))
        determinant = points.multiply(determinant, pivot.map(itemgetter((..., 0))))
        rows[place] = points.divide(rows[place], pivot)
        for other in range(size):
            if other != place:
                factor = rows[other].map(itemgetter((..., slice(place, place + 1))))
                change = points.multiply(factor, rows[place])
                rows[other] = points.subtract(rows[other], change)
    x = together(lambda parts: np.stack(parts, axis=-2), rows)
    return x.map(itemgetter((..., slice(size, None)))), determinant


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return both arrays side by side, their axes before the last two broadcast."""
    a, b = parts
    rank = max(a.ndim, b.ndim)
    a, b = (x.reshape(len(x), *(1,) * (rank - x.ndim), *x.shape[1:]) for x in (a, b))
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return np.concatenate(
        [np.broadcast_to(x, (*batch, *x.shape[-2:])) for x in (a, b)], axis=-1
    )


def _whole(arrays: Arrays, node: Any) -> None:
    operand = arrays.operand(node)
    rank = len(arrays.nodes.shape(operand))
    arrays.need_whole(operand, (rank - 2, rank - 1), "a matrix")


def _units(arrays: Arrays, a: Number) -> Number:
    ones = np.ones((arrays.points.count, 1, 1), np.int64)
    return arrays.points.whole(ones * np.eye(a.p.shape[-1], dtype=np.int64))


def _inverse(arrays: Arrays, node: Any, a: Number) -> Number:
    _whole(arrays, node)
    return _eliminated(arrays.points, a, _units(arrays, a))[0]


def _solution(arrays: Arrays, node: Any, a: Number, b: Number) -> Number:
    _whole(arrays, node)
    if b.rank > 1:
        return _eliminated(arrays.points, a, b)[0]
    column = b.map(itemgetter((..., None)))
    return _eliminated(arrays.points, a, column)[0].map(itemgetter((..., 0)))


def _determinant(arrays: Arrays, node: Any, a: Number) -> Number:
    _whole(arrays, node)
    return arrays.full(node, _eliminated(arrays.points, a, _units(arrays, a))[1])


def _sign(arrays: Arrays, node: Any, a: Number) -> Number:
    return signs_of(arrays.points, _determinant(arrays, node, a))


def _logarithm(arrays: Arrays, node: Any, a: Number) -> Number:
    return arrays.points.log(_determinant(arrays, node, a))


MATRICES: dict[type, Callable[..., Number]] = {
    solving.Det: _determinant,
    solving.Inv: _inverse,
    solving.LogAbsDet: _logarithm,
    solving.Sign: _sign,
    solving.SlogDet: lambda arrays, node, a: a,
    solving.Solve: _solution,
}
