"""Rows of reductions that are no sums: largest, smallest, product; and what is written with them.

Equal largest elements share the gradient. `dtype=`, `where=` and `initial=` are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer, reduced
from ..errors import ShapeError
from ..graph import ArrayNode, Nodes
from ..shapes import Shape, Size, axes_of, is_floating, product
from .elementwise import apply, Root, cast, stop_gradient
from .handle import Handle, handle_of, traced_size
from .table import reached_by, row

__all__ = ["Max", "Min", "Prod"]

Axes = tuple[int, ...]


class Max(ArrayNode):
    """The largest elements over axes; params: the axes."""


class Min(ArrayNode):
    """The smallest elements over axes; params: the axes."""


class Prod(ArrayNode):
    """The product of elements over axes; params: the axes."""


def _reduced(nodes: Nodes, x: sympy.Expr, axes: Axes) -> tuple[Shape, str]:
    shape = tuple(one for axis, one in enumerate(nodes.shape(x)) if axis not in axes)
    return shape, nodes.dtype(x)


def _write(name: str) -> Callable[..., Code]:
    def write(writer: Writer, node: Any, x: Code) -> Code:
        rank = len(writer.nodes.shape(writer.nodes[node].operands[0]))
        return reduced(x, name, node.params[0], rank)

    return write


def _extremum_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    axes = y.node.params[0]
    largest = np.equal(x, np.expand_dims(y, axes))
    ties = np.expand_dims(np.sum(largest, axis=axes), axes)
    return np.expand_dims(g, axes) * largest / ties


def _product_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    """The product of the others: without a zero y / x, at one zero the rest's product, else 0."""
    axes = y.node.params[0]
    zero = np.equal(x, 0)
    zeros = np.expand_dims(np.sum(zero, axis=axes), axes)
    safe = np.where(zero, 1, x)
    rest = np.expand_dims(np.prod(safe, axis=axes), axes)
    others = np.where(zeros == 0, rest / safe, np.where((zeros == 1) & zero, rest, 0))
    return np.expand_dims(g, axes) * others  # type: ignore[return-value]


for _cls, _name, _rule, _corner in (
    (Max, "max", _extremum_vjp, "max at a tie: the slope is shared equally"),
    (Min, "min", _extremum_vjp, "min at a tie: the slope is shared equally"),
    (Prod, "prod", _product_vjp, ""),
):
    row(
        _cls,
        kind="reduction",
        shape=_reduced,
        write=_write(_name),
        vjp=(_rule,),
        corner=_corner,
        latex=rf"\operatorname{{{{{_name}}}}}({{0}})",
    )


def _reduction(cls: type, x: Any, axis: Any, keepdims: bool) -> Handle:
    x = handle_of(x)
    if not x.sizes:
        return x
    axes = axes_of(axis, x.ndim)
    if cls is not Prod and any(x.sizes[i] == 0 for i in axes):
        raise ShapeError("an extremum over an axis of size 0 does not exist")
    made = Handle(x.nodes, x.nodes.make(cls, x.node, params=(axes,)))
    return np.expand_dims(made, axes) if keepdims else made  # type: ignore[return-value]


@reached_by(np.max, method="max")
def max_(x: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Handle:
    return _reduction(Max, x, axis, keepdims)


@reached_by(np.min, method="min")
def min_(x: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Handle:
    return _reduction(Min, x, axis, keepdims)


@reached_by(np.prod, method="prod")
def prod(
    x: Any,
    axis: Any = None,
    dtype: None = None,
    out: None = None,
    keepdims: bool = False,
) -> Handle:
    return _reduction(Prod, x, axis, keepdims)


def count_of(x: Handle, axis: Any) -> Any:
    """Return the number of elements that a reduction over `axis` runs over, as a scalar."""
    total: Size = product(x.sizes[i] for i in axes_of(axis, x.ndim))
    return traced_size(x.nodes, total)


@reached_by(np.mean, method="mean")
def mean(
    x: Any,
    axis: Any = None,
    dtype: None = None,
    out: None = None,
    keepdims: bool = False,
) -> Handle:
    x = handle_of(x)
    if not is_floating(x.nodes.dtype(x.node)):
        x = cast(x, x.nodes.float_dtype)
    return np.sum(x, axis=axis, keepdims=keepdims) / handle_of(count_of(x, axis))


@reached_by(np.var, method="var")
def var(
    x: Any,
    axis: Any = None,
    dtype: None = None,
    out: None = None,
    ddof: int = 0,
    keepdims: bool = False,
) -> Handle:
    x = handle_of(x)
    centered = x - np.mean(x, axis=axis, keepdims=True)
    squares = np.sum(centered**2, axis=axis, keepdims=keepdims)
    return squares / handle_of(count_of(x, axis) - ddof)  # type: ignore[return-value]


@reached_by(np.std, method="std")
def std(
    x: Any,
    axis: Any = None,
    dtype: None = None,
    out: None = None,
    ddof: int = 0,
    keepdims: bool = False,
) -> Handle:
    return apply(Root, var(x, axis=axis, ddof=ddof, keepdims=keepdims))


def shifted(x: Handle, axis: Any) -> tuple[Handle, Handle]:
    """Return x less its largest element, and that, taken for constant; where finite."""
    top = stop_gradient(max_(x, axis, keepdims=True))
    top = stop_gradient(np.where(np.isfinite(top), top, 0))  # type: ignore[arg-type]
    return x - top, top
