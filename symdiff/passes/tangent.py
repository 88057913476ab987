"""Forward mode: the slope along a direction, as the reverse of the reverse.

In: a graph with the output "value", the names of its inputs that move. Out: the graph
with an input "along_NAME" for each, its direction, and the output "tangent". The
gradient is linear in its cotangent: so is its product with a direction, whose
derivative in the cotangent is the slope, in which the backward pass no longer stands
(Christianson 1992, "Automatic Hessians by reverse accumulation").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import sympy

from ..graph import Graph, Nodes, Variable
from ..ops.handle import Handle, activated
from .rebuild import rebuild
from .reverse import COTANGENT, reverse

__all__ = ["tangent"]


def tangent(graph: Graph, wrt: Sequence[str], convention: str = "least-norm") -> Graph:
    """Return the graph with the slope of its value along directions of some inputs."""
    nodes, value = graph.nodes, graph.outputs["value"]
    gradient = reverse(graph, wrt, convention)
    moving = [one for one in graph.inputs if one.name in wrt]
    with activated(nodes):
        directions = [
            nodes.variable(f"along_{one.name}", nodes.shape(one), nodes.dtype(one))
            for one in moving
        ]
        slopes = [
            np.sum(
                Handle(nodes, gradient.outputs[f"d_{one.name}"]) * Handle(nodes, along)
            )
            for one, along in zip(moving, directions, strict=True)
        ]
        slope = sum(slopes[1:], slopes[0])
    for node in nodes:  # what is differentiated now is no backward pass
        nodes[node].backward, nodes[node].cotangent_of = False, None
    inputs = (*gradient.inputs, *directions)
    once = replace(gradient, inputs=inputs, outputs={"value": slope.node})
    twice = reverse(once, [COTANGENT], convention)
    outputs = {"value": value, "tangent": twice.outputs[f"d_{COTANGENT}"]}
    return _at_one(replace(twice, inputs=inputs, outputs=outputs))


def _at_one(graph: Graph) -> Graph:
    """Return the graph at a cotangent of 1, which is no input any longer."""

    def put(
        nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
    ) -> sympy.Expr | None:
        if not any(map(_is_cotangent, operands)):
            return None
        one = nodes.number(1.0)
        replaced = [one if _is_cotangent(each) else each for each in operands]
        return nodes.make(type(node), *replaced, params=getattr(node, "params", ()))

    made = rebuild(graph, put)
    return replace(made, inputs=tuple(x for x in made.inputs if not _is_cotangent(x)))


def _is_cotangent(node: sympy.Expr) -> bool:
    return isinstance(node, Variable) and node.name == COTANGENT
