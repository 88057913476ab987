"""Which operations do with each row of an array the same, whatever the others are.

In: a node, and the number of rows along the first axis. Out: which of its operands it
reads row by row; the others it reads whole for each row. None where a row of the result
takes more than that row.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy

from ..graph import Nodes
from ..ops.contraction import Contraction, indices_of
from ..ops.layout import Broadcast, Reshape
from ..ops.reductions import Max, Min, Prod
from ..ops.table import ROWS
from ..shapes import Shape, Size, product

__all__ = ["made_of_rows", "sum_of_rows"]

ByRows = tuple[bool, ...]


def made_of_rows(nodes: Nodes, node: sympy.Expr, count: Size) -> ByRows | None:
    """Return which operands have a row for each row of the result."""
    shape = nodes.shape(node)
    if not shape or shape[0] != count:
        return None
    if isinstance(node, Contraction):
        return _along(nodes, node, indices_of(node)[1][0])
    if isinstance(node, Max | Min | Prod):
        return None if 0 in node.params[0] else (True,)
    shapes = [nodes.shape(one) for one in nodes[node].operands]
    if isinstance(node, Reshape):
        return _reshaped(shapes[0], shape)
    if ROWS[type(node)].kind in ("elementwise", "transcendental"):
        return _aligned(shapes, shape)
    return _aligned(shapes, shape) if isinstance(node, Broadcast) else None


def sum_of_rows(nodes: Nodes, node: sympy.Expr, count: Size) -> ByRows | None:
    """Return which operands have a row for each term, where a node is a sum of such."""
    if not isinstance(node, Contraction):
        return None
    inputs, output = indices_of(node)
    operands = zip(inputs, nodes[node].operands, strict=True)
    summed = (
        indices[0]
        for indices, one in operands
        if indices[0] not in output and nodes.shape(one)[0] == count
    )
    return _along(nodes, node, next(summed, None))


def _along(nodes: Nodes, node: sympy.Expr, index: int | None) -> ByRows | None:
    """Return which operands of a contraction have an index, as their first alone.

    A product of matrices is none: it is the faster the more rows it has.
    """
    inputs, _ = indices_of(node)
    if index is None or any(index in one[1:] for one in inputs):
        return None
    sizes: dict[int, Size] = {}
    for indices, one in zip(inputs, nodes[node].operands, strict=True):
        sizes |= zip(indices, nodes.shape(one), strict=True)
    arrays = (nodes.shape(one) for one in (node, *nodes[node].operands))
    work = product(sizes.values())
    light = len(inputs) == 1 or any(product(shape) == work for shape in arrays)
    return tuple(one[0] == index for one in inputs) if light else None


def _reshaped(old: Shape, new: Shape) -> ByRows | None:
    """Return whether a reshape puts in or takes out axes of size 1 behind the first."""
    grown = len(old) != len(new)
    kept = [tuple(size for size in one if size != 1) for one in (old, new)]
    return (True,) if grown and old[:1] == new[:1] and kept[0] == kept[1] else None


def _aligned(shapes: Sequence[Shape], shape: Shape) -> ByRows | None:
    """Return which arrays have the first axis of what they are broadcast to."""
    full = [one for one in shapes if len(one) == len(shape)]
    if any(one[0] not in (1, shape[0]) for one in full):
        return None
    return tuple(len(one) == len(shape) and one[0] == shape[0] for one in shapes)
