"""Values of the forward pass computed again in the backward pass, not kept for it.

In: a graph with its gradient, and which values of its forward half are kept. Out: a
graph whose backward half reads of the forward one only those and the inputs; all else
it computes anew, once, right before it is first read. The operations are the same both
times, so that the gradient is the same bit for bit.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import sympy

from ..graph import ArrayConstant, ArrayNode, Graph, Nodes
from ..ops.table import ROWS
from .rebuild import rebuild

__all__ = ["RECOMPUTED", "recompute"]

# What values that are computed again have in the place of a rewrite's name.
RECOMPUTED = "recomputed"


def recompute(graph: Graph, kept: Collection[int]) -> Graph:
    """Return the graph with what is not kept computed again; `kept` are ids of nodes."""
    again = _Again(graph, kept)
    made = rebuild(graph, again.rewrite, again.made)
    if made is graph:
        return graph
    outputs = {
        name: again.anew.get(id(node), made.outputs[name])
        for name, node in graph.outputs.items()
        if name != "value"
    }
    return replace(made, outputs={"value": made.outputs["value"], **outputs})


class _Again:
    """Rewrites nodes of the backward half over values that are computed again.

    made: new nodes by the ids of the old ones. anew: those that the backward half reads
    in the place of the forward half's.
    """

    def __init__(self, graph: Graph, kept: Collection[int]) -> None:
        self.old = graph.nodes
        self.forward = {id(node) for node in graph.walk(["value"])}
        self.dropped = self.forward.difference(kept)
        self.made: dict[int, sympy.Expr] = {}
        self.anew: dict[int, sympy.Expr] = {}

    def rewrite(
        self, nodes: Nodes, node: sympy.Expr, _: tuple[sympy.Expr, ...]
    ) -> sympy.Expr | None:
        """Return a node of the backward half over what it reads."""
        if id(node) in self.forward:
            return None
        operands = [self._read(nodes, one) for one in self.old[node].operands]
        return nodes.make(type(node), *operands, params=getattr(node, "params", ()))

    def _read(self, nodes: Nodes, node: sympy.Expr) -> sympy.Expr:
        """Return what is read in a node's place, all that it needs computed before."""
        pending = [node]
        while pending:
            one = pending[-1]
            missing = [
                operand
                for operand in self.old[one].operands
                if id(operand) not in self.anew and not self._is_there(one)
            ]
            pending += missing
            if not missing:
                pending.pop()
                if id(one) not in self.anew:
                    self.anew[id(one)] = self._computed(nodes, one)
        return self.anew[id(node)]

    def _is_there(self, node: sympy.Expr) -> bool:
        """Return whether the backward half has a node without computing it."""
        info = self.old[node]
        array = isinstance(node, ArrayNode) and not isinstance(node, ArrayConstant)
        leaf = not info.operands and not array
        number = info.dtype in ("int", "float")
        return leaf or number or id(node) not in self.dropped

    def _computed(self, nodes: Nodes, node: sympy.Expr) -> sympy.Expr:
        before, info = self.made[id(node)], self.old[node]
        if self._is_there(node):
            return before
        operands = [self.anew[id(one)] for one in info.operands]
        same = all(
            one is self.made[id(operand)]
            for one, operand in zip(operands, info.operands, strict=True)
        )
        if same and operands and ROWS[type(node)].kind == "view":
            return before
        params = getattr(node, "params", ())
        with nodes.marked(info.position, backward=True), nodes.rewriting(RECOMPUTED):
            made = nodes.again(type(node), *operands, params=params)
        nodes[made].take_name(info)
        return made
