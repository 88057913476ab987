"""Rows of layout: nodes that move or repeat elements and compute nothing.

Sizes may be unknown. `reshape` to sizes that do not multiply to the array's is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import sympy

from ..code import Code, Level, Writer, call, wrap
from ..errors import ShapeError, UnsupportedError
from ..graph import ArrayNode, Nodes, number_of
from ..shapes import (
    Shape,
    Size,
    axes_of,
    axis_of,
    divide,
    is_weak,
    product,
    show,
    strong,
)
from .elementwise import cast, dtype_of
from .handle import Handle, handle_of, size_of
from .products import transposed
from .table import ROWS, reached_by, row

__all__ = [
    "LAYOUT",
    "Broadcast",
    "Reshape",
    "Transpose",
    "broadcast_to",
    "full_like_shape",
    "moved",
    "shape_of",
    "unbroadcast",
]


class Reshape(ArrayNode):
    """x with its elements in another shape; params: the shape."""


class Transpose(ArrayNode):
    """x with its axes in another order; params: the axes."""


class Broadcast(ArrayNode):
    """x repeated to a shape; params: the shape."""


def shape_of(value: Any) -> Shape:
    """Return a shape from a size or a tuple or list of sizes."""
    if isinstance(value, tuple | list):
        return tuple(size_of(one) for one in value)
    return (size_of(value),)


# Reshape.


def _write_reshape(writer: Writer, node: Any, x: Code) -> Code:
    old, new = writer.nodes.shape(writer.nodes[node].operands[0]), node.params[0]
    text = wrap(x, Level.ATOM)
    if x.keepdims is not None and keeps_axes(writer.nodes, node):
        return x.keepdims
    keys = _new_axes(old, new)
    if keys is not None:
        return Code(f"{text}[{', '.join(keys)}]")
    if len(new) == 1:
        return Code(f"{text}.ravel()" if len(old) != 1 else text)
    return Code(f"{text}.reshape({', '.join(writer.size(one).text for one in new)})")


def keeps_axes(nodes: Nodes, node: sympy.Expr) -> bool:
    """Return whether a reshape puts back with size 1 what its operand reduced."""
    operand = nodes[node].operands[0]
    if isinstance(operand, sympy.Mul):
        # A mean is a sum over a number.
        operand = nodes[operand].operands[0]
    inner = nodes[operand].operands
    if (
        not isinstance(node, Reshape)
        or len(inner) != 1
        or not hasattr(operand, "params")
    ):
        return False
    before, axes = nodes.shape(inner[0]), reduced_axes(operand)
    if axes is None:
        return False
    return node.params[0] == tuple(
        1 if i in axes else one for i, one in enumerate(before)
    )


def reduced_axes(node: sympy.Expr) -> tuple[int, ...] | None:
    """Return the axes that a reduction or a sum takes away, None for other nodes."""
    row = ROWS[type(node)]
    if row.kind == "reduction":
        return node.params[0]
    if row.kind != "contraction" or row.block is not None:
        return None
    inputs, output = node.params
    if (
        len(inputs) > 1
        or list(output) != sorted(output)
        or len(set(inputs[0])) < len(inputs[0])
    ):
        return None
    return tuple(axis for axis, index in enumerate(inputs[0]) if index not in output)


def _new_axes(old: Shape, new: Shape) -> list[str] | None:
    """Return the key that adds or drops axes of size 1, or None where none does."""
    if tuple(one for one in old if one != 1) != tuple(one for one in new if one != 1):
        return None
    if len(new) > len(old):
        return _inserted(list(old), list(new))
    if len(new) < len(old):
        return _dropped(list(old), list(new))
    return None


def _inserted(old: list[Size], new: list[Size]) -> list[str] | None:
    keys: list[str] = []
    for one in new:
        if old and old[0] == one and (one != 1 or len(new) - len(keys) <= len(old)):
            keys.append(":")
            old.pop(0)
        elif one == 1:
            keys.append("None")
        else:
            return None
    while keys and keys[-1] == ":":
        keys.pop()
    return keys or None


def _dropped(old: list[Size], new: list[Size]) -> list[str] | None:
    keys = []
    for one in old:
        if new and new[0] == one:
            keys.append(":")
            new.pop(0)
        elif one == 1:
            keys.append("0")
        else:
            return None
    while keys and keys[-1] == ":":
        keys.pop()
    return keys or None


row(
    Reshape,
    kind="view",
    put=lambda x, value, node: _reshaped(value, x.sizes),
    shape=lambda nodes, x, shape: (shape, nodes.dtype(x)),
    write=_write_reshape,
    vjp=(lambda g, y, x: _reshaped(g, x.sizes),),
    latex="{0}",
    inline=True,
)


@reached_by(np.reshape)
def reshape(x: Any, shape: Any, order: str = "C") -> Handle:
    """The elements in another shape; a size of -1 is what is left."""
    x = handle_of(x)
    wanted = shape_of(shape)
    if order == "F":  # the first index runs fastest
        return transpose(reshape(transpose(x), wanted[::-1]))
    if order != "C":
        raise UnsupportedError(
            f"np.reshape: the option order={order!r} is not supported",
            remedy="How a traced array lies in memory is not known: write C or F.",
        )
    return _reshaped(x, _without_unknown(x, wanted))


def _without_unknown(x: Handle, wanted: Shape) -> Shape:
    """Replace -1 by the size that is left, and check the number of elements."""
    nodes, total = x.nodes, product(x.sizes)
    holes = [axis for axis, one in enumerate(wanted) if one == -1]
    known = product(one for one in wanted if one != -1)
    if not holes:
        if not nodes.same_size(known, total):
            raise ShapeError(
                f"cannot reshape an array of shape {show(x.sizes)} into {show(wanted)}"
            )
        return wanted
    left = divide(total, known)
    if left is None and nodes.witness and nodes.size_value(known):
        # A size that leaked as a plain int: the traces will say which.
        left, rest = divmod(nodes.size_value(total), nodes.size_value(known))
        left = None if rest else left
    if left is None or len(holes) > 1:
        raise ShapeError(
            f"cannot reshape an array of shape {show(x.sizes)} into {show(wanted)}"
        )
    return tuple(left if one == -1 else one for one in wanted)


def _reshaped(x: Handle, shape: Shape) -> Handle:
    nodes, node = x.nodes, x.node
    if is_weak(dtype_of(x)) and shape:
        return full_like_shape(x, shape, dtype_of(x))
    if isinstance(node, Reshape):
        node = nodes[node].operands[0]
    if nodes.shape(node) == shape:
        return Handle(nodes, node)
    return Handle(nodes, nodes.make(Reshape, node, params=(shape,)))


@reached_by(method="reshape")
def reshape_method(x: Handle, *shape: Any, order: str = "C") -> Handle:
    """The elements in another shape, given as one tuple or size by size."""
    return reshape(x, shape[0] if len(shape) == 1 else shape, order)


@reached_by(np.ravel, method="ravel")
def ravel(x: Any, order: str = "C") -> Handle:
    """All elements along one axis."""
    return reshape(x, (-1,), order)


reached_by(method="flatten")(ravel)


@reached_by(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Handle:
    """New axes of size 1."""
    a = handle_of(a)
    several = tuple(axis) if np.iterable(axis) else (axis,)
    axes = axes_of(several, a.ndim + len(several))
    old = iter(a.sizes)
    shape = tuple(1 if i in axes else next(old) for i in range(a.ndim + len(axes)))
    return _reshaped(a, shape)


@reached_by(np.squeeze, method="squeeze")
def squeeze(a: Any, axis: Any = None) -> Handle:
    """Axes of size 1 dropped: those given, else all that are known to have it."""
    a = handle_of(a)
    if axis is None:
        axes = tuple(i for i, one in enumerate(a.sizes) if one == 1)
    else:
        axes = axes_of(axis, a.ndim)
    if any(a.sizes[i] != 1 for i in axes):
        raise ShapeError(
            f"cannot squeeze axes {axes} of an array of shape {show(a.sizes)}"
        )
    return _reshaped(a, tuple(one for i, one in enumerate(a.sizes) if i not in axes))


# Transpose.


def _transpose_shape(
    nodes: Nodes, x: sympy.Expr, axes: tuple[int, ...]
) -> tuple[Shape, str]:
    shape = nodes.shape(x)
    return tuple(shape[axis] for axis in axes), nodes.dtype(x)


def _put_transposed(x: Handle, value: Handle, node: Any) -> Handle:
    return transpose(value, _inverse(node.params[0]))


def _write_transpose(writer: Writer, node: Any, x: Code) -> Code:
    return transposed(x, node.params[0])


row(
    Transpose,
    kind="view",
    shape=_transpose_shape,
    write=_write_transpose,
    put=_put_transposed,
    vjp=(lambda g, y, x: np.transpose(g, _inverse(y.node.params[0])),),
    latex="{0}^T",
    inline=True,
)


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(axes.index(i) for i in range(len(axes)))


@reached_by(np.transpose)
def transpose(a: Any, axes: Any = None) -> Handle:
    """The axes in another order, reversed where none is given."""
    a = handle_of(a)
    order = tuple(reversed(range(a.ndim))) if axes is None else tuple(axes)
    order = tuple(axis_of(one, a.ndim) for one in order)
    if sorted(order) != list(range(a.ndim)):
        raise ShapeError(f"axes {order} do not fit an array of {a.ndim} dimensions")
    nodes, node = a.nodes, a.node
    if isinstance(node, Transpose):
        whole = tuple(node.params[0][axis] for axis in order)
        if nodes[node].name is None or _is_in_order(whole):
            order, node = whole, nodes[node].operands[0]
    if _is_in_order(order):
        return Handle(nodes, node)
    return Handle(nodes, nodes.make(Transpose, node, params=(order,)))


def _is_in_order(axes: tuple[int, ...]) -> bool:
    return axes == tuple(range(len(axes)))


@reached_by(method="transpose")
def transpose_method(a: Handle, *axes: Any) -> Handle:
    """The axes in another order, given as one tuple or one by one."""
    if not axes or axes == (None,):
        return transpose(a)
    return transpose(a, axes[0] if isinstance(axes[0], tuple | list) else axes)


reached_by(attribute="T")(transpose)


@reached_by(np.swapaxes, method="swapaxes")
def swapaxes(a: Any, axis1: Any, axis2: Any) -> Handle:
    """Two axes in each other's place."""
    a = handle_of(a)
    order = list(range(a.ndim))
    i, j = axis_of(axis1, a.ndim), axis_of(axis2, a.ndim)
    order[i], order[j] = order[j], order[i]
    return transpose(a, order)


@reached_by(np.matrix_transpose, attribute="mT")
def matrix_transpose(a: Any) -> Handle:
    """The last two axes in each other's place."""
    return swapaxes(a, -1, -2)


@reached_by(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Handle:
    """Some axes moved to other places, the others in their order."""
    a = handle_of(a)
    sources, targets = (
        [axis_of(i, a.ndim) for i in (one if np.iterable(one) else (one,))]
        for one in (source, destination)
    )
    if len(set(sources)) != len(sources) or len(set(targets)) != len(sources):
        raise ShapeError(f"axes {source} cannot be moved to {destination}")
    order = [i for i in range(a.ndim) if i not in sources]
    for target, one in sorted(zip(targets, sources, strict=True)):
        order.insert(target, one)
    return transpose(a, order)


# Broadcast.


def _write_broadcast(writer: Writer, node: Any, x: Code) -> Code:
    operand = writer.nodes[node].operands[0]
    shape, dtype = writer.room(node.params[0]), node.params[1]
    if writer.nodes.shape(operand):
        return call(writer.function("np.broadcast_to"), x, shape)
    kind = "" if dtype == "float64" else f", {writer.function(f'np.{dtype}')}"
    value = number_of(operand)
    if value in (0, 1) and not (dtype == "float64" and value is True):
        name = "np.ones" if value else "np.zeros"
        return Code(f"{writer.function(name)}({shape}{kind})")
    weak = is_weak(writer.nodes.dtype(operand))
    if weak and dtype == "float64" and not isinstance(value, float):
        kind = f", {writer.function('np.float64')}"
    return Code(f"{writer.function('np.full')}({shape}, {x.text}{kind})")


row(
    Broadcast,
    kind="array",
    shape=lambda nodes, x, shape, dtype: (shape, dtype),
    write=_write_broadcast,
    vjp=(lambda g, y, x: unbroadcast(g, x.sizes),),
    latex="{0}",
    sympy=lambda x: x,
)


def unbroadcast(g: Handle, shape: Shape) -> Handle:
    """Return g summed over the axes that broadcasting from `shape` has made."""
    if g.sizes == shape:
        return g
    extra = g.ndim - len(shape)
    stretched = [
        i for i, one in enumerate(shape, extra) if one == 1 and g.sizes[i] != 1
    ]
    total = np.sum(g, axis=(*range(extra), *stretched))
    return _reshaped(handle_of(total), shape)


@reached_by(np.broadcast_to)
def broadcast_to(array: Any, shape: Any) -> Handle:
    """The elements repeated to a shape that the array broadcasts to."""
    array = handle_of(array)
    wanted = shape_of(shape)
    fits = len(array.sizes) <= len(wanted)
    for one, other in zip(reversed(array.sizes), reversed(wanted), strict=False):
        fits = fits and (one == 1 or array.nodes.same_size(one, other))
    if not fits:
        raise ShapeError(f"cannot broadcast {show(array.sizes)} to {show(wanted)}")
    return full_like_shape(array, wanted, array.nodes.dtype(array.node))


def full_like_shape(x: Handle, shape: Shape, dtype: str) -> Handle:
    """Return x repeated to a shape in a dtype; x itself where it has both."""
    nodes = x.nodes
    dtype = strong(dtype, nodes.float_dtype)
    if x.sizes:
        x = cast(x, dtype)
    if x.sizes == shape and dtype_of(x) == dtype:
        return x
    return Handle(nodes, nodes.make(Broadcast, x.node, params=(shape, dtype)))


# Nodes that only say where elements stand.
LAYOUT = (Reshape, Transpose, Broadcast)


def moved(x: Handle, moves: Iterable[sympy.Expr]) -> Handle:
    """Return x moved as layout nodes move their operands, one after the other."""
    for move in moves:
        params = move.params
        if isinstance(move, Broadcast):
            x = full_like_shape(x, params[0], dtype_of(x))
        else:
            x = (reshape if isinstance(move, Reshape) else transpose)(x, params[0])
    return x
