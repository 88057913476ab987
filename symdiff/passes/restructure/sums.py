"""Sums of matrix products as one product: a @ b + c @ d = [a, c] @ [b, d].

In and out: a graph. Sums of one array are such products too, with ones. Only products
that nothing else reads are joined, and only where that copies less than it saves.
Linear in the number of nodes.
"""

from __future__ import annotations

import sympy

from ...graph import Graph, Nodes
from ...ops.contraction import Contraction, contract
from ...ops.handle import Handle
from ..rebuild import read_once, rebuild
from .costs import CALL, elements
from .joining import in_turn, joined, whole

__all__ = ["sums_of_products"]

Group = list[sympy.Expr]


def sums_of_products(graph: Graph) -> Graph:
    """Return the graph with sums of products as products of what is joined."""
    sums = _sums(graph)
    done: dict[int, sympy.Expr] = {}

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
    ) -> sympy.Expr | None:
        total: Handle | None = None
        for group in sums.get(id(node), ()):
            made = _product(graph.nodes, group, nodes, done)
            total = made if total is None else total + made
        return None if total is None else total.node

    return rebuild(graph, rewrite, done) if sums else graph


def _sums(graph: Graph) -> dict[int, list[Group]]:
    """Return the terms of each sum that has products to join, by the products' kind."""
    nodes, once = graph.nodes, read_once(graph)
    terms: dict[int, Group] = {}
    for node in graph.walk():
        operands = nodes[node].operands
        if isinstance(node, sympy.Add) and operands:
            parts = [
                terms.pop(id(one), [one]) if id(one) in once else [one]
                for one in operands
            ]
            terms[id(node)] = [one for part in parts for one in part]
    grouped = ((one, _groups(nodes, found, once)) for one, found in terms.items())
    return {
        one: groups for one, groups in grouped if any(group[1:] for group in groups)
    }


def _groups(nodes: Nodes, terms: Group, once: set[int]) -> list[Group]:
    """Return terms with those together that one product computes."""
    alike: dict[object, Group] = {}
    for place, one in enumerate(terms):
        kind = _kind(nodes, one) if id(one) in once else None
        alike.setdefault(place if kind is None else kind, []).append(one)
    groups: list[Group] = []
    for group in alike.values():
        group = in_turn(nodes, group)
        groups += [group] if _pays(nodes, group) else [[one] for one in group]
    return groups


def _kind(nodes: Nodes, node: sympy.Expr) -> tuple | None:
    """Return what products have in common that are joined along an axis they sum."""
    if not isinstance(node, Contraction) or _along(node) is None:
        return None
    operands = nodes[node].operands
    return node.params, tuple((nodes.shape(one), nodes.dtype(one)) for one in operands)


def _along(node: sympy.Expr) -> int | None:
    """Return an index that a product sums and all of its operands have once."""
    inputs, output = node.params
    for index in inputs[0]:
        if index not in output and all(one.count(index) == 1 for one in inputs):
            return index
    return None


def _pays(nodes: Nodes, group: Group) -> bool:
    columns = zip(*(nodes[one].operands for one in group), strict=True)
    copied = sum(
        sum(elements(nodes, one) for one in column)
        for column in columns
        if whole(nodes, column) is None
    )
    saved = (len(group) - 1) * (2 * CALL + elements(nodes, group[0]))
    return len(group) > 1 and copied < saved


def _product(
    old: Nodes, group: Group, nodes: Nodes, done: dict[int, sympy.Expr]
) -> Handle:
    """Return the sum of a group as one product."""
    if len(group) == 1:
        return Handle(nodes, done[id(group[0])])
    (inputs, output), index = group[0].params, _along(group[0])
    columns = zip(*(old[one].operands for one in group), strict=True)
    whole_operands = [
        joined(nodes, [done[id(one)] for one in column], own.index(index))
        for column, own in zip(columns, inputs, strict=True)
    ]
    return contract(whole_operands, inputs, output)
