"""Extrema taken before what commutes with them: max(maximum(x + b, 0)) is
maximum(max(x) + b, 0), computed of fewer elements.

In and out: a graph before it is differentiated. b must not vary within what an extremum
is taken of; both are exact, as rounding is monotone too.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy

from ...graph import Graph, Nodes, number_of
from ...ops.choices import Maximum, Minimum
from ...ops.indexing import Index
from ...ops.layout import Reshape
from ...ops.reductions import Max, Min
from ...shapes import Shape
from ..rebuild import read_once, rebuild
from .transposes import split_axes

__all__ = ["pooled_first"]

MONOTONE = (sympy.Add, Maximum, Minimum)

Moves = list[sympy.Expr]


def pooled_first(graph: Graph) -> Graph:
    """Return the graph with extrema taken as early as they can be."""
    old, once = read_once(graph), set[int]()

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
    ) -> sympy.Expr | None:
        pairs = zip(graph.nodes[node].operands, operands, strict=True)
        once.update(id(made) for one, made in pairs if id(one) in old)
        if not isinstance(node, Max | Min):
            return None
        return _earlier(nodes, type(node), node.params[0], operands[0], once)

    return rebuild(graph, rewrite)


def _earlier(
    nodes: Nodes, cls: type, axes: tuple[int, ...], x: sympy.Expr, once: set[int]
) -> sympy.Expr | None:
    """Return an extremum of x as f of an extremum; None where there is no such f."""
    moves: Moves = []
    behind: list[tuple[type, sympy.Expr, bool]] = []
    while id(x) in once:
        if isinstance(x, Reshape | Index) and len(nodes[x].operands) == 1:
            moves.insert(0, x)
            (x,) = nodes[x].operands
            continue
        operands = nodes[x].operands
        if not isinstance(x, MONOTONE) or len(operands) != 2:
            break
        kept = _kept(nodes, nodes.shape(x), moves, axes)
        place = _constant(nodes, operands, nodes.shape(x), kept)
        if place is None or not _is_monotone(x, operands[place]):
            break
        behind.append((type(x), operands[place], place == 0))
        x = operands[1 - place]
    if not behind:
        return None
    for move in moves:
        x = nodes.make(type(move), x, params=move.params)
    made = nodes.make(cls, x, params=(axes,))
    for outer, constant, first in reversed(behind):
        pair = (constant, made) if first else (made, constant)
        made = nodes.make(outer, *pair)
    return made


def _is_monotone(node: sympy.Expr, constant: sympy.Expr) -> bool:
    """Whether an operation has no other corner than where its slope is 0 on one side."""
    return isinstance(node, sympy.Add) or number_of(constant) is not None


def _kept(
    nodes: Nodes, shape: Shape, moves: Moves, axes: tuple[int, ...]
) -> list[bool] | None:
    """Return which axes are as they were after moves and an extremum over axes.

    None unless what is left of each axis is one axis, in the old order.
    """
    origins = list(range(len(shape)))
    kept = [True] * len(shape)
    for move in moves:
        before = nodes.shape(nodes[move].operands[0])
        if isinstance(move, Index):
            if any(entry[0] != "slice" for entry in move.params[0]):
                return None
            after = nodes.shape(move)
            changed = [a != b for a, b in zip(before, after, strict=True)]
        else:
            groups = split_axes(before, move.params[0])
            if groups is None or any(len(one) > 1 for one, _ in groups):
                return None
            changed = [len(sizes) > 1 for _, sizes in groups]
            split = [
                origin
                for origin, (_, sizes) in zip(origins, groups, strict=True)
                for _ in sizes
            ]
        for origin, other in zip(origins, changed, strict=True):
            kept[origin] = kept[origin] and not other
        if isinstance(move, Reshape):
            origins = split
    for axis in axes:
        kept[origins[axis]] = False
    left = [origin for axis, origin in enumerate(origins) if axis not in axes]
    return kept if left == list(range(len(shape))) else None


def _constant(
    nodes: Nodes,
    operands: Sequence[sympy.Expr],
    shape: Shape,
    kept: list[bool] | None,
) -> int | None:
    """Return the place of the operand that varies along kept axes alone."""
    for place, one in enumerate(operands):
        own = nodes.shape(one)
        full = (1,) * (len(shape) - len(own)) + own
        other = nodes.shape(operands[1 - place])
        varies = [axis for axis, size in enumerate(full) if size != 1]
        alone = not own or (kept is not None and all(kept[axis] for axis in varies))
        if alone and other == shape:
            return place
    return None
