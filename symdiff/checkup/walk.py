"""A loss's operations at one point, what comes back to each, and what each passes on.

In: a loss, its signature and arrays. Out: a `Walk` back through the operations as they
ran: the gradient by the rules of the table, and the part of it that goes back from one
operation to one of its operands. Refused: what a trace on values refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import sympy

from ..graph import Graph, Variable, number_of
from ..ops.handle import Handle
from ..ops.recording import activated, paused
from ..passes.reverse import COTANGENT, walk_back
from ..shapes import is_floating
from ..specs import Signature
from ..tape.values import ValueNodes
from ..trace.run import Reading, record, value_of
from .claim import Arrays

__all__ = ["Local", "Step", "Walk", "run_at", "walked"]

STEP = 1e-6  # to both sides, of values whose change is wanted


class Step(NamedTuple):
    """An operation, and the operand to which it passes a cotangent on."""

    node: sympy.Expr
    operand: sympy.Expr


@dataclass(frozen=True)
class Local:
    """One operation by itself: a function of its real operands, `x0`, `x1`..."""

    node: sympy.Expr
    values: Sequence[Any]
    arrays: Arrays

    @classmethod
    def of(cls, nodes: ValueNodes, node: sympy.Expr) -> Local:
        """Return an operation with the values that its operands had."""
        operands = nodes[node].operands
        values = [nodes.value(one) for one in operands]
        real = {
            f"x{place}": np.asarray(value)
            for place, (one, value) in enumerate(zip(operands, values, strict=True))
            if is_floating(nodes.dtype(one)) and number_of(one) is None
        }
        return cls(node, values, real)

    def loss(self, arrays: Arrays, weights: np.ndarray) -> Graph:
        """Return the graph of the operation's result, weighted and summed."""
        nodes = ValueNodes("float64", arrays)
        with activated(nodes):
            made = [
                self._operand(nodes, place, arrays.get(f"x{place}"))
                for place in range(len(self.values))
            ]
            params = getattr(self.node, "params", ())
            result = Handle(nodes, nodes.make(type(self.node), *made, params=params))
            value = np.sum(result * weights)
        inputs = tuple(one for one in made if isinstance(one, Variable))
        return Graph(nodes, inputs, {"value": value.node})

    def _operand(
        self, nodes: ValueNodes, place: int, array: np.ndarray | None
    ) -> sympy.Expr:
        if array is not None:
            return nodes.variable(f"x{place}", array.shape, array.dtype.name)
        value = self.values[place]
        return nodes.array(value) if np.ndim(value) else nodes.number(value)

    def slopes(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the rule of the operation passes on to its operands."""
        return walked_back(self.loss(self.arrays, weights), list(self.arrays))[0]


@dataclass(frozen=True)
class Walk:
    """The operations of a loss at a point, and their cotangents.

    names: of the wanted inputs. gradient: by the rules of the table.
    """

    graph: Graph
    names: Sequence[str]

    @property
    def nodes(self) -> ValueNodes:
        """The nodes of the loss, each with its value."""
        assert isinstance(self.graph.nodes, ValueNodes)
        return self.graph.nodes

    @cached_property
    def _back(self) -> tuple[dict[str, np.ndarray], dict[int, np.ndarray]]:
        return walked_back(self.graph, self.names)

    @property
    def gradient(self) -> Mapping[str, np.ndarray]:
        """The gradient by the rules of the table."""
        return self._back[0]

    def steps(self) -> Iterator[Step]:
        """Yield each step of the way back, the last operation first."""
        for node in reversed(self.graph.walk()):
            if id(node) in self._back[1] and self._is_plain(node):
                for operand in dict.fromkeys(self.nodes[node].operands):
                    wanted = getattr(operand, "name", None) in self.names
                    if wanted or id(operand) in self._back[1]:
                        yield Step(node, operand)

    def _is_plain(self, node: sympy.Expr) -> bool:
        """Return whether an operation and its operands are arrays or numbers."""
        around = (node, *self.nodes[node].operands)
        return not any(isinstance(self.nodes.value(one), tuple) for one in around)

    def cotangent(self, node: sympy.Expr) -> np.ndarray:
        """Return the slope of the loss by an operation's result."""
        return self._back[1][id(node)]

    def passed(self, step: Step) -> np.ndarray:
        """Return what an operation passes on to an operand, by its rule."""
        slopes = Local.of(self.nodes, step.node).slopes(self.cotangent(step.node))
        places = enumerate(self.nodes[step.node].operands)
        parts = [slopes[f"x{i}"] for i, one in places if one is step.operand]
        return np.asarray(sum(parts))

    def tangents(self, direction: Arrays) -> dict[int, np.ndarray]:
        """Return by how much each real value changes along a direction of the inputs."""
        above, below = (self._values(direction, sign * STEP) for sign in (1, -1))
        return {
            i: np.subtract(value, below[i]) / (2 * STEP) for i, value in above.items()
        }

    def _values(self, direction: Arrays, step: float) -> dict[int, Any]:
        """Return the real values where the inputs are moved."""
        inputs = dict(self.nodes.inputs)
        for name, change in direction.items():
            inputs[name] = inputs[name] + step * change
        nodes = ValueNodes("float64", inputs)
        made: dict[int, sympy.Expr] = {}
        with activated(nodes):
            for node in (*self.graph.inputs, *self.graph.walk()):
                made[id(node)] = self._again(nodes, node, made)
        values = ((i, nodes.value(one)) for i, one in made.items())
        return {i: one for i, one in values if np.asarray(one).dtype.kind == "f"}

    def _again(
        self, nodes: ValueNodes, node: sympy.Expr, made: Mapping[int, sympy.Expr]
    ) -> sympy.Expr:
        if isinstance(node, Variable):
            return nodes.variable(node.name, node.shape, node.dtype)
        number = number_of(node)
        if number is not None:
            return nodes.number(number)
        operands = [made[id(one)] for one in self.nodes[node].operands]
        return nodes.make(type(node), *operands, params=getattr(node, "params", ()))


def walked(
    fn: Callable,
    signature: Signature,
    leaves: Sequence[np.ndarray],
    names: Sequence[str],
) -> Walk:
    """Return the operations of a loss at its leaves, for the gradient by some of them."""
    return Walk(run_at(fn, signature, leaves), names)


def run_at(
    fn: Callable,
    signature: Signature,
    leaves: Sequence[np.ndarray],
    read: Reading = value_of,
) -> Graph:
    """Return the graph of a run on values, whose nodes are `ValueNodes`.

    read: what the function's result means; by default a loss's value.
    """
    known = iter(leaves)
    arguments = tuple(
        replace(
            argument,
            leaves=tuple(
                replace(leaf, shape=next(known).shape) for leaf in argument.leaves
            ),
        )
        for argument in signature.arguments
    )
    inputs = {
        leaf.name: array.astype("int64") if array.dtype.kind in "iu" else array
        for leaf, array in zip(signature.leaves, leaves, strict=True)
    }
    with paused():
        concrete = replace(signature, arguments=arguments)
        return record(fn, concrete, ValueNodes("float64", inputs), read=read)


def walked_back(
    graph: Graph, names: Sequence[str]
) -> tuple[dict[str, np.ndarray], dict[int, np.ndarray]]:
    """Return the gradient of a graph's value, and the cotangent of each operation."""
    assert isinstance(graph.nodes, ValueNodes)
    nodes = graph.nodes.forked(**{COTANGENT: np.float64(1)})
    back, slopes = walk_back(replace(graph, nodes=nodes), names, "least-norm")
    gradient = {name: nodes.value(back.outputs[f"d_{name}"]) for name in names}
    cotangents = {i: np.asarray(nodes.value(node)) for i, node in slopes.items()}
    return {k: np.asarray(v) for k, v in gradient.items()}, cotangents
