"""Rows of orders other than by sorting: `partition`, `argpartition`, `lexsort`.

Positions have no gradient. Which element stands where within a part of a partition is
NumPy's secret: its gradient asks the elements themselves, not their positions.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer, call
from ..graph import ArrayNode, Nodes
from ..shapes import axis_of
from .handle import Handle, active_nodes, handle_of
from .layout import ravel
from .sorting import argsort, arranged, axis_text, ranks
from .table import reached_by, row

__all__ = ["ArgPartition", "LexSort", "Partition"]


class Partition(ArrayNode):
    """The elements with those of some ranks in place; params: the axis, the ranks."""


class ArgPartition(ArrayNode):
    """The order that makes a partition; params: the axis, the ranks."""


class LexSort(ArrayNode):
    """The order that sorts by the last operand, ties by the one before; params: axis."""


def _writing(name: str) -> Any:
    def write(writer: Writer, node: Any, x: Code) -> Code:
        (operand,), (axis, places) = writer.nodes[node].operands, node.params
        inside = str(places[0]) if len(places) == 1 else str(list(places))
        return call(writer.function(name), x, inside, *axis_text(writer, operand, axis))

    return write


def _write_lexsort(writer: Writer, node: Any, *keys: Code) -> Code:
    inside = ", ".join(key.text for key in keys)
    axis = axis_text(writer, writer.nodes[node].operands[0], node.params[0])
    return call(writer.function("np.lexsort"), f"[{inside}]", *axis)


def _lexsort_shape(nodes: Nodes, *keys_and_axis: Any) -> tuple:
    return nodes.shape(keys_and_axis[0]), "int64"


def _partition_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    """The slope of an element of a rank in y goes to the element of that rank in x."""
    axis = y.node.params[0]
    sorted_slopes = arranged(g, argsort(y, axis, "stable"), axis)
    return arranged(sorted_slopes, ranks(x, axis), axis)


row(
    Partition,
    kind="array",
    shape=lambda nodes, x, axis, places: (nodes.shape(x), nodes.dtype(x)),
    write=_writing("np.partition"),
    vjp=(_partition_vjp,),
)
row(
    ArgPartition,
    kind="array",
    shape=lambda nodes, x, axis, places: (nodes.shape(x), "int64"),
    write=_writing("np.argpartition"),
)
row(LexSort, kind="array", shape=_lexsort_shape, write=_write_lexsort)


def _parted(cls: type, a: Any, kth: Any, axis: Any) -> Handle:
    a = handle_of(a)
    if axis is None:
        a, axis = ravel(a), 0
    places = kth if isinstance(kth, Sequence | np.ndarray) else [kth]
    ranks_ = tuple(operator.index(one) for one in places)
    params = (axis_of(axis, a.ndim), ranks_)
    return Handle(a.nodes, a.nodes.make(cls, a.node, params=params))


@reached_by(np.partition)
def partition(a: Any, kth: Any, axis: Any = -1) -> Handle:
    """The elements with those of some ranks where sorting would put them."""
    return _parted(Partition, a, kth, axis)


@reached_by(np.argpartition, method="argpartition")
def argpartition(a: Any, kth: Any, axis: Any = -1) -> Handle:
    """The order that puts the elements of some ranks where sorting would."""
    return _parted(ArgPartition, a, kth, axis)


@reached_by(np.lexsort)
def lexsort(keys: Any, axis: int = -1) -> Handle:
    """The order that sorts by the last of some keys, ties by those before it."""
    nodes = active_nodes()
    handles: list[Handle] = [handle_of(one) for one in keys]
    operands: list[sympy.Expr] = [one.node for one in handles]
    params = (axis_of(axis, handles[0].ndim),)
    return Handle(nodes, nodes.make(LexSort, *operands, params=params))
