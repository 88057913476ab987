"""Small arrays taken apart: the graph of the numbers in them, for the fast style.

In: a graph with its gradient that `is_small`. Out: a graph of single numbers, in which an
operation on arrays is one on each element, with the inputs and outputs as arrays of its
nodes. Refused, with None: what moves elements by the values of others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer
from ..graph import Graph, Nodes, number_of
from ..ops.handle import activated
from ..ops.table import ROWS
from .apart import RULES, Elements, Maker, MovedByValuesError
from .reverse import COTANGENT
from .simplify import simplify
from .speed import MOVING, operations

__all__ = ["Elements", "Unrolled", "is_small", "unroll"]

# More operations on numbers would make a text that nobody reads.
MOST = 600
KNOWN = ("bool", "int", "int64", "float", "float64")


@dataclass(frozen=True)
class Unrolled:
    """A graph of numbers.

    inputs, outputs: its nodes by the names of whole arrays. variables: the user's names
    of arrays by those of their numbers.
    """

    graph: Graph
    inputs: dict[str, Elements]
    outputs: dict[str, Elements]
    variables: dict[str, str]


def is_small(graph: Graph) -> bool:
    """Return whether a graph's operations on numbers can be written out.

    They cannot where a size is unknown, where something is not in double precision, where
    elements are computed together (a sort, a solution), or where there are too many.
    """
    nodes = graph.nodes
    known = all(_is_known(nodes, node) for node in graph.walk())
    return known and sum(operations(nodes, node) for node in graph.walk()) <= MOST


def unroll(
    graph: Graph, names: Mapping[str, str], described: Mapping[int, str]
) -> Unrolled | None:
    """Return the graph of the numbers in a small graph's arrays, None where it depends
    on their values which of them goes where.

    `names` are what inputs are called, `described` what nodes without a name are, by
    their ids.
    """
    try:
        return _Unroller(graph, names, described).unrolled()
    except MovedByValuesError:
        return None


def _is_known(nodes: Nodes, node: sympy.Expr) -> bool:
    """Return whether a node's elements are numbers that can be told one by one."""
    info = nodes[node]
    sized = all(isinstance(one, int) for one in info.shape)
    if not sized or info.dtype not in KNOWN or nodes.is_size(node):
        return False
    if not info.operands and not hasattr(node, "params"):
        return number_of(node) is not None or info.dtype == "float64"
    return type(node) in RULES or isinstance(node, MOVING) or _is_elementwise(node)


def _is_elementwise(node: sympy.Expr) -> bool:
    return ROWS[type(node)].kind in ("elementwise", "transcendental")


class _Unroller:
    """Takes a graph apart, node by node; elements: those of each node by its id."""

    def __init__(
        self, graph: Graph, names: Mapping[str, str], described: Mapping[int, str]
    ) -> None:
        self.graph = graph
        self.described = described
        self.variables: dict[str, str] = {}
        self.old = graph.nodes
        self.nodes = Nodes(self.old.float_dtype)
        self.maker = Maker(self.nodes)
        self.elements: dict[int, Elements] = {}
        slopes = {f"d_{leaf}": f"d_{name}" for leaf, name in names.items()}
        self.called = {"value": "value", **names, **slopes}
        self.names = {*self.called.values()}

    def unrolled(self) -> Unrolled:
        """Return the graph of numbers."""
        inputs = self._inputs()
        with activated(self.nodes), self.nodes.marked(None):
            for node in inputs:
                self.elements[id(node)] = self._variables(node)
            for node in self.graph.walk():
                if id(node) not in self.elements:
                    self.nodes.mark_like(self.old[node])
                    self.elements[id(node)] = self._computed(node)
                    self._name(node)
        taken = {node.name: self.elements[id(node)] for node in inputs}
        made = {name: self.elements[id(n)] for name, n in self.graph.outputs.items()}
        keys = {name: self._keys(name, array) for name, array in made.items()}
        graph = replace(
            self.graph,
            nodes=self.nodes,
            inputs=tuple(one for array in taken.values() for one in array.flat),
            outputs={
                key: one
                for name, array in made.items()
                for key, one in zip(keys[name].flat, array.flat, strict=True)
            },
        )
        graph = simplify(graph)
        by_name = {one.name: one for one in graph.inputs}
        return Unrolled(
            graph,
            {
                n: _each(array, lambda one: by_name[one.name])
                for n, array in taken.items()
            },
            {n: _each(array, graph.outputs.__getitem__) for n, array in keys.items()},
            self.variables,
        )

    def _inputs(self) -> list[Any]:
        """Return the inputs that are read, numbers first: they keep their names."""
        read = set(map(id, self.graph.walk()))
        inputs = [one for one in self.graph.inputs if id(one) in read]
        inputs = [one for one in inputs if one.name != COTANGENT]
        return sorted(inputs, key=lambda one: len(self.old.shape(one)))

    def _variables(self, node: Any) -> Elements:
        """Return an input's numbers: `W_0_1` of a matrix W."""
        names = self._keys(node.name, np.empty(self.old.shape(node), object))
        return _each(names, lambda name: self.nodes.variable(name, (), "float64"))

    def _keys(self, name: str, array: Elements) -> np.ndarray:
        """Return names for the numbers of an input or output, each its own."""
        keys = np.empty(array.shape, object)
        for at in np.ndindex(*array.shape):
            free = _numbered(self.called[name], at)
            while at and free in self.names:
                free += "_"
            self.names.add(free)
            keys[at] = free
        return keys

    def _array(self, shape: Sequence[int], elements: Iterable[Any]) -> Elements:
        """Return an array of nodes; numbers become nodes."""
        array = np.empty(shape, object)
        for at, one in zip(np.ndindex(*shape), elements, strict=True):
            known = isinstance(one, sympy.Basic)
            array[at] = one if known else self.nodes.number(np.asarray(one).item())
        return array

    def _computed(self, node: sympy.Expr) -> Elements:
        """Return the elements of a node that is no input."""
        shape = self.old.shape(node)
        if getattr(node, "name", "") == COTANGENT:
            return self._array((), [1])
        if (value := number_of(node)) is not None:
            return self._array((), [value])
        operands = [self.elements[id(one)] for one in self.old[node].operands]
        if (rule := RULES.get(type(node))) is not None:
            return self._array(
                shape, _flattened(rule(self.maker, self.old, node, *operands))
            )
        if isinstance(node, MOVING):
            return self._array(shape, _flattened(self._moved(node, operands)))
        params = getattr(node, "params", ())
        rows = zip(*(np.broadcast_to(one, shape).flat for one in operands), strict=True)
        return self._array(
            shape, (self.maker.make(type(node), *one, params=params) for one in rows)
        )

    def _moved(self, node: sympy.Expr, operands: Sequence[Elements]) -> Any:
        """Return moved elements: NumPy runs what the node's row writes on the nodes."""
        space: dict[str, Any] = {"np": np}
        space |= {f"x{place}": array for place, array in enumerate(operands)}
        codes = (Code(f"x{place}") for place in range(len(operands)))
        return eval(ROWS[type(node)].write(Writer(self.old), node, *codes).text, space)

    def _name(self, node: sympy.Expr) -> None:
        """Call elements as the array is called, and let a gradient know of what it is."""
        of = self.old[node].cotangent_of
        values = None if of is None else self.elements.get(id(of))
        if values is not None and values.shape != self.old.shape(node):
            values = None
        name, turns = self._called(node)
        for at in np.ndindex(*self.old.shape(node)):
            made = self.nodes[self.elements[id(node)][at]]
            if not made.operands:
                continue
            if name and made.name is None:
                made.name = _numbered(name, (*turns, *at))
                self.variables[made.name] = self.old[node].name or ""
            if values is not None and made.backward and made.cotangent_of is None:
                made.cotangent_of = values[at]

    def _called(self, node: sympy.Expr) -> tuple[str, tuple[int, ...]]:
        """Return what an array is called, and the iterations that give it anew."""
        info = self.old[node]
        if info.name is not None:
            return info.name, tuple(one.index for one in info.turns)
        of = info.cotangent_of
        known = of is not None and (self.old[of].name or id(of) in self.described)
        return "" if known else self.described.get(id(node), ""), ()


def _numbered(name: str, at: Sequence[int]) -> str:
    return "_".join([name, *map(str, at)])


def _flattened(found: Any) -> Iterator[Any]:
    """Yield the elements of an array, or the one that there is."""
    return iter(found.flat) if isinstance(found, np.ndarray) else iter([found])


def _each(array: np.ndarray, function: Callable[[Any], Any]) -> np.ndarray:
    """Return an array of what a function makes of each element."""
    made = np.empty(array.shape, object)
    for at in np.ndindex(*array.shape):
        made[at] = function(array[at])
    return made
