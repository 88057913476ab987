"""Rewrites of sums over classes of which the labels pick one: cross-entropy.

In: an element of each row taken from a difference of an array and a column, or a sum of
products with one-hot rows. Out: what is picked is picked before anything is subtracted,
so that the gradient is that of two arrays: one with an element for each label, and one
that is a product.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy

from ...ops.contraction import Contraction, indices_of
from ...ops.handle import Handle
from ...ops.indexing import Index
from ...ops.layout import squeeze
from ...ops.making import Arange, Eye
from ...shapes import Shape
from .patterns import negated, operand, operands, terms
from .table import rewrite

__all__ = ["one_hot", "picked_first"]


@rewrite(
    "cross-entropy",
    "(x - c)[i, y] = x[i, y] - c[i], so that d_x = p - onehot(y) times the cotangent",
    "columns c, where the difference is used for nothing else",
    Index,
    alone=True,
)
def picked_first(y: Handle) -> Any:
    """What labels pick from a log-softmax."""
    core, *arrays = operands(y)
    pair, key = terms(core), y.node.params[0]
    picks = all(entry[0] == "array" for entry in key) and len(key) == core.ndim
    if pair is None or not picks or any(one.ndim != 1 for one in arrays):
        return None
    if all(one.sizes == core.sizes for one in pair) or not any(
        one.sizes for one in pair
    ):
        return None
    first, second = (_picked(one, core.sizes, arrays) for one in pair)
    return first + second


def _picked(x: Handle, shape: Shape, arrays: Sequence[Handle]) -> Any:
    """Return the elements at index arrays of x repeated to a shape."""
    inner = negated(x)
    if inner is not None:
        return -_picked(inner, shape, arrays)
    if isinstance(x.node, sympy.log):
        return np.log(_picked(operands(x)[0], shape, arrays))
    missing = len(shape) - x.ndim
    arrays, shape = arrays[missing:], shape[missing:]
    repeated = [
        axis
        for axis, (own, size) in enumerate(zip(x.sizes, shape, strict=True))
        if own == 1 and size != 1
    ]
    x = squeeze(x, tuple(repeated)) if repeated else x
    left = [one for axis, one in enumerate(arrays) if axis not in repeated]
    if not left or (len(left) == 1 and _is_whole(left[0], x)):
        return x
    return x[tuple(left)]


def _is_whole(index: Handle, x: Handle) -> bool:
    node = index.node
    return isinstance(node, Arange) and node.params[:3] == (0, x.sizes[0], 1)


@rewrite(
    "one-hot",
    "sum(eye(k)[y] * x, axis=1) = x[i, y]",
    "finite x",
    Contraction,
)
def one_hot(y: Handle) -> Handle | None:
    """A sum over classes weighed with one-hot rows."""
    found = _factors(y)
    if found is None:
        return None
    (one, other), indices, output = found
    for rows, x in ((one, other), (other, one)):
        labels = _labels(rows)
        if labels is not None and x.ndim == 2 and indices[1] not in output:
            picked = x[_rows(labels), labels]
            return np.sum(picked) if not output else picked
    return None


def _rows(labels: Handle) -> Handle:
    """Return 0, 1, 2... for each label."""
    params = (0, labels.sizes[0], 1, "int64")
    return Handle(labels.nodes, labels.nodes.make(Arange, params=params))


def _factors(y: Handle) -> tuple[Sequence[Handle], tuple, tuple] | None:
    """Return the two factors of a sum of products, their indices, and the result's."""
    inputs, output = indices_of(y.node)
    parts = operands(y)
    if len(parts) == 1 and isinstance(parts[0].node, sympy.Mul):
        parts, inputs = operands(parts[0]), inputs * 2
    if len(parts) != 2 or inputs[0] != inputs[1] or len(set(inputs[0])) != 2:
        return None
    shapes_fit = parts[0].sizes == parts[1].sizes
    return (parts, inputs[0], output) if shapes_fit else None


def _labels(x: Handle) -> Handle | None:
    """Return y for eye(k)[y], labels along one axis."""
    table = operand(x, Index)
    if table is None or not isinstance(table.node, Eye):
        return None
    size, columns, offset = table.node.params[:3]
    labels = operands(x)[1:]
    square = size == columns and offset == 0
    plain = x.node.params[0] == (("array", 0),) and len(labels) == 1
    return labels[0] if square and plain and labels[0].ndim == 1 else None
