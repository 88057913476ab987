"""Reverse mode: from the value back to the inputs, by the rules of the table.

In: a graph with the output "value", the names of the inputs that are wanted. Out: the
graph with an output "d_NAME" for each, in the dtype of its input, all times the scalar
input `COTANGENT`. Nothing is computed for other inputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import sympy

from ..graph import Graph, Nodes, Variable, number_of
from ..ops.choices import where
from ..ops.elementwise import cast
from ..ops.handle import Handle, activated, handle_of
from ..ops.indexing import IndexAdd, added_together
from ..ops.layout import LAYOUT, full_like_shape, moved, unbroadcast
from ..ops.table import ROWS, Row
from ..shapes import is_floating, is_weak, strong
from ..timings import stage
from .corners import corner_notes, corner_of, doubts
from .joint import JointCorners
from .kinks import kinks_of

__all__ = ["COTANGENT", "reverse", "walk_back"]

# No parameter has this name.
COTANGENT = "cotangent of the value"

# The parts of each node's cotangent, by the node's id.
Parts = dict[int, list[Handle]]


@stage("reverse")
def reverse(graph: Graph, wrt: Sequence[str], convention: str = "least-norm") -> Graph:
    """Return the graph with the gradient of its value for the inputs named in `wrt`.

    convention: whose slope is taken where there is no derivative.
    """
    return walk_back(graph, wrt, convention)[0]


def walk_back(
    graph: Graph, wrt: Sequence[str], convention: str
) -> tuple[Graph, dict[int, sympy.Expr]]:
    """Return the graph with its gradient, and the cotangent of each node that the walk
    crossed, by the node's id.
    """
    nodes, value = graph.nodes, graph.outputs["value"]
    walk, wanted = graph.walk(), frozenset(wrt)
    active = _active(nodes, walk, wanted)
    with activated(nodes), nodes.marked(None, backward=True):
        dtype = strong(nodes.dtype(value), nodes.float_dtype)
        seed = nodes.variable(COTANGENT, (), dtype)
        parts: Parts = {id(value): [Handle(nodes, seed)]}
        cotangents: dict[int, sympy.Expr] = {}
        kinks = kinks_of(nodes, walk, convention)
        joint = JointCorners(nodes, kinks, convention)
        for node in reversed(walk):
            if id(node) in active and id(node) in parts and nodes[node].operands:
                with nodes.marked(nodes[node].position, backward=True):
                    g = _propagate(nodes, node, active, parts, joint)
                cotangents[id(node)] = g.node
        gradients = {
            f"d_{node.name}": _gradient(nodes, node, parts, joint)
            for node in graph.inputs
            if node.name in wanted
        }
    inputs = (*graph.inputs, seed)
    outputs = {**graph.outputs, **{f"d_{name}": gradients[f"d_{name}"] for name in wrt}}
    crossed = [node for node in walk if id(node) in cotangents]
    found = corner_notes(nodes, crossed, active, kinks, joint)
    unsure = doubts(nodes, crossed, kinks, joint)
    reversed_graph = Graph(nodes, inputs, outputs, graph.rewrites, found, unsure)
    return reversed_graph, cotangents


def _active(nodes: Nodes, walk: Sequence[sympy.Expr], wrt: Collection[str]) -> set[int]:
    """Return the ids of the nodes by which the value depends on the wanted inputs."""
    active: set[int] = set()
    for node in walk:
        info = nodes[node]
        if isinstance(node, Variable):
            reached = node.name in wrt
        else:
            reached = any(id(operand) in active for operand in info.operands)
            reached = reached and ROWS[type(node)].vjp is not None
        if reached and is_floating(info.dtype):
            active.add(id(node))
    return active


def _propagate(
    nodes: Nodes,
    node: sympy.Expr,
    active: set[int],
    parts: Parts,
    joint: JointCorners,
) -> Handle:
    """Return a node's cotangent, added by its rule to the parts of its operands'."""
    operands = nodes[node].operands
    needed = tuple(id(operand) in active for operand in operands)
    g = _total(nodes, node, parts, joint)
    joint.add(node, g)
    convention = joint.convention_of(node)
    for operand, part in zip(
        operands, _cotangents(nodes, node, g, needed, convention), strict=True
    ):
        if part is None or id(operand) not in active:
            continue
        part = unbroadcast(part, nodes.shape(operand))
        if not is_weak(nodes.dtype(operand)):
            part = cast(part, nodes.dtype(operand))
        parts.setdefault(id(operand), []).append(part)
    return g


def _total(nodes: Nodes, node: sympy.Expr, parts: Parts, joint: JointCorners) -> Handle:
    """Return a node's cotangent: the sum of its parts, indexed ones as one array."""
    found = parts.pop(id(node))
    indexed = [one for one in found if type(one.node) is IndexAdd]
    dense = {id(one.node): one for one in found if type(one.node) is not IndexAdd}
    times = Counter(id(one.node) for one in found)
    terms = [one * times[i] if times[i] > 1 else one for i, one in dense.items()]
    if indexed:
        terms.append(added_together(indexed))
    total = terms[0]
    for one in terms[1:]:
        total = total + one
    total = joint.settled(node, total)
    _name_after(nodes, total.node, node)
    return total


def _name_after(nodes: Nodes, cotangent: sympy.Expr, node: sympy.Expr) -> None:
    """Note whose cotangent this is; of several values the first that has a name."""
    info = nodes[cotangent]
    if not info.backward or not info.operands:
        return
    have = info.cotangent_of
    if have is None or (nodes[have].name is None and nodes[node].name is not None):
        info.cotangent_of = node


def _cotangents(
    nodes: Nodes,
    node: sympy.Expr,
    g: Handle,
    needed: tuple[bool, ...],
    convention: str,
) -> list[Handle | None]:
    """Return a cotangent for each operand; masked ones stay an exact 0 where masked.

    A branch of `where` that is not taken is cut off in front of the slope that the
    cotangent is multiplied with, be it infinite or NaN.
    """
    row = ROWS[type(node)]
    multiplies = row.kind in ("elementwise", "transcendental")
    masked = _masked(nodes, g) if multiplies and type(node) not in _LINEAR else None
    if masked is not None:
        mask, g, taken = masked
        parts = _cotangents(nodes, node, g, needed, convention)
        return [None if part is None else _where(mask, part, taken) for part in parts]
    y = Handle(nodes, node)
    x = tuple(Handle(nodes, operand) for operand in nodes[node].operands)
    parts = _by_rule(row, g, y, x, needed)
    corner = corner_of(nodes, node)
    return parts if corner is None else corner.settled(convention, g, y, x, parts)


def _by_rule(
    row: Row, g: Handle, y: Handle, x: tuple[Handle, ...], needed: tuple[bool, ...]
) -> list[Handle | None]:
    """Return the cotangents of the operands by a row's own rule."""
    if callable(row.vjp):
        return list(row.vjp(g, y, x, needed))
    assert row.vjp is not None
    return [
        rule(g, y, *x) if wanted and rule is not None else None
        for rule, wanted in zip(row.vjp, needed, strict=True)
    ]


def _where(mask: Handle, part: Handle, taken: bool) -> Any:
    return np.where(mask, part, 0) if taken else np.where(mask, 0, part)


# Elementwise nodes whose rule multiplies with nothing.
_LINEAR = (sympy.Add, where)


def _masked(nodes: Nodes, g: Handle) -> tuple[Handle, Handle, bool] | None:
    """Return mask, cotangent, and whether the mask lets it through, of a masked one."""
    node = g.node
    moves: list[sympy.Expr] = []
    while isinstance(node, LAYOUT):
        moves.insert(0, node)
        (node,) = nodes[node].operands
    if type(node) is not where:
        return None
    mask, *branches = (
        (
            full_like_shape(Handle(nodes, one), nodes.shape(node), nodes.dtype(one))
            if moves
            else Handle(nodes, one)
        )
        for one in nodes[node].operands
    )
    for taken, zero, passes in ((0, 1, True), (1, 0, False)):
        if number_of(nodes[node].operands[1 + zero]) == 0:
            return moved(mask, moves), moved(branches[taken], moves), passes
    return None


def _gradient(
    nodes: Nodes, node: sympy.Expr, parts: Parts, joint: JointCorners
) -> sympy.Expr:
    """Return the gradient of one input, zero where the value does not depend on it.

    It stands where the first use of the input does, the last to be undone.
    """
    shape, dtype = nodes.shape(node), nodes.dtype(node)
    if id(node) not in parts:
        return full_like_shape(handle_of(0), shape, dtype).node
    with nodes.marked(nodes[parts[id(node)][-1].node].position, backward=True):
        return full_like_shape(_total(nodes, node, parts, joint), shape, dtype).node
