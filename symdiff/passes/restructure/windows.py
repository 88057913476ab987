"""Products with sliding windows as products of matrices, the batch behind all other axes.

In and out: a graph before it is differentiated. The windows become the columns of a
matrix, copied once for both passes: kernels @ columns. What is computed of the product
keeps this order of its axes for as far as `reordered` can follow it. The gradient
follows of itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy

from ...graph import Graph, Nodes
from ...ops.contraction import Contraction, contract
from ...ops.handle import Handle
from ...ops.layout import Transpose, reshape, transpose
from ...ops.windows import Windows, contiguous, windows_of
from ...shapes import Size, product
from .transposes import reordered

__all__ = ["columns"]

Indices = tuple[int, ...]


def columns(graph: Graph) -> Graph:
    """Return the graph with products of windows as matrix products."""
    if not any(isinstance(node, Windows) for node in graph.walk()):
        return graph
    return reordered(graph, _product)


def _product(
    nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
) -> sympy.Expr | None:
    """Return a product of windows as one of their columns, None for other nodes."""
    if not isinstance(node, Contraction) or len(operands) != 2:
        return None
    (a, b), ((first, second), output) = operands, node.params
    if isinstance(b, Windows):
        return _by_columns(nodes, (a, first), (b, second), output)
    if isinstance(a, Windows):
        return _by_columns(nodes, (b, second), (a, first), output)
    return None


def _by_columns(
    nodes: Nodes,
    kernels: tuple[sympy.Expr, Indices],
    windows: tuple[sympy.Expr, Indices],
    output: Indices,
) -> sympy.Expr | None:
    """Return kernels @ columns in the product's own order of axes.

    None unless all that kernels and windows have in common is summed, the windows' own
    axes among it, and nothing else.
    """
    (kernel, own), (node, theirs) = kernels, windows
    summed = tuple(i for i in own if i in theirs)
    free = tuple(i for i in own if i not in theirs)
    slid = tuple(theirs[axis] for axis in node.params[1])
    rest = tuple(i for i in theirs if i not in (*summed, *slid))
    left = (*slid, *rest)
    inside = theirs[-len(slid) :]
    if sorted(output) != sorted((*free, *left)) or not set(inside) <= set(summed):
        return None
    sizes: dict[int, Size] = dict(zip(own, nodes.shape(kernel), strict=True))
    sizes |= dict(zip(theirs, nodes.shape(node), strict=True))
    rows, inner, across = (
        product(sizes[i] for i in some) for some in (free, summed, left)
    )
    matrix = transpose(Handle(nodes, kernel), [own.index(i) for i in (*free, *summed)])
    made = contract(
        [
            reshape(matrix, (rows, inner)),
            reshape(_columns(nodes, node, theirs, (*summed, *left)), (inner, across)),
        ],
        [(0, 1), (1, 2)],
        (0, 2),
    )
    made = reshape(made, tuple(sizes[i] for i in (*free, *left)))
    return transpose(made, [(*free, *left).index(i) for i in output]).node


def _columns(
    nodes: Nodes, node: sympy.Expr, indices: Indices, wanted: Sequence[int]
) -> Handle:
    """Return windows with their axes in another order, as one block of memory."""
    (x,), (window, axes) = nodes[node].operands, node.params
    own, inside = indices[: -len(axes)], indices[-len(axes) :]
    order = tuple(i for i in wanted if i in own)
    ordered = transpose(Handle(nodes, x), [own.index(i) for i in order])
    if isinstance(ordered.node, Transpose):
        ordered = contiguous(ordered)
    found = windows_of(ordered, window, tuple(order.index(own[axis]) for axis in axes))
    return contiguous(transpose(found, [(*order, *inside).index(i) for i in wanted]))
