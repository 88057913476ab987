"""Reductions over axes of a few elements as operations on slices, which NumPy does
faster: max(x, axis) is maximum(x[0], x[1]).

In and out: a graph with its gradient. Sums along the last axis stay as they are: they
are products with ones. Linear in the number of nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import product
from typing import Any

import numpy as np
import sympy

from ...graph import Graph, Nodes
from ...ops.contraction import Contraction
from ...ops.elementwise import Cast, cast
from ...ops.handle import Handle
from ...ops.layout import Reshape, reshape
from ...ops.reductions import Max, Min
from ...shapes import is_floating
from ..rebuild import rebuild
from .costs import CALL, elements

__all__ = ["short_axes"]

SHORT = 4  # axes of no more elements

JOINING: dict[type, Callable[[Any, Any], Any]] = {
    Max: np.maximum,
    Min: np.minimum,
    Contraction: np.add,
}


def short_axes(graph: Graph) -> Graph:
    """Return the graph with reductions over short axes slice by slice."""
    return rebuild(graph, _by_slices)


def _by_slices(
    nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
) -> sympy.Expr | None:
    """Return a reduction over short axes as operations on slices, else None."""
    if isinstance(node, Cast):
        return _counted(nodes, node, operands[0])
    if type(node) not in JOINING or len(operands) > 1:
        return None
    slices = _slices(nodes, node, operands[0])
    if not slices or nodes.dtype(operands[0]) == "bool":
        return None
    return reduce(JOINING[type(node)], slices).node


def _counted(nodes: Nodes, node: Cast, count: sympy.Expr) -> sympy.Expr | None:
    """Return how many elements hold as a sum of reals, where it is to be a real."""
    (dtype,), reduction = node.params, count
    if isinstance(count, Reshape):
        (reduction,) = nodes[count].operands
    if not isinstance(reduction, Contraction) or not is_floating(dtype):
        return None
    x, *others = nodes[reduction].operands
    slices = [] if others else _slices(nodes, reduction, x)
    if not slices or nodes.dtype(x) != "bool":
        return None
    total = reduce(JOINING[Contraction], [cast(one, dtype) for one in slices])
    return reshape(total, nodes.shape(count)).node


def _slices(nodes: Nodes, node: sympy.Expr, x: sympy.Expr) -> list[Handle]:
    """Return what a reduction is of, one place along its axes after the other; nothing
    where that does not pay.
    """
    axes, shape = _reduced(node), nodes.shape(x)
    sizes = [shape[axis] for axis in axes]
    short = all(isinstance(one, int) and 1 < one <= SHORT for one in sizes)
    along_last = isinstance(node, Contraction) and axes[-1:] == (len(shape) - 1,)
    few = len(axes) not in (1, 2) or elements(nodes, x) < 2 * CALL
    if not short or along_last or few:
        return []
    keys = (
        range(size) if axis in axes else [slice(None)]
        for axis, size in enumerate(shape)
    )
    return [Handle(nodes, x)[key] for key in product(*keys)]


def _reduced(node: sympy.Expr) -> tuple[int, ...]:
    """Return the axes over which a reduction goes, none where it does more."""
    if not isinstance(node, Contraction):
        return node.params[0]
    (indices,), output = node.params
    if len(set(indices)) < len(indices) or sorted(output) != list(output):
        return ()
    return tuple(axis for axis, index in enumerate(indices) if index not in output)
