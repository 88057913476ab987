"""How large the integers of an argument may be: those that index an axis, by the axis.

In: a graph. Out: for each integer input that is an index, the smallest axis that it
indexes. Made-up arguments are drawn below it.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy

from .graph import Graph, Variable
from .ops.indexing import Index
from .ops.table import ROWS
from .shapes import Size, smallest

__all__ = ["index_bounds", "values_at"]


def index_bounds(graph: Graph) -> dict[str, Size]:
    """Return the exclusive bound of each integer input that is used as an index, by
    name.
    """
    bounds: dict[str, Size] = {}
    for node in graph.walk():
        if not isinstance(node, Index):
            continue
        operands = graph.nodes[node].operands
        shape, axis = graph.nodes.shape(operands[0]), 0
        for entry in node.params[0]:
            if entry[0] == "array":
                name = _input_behind(graph, operands[1 + entry[1]])
                if name is not None:
                    length = shape[axis]
                    bounds[name] = (
                        smallest(bounds[name], length) if name in bounds else length
                    )
            axis += entry[0] != "new"
    return bounds


def _input_behind(graph: Graph, node: sympy.Expr) -> str | None:
    """Return the name of the input that a node is a view of, or None."""
    while not isinstance(node, Variable):
        row = ROWS.get(type(node))
        if row is None or row.kind != "view":
            return None
        node = graph.nodes[node].operands[0]
    return node.name


def values_at(bounds: Mapping[str, Size], sizes: Mapping[str, int]) -> dict[str, int]:
    """Return the bounds as numbers, for given sizes."""
    values = {}
    for name, bound in bounds.items():
        if not isinstance(bound, int):
            bound = int(bound.subs({s: sizes[s.name] for s in bound.free_symbols}))
        values[name] = bound
    return values
