"""Deviations from a mean, which add up to 0 along the axes of the mean."""

from __future__ import annotations

import sympy

from ..graph import Nodes
from ..ops.arithmetic import is_negative
from ..ops.contraction import Contraction
from ..ops.layout import Broadcast, Reshape
from ..shapes import product

__all__ = ["vanishes"]


def vanishes(nodes: Nodes, node: sympy.Expr, params: tuple) -> bool:
    """Return whether a node is x less its mean along the axes of a sum."""
    if not isinstance(node, sympy.Add):
        return False
    x, minus = nodes[node].operands
    if not is_negative(minus):
        return False
    mean = _without_layout(nodes, nodes[minus].operands[1])
    if not isinstance(mean, sympy.Mul):
        return False
    total, over = nodes[mean].operands
    sums = nodes.found(Contraction, x, params=params)
    return (
        sums is not None
        and _without_layout(nodes, total) is sums
        and over is nodes.found(sympy.Pow, _count(nodes, x, params), nodes.number(-1))
    )


def _without_layout(nodes: Nodes, node: sympy.Expr) -> sympy.Expr:
    while isinstance(node, Reshape | Broadcast):
        (node,) = nodes[node].operands
    return node


def _count(nodes: Nodes, x: sympy.Expr, params: tuple) -> sympy.Expr:
    """Return how many elements a sum adds up, as a node."""
    (indices,), output = params
    sizes = zip(indices, nodes.shape(x), strict=True)
    return nodes.size(product(size for index, size in sizes if index not in output))
