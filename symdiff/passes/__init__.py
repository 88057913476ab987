"""The passes between the trace and the text, each a function from graph to graph.

Their order: `stabilise` rewrites what would overflow or cancel, `guard` computes the
branches of `where` that are not taken at safe arguments, `reverse` adds the gradient,
`simplify` folds what the chain rule leaves undone, `collect` gathers the factors of
products, `factor` multiplies with common ones once, `order` splits products of three
and more arrays, `share` finds what is computed twice. For forward mode `tangent` stands
in the place of `reverse`. What no output needs is in no graph: passes walk from the
outputs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..graph import Graph
from ..settings import Settings
from .collect import collect
from .factor import factor
from .guard import SAFE_WHERE, guard
from .order import order
from .restructure import BEFORE, BEHIND, restructure
from .reverse import reverse
from .share import share
from .simplify import simplify
from .stabilise import chosen, stabilise
from .tangent import tangent

__all__ = [
    "Stages",
    "collect",
    "factor",
    "guard",
    "order",
    "reverse",
    "run",
    "run_forward",
    "share",
    "simplify",
    "stabilise",
    "tangent",
]

# Each round looks at every node once; most graphs need two.
ROUNDS = 4


@dataclass(frozen=True)
class Stages:
    """A graph with its gradient: as the chain rule leaves it, simplified, then shared."""

    differentiated: Graph
    simplified: Graph
    shared: Graph


def run(graph: Graph, wrt: Sequence[str], settings: Settings) -> Stages:
    """Return a graph with its gradient, at each stage."""
    graph = reverse(_stable(graph, settings), wrt, settings.corners)
    differentiated = order(graph)
    if settings.simplify:
        graph = simplify(graph)
        # A textbook's steps stay apart.
        graph = graph if settings.style == "textbook" else _settled(graph)
    simplified = order(graph) if settings.simplify else differentiated
    if not settings.share:
        return Stages(differentiated, simplified, simplified)
    shared = share(simplified, forward=settings.rewrites != "none")
    shared = restructure(shared, settings, BEHIND)
    return Stages(differentiated, simplified, shared)


def run_forward(graph: Graph, wrt: Sequence[str], settings: Settings) -> Graph:
    """Return a graph with its value's slope along directions, as `tangent` has it."""
    graph = tangent(_stable(graph, settings), wrt, settings.corners)
    return share(order(_settled(simplify(graph))))


def _stable(graph: Graph, settings: Settings) -> Graph:
    """Return a graph that can be differentiated at the hard points."""
    graph = stabilise(graph, settings)
    graph = guard(graph) if SAFE_WHERE.name in chosen(settings) else graph
    return restructure(graph, settings, BEFORE)


def _settled(graph: Graph) -> Graph:
    """Return the graph after rounds that collect products, factor sums and fold what
    that leaves, until none of the three changes anything.
    """
    unchanged = 0
    for one in (collect, factor, simplify) * ROUNDS:
        before, graph = graph, one(graph)
        # What a pass has made it would not change again.
        unchanged = unchanged + 1 if graph is before else 1
        if unchanged == 3:
            return graph
    return collect(graph)
