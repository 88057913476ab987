"""Sums of products of elements as inner products, which make no array of the products:
sum(x * y) is vdot(x, y), sum(z - x * y) is sum(z) - vdot(x, y).

In and out: a graph with its gradient. Sums over the first axes stay as they are: they
are products with ones. Linear in the number of nodes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import sympy

from ...graph import Graph, Nodes, number_of
from ...ops.arithmetic import is_negative
from ...ops.contraction import Contraction, contract
from ...ops.handle import Handle
from ...shapes import FLOATS
from ..rebuild import read_once, rebuild

__all__ = ["inner_products", "sums_of_terms"]


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


def sums_of_terms(graph: Graph) -> Graph:
    """Return the graph with products apart from the sums in which all elements are."""
    once = read_once(graph)

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
    ) -> sympy.Expr | None:
        if not isinstance(node, Contraction) or len(operands) > 1 or node.params[1]:
            return None
        (old,), ((indices,), _) = graph.nodes[node].operands, node.params
        rest: list[Handle] = []
        products: list[Handle] = []
        for is_minus, before, one in _terms(graph, nodes, once, old, operands[0]):
            if nodes.shape(one) != nodes.shape(operands[0]):
                return None
            factors = _factors(nodes, one) if id(before) in once else None
            if factors is None:
                rest.append(_signed(Handle(nodes, one), is_minus))
            else:
                product = contract(factors, [indices, indices], ())
                products.append(_signed(product, is_minus))
        if not products or len(rest) + len(products) < 2:
            return None
        whole = [contract([_sum(rest)], [indices], ())] if rest else []
        return _sum([*whole, *products]).node

    return rebuild(graph, rewrite)


def _terms(
    graph: Graph,
    nodes: Nodes,
    once: Collection[int],
    before: sympy.Expr,
    node: sympy.Expr,
) -> Iterator[tuple[bool, sympy.Expr, sympy.Expr]]:
    """Yield the terms of a sum: whether it is less each, its old node and its new one."""
    pending = [(False, before, node)]
    while pending:
        is_minus, before, node = pending.pop()
        pairs = zip(graph.nodes[before].operands, nodes[node].operands, strict=True)
        if id(before) in once and isinstance(node, sympy.Add):
            pending += reversed([(is_minus, *pair) for pair in pairs])
        elif id(before) in once and is_negative(node):
            pending += [(not is_minus, *pair) for pair in pairs][1:]
        else:
            yield is_minus, before, node


def _signed(term: Handle, is_minus: bool) -> Handle:
    return -term if is_minus else term


def _sum(terms: list[Handle]) -> Handle:
    total, *others = terms
    for one in others:
        total = total + one
    return total


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
