"""Unit matrices, triangles and diagonals, of axes of any length.

In: a node and its operands' numbers. Out: its numbers. Where two elements meet that
stand for the rest of an axis, a unit matrix has the mean of its elements, which is what
sums ask for; `Arrays.admit` sees to it that nothing else is. Refused with `NotGeneric`:
other diagonals than the main one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..ops import diagonals, making
from .arrays import Arrays, written
from .axes import Axis, NotGeneric
from .numbers import Number, together
from .points import Points

__all__ = ["DIAGONALS"]


def _tri(arrays: Arrays, node: Any) -> Number:
    rows, columns, diagonal, _ = node.params
    arrays.need_whole(node, (0, 1), "a triangle")
    ones = np.ones((arrays.points.count, 1, 1), np.int64)
    row_count, column_count = arrays.counts(node)
    triangle = np.tri(row_count, column_count, diagonal, dtype=np.int64)
    return arrays.points.whole(ones * triangle)


def _eye(arrays: Arrays, node: Any) -> Number:
    """Return a unit matrix; of the rest its mean, which is what sums ask for."""
    rows, columns, diagonal, _ = node.params
    points, axis = arrays.points, arrays.axes[rows]
    ones = np.ones((points.count, 1, 1), np.int64)
    if axis.whole and arrays.axes[columns].whole:
        row_count, column_count = arrays.counts(node)
        unit = np.eye(row_count, column_count, diagonal, dtype=np.int64)
        return points.whole(ones * unit)
    if rows != columns or diagonal:
        raise NotGeneric("a diagonal beside the main one")
    arrays.diagonals.add(id(node))
    return _unit(points, axis)


def _unit(points: Points, axis: Axis) -> Number:
    """Return the unit matrix of an axis of any length."""
    unit = np.eye(axis.count, dtype=np.int64)
    whole = points.whole(np.ones((points.count, 1, 1), np.int64) * unit)
    mean = points.inverse(axis.weights.map(lambda part: part[:, -1]))
    last = (slice(None), -1, -1)
    return together(partial(written, where=last), [whole, mean])


def _diagonal(arrays: Arrays, node: Any, x: Number) -> Number:
    """Return a diagonal. Of the rest of an axis all elements are alike, also there."""
    operand = arrays.operand(node)
    rank = len(arrays.nodes.shape(operand))
    rows, columns = arrays.nodes.shape(operand)[-2:]
    if node.params[0] or rows != columns:
        arrays.need_whole(
            operand, (rank - 2, rank - 1), "a diagonal beside the main one"
        )
    return x.map(lambda part: np.diagonal(part, node.params[0], -2, -1))


def _diag(arrays: Arrays, node: Any, x: Number) -> Number:
    """Return a matrix with a vector on its diagonal; of the rest its mean, as of units."""
    (size,) = arrays.nodes.shape(arrays.operand(node))
    (which,) = node.params
    if which or arrays.axes[size].whole:
        arrays.need_whole(arrays.operand(node), (0,), "a diagonal beside the main one")
        return x.map(partial(_on_diagonal, which=which))
    arrays.diagonals.add(id(node))
    column = x.map(lambda part: part[..., None])
    return arrays.points.multiply(column, _unit(arrays.points, arrays.axes[size]))


def _on_diagonal(part: np.ndarray, which: int) -> np.ndarray:
    count = part.shape[-1]
    full = np.zeros((len(part), *[count + abs(which)] * 2), part.dtype)
    along = np.arange(count)
    full[:, along + max(-which, 0), along + max(which, 0)] = part
    return full


DIAGONALS: dict[type, Callable[..., Number]] = {
    diagonals.Diag: _diag,
    diagonals.Diagonal: _diagonal,
    making.Eye: _eye,
    making.Tri: _tri,
}
