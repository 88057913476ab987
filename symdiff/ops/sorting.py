"""Rows of order: `sort`, `argmax`, `argsort`, `all`, `any`.

Positions and truths have no gradient. Where `sort` meets equal elements it keeps their
order. Refused: sorting by other axes than one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from ..code import Code, Level, Writer, call, wrap
from ..errors import ShapeError
from ..graph import ArrayNode, Nodes
from ..shapes import Shape, axes_of, axis_of
from .choices import truth
from .corners import Corner
from .handle import Handle, handle_of
from .joining import concatenate
from .layout import expand_dims, full_like_shape, ravel
from .options import reduction
from .running import along
from .table import reached_by, row

__all__ = [
    "ArgSort",
    "Sort",
    "all_",
    "any_",
    "argsort",
    "arranged",
    "axes_text",
    "axis_text",
    "ranks",
    "without",
]

Axes = tuple[int, ...]


class Sort(ArrayNode):
    """The elements in rising order along an axis; params: the axis."""


class ArgSort(ArrayNode):
    """The order that sorts along an axis; params: the axis, the kind of sorting."""


class Permuted(ArrayNode):
    """The elements of x in an order, each once; params: the axis."""


class ArgExtremum(ArrayNode):
    """The first place of an extremum; params: NumPy's name, the axis or None."""


class All(ArrayNode):
    """Whether all elements over axes hold; params: the axes."""


class AnyOf(ArrayNode):
    """Whether an element over axes holds; params: the axes."""


def without(shape: Shape, axes: Axes) -> Shape:
    """Return a shape less the axes that are reduced."""
    return tuple(one for axis, one in enumerate(shape) if axis not in axes)


def axis_text(writer: Writer, x: sympy.Expr, axis: int) -> list[str]:
    """Return the argument that names an axis; the last one need not be named."""
    return [f"axis={axis}"] if axis != len(writer.nodes.shape(x)) - 1 else []


def axes_text(writer: Writer, x: sympy.Expr, axes: Axes) -> list[str]:
    """Return the argument that names the axes of a reduction; all need not be named."""
    if len(axes) == len(writer.nodes.shape(x)):
        return []
    return [f"axis={axes[0] if len(axes) == 1 else axes}"]


# Sorting.


def ranks(x: Handle, axis: int) -> Handle:
    """Return each element's place among those along an axis."""
    order = _argsort(x, axis, "stable")
    return _argsort(order, axis, None)


def _argsort(x: Handle, axis: int, kind: str | None) -> Handle:
    return Handle(x.nodes, x.nodes.make(ArgSort, x.node, params=(axis, kind)))


def arranged(x: Handle, order: Handle, axis: int) -> Handle:
    """Return the elements along an axis in an order, which names each once."""
    return Handle(x.nodes, x.nodes.make(Permuted, x.node, order.node, params=(axis,)))


def _sorts_a_tie(y: Handle, x: Handle) -> Any:
    """Whether another element equals this one."""
    (axis,) = y.node.params
    equal = along(y, axis, slice(1, None)) == along(y, axis, slice(None, -1))
    none = full_like_shape(
        handle_of(False), (*y.sizes[:axis], 1, *y.sizes[axis + 1 :]), "bool"
    )
    tied = concatenate((none, equal), axis) | concatenate((equal, none), axis)
    return arranged(tied, ranks(x, axis), axis)


def _write_sort(writer: Writer, node: Any, x: Code) -> Code:
    (operand,) = writer.nodes[node].operands
    axis = axis_text(writer, operand, node.params[0])
    return call(writer.function("np.sort"), x, *axis)


def _write_argsort(writer: Writer, node: Any, x: Code) -> Code:
    (operand,), (axis, kind) = writer.nodes[node].operands, node.params
    texts = [*axis_text(writer, operand, axis), *([f'kind="{kind}"'] if kind else [])]
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
    vjp=(lambda g, y, x: arranged(g, ranks(x, y.node.params[0]), y.node.params[0]),),
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
        lambda g, y, x, order: arranged(
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
    return (() if axis is None else without(nodes.shape(x), (axis,))), "int64"


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
        return call(writer.function(name), x, *axes_text(writer, operand, axes))

    return write


def _truth(cls: type, name: str) -> Callable:
    row(
        cls,
        kind="array",
        shape=lambda nodes, x, axes: (without(nodes.shape(x), axes), "bool"),
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
