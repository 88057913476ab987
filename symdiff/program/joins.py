"""Arrays that are joined, written where they will stand: of `np.concatenate([a, b])` a
and b are parts of the whole from the start, so that nothing is copied.

In: steps, and the chains of values that are written into arrays. Out: for a joined value
the chains that are in parts of its array. Linear in the number of steps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import sympy

from ..graph import Nodes
from ..ops.joining import Concatenate, Stack
from ..ops.keys import WHOLE, Key
from ..shapes import Size, product, size
from .buffers import Chain
from .spelling import Step

__all__ = ["Parts", "joins", "places"]

SHORTEST = 512  # elements in a row of a part that does not lie in one block


# Chains by the keys of the parts that they are in, by the value of which these are parts.
Parts = dict[int, dict[Key, Chain]]


def joins(
    nodes: Nodes,
    steps: Sequence[Step],
    chains: Sequence[Chain],
    blocks: Collection[int],
) -> Parts:
    """Return the chains that are in parts of the arrays of others, which live as long.

    `blocks` are ids of values that only an array in one block of memory can hold.
    """
    last = {id(chain.values[-1]): chain for chain in chains}
    first = {id(chain.values[0]): chain for chain in chains}
    solid = {
        id(chain) for chain in chains if any(id(v) in blocks for v in chain.values)
    }
    parts: Parts = {}
    taken: set[int] = set()
    for at, step in enumerate(steps):
        whole = first.get(id(step.value))
        joining = isinstance(step.expression, Concatenate | Stack)
        if whole is None or not joining or id(step.value) in blocks:
            continue
        for operand, key in places(nodes, step.expression):
            part = last.get(id(operand))
            if part is None or part is whole or id(part) in taken:
                continue
            if part.dtype != whole.dtype or (len(whole.values) > 1 and part.last > at):
                continue
            if len(key) > 1 and (id(part) in solid or _is_narrow(part, len(key) - 1)):
                continue
            parts.setdefault(id(step.value), {})[key] = part
            taken.add(id(part))
            whole.first = min(whole.first, part.first)
            whole.last = max(whole.last, part.last)
            solid |= {id(whole)} if id(part) in solid else set()
    return parts


def places(nodes: Nodes, node: sympy.Expr) -> Iterator[tuple[sympy.Expr, Key]]:
    """Yield the arrays that a node joins, each with the key of its place."""
    (axis,) = node.params
    before = (WHOLE,) * axis
    start: Size = 0
    for place, one in enumerate(nodes[node].operands):
        if isinstance(node, Stack):
            yield one, (*before, ("at", place))
            continue
        stop = size(start + nodes.shape(one)[axis])
        end = None if stop == nodes.shape(node)[axis] else stop
        yield one, (*before, ("slice", start or None, end, None))
        start = stop


def _is_narrow(part: Chain, axis: int) -> bool:
    """Return whether a part has few elements in a row, counted from an axis on."""
    length = product(part.shape[axis:])
    return isinstance(length, int) and length < SHORTEST
