"""Which values of a program share an array: memory that nothing reads is written again.

In: the steps of both passes in order, and what each of them may write over. Out: arrays,
each with the chains of values that are written into it one after the other. Other values
are new arrays, numbers or views. Sizes may be unknown: memory is shared where numbers of
elements are equal polynomials. Of what only a loop over blocks of rows reads there is an
array of one block; what such a loop reads or makes else is there from its begin to its end.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sympy

from ..graph import Nodes
from ..ops.indexing import is_fresh
from ..shapes import Shape, Size, product
from .spelling import Step
from .sweeping import Sweep

__all__ = ["Array", "Chain", "chains", "placed"]

# The operands that a step may write over; None where its value is no array to write to.
Over = Sequence[sympy.Expr] | None


@dataclass(eq=False)
class Chain:
    """Values of one shape and dtype that are written over each other, in order.

    first: the step that writes the first of them. last: the last that reads one of
    them, or a view of it. sweep: the loop of whose blocks they are, None for whole ones.
    """

    values: list[sympy.Expr]
    shape: Shape
    dtype: str
    first: int
    last: int
    sweep: Sweep | None = None

    @property
    def memory(self) -> tuple[str, Size | Shape]:
        """The dtype, and the number of elements or a block's shape."""
        return self.dtype, self.shape if self.sweep else product(self.shape)


@dataclass(eq=False)
class Array:
    """An array in which chains are; views: those of the same memory in other shapes."""

    shape: Shape
    dtype: str
    chains: list[Chain] = field(default_factory=list)
    views: dict[Shape, Array] = field(default_factory=dict)

    def take(self, chain: Chain) -> None:
        """Let a chain be in this memory, in its shape."""
        if chain.shape == self.shape:
            self.chains.append(chain)
            return
        if chain.shape not in self.views:
            self.views[chain.shape] = Array(chain.shape, chain.dtype)
        self.views[chain.shape].chains.append(chain)


def chains(
    nodes: Nodes,
    steps: Sequence[Step],
    over: Sequence[Over],
    kept: Iterable[sympy.Expr],
    sweeps: Iterable[Sweep] = (),
) -> list[Chain]:
    """Return the chains of values that are written into arrays, in order.

    `kept` are values that are read after the last step.
    """
    lives = _Lives(nodes, steps, over, kept)
    around = {at: one for one in sweeps for at in range(one.start, one.stop)}
    found: list[Chain] = []
    owner: dict[int, Chain] = {}
    for place, (step, operands) in enumerate(zip(steps, over, strict=True)):
        if step.added or operands is None:
            continue
        value, last = step.value, lives.last[id(step.value)]
        form = (nodes.shape(value), nodes.dtype(value))
        sweep = _of_block(value, around.get(place))
        dead = (
            one
            for one in operands
            if id(one) in owner
            and (nodes.shape(one), nodes.dtype(one)) == form
            and lives.last[id(one)] == place
            and (owner[id(one)].sweep is None or sweep is not None)
        )
        before = next(dead, None)
        if before is None:
            shape = (sweep.rows, *form[0][1:]) if sweep else form[0]
            chain = Chain([value], shape, form[1], place, last, sweep)
            found.append(chain)
        else:
            chain = owner[id(before)]
            chain.values.append(value)
            chain.last = last
        owner[id(value)] = chain
    for chain in found:
        if chain.sweep is None:
            _widen(chain, around)
    return sorted(found, key=lambda chain: chain.first)


def _of_block(value: sympy.Expr, sweep: Sweep | None) -> Sweep | None:
    return sweep if sweep is not None and id(value) in sweep.local else None


def _widen(chain: Chain, around: Mapping[int, Sweep]) -> None:
    """Let a whole array live as long as the loops that read or write it."""
    if chain.first in around:
        chain.first = around[chain.first].start
    if chain.last in around:
        chain.last = around[chain.last].stop - 1


class _Lives:
    """The step that reads the memory of each new array last."""

    def __init__(
        self,
        nodes: Nodes,
        steps: Sequence[Step],
        over: Sequence[Over],
        kept: Iterable[sympy.Expr],
    ) -> None:
        self._holds: dict[int, frozenset[int]] = {}
        self.last: dict[int, int] = {}
        for place, (step, operands) in enumerate(zip(steps, over, strict=True)):
            read = frozenset().union(*map(self._memory, step.reads))
            own = operands is not None or is_fresh(nodes, step.expression)
            if not step.added and not own:
                self._holds[id(step.value)] = read
            self._read(read | self._memory(step.value), place)
        for node in kept:
            self._read(self._memory(node), len(steps))

    def _memory(self, node: sympy.Expr) -> frozenset[int]:
        """Return the arrays whose memory a value may be."""
        return self._holds.get(id(node), frozenset([id(node)]))

    def _read(self, memory: Iterable[int], place: int) -> None:
        self.last |= dict.fromkeys(memory, place)


def placed(found: Sequence[Chain], given: Mapping[int, Array]) -> list[Array]:
    """Return the arrays in which chains are, in the order of their first values.

    `given` are arrays for chains by their last values, which no other chain may be in.
    A chain takes the memory that became free last: it is the nearest at hand.
    """
    arrays: list[Array] = []
    free: dict[tuple[str, Size | Shape], list[Array]] = {}
    busy: list[tuple[int, int, Chain, Array]] = []
    for number, chain in enumerate(found):
        while busy and busy[0][0] < chain.first:
            _, _, other, array = heapq.heappop(busy)
            free.setdefault(other.memory, []).append(array)
        if id(chain.values[-1]) in given:
            given[id(chain.values[-1])].take(chain)
            continue
        waiting = free.get(chain.memory)
        if waiting:
            array = waiting.pop()
        else:
            array = Array(chain.shape, chain.dtype)
            arrays.append(array)
        array.take(chain)
        heapq.heappush(busy, (chain.last, number, chain, array))
    return arrays
