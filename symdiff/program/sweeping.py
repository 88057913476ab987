"""Which steps are done for a block of rows at a time, in arrays that the cache holds.

In: the steps of both passes in order. Out: the steps in an order in which those of each
`Sweep` are neighbours: a loop over blocks of rows. What only its steps read is computed
in arrays of one block; what they sum over the rows is added up. Steps that do something
else with all rows stand before it, or behind it where they read what it makes. The cost
model is that of caches: there are loops where arrays are large and steps are several.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import sympy

from ..ops.layout import Broadcast, Reshape
from ..shapes import Size, largest, product, size_where
from .into import IntoSpeller
from .naming import Namer
from .rowwise import made_of_rows, sum_of_rows
from .spelling import Step

__all__ = ["Order", "Sweep", "swept"]

# Bytes of an array of one block: as many of them as there are fit into the cache.
BLOCK = 2**18
# Smaller arrays are in the cache as they are: bytes.
LARGE = 2**22
# To call a function takes as long as to fetch so many bytes from behind the cache.
CALL = 2**13
# How many steps a loop has at least where sizes are unknown: it may run but once.
FEWEST = 8
# What an unknown size is taken for.
UNKNOWN = 2048


@dataclass(frozen=True)
class Sweep:
    """A loop over blocks of rows.

    start, stop: the places of its steps. rows: how many a block has. arrays: those that
    are there whole, and are read or written row by row. local: ids of values that only
    its steps read. sums: what it adds up.
    """

    start: int
    stop: int
    rows: Size
    arrays: tuple[sympy.Expr, ...]
    local: frozenset[int]
    sums: tuple[sympy.Expr, ...]

    @cached_property
    def blocks(self) -> dict[int, Size]:
        """How many rows there are at most of the arrays of blocks, by their ids."""
        return dict.fromkeys({*self.local, *map(id, self.arrays)}, self.rows)


@dataclass(frozen=True)
class Order:
    """Steps in order, and the loops that some of them are."""

    steps: tuple[Step, ...]
    sweeps: tuple[Sweep, ...] = ()

    def blocks(self) -> list[dict[int, Size]]:
        """Return for each step the arrays that it reads or writes in blocks.

        That is how many rows they have at most, by their ids.
        """
        found: list[dict[int, Size]] = [{} for _ in self.steps]
        for sweep in self.sweeps:
            places = range(sweep.start, sweep.stop)
            found[sweep.start : sweep.stop] = [sweep.blocks for _ in places]
        return found


def swept(
    namer: Namer,
    speller: IntoSpeller,
    steps: Sequence[Step],
    kept: Iterable[sympy.Expr],
) -> Order:
    """Return steps in an order in which loops are worth it.

    `kept` are values that are read after the last step.
    """
    count = _most_rows(speller, steps)
    if count is None:
        return Order(tuple(steps))
    apart, sums = _with_sums_apart(namer, speller, steps, count)
    order = _Sweeper(speller, count, apart, kept).order()
    if order.sweeps:
        return order
    for one in sums:
        del namer.given[id(one)]
    return Order(tuple(steps))


def _most_rows(speller: IntoSpeller, steps: Sequence[Step]) -> Size | None:
    """Return the first size of those arrays that have the most elements together."""
    found: Counter[Size] = Counter()
    nodes = speller.nodes
    for step in steps:
        shape = nodes.shape(step.value)
        if shape and made_of_rows(nodes, step.expression, shape[0]) is not None:
            found[shape[0]] += _about(product(shape))
    return max(found, key=found.__getitem__, default=None)


def _about(size: Size) -> int:
    """Return a size, or what it is if unknown ones are of the usual kind."""
    return size_where(size, UNKNOWN)


def _with_sums_apart(
    namer: Namer, speller: IntoSpeller, steps: Sequence[Step], count: Size
) -> tuple[list[Step], list[sympy.Expr]]:
    """Return steps in which sums over rows stand alone, and those that are new."""
    found: list[Step] = []
    sums: list[sympy.Expr] = []
    for step in steps:
        if speller.nodes.shape(step.value) or step.added:
            found.append(step)
            continue
        before = len(found)
        for one in speller.read_by(step)[0]:
            is_sum = sum_of_rows(speller.nodes, one, count) is not None
            if is_sum and one is not step.expression:
                namer.give(one, namer.wish(one))
                sums.append(one)
                found.append(speller.resolved(Step(one, one, one)))
        found.append(speller.resolved(step) if len(found) > before else step)
    return found, sums


@dataclass
class _Reads:
    """What a step of a loop reads row by row, and what whole; whether it is a sum."""

    is_sum: bool
    by_rows: dict[int, sympy.Expr] = field(default_factory=dict)
    whole: dict[int, sympy.Expr] = field(default_factory=dict)


@dataclass
class _Region:
    """Neighbouring steps: those of a loop, and those before and behind it.

    made: ids of what the loop makes by rows. sums: those of what it adds up. late: those
    of what is made behind it. by_rows, whole: what it reads in these ways. touched: how
    often it reads or writes an array row by row, by the array's id.
    """

    steps: list[Step] = field(default_factory=list)
    before: list[Step] = field(default_factory=list)
    body: list[Step] = field(default_factory=list)
    behind: list[Step] = field(default_factory=list)
    made: dict[int, sympy.Expr] = field(default_factory=dict)
    sums: dict[int, sympy.Expr] = field(default_factory=dict)
    late: set[int] = field(default_factory=set)
    by_rows: dict[int, sympy.Expr] = field(default_factory=dict)
    whole: set[int] = field(default_factory=set)
    touched: Counter[int] = field(default_factory=Counter)

    def takes(self, step: Step, reads: _Reads) -> bool:
        """Return whether a step by rows can be one of the loop's."""
        by_rows = reads.by_rows.keys()
        if reads.is_sum and step.added:
            value = id(step.value)
            if value in self.made or value in self.by_rows or value in self.whole:
                return False
        ready = not any(
            one in self.late or one in self.sums for one in (*by_rows, *reads.whole)
        )
        return (
            ready
            and not any(one in self.whole for one in by_rows)
            and not any(one in self.made or one in self.by_rows for one in reads.whole)
        )

    def needs(self, step: Step) -> bool:
        """Return whether a step reads what the loop makes, or what is behind it."""
        return any(
            one in self.made or one in self.sums or one in self.late
            for one in map(id, (step.value, *step.reads))
        )

    def add(self, step: Step, reads: _Reads) -> None:
        """Take a step into the loop."""
        self.body.append(step)
        self.by_rows |= reads.by_rows
        self.whole |= reads.whole.keys()
        self.touched.update(reads.by_rows.keys())
        self.touched[id(step.value)] += not reads.is_sum
        if not step.added:
            (self.sums if reads.is_sum else self.made)[id(step.value)] = step.value


class _Sweeper:
    """Finds the loops of some steps."""

    def __init__(
        self,
        speller: IntoSpeller,
        count: Size,
        steps: Sequence[Step],
        kept: Iterable[sympy.Expr],
    ) -> None:
        self.speller = speller
        self.nodes = speller.nodes
        self.count = count
        self.steps = steps
        self.readers: dict[int, set[int]] = {id(one): {0} for one in kept}
        for step in steps:
            for one in (*step.reads, *([step.value] if step.added else [])):
                self.readers.setdefault(id(one), set()).add(id(step))

    def order(self) -> Order:
        """Return the steps in their new order, and the loops."""
        found: list[Step] = []
        sweeps: list[Sweep] = []
        for region in self._regions():
            sweep = self._sweep(region, len(found) + len(region.before))
            if sweep is None:
                found += region.steps
            else:
                found += [*region.before, *region.body, *region.behind]
                sweeps.append(sweep)
        return Order(tuple(found), tuple(sweeps))

    def _regions(self) -> Iterator[_Region]:
        """Yield neighbouring steps of which no more can be in one loop."""
        region = _Region()
        for step in self.steps:
            reads = self._reads(step)
            if reads is not None and not region.takes(step, reads):
                yield region
                region = _Region()
            region.steps.append(step)
            if reads is not None:
                region.add(step, reads)
            elif region.needs(step):
                region.behind.append(step)
                region.late.add(id(step.value))
            else:
                region.before.append(step)
        yield region

    def _reads(self, step: Step) -> _Reads | None:
        """Return what a step reads, None where it is none by rows.

        Of an array that it reads in both ways, as `x[:, None] - x`, views are by rows.
        """
        reads = self._read_through(step, views=False)
        if reads is not None and reads.by_rows.keys() & reads.whole.keys():
            reads = self._read_through(step, views=True)
        if reads is None or reads.by_rows.keys() & reads.whole.keys():
            return None
        return reads if reads.by_rows else None

    def _read_through(self, step: Step, views: bool) -> _Reads | None:
        """Return what a step reads, by rows also views, None where it is none by rows."""
        nodes, root = self.nodes, step.expression
        named = step.added and self.speller.is_named(root)
        summed = None if named else sum_of_rows(nodes, root, self.count)
        if summed is None and nodes.shape(root)[:1] != (self.count,):
            return None
        if step.added and nodes.shape(root) != nodes.shape(step.value):
            return None
        reads = _Reads(summed is not None)
        pending = [(root, True)]
        while pending:
            node, by_rows = pending.pop()
            if self.speller.is_named(node) and (node is not root or named):
                (reads.by_rows if by_rows else reads.whole)[id(node)] = node
                continue
            operands = nodes[node].operands
            if by_rows and views and isinstance(node, Reshape):
                reads.by_rows[id(node)] = node
                by_rows = False
            uses: Sequence[bool] | None = [False] * len(operands)
            if by_rows:
                uses = summed if node is root and summed else self._uses(node, root)
            if uses is None:
                return None
            pending += zip(operands, uses, strict=True)
        if step.added and not reads.is_sum:
            reads.by_rows[id(step.value)] = step.value
        return reads

    def _uses(self, node: sympy.Expr, root: sympy.Expr) -> Sequence[bool] | None:
        """Return which operands a node reads by rows, if its text says no size."""
        if isinstance(node, Broadcast) and node is not root:
            return None
        return made_of_rows(self.nodes, node, self.count)

    def _sweep(self, region: _Region, start: int) -> Sweep | None:
        """Return the loop of a region, None where it is not worth one."""
        inside = set(map(id, region.body))
        local = {one for one in region.made if self.readers.get(one, set()) <= inside}
        whole = {
            at: one
            for at, one in (region.by_rows | region.made).items()
            if at not in local
        }
        rows = self._rows_that_pay(region, local) if local and whole else None
        if rows is None or not self._is_writable(region.body, local, whole):
            return None
        return Sweep(
            start,
            start + len(region.body),
            rows,
            tuple(whole.values()),
            frozenset(local),
            tuple(region.sums.values()),
        )

    def _is_writable(
        self, steps: Iterable[Step], local: Collection[int], whole: Collection[int]
    ) -> bool:
        """Return whether blocks can be written into the whole arrays that steps make."""
        self.speller.blocks = dict.fromkeys({*local, *whole}, 1)
        written = (step for step in steps if id(step.value) not in local)
        found = all(map(self._has_array, written))
        self.speller.blocks = {}
        return found

    def _has_array(self, step: Step) -> bool:
        """Return whether a block, or a sum, can be written into what a step makes."""
        if step.added or sum_of_rows(self.nodes, step.expression, self.count):
            return True
        self.speller.prepare(step)
        return self.speller.over(step) is not None

    def _rows_that_pay(self, region: _Region, local: Collection[int]) -> Size | None:
        """Return how many rows a block has, None where a loop takes more than it saves.

        It takes its calls, and saves fetching arrays that the cache does not hold.
        """
        saved, known = self._saved(region, local)
        if saved == 0 or not (known or len(region.body) >= FEWEST):
            return None
        rows = self._rows(region)
        calls = len(region.body) * (_about(self.count) / _about(rows))
        return rows if saved > CALL * calls else None

    def _saved(self, region: _Region, local: Collection[int]) -> tuple[int, bool]:
        """Return how many bytes need not be fetched, and whether all sizes are known."""
        saved, known = 0, True
        for at, one in (region.made | region.by_rows).items():
            total = product(self.nodes.shape(one)) * self._itemsize(one)
            known = known and isinstance(total, int)
            if _about(total) >= LARGE:
                saved += (region.touched[at] - (at not in local)) * _about(total)
        return saved, known

    def _rows(self, region: _Region) -> Size:
        """Return how many rows a block has: one at least."""
        arrays = (region.made | region.by_rows).values()
        shapes = (self.nodes.shape(one)[1:] for one in arrays)
        widest = largest(1, *map(product, shapes))
        itemsize = max(map(self._itemsize, arrays))
        if isinstance(widest, int):
            return max(1, BLOCK // itemsize // widest)
        return 1 + sympy.floor(sympy.S(BLOCK // itemsize) / widest)

    def _itemsize(self, array: sympy.Expr) -> int:
        return np.dtype(self.nodes.dtype(array)).itemsize
