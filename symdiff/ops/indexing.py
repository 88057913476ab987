"""Rows of indexing: taking elements at a key, and adding arrays into zeros at keys.

Each is the other's derivative. What NumPy's indexing takes is taken here, but for
boolean masks, whose results' shapes depend on values.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any

import sympy

from ..code import Code, Level, Writer, wrap
from ..graph import ArrayNode, Nodes
from ..shapes import Shape, Size, axis_of
from .elementwise import dtype_of
from .handle import Handle, handle_of
from .keys import WHOLE, Key, disjoint, names_once, read, selected, text_of
from .layout import expand_dims, full_like_shape, ravel
from .table import reached_by, row

__all__ = ["Index", "IndexAdd", "add_at", "added_together", "parts_of"]


class Index(ArrayNode):
    """x[key]; operands: x and the index arrays; params: the key."""


class IndexAdd(ArrayNode):
    """Zeros to which arrays are added, each broadcast to what its key selects.

    operands: each array and then its key's index arrays; params: shape, keys, dtype.
    """


def parts_of(keys: Sequence[Key], operands: Sequence) -> Iterator[tuple]:
    """Yield for each key of an `IndexAdd` the key, what is added, the index arrays."""
    rest = list(operands)
    for key in keys:
        count = 1 + sum(entry[0] == "array" for entry in key)
        yield key, rest[0], rest[1:count]
        rest = rest[count:]


def added_together(parts: Sequence[Handle]) -> Handle:
    """Return the sum of handles of `IndexAdd` nodes of one shape as one such node."""
    if len(parts) == 1:
        return parts[0]
    nodes = parts[0].nodes
    shape, _, dtype = parts[0].node.params
    keys = tuple(key for part in parts for key in part.node.params[1])
    operands = [one for part in parts for one in nodes[part.node].operands]
    made = nodes.make(IndexAdd, *operands, params=(shape, keys, dtype))
    return Handle(nodes, made)


# Derivatives.


def _index_vjp(
    g: Handle, y: Handle, x: tuple[Handle, ...], needed: tuple[bool, ...]
) -> tuple:
    nodes, arrays = g.nodes, [one.node for one in x[1:]]
    params = (x[0].sizes, (y.node.params[0],), dtype_of(x[0]))
    made = nodes.make(IndexAdd, g.node, *arrays, params=params)
    return (Handle(nodes, made), *(None for _ in arrays))


def _index_add_vjp(
    g: Handle, y: Handle, x: tuple[Handle, ...], needed: tuple[bool, ...]
) -> tuple:
    nodes, cotangents = g.nodes, []
    for key, _, arrays in parts_of(y.node.params[1], x):
        made = nodes.make(Index, g.node, *(one.node for one in arrays), params=(key,))
        cotangents += [Handle(nodes, made), *(None for _ in arrays)]
    return tuple(cotangents)


# Writing.


def _write_index(writer: Writer, node: Any, x: Code, *arrays: Code) -> Code:
    return Code(f"{wrap(x, Level.ATOM)}[{text_of(writer, node.params[0], arrays)}]")


def _index_add_block(
    writer: Writer, node: Any, target: str, *operands: Code
) -> list[str]:
    nodes, (shape, keys, dtype) = writer.nodes, node.params
    kind = "" if dtype == "float64" else f", {writer.function(f'np.{dtype}')}"
    lines = [f"{target} = {writer.function('np.zeros')}({writer.shape(shape)}{kind})"]
    codes = parts_of(keys, operands)
    parts = parts_of(keys, nodes[node].operands)
    for place, (key, g, texts) in enumerate(codes):
        _, _, arrays = next(parts)
        if names_once(nodes, shape, key, arrays):
            fresh = all(disjoint(shape, key, one) for one in keys[:place])
            sign = "=" if fresh else "+="
            lines.append(f"{target}[{text_of(writer, key, texts)}] {sign} {g.text}")
        else:
            lines.append(_added_at(writer, target, key, texts, g))
    return lines


def _added_at(
    writer: Writer, target: str, key: Key, arrays: Sequence[Code], g: Code
) -> str:
    subscript = text_of(writer, key, arrays)
    if any(entry[0] == "slice" for entry in key):
        subscript = f"{writer.function('np.s_')}[{subscript}]"
    elif len(key) > 1:
        subscript = f"({subscript})"
    return f"{writer.function('np.add.at')}({target}, {subscript}, {g.text})"


def _no_expression(writer: Writer, node: Any, *operands: Code) -> Code:
    raise TypeError(f"{type(node).__name__} is written as statements")


# Rows.


def _index_shape(
    nodes: Nodes, x: sympy.Expr, *arrays_and_key: Any
) -> tuple[Shape, str]:
    *arrays, key = arrays_and_key
    shapes = [nodes.shape(one) for one in arrays]
    return selected(nodes, nodes.shape(x), shapes, key), nodes.dtype(x)


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
    shape=lambda nodes, *rest: (rest[-3], rest[-1]),
    write=_no_expression,
    block=_index_add_block,
    vjp=_index_add_vjp,
)


# What reaches them.


@reached_by(operator.getitem)
def getitem(x: Any, key: Any) -> Handle:
    """The elements at a key."""
    x = handle_of(x)
    entries, arrays = read(x, key)
    if all(entry == WHOLE for entry in entries):
        return x
    if all(entry in (WHOLE, ("new",)) for entry in entries):
        axes = tuple(i for i, entry in enumerate(entries) if entry == ("new",))
        return expand_dims(x, axes)
    operands = [one.node for one in (x, *arrays)]
    return Handle(x.nodes, x.nodes.make(Index, *operands, params=(entries,)))


def add_at(values: Handle, places: Handle, length: Size) -> Handle:
    """Return zeros of a length with values added at places, which may repeat."""
    zeros = full_like_shape(handle_of(0), (length,), dtype_of(values))
    key, arrays = read(zeros, places)
    params = ((length,), (key,), dtype_of(zeros))
    operands = [one.node for one in (values, *arrays)]
    return Handle(zeros.nodes, zeros.nodes.make(IndexAdd, *operands, params=params))


def take(x: Any, indices: Any, axis: Any = None) -> Handle:
    """The elements at integers along an axis, or of the flattened array."""
    x = handle_of(x)
    if axis is None:
        return getitem(ravel(x), indices)
    before = (slice(None),) * axis_of(axis, x.ndim)
    return getitem(x, (*before, indices))
