"""Rows of running sums, and differences of neighbours: `cumsum`, `diff`, `trapezoid`.

Sizes may be unknown. Refused: running sums of whole numbers in another dtype.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer, call
from ..graph import ArrayNode, Nodes
from ..shapes import axis_of
from .elementwise import dtype_of
from .handle import Handle, handle_of
from .indexing import getitem
from .joining import concatenate
from .layout import ravel
from .table import reached_by, row

__all__ = ["CumSum", "along", "cumsum", "flipped"]


class CumSum(ArrayNode):
    """Sums of all elements up to each along an axis; params: the axis."""


def along(x: Handle, axis: int, key: Any) -> Handle:
    """Return x at a key along one axis."""
    return getitem(x, (*((slice(None),) * axis), key))


def flipped(x: Handle, axis: int) -> Handle:
    """Return x with an axis reversed."""
    return along(x, axis, slice(None, None, -1))


def running(cls: type, x: Handle, axis: Any) -> Handle:
    """Return a running sum or product of a class, of the flattened array for axis None."""
    if axis is None or not x.sizes:
        x, axis = ravel(x), 0
    made = x.nodes.make(cls, x.node, params=(axis_of(axis, x.ndim),))
    return Handle(x.nodes, made)


def running_rule(nodes: Nodes, x: sympy.Expr, axis: int) -> tuple:
    """Return the shape and dtype of a running sum or product: bools are counted."""
    dtype = nodes.dtype(x)
    return nodes.shape(x), "int64" if dtype == "bool" else dtype


def write_running(name: str) -> Any:
    """Return the writing of a running sum or product as a call."""

    def write(writer: Writer, node: Any, x: Code) -> Code:
        rank = len(writer.nodes.shape(node))
        axis = [f"axis={node.params[0]}"] if rank > 1 else []
        return call(writer.function(name), x, *axis)

    return write


def _cumsum_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    (axis,) = y.node.params
    return flipped(running(CumSum, flipped(g, axis), axis), axis)


row(
    CumSum,
    kind="array",
    shape=running_rule,
    write=write_running("np.cumsum"),
    vjp=(_cumsum_vjp,),
    latex=r"\operatorname{{cumsum}}({0})",
)


@reached_by(np.cumsum, method="cumsum")
def cumsum(a: Any, axis: Any = None) -> Handle:
    """Sums of all elements up to each."""
    return running(CumSum, handle_of(a), axis)


@reached_by(np.cumulative_sum)
def cumulative_sum(
    x: Any, /, *, axis: Any = None, include_initial: bool = False
) -> Handle:
    """Sums of all elements up to each, with a 0 in front where asked for."""
    x = handle_of(x)
    axis = axis_of(0 if axis is None else axis, x.ndim)
    sums = cumsum(x, axis)
    if not include_initial:
        return sums
    first = np.sum(along(x, axis, slice(0, 0)), axis=axis, keepdims=True)
    return concatenate((first, sums), axis)


# Differences.


@reached_by(np.diff)
def diff(
    a: Any, n: int = 1, axis: Any = -1, prepend: Any = None, append: Any = None
) -> Handle:
    """Differences of neighbours along an axis, taken n times."""
    a = handle_of(a)
    axis = axis_of(axis, a.ndim)
    ends = [_end(a, one, axis) for one in (prepend, append)]
    if any(one is not None for one in ends):
        parts = (ends[0], a, ends[1])
        a = concatenate([one for one in parts if one is not None], axis)
    for _ in range(n):
        later, earlier = along(a, axis, slice(1, None)), along(a, axis, slice(None, -1))
        bools = dtype_of(a) == "bool"
        a = np.not_equal(later, earlier) if bools else later - earlier
    return a


def _end(a: Handle, value: Any, axis: int) -> Handle | None:
    """Return what stands before or behind a, a number as one element along the axis."""
    if value is None:
        return None
    value = handle_of(value)
    if value.sizes:
        return value
    shape = tuple(1 if i == axis else one for i, one in enumerate(a.sizes))
    return np.broadcast_to(value, shape)  # type: ignore[return-value, arg-type]


@reached_by(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Handle:
    """Differences of neighbours in the flattened array, with elements before and behind."""
    differences = diff(ravel(handle_of(ary)))
    parts = [
        one if one is differences else ravel(handle_of(one))
        for one in (to_begin, differences, to_end)
        if one is not None
    ]
    return concatenate(parts) if len(parts) > 1 else differences


@reached_by(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Any:
    """The integral over an axis by the trapezoidal rule."""
    y = handle_of(y)
    axis = axis_of(axis, y.ndim)
    widths = dx
    if x is not None:
        x = handle_of(x)
        widths = diff(x, axis=-1 if x.ndim == 1 else axis)
        if x.ndim == 1:
            widths = np.reshape(widths, (-1, *((1,) * (y.ndim - axis - 1))))
    later, earlier = along(y, axis, slice(1, None)), along(y, axis, slice(None, -1))
    return np.sum(widths * (later + earlier) / 2, axis=axis)
