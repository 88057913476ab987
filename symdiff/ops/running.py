"""Rows of running sums and products, and differences of neighbours: `cumsum`, `diff`.

A running product's slope is a linear recurrence, which divides by nothing: it is right
where elements are 0, to every order. Sizes may be unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from ..code import Code, Level, Writer, call, wrap
from ..errors import ShapeError
from ..graph import ArrayNode, Nodes
from ..shapes import axes_of, axis_of
from .elementwise import dtype_of, same_rule
from .handle import Handle, handle_of
from .indexing import getitem
from .joining import concatenate
from .layout import full_like_shape, moveaxis, ravel, reshape
from .options import reduction
from .table import reached_by, row

__all__ = ["CumProd", "CumSum", "Recurrence", "along", "backwards", "others"]


class CumSum(ArrayNode):
    """Sums of all elements up to each along an axis; params: the axis."""


class CumProd(ArrayNode):
    """Products of all elements up to each along an axis; params: the axis."""


class Recurrence(ArrayNode):
    """y[k] = factor[k - 1] * y[k - 1] + x[k] along an axis, from y[0] = x[0].

    operands: the factors, one fewer than elements, and x; params: the axis.
    """


def along(x: Handle, axis: int, key: Any) -> Handle:
    """Return x at a key along one axis."""
    return getitem(x, (*((slice(None),) * axis), key))


def flipped(x: Handle, axis: int) -> Handle:
    """Return x with an axis reversed."""
    return along(x, axis, slice(None, None, -1))


def running(cls: type, x: Handle, axis: Any) -> Handle:
    """Return a running sum or product, of the flattened array for axis None."""
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


# Running products.


def before(x: Handle, axis: int) -> Handle:
    """Return the products of all elements before each along an axis."""
    first = (*x.sizes[:axis], 1, *x.sizes[axis + 1 :])
    ones = full_like_shape(handle_of(1), first, dtype_of(x))
    products = concatenate((ones, running(CumProd, x, axis)), axis)
    return along(products, axis, slice(None, -1))


def others(x: Handle, axes: tuple[int, ...]) -> Any:
    """Return the product of all other elements over axes, for each."""
    if len(axes) == 1:
        return before(x, axes[0]) * _behind(x, axes[0])
    last = tuple(range(x.ndim - len(axes), x.ndim))
    moved = moveaxis(x, axes, last)
    flat = reshape(moved, (*moved.sizes[: last[0]], -1))
    return moveaxis(reshape(others(flat, last[:1]), moved.sizes), last, axes)


def _behind(x: Handle, axis: int) -> Handle:
    return flipped(before(flipped(x, axis), axis), axis)


def _recurrence(factor: Handle, x: Handle, axis: int) -> Handle:
    nodes = x.nodes
    return Handle(nodes, nodes.make(Recurrence, factor.node, x.node, params=(axis,)))


def backwards(factor: Handle, x: Handle, axis: int) -> Handle:
    """Return the recurrence from the last element to the first."""
    made = _recurrence(flipped(factor, axis), flipped(x, axis), axis)
    return flipped(made, axis)


def _cumprod_vjp(g: Handle, y: Handle, x: Handle) -> Any:
    (axis,) = y.node.params
    return backwards(along(x, axis, slice(1, None)), g, axis) * before(x, axis)


def _recurrence_vjp(
    g: Handle, y: Handle, operands: tuple[Handle, ...], needed: tuple[bool, ...]
) -> tuple:
    (axis,) = y.node.params
    slope = backwards(operands[0], g, axis)
    if not needed[0]:
        return None, slope
    later, earlier = along(slope, axis, slice(1, None)), along(y, axis, slice(None, -1))
    return later * earlier, slope


def _recurrence_block(
    writer: Writer, node: Any, target: str, factor: Code, x: Code
) -> list[str]:
    (axis,) = node.params
    each, i = ":, " * axis, writer.local("i")
    lines = [f"{target} = {wrap(x, Level.ATOM)}.copy()"]
    name = factor.text
    if not name.isidentifier():
        name = writer.local("factors")
        lines.append(f"{name} = {factor.text}")
    step = f"{name}[{each}{i} - 1] * {target}[{each}{i} - 1]"
    return [
        *lines,
        f"for {i} in range(1, {target}.shape[{axis}]):",
        f"    {target}[{each}{i}] += {step}",
    ]


def _no_expression(writer: Writer, node: Any, *operands: Code) -> Code:
    raise TypeError("a recurrence is written as statements")


row(
    CumProd,
    kind="array",
    shape=running_rule,
    write=write_running("np.cumprod"),
    vjp=(_cumprod_vjp,),
    latex=r"\operatorname{{cumprod}}({0})",
)
row(
    Recurrence,
    kind="array",
    shape=lambda nodes, factor, x, axis: (nodes.shape(x), same_rule(nodes, x)[1]),
    write=_no_expression,
    block=_recurrence_block,
    vjp=_recurrence_vjp,
)


# What reaches them.


@reduction(np.cumsum, method="cumsum")
def cumsum(a: Any, axis: Any = None) -> Handle:
    """Sums of all elements up to each."""
    return running(CumSum, handle_of(a), axis)


@reduction(np.cumprod, method="cumprod")
def cumprod(a: Any, axis: Any = None) -> Handle:
    """Products of all elements up to each."""
    return running(CumProd, handle_of(a), axis)


def _cumulative(function: Callable, reduced: Callable) -> Callable:
    def build(x: Any, /, *, axis: Any = None, include_initial: bool = False) -> Handle:
        x = handle_of(x)
        axis = axis_of(0 if axis is None else axis, x.ndim)
        values = function(x, axis)
        if not include_initial:
            return values
        first = reduced(along(x, axis, slice(0, 0)), axis=axis, keepdims=True)
        return concatenate((first, values), axis)

    return build


reached_by(np.cumulative_sum)(_cumulative(cumsum, np.sum))
reached_by(np.cumulative_prod)(_cumulative(cumprod, np.prod))


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
    return np.broadcast_to(value, shape)  # type: ignore[return-value]


@reached_by(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Central differences along axes, one-sided at the ends; a tuple for several."""
    f = handle_of(f)
    axes, widths = axes_of(axis, f.ndim), varargs or (1.0,)
    if edge_order not in (1, 2):
        raise ShapeError("np.gradient: edge_order is 1 or 2")
    widths = widths * len(axes) if len(widths) == 1 else widths
    parts = tuple(
        _slopes(f, i, handle_of(one), edge_order)
        for i, one in zip(axes, widths, strict=True)
    )
    return parts[0] if len(parts) == 1 else parts


def _slopes(f: Handle, axis: int, spacing: Handle, edge_order: int) -> Handle:
    """Return the slopes of the parabolas through each element and its neighbours.

    Each is the mean of the slopes to either side, weighed by the other's distance.
    """
    steps: Any = spacing
    if spacing.sizes:
        steps = reshape(diff(spacing), (-1, *(1,) * (f.ndim - axis - 1)))
    slopes = diff(f, axis=axis) / steps
    before, behind = along(slopes, axis, slice(None, -1)), along(
        slopes, axis, slice(1, None)
    )
    if spacing.sizes:
        left, right = along(steps, 0, slice(None, -1)), along(steps, 0, slice(1, None))
        inside = (right * before + left * behind) / (left + right)
    else:
        inside = (before + behind) / 2
    first, last = along(slopes, axis, slice(None, 1)), along(
        slopes, axis, slice(-1, None)
    )
    if edge_order == 2:
        # The parabola's slope in the middle of two elements is that between them.
        first = 2 * first - along(inside, axis, slice(None, 1))
        last = 2 * last - along(inside, axis, slice(-1, None))
    return concatenate((first, inside, last), axis)


@reached_by(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Handle:
    """Differences of neighbours in the flattened array, between what is given."""
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
