"""Rows of order: `sort`, `median`, `quantile`, `argmax`, `argsort`, `all`, `any`.

Positions and truths have no gradient. Equal elements share the gradient of a median or
quantile as they share that of `max`; where `sort` meets them it keeps their order.
Refused: sorting by other axes than one, quantiles that are traced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from ..code import Code, Level, Writer, call, wrap
from ..errors import ShapeError, UnsupportedError
from ..graph import ArrayNode, Nodes, number_of
from ..shapes import Shape, axes_of, axis_of, is_floating, product
from .choices import truth
from .corners import Corner
from .elementwise import Cast, cast, dtype_of
from .handle import Handle, handle_of
from .joining import concatenate, stack
from .layout import expand_dims, full_like_shape, ravel
from .options import reduction
from .running import along
from .table import reached_by, row

__all__ = ["ArgSort", "Quantile", "Sort", "all_", "any_"]

Axes = tuple[int, ...]


class Sort(ArrayNode):
    """The elements in rising order along an axis; params: the axis."""


class ArgSort(ArrayNode):
    """The order that sorts along an axis; params: the axis, the kind of sorting."""


class Permuted(ArrayNode):
    """The elements of x in an order, each once; params: the axis."""


class ArgExtremum(ArrayNode):
    """The first place of an extremum; params: NumPy's name, the axis or None."""


class Quantile(ArrayNode):
    """The element of a rank over axes.

    params: the axes, q, how ranks between elements are met, "median" or "nanmedian".
    """


class All(ArrayNode):
    """Whether all elements over axes hold; params: the axes."""


class AnyOf(ArrayNode):
    """Whether an element over axes holds; params: the axes."""


def _without(shape: Shape, axes: Axes) -> Shape:
    return tuple(one for axis, one in enumerate(shape) if axis not in axes)


def _axis_text(writer: Writer, x: sympy.Expr, axis: int) -> list[str]:
    """Return the argument that names an axis; the last one need not be named."""
    return [f"axis={axis}"] if axis != len(writer.nodes.shape(x)) - 1 else []


def _axes_text(writer: Writer, x: sympy.Expr, axes: Axes) -> list[str]:
    """Return the argument that names the axes of a reduction; all need not be named."""
    if len(axes) == len(writer.nodes.shape(x)):
        return []
    return [f"axis={axes[0] if len(axes) == 1 else axes}"]


# Sorting.


def _ranks(x: Handle, axis: int) -> Handle:
    """Return each element's place among those along an axis."""
    order = _argsort(x, axis, "stable")
    return _argsort(order, axis, None)


def _argsort(x: Handle, axis: int, kind: str | None) -> Handle:
    return Handle(x.nodes, x.nodes.make(ArgSort, x.node, params=(axis, kind)))


def _permuted(x: Handle, order: Handle, axis: int) -> Handle:
    return Handle(x.nodes, x.nodes.make(Permuted, x.node, order.node, params=(axis,)))


def _sorts_a_tie(y: Handle, x: Handle) -> Any:
    """Whether another element equals this one."""
    (axis,) = y.node.params
    equal = along(y, axis, slice(1, None)) == along(y, axis, slice(None, -1))
    none = full_like_shape(
        handle_of(False), (*y.sizes[:axis], 1, *y.sizes[axis + 1 :]), "bool"
    )
    tied = concatenate((none, equal), axis) | concatenate((equal, none), axis)
    return _permuted(tied, _ranks(x, axis), axis)


def _write_sort(writer: Writer, node: Any, x: Code) -> Code:
    (operand,) = writer.nodes[node].operands
    axis = _axis_text(writer, operand, node.params[0])
    return call(writer.function("np.sort"), x, *axis)


def _write_argsort(writer: Writer, node: Any, x: Code) -> Code:
    (operand,), (axis, kind) = writer.nodes[node].operands, node.params
    texts = [*_axis_text(writer, operand, axis), *([f'kind="{kind}"'] if kind else [])]
    return call(writer.function("np.argsort"), x, *texts)


def _write_permuted(writer: Writer, node: Any, x: Code, order: Code) -> Code:
    if len(writer.nodes.shape(node)) == 1:
        return Code(f"{wrap(x, Level.ATOM)}[{order.text}]")
    axis = f"axis={node.params[0]}"
    return call(writer.function("np.take_along_axis"), x, order, axis)


row(
    Sort,
    kind="array",
    shape=lambda nodes, x, axis: (nodes.shape(x), nodes.dtype(x)),
    write=_write_sort,
    vjp=(lambda g, y, x: _permuted(g, _ranks(x, y.node.params[0]), y.node.params[0]),),
    corner=Corner(
        of="sort({0})",
        at="a tie",
        mask=_sorts_a_tie,
        words="equal elements keep their order",
    ),
    latex=r"\operatorname{{sort}}({0})",
)
row(
    ArgSort,
    kind="array",
    shape=lambda nodes, x, axis, kind: (nodes.shape(x), "int64"),
    write=_write_argsort,
)
row(
    Permuted,
    kind="array",
    shape=lambda nodes, x, order, axis: (nodes.shape(x), nodes.dtype(x)),
    write=_write_permuted,
    vjp=(
        lambda g, y, x, order: _permuted(
            g, _argsort(order, y.node.params[0], None), y.node.params[0]
        ),
        None,
    ),
)


@reached_by(np.sort)
def sort(a: Any, axis: Any = -1, kind: Any = None, *, stable: Any = None) -> Handle:
    """The elements in rising order; of the flattened array for axis None."""
    a = handle_of(a)
    if axis is None:
        a, axis = ravel(a), 0
    made = a.nodes.make(Sort, a.node, params=(axis_of(axis, a.ndim),))
    return Handle(a.nodes, made)


@reached_by(np.argsort, method="argsort")
def argsort(a: Any, axis: Any = -1, kind: Any = None, *, stable: Any = None) -> Handle:
    """The order that sorts; of the flattened array for axis None."""
    a = handle_of(a)
    if axis is None:
        a, axis = ravel(a), 0
    stable = bool(stable) or kind in ("stable", "mergesort")
    return _argsort(a, axis_of(axis, a.ndim), "stable" if stable else None)


# Places of extrema, and truths.


def _write_place(writer: Writer, node: Any, x: Code) -> Code:
    name, axis = node.params
    inside = [] if axis is None else [f"axis={axis}"]
    return call(writer.function(f"np.{name}"), x, *inside)


def _place_shape(nodes: Nodes, x: sympy.Expr, name: str, axis: int | None) -> tuple:
    return (() if axis is None else _without(nodes.shape(x), (axis,))), "int64"


row(ArgExtremum, kind="array", shape=_place_shape, write=_write_place)


def _place(name: str) -> Callable:
    def build(a: Any, axis: Any = None, *, keepdims: bool = False) -> Handle:
        a = handle_of(a)
        own = axis if axis is None or not a.sizes else axis_of(axis, a.ndim)
        if any(one == 0 for one in (a.sizes if own is None else (a.sizes[own],))):
            raise ShapeError(f"{name} over an axis of size 0 does not exist")
        own = None if a.ndim == 1 else own
        made = Handle(a.nodes, a.nodes.make(ArgExtremum, a.node, params=(name, own)))
        return expand_dims(made, axes_of(axis, a.ndim)) if keepdims else made

    return build


reduction(np.argmax, method="argmax")(_place("argmax"))
reduction(np.argmin, method="argmin")(_place("argmin"))
reduction(np.nanargmax)(_place("nanargmax"))
reduction(np.nanargmin)(_place("nanargmin"))


def _write_truth(name: str) -> Callable[..., Code]:
    def write(writer: Writer, node: Any, x: Code) -> Code:
        (operand,), (axes,) = writer.nodes[node].operands, node.params
        return call(writer.function(name), x, *_axes_text(writer, operand, axes))

    return write


def _truth(cls: type, name: str) -> Callable:
    row(
        cls,
        kind="array",
        shape=lambda nodes, x, axes: (_without(nodes.shape(x), axes), "bool"),
        write=_write_truth(f"np.{name}"),
    )

    def build(a: Any, axis: Any = None, *, keepdims: bool = False) -> Handle:
        a = truth(a)
        axes = axes_of(axis, a.ndim)
        if not axes:
            return a
        made = Handle(a.nodes, a.nodes.make(cls, a.node, params=(axes,)))
        return expand_dims(made, axes) if keepdims else made

    return build


all_ = reduction(np.all, method="all", unnoticed=True)(_truth(All, "all"))
any_ = reduction(np.any, method="any", unnoticed=False)(_truth(AnyOf, "any"))


@reached_by(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Handle:
    """The number of elements that are not 0."""
    return np.sum(truth(a), axis=axis, keepdims=keepdims)


# Quantiles.


def _quantile_shape(nodes: Nodes, x: sympy.Expr, axes: Axes, *rest: Any) -> tuple:
    return _without(nodes.shape(x), axes), nodes.dtype(x)


def _write_quantile(writer: Writer, node: Any, x: Code) -> Code:
    (operand,), (axes, q, method, name) = writer.nodes[node].operands, node.params
    texts = _axes_text(writer, operand, axes)
    if method == "linear" and q == 0.5:
        return call(writer.function(f"np.{name}"), x, *texts)
    texts += [f'method="{method}"'] if method != "linear" else []
    function = writer.function(f"np.{name.replace('median', 'quantile')}")
    return call(function, x, writer.number(q), *texts)


def _ranks_a_tie(y: Handle, x: Handle) -> Any:
    """Whether more elements equal one of the two around a rank than are averaged."""
    axes, q, method, name = y.node.params
    if method != "linear":
        return _tied(x, y, axes)
    below, above = (_ranked(x, axes, q, one, name) for one in ("lower", "higher"))
    # Where a rank is the mean of two equal elements, which is which does not matter.
    both = expand_dims(below == above, axes) & (_weight(x, axes, q, name) == 0.5)
    return _tied(x, below, axes, 1 + both) | _tied(x, above, axes, 1 + both)


def _tied(x: Handle, y: Handle, axes: Axes, most: Any = 1) -> Any:
    """Whether an element equals y together with more than are allowed to."""
    equal = x == expand_dims(y, axes)
    return equal & (np.sum(equal, axis=axes, keepdims=True) > most)


def _quantile_vjp(g: Handle, y: Handle, x: Handle) -> Any:
    """Elements that equal the one of a rank share its slope; two ranks are weighted."""
    axes, q, method, name = y.node.params
    if method != "linear":
        return _shared(g, y, x, axes)
    below = _shared(g, _ranked(x, axes, q, "lower", name), x, axes)
    above = _shared(g, _ranked(x, axes, q, "higher", name), x, axes)
    weight = _weight(x, axes, q, name)
    return (1 - weight) * below + weight * above


def _weight(x: Handle, axes: Axes, q: float, name: str) -> Any:
    """Return how far a rank lies between two elements."""
    if name == "median":
        count = Handle(x.nodes, x.nodes.size(product(x.sizes[i] for i in axes)))
    else:
        count = np.sum(~np.isnan(x), axis=axes, keepdims=True)
    return _fraction(x, q) * (count - 1) % 1


def _fraction(x: Handle, q: float) -> Handle:
    """Return q as NumPy takes it: in the dtype of x, lest the ranks be other ones."""
    fraction = handle_of(q)
    if dtype_of(x) != "float32":
        return fraction
    return Handle(x.nodes, x.nodes.make(Cast, fraction.node, params=("float32",)))


def _shared(g: Handle, y: Handle, x: Handle, axes: Axes) -> Any:
    equal = x == expand_dims(y, axes)
    return expand_dims(g, axes) * equal / np.sum(equal, axis=axes, keepdims=True)


def _ranked(x: Handle, axes: Axes, q: float, method: str, name: str) -> Handle:
    params = (axes, q, method, name)
    return Handle(x.nodes, x.nodes.make(Quantile, x.node, params=params))


row(
    Quantile,
    kind="array",
    shape=_quantile_shape,
    write=_write_quantile,
    vjp=(_quantile_vjp,),
    corner=Corner(
        of="quantile({0})", at="a tie", mask=_ranks_a_tie, words="slope shared equally"
    ),
    latex=r"\operatorname{{quantile}}({0})",
)


def _quantile(name: str, times: float) -> Callable:
    """Return the function that takes quantiles at fractions of `times`."""

    def build(
        a: Any,
        q: Any,
        axis: Any = None,
        *,
        method: str = "linear",
        keepdims: bool = False,
    ) -> Any:
        fractions = _fractions(q, times)
        if isinstance(fractions, list):
            inner = _quantile(name, 1)
            parts = (
                inner(a, one, axis, method=method, keepdims=keepdims)
                for one in fractions
            )
            return stack(parts)
        return _quantile_at(handle_of(a), fractions, axis, method, keepdims, name)

    return build


def _quantile_at(
    a: Handle, q: float, axis: Any, method: str, keepdims: bool, name: str
) -> Handle:
    if method not in ("linear", "lower", "higher"):
        raise UnsupportedError(
            f"the quantile method {method!r} is not supported",
            remedy='Write method="linear", "lower" or "higher".',
        )
    a = a if is_floating(dtype_of(a)) else cast(a, a.nodes.float_dtype)
    axes = axes_of(axis, a.ndim)
    if not axes:
        return a
    made = _ranked(a, axes, q, method, name)
    return expand_dims(made, axes) if keepdims else made


def _fractions(q: Any, times: float) -> Any:
    """Return q as numbers. Raises `UnsupportedError` where they are not known."""
    if isinstance(q, Handle):
        known = number_of(q.node) if q.value is None else q.value
        if known is None:
            raise UnsupportedError("a quantile's fraction must be a number")
        q = known
    values = np.asarray(q, dtype=float) / times
    if not np.all((values >= 0) & (values <= 1)):
        raise ShapeError(f"quantiles must lie between 0 and {times}")
    return values.tolist()


for _times, _functions in (
    (1, {np.quantile: "median", np.nanquantile: "nanmedian"}),
    (100, {np.percentile: "median", np.nanpercentile: "nanmedian"}),
):
    for _function, _name in _functions.items():
        reached_by(_function)(_quantile(_name, _times))


@reduction(np.median)
def median(a: Any, axis: Any = None, *, keepdims: bool = False) -> Handle:
    """The middle element, or the mean of the two, over axes."""
    return _quantile_at(handle_of(a), 0.5, axis, "linear", keepdims, "median")


@reduction(np.nanmedian)
def nanmedian(a: Any, axis: Any = None, *, keepdims: bool = False) -> Handle:
    """The median of what is not NaN."""
    return _quantile_at(handle_of(a), 0.5, axis, "linear", keepdims, "nanmedian")
