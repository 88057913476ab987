"""Reverse mode: from the value back to the inputs, by the rules of the table.

In: a graph with the output "value", the names of the inputs that are wanted. Out: the graph with an output
"d_NAME" for each, all times the scalar input "cotangent". Nothing is computed for other inputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import sympy

from ..graph import Graph, Nodes, Variable, number_of
from ..ops.elementwise import where
from ..ops.handle import Handle, activated, handle_of
from ..ops.layout import full_like_shape, unbroadcast
from ..ops.table import ROWS
from ..shapes import is_floating

__all__ = ["COTANGENT", "reverse"]

COTANGENT = "cotangent"


def reverse(graph: Graph, wrt: Sequence[str]) -> Graph:
    """Return the graph with the gradient of its value for the inputs named in `wrt`."""
    nodes = graph.nodes
    walk = graph.walk()
    active = _active(nodes, walk, wrt)
    cotangents: dict[int, Handle] = {}
    with activated(nodes), nodes.marked(None, backward=True):
        seed = nodes.variable(COTANGENT, (), "float")
        cotangents[id(graph.outputs["value"])] = Handle(nodes, seed)
        for node in reversed(walk):
            if id(node) in active and id(node) in cotangents and nodes[node].operands:
                with nodes.marked(nodes[node].position, backward=True):
                    g = cotangents.pop(id(node))
                    _note(nodes, node, g)
                    _propagate(nodes, node, g, active, cotangents)
        gradients = {
            f"d_{node.name}": _gradient(nodes, node, cotangents)
            for node in graph.inputs
            if node.name in wrt
        }
    inputs = (*graph.inputs, seed)
    outputs = {**graph.outputs, **{f"d_{name}": gradients[f"d_{name}"] for name in wrt}}
    corners = _corners(nodes, walk, active)
    return Graph(nodes, inputs, outputs, graph.rewrites, corners)


def _active(nodes: Nodes, walk: Sequence[sympy.Expr], wrt: Sequence[str]) -> set[int]:
    """Return the ids of the nodes through which the value depends on the wanted inputs."""
    active: set[int] = set()
    for node in walk:
        info = nodes[node]
        if isinstance(node, Variable):
            if node.name in wrt:
                active.add(id(node))
        elif any(id(operand) in active for operand in info.operands):
            if is_floating(info.dtype) and ROWS[type(node)].vjp is not None:
                active.add(id(node))
    return active


def _corners(nodes: Nodes, walk: Sequence[sympy.Expr], active: set[int]) -> tuple[str, ...]:
    """Return where the value has no derivative, and the slope that the rule takes there."""
    found: dict[str, None] = {}
    for node in walk:
        if id(node) in active and nodes[node].operands and ROWS[type(node)].corner:
            position = nodes[node].position
            found[f"{position or 'somewhere'}: {ROWS[type(node)].corner}"] = None
    return tuple(found)


def _propagate(
    nodes: Nodes,
    node: sympy.Expr,
    g: Handle,
    active: set[int],
    cotangents: dict[int, Handle],
) -> None:
    """Add a node's cotangent, by its rule, to those of its operands."""
    operands = nodes[node].operands
    needed = tuple(id(operand) in active for operand in operands)
    for operand, part in zip(
        operands, _cotangents(nodes, node, g, needed), strict=True
    ):
        if part is None or id(operand) not in active:
            continue
        part = unbroadcast(part, nodes.shape(operand))
        have = cotangents.get(id(operand))
        cotangents[id(operand)] = part if have is None else have + part


def _cotangents(
    nodes: Nodes, node: sympy.Expr, g: Handle, needed: tuple[bool, ...]
) -> list[Handle | None]:
    row = ROWS[type(node)]
    y = Handle(nodes, node)
    x = tuple(Handle(nodes, operand) for operand in nodes[node].operands)
    masks = []
    while row.kind in ("elementwise", "transcendental") and type(node) is not where:
        # A branch that is not taken stays an exact 0, whatever slope it is multiplied with.
        taken = _masked(nodes, g)
        if taken is None:
            break
        mask, g, first = taken
        masks.append((mask, first))
    if callable(row.vjp):
        parts = list(row.vjp(g, y, x, needed))
    else:
        assert row.vjp is not None
        parts = [
            rule(g, y, *x) if wanted and rule is not None else None
            for rule, wanted in zip(row.vjp, needed, strict=True)
        ]
    for mask, first in reversed(masks):
        parts = [
            (
                part
                if part is None
                else np.where(mask, part, 0) if first else np.where(mask, 0, part)
            )
            for part in parts
        ]
    return parts


def _masked(nodes: Nodes, g: Handle) -> tuple[Handle, Handle, bool] | None:
    """Return mask, cotangent, and whether it is the first branch, of one that `where` masked."""
    if type(g.node) is not where:
        return None
    mask, first, second = (Handle(nodes, one) for one in nodes[g.node].operands)
    if number_of(second.node) == 0:
        return mask, first, True
    if number_of(first.node) == 0:
        return mask, second, False
    return None


def _note(nodes: Nodes, node: sympy.Expr, g: Handle) -> None:
    """Note on a cotangent which value it belongs to: that names it."""
    info = nodes[g.node]
    if info.backward and info.operands and info.cotangent_of is None:
        info.cotangent_of = node


def _gradient(
    nodes: Nodes, node: sympy.Expr, cotangents: dict[int, Handle]
) -> sympy.Expr:
    """Return the gradient of one input, zero where the value does not depend on it."""
    shape, dtype = nodes.shape(node), nodes.dtype(node)
    g = cotangents.get(id(node))
    if g is None:
        return full_like_shape(handle_of(0), shape, dtype).node
    _note(nodes, node, g)
    return (
        full_like_shape(g, shape, dtype).node
        if nodes.dtype(g.node) == "float"
        else g.node
    )
