"""Formulas made accurate before they are differentiated: the rewrites of a table.

In: a traced graph and the settings that choose rewrites by name. Out: a graph with the
same value wherever the loss is defined, up to rounding, that says what was rewritten
where. Nothing is rewritten where its identity does not hold for certain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import sympy

from ...graph import Graph, Nodes
from ...ops.handle import Handle
from ...ops.layout import full_like_shape
from ...settings import Settings
from ...shapes import is_weak
from ...source import Note, distinct
from ...timings import stage
from ..rebuild import rebuild
from . import labels, logarithms, logistic, powers, products, removable
from .cancelling import consumers_of
from .shifts import LOG_SUM_EXP, SHIFT, SOFTMAX, constant_shifts, shifted_exponents
from .table import REWRITES, Rewrite, chosen

__all__ = [
    "REWRITES",
    "Rewrite",
    "chosen",
    "labels",
    "logarithms",
    "logistic",
    "powers",
    "products",
    "removable",
    "stabilise",
]

# How often a node may be rewritten before it is left as it is.
ROUNDS = 4


@stage("stabilise")
def stabilise(graph: Graph, settings: Settings) -> Graph:
    """Return the graph with the rewrites that the settings ask for."""
    rows = chosen(settings)
    if SHIFT.name in rows:
        graph = constant_shifts(graph)
    wanted = [one.name for one in (LOG_SUM_EXP, SOFTMAX) if one.name in rows]
    if wanted:
        graph = shifted_exponents(graph, wanted)
    for late in (False, True):
        graph = _each_node(graph, [one for one in rows.values() if one.late is late])
    return graph


def _each_node(graph: Graph, rows: Iterable[Rewrite]) -> Graph:
    """Return the graph whose nodes are what the rules make of them."""
    by_class: dict[type, list[Rewrite]] = {}
    for row in rows:
        for cls in row.nodes:
            by_class.setdefault(cls, []).append(row)
    if not by_class:
        return graph
    fired: list[tuple[sympy.Expr, Note]] = []
    readers = consumers_of(graph, graph.walk())

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
    ) -> sympy.Expr | None:
        if type(node) not in by_class or is_weak(graph.nodes.dtype(node)):
            return None
        params = getattr(node, "params", ())
        made = nodes.make(type(node), *operands, params=params)
        first = graph.nodes[node].operands[0]
        alone = len(readers[id(first)]) == 1
        names: list[Rewrite] = []
        while len(names) < ROUNDS:
            found = _first(nodes, made, by_class, alone)
            if found is None:
                break
            made, row = found
            names.append(row)
        fired.extend((made, one.note(nodes.position)) for one in names)
        return made

    rebuilt = rebuild(graph, rewrite)
    if not fired:
        return graph
    kept = set(map(id, rebuilt.walk()))
    notes = distinct(note for made, note in fired if id(made) in kept)
    return replace(rebuilt, rewrites=(*graph.rewrites, *notes))


def _first(
    nodes: Nodes,
    node: sympy.Expr,
    rows: Mapping[type, Sequence[Rewrite]],
    alone: bool,
) -> tuple[sympy.Expr, Rewrite] | None:
    """Return what the first rule that holds makes of a node, and its row."""
    shape, dtype = nodes.shape(node), nodes.dtype(node)
    for row in rows.get(type(node), ()):
        if row.alone and not alone:
            continue
        with nodes.rewriting(row.name):
            assert row.rule is not None
            found = row.rule(Handle(nodes, node))
            if found is not None and found.node is not node:
                return full_like_shape(found, shape, dtype).node, row
    return None
