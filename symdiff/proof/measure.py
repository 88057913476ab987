"""How large a graph is as an identity: what decides how many points prove it.

In: the graphs of both sides. Out: a `Measure`, by these bounds on what each node is when
it is written out as a fraction of sums of products:

* degree: of numerator and denominator, in inputs and in values of functions. A fraction
  that is not 0 is 0 at a random point with probability degree / p at most (Schwartz
  1980, "Fast probabilistic algorithms for verification of polynomial identities").
* meeting: how many elements of each axis meet in a product; `axes` says what for.
* cases: how many comparisons, signs and choices a product depends on. Where both sides
  differ in some case, one of 2**cases is met (3**cases, where numbers may be equal).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy

from ..graph import ArrayConstant, Graph, Nodes, Variable, number_of
from ..ops import choices, reductions, running, solving
from ..ops.contraction import Contraction, indices_of
from ..ops.indexing import Index, IndexAdd, IndexSet
from ..ops.keys import Key
from ..ops.table import ROWS
from ..shapes import Shape, Size
from .constants import constant_of

__all__ = ["Measure", "measure"]

_CHOICES = (
    *choices.COMPARISONS,
    *(choices.Maximum, choices.Minimum, sympy.Abs, sympy.sign, solving.Sign),
)
_MATRICES = (solving.Det, solving.Inv, solving.LogAbsDet, solving.Sign, solving.Solve)


@dataclass(frozen=True)
class Measure:
    """Bounds for one side or both: see this module's docstring."""

    degree: int
    meeting: Mapping[Size, int]
    cases: int

    def __or__(self, other: Measure) -> Measure:
        """Return what bounds the difference of two sides."""
        return Measure(
            self.degree + other.degree,
            _largest([self.meeting, other.meeting]),
            max(self.cases, other.cases),
        )


@dataclass(frozen=True)
class _Node:
    """Bounds of one node: degrees, elements that meet by axis, cases by what has them."""

    above: int = 0
    below: int = 0
    meeting: Counter[Size] = field(default_factory=Counter)
    cases: Mapping[int, int] = field(default_factory=dict)

    @property
    def number_of_cases(self) -> int:
        return sum(self.cases.values())


def measure(
    graph: Graph, names: Iterable[str], given: Mapping[Size, int] | None
) -> Measure:
    """Return the bounds of some outputs of a graph, for every size or at given ones."""
    nodes, names = graph.nodes, list(names)
    meeting: Counter[Size] = Counter()
    # The degree depends on how many elements stand for an axis, which comes first.
    for _ in range(2):
        done: dict[int, _Node] = {}
        most, meeting = meeting, Counter()
        for node in graph.walk(names):
            x = [done[id(one)] for one in nodes[node].operands]
            done[id(node)] = one = _measured(nodes, node, x, _Counts(most, given))
            meeting |= one.meeting + Counter(nodes.shape(node))
    last = [done[id(graph.outputs[name])] for name in names]
    named = {one for node in graph.walk(names) for one in _named(nodes, node)}
    return Measure(
        max(one.above + one.below for one in last),
        meeting + Counter(size for size, _ in named),
        max(one.number_of_cases for one in last),
    )


@dataclass(frozen=True)
class _Counts:
    """How many elements stand for an axis: as many as meet and one, or all of them."""

    most: Mapping[Size, int]
    given: Mapping[Size, int] | None

    def __getitem__(self, size: Size) -> int:
        if self.given is None:
            return self.most.get(size, 1) + 1
        return size if isinstance(size, int) else int(size.subs(self.given))


def _measured(nodes: Nodes, node: Any, x: Sequence[_Node], counts: _Counts) -> _Node:
    if not x:
        value = number_of(node)
        if value is not None and math.isfinite(value) and constant_of(value).power:
            return _Node(4, 4)
        return _Node(above=int(isinstance(node, Variable) or nodes.is_size(node)))
    if isinstance(node, Contraction):
        return _contracted(nodes, node, x, counts)
    cases = _joined_cases(nodes, node, x)
    if isinstance(node, sympy.Mul):
        return _Node(
            sum(one.above for one in x),
            sum(one.below for one in x),
            _summed(one.meeting for one in x),
            cases,
        )
    meeting = _largest(one.meeting for one in x) + _picked(nodes, node)
    if isinstance(node, sympy.Add):
        a, b = x
        above = max(a.above + b.below, b.above + a.below)
        return _Node(above, a.below + b.below, meeting, cases)
    if isinstance(node, sympy.Pow):
        return _power(nodes, node, x[0], cases)
    if _is_function(nodes, node):
        return _Node(2, 2, cases=cases)
    above, below = max(one.above for one in x), max(one.below for one in x)
    if isinstance(node, (*_MATRICES, running.CumSum, running.CumProd)):
        # Sums of products of as many factors, each with a denominator of its own.
        (axis,) = (-1,) if isinstance(node, _MATRICES) else node.params
        size = counts[nodes.shape(nodes[node].operands[0])[axis]]
        above = below = 2 * size * (above + size * below)
    return _Node(above, below, meeting, cases)


def _is_function(nodes: Nodes, node: Any) -> bool:
    """Return whether a node is a function of which but its values are known."""
    return (
        ROWS[type(node)].kind == "transcendental"
        or not isinstance(
            node,
            (*_CHOICES, choices.where, choices.Safe),
        )
        and ROWS[type(node)].kind == "elementwise"
        and nodes.dtype(node) != "bool"
    )


def _power(nodes: Nodes, node: Any, base: _Node, cases: Mapping[int, int]) -> _Node:
    exponent = number_of(nodes[node].operands[1])
    if exponent is None:
        return _Node(2, 2, cases=cases)
    times = max(1, math.ceil(abs(exponent)))
    meeting = Counter({size: times * have for size, have in base.meeting.items()})
    above, below = times * base.above, times * base.below
    return _Node(*((above, below) if exponent > 0 else (below, above)), meeting, cases)


def _contracted(nodes: Nodes, node: Any, x: Sequence[_Node], counts: _Counts) -> _Node:
    inputs, output = indices_of(node)
    sizes = {
        index: size
        for one, own in zip(nodes[node].operands, inputs, strict=True)
        for index, size in zip(own, nodes.shape(one), strict=True)
    }
    summed = [size for index, size in sizes.items() if index not in output]
    terms = math.prod(max(counts[size], 1) for size in summed)
    above, below = sum(one.above for one in x), sum(one.below for one in x)
    meeting = _summed([*(one.meeting for one in x), Counter(summed)])
    total = sum(one.number_of_cases for one in x)
    return _Node(
        above + (terms - 1) * below,
        terms * below,
        meeting,
        {id(node): total} if total else {},
    )


def _picked(nodes: Nodes, node: Any) -> Counter[Size]:
    """Return the axes along which a node picks an element, one for each."""
    shape = nodes.shape(nodes[node].operands[0])
    if isinstance(node, reductions.Max | reductions.Min):
        return Counter(shape[axis] for axis in node.params[0])
    if isinstance(node, Index):
        return _picked_by(shape, node.params[0])
    if isinstance(node, IndexAdd):
        return _largest(_picked_by(node.params[0], key) for key in node.params[1])
    if isinstance(node, IndexSet):
        return _picked_by(nodes.shape(node), node.params[0])
    return Counter()


def _picked_by(shape: Shape, key: Key) -> Counter[Size]:
    along = [entry for entry in key if entry[0] != "new"]
    picked = zip(shape, along, strict=False)
    return Counter(size for size, entry in picked if entry[0] in ("array", "at"))


def _named(nodes: Nodes, node: Any) -> Iterable[tuple[Size, int]]:
    """Yield the elements that the key of a node names, each with its axis."""
    if not isinstance(node, Index | IndexSet):
        return
    operands = nodes[node].operands
    arrays = operands[1 if isinstance(node, Index) else 2 :]
    along = [entry for entry in node.params[0] if entry[0] != "new"]
    for size, entry in zip(nodes.shape(operands[0]), along, strict=False):
        if entry[0] == "at":
            yield size, entry[1]
        elif entry[0] == "array" and isinstance(arrays[entry[1]], ArrayConstant):
            yield from ((size, int(one)) for one in arrays[entry[1]].array.flat)


def _joined_cases(nodes: Nodes, node: Any, x: Sequence[_Node]) -> dict[int, int]:
    """Return the cases of an operation on operands, each counted once.

    What stands at other places than before are other cases.
    """
    cases = {key: have for one in x for key, have in one.cases.items()}
    if isinstance(node, _CHOICES):
        first, *_ = nodes[node].operands
        known = isinstance(first, choices.Maximum | choices.Minimum)
        # The sign of maximum(x, 0) is told by the case that made it.
        cases[id(first if known else node)] = 1
    elif cases and ROWS[type(node)].kind not in ("elementwise", "transcendental"):
        cases = {id(node): sum(cases.values())}
    return cases


def _summed(each: Iterable[Mapping[Size, int]]) -> Counter:
    total: Counter = Counter()
    for one in each:
        total.update(one)
    return total


def _largest(each: Iterable[Mapping[Size, int]]) -> Counter:
    total: Counter = Counter()
    for one in each:
        total |= Counter(one)
    return total
