"""A branch of `where` that is not taken is computed at a safe argument.

In: a traced graph. Out: the graph in which each function whose domain is limited, and
whose value is asked for only under a mask, has `where(mask, x, 1)` for its argument x,
or another number inside its domain. The value is the same; no warning and no infinite
slope comes from the branch that is not taken. Left as they are: arguments that cannot
leave the domain, and those by which the mask itself is computed.
"""

from __future__ import annotations

import heapq
from dataclasses import replace

import sympy

from ..graph import Graph, Nodes
from ..ops.choices import safe
from ..ops.domains import Domain
from ..ops.handle import Handle
from ..ops.table import ROWS
from ..shapes import is_weak
from ..source import distinct
from ..timings import stage
from .demand import demand, onto
from .ranges import ranges
from .rebuild import rebuild
from .stabilise.table import REWRITES, Rewrite

__all__ = ["SAFE_WHERE", "guard"]

SAFE_WHERE = Rewrite(
    "safe-where",
    "where(m, f(x), y) = where(m, f(where(m, x, 1)), y)",
    "all x; 1 or another number that f is defined at",
)
REWRITES[SAFE_WHERE.name] = SAFE_WHERE

# For each operand of a node the mask outside of which it is replaced, and by what.
Guards = dict[int, list[tuple[sympy.Expr, float] | None]]


@stage("guard")
def guard(graph: Graph) -> Graph:
    """Return the graph whose branches are computed at safe arguments."""
    guards = _guards(graph)
    if not guards:
        return graph
    order = _order(graph, guards)
    done: dict[int, sympy.Expr] = {}

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
    ) -> sympy.Expr | None:
        if id(node) not in guards:
            return None
        kept = [
            one if given is None else _safe(nodes, done[id(given[0])], one, given[1])
            for one, given in zip(operands, guards[id(node)], strict=True)
        ]
        return nodes.make(type(node), *kept, params=getattr(node, "params", ()))

    made = rebuild(graph, rewrite, done, order)
    notes = distinct(
        SAFE_WHERE.note(graph.nodes[node].position)
        for node in order
        if id(node) in guards
    )
    return replace(made, rewrites=(*graph.rewrites, *notes))


def _safe(nodes: Nodes, mask: sympy.Expr, x: sympy.Expr, inside: float) -> sympy.Expr:
    """Return x where the mask holds, elsewhere a number, by the name of this rewrite."""
    with nodes.rewriting(SAFE_WHERE.name):
        return safe(Handle(nodes, mask), Handle(nodes, x), inside).node


def _guards(graph: Graph) -> Guards:
    """Return the guards of each node that needs some."""
    nodes, masks, known = graph.nodes, demand(graph), ranges(graph)
    guards: Guards = {}
    for node in graph.walk():
        domains = ROWS[type(node)].domain if nodes[node].operands else ()
        domains = domains(nodes, node) if callable(domains) else domains
        if not domains or id(node) not in masks:
            continue
        found = [
            _guard(masks[id(node)], domain, nodes, one, known[id(one)])
            for one, domain in zip(nodes[node].operands, domains, strict=True)
        ]
        if any(found):
            guards[id(node)] = found
    return guards


def _guard(
    mask: Handle,
    domain: Domain | None,
    nodes: Nodes,
    x: sympy.Expr,
    known: tuple[float, float],
) -> tuple[sympy.Expr, float] | None:
    if domain is None or domain.holds(*known) or is_weak(nodes.dtype(x)):
        return None
    with_shape = onto(mask, nodes.shape(x))
    return None if with_shape is None else (with_shape.node, domain.inside)


def _order(graph: Graph, guards: Guards) -> list[sympy.Expr]:
    """Return the nodes, masks before what they guard, else in the order made.

    A node by which its own mask is computed loses its guard.
    """
    nodes = graph.nodes
    masks = [given[0] for one in guards.values() for given in one if given]
    walk = graph.reach([*graph.outputs.values(), *masks])
    place = _places(graph, walk)
    after: dict[int, list[sympy.Expr]] = {id(node): [] for node in walk}
    waits = {}
    for node in walk:
        needed = [*nodes[node].operands]
        needed += [given[0] for given in guards.get(id(node), ()) if given]
        waits[id(node)] = len(needed)
        for one in needed:
            after[id(one)].append(node)
    ready = [(*place[id(node)], node) for node in walk if not waits[id(node)]]
    heapq.heapify(ready)
    order: list[sympy.Expr] = []
    left = {id(node): node for node in walk}
    while left:
        if not ready:
            first = next(iter(left.values()))
            del guards[id(first)]
            ready.append((*place[id(first)], first))
        node = heapq.heappop(ready)[-1]
        if left.pop(id(node), None) is None:
            continue
        order.append(node)
        for one in after[id(node)]:
            waits[id(one)] -= 1
            if not waits[id(one)]:
                heapq.heappush(ready, (*place[id(one)], one))
    return order


def _places(graph: Graph, walk: list[sympy.Expr]) -> dict[int, tuple[int, int]]:
    """Return where each node stands; masks right after the conditions they are made of."""
    nodes = graph.nodes
    own = {id(node) for node in graph.walk()}
    place: dict[int, tuple[int, int]] = {}
    for node in walk:
        index = nodes[node].index
        inner = [place[id(one)][0] for one in nodes[node].operands]
        place[id(node)] = (index if id(node) in own else max(inner, default=0), index)
    return place
