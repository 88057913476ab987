"""Small arrays taken apart: the graph of the numbers in them, for the fast style.

In: a graph with its gradient. Out: a graph of single numbers, an operation on arrays
being one on each element, with the inputs and outputs as arrays of its nodes. None where
a size is unknown, something is not in double precision, elements are moved by values or
computed together (a sort, a solution), or there are too many operations.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer
from ..graph import ArrayConstant, Graph, Nodes, number_of
from ..ops.choices import Maximum, Minimum
from ..ops.contraction import Contraction, indices_of
from ..ops.elementwise import Cast
from ..ops.handle import activated
from ..ops.indexing import Index, IndexAdd, IndexSet, parts_of
from ..ops.keys import Key
from ..ops.reductions import Max, Min, Prod
from ..ops.running import CumProd, CumSum
from ..ops.table import ROWS
from .reverse import COTANGENT
from .simplify import simplify
from .speed import MOVING, operations, sizes_of

__all__ = ["Elements", "Unrolled", "unroll"]

# More operations on numbers would make a text that nobody reads.
MOST = 600
HIGHEST = 8  # powers above are no products

Elements = np.ndarray  # of nodes

KNOWN = ("bool", "int", "int64", "float", "float64")


@dataclass(frozen=True)
class Unrolled:
    """A graph of numbers.

    inputs, outputs: its nodes by the names of whole arrays. described: those names of
    its nodes that no user has given.
    """

    graph: Graph
    inputs: dict[str, Elements]
    outputs: dict[str, Elements]
    described: frozenset[str]


def unroll(
    graph: Graph, names: Mapping[str, str], described: Mapping[int, str]
) -> Unrolled | None:
    """Return the graph of the numbers in a graph's arrays, None where there is none.

    `names` are what inputs are called, `described` what nodes without a name are, by
    their ids.
    """
    if not all(_is_known(graph.nodes, node) for node in graph.walk()):
        return None
    if sum(operations(graph.nodes, node) for node in graph.walk()) > MOST:
        return None
    try:
        return _Unroller(graph, names, described).unrolled()
    except _MovedByValuesError:
        return None


class _MovedByValuesError(Exception):
    """Where an element goes depends on the value of another."""


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
        self.descriptions: set[str] = set()
        self.old = graph.nodes
        self.nodes = Nodes(self.old.float_dtype)
        self.elements: dict[int, Elements] = {}
        slopes = {f"d_{leaf}": f"d_{name}" for leaf, name in names.items()}
        self.called = {"value": "value", **names, **slopes}
        self.names = {*self.called.values()}

    def unrolled(self) -> Unrolled:
        """Return the graph of numbers."""
        read = set(map(id, self.graph.walk()))
        inputs = [
            one
            for one in self.graph.inputs
            if one.name != COTANGENT and id(one) in read
        ]
        inputs.sort(
            key=lambda one: len(self.old.shape(one))
        )  # numbers keep their names
        with activated(self.nodes):
            for node in inputs:
                self.elements[id(node)] = self._variables(node)
            for node in self.graph.walk():
                if id(node) not in self.elements:
                    with self.nodes.marked_like(self.old[node]):
                        self.elements[id(node)] = self._computed(node)
                    self._name(node)
        taken = {node.name: self.elements[id(node)] for node in inputs}
        made = {name: self.elements[id(n)] for name, n in self.graph.outputs.items()}
        outputs = {name: self._keys(name, array) for name, array in made.items()}
        graph = replace(
            self.graph,
            nodes=self.nodes,
            inputs=tuple(one for array in taken.values() for one in array.flat),
            outputs={
                key: one
                for name, keys in outputs.items()
                for key, one in zip(keys.flat, made[name].flat, strict=True)
            },
        )
        graph = simplify(graph)
        again = {one.name: one for one in graph.inputs}
        return Unrolled(
            graph,
            {
                name: _each(lambda one: again[one.name], array)
                for name, array in taken.items()
            },
            {name: _each(graph.outputs.get, keys) for name, keys in outputs.items()},
            frozenset(self.descriptions),
        )

    def _free(self, name: str, at: Sequence[int]) -> str:
        """Return a number's name, `W_0_1`, that nothing else has."""
        free = _numbered(self.called[name], at)
        while at and free in self.names:
            free += "_"
        self.names.add(free)
        return free

    def _keys(self, name: str, array: Elements) -> np.ndarray:
        """Return the names of an output's numbers."""
        keys = np.empty(array.shape, object)
        for at in np.ndindex(*array.shape):
            keys[at] = self._free(name, at)
        return keys

    def _variables(self, node: Any) -> Elements:
        """Return an input's numbers: `W_0_1` of a matrix W."""
        shape = self.old.shape(node)
        return self._array(
            shape,
            (
                self.nodes.variable(self._free(node.name, at), (), "float64")
                for at in np.ndindex(*shape)
            ),
        )

    def _array(self, shape: Sequence[int], elements: Iterable[Any]) -> Elements:
        """Return an array of nodes; numbers become nodes."""
        array = np.empty(shape, object)
        for at, one in zip(np.ndindex(*shape), elements, strict=True):
            array[at] = one if isinstance(one, sympy.Basic) else self.number(one)
        return array

    def number(self, value: Any) -> sympy.Expr:
        return self.nodes.number(np.asarray(value).item())

    def _computed(self, node: sympy.Expr) -> Elements:
        """Return the elements of a node that is no input."""
        shape = self.old.shape(node)
        if getattr(node, "name", "") == COTANGENT:
            return self._array((), [1])
        if (value := number_of(node)) is not None:
            return self._array((), [value])
        operands = [self.elements[id(one)] for one in self.old[node].operands]
        if (rule := RULES.get(type(node))) is not None:
            return self._array(shape, _flattened(rule(self, node, *operands)))
        if isinstance(node, MOVING):
            return self._array(shape, _flattened(self._moved(node, operands)))
        params = getattr(node, "params", ())
        rows = zip(*(np.broadcast_to(one, shape).flat for one in operands), strict=True)
        return self._array(
            shape, (self.make(type(node), *one, params=params) for one in rows)
        )

    def make(self, cls: type, *operands: sympy.Expr, params: tuple = ()) -> sympy.Expr:
        """Return an operation on numbers; of whole powers a product."""
        if cls is sympy.Pow:
            base, power = operands[0], number_of(operands[1])
            if isinstance(power, int) and 1 < power <= HIGHEST:
                return self._raised(base, power)
        return self.nodes.make(cls, *operands, params=params)

    def _raised(self, base: sympy.Expr, power: int) -> sympy.Expr:
        """Return a power by squaring."""
        if power == 1:
            return base
        half = self._raised(base, power // 2)
        square = self.nodes.make(sympy.Mul, half, half)
        return self.nodes.make(sympy.Mul, square, base) if power % 2 else square

    def total(self, terms: Iterable[sympy.Expr]) -> sympy.Expr:
        """Return a sum, 0 of nothing."""
        return self.folded(sympy.Add, terms, 0)

    def folded(self, cls: type, terms: Iterable[sympy.Expr], empty: int) -> sympy.Expr:
        """Return what an operation makes of numbers from the first to the last."""
        found = list(terms)
        if not found:
            return self.nodes.number(empty)
        return reduce(lambda one, other: self.make(cls, one, other), found)

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
                if self.old[node].name is None:
                    self.descriptions.add(made.name)
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


def _each(function: Callable[[Any], Any], array: np.ndarray) -> np.ndarray:
    """Return an array of what a function makes of each element."""
    made = np.empty(array.shape, object)
    for at in np.ndindex(*array.shape):
        made[at] = function(array[at])
    return made


# What is more than an operation on each element.


def _constant(unroller: _Unroller, node: ArrayConstant) -> Any:
    return node.array


def _contraction(unroller: _Unroller, node: Any, *x: Elements) -> Elements:
    """A sum of products for each element of the result."""
    (inputs, output), sizes = indices_of(node), sizes_of(unroller.old, node)
    summed = [one for one in sizes if one not in output]
    result = np.empty([sizes[one] for one in output], object)
    for at in np.ndindex(*result.shape):
        terms = []
        for places in itertools.product(*(range(sizes[one]) for one in summed)):
            place = dict(zip((*output, *summed), (*at, *places), strict=True))
            own = zip(x, inputs, strict=True)
            factors = [
                array[tuple(place[i] for i in indices)] for array, indices in own
            ]
            terms.append(unroller.folded(sympy.Mul, factors, 1))
        result[at] = unroller.total(terms)
    return result


def _reduction(cls: type, empty: int = 0) -> Callable[..., Elements]:
    def rule(unroller: _Unroller, node: Any, x: Elements) -> Elements:
        (axes,) = node.params
        kept = [axis for axis in range(x.ndim) if axis not in axes]
        rows = x.transpose(*kept, *axes).reshape(*(x.shape[one] for one in kept), -1)
        result = np.empty(rows.shape[:-1], object)
        for at in np.ndindex(*result.shape):
            result[at] = unroller.folded(cls, rows[at], empty)
        return result

    return rule


def _running(cls: type) -> Callable[..., Elements]:
    """The first element along an axis, what is made of it and the second..."""

    def rule(unroller: _Unroller, node: Any, x: Elements) -> Elements:
        (axis,) = node.params
        result = x.copy()
        rows = np.moveaxis(result, axis, -1)
        for at in np.ndindex(*rows.shape[:-1]):
            row = rows[at]  # a view
            for place in range(1, len(row)):
                row[place] = unroller.make(cls, row[place - 1], row[place])
        return result

    return rule


def _cast(unroller: _Unroller, node: Any, x: Elements) -> Iterator[sympy.Expr]:
    """Numbers need no cast but to be real."""
    for one in x.flat:
        real = number_of(one) is None or node.params[0] == "float64"
        yield unroller.nodes.make(Cast, one, params=node.params) if real else one


# Indexing.


def _key(key: Key, arrays: Sequence[Elements]) -> tuple:
    """Return a key as NumPy takes it."""
    parts: list[Any] = []
    for kind, *of in key:
        if kind == "array":
            parts.append(_whole_numbers(arrays[of[0]]))
        elif kind == "slice":
            parts.append(slice(*of))
        else:
            parts.append(of[0] if kind == "at" else None)
    return tuple(parts)


def _whole_numbers(array: Elements) -> np.ndarray:
    found = [number_of(one) for one in array.flat]
    if any(one is None for one in found):
        raise _MovedByValuesError
    return np.array(found, int).reshape(array.shape)


def _index(unroller: _Unroller, node: Any, x: Elements, *arrays: Elements) -> Any:
    return x[_key(node.params[0], arrays)]


def _index_set(
    unroller: _Unroller, node: Any, x: Elements, value: Elements, *arrays: Elements
) -> Elements:
    result = x.copy()
    result[_key(node.params[0], arrays)] = value
    return result


def _index_add(unroller: _Unroller, node: Any, *operands: Elements) -> Elements:
    shape, keys, _ = node.params
    places = np.arange(math.prod(shape)).reshape(shape)
    terms: list[list[sympy.Expr]] = [[] for _ in places.flat]
    for key, value, arrays in parts_of(keys, operands):
        found = np.asarray(places[_key(key, arrays)])
        values = np.broadcast_to(value, found.shape)
        for at, one in zip(found.flat, values.flat, strict=True):
            terms[at].append(one)
    result = np.empty(shape, object)
    for at, several in zip(np.ndindex(*shape), terms, strict=True):
        result[at] = unroller.total(several)
    return result


RULES: dict[type, Callable[..., Any]] = {
    ArrayConstant: _constant,
    Contraction: _contraction,
    Max: _reduction(Maximum),
    Min: _reduction(Minimum),
    Prod: _reduction(sympy.Mul, 1),
    CumSum: _running(sympy.Add),
    CumProd: _running(sympy.Mul),
    Index: _index,
    IndexSet: _index_set,
    IndexAdd: _index_add,
}
