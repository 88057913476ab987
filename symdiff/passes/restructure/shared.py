"""Products with one operand in common as one product, taken apart again:
x @ A, x @ B are parts of x @ [A, B].

In and out: a graph. Products are computed together that do not depend on each other.
Each node has a level, above those of its operands; what is joined comes to one level
below all that reads it, so that no circle arises, whatever else is joined. Linear in
the number of nodes, but for sorting.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sympy

from ...graph import Graph, Nodes
from ...ops.contraction import Contraction, contract
from ...ops.handle import Handle
from ..rebuild import rebuild
from .costs import CALL, elements
from .joining import in_turn, joined, whole

__all__ = ["shared_operands"]

Group = list[sympy.Expr]


@dataclass(frozen=True)
class Kind:
    """What products have in common that can be one.

    place: of the shared operand. index: of the other operands, along which they are
    joined.
    """

    shared: int
    place: int
    index: int
    params: tuple
    rest: tuple


def shared_operands(graph: Graph) -> Graph:
    """Return the graph with products that share an operand as one."""
    groups = _groups(graph)
    if not groups:
        return graph
    of = {id(one): (kind, group) for kind, group in groups for one in group}
    done: dict[int, sympy.Expr] = {}
    parts: dict[int, Handle] = {}

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
    ) -> sympy.Expr | None:
        if id(node) not in of:
            return None
        if id(node) not in parts:
            kind, group = of[id(node)]
            made = _taken_apart(graph.nodes, kind, group, nodes, done)
            parts.update(zip(map(id, group), made, strict=True))
        return parts[id(node)].node

    together = {one: group for one, (_, group) in of.items()}
    return rebuild(graph, rewrite, done, _order(graph, together))


# Finding them.


def _groups(graph: Graph) -> list[tuple[Kind, Group]]:
    """Return the groups of products to compute together, larger ones first."""
    nodes, levels = graph.nodes, _Levels(graph)
    alike: defaultdict[Kind, Group] = defaultdict(list)
    for node in graph.walk():
        for kind in _kinds(nodes, node):
            alike[kind].append(node)
    runs: list[tuple[Kind, Group]] = []
    taken: set[int] = set()
    for kind, group in sorted(alike.items(), key=lambda item: -len(item[1])):
        left = [one for one in group if id(one) not in taken]
        for run in levels.runs(left, kind):
            runs.append((kind, run))
            taken.update(map(id, run))
    uses = Counter(_others(nodes, kind, run) for kind, run in runs)
    return [(kind, run) for kind, run in runs if _pays(nodes, kind, run, uses)]


def _kinds(nodes: Nodes, node: sympy.Expr) -> Iterator[Kind]:
    """Yield the kinds of a product: by its first operand, by its second."""
    operands = nodes[node].operands
    if not isinstance(node, Contraction) or len(operands) != 2:
        return
    inputs, output = node.params
    if {*inputs[0]} | {*inputs[1]} == {*output}:
        return  # nothing is summed
    for place in range(2):
        other, own = operands[1 - place], inputs[1 - place]
        free = [i for i in own if i in output and i not in inputs[place]]
        if free and len(set(own)) == len(own):
            shape = nodes.shape(other)
            rest = tuple(one for i, one in zip(own, shape, strict=True) if i != free[0])
            yield Kind(id(operands[place]), place, free[0], node.params, rest)


def _others(nodes: Nodes, kind: Kind, group: Group) -> tuple[int, ...]:
    return tuple(id(nodes[one].operands[1 - kind.place]) for one in group)


def _pays(nodes: Nodes, kind: Kind, group: Group, uses: Counter) -> bool:
    others = [nodes[one].operands[1 - kind.place] for one in group]
    copied = 0 if whole(nodes, others) else sum(elements(nodes, one) for one in others)
    times = uses[_others(nodes, kind, group)]
    return len(group) > 1 and copied < times * (len(group) - 1) * CALL


class _Levels:
    """The level of each node: above those of its operands."""

    def __init__(self, graph: Graph) -> None:
        self.nodes = graph.nodes
        self.level: dict[int, int] = {}
        self.readers: defaultdict[int, list[int]] = defaultdict(list)
        for node in graph.walk():
            operands = self.nodes[node].operands
            self.level[id(node)] = 1 + self._highest(operands)
            for one in operands:
                self.readers[id(one)].append(id(node))

    def _highest(self, some: Iterable[sympy.Expr]) -> int:
        return max((self.level[id(one)] for one in some), default=0)

    def runs(self, group: Group, kind: Kind) -> Iterator[Group]:
        """Yield those of a group that can be computed at one level, and bring them there."""

        def own(node: sympy.Expr) -> int:
            return 1 + self._highest(self.nodes[node].operands)

        run: Group = []
        bound = math.inf
        for node in sorted(group, key=own):
            reading = min(
                (self.level[one] for one in self.readers[id(node)]), default=math.inf
            )
            if run and own(node) >= min(bound, reading):
                yield self._brought(run, own(run[-1]))
                run, bound = [], math.inf
            run.append(node)
            bound = min(bound, reading)
        if run:
            yield self._brought(run, own(run[-1]))

    def _brought(self, run: Group, level: int) -> Group:
        self.level.update(dict.fromkeys(map(id, run), level))
        return in_turn(self.nodes, run)


def _order(graph: Graph, together: dict[int, Group]) -> list[sympy.Expr]:
    """Return the nodes with the operands of all of a group before its first."""
    nodes, done = graph.nodes, set[int]()
    order: list[sympy.Expr] = []
    pending = [*graph.walk()][::-1]
    while pending:
        node = pending[-1]
        group = together.get(id(node), [node])
        needed = [
            operand
            for one in group
            for operand in nodes[one].operands
            if id(operand) not in done
        ]
        if needed and id(node) not in done:
            pending += needed[::-1]
            continue
        pending.pop()
        if id(node) not in done:
            done.add(id(node))
            order.append(node)
    return order


# Computing them.


def _taken_apart(
    old: Nodes, kind: Kind, group: Group, nodes: Nodes, done: dict[int, sympy.Expr]
) -> Iterator[Handle]:
    """Yield the products of a group as parts of one."""
    (inputs, output), place = kind.params, kind.place
    others = [old[one].operands[1 - place] for one in group]
    own = inputs[1 - place]
    pair = [Handle(nodes, done[kind.shared])] * 2
    pair[1 - place] = joined(
        nodes, [done[id(one)] for one in others], own.index(kind.index)
    )
    product = contract(pair, inputs, output)
    before = (slice(None),) * output.index(kind.index)
    start = 0
    for one in others:
        stop = start + old.shape(one)[own.index(kind.index)]
        yield product[(*before, slice(start, stop))]
        start = stop
