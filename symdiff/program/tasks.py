"""The steps of a plan as tasks: what each one reads, what it holds, how much it works.

In: a graph with its gradient, a plan and its `Memory`, and a value for each size. Out:
the `Problem` of what to keep, and the node that each forward task computes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sympy

from ..graph import Graph, Nodes
from ..memory import Memory, bytes_of
from ..ops.contraction import Contraction, indices_of
from ..ops.indexing import Index, is_fresh
from ..ops.table import ROWS
from ..report import operations
from ..shapes import Size, size_symbol
from .keeping import Problem, Task
from .planning import Plan
from .spelling import Step

__all__ = ["problem_of"]

NUMBER = 8  # bytes of a number


def problem_of(
    graph: Graph, plan: Plan, memory: Memory, sizes: Mapping[str, int], lasting: bool
) -> tuple[Problem, list[sympy.Expr]]:
    """Return the problem, and the nodes of the forward tasks."""
    steps = (*plan.forward, *plan.backward)
    reader = _Reader(graph, sizes, {id(step.value) for step in steps})
    most = memory.bytes_of_steps(sizes) if lasting else [0] * len(steps)
    places: dict[int, int] = {}
    tasks = []
    for place, (step, bytes_made) in enumerate(zip(steps, most, strict=True)):
        reads = [places[id(one)] for one in step.reads if id(one) in places]
        if step.added:
            reads.insert(0, places[id(step.value)])
        work, rank = reader.work(step)
        tasks.append(Task(tuple(reads), reader.size(step), bytes_made, work, rank))
        places.setdefault(id(step.value), place)
    returned = frozenset(
        places[id(one)]
        for step in plan.results
        for one in step.reads
        if id(one) in places
    )
    problem = Problem(tasks, len(plan.forward), returned, lasting)
    return problem, [step.value for step in plan.forward]


class _Reader:
    """Tells what a step takes."""

    def __init__(
        self, graph: Graph, sizes: Mapping[str, int], named: Collection[int]
    ) -> None:
        self.nodes: Nodes = graph.nodes
        self.named = named
        self.operations = operations(graph)
        self.values = {size_symbol(name): value for name, value in sizes.items()}
        self._known: dict[Size, int] = {}

    def size(self, step: Step) -> int:
        """Return the bytes of an array that a step makes, 0 for a view."""
        if step.added or not self._is_made(step.expression):
            return 0
        shape, dtype = self.nodes.shape(step.value), self.nodes.dtype(step.value)
        return self._value(bytes_of(shape, dtype)) if shape else NUMBER

    def _is_made(self, node: sympy.Expr) -> bool:
        """Return whether a node's value has memory of its own."""
        if isinstance(node, Contraction):
            inputs, output = indices_of(node)
            return len(inputs) > 1 or len(inputs[0]) > len(output)
        copied = isinstance(node, Index) and len(self.nodes[node].operands) > 1
        return copied or is_fresh(self.nodes, node)

    def work(self, step: Step) -> tuple[float, int]:
        """Return how many operations a step has, and the rank of the gravest of them."""
        work, rank = 0, 0
        for node in self._inside(step):
            if id(node) in self.operations:
                work += self._value(self.operations[id(node)][1])
                rank = max(rank, self._rank(node))
        return work, rank

    def _inside(self, step: Step) -> list[sympy.Expr]:
        """Return the nodes that a step computes."""
        found = {id(step.expression): step.expression}
        pending = list(self.nodes[step.expression].operands)
        while pending:
            node = pending.pop()
            if id(node) not in found and id(node) not in self.named:
                found[id(node)] = node
                pending += self.nodes[node].operands
        return list(found.values())

    def _rank(self, node: sympy.Expr) -> int:
        kind = ROWS[type(node)].kind
        sums = isinstance(node, Contraction) and len(self.nodes[node].operands) == 1
        if kind == "reduction" or sums:
            return 1
        return 2 if kind in ("contraction", "array") else 0

    def _value(self, amount: Size) -> int:
        if isinstance(amount, int):
            return amount
        if amount not in self._known:
            self._known[amount] = int(sympy.sympify(amount).subs(self.values))
        return self._known[amount]
