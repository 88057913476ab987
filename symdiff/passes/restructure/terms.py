"""What is added to each part of an array, added to the whole: x[0] + y + b, x[1] + z + b
are parts of x + b, and y and z added.

In and out: a graph with its gradient. The bias of a recurrent network is added once for
all of its steps, where their inputs are multiplied together. Linear in the number of
nodes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import sympy

from ...graph import Graph, Nodes
from ...ops.contraction import Contraction
from ...ops.indexing import Index
from ..rebuild import rebuild

__all__ = ["shared_terms"]

LONGEST = 12  # how many terms of a sum are looked at

Readers = dict[int, list[sympy.Expr]]


def shared_terms(graph: Graph) -> Graph:
    """Return the graph with terms that all parts of products have in these products."""
    terms, sums = _found(graph)
    if not terms:
        return graph
    done: dict[int, sympy.Expr] = {}

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
    ) -> sympy.Expr | None:
        if id(node) in sums:
            return operands[sums[id(node)]]
        beneath = graph.nodes[node].operands
        term = terms.get(id(beneath[0])) if isinstance(node, Index) else None
        if term is None:
            return None
        whole = nodes.make(sympy.Add, operands[0], done[id(term)])
        return nodes.make(Index, whole, params=node.params)

    return rebuild(graph, rewrite, done)


def _found(graph: Graph) -> tuple[dict[int, sympy.Expr], dict[int, int]]:
    """Return the term of each product, and of the sums that are to lose one the place of
    the operand that stays.
    """
    nodes = graph.nodes
    readers: Readers = defaultdict(list)
    for node in graph.walk():
        for one in nodes[node].operands:
            readers[id(one)].append(node)
    terms: dict[int, sympy.Expr] = {}
    sums: dict[int, int] = {}
    kept = set(map(id, graph.outputs.values()))
    for node in graph.walk():
        parts = readers[id(node)]
        if not isinstance(node, Contraction) or id(node) in kept or len(parts) < 2:
            continue
        if not all(isinstance(one, Index) for one in parts):
            continue
        added = [dict(_added(nodes, one, readers)) for one in parts]
        for key, (total, place) in added[0].items():
            term = nodes[total].operands[1 - place]
            losing = {id(each[key][0]): each[key][1] for each in added if key in each}
            each_its_own = len(losing) == len(parts) and not losing.keys() & sums.keys()
            if each_its_own and _fits(nodes, node, term, parts):
                terms[id(node)] = term
                sums |= losing
                break
    return terms, sums


def _added(
    nodes: Nodes, node: sympy.Expr, readers: Readers
) -> Iterator[tuple[int, tuple[sympy.Expr, int]]]:
    """Yield what is added to a node: its id, and the sum with the node's place in it."""
    for _ in range(LONGEST):
        reading = readers[id(node)]
        if len(reading) != 1 or not isinstance(reading[0], sympy.Add):
            return
        (total,) = reading
        operands = nodes[total].operands
        place = 0 if operands[0] is node else 1
        if nodes.shape(total) == nodes.shape(node):
            yield id(operands[1 - place]), (total, place)
        node = total


def _fits(
    nodes: Nodes, whole: sympy.Expr, term: sympy.Expr, parts: Sequence[sympy.Expr]
) -> bool:
    """Return whether a term is there in time, and the same for all rows of an array."""
    early = nodes[term].index < min(nodes[one].index for one in parts)
    rows = all(
        len(one.params[0]) == 1 and len(nodes[one].operands) == 1 for one in parts
    )
    shape, full = nodes.shape(term), nodes.shape(whole)
    fewer = 0 < len(shape) < len(full) and full[-len(shape) :] == shape
    return early and rows and fewer and nodes.dtype(term) == nodes.dtype(whole)
