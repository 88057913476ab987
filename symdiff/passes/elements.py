"""Rules about elements: what is taken from what was put together, and what is chosen.

In: a node of indexing, a choice or a product with a unit matrix. Out: what reads fewer
elements, or None where a rule does not hold. Keys that may name the same elements are
left alone.
"""

from __future__ import annotations

import operator
from functools import reduce

import sympy

from ..graph import Nodes, number_of
from ..ops.choices import LogicalAnd, LogicalNot, where
from ..ops.contraction import contract
from ..ops.handle import Handle, handle_of
from ..ops.indexing import Index, IndexAdd, parts_of
from ..ops.joining import Concatenate, Stack
from ..ops.keys import WHOLE, Key, disjoint, names_once, selected
from ..ops.layout import Broadcast, Reshape, full_like_shape
from ..ops.making import Eye
from ..shapes import Size, size

__all__ = [
    "both",
    "chosen_twice",
    "everything",
    "fills",
    "merged",
    "not_not",
    "part_of_joined",
    "put_side_by_side",
    "same_branches",
    "summed_diagonal",
    "taken_from_added",
    "unit_matrix",
    "without_zeros",
]

Operands = tuple[sympy.Expr, ...]


# Indexing.


def everything(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """x[:] is x, and what is added to zeros everywhere is itself."""
    key = node.params[0] if isinstance(node, Index) else node.params[1][0]
    plain = all(entry[0] == "slice" and entry[3] is None for entry in key)
    shape = (
        nodes.shape(node) if isinstance(node, IndexAdd) else nodes.shape(operands[0])
    )
    if len(operands) > 1 or not plain or selected(nodes, shape, (), key) != shape:
        return None
    if isinstance(node, Index):
        return operands[0]
    return full_like_shape(Handle(nodes, operands[0]), shape, nodes.dtype(node)).node


def part_of_joined(
    nodes: Nodes, node: sympy.Expr, operands: Operands
) -> sympy.Expr | None:
    """A slice of arrays one behind the other is one of them, as is a layer of a stack."""
    joined, *arrays = operands
    (key,) = node.params
    if not isinstance(joined, Concatenate | Stack) or arrays:
        return None
    (axis,) = joined.params
    if len(key) != axis + 1 or any(entry != WHOLE for entry in key[:axis]):
        return None
    parts = nodes[joined].operands
    place = (_layer if isinstance(joined, Stack) else _stretch)(nodes, joined, key)
    found = next((one for at, one in enumerate(parts) if at == place), None)
    same = found is not None and nodes.dtype(found) == nodes.dtype(node)
    return found if same else None


def _layer(nodes: Nodes, joined: sympy.Expr, key: Key) -> int | None:
    """Return the number of the layer that a key takes from a stack."""
    kind, place = key[-1][:2]
    known = kind == "at" and isinstance(place, int)
    return place % len(nodes[joined].operands) if known else None


def _stretch(nodes: Nodes, joined: sympy.Expr, key: Key) -> int | None:
    """Return the number of the array that a slice takes from a concatenation."""
    if key[-1][0] != "slice" or key[-1][3] is not None:
        return None
    (axis,), (_, start, stop, _) = joined.params, key[-1]
    low = size(0)
    for place, one in enumerate(nodes[joined].operands):
        high = size(low + nodes.shape(one)[axis])
        last = stop is None and high == nodes.shape(joined)[axis]
        if (start or 0) == low and (last or stop == high):
            return place
        low = high
    return None


def taken_from_added(
    nodes: Nodes, node: sympy.Expr, operands: Operands
) -> sympy.Expr | None:
    """What was added to zeros at a key, and nowhere near it, is taken back from there."""
    added, *arrays = operands
    (key,) = node.params
    if not isinstance(added, IndexAdd):
        return None
    shape, keys, dtype = added.params
    found: list[sympy.Expr] = []
    for own, value, places in parts_of(keys, nodes[added].operands):
        same = own == key and all(a is b for a, b in zip(places, arrays, strict=True))
        if same and names_once(nodes, shape, own, places):
            found.append(value)
        elif not disjoint(shape, own, key):
            return None
    values = [Handle(nodes, one) for one in found] or [handle_of(0)]
    value = reduce(operator.add, values)
    return full_like_shape(value, nodes.shape(node), dtype).node


def without_zeros(
    nodes: Nodes, node: sympy.Expr, operands: Operands
) -> sympy.Expr | None:
    """Zeros are not written into zeros."""
    shape, keys, dtype = node.params
    parts = [one for one in parts_of(keys, operands) if not _is_zero(nodes, one[1])]
    if len(parts) == len(keys):
        return None
    if not parts:
        return full_like_shape(handle_of(0), shape, dtype).node
    left = [one for _, value, places in parts for one in (value, *places)]
    params = (shape, tuple(key for key, _, _ in parts), dtype)
    return nodes.make(IndexAdd, *left, params=params)


def put_side_by_side(
    nodes: Nodes, node: sympy.Expr, operands: Operands
) -> sympy.Expr | None:
    """Parts put into zeros that fill them, one behind the other, are a concatenation."""
    shape, keys, dtype = node.params
    axis = len(keys[0]) - 1
    starts: dict[Size, tuple[Size, sympy.Expr]] = {}
    for key, value, _ in parts_of(keys, operands):
        *before, last = key
        if len(key) != axis + 1 or last[0] != "slice" or last[3] is not None:
            return None
        if isinstance(value, Broadcast):
            return None  # A number is put without an array of it.
        sizes = selected(nodes, shape, [], key)
        if any(entry != WHOLE for entry in before) or nodes.shape(value) != sizes:
            return None
        _, start, stop, _ = last
        starts[start or 0] = (shape[axis] if stop is None else stop, value)
    place: Size = 0
    ordered: list[sympy.Expr] = []
    while place in starts and len(ordered) < len(keys):
        place, value = starts[place]
        ordered.append(value)
    if not 1 < len(ordered) == len(keys) or place != shape[axis]:
        return None
    made = nodes.make(Concatenate, *ordered, params=(axis,))
    return made if nodes.dtype(made) == dtype else None


def fills(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """What is put into zeros at [:, 0], where these have one column, is reshaped."""
    shape, keys, dtype = node.params
    if len(keys) > 1 or len(operands) > 1:
        return None
    value, (key,) = operands[0], keys
    alone = len(key) <= len(shape) and all(
        entry == WHOLE or (entry == ("at", 0) and length == 1)
        for entry, length in zip(key, shape, strict=False)
    )
    same = nodes.dtype(value) == dtype and alone and not isinstance(value, Broadcast)
    if not same or nodes.shape(value) != selected(nodes, shape, [], key):
        return None
    return nodes.make(Reshape, value, params=(shape,))


def _is_zero(nodes: Nodes, node: sympy.Expr) -> bool:
    inner = nodes[node].operands[0] if isinstance(node, Broadcast) else node
    return number_of(inner) == 0


# Choices.


def same_branches(
    nodes: Nodes, node: sympy.Expr, operands: Operands
) -> sympy.Expr | None:
    """A choice between equal things is no choice."""
    _, yes, no = operands
    if yes is not no:
        return None
    value = Handle(nodes, yes)
    return full_like_shape(value, nodes.shape(node), nodes.dtype(node)).node


def chosen_twice(
    nodes: Nodes, node: sympy.Expr, operands: Operands
) -> sympy.Expr | None:
    """What a condition has chosen it need not choose again; two masks are one."""
    condition, yes, no = operands
    positive = _positive(nodes, condition)
    if positive is not None:
        return nodes.make(where, positive, no, yes)
    if isinstance(yes, where):
        inner, first, other = nodes[yes].operands
        if inner is condition:
            return _same_kind(nodes, node, (condition, first, no))
        if other is no and nodes.shape(inner) == nodes.shape(condition):
            mask = nodes.make(LogicalAnd, condition, inner)
            return _same_kind(nodes, node, (mask, first, no))
    if isinstance(no, where) and nodes[no].operands[0] is condition:
        return _same_kind(nodes, node, (condition, yes, nodes[no].operands[2]))
    return None


def merged(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """Of where(m, x, 0) + where(m, 0, y) one of the two is chosen: where(m, x, y)."""
    if not all(isinstance(one, where) for one in operands):
        return None
    (mask, x, zero), (same, nothing, y) = (nodes[one].operands for one in operands)
    if _is_zero(nodes, x):
        (x, zero), (nothing, y) = (nothing, y), (x, zero)
    if same is not mask or not _is_zero(nodes, zero) or not _is_zero(nodes, nothing):
        return None
    return _same_kind(nodes, node, (mask, x, y))


def _positive(nodes: Nodes, mask: sympy.Expr) -> sympy.Expr | None:
    """Return m for ~m, else None."""
    return nodes[mask].operands[0] if isinstance(mask, LogicalNot) else None


def _same_kind(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """Return a choice if it is an array like another, else None."""
    made = nodes.make(where, *operands)
    if nodes.shape(made) != nodes.shape(node):
        return None
    same = same_branches(nodes, node, operands)
    return same or (made if nodes.dtype(made) == nodes.dtype(node) else None)


def not_not(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """~~m is m."""
    return _positive(nodes, operands[0])


def both(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """m & m is m."""
    one, other = operands
    return one if one is other else None


# Unit matrices.


def summed_diagonal(
    nodes: Nodes, node: sympy.Expr, operands: Operands
) -> sympy.Expr | None:
    """The sum of A * eye is that of A's diagonal."""
    (product,), (inputs, output) = operands[:1], node.params
    if len(operands) > 1 or not isinstance(product, sympy.Mul):
        return None
    one, other = nodes[product].operands
    A, unit = (other, one) if isinstance(one, Eye) else (one, other)
    if not _is_unit(unit) or nodes.shape(A) != nodes.shape(unit):
        return None
    handles = [Handle(nodes, A), Handle(nodes, unit)]
    return contract(handles, (*inputs, *inputs), output).node


def unit_matrix(
    nodes: Nodes, node: sympy.Expr, operands: Operands
) -> sympy.Expr | None:
    """A @ eye is A: a unit matrix makes one index of two."""
    inputs, output = node.params
    for place, one in enumerate(operands):
        if not _is_unit(one) or len(set(inputs[place])) < 2:
            continue
        kept, dropped = inputs[place]
        if dropped in output:
            kept, dropped = dropped, kept
        others = [*inputs[:place], *inputs[place + 1 :]]
        if dropped in output or not any(dropped in each for each in others):
            continue
        left = [tuple(kept if i == dropped else i for i in each) for each in others]
        rest = [
            Handle(nodes, each) for each in (*operands[:place], *operands[place + 1 :])
        ]
        made = contract(rest, left, output).node
        return made if nodes.dtype(made) == nodes.dtype(node) else None
    return None


def _is_unit(node: sympy.Expr) -> bool:
    if not isinstance(node, Eye):
        return False
    rows, columns, diagonal, _ = node.params
    return rows == columns and diagonal == 0
