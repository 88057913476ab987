"""What a graph costs, counted from its shapes: multiply-adds, elementwise work, values kept.

In: graphs before and after sharing. Out: a `Report`, whose counts are polynomials in the unknown sizes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sympy

from .graph import Graph, Nodes
from .ops.contraction import Contraction, indices_of
from .ops.table import ROWS
from .shapes import product

__all__ = ["Cost", "Report", "report"]


@dataclass(frozen=True)
class Cost:
    """Work of one pass: number of operations, then what they add up to in the sizes."""

    operations: int
    multiply_adds: sympy.Expr
    elementwise: sympy.Expr
    transcendental: sympy.Expr

    def __str__(self) -> str:
        return (
            f"{self.operations} operations: {self.multiply_adds} multiply-adds, "
            f"{self.elementwise} elementwise, {self.transcendental} transcendental"
        )


@dataclass(frozen=True)
class Report:
    """Costs of both passes, before and after sharing.

    unshared: operations if no value were used twice: the expression swell. kept: numbers that pass from the
    forward pass to the backward one. corners: where the loss has no derivative, and the slope that is taken.
    verification: the record of the check, None where there was none.
    """

    forward: Cost
    backward: Cost
    forward_before: Cost
    backward_before: Cost
    unshared: int
    corners: tuple[str, ...]
    verification: object = None

    def __str__(self) -> str:
        lines = [
            f"forward   {self.forward}",
            f"backward  {self.backward}",
            f"before sharing: {self.forward_before.operations} forward, "
            f"{self.backward_before.operations} backward; unshared: {self.unshared}",
        ]
        lines += [f"corner: {one}" for one in self.corners]
        if self.verification is not None:
            lines.append(str(self.verification))
        return "\n".join(lines)


def report(before: Graph, after: Graph) -> Report:
    """Return the report on a graph with its gradient, before and after sharing."""
    forward_before, backward_before = _halves(before)
    forward, backward = _halves(after)
    return Report(
        forward,
        backward,
        forward_before,
        backward_before,
        _unshared(before),
        after.corners,
    )


def _halves(graph: Graph) -> tuple[Cost, Cost]:
    forward = graph.walk(["value"])
    ids = set(map(id, forward))
    return (
        _cost(graph.nodes, forward),
        _cost(graph.nodes, (one for one in graph.walk() if id(one) not in ids)),
    )


def _cost(nodes: Nodes, walk: Iterable[sympy.Expr]) -> Cost:
    totals = dict.fromkeys(
        ("contraction", "elementwise", "transcendental"), sympy.Integer(0)
    )
    operations = 0
    for node in walk:
        info = nodes[node]
        row = ROWS.get(type(node))
        if (
            not info.operands
            or row is None
            or row.kind == "view"
            or info.dtype == "float"
        ):
            continue
        operations += 1
        kind = "elementwise" if row.kind in ("reduction", "array") else row.kind
        work = product(info.shape)
        if isinstance(node, Contraction):
            work = _products(nodes, node)
            kind = kind if len(info.operands) > 1 else "elementwise"
        elif row.kind == "reduction":
            work = product(nodes.shape(info.operands[0]))
        elif _is_plain_power(node):
            kind = "elementwise"
        totals[kind] = totals[kind] + work
    expanded = [sympy.expand(one) for one in totals.values()]
    return Cost(operations, *expanded)


def _is_plain_power(node: sympy.Expr) -> bool:
    return isinstance(node, sympy.Pow) and bool(node.args[1].is_Integer)


def _products(nodes: Nodes, node: sympy.Expr) -> sympy.Expr:
    """Return how many products a contraction adds up: one for each set of its indices."""
    sizes = {}
    inputs, _ = indices_of(node)
    for operand, indices in zip(nodes[node].operands, inputs, strict=True):
        sizes.update(zip(indices, nodes.shape(operand), strict=True))
    return sympy.sympify(product(sizes.values()))


def _unshared(graph: Graph) -> int:
    """Return the number of operations if each use of a value computed it anew."""
    count: dict[int, int] = {}
    for node in graph.walk():
        operands = graph.nodes[node].operands
        count[id(node)] = sum(count[id(one)] for one in operands) + bool(operands)
    return sum(count[id(node)] for node in graph.outputs.values())
