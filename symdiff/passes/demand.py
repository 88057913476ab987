"""Where a value is asked for: behind a choice only where it is taken.

In: a graph. Out: for each node that is not asked for everywhere, a mask that holds
wherever it is. What goes on elsewhere is of no consequence for the outputs.

A mask goes back through elementwise operations, layout, sums and other reductions, and
through slices, and through products along the axes that an operand has. A number that
is repeated to an array is asked for everywhere, and so is what is behind any other
operation.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy

from ..graph import Graph, Nodes
from ..ops.choices import LogicalAnd, LogicalNot, where
from ..ops.contraction import Contraction, indices_of
from ..ops.elementwise import StopGradient
from ..ops.handle import Handle, activated
from ..ops.indexing import Index, IndexAdd
from ..ops.layout import (
    Broadcast,
    Reshape,
    Transpose,
    broadcast_to,
    expand_dims,
    reshape,
    squeeze,
    transpose,
)
from ..ops.reductions import Max, Min, Prod
from ..ops.sorting import any_
from ..ops.table import ROWS
from ..shapes import Shape

__all__ = ["demand", "onto"]

# A mask, or None: everywhere.
Mask = Handle | None


def demand(graph: Graph) -> dict[int, Handle]:
    """Return the masks of the nodes that are not asked for everywhere, by their ids."""
    nodes = graph.nodes
    asked: dict[int, Mask] = {id(node): None for node in graph.outputs.values()}
    with activated(nodes):
        for node in reversed(graph.walk()):
            operands = nodes[node].operands
            with nodes.marked(nodes[node].position):
                masks = _passed(nodes, node, asked[id(node)]) if operands else ()
                for one, mask in zip(operands, masks, strict=True):
                    have = asked.get(id(one), mask)
                    asked[id(one)] = have if have is mask else _either(have, mask)
    return {key: mask for key, mask in asked.items() if mask is not None}


# Back through one operation.


def _passed(nodes: Nodes, node: sympy.Expr, mask: Mask) -> Sequence[Mask]:
    """Return for each operand where a node asks for it."""
    operands = nodes[node].operands
    shapes = [nodes.shape(one) for one in operands]
    if isinstance(node, where):
        condition = Handle(nodes, operands[0])
        masks = mask, _both(mask, condition), _both(mask, _not(condition))
        return [onto(one, shape) for one, shape in zip(masks, shapes, strict=True)]
    if mask is None or not mask.sizes:
        return [mask] * len(operands)
    if ROWS[type(node)].kind in ("elementwise", "transcendental"):
        return [onto(mask, shape) for shape in shapes]
    if isinstance(node, Broadcast | StopGradient):
        return [onto(mask, shapes[0])]
    if isinstance(node, Reshape):
        return [reshape(broadcast_to(mask, nodes.shape(node)), shapes[0])]
    if isinstance(node, Transpose):
        back = sorted(range(len(shapes[0])), key=node.params[0].__getitem__)
        return [transpose(_of_rank(mask, len(back)), back)]
    if isinstance(node, Contraction):
        inputs, output = indices_of(node)
        whole = _of_rank(mask, len(output))
        return [_along(nodes, whole, output, own) for own in inputs]
    if isinstance(node, Index) and len(operands) == 1:
        whole = broadcast_to(mask, nodes.shape(node)).node
        params = (shapes[0], (node.params[0],), "bool")
        return [Handle(nodes, nodes.make(IndexAdd, whole, params=params))]
    if isinstance(node, Max | Min | Prod):
        whole = _of_rank(mask, len(nodes.shape(node)))
        return [expand_dims(whole, node.params[0])]
    return [None] * len(operands)


def onto(mask: Mask, shape: Shape) -> Mask:
    """Return where an array that is repeated to a mask's shape is asked for."""
    if mask is None or (mask.sizes and not shape):
        return None
    before = mask.ndim - len(shape)
    mask = any_(mask, tuple(range(before))) if before > 0 else mask
    pairs = zip(mask.sizes, shape[len(shape) - mask.ndim :], strict=True)
    repeated = tuple(axis for axis, (have, own) in enumerate(pairs) if own == 1 != have)
    return any_(mask, repeated, keepdims=True) if repeated else mask


def _of_rank(mask: Handle, rank: int) -> Handle:
    return expand_dims(mask, tuple(range(rank - mask.ndim)))


def _along(
    nodes: Nodes, mask: Handle, output: tuple[int, ...], own: tuple[int, ...]
) -> Mask:
    """Return a mask of a product along the axes of one of its operands."""
    varies = [i for i, size in zip(output, mask.sizes, strict=True) if size != 1]
    if not set(varies) <= set(own) or len(set(own)) < len(own):
        return None
    kept = [i for i in output if i in own]
    dropped = tuple(axis for axis, i in enumerate(output) if i not in own)
    inner = transpose(
        squeeze(mask, dropped) if dropped else mask,
        [kept.index(i) for i in own if i in kept],
    )
    new = tuple(axis for axis, i in enumerate(own) if i not in kept)
    return expand_dims(inner, new) if new else inner


# Masks together.


def _not(mask: Handle) -> Handle:
    inner = mask.nodes[mask.node].operands
    return Handle(mask.nodes, inner[0]) if isinstance(mask.node, LogicalNot) else ~mask


def _parts(mask: Handle) -> set[sympy.Expr]:
    """Return what must all hold where a mask does."""
    whole = isinstance(mask.node, LogicalAnd)
    return set(mask.nodes[mask.node].operands) if whole else {mask.node}


def _both(mask: Mask, condition: Handle) -> Handle:
    if mask is None or mask.node is condition.node:
        return condition
    return mask & condition


def _either(one: Mask, other: Mask) -> Mask:
    """Return where one or the other holds; everywhere where they are opposites."""
    if one is None or other is None:
        return None
    if one.node is other.node:
        return one
    first, second = _parts(one), _parts(other)
    if first <= second or second <= first:
        return one if first <= second else other
    alone = [
        Handle(one.nodes, *rest)
        for rest in (first - second, second - first)
        if len(rest) == 1
    ]
    if len(alone) == 2 and _not(alone[0]).node is alone[1].node:
        shared = first & second
        return Handle(one.nodes, *shared) if shared else None
    return one | other
