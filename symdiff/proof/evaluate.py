"""A graph computed with the numbers of a proof.

In: a graph, points, the axes and the inputs, which two graphs share. Out: the numbers
of its outputs. Refused with `NotGeneric`: operations that the numbers say nothing of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from ..graph import ArrayNode, Graph, Nodes, Variable, number_of
from ..ops.table import ROWS
from ..passes.reverse import COTANGENT
from ..shapes import Size, is_floating
from .arrays import ARRAYS, Arrays
from .axes import Axes, NotGeneric
from .diagonals import DIAGONALS
from .elementwise import Formulas
from .indexing import INDEXING
from .matrices import MATRICES
from .numbers import Number

__all__ = ["Inputs", "evaluate"]

_RULES = ARRAYS | DIAGONALS | INDEXING | MATRICES


class Inputs:
    """The arguments at all points, the same for all graphs that are computed at them.

    bounds: of whole numbers that index an axis, its size.
    """

    def __init__(self, axes: Axes, bounds: Mapping[str, Size]) -> None:
        self.axes = axes
        self.bounds = bounds
        self._made: dict[str, Number] = {}

    def __getitem__(self, variable: Variable) -> Number:
        name = variable.name
        if name not in self._made:
            self._made[name] = self._drawn(variable)
        return self._made[name]

    def is_place(self, variable: Variable) -> bool:
        """Return whether an input indexes an axis that a few elements stand for."""
        bound = self.bounds.get(variable.name)
        return bound is not None and not self.axes[bound].whole

    def _drawn(self, variable: Variable) -> Number:
        points, counts = self.axes.points, self.axes.counts(variable.shape)
        if variable.name == COTANGENT:
            return points.constant(Fraction(1))
        if variable.name in self.bounds:
            axis = self.axes[self.bounds[variable.name]]
            below = axis.count if axis.whole else axis.count - 1
        elif variable.dtype == "bool":
            below = 2
        else:
            return points.random(counts)
        if not below:
            raise NotGeneric("an index into an axis without elements")
        return points.whole(points.rng.integers(below, size=(points.count, *counts)))


def evaluate(
    graph: Graph, names: Sequence[str], axes: Axes, inputs: Inputs
) -> dict[str, Number]:
    """Return some outputs of a graph at all points."""
    nodes = graph.nodes
    formulas = Formulas(axes.points)
    arrays = Arrays(nodes, axes, formulas)
    done: dict[int, tuple[Number, bool]] = {}
    for node in graph.walk(names):
        arrays.admit(node)
        numbers, sure = _computed(arrays, formulas, inputs, node, done)
        if is_floating(nodes.dtype(node)):
            numbers = axes.points.settled(numbers)
        done[id(node)] = numbers, sure
    return {name: done[id(graph.outputs[name])][0] for name in names}


def _computed(
    arrays: Arrays,
    formulas: Formulas,
    inputs: Inputs,
    node: Any,
    done: Mapping[int, tuple[Number, bool]],
) -> tuple[Number, bool]:
    """Return the numbers of a node, and whether they are known to be 0 or more."""
    nodes = arrays.nodes
    if isinstance(node, Variable):
        if inputs.is_place(node):
            arrays.places.add(id(node))
        return inputs[node], node.dtype == "bool"
    if nodes.is_size(node):
        return arrays.axes.value(node), True
    known = number_of(node)
    if known is not None:
        return formulas.number(known), bool(known >= 0)
    operands = nodes[node].operands
    x = [done[id(one)][0] for one in operands]
    facts = tuple(done[id(one)][1] for one in operands)
    if type(node) in _RULES:
        sure = type(node) not in MATRICES and _keeps_sign(node, operands, facts)
        return _RULES[type(node)](arrays, node, *x), sure
    if not _is_elementwise(nodes, node):
        raise NotGeneric(f"the operation {type(node).__name__}")
    value, sure = formulas.of(nodes, node, x, facts)
    return arrays.full(node, value), sure


def _is_elementwise(nodes: Nodes, node: Any) -> bool:
    return ROWS[type(node)].kind in (
        "elementwise",
        "transcendental",
    ) and not isinstance(node, ArrayNode)


def _keeps_sign(node: Any, operands: tuple, facts: tuple[bool, ...]) -> bool:
    """Return whether an operation on arrays of numbers 0 or more has such a result."""
    if not operands:
        return not hasattr(node, "array") or bool((node.array >= 0).all())
    if len(operands) == 2 and operands[0] is operands[1]:
        own = getattr(node, "params", ())
        return bool(all(facts) or (own and own[0][0] == own[0][1]))
    return all(facts)
