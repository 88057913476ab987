"""The same operations on parts of an array as one on all of them: f(x[0]), f(x[1]) are
f(x[:2])[0] and f(x[:2])[1].

In and out: a graph with its gradient. Parts lie one behind the other along the first
axis, and are so small that a call takes longer than its elements. Linear in the number
of nodes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

import sympy

from ...graph import Graph, Info, Nodes, number_of
from ...ops.handle import Handle
from ...ops.indexing import Index
from ...ops.table import ROWS
from ..rebuild import rebuild
from .costs import CALL, elements
from .transposes import ELEMENTWISE

__all__ = ["parts_together"]

LARGEST = 16 * CALL  # elements of a part


@dataclass(frozen=True)
class Part:
    """A value computed of the part of an array at a place, as others of other parts.

    kind: what is computed, the same for all of them.
    """

    kind: int
    place: int


@dataclass(frozen=True)
class Run:
    """Values of neighbouring parts: start, stop are the places of the parts."""

    start: int
    stop: int


def parts_together(graph: Graph) -> Graph:
    """Return the graph with such operations as one for each run of parts."""
    found = _Found(graph)
    if not found.runs:
        return graph
    done: dict[int, sympy.Expr] = {}
    made: dict[tuple[int, Run], Handle] = {}

    def whole(nodes: Nodes, node: sympy.Expr, run: Run) -> sympy.Expr:
        """Return the array of what a node is for one part, for the parts of a run."""
        part = found.parts.get(id(node))
        if part is None:
            return done[id(node)]
        own = found.runs.get(id(node))
        if own is None:
            array, start = Handle(nodes, done[id(graph.nodes[node].operands[0])]), 0
        else:
            array, start = made[part.kind, own], own.start
        first, last = run.start - start, run.stop - start
        if first == 0 and last == array.sizes[0]:
            return array.node
        several = array[first:last].node
        nodes[several].take_name(found.called(part.kind, run))
        return several

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
    ) -> sympy.Expr | None:
        run = found.runs.get(id(node))
        if run is None:
            return None
        part = found.parts[id(node)]
        if (part.kind, run) not in made:
            arrays = [whole(nodes, one, run) for one in graph.nodes[node].operands]
            params = getattr(node, "params", ())
            one = nodes.make(type(node), *arrays, params=params)
            nodes[one].take_name(found.called(part.kind, run))
            made[part.kind, run] = Handle(nodes, one)
        return made[part.kind, run][part.place - run.start].node

    return rebuild(graph, rewrite, done)


class _Found:
    """What is computed of parts of arrays.

    parts: by the ids of nodes. alike: the nodes of a kind by the places of their parts.
    runs: those of two parts and more that operations are in, by the ids of nodes.
    """

    def __init__(self, graph: Graph) -> None:
        self.nodes = graph.nodes
        self.parts: dict[int, Part] = {}
        self.alike: defaultdict[int, dict[int, sympy.Expr]] = defaultdict(dict)
        kinds: dict[tuple, int] = {}
        for node in graph.walk():
            if (found := self._kind(node)) is not None:
                kind, place = kinds.setdefault(found[0], len(kinds)), found[1]
                self.parts[id(node)] = Part(kind, place)
                self.alike[kind][place] = node
        self.runs: dict[int, Run] = {}
        for group in self.alike.values():
            for run in _runs(sorted(group)):
                several = [group[place] for place in range(run.start, run.stop)]
                if len(several) > 1 and not isinstance(several[0], Index):
                    self.runs |= dict.fromkeys(map(id, several), run)

    def _kind(self, node: sympy.Expr) -> tuple[tuple, int] | None:
        """Return what a node has in common with others of other parts, and its place."""
        info = self.nodes[node]
        place = _place(self.nodes, node)
        if place is not None:
            return ("of", id(info.operands[0])), place
        if not info.operands or ROWS[type(node)].kind not in ELEMENTWISE:
            return None
        operands = [self.parts.get(id(one)) or one for one in info.operands]
        places = {one.place for one in operands if isinstance(one, Part)}
        beside = (one for one in operands if not isinstance(one, Part))
        if len(places) != 1 or any(number_of(one) is None for one in beside):
            return None
        same = (one.kind if isinstance(one, Part) else -id(one) for one in operands)
        params = getattr(node, "params", ())
        return (type(node), params, info.backward, *same), places.pop()

    def called(self, kind: int, run: Run) -> Info:
        """Return how the values of a run are called together: i_f_o for i, f and o."""
        places = range(run.start, run.stop)
        several = [self.nodes[self.alike[kind][place]] for place in places]
        names = [one.name or "" for one in several]
        return replace(several[0], name="_".join(names) if all(names) else None)


def _place(nodes: Nodes, node: sympy.Expr) -> int | None:
    """Return the place of a small part of an array along its first axis, else None."""
    if not isinstance(node, Index) or len(nodes[node].operands) > 1:
        return None
    (kind, *place), *others = node.params[0]
    few = kind == "at" and not others and elements(nodes, node) <= LARGEST
    known = few and isinstance(place[0], int) and place[0] >= 0
    return place[0] if known and nodes.shape(node) else None


def _runs(places: list[int]) -> Iterator[Run]:
    """Yield the runs of places."""
    start = places[0]
    for place, following in zip(places, [*places[1:], None], strict=True):
        if following != place + 1:
            yield Run(start, place + 1)
            start = following if following is not None else start
