"""Rows of joining: arrays one behind the other, and along a new axis.

Arrays of several dtypes are cast to the result's. Sizes may be unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer, call
from ..errors import ShapeError
from ..graph import ArrayNode, Nodes
from ..shapes import Shape, Size, axis_of, promote, show, size, strong
from .elementwise import Cast
from .handle import Handle, handle_of
from .layout import ravel
from .table import reached_by, row

__all__ = ["Concatenate", "Stack"]


class Concatenate(ArrayNode):
    """Arrays one behind the other; params: the axis."""


class Stack(ArrayNode):
    """Arrays along a new axis; params: the axis."""


def _concatenated(nodes: Nodes, *operands: Any) -> tuple[Shape, str]:
    *arrays, axis = operands
    shapes = [nodes.shape(one) for one in arrays]
    _check_others_same(nodes, shapes, axis)
    first = list(shapes[0])
    first[axis] = size(sum((shape[axis] for shape in shapes[1:]), shapes[0][axis]))
    return tuple(first), _promoted(nodes, arrays)


def _stacked(nodes: Nodes, *operands: Any) -> tuple[Shape, str]:
    *arrays, axis = operands
    shapes = [nodes.shape(one) for one in arrays]
    _check_others_same(nodes, shapes, None)
    shape = shapes[0]
    return (*shape[:axis], len(arrays), *shape[axis:]), _promoted(nodes, arrays)


def _check_others_same(
    nodes: Nodes, shapes: Sequence[Shape], joined: int | None
) -> None:
    """Raise `ShapeError` unless all shapes are the same but for the joined axis."""
    for shape in shapes[1:]:
        pairs = enumerate(zip(shapes[0], shape, strict=False))
        if len(shape) != len(shapes[0]) or not all(
            nodes.same_size(a, b) for axis, (a, b) in pairs if axis != joined
        ):
            raise ShapeError(
                f"cannot join arrays of shapes {', '.join(map(show, shapes))}"
            )


def _writing(name: str) -> Callable[..., Code]:
    def write(writer: Writer, node: Any, *operands: Code) -> Code:
        inside = ", ".join(one.text for one in operands)
        axis = [f"axis={node.params[0]}"] if node.params[0] else []
        return call(writer.function(name), f"[{inside}]", *axis)

    return write


def _concatenate_vjp(
    g: Handle, y: Handle, x: tuple[Handle, ...], needed: tuple[bool, ...]
) -> tuple:
    axis = y.node.params[0]
    before = (slice(None),) * axis
    cotangents: list[Handle | None] = []
    start: Size = 0
    for one, wanted in zip(x, needed, strict=True):
        stop = size(start + one.sizes[axis])
        end = stop if stop != y.sizes[axis] else None
        cotangents.append(g[(*before, slice(start, end))] if wanted else None)
        start = stop
    return tuple(cotangents)


def _stack_vjp(
    g: Handle, y: Handle, x: tuple[Handle, ...], needed: tuple[bool, ...]
) -> tuple:
    before = (slice(None),) * y.node.params[0]
    return tuple(g[(*before, i)] if wanted else None for i, wanted in enumerate(needed))


row(
    Concatenate,
    kind="array",
    shape=_concatenated,
    write=_writing("np.concatenate"),
    vjp=_concatenate_vjp,
)
row(
    Stack,
    kind="array",
    shape=_stacked,
    write=_writing("np.stack"),
    vjp=_stack_vjp,
)


# What reaches them.


@reached_by(np.concatenate)
def concatenate(arrays: Iterable, axis: Any = 0) -> Handle:
    """Arrays one behind the other along an axis; flattened where it is None."""
    handles = [handle_of(one) for one in arrays]
    if axis is None:
        handles, axis = [ravel(one) for one in handles], 0
    if not all(one.sizes for one in handles):
        raise ShapeError(
            "scalars cannot be concatenated", remedy="Write np.stack([a, b])."
        )
    return _joined(Concatenate, handles, axis_of(axis, handles[0].ndim))


@reached_by(np.stack)
def stack(arrays: Iterable, axis: Any = 0) -> Handle:
    """Arrays along a new axis."""
    handles = [handle_of(one) for one in arrays]
    return _joined(Stack, handles, axis_of(axis, handles[0].ndim + 1))


def _joined(cls: type, handles: Sequence[Handle], axis: int) -> Handle:
    nodes, operands = handles[0].nodes, [one.node for one in handles]
    dtype = _promoted(nodes, operands)
    if dtype == "float32":
        # NumPy would join in double precision.
        operands = [
            one if nodes.dtype(one) == dtype else nodes.make(Cast, one, params=(dtype,))
            for one in operands
        ]
    return Handle(nodes, nodes.make(cls, *operands, params=(axis,)))


def _promoted(nodes: Nodes, operands: Iterable[sympy.Expr]) -> str:
    dtype = promote([nodes.dtype(one) for one in operands], nodes.float_dtype)
    return strong(dtype, nodes.float_dtype)
