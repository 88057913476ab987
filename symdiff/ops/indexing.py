"""Rows of indexing: taking elements at a key, and adding arrays into zeros at keys.

Each is the other's derivative. What NumPy's indexing takes is taken here, but for
boolean masks, whose results' shapes depend on values.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import sympy

from ..code import Code, Level, Writer, wrap
from ..graph import ArrayConstant, ArrayNode, Nodes
from ..shapes import Shape, Size, axis_of, is_floating, product
from .contraction import Contraction
from .elementwise import dtype_of
from .handle import Handle, handle_of
from .keys import (
    WHOLE,
    Key,
    apart_from_earlier,
    disjoint,
    names_once,
    read,
    selected,
    text_of,
)
from .layout import Broadcast, expand_dims, full_like_shape, ravel, reshape
from .making import arange
from .table import ROWS, reached_by, row

__all__ = [
    "Index",
    "IndexAdd",
    "IndexSet",
    "add_at",
    "added_together",
    "assigned",
    "is_fresh",
    "parts_of",
    "placed",
    "taken",
]


# How far back a value put elsewhere is passed, so that the work is linear in the graph.
MOST_PASSED = 100


class Index(ArrayNode):
    """x[key]; operands: x and the index arrays; params: the key."""


class IndexSet(ArrayNode):
    """x with a value at a key; operands: x, the value, the index arrays; params: the key."""


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
    cotangents = []
    for key, _, arrays in parts_of(y.node.params[1], x):
        cotangents += [taken(g, key, arrays), *(None for _ in arrays)]
    return tuple(cotangents)


def _index_set_vjp(
    g: Handle, y: Handle, x: tuple[Handle, ...], needed: tuple[bool, ...]
) -> tuple:
    (key,), arrays = y.node.params, x[2:]
    part = _part_of_value(g, key, arrays) if needed[1] else None
    rest = assigned(g, key, arrays, handle_of(0)) if needed[0] else None
    return (rest, part, *(None for _ in arrays))


def _part_of_value(g: Handle, key: Key, arrays: Sequence[Handle]) -> Any:
    """Return the cotangent of what was put at a key: 0 where a later element was."""
    before = g if arrays else Handle(g.nodes, _passed(g.nodes, g.node, key))
    part = taken(before, key, arrays)
    if _names_once(g, key, arrays):
        return part
    return np.where(_is_last(g, key, arrays), part, 0)


def _is_last(x: Handle, key: Key, arrays: Sequence[Handle]) -> Any:
    """Return of all that is written at a key what no later element overwrites."""
    sizes = selected(x.nodes, x.sizes, [one.sizes for one in arrays], key)
    order = reshape(arange(product(sizes)), sizes)
    nowhere = full_like_shape(handle_of(0), x.sizes, "int64")
    written = assigned(nowhere, key, arrays, order)
    return taken(written, key, arrays) == order


# Writing.


def _write_index(writer: Writer, node: Any, x: Code, *arrays: Code) -> Code:
    return Code(f"{wrap(x, Level.ATOM)}[{text_of(writer, node.params[0], arrays)}]")


def _index_add_block(
    writer: Writer, node: Any, target: str, *operands: Code
) -> list[str]:
    shape, _, dtype = node.params
    kind = "" if dtype == "float64" else f", {writer.function(f'np.{dtype}')}"
    zeros = f"{writer.function('np.zeros')}({writer.room(shape)}{kind})"
    return [f"{target} = {zeros}", *_at_keys(writer, node, target, operands, new=True)]


def _adding_lines(writer: Writer, node: Any, target: str, *operands: Code) -> list[str]:
    return _at_keys(writer, node, target, operands, new=False)


def _at_keys(
    writer: Writer, node: Any, target: str, operands: Sequence[Code], *, new: bool
) -> list[str]:
    """Return the lines that add at keys; what is new holds zeros there at first."""
    nodes, (shape, keys, _) = writer.nodes, node.params
    parts = parts_of(keys, nodes[node].operands)
    lines = []
    untouched = apart_from_earlier(shape, keys) if new else repeat(False)
    for key, g, texts in parts_of(keys, operands):
        _, _, arrays = next(parts)
        still_zero = next(untouched)
        if not names_once(nodes, shape, key, arrays):
            lines.append(_added_at(writer, target, key, texts, g))
        elif still_zero:
            lines.append(f"{target}[{text_of(writer, key, texts)}] = {g.text}")
        else:
            sign, text = ("+", g.text) if g.negated is None else ("-", g.negated.text)
            lines.append(f"{target}[{text_of(writer, key, texts)}] {sign}= {text}")
    return lines


def _index_set_block(
    writer: Writer, node: Any, target: str, x: Code, value: Code, *arrays: Code
) -> list[str]:
    subscript = text_of(writer, node.params[0], arrays)
    old = f"{wrap(x, Level.ATOM)}[{subscript}]"
    operation, operands = value.parts or ("", ("",))
    again = operation in ("+", "-", "*", "/") and operands[0] == old
    again = again and is_floating(writer.nodes.dtype(node))
    sign, text = (f"{operation}=", operands[1]) if again else ("=", value.text)
    written = f"{target}[{subscript}] {sign} {text}"
    if x.text == target:
        return [written]
    before = writer.nodes[node].operands[0]
    inside = not x.text.isidentifier() and is_fresh(writer.nodes, before)
    if inside or id(node) in writer.overwriting:
        return [f"{target} = {x.text}", written]
    return [f"{target} = {wrap(x, Level.ATOM)}.copy()", written]


def is_fresh(nodes: Nodes, node: sympy.Expr) -> bool:
    """Return whether the code of a node makes an array of its own, to be written into."""
    operands = nodes[node].operands
    repeated = isinstance(node, Broadcast) and nodes.shape(operands[0])
    moved = isinstance(node, Contraction) and len(operands) == 1 and not _sums(node)
    row = ROWS.get(type(node))
    made = row is not None and row.kind != "view" and type(node) is not ArrayConstant
    return made and not repeated and not moved


def _sums(node: Contraction) -> bool:
    """Return whether a contraction of one array sums over some of its axes."""
    (indices,), output = node.params
    return set(indices) > set(output)


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
    put=lambda x, value, node: placed(x, value, node),
    vjp=_index_vjp,
    latex=r"{0}[\cdot]",
)
row(
    IndexAdd,
    kind="array",
    shape=lambda nodes, *rest: (rest[-3], rest[-1]),
    write=_no_expression,
    block=_index_add_block,
    adding=_adding_lines,
    vjp=_index_add_vjp,
)


row(
    IndexSet,
    kind="array",
    shape=lambda nodes, x, *rest: (nodes.shape(x), nodes.dtype(x)),
    write=_no_expression,
    block=_index_set_block,
    vjp=_index_set_vjp,
    latex=r"{0}[\cdot \to {1}]",
)


# Making them.


def placed(x: Handle, value: Handle, step: Index) -> Handle:
    """Return x with a value in the place of a part that was taken of it by slices."""
    node: Any = value.node
    nodes, (key,) = x.nodes, step.params
    numbers = all(entry[0] == "at" for entry in key)
    if numbers and type(node) is IndexSet and len(nodes[node].operands) == 2:
        part, new = nodes[node].operands
        if _is_at(nodes, part, Index, (key, [])) and nodes[part].operands[0] is x.node:
            return assigned(x, key + node.params[0], (), Handle(nodes, new))
    return assigned(x, key, (), value)


def assigned(x: Handle, key: Key, arrays: Sequence[Handle], value: Handle) -> Handle:
    """Return x with a value at a key; what was there before is forgotten."""
    nodes, keyed = x.nodes, [one.node for one in arrays]
    place = (key, keyed)
    if _is_at(nodes, value.node, Index, place) and _first(nodes, value) is x.node:
        return x
    base = x.node
    if _is_at(nodes, base, IndexSet, place):
        base = nodes[base].operands[0]
    made = nodes.make(IndexSet, base, value.node, *keyed, params=(key,))
    return Handle(nodes, made)


def taken(x: Handle, key: Key, arrays: Sequence[Handle]) -> Handle:
    """Return the elements at a key: what was just put there, where that is known."""
    nodes, keyed = x.nodes, [one.node for one in arrays]
    node = _passed(nodes, x.node, key)
    if _is_at(nodes, node, IndexSet, (key, keyed)) and _names_once(x, key, arrays):
        sizes = selected(nodes, x.sizes, [one.sizes for one in arrays], key)
        value = Handle(nodes, nodes[node].operands[1])
        return full_like_shape(value, sizes, dtype_of(x))
    return Handle(nodes, nodes.make(Index, x.node, *keyed, params=(key,)))


def _passed(nodes: Nodes, node: sympy.Expr, key: Key) -> Any:
    """Return an array before what was put at places that a key surely does not name."""
    for _ in range(MOST_PASSED):
        if type(node) is not IndexSet:
            break
        if not disjoint(nodes.shape(node), key, node.params[0]):
            break
        node = nodes[node].operands[0]
    return node


def _is_at(nodes: Nodes, node: Any, cls: Any, place: tuple[Key, list]) -> bool:
    """Return whether a node takes or puts elements at a key."""
    key, arrays = place
    if type(node) is not cls or node.params[0] != key:
        return False
    have = nodes[node].operands[1 if cls is Index else 2 :]
    return all(one is other for one, other in zip(have, arrays, strict=True))


def _first(nodes: Nodes, x: Handle) -> sympy.Expr:
    return nodes[x.node].operands[0]


def _names_once(x: Handle, key: Key, arrays: Sequence[Handle]) -> bool:
    return names_once(x.nodes, x.sizes, key, [one.node for one in arrays])


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
    return taken(x, entries, arrays)


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
