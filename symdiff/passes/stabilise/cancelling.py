"""How a value moves with a quantity c on which the loss does not depend.

In: a graph, and nodes of which is known what a change of c does to them: they are
shifted by k*c, or scaled by exp(k*c). Each value that is reached is followed until
nothing is left of c: `x - max(x)` through a softmax, a log-sum-exp, however written.
Refused (None): that the loss may depend on c, or that more than `LONGEST` nodes are
reached.

`exp(x + c)` is scaled by exp(c); its logarithm is shifted by c, sums along axes on
which c does not vary are scaled with it, quotients and differences cancel.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sympy
from sympy.codegen import cfunctions

from ...graph import Graph, Nodes, number_of
from ...ops.choices import where
from ...ops.contraction import Contraction, indices_of
from ...ops.elementwise import Cast, StopGradient
from ...ops.indexing import Index
from ...ops.layout import Broadcast, Reshape, Transpose
from ...ops.making import Arange

__all__ = [
    "BASES",
    "Consumers",
    "Layout",
    "Moved",
    "consumers_of",
    "followed",
    "layout_behind",
]

LONGEST = 1000

# For each axis of a value the axis of c along which c varies there, or None.
Layout = tuple[int | None, ...]

# Who reads a node, by its id.
Consumers = Mapping[int, Sequence[sympy.Expr]]

# Of what base a logarithm or an exponential function is.
BASES: dict[type, float] = {
    sympy.exp: math.e,
    cfunctions.exp2: 2,
    sympy.log: math.e,
    cfunctions.log2: 2,
    cfunctions.log10: 10,
}
_POWERS = (sympy.exp, cfunctions.exp2)
_LOGARITHMS = (sympy.log, cfunctions.log2, cfunctions.log10)


@dataclass(frozen=True)
class Moved:
    """What adding c does to a value: + rate * c, or * exp(rate * c).

    whole: whether a scaled value is no sum that leaves out some terms, and thus not
    smaller by far than the terms of which it is one. even: whether none are left out
    so far.
    """

    kind: str
    rate: float
    layout: Layout
    whole: bool = True
    even: bool = True


class _DependsError(Exception):
    """The loss may depend on c."""


def consumers_of(graph: Graph, walk: Sequence[sympy.Expr]) -> Consumers:
    """Return who reads each node."""
    consumers: dict[int, list[sympy.Expr]] = {id(node): [] for node in walk}
    for node in walk:
        for operand in graph.nodes[node].operands:
            consumers[id(operand)].append(node)
    return consumers


def followed(
    graph: Graph, start: sympy.Expr, moved: Moved, consumers: Consumers, *, undone: bool
) -> list[tuple[sympy.Expr, Moved]] | None:
    """Return the logarithms at which c is to be undone, None if the loss may depend on
    c.

    They are followed no further where `undone`; else there are none.
    """
    nodes, value = graph.nodes, graph.outputs["value"]
    found: dict[int, Moved] = {id(start): moved}
    logarithms: list[tuple[sympy.Expr, Moved]] = []
    pending = [(nodes[one].index, one) for one in consumers[id(start)]]
    heapq.heapify(pending)
    seen: set[int] = set()
    if value is start:
        return None
    while pending:
        _, node = heapq.heappop(pending)
        if id(node) in seen:
            continue
        seen.add(id(node))
        try:
            after = _after(nodes, node, found)
        except _DependsError:
            return None
        if after is None:
            continue
        if undone and _divides(nodes, node) and not _is_whole(nodes, node, found):
            return None
        if undone and isinstance(node, _LOGARITHMS):
            logarithms.append((node, after))
            continue
        if node is value or len(seen) > LONGEST:
            return None
        found[id(node)] = after
        for one in consumers[id(node)]:
            heapq.heappush(pending, (nodes[one].index, one))
    return logarithms


def _divides(nodes: Nodes, node: sympy.Expr) -> bool:
    """Return whether a node is not finite where its operand is 0."""
    if isinstance(node, sympy.Pow):
        power = number_of(nodes[node].operands[1])
        return power is not None and power < 0
    return isinstance(node, _LOGARITHMS)


def _is_whole(nodes: Nodes, node: sympy.Expr, found: Mapping[int, Moved]) -> bool:
    return found[id(nodes[node].operands[0])].whole


def _after(nodes: Nodes, node: sympy.Expr, moved: Mapping[int, Moved]) -> Moved | None:
    """Return how a node moves with its operands, None where it does not."""
    operands = nodes[node].operands
    parts = [moved.get(id(one)) for one in operands]
    if isinstance(node, StopGradient):
        return None
    if isinstance(node, sympy.Add | sympy.Mul):
        return _combined(nodes, node, operands, parts)
    if isinstance(node, sympy.Pow) and parts[0] is None:
        return _raised(operands, parts[1])
    if isinstance(node, where):
        return _chosen(nodes, node, operands, parts)
    first = parts[0]
    if first is None or (
        len(operands) > 1 and not isinstance(node, Contraction | Index | sympy.Pow)
    ):
        raise _DependsError
    if isinstance(node, _POWERS) and first.kind == "shift":
        return Moved("scale", first.rate * math.log(BASES[type(node)]), first.layout)
    if isinstance(node, _LOGARITHMS) and first.kind == "scale":
        return Moved("shift", first.rate / math.log(BASES[type(node)]), first.layout)
    if isinstance(node, sympy.Pow) and first.kind == "scale":
        power = number_of(operands[1])
        if power is not None:
            return replace(first, rate=first.rate * power)
    if isinstance(node, Contraction):
        return _contracted(node, parts)
    if isinstance(node, Transpose | Reshape | Broadcast | Index | Cast):
        layout = _laid_out(nodes, node, first.layout)
        even = first.even and not isinstance(node, Index)
        return replace(first, layout=layout, even=even)
    raise _DependsError


def _raised(operands: Sequence[sympy.Expr], exponent: Moved | None) -> Moved:
    """A positive number to a shifted power is scaled."""
    base = number_of(operands[0])
    if exponent is None or exponent.kind != "shift" or base is None or base <= 0:
        raise _DependsError
    return Moved("scale", exponent.rate * math.log(base), exponent.layout)


def _chosen(
    nodes: Nodes, node: sympy.Expr, operands: Sequence, parts: Sequence[Moved | None]
) -> Moved:
    """A scaled value is scaled where it is chosen, as is the 0 in its place."""
    for one, other in ((1, 2), (2, 1)):
        part = parts[one]
        scaled = part is not None and part.kind == "scale" and parts[0] is None
        if part is not None and scaled and number_of(operands[other]) == 0:
            return replace(part, layout=_padded(nodes, node, part))
    raise _DependsError


def _padded(nodes: Nodes, node: sympy.Expr, part: Moved) -> Layout:
    rank = len(nodes.shape(node))
    return (None,) * (rank - len(part.layout)) + part.layout


def _combined(
    nodes: Nodes, node: sympy.Expr, operands: Sequence, parts: Sequence[Moved | None]
) -> Moved | None:
    """A sum of shifts or a product of scales adds the rates; a number times a shift
    scales it.
    """
    present = [one for one in parts if one is not None]
    padded = {_padded(nodes, node, one) for one in present}
    wanted = "shift" if isinstance(node, sympy.Add) else "scale"
    if len(padded) != 1:
        raise _DependsError
    layout = padded.pop()
    others = [one for one, part in zip(operands, parts, strict=True) if part is None]
    whole = all(one.whole for one in present)
    if all(one.kind == wanted for one in present):
        rate = sum(one.rate for one in present)
        even = all(one.even for one in present)
        return Moved(wanted, rate, layout, whole, even) if rate else None
    kinds = {(one.kind, one.rate) for one in present}
    if wanted == "shift" and not others and len(kinds) == 1:
        return replace(present[0], layout=layout, whole=False)
    factor = number_of(others[0]) if others else None
    if wanted == "scale" and factor is not None:
        return Moved("shift", present[0].rate * factor, layout)
    raise _DependsError


def _contracted(node: sympy.Expr, parts: Sequence[Moved | None]) -> Moved:
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
    layout = tuple(along.get(i) for i in output)
    whole = one.whole and one.even
    return Moved("scale", one.rate, layout, whole)


def layout_behind(nodes: Nodes, node: sympy.Expr, layout: Layout) -> Layout | None:
    """Return the layout behind a node that only moves elements, None where there is
    none.
    """
    try:
        return _laid_out(nodes, node, layout)
    except _DependsError:
        return None


def _laid_out(nodes: Nodes, node: sympy.Expr, layout: Layout) -> Layout:
    """Return the layout behind a node that only moves elements."""
    if isinstance(node, Broadcast):
        return (None,) * (len(nodes.shape(node)) - len(layout)) + layout
    if isinstance(node, Cast):
        return layout
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
