"""How much memory the two passes hold at most, told from what each statement computes.

In: the statements of both passes as `Work`. Out: bytes as a polynomial in the sizes, at
the statement at which most is held where all unknown sizes are large and equal. Arrays
that the caller owns do not count, nor what NumPy's functions take for themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import sympy

from ..graph import ArrayConstant, Nodes
from ..ops.contraction import Contraction
from ..ops.indexing import is_fresh
from ..shapes import Shape, Size, product

__all__ = ["Work", "bytes_of", "peak"]

# What unknown sizes are taken for where amounts are compared.
LARGE = 1000

# NumPy writes these over a temporary operand that nothing else reads.
_IN_PLACE = (sympy.Add, sympy.Mul, sympy.Pow)

Kind = tuple[Shape, str]


class Work(NamedTuple):
    """A statement: what it computes, operands first, and the name of the last of it.

    No name: it goes into an array that is there.
    """

    computed: tuple[sympy.Expr, ...]
    name: str = ""


def bytes_of(nodes: Nodes, computed: Iterable[sympy.Expr]) -> sympy.Expr:
    """Return how many bytes values have that are no views."""
    return _total(Counter(_kind(nodes, one) for one in computed))


def peak(
    nodes: Nodes,
    forward: Sequence[Work],
    backward: Sequence[Work],
    cached: Sequence[sympy.Expr],
    overwriting: set[int],
) -> sympy.Expr:
    """Return the bytes at the peak of a call of `value_and_grad`."""
    memory = _Memory(nodes, overwriting)
    for one in forward:
        memory.run(one)
    memory.leave(cached)
    for one in backward:
        memory.run(one)
    return _total(memory.most)


class _Memory:
    """What is held while statements run; `most` has the kinds of arrays at the peak."""

    def __init__(self, nodes: Nodes, overwriting: set[int]) -> None:
        self.nodes = nodes
        self.overwriting = overwriting
        self.most: Counter[Kind] = Counter()
        self._held: Counter[Kind] = Counter()
        self._amount = self._highest = 0.0
        self._readers: Counter[int] = Counter()
        self._names: dict[str, list[sympy.Expr]] = {}
        self._sources: dict[int, list[sympy.Expr]] = {}
        self._amounts: dict[Kind, float] = {}

    def run(self, work: Work) -> None:
        """Compute what a statement does, each value as long as something reads it."""
        last: dict[int, int] = {}
        for place, node in enumerate(work.computed):
            for operand in self.nodes[node].operands:
                last |= {id(one): place for one in self._source(operand)}
        temporary: dict[int, sympy.Expr] = {}
        for place, node in enumerate(work.computed):
            read = [one for one in temporary.values() if last.get(id(one)) == place]
            replaced = next((one for one in read if self._goes_into(node, one)), None)
            if replaced is not None:
                self._release([temporary.pop(id(replaced))])
            own = [one for one in self._source(node) if one is node]
            self._hold(own)
            temporary |= {id(one): one for one in own}
            self._release(temporary.pop(id(one)) for one in read if one is not replaced)
        if work.name and work.computed:
            result = self._source(work.computed[-1])
            self._hold(result)
            self._release(self._names.get(work.name, ()))
            self._names[work.name] = result
        self._release(temporary.values())

    def leave(self, kept: Iterable[sympy.Expr]) -> None:
        """Return from a function: of its values some are kept."""
        self._hold(one for node in kept for one in self._source(node))
        for held in self._names.values():
            self._release(held)
        self._names.clear()

    def _goes_into(self, node: sympy.Expr, temporary: sympy.Expr) -> bool:
        same = _kind(self.nodes, node) == _kind(self.nodes, temporary)
        return isinstance(node, _IN_PLACE) and same

    def _source(self, node: sympy.Expr) -> list[sympy.Expr]:
        """Return the value whose memory a value has, none where it is the caller's."""
        walked = []
        while id(node) not in self._sources:
            walked.append(node)
            operands = self.nodes[node].operands
            if not operands or isinstance(node, ArrayConstant):
                self._sources[id(node)] = []
            elif self._is_made(node):
                self._sources[id(node)] = [node]
            else:
                node = operands[0]
        found = self._sources[id(node)]
        self._sources |= {id(one): found for one in walked}
        return found

    def _is_made(self, node: sympy.Expr) -> bool:
        """Return whether a node has memory of its own."""
        if id(node) in self.overwriting:
            return False
        if isinstance(node, Contraction):
            return not _is_moved(node)
        return is_fresh(self.nodes, node)

    def _hold(self, arrays: Iterable[sympy.Expr]) -> None:
        for one in arrays:
            self._readers[id(one)] += 1
            if self._readers[id(one)] == 1:
                kind = _kind(self.nodes, one)
                self._held[kind] += 1
                self._amount += self._amount_of(kind)
        if self._amount > self._highest:
            self._highest, self.most = self._amount, self._held.copy()

    def _release(self, arrays: Iterable[sympy.Expr]) -> None:
        for one in arrays:
            self._readers[id(one)] -= 1
            if self._readers[id(one)] == 0:
                kind = _kind(self.nodes, one)
                self._held[kind] -= 1
                self._amount -= self._amount_of(kind)

    def _amount_of(self, kind: Kind) -> float:
        if kind not in self._amounts:
            amount = sympy.sympify(_bytes(kind))
            sizes = dict.fromkeys(amount.free_symbols, LARGE)
            self._amounts[kind] = float(amount.subs(sizes))
        return self._amounts[kind]


def _is_moved(node: Contraction) -> bool:
    """Return whether a contraction sums and multiplies nothing: it is a view."""
    inputs, output = node.params
    return len(inputs) == 1 and len(inputs[0]) == len(output)


def _kind(nodes: Nodes, node: sympy.Expr) -> Kind:
    return nodes.shape(node), nodes.dtype(node)


def _bytes(kind: Kind) -> Size:
    shape, dtype = kind
    return product(shape) * np.dtype(dtype).itemsize


def _total(kinds: Counter[Kind]) -> sympy.Expr:
    terms = (_bytes(kind) * times for kind, times in kinds.items())
    return sympy.expand(sympy.Add(*terms))
