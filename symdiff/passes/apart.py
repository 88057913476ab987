"""Operations on arrays by operations on the numbers in them.

In: arrays whose elements are nodes of single numbers. Out: the same, an array's operation
done element by element; what is more than that has a rule in `RULES`. Refused with
`MovedByValuesError`: keys that are computed.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer
from ..graph import ArrayConstant, Nodes, number_of
from ..ops.choices import Maximum, Minimum
from ..ops.contraction import Contraction, indices_of
from ..ops.elementwise import Cast
from ..ops.indexing import Index, IndexAdd, IndexSet, parts_of
from ..ops.keys import Key
from ..ops.reductions import Max, Min, Prod
from ..ops.running import CumProd, CumSum
from ..ops.table import ROWS
from ..shapes import is_weak
from .speed import sizes_of

__all__ = ["RULES", "Elements", "Maker", "MovedByValuesError"]

Elements = np.ndarray  # of nodes

HIGHEST = 8  # powers above are no products

_NEUTRAL: dict[type, tuple[int, Callable]] = {
    sympy.Add: (0, operator.add),
    sympy.Mul: (1, operator.mul),
}


class MovedByValuesError(Exception):
    """Where an element goes depends on the value of another."""


class Maker:
    """Makes operations on numbers, as nodes."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes

    def make(self, cls: type, *operands: sympy.Expr, params: tuple = ()) -> sympy.Expr:
        """Return an operation on numbers; of whole powers a product."""
        if cls is sympy.Pow:
            power = number_of(operands[1])
            if isinstance(power, int) and 1 < power <= HIGHEST:
                return self._raised(operands[0], power)
        if cls in _NEUTRAL:
            return self._without_constants(cls, *operands)
        made = self.nodes.make(cls, *operands, params=params)
        known = [number_of(one) for one in operands]
        return made if None in known else self._evaluated(made, known)

    def _evaluated(self, node: sympy.Expr, known: Sequence[Any]) -> sympy.Expr:
        """Return the number that a node of known ones is, itself where it is none."""
        if not is_weak(self.nodes.dtype(node)) or not all(map(math.isfinite, known)):
            return node
        writer, codes = Writer(self.nodes), (Code(f"({one!r})") for one in known)
        text = ROWS[type(node)].write(writer, node, *codes).text
        space: dict[str, Any] = {"np": np}
        exec("\n".join(writer.imports), space)
        with np.errstate(all="raise"):
            try:
                return self.nodes.number(eval(text, space))
            except ArithmeticError:
                return node

    def _without_constants(
        self, cls: type, one: sympy.Expr, other: sympy.Expr
    ) -> sympy.Expr:
        """Return a sum or product: of constants it is one, x + 0 and x * 1 are x."""
        neutral, combined = _NEUTRAL[cls]
        first, second = number_of(one), number_of(other)
        if first is not None and second is not None:
            return self.nodes.number(combined(first, second))
        for x, value in (other, first), (one, second):
            if value == neutral and self.nodes.dtype(x) == "float64":
                return x
        return self.nodes.make(cls, one, other)

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


# What is more than an operation on each element: `(maker, old, node, *x) -> elements`,
# where `old` are the nodes of whole arrays.


def _constant(maker: Maker, old: Nodes, node: ArrayConstant) -> Any:
    return node.array


def _contraction(maker: Maker, old: Nodes, node: Any, *x: Elements) -> Elements:
    """A sum of products for each element of the result."""
    (inputs, output), sizes = indices_of(node), sizes_of(old, node)
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
            terms.append(maker.folded(sympy.Mul, factors, 1))
        result[at] = maker.total(terms)
    return result


def _reduction(cls: type, empty: int = 0) -> Callable[..., Elements]:
    def rule(maker: Maker, old: Nodes, node: Any, x: Elements) -> Elements:
        (axes,) = node.params
        kept = [axis for axis in range(x.ndim) if axis not in axes]
        rows = x.transpose(*kept, *axes).reshape(*(x.shape[one] for one in kept), -1)
        result = np.empty(rows.shape[:-1], object)
        for at in np.ndindex(*result.shape):
            result[at] = maker.folded(cls, rows[at], empty)
        return result

    return rule


def _running(cls: type) -> Callable[..., Elements]:
    """The first element along an axis, what is made of it and the second..."""

    def rule(maker: Maker, old: Nodes, node: Any, x: Elements) -> Elements:
        (axis,) = node.params
        result = x.copy()
        rows = np.moveaxis(result, axis, -1)
        for at in np.ndindex(*rows.shape[:-1]):
            row = rows[at]  # a view
            for place in range(1, len(row)):
                row[place] = maker.make(cls, row[place - 1], row[place])
        return result

    return rule


def _cast(maker: Maker, old: Nodes, node: Any, x: Elements) -> Iterator[sympy.Expr]:
    """Numbers need no cast but to be real."""
    for one in x.flat:
        real = number_of(one) is None or node.params[0] == "float64"
        yield maker.nodes.make(Cast, one, params=node.params) if real else one


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
        raise MovedByValuesError
    return np.array(found, int).reshape(array.shape)


def _index(maker: Maker, old: Nodes, node: Any, x: Elements, *arrays: Elements) -> Any:
    return x[_key(node.params[0], arrays)]


def _index_set(
    maker: Maker, old: Nodes, node: Any, x: Elements, value: Elements, *arrays: Elements
) -> Elements:
    result = x.copy()
    result[_key(node.params[0], arrays)] = value if value.shape else value.item()
    return result


def _index_add(maker: Maker, old: Nodes, node: Any, *operands: Elements) -> Elements:
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
        result[at] = maker.total(several)
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
