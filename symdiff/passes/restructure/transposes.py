"""Transposes moved behind what reads them: f(x.T) is f(x).T.

In: a graph and a change that leaves nodes transposed. Out: the graph with these nodes,
and what is computed of them, over the arrays beneath the transposes, for as far as the
order of axes can be followed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy

from ...graph import Graph, Nodes
from ...ops.contraction import Contraction, contract
from ...ops.handle import Handle
from ...ops.indexing import Index
from ...ops.keys import WHOLE
from ...ops.layout import Reshape, Transpose, reshape, transpose
from ...ops.reductions import Max, Min
from ...ops.table import ROWS
from ...shapes import Shape, product
from ..rebuild import Rewrite, rebuild

__all__ = ["reordered", "split_axes"]

ELEMENTWISE = ("elementwise", "transcendental")

Operands = tuple[sympy.Expr, ...]
Order = tuple[int, ...]


def reordered(graph: Graph, change: Rewrite) -> Graph:
    """Return the graph with nodes changed, the transposes that this leaves moved on."""
    moved: set[int] = set()

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: Operands
    ) -> sympy.Expr | None:
        made = change(nodes, node, operands)
        if made is None and any(id(one) in moved for one in operands):
            made = _behind(nodes, node, operands)
        if isinstance(made, Transpose):
            moved.add(id(made))
            (beneath,) = nodes[made].operands
            nodes[beneath].take_name(graph.nodes[node])
        return made

    return rebuild(graph, rewrite)


def _behind(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """Return the node over the arrays beneath transposes, transposed; else None."""
    if ROWS[type(node)].kind in ELEMENTWISE:
        return _elementwise(nodes, node, operands)
    if isinstance(node, Contraction):
        return contract([Handle(nodes, one) for one in operands], *node.params).node
    rule = _RULES.get(type(node))
    if rule is None or len(operands) > 1 or not isinstance(operands[0], Transpose):
        return None
    (x,), (axes,) = nodes[operands[0]].operands, operands[0].params
    found = rule(nodes, node, x, axes)
    return None if found is None else transpose(*found).node


def _elementwise(
    nodes: Nodes, node: sympy.Expr, operands: Operands
) -> sympy.Expr | None:
    """What all full operands are transposed by moves out; others are moved against it."""
    rank = max(len(nodes.shape(one)) for one in operands)
    orders = {
        one.params[0]
        for one in operands
        if isinstance(one, Transpose) and len(nodes.shape(one)) == rank
    }
    if len(orders) != 1:
        return None
    order = orders.pop()
    back = [order.index(axis) for axis in range(rank)]
    inner = [_against(Handle(nodes, one), back) for one in operands]
    params = getattr(node, "params", ())
    made = nodes.make(type(node), *(one.node for one in inner), params=params)
    return transpose(Handle(nodes, made), order).node


def _against(x: Handle, order: Sequence[int]) -> Handle:
    """Return an operand with its axes in an order, those that broadcasting adds too."""
    if not x.sizes:
        return x
    full = (1,) * (len(order) - x.ndim) + x.sizes
    if sum(one != 1 for one in full) > 1:
        return transpose(reshape(x, full), order)
    return reshape(x, tuple(full[axis] for axis in order))


Found = tuple[Handle, Order] | None


def _index(nodes: Nodes, node: sympy.Expr, x: sympy.Expr, axes: Order) -> Found:
    """Slices alone."""
    (key,) = node.params
    if any(entry[0] != "slice" for entry in key):
        return None
    full = (*key, *[WHOLE] * (len(axes) - len(key)))
    own = tuple(full[axes.index(axis)] for axis in range(len(axes)))
    return Handle(nodes, nodes.make(Index, x, params=(own,))), axes


def _extremum(nodes: Nodes, node: sympy.Expr, x: sympy.Expr, axes: Order) -> Found:
    (over,) = node.params
    own = tuple(sorted(axes[axis] for axis in over))
    kept = [axis for place, axis in enumerate(axes) if place not in over]
    made = nodes.make(type(node), x, params=(own,))
    return Handle(nodes, made), _ranked(kept)


def _reshape(nodes: Nodes, node: sympy.Expr, x: sympy.Expr, axes: Order) -> Found:
    """Axes that are split, and neighbours that stay neighbours merged."""
    old = tuple(nodes.shape(x)[axis] for axis in axes)
    groups = split_axes(old, node.params[0])
    if groups is None:
        return None
    together = [tuple(axes[place] for place in before) for before, _ in groups]
    if any(one != tuple(range(one[0], one[0] + len(one))) for one in together):
        return None
    behind = sorted(range(len(groups)), key=lambda place: together[place])
    shape = tuple(size for place in behind for size in groups[place][1])
    counts = [len(after) for _, after in groups]
    starts = {
        place: sum(counts[one] for one in behind[:at])
        for at, place in enumerate(behind)
    }
    order = tuple(
        starts[place] + step
        for place, count in enumerate(counts)
        for step in range(count)
    )
    return reshape(Handle(nodes, x), shape), order


def split_axes(old: Shape, new: Shape) -> list[tuple[Order, Shape]] | None:
    """Return which axes of an old shape become which sizes of a new one, in order.

    None where an axis of either has size 1 or none, which may belong anywhere.
    """
    if any(one in (0, 1) for one in (*old, *new)):
        return None
    groups: list[tuple[Order, Shape]] = []
    before, after = list(range(len(old))), list(new)
    while before and after:
        axes: Order = (before.pop(0),)
        sizes: Shape = (after.pop(0),)
        while (left := product(old[axis] for axis in axes)) != (
            right := product(sizes)
        ):
            if not isinstance(left, int) or not isinstance(right, int):
                return None
            if left < right:
                axes = (*axes, before.pop(0))
            else:
                sizes = (*sizes, after.pop(0))
        groups.append((axes, sizes))
    return groups


def _ranked(axes: Sequence[int]) -> Order:
    """Return the order that some axes are in, counted among themselves."""
    ordered = sorted(axes)
    return tuple(ordered.index(axis) for axis in axes)


_RULES: dict[type, Callable[[Nodes, sympy.Expr, sympy.Expr, Order], Found]] = {
    Index: _index,
    Max: _extremum,
    Min: _extremum,
    Reshape: _reshape,
}
