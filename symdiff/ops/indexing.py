"""Rows of indexing: taking elements by slices, integers and integer arrays, and adding them back.

A key is a tuple with an entry for each part: ("slice", start, stop, step), ("at", i), ("new",) or
("array", k), the k-th index array among the operands. Boolean masks are refused.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import sympy

from ..code import Code, Level, Writer, wrap
from ..errors import ShapeError, SizeError, UnsupportedError
from ..graph import ArrayNode, Nodes
from ..shapes import Shape, Size, broadcast, show, size, smallest
from .handle import Handle, TracedSize, active_nodes, handle_of, size_of
from .making import Arange
from .table import reached_by, row

__all__ = ["Index", "IndexAdd", "writes_once"]

Key = tuple[tuple, ...]
_WHOLE = ("slice", None, None, None)


class Index(ArrayNode):
    """x[key]; operands: x and the index arrays; params: the key."""


class IndexAdd(ArrayNode):
    """Zeros to which g is added at a key; operands: g and the index arrays; params: shape, key,
    dtype; g broadcasts to what the key selects."""


# Reading a key.


def _parsed(x: Handle, key: Any) -> tuple[Key, list[Handle]]:
    """Return a key's canonical form and its index arrays. Raises where it does not fit x."""
    parts = list(key) if isinstance(key, tuple) else [key]
    dots = [i for i, part in enumerate(parts) if part is Ellipsis]
    used = sum(part is not None and part is not Ellipsis for part in parts)
    if used > x.ndim or len(dots) > 1:
        raise ShapeError(f"too many indices for an array of shape {show(x.sizes)}")
    fill = [slice(None)] * (x.ndim - used)
    at = dots[0] if dots else len(parts)
    parts[at : at + len(dots)] = fill
    entries, arrays, axis = [], [], 0
    for part in parts:
        entry = _entry(part, x.sizes[axis] if part is not None else 1, arrays)
        entries.append(entry)
        axis += part is not None
    while (
        len(entries) > 1 and entries[-1] == _WHOLE and any(e != _WHOLE for e in entries)
    ):
        entries.pop()
    return tuple(entries), arrays


def _entry(part: Any, length: Size, arrays: list[Handle]) -> tuple:
    if part is None:
        return ("new",)
    if isinstance(part, slice):
        return _slice_entry(part)
    if isinstance(part, int | np.integer | TracedSize) and not isinstance(
        part, bool | np.bool_
    ):
        position = size_of(part)
        if isinstance(position, int) and isinstance(length, int):
            if not -length <= position < length:
                raise ShapeError(
                    f"index {position} is out of bounds for an axis of size {length}"
                )
        return ("at", position)
    if isinstance(part, bool | np.bool_):
        raise UnsupportedError("indexing with a bool is not supported")
    index = handle_of(part)
    dtype = index.nodes.dtype(index.node)
    if dtype == "bool":
        raise UnsupportedError(
            "indexing with a boolean mask is not supported",
            remedy="Write np.where(mask, x, 0) under a sum, or index with integers.",
        )
    if dtype not in ("int", "int64"):
        raise ShapeError(f"an index must be of integers, not {dtype}")
    arrays.append(index)
    return ("array", len(arrays) - 1)


def _slice_entry(part: slice) -> tuple:
    bounds = []
    for bound in (part.start, part.stop, part.step):
        if isinstance(bound, Handle) and bound.value is None:
            operator.index(bound)
        bounds.append(None if bound is None else size_of(bound))
    start, stop, step = bounds
    if step is not None and not isinstance(step, int):
        raise SizeError("a slice's step must be a number")
    return (
        "slice",
        None if start == 0 and (step or 1) > 0 else start,
        stop,
        None if step == 1 else step,
    )


# Shapes.


def _index_shape(
    nodes: Nodes, x: sympy.Expr, *arrays_and_key: Any
) -> tuple[Shape, str]:
    *arrays, key = arrays_and_key
    shape = _selected(nodes, nodes.shape(x), [nodes.shape(one) for one in arrays], key)
    return shape, nodes.dtype(x)


def _selected(nodes: Nodes, shape: Shape, arrays: list[Shape], key: Key) -> Shape:
    """Return the shape that a key selects: index arrays broadcast together, as NumPy places them."""
    result: list[Size] = []
    advanced: list[int] = []
    axis = 0
    for place, entry in enumerate(key):
        if entry[0] == "new":
            result.append(1)
            continue
        if entry[0] == "slice":
            result.append(_slice_length(nodes, shape[axis], entry))
        elif entry[0] == "array":
            if not advanced:
                first = len(result)
            advanced.append(place)
        elif arrays:
            if not advanced:
                first = len(result)
            advanced.append(place)
        axis += 1
    result += shape[axis:]
    if arrays:
        together = advanced == list(range(advanced[0], advanced[0] + len(advanced)))
        at = first if together else 0
        result[at:at] = broadcast(arrays, nodes.same_size)
    return tuple(result)


def _slice_length(nodes: Nodes, length: Size, entry: tuple) -> Size:
    _, start, stop, step = entry
    bounds = (length, start, stop)
    if all(one is None or isinstance(one, int) for one in bounds):
        return len(range(*slice(start, stop, step).indices(length)))  # type: ignore[arg-type]
    if step is None or step > 0:
        # An axis is taken to be at least as long as what is sliced off its front.
        low = _bound(length, 0 if start is None else start)
        high = length if stop is None else smallest(length, _bound(length, stop))
        distance = size(high - low)
        return distance if step is None else size(-((-distance) // sympy.Integer(step)))
    if start is None and stop is None:
        return size(-((-sympy.sympify(length)) // sympy.Integer(-step)))
    raise SizeError(
        "a slice with a negative step and bounds over an unknown size",
        remedy="Slice first, then reverse with [::-1].",
    )


def _bound(length: Size, bound: Size) -> Size:
    """Return a slice's bound counted from the front."""
    negative = bound < 0 if isinstance(bound, int) else bool(bound.is_negative)
    return size(length + bound) if negative else bound


# Writing.


def _subscript(writer: Writer, key: Key, arrays: tuple[Code, ...]) -> str:
    parts = []
    for entry in key:
        if entry[0] == "new":
            parts.append("None")
        elif entry[0] == "at":
            parts.append(writer.size(entry[1]).text)
        elif entry[0] == "array":
            parts.append(arrays[entry[1]].text)
        else:
            parts.append(_slice_text(writer, entry))
    return ", ".join(parts)


def _slice_text(writer: Writer, entry: tuple) -> str:
    codes = [None if one is None else writer.size(one) for one in entry[1:]]
    start, stop, step = ("" if one is None else one.text for one in codes)
    computed = any(one is not None and one.level < Level.UNARY for one in codes)
    text = f"{start}{' : ' if computed else ':'}{stop}".strip()
    return f"{text}:{step}" if step else text


def _write_index(writer: Writer, node: Any, x: Code, *arrays: Code) -> Code:
    return Code(f"{wrap(x, Level.ATOM)}[{_subscript(writer, node.params[0], arrays)}]")


def writes_once(nodes: Nodes, key: Key, arrays: tuple[sympy.Expr, ...]) -> bool:
    """Return whether a key names each element at most once, so that adding is assigning."""
    if not arrays:
        return True
    ranks = {len(nodes.shape(one)) for one in arrays}
    return ranks == {1} and any(isinstance(one, Arange) for one in arrays)


def _index_add_block(
    writer: Writer, node: Any, target: str, g: Code, *arrays: Code
) -> list[str]:
    shape, key, dtype = node.params
    kind = "" if dtype == "float64" else f", {writer.function(f'np.{dtype}')}"
    lines = [f"{target} = {writer.function('np.zeros')}({writer.shape(shape)}{kind})"]
    subscript = _subscript(writer, key, arrays)
    if writes_once(writer.nodes, key, writer.nodes[node].operands[1:]):
        return [*lines, f"{target}[{subscript}] = {g.text}"]
    if any(entry[0] == "slice" for entry in key):
        subscript = f"{writer.function('np.s_')}[{subscript}]"
    elif len(key) > 1:
        subscript = f"({subscript})"
    return [*lines, f"{writer.function('np.add.at')}({target}, {subscript}, {g.text})"]


def _no_expression(writer: Writer, node: Any, *operands: Code) -> Code:
    raise TypeError(f"{type(node).__name__} is written as statements")


def _index_vjp(
    g: Handle, y: Handle, x: tuple[Handle, ...], needed: tuple[bool, ...]
) -> tuple:
    nodes = g.nodes
    arrays = [one.node for one in x[1:]]
    params = (x[0].sizes, y.node.params[0], nodes.dtype(g.node))
    made = nodes.make(IndexAdd, g.node, *arrays, params=params)
    return (Handle(nodes, made), *(None for _ in arrays))


def _index_add_vjp(
    g: Handle, y: Handle, x: tuple[Handle, ...], needed: tuple[bool, ...]
) -> tuple:
    nodes = g.nodes
    arrays = [one.node for one in x[1:]]
    made = nodes.make(Index, g.node, *arrays, params=(y.node.params[1],))
    return (Handle(nodes, made), *(None for _ in arrays))


row(
    Index,
    kind="view",
    shape=_index_shape,
    write=_write_index,
    vjp=_index_vjp,
    latex=r"{0}[\cdot]",
)
row(
    IndexAdd,
    kind="array",
    shape=lambda nodes, g, *rest: (rest[-3], rest[-1]),
    write=_no_expression,
    block=_index_add_block,
    vjp=_index_add_vjp,
)


@reached_by(operator.getitem)
def getitem(x: Any, key: Any) -> Handle:
    x = handle_of(x)
    entries, arrays = _parsed(x, key)
    if all(entry == _WHOLE for entry in entries):
        return x
    if all(entry in (_WHOLE, ("new",)) for entry in entries):
        axes = tuple(i for i, entry in enumerate(entries) if entry == ("new",))
        return np.expand_dims(x, axes)  # type: ignore[return-value]
    nodes = active_nodes()
    node = nodes.make(Index, x.node, *(one.node for one in arrays), params=(entries,))
    return Handle(nodes, node)


@reached_by(np.take, method="take")
def take(x: Any, indices: Any, axis: Any = None) -> Handle:
    x = handle_of(x)
    if axis is None:
        return getitem(np.ravel(x), indices)  # type: ignore[call-overload]
    before = (slice(None),) * (axis % x.ndim)
    return getitem(x, (*before, indices))
