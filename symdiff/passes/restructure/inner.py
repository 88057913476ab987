"""Sums of products of elements as inner products, which make no array of the products:
sum(x * y) is vdot(x, y).

In and out: a graph with its gradient. Sums over the first axes stay as they are: they
are products with ones. Linear in the number of nodes.
"""

from __future__ import annotations

import sympy

from ...graph import Graph, Nodes, number_of
from ...ops.contraction import Contraction, contract
from ...ops.handle import Handle
from ...shapes import FLOATS
from ..rebuild import read_once, rebuild

__all__ = ["inner_products"]


def inner_products(graph: Graph) -> Graph:
    """Return the graph with products that only a sum reads within the sum."""
    once = read_once(graph)

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
    ) -> sympy.Expr | None:
        if not isinstance(node, Contraction) or len(operands) > 1:
            return None
        (old,) = graph.nodes[node].operands
        factors = _factors(nodes, operands[0]) if id(old) in once else None
        (indices,), output = node.params
        if factors is None or indices[len(indices) - len(output) :] == output != ():
            return None
        return contract(factors, [indices, indices], output).node

    return rebuild(graph, rewrite)


def _factors(nodes: Nodes, node: sympy.Expr) -> tuple[Handle, Handle] | None:
    """Return the two factors of a product of reals of one shape and dtype, else None."""
    operands = nodes[node].operands
    if len(operands) != 2:
        return None
    x, y = operands
    if isinstance(node, sympy.Pow) and number_of(y) == 2:
        y = x
    elif not isinstance(node, sympy.Mul):
        return None
    form = nodes.shape(node), nodes.dtype(node)
    alike = all((nodes.shape(one), nodes.dtype(one)) == form for one in (x, y))
    fits = alike and form[1] in FLOATS
    return (Handle(nodes, x), Handle(nodes, y)) if fits else None
