"""Programs that hold no more than a limit: what they need is deleted early, or computed
again where it is cheap, instead of kept.

In: a graph with its gradient, what it was made into, and a `Limit`. Out: what is made of
it within the limit, and the `Economy` that says at which cost. Refused with a
`SpecError`: a limit below all that can be reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Protocol, TypeVar

import sympy

from ..errors import SpecError
from ..graph import ArrayNode, Graph
from ..memory import Economy, Memory, in_words
from ..passes.recompute import recompute
from .keeping import choose
from .naming import numbered
from .planning import Plan
from .tasks import problem_of

__all__ = ["Limit", "economise"]

# How often a choice is made anew, where what was made of it held more than was told.
ROUNDS = 5


class Holding(Protocol):
    """What is known to hold memory."""

    @property
    def memory(self) -> Memory: ...


class Made(Holding, Protocol):
    """What a graph is made into."""

    @property
    def plan(self) -> Plan: ...


AnyMade = TypeVar("AnyMade", bound=Made)


class Limit(NamedTuple):
    """How many bytes may be held, at which sizes."""

    most: int
    sizes: Mapping[str, int]

    @property
    def aim(self) -> int:
        """The most bytes that a prediction may come to: the rest is for what it lacks."""
        return self.most - self.most // 50 - 2**12

    @property
    def place(self) -> str:
        """The sizes, as they stand in a sentence."""
        sizes = ", ".join(f"{name} = {value}" for name, value in self.sizes.items())
        return f" at {sizes}" if sizes else ""

    def peak(self, made: Holding) -> int:
        """Return the bytes that something holds at most."""
        return made.memory.bytes_at_peak(self.sizes)

    def holds(self, made: Holding) -> bool:
        """Return whether something holds no more."""
        return self.peak(made) <= self.aim

    def kept(self, made: Holding) -> Economy:
        """Return that it costs nothing to hold no more."""
        peak = self.peak(made)
        return Economy(self.most, peak, peak, dict(self.sizes))


def economise(
    graph: Graph,
    made: AnyMade,
    make: Callable[[Graph, bool], AnyMade],
    limit: Limit,
    lasting: bool,
) -> tuple[Graph, AnyMade, Economy]:
    """Return what a graph is made into within a limit.

    `made` is what it has been made into; `make` makes it anew, names deleted where it is
    told to. lasting: whether what is kept is held until the backward pass ends, or a
    name is deleted; else there are no names to delete.
    """
    economy = limit.kept(made)
    if limit.holds(made):
        return graph, made, economy
    least = economy.before
    if lasting:
        freeing = make(graph, True)
        least = limit.peak(freeing)
        if least <= limit.aim:
            return graph, freeing, economy._replace(after=least)
    problem, nodes = problem_of(graph, made.plan, made.memory, limit.sizes, lasting)
    fixed = _fixed(graph, nodes)
    aim = limit.aim
    for left in reversed(range(ROUNDS)):
        choice = choose(problem, aim)
        again = recompute(graph, fixed | {id(nodes[place]) for place in choice.kept})
        fewer = make(again, True)
        after = limit.peak(fewer)
        least = min(least, after)
        if after <= limit.aim:
            names = _names(graph, (nodes[place] for place in choice.again))
            part = choice.work / sum(task.work for task in problem.tasks)
            return again, fewer, economy._replace(after=after, names=names, part=part)
        if choice.peak > aim:
            break
        # More is held than a choice is told of: by as much the next time too.
        aim = choice.peak - (after - limit.aim) if left > 1 else 0
    raise SpecError(
        f"memory_limit: {in_words(limit.most)} do not suffice{limit.place}; the smallest "
        f"peak that can be reached is {in_words(least)}",
        remedy="Allow 4 KiB and a fiftieth more than that, or split the data into batches.",
    )


def _fixed(graph: Graph, nodes: list[sympy.Expr]) -> set[int]:
    """Return the arrays of the forward half that are no step's and are of sizes alone."""
    steps = set(map(id, nodes))
    return {
        id(node)
        for node in graph.walk(["value"])
        if isinstance(node, ArrayNode)
        and not graph.nodes[node].operands
        and id(node) not in steps
    }


def _names(graph: Graph, nodes: Iterable[sympy.Expr]) -> tuple[str, ...]:
    """Return the user's names of nodes, of those that have one."""
    return tuple(filter(None, (numbered(graph.nodes[node]) for node in nodes)))
