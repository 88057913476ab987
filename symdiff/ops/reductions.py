"""Rows of reductions that are no sums: extrema, products; means and deviations.

Equal largest elements share the gradient. An extremum over no elements is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer, reduced
from ..errors import ShapeError
from ..graph import ArrayNode, Nodes
from ..shapes import Shape, axes_of, largest, product
from .contraction import contract
from .corners import Corner
from .elementwise import apply, dtype_of, stop_gradient
from .functions import Root
from .handle import Handle, handle_of
from .layout import expand_dims
from .options import reduction
from .running import others
from .table import row

__all__ = ["Max", "Min", "Prod", "shifted"]

Axes = tuple[int, ...]


class Max(ArrayNode):
    """The largest elements over axes; params: the axes."""


class Min(ArrayNode):
    """The smallest elements over axes; params: the axes."""


class Prod(ArrayNode):
    """The product of elements over axes; params: the axes."""


def _shape(nodes: Nodes, x: sympy.Expr, axes: Axes) -> tuple[Shape, str]:
    shape = tuple(one for axis, one in enumerate(nodes.shape(x)) if axis not in axes)
    return shape, nodes.dtype(x)


def _product_shape(nodes: Nodes, x: sympy.Expr, axes: Axes) -> tuple[Shape, str]:
    shape, dtype = _shape(nodes, x, axes)
    return shape, "int64" if dtype == "bool" else dtype


def _writing(name: str) -> Callable[..., Code]:
    def write(writer: Writer, node: Any, x: Code) -> Code:
        rank = len(writer.nodes.shape(writer.nodes[node].operands[0]))
        return reduced(x, name, node.params[0], rank)

    return write


def _restored(x: Handle, axes: Axes) -> Handle:
    """Return x with the axes that were reduced; a scalar broadcasts without them."""
    return expand_dims(x, axes) if x.sizes else x


def _extremum_vjp(g: Handle, y: Handle, x: Handle) -> Any:
    """The slope is shared by all elements that equal the extremum."""
    axes = y.node.params[0]
    equal = x == _restored(y, axes)
    count = np.sum(equal, axis=axes, keepdims=bool(y.sizes))
    return _restored(g, axes) * equal / count


def _tied(y: Handle, x: Handle) -> Any:
    """Whether an element equals the extremum together with others."""
    axes = y.node.params[0]
    equal = x == _restored(y, axes)
    return equal & (np.sum(equal, axis=axes, keepdims=bool(y.sizes)) > 1)


def _product_vjp(g: Handle, y: Handle, x: Handle) -> Any:
    """The product of the others, which no zero of an element's own hides."""
    axes = y.node.params[0]
    return _restored(g, axes) * others(x, axes)


def _tie(name: str) -> Corner:
    return Corner(f"{name}({{0}})", "a tie", _tied, words="slope shared equally")


for _cls, _name, _rule, _shaping, _corner in (
    (Max, "max", _extremum_vjp, _shape, _tie("max")),
    (Min, "min", _extremum_vjp, _shape, _tie("min")),
    (Prod, "prod", _product_vjp, _product_shape, None),
):
    row(
        _cls,
        kind="reduction",
        shape=_shaping,
        write=_writing(_name),
        vjp=(_rule,),
        corner=_corner,
        latex=rf"\operatorname{{{{{_name}}}}}({{0}})",
    )


def _reduction(cls: type, x: Any, axis: Any, keepdims: bool) -> Handle:
    x = handle_of(x)
    axes = axes_of(axis, x.ndim)
    if not axes:
        return x
    if cls is not Prod and any(x.sizes[i] == 0 for i in axes):
        raise ShapeError("an extremum over an axis of size 0 does not exist")
    made = Handle(x.nodes, x.nodes.make(cls, x.node, params=(axes,)))
    return expand_dims(made, axes) if keepdims else made


# What reaches them.


@reduction(np.sum, method="sum", unnoticed=0, joined=np.add)
def sum_(x: Any, axis: Any = None, *, keepdims: bool = False) -> Handle:
    """The sum of all elements, or over axes."""
    x = handle_of(x)
    axes = axes_of(axis, x.ndim)
    indices = tuple(range(x.ndim))
    total = contract((x,), (indices,), tuple(i for i in indices if i not in axes))
    if not axes and dtype_of(x) == "bool":
        total = total.astype(int)
    return expand_dims(total, axes) if keepdims else total


@reduction(np.max, np.amax, method="max", unnoticed=-np.inf, joined=np.maximum)
def max_(x: Any, axis: Any = None, *, keepdims: bool = False) -> Handle:
    """The largest element, or those over axes."""
    return _reduction(Max, x, axis, keepdims)


@reduction(np.min, np.amin, method="min", unnoticed=np.inf, joined=np.minimum)
def min_(x: Any, axis: Any = None, *, keepdims: bool = False) -> Handle:
    """The smallest element, or those over axes."""
    return _reduction(Min, x, axis, keepdims)


@reduction(np.prod, method="prod", unnoticed=1, joined=np.multiply)
def prod(x: Any, axis: Any = None, *, keepdims: bool = False) -> Handle:
    """The product of all elements, or over axes."""
    return _reduction(Prod, x, axis, keepdims)


@reduction(np.mean, method="mean")
def mean(x: Any, axis: Any = None, *, keepdims: bool = False, where: Any = True) -> Any:
    """The mean of all elements, or over axes."""
    count = _count(handle_of(x), axis, keepdims=keepdims, where=where)
    return np.sum(x, axis=axis, keepdims=keepdims, where=where) / count


@reduction(np.var, method="var")
def var(
    x: Any,
    axis: Any = None,
    *,
    ddof: float = 0,
    correction: float | None = None,
    keepdims: bool = False,
    where: Any = True,
    mean: Any = None,
) -> Any:
    """The mean square distance from the mean, over the number of elements less ddof."""
    x = handle_of(x)
    if mean is None:
        mean = np.mean(x, axis=axis, keepdims=_leaves_axes(x, axis), where=where)
    squares = np.sum((x - mean) ** 2, axis=axis, keepdims=keepdims, where=where)
    ddof = ddof if correction is None else correction
    return squares / _count(x, axis, ddof, keepdims=keepdims, where=where)


@reduction(np.std, method="std")
def std(x: Any, axis: Any = None, **options: Any) -> Handle:
    """The root of the variance; its slope is 0 where all elements are equal."""
    return apply(Root, var(x, axis=axis, **options))


def _leaves_axes(x: Handle, axis: Any) -> bool:
    """Return whether a reduction leaves axes, so that the others must be kept."""
    return len(axes_of(axis, x.ndim)) < x.ndim


def _count(
    x: Handle, axis: Any, ddof: float = 0, *, keepdims: bool = False, where: Any = True
) -> Any:
    """Return the number of elements that a reduction runs over, less ddof."""
    if where is not True:
        included: Any = np.broadcast_to(handle_of(where), x.sizes)
        return np.sum(included, axis=axis, keepdims=keepdims) - ddof
    total = product(x.sizes[i] for i in axes_of(axis, x.ndim))
    if isinstance(ddof, int):
        left = largest(total - ddof, 0) if ddof else total
        return Handle(x.nodes, x.nodes.size(left))
    return np.maximum(Handle(x.nodes, x.nodes.size(total)) - ddof, 0)


def shifted(x: Handle, axis: Any) -> tuple[Handle, Handle]:
    """Return x less its largest element, and that, taken for constant; where finite."""
    top = stop_gradient(max_(x, axis, keepdims=_leaves_axes(x, axis)))
    top = stop_gradient(np.where(np.isfinite(top), top, 0))  # type: ignore[arg-type]
    return x - top, top
