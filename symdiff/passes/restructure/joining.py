"""Arrays joined along an axis, without a copy where they are the parts of one array."""

from __future__ import annotations

from collections.abc import Sequence

import sympy

from ...graph import Nodes
from ...ops.handle import Handle
from ...ops.indexing import Index
from ...ops.joining import concatenate
from ...ops.layout import reshape

__all__ = ["in_turn", "joined", "whole"]


def in_turn(nodes: Nodes, group: list[sympy.Expr]) -> list[sympy.Expr]:
    """Return nodes in the order of the forward pass: its last comes first in the
    backward pass.
    """
    ordered = sorted(group, key=lambda node: nodes[node].index)
    return ordered[::-1] if nodes[group[0]].backward else ordered


def joined(nodes: Nodes, parts: Sequence[sympy.Expr], axis: int) -> Handle:
    """Return arrays one behind the other along an axis."""
    base = whole(nodes, parts) if axis == 0 else None
    if base is None:
        return concatenate([Handle(nodes, one) for one in parts], axis)
    length, first, *rest = nodes.shape(base)
    return reshape(Handle(nodes, base), (length * first, *rest))


def whole(nodes: Nodes, parts: Sequence[sympy.Expr]) -> sympy.Expr | None:
    """Return x where the parts are x[0], x[1] and so on to its end, else None."""
    if not all(isinstance(one, Index) for one in parts):
        return None
    bases = {id(nodes[one].operands[0]) for one in parts}
    base = nodes[parts[0]].operands[0]
    keys = [one.params[0] for one in parts]
    every = keys == [(("at", place),) for place in range(len(parts))]
    shape = nodes.shape(base)
    complete = every and len(bases) == 1 and shape[0] == len(parts)
    return base if complete and len(shape) > 1 else None
