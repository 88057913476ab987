"""The shift by a maximum that keeps exponentials finite, and that the value does not
depend on.

In: a traced graph. Out: the graph in which such a maximum counts as constant, so that
its gradient, which is zero, is not computed. `x - max(x)` is left as it is where the
value may depend on it.

The identity: add c to the maximum; `exp(x - max)` is then multiplied by `exp(-c)`, its
logarithm and its sums along the reduced axes follow, and in a softmax, log-softmax or
log-sum-exp however written all of it cancels. Each value that the maximum reaches is
followed as shifted by k*c or scaled by exp(k*c) until nothing is left; anything else
ends the search.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace

import sympy

from ..graph import Graph, Nodes, number_of
from ..ops.contraction import Contraction, indices_of
from ..ops.elementwise import StopGradient
from ..ops.indexing import Index
from ..ops.layout import Reshape, Transpose
from ..ops.making import Arange
from ..ops.reductions import Max, Min
from .rebuild import rebuild

__all__ = ["shift"]

# For each axis of a value the axis of the maximum along which c varies there, or None.
Layout = tuple[int | None, ...]


@dataclass(frozen=True)
class _Moved:
    """What adding c to the maximum does to a value: + rate * c, or * exp(rate * c)."""

    kind: str
    rate: float
    layout: Layout


class _DependsError(Exception):
    """The value may depend on the maximum."""


def shift(graph: Graph) -> Graph:
    """Return the graph in which each maximum that the value does not depend on is
    constant.
    """
    walk = graph.walk()
    consumers: dict[int, list[sympy.Expr]] = {id(node): [] for node in walk}
    for node in walk:
        for operand in graph.nodes[node].operands:
            consumers[id(operand)].append(node)
    found = [
        node
        for node in walk
        if isinstance(node, Max | Min) and _cancels(graph, node, consumers)
    ]
    if not found:
        return graph
    constant = set(map(id, found))

    def rewrite(nodes: Nodes, node: sympy.Expr, operands: tuple) -> sympy.Expr | None:
        if id(node) not in constant:
            return None
        made = nodes.make(type(node), *operands, params=node.params)
        return nodes.make(StopGradient, made)

    places = dict.fromkeys(
        str(graph.nodes[one].position or "somewhere") for one in found
    )
    notes = (
        f"{place}: the shift by the maximum cancels in the gradient" for place in places
    )
    return replace(rebuild(graph, rewrite), rewrites=(*graph.rewrites, *notes))


def _cancels(
    graph: Graph, maximum: sympy.Expr, consumers: dict[int, list[sympy.Expr]]
) -> bool:
    nodes = graph.nodes
    axes = tuple(range(len(nodes.shape(maximum))))
    moved = {id(maximum): _Moved("shift", 1.0, axes)}
    value = graph.outputs["value"]
    pending = [(nodes[one].index, one) for one in consumers[id(maximum)]]
    seen: set[int] = set()
    heapq.heapify(pending)
    if value is maximum:
        return False
    while pending:
        _, node = heapq.heappop(pending)
        if id(node) in seen:
            continue
        seen.add(id(node))
        try:
            after = _after(nodes, node, moved)
        except _DependsError:
            return False
        if after is None:
            continue
        if node is value:
            return False
        moved[id(node)] = after
        for one in consumers[id(node)]:
            heapq.heappush(pending, (nodes[one].index, one))
    return True


def _after(nodes: Nodes, node: sympy.Expr, moved: dict[int, _Moved]) -> _Moved | None:
    """Return how a node moves with its operands, None where it does not."""
    operands = nodes[node].operands
    parts = [moved.get(id(one)) for one in operands]
    if isinstance(node, StopGradient):
        return None
    if isinstance(node, sympy.Add | sympy.Mul):
        return _combined(nodes, node, operands, parts)
    first = parts[0]
    if first is None or (
        len(operands) > 1 and not isinstance(node, Contraction | Index | sympy.Pow)
    ):
        raise _DependsError
    if isinstance(node, sympy.exp) and first.kind == "shift":
        return _Moved("scale", first.rate, first.layout)
    if isinstance(node, sympy.log) and first.kind == "scale":
        return _Moved("shift", first.rate, first.layout)
    if isinstance(node, sympy.Pow) and first.kind == "scale":
        power = number_of(operands[1])
        if power is not None:
            return _Moved("scale", first.rate * power, first.layout)
    if isinstance(node, Contraction):
        return _contracted(node, parts)
    if isinstance(node, Transpose | Reshape | Index):
        return _Moved(first.kind, first.rate, _laid_out(nodes, node, first.layout))
    raise _DependsError


def _combined(
    nodes: Nodes, node: sympy.Expr, operands: Sequence, parts: Sequence[_Moved | None]
) -> _Moved | None:
    """A sum of shifts or a product of scales adds the rates; a number times a shift
    scales it.
    """
    rank = len(nodes.shape(node))
    present = [one for one in parts if one is not None]
    padded = {(None,) * (rank - len(one.layout)) + one.layout for one in present}
    wanted = "shift" if isinstance(node, sympy.Add) else "scale"
    if len(padded) != 1:
        raise _DependsError
    layout = padded.pop()
    if all(one.kind == wanted for one in present):
        rate = sum(one.rate for one in present)
        return _Moved(wanted, rate, layout) if rate else None
    numbers = [
        number_of(one)
        for one, part in zip(operands, parts, strict=True)
        if part is None
    ]
    if isinstance(node, sympy.Mul) and len(present) == 1 and numbers[0] is not None:
        return _Moved("shift", present[0].rate * numbers[0], layout)
    raise _DependsError


def _contracted(node: sympy.Expr, parts: Sequence[_Moved | None]) -> _Moved:
    """A scale goes through sums along axes on which c does not vary."""
    inputs, output = indices_of(node)
    present = [
        (one, indices) for one, indices in zip(parts, inputs, strict=True) if one
    ]
    if len(present) != 1 or present[0][0].kind != "scale":
        raise _DependsError
    one, indices = present[0]
    along = {
        i: axis for i, axis in zip(indices, one.layout, strict=True) if axis is not None
    }
    if len(set(indices)) < len(indices) or not set(along) <= set(output):
        raise _DependsError
    return _Moved("scale", one.rate, tuple(along.get(i) for i in output))


def _laid_out(nodes: Nodes, node: sympy.Expr, layout: Layout) -> Layout:
    """Return the layout behind a node that only moves elements."""
    if isinstance(node, Transpose):
        return tuple(layout[axis] for axis in node.params[0])
    if isinstance(node, Index):
        return _indexed(nodes, node, layout)
    before = nodes.shape(nodes[node].operands[0])
    rest = [
        (size, axis) for size, axis in zip(before, layout, strict=True) if size != 1
    ]
    dropped = [axis for size, axis in zip(before, layout, strict=True) if size == 1]
    after = [size for size in node.params[0] if size != 1]
    if after != [size for size, _ in rest] or any(axis is not None for axis in dropped):
        raise _DependsError
    places = iter(rest)
    return tuple(None if size == 1 else next(places)[1] for size in node.params[0])


def _indexed(nodes: Nodes, node: sympy.Expr, layout: Layout) -> Layout:
    """Axes along which c varies must be taken whole, or by `arange` beside other index
    arrays.
    """
    operands = nodes[node].operands
    shape = nodes.shape(operands[0])
    key = node.params[0]
    arrays = [entry for entry in key if entry[0] == "array"]
    result: list[int | None] = []
    together: int | None = None
    if any(entry[0] == "new" for entry in key):
        raise _DependsError
    for axis, entry in enumerate(
        (*key, *([("slice", None, None, None)] * (len(shape) - len(key))))
    ):
        varies = layout[axis] is not None
        if entry[0] == "array":
            index = operands[1 + entry[1]]
            if len(nodes.shape(index)) != 1 or (varies and together is not None):
                raise _DependsError
            if varies and index is not _whole_range(nodes, index, shape[axis]):
                raise _DependsError
            together = layout[axis] if varies else together
            if entry is arrays[0]:
                place = len(result)
                result.append(None)
        elif entry[0] == "slice":
            if varies and entry != ("slice", None, None, None):
                raise _DependsError
            result.append(layout[axis])
        elif varies:
            raise _DependsError
    if arrays:
        if len(arrays) < len(key):
            raise _DependsError
        result[place] = together
    return tuple(result)


def _whole_range(nodes: Nodes, index: sympy.Expr, size: object) -> sympy.Expr | None:
    """Return the index if it is `arange` over a whole axis."""
    whole = isinstance(index, Arange) and index.params[:3] == (0, size, 1)
    return index if whole else None
