"""Elementwise operations on neighbouring slices as one operation on all of them.

In and out: a graph. exp(x[:, :4]) and exp(x[:, 4:8]) are slices of exp(x[:, :8]); what
is computed of such slices in the same way is a slice itself. Linear in the number of
nodes.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

import sympy

from ...graph import Graph, Nodes
from ...ops.handle import Handle
from ...ops.indexing import Index
from ...ops.keys import WHOLE
from ...ops.table import ROWS
from ..rebuild import rebuild

__all__ = ["neighbouring_slices"]

ELEMENTWISE = ("elementwise", "transcendental")


@dataclass(frozen=True)
class Slice:
    """What a node is a slice of, along which axis, from where to where.

    whole: the number of an array, or of the operation that would make it.
    """

    whole: int
    axis: int
    start: int
    stop: int


def neighbouring_slices(graph: Graph) -> Graph:
    """Return the graph with the operations on neighbouring slices as one."""
    slices = _slices(graph)
    runs = _runs(graph, slices)
    made: dict[Slice, sympy.Expr] = {}

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
    ) -> sympy.Expr | None:
        run = runs.get(id(node))
        if run is None:
            return None
        own = slices[id(node)]
        if run not in made:
            before, behind = own.start - run.start, run.stop - own.stop
            wide = [_widened(nodes, one, own.axis, before, behind) for one in operands]
            params = getattr(node, "params", ())
            made[run] = nodes.make(type(node), *wide, params=params)
        key = slice(own.start - run.start, own.stop - run.start)
        return Handle(nodes, made[run])[(*_every(own.axis), key)].node

    return rebuild(graph, rewrite) if runs else graph


def _slices(graph: Graph) -> dict[int, Slice]:
    """Return of what each node is a slice."""
    nodes = graph.nodes
    numbers: dict[tuple, int] = {}
    slices: dict[int, Slice] = {}
    for node in graph.walk():
        found = _taken(nodes, node) or _computed(nodes, node, slices)
        if found is not None:
            what, axis, start, stop = found
            number = numbers.setdefault(what, len(numbers))
            slices[id(node)] = Slice(number, axis, start, stop)
    return slices


def _taken(nodes: Nodes, node: sympy.Expr) -> tuple[tuple, int, int, int] | None:
    """Return for x[:, a:b] what tells x from others, the axis, a and b; else None."""
    if not isinstance(node, Index) or len(nodes[node].operands) > 1:
        return None
    (key,), (x,) = node.params, nodes[node].operands
    *before, last = key
    axis = len(before)
    length = nodes.shape(x)[axis] if all(one == WHOLE for one in before) else None
    if last[0] != "slice" or not isinstance(length, int):
        return None
    if not all(one is None or isinstance(one, int) for one in last[1:]):
        return None
    start, stop, step = slice(*last[1:]).indices(length)
    return ((id(x),), axis, start, stop) if step == 1 and start < stop else None


def _computed(
    nodes: Nodes, node: sympy.Expr, slices: dict[int, Slice]
) -> tuple[tuple, int, int, int] | None:
    """Return the same for what is computed of slices and numbers alone."""
    info = nodes[node]
    if not info.operands or ROWS[type(node)].kind not in ELEMENTWISE:
        return None
    arrays = [one for one in info.operands if nodes.shape(one)]
    parts = [slices.get(id(one)) for one in arrays]
    first = parts[0] if parts else None
    if first is None or any(nodes.shape(one) != info.shape for one in arrays):
        return None
    where = (first.axis, first.start, first.stop)
    if any(one is None or (one.axis, one.start, one.stop) != where for one in parts):
        return None
    operands = (
        slices[id(one)].whole if nodes.shape(one) else (id(one),)
        for one in info.operands
    )
    params = getattr(node, "params", ())
    return (type(node), params, info.backward, *operands), *where


def _runs(graph: Graph, slices: dict[int, Slice]) -> dict[int, Slice]:
    """Return of each node that is computed together with others what they make up."""
    wholes: defaultdict[tuple[int, int], list[sympy.Expr]] = defaultdict(list)
    for node in graph.walk():
        own = slices.get(id(node))
        if own is not None and not isinstance(node, Index):
            wholes[own.whole, own.axis].append(node)
    runs: dict[int, Slice] = {}
    for several in wholes.values():
        several.sort(key=lambda node: slices[id(node)].start)
        run: list[sympy.Expr] = []
        for node in several:
            if run and slices[id(run[-1])].stop != slices[id(node)].start:
                runs.update(_together(run, slices))
                run = []
            run.append(node)
        runs.update(_together(run, slices))
    return runs


def _together(run: list[sympy.Expr], slices: dict[int, Slice]) -> dict[int, Slice]:
    """Return what neighbours make up, for each of them."""
    first, last = slices[id(run[0])], slices[id(run[-1])]
    whole = replace(first, stop=last.stop)
    return dict.fromkeys(map(id, run), whole) if len(run) > 1 else {}


def _widened(
    nodes: Nodes, node: sympy.Expr, axis: int, before: int, behind: int
) -> sympy.Expr:
    """Return a slice with as many elements more before and behind it; numbers as they
    are.
    """
    if not nodes.shape(node):
        return node
    found = _taken(nodes, node)
    assert found is not None
    _, _, start, stop = found
    (x,) = nodes[node].operands
    start, stop = start - before, stop + behind
    if (start, stop) == (0, nodes.shape(x)[axis]):
        return x
    key = slice(start, stop)
    return Handle(nodes, x)[(*_every(axis), key)].node


def _every(axis: int) -> tuple[slice, ...]:
    return (slice(None),) * axis
