"""Operations on whole arrays with the numbers of a proof.

In: a node and its operands' numbers. Out: its numbers. A sum counts each element of an
axis with its weight. Refused with `NotGeneric`: what the elements that stand for an
axis do not show, such as a slice of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from operator import itemgetter
from typing import Any

import numpy as np
import sympy

from ..graph import ArrayConstant, Nodes
from ..ops import (
    choices,
    joining,
    layout,
    making,
    moving,
    reductions,
    running,
)
from ..ops.contraction import Contraction, indices_of
from ..ops.elementwise import Cast, StopGradient
from ..ops.indexing import Index, IndexAdd, IndexSet
from ..shapes import is_floating
from .axes import Axes, NotGeneric
from .elementwise import Formulas
from .numbers import Number, together
from .points import Points

__all__ = ["ARRAYS", "Arrays", "fitting", "written"]


class Arrays:
    """What the rules of arrays ask for: the nodes, the points, the axes, formulas.

    diagonals: ids of nodes whose elements where two rests of an axis meet are means,
    as those of a unit matrix are: equal indices differ there from unequal ones. places:
    ids of nodes whose elements are places along an axis that a few elements stand for.
    """

    def __init__(self, nodes: Nodes, axes: Axes, formulas: Formulas) -> None:
        self.nodes = nodes
        self.axes = axes
        self.formulas = formulas
        self.points: Points = axes.points
        self.diagonals: set[int] = set()
        self.places: set[int] = set()

    def counts(self, node: Any) -> tuple[int, ...]:
        """Return how many elements stand for each axis of a node."""
        return self.axes.counts(self.nodes.shape(node))

    def full(self, node: Any, x: Number) -> Number:
        """Return numbers repeated to the axes of a node."""
        counts = self.counts(node)
        shape, ones = (self.points.count, *counts), (1,) * (len(counts) - x.rank)
        return x.map(
            lambda part: np.broadcast_to(
                part.reshape(len(part), *ones, *part.shape[1:]), shape
            )
        )

    def operand(self, node: Any, place: int = 0) -> Any:
        return self.nodes[node].operands[place]

    def need_whole(self, node: Any, axes: Sequence[int], what: str) -> None:
        """Refuse what is not known of axes that a few elements stand for."""
        shape = self.nodes.shape(node)
        for axis in axes:
            if not self.axes[shape[axis]].whole:
                raise NotGeneric(f"{what} along an axis of {shape[axis]} elements")

    def admit(self, node: Any) -> None:
        """Refuse a node that asks of its operands what the elements do not show."""
        operands = self.nodes[node].operands
        which = [i for i, one in enumerate(operands) if id(one) in self.diagonals]
        if which and not self._keeps_means(node, which):
            raise NotGeneric("a diagonal in what is no sum of products")
        # Rows that have been taken out are no means.
        if which and len(self.nodes.shape(node)) > 1 and not isinstance(node, Index):
            self.diagonals.add(id(node))
        which = [i for i, one in enumerate(operands) if id(one) in self.places]
        if not which or _indexes(node, which):
            return
        if isinstance(node, layout.LAYOUT):
            self.places.add(id(node))
        elif not (isinstance(node, choices.COMPARISONS) and len(which) == 2):
            raise NotGeneric("arithmetic with the places along an axis")

    def _keeps_means(self, node: Any, which: Sequence[int]) -> bool:
        """Return whether a node of means is the mean of the node, or has no means.

        Sums of products are. No two operands with means may have two indices in common:
        a product of unit matrices is one, the trace of a product is none.
        """
        if isinstance(node, Index):
            return which == [0] and any(
                entry[0] in ("array", "at") for entry in node.params[0]
            )
        if not isinstance(node, Contraction):
            one = isinstance(node, sympy.Mul) and len(which) == 1
            return one or isinstance(node, _LINEAR)
        inputs, output = indices_of(node)
        own = [inputs[i] for i in which]
        if len(own) > 2 or any(len(set(one)) < len(one) for one in own):
            return False
        common = set(own[0]) & set(own[-1]) if len(own) == 2 else set()
        return len(common) < 2 and not common & set(output)


def _indexes(node: Any, which: Sequence[int]) -> bool:
    """Return whether operands of a node are index arrays."""
    if isinstance(node, Index):
        return 0 not in which
    if isinstance(node, IndexSet):
        return not {0, 1} & set(which)
    if not isinstance(node, IndexAdd):
        return False
    values, place = set(), 0
    for key in node.params[1]:
        values.add(place)
        place += 1 + sum(entry[0] == "array" for entry in key)
    return not values & set(which)


_LINEAR = (sympy.Add, Cast, StopGradient, layout.Broadcast, layout.Transpose)


# Products and sums.


def _contraction(arrays: Arrays, node: Any, *x: Number) -> Number:
    inputs, output = indices_of(node)
    operands = list(zip(arrays.nodes[node].operands, x, inputs, strict=True))
    sizes = {
        index: size
        for one, _, own in operands
        for index, size in zip(own, arrays.nodes.shape(one), strict=True)
    }
    order = [*output, *(one for one in sizes if one not in output)]
    total: Number | None = None
    for _, numbers, own in operands:
        placed = numbers.map(partial(_placed, own=own, order=order))
        total = placed if total is None else arrays.points.multiply(total, placed)
    assert total is not None
    for place in range(len(order) - 1, len(output) - 1, -1):
        weights = arrays.axes[sizes[order[place]]].weights
        total = arrays.points.summed(arrays.points.multiply(total, weights))
    return arrays.full(node, total)


def _placed(part: np.ndarray, own: Sequence[int], order: Sequence[int]) -> np.ndarray:
    """Return an array with its axes in an order, of length 1 where it has none."""
    have = list(own)
    for index in dict.fromkeys(own):
        while have.count(index) > 1:
            first = have.index(index)
            second = have.index(index, first + 1)
            part = np.diagonal(part, 0, 1 + first, 1 + second)
            have = [
                *have[:first],
                *have[first + 1 : second],
                *have[second + 1 :],
                index,
            ]
    part = part.transpose(0, *(1 + have.index(one) for one in order if one in have))
    missing = tuple(1 + i for i, index in enumerate(order) if index not in have)
    return np.expand_dims(part, missing)


def _extremum(sign: int) -> Callable[..., Number]:
    def reduce(arrays: Arrays, node: Any, x: Number) -> Number:
        points, (axes,) = arrays.points, node.params
        if any(arrays.counts(arrays.operand(node))[axis] == 0 for axis in axes):
            raise NotGeneric("an extremum of nothing")
        signed = x if sign > 0 else points.negative(x)
        best = points.extreme(signed.map(lambda part: _behind(part, axes)))
        return best if sign > 0 else points.negative(best)

    return reduce


def _behind(part: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """Return an array with some axes made one, the last."""
    moved = np.moveaxis(part, [1 + axis for axis in axes], range(-len(axes), 0))
    return moved.reshape(*moved.shape[: part.ndim - len(axes)], -1)


def _product(arrays: Arrays, node: Any, x: Number) -> Number:
    (axes,) = node.params
    arrays.need_whole(arrays.operand(node), axes, "a product")
    last = x.map(lambda part: _behind(part, axes))
    total = arrays.points.whole(np.ones(last.p.shape[:-1], np.int64))
    for place in range(last.p.shape[-1]):
        factor = last.map(itemgetter((..., place)))
        total = arrays.points.multiply(total, factor)
    return total


def _running(arrays: Arrays, node: Any, x: Number) -> Number:
    """Return sums, or products, of all elements up to each along an axis."""
    (axis,) = node.params
    arrays.need_whole(node, (axis,), "a running sum")
    points = arrays.points
    fold = points.add if isinstance(node, running.CumSum) else points.multiply
    moved = x.map(lambda part: np.moveaxis(part, 1 + axis, -1))
    each = [moved.map(itemgetter((..., place))) for place in range(moved.p.shape[-1])]
    totals = list(accumulate(each, fold))
    if not totals:
        return x
    return together(lambda parts: np.stack(parts, axis=1 + axis), totals)


# Layout.


def _reshape(arrays: Arrays, node: Any, x: Number) -> Number:
    before, after = arrays.nodes.shape(arrays.operand(node)), node.params[0]
    moved = [one for one in before if one != 1] != [one for one in after if one != 1]
    if moved and arrays.axes.given is None:
        arrays.need_whole(arrays.operand(node), range(len(before)), "a reshape")
        arrays.need_whole(node, range(len(after)), "a reshape")
    shape = (arrays.points.count, *arrays.axes.counts(after))
    return x.map(lambda part: part.reshape(shape))


def _flip(arrays: Arrays, node: Any, x: Number) -> Number:
    (axes,) = node.params
    arrays.need_whole(node, axes, "a reversal")
    return x.map(lambda part: np.flip(part, tuple(1 + axis for axis in axes)))


def _transpose(arrays: Arrays, node: Any, x: Number) -> Number:
    order = (0, *(1 + axis for axis in node.params[0]))
    return x.map(lambda part: part.transpose(order))


def _cast(arrays: Arrays, node: Any, x: Number) -> Number:
    before, after = arrays.nodes.dtype(arrays.operand(node)), node.params[0]
    if is_floating(before) and not is_floating(after):
        raise NotGeneric(f"real numbers made {after}")
    return x


# Arrays that are made.


def _constant(arrays: Arrays, node: Any) -> Number:
    arrays.need_whole(node, range(node.array.ndim), "a constant array")
    if node.array.dtype.kind != "f":
        ones = np.ones((arrays.points.count, *(1,) * node.array.ndim), np.int64)
        return arrays.points.whole(ones * node.array.astype(np.int64))
    shape = (arrays.points.count, *node.array.shape)
    return together(
        lambda parts: np.stack(parts, axis=1).reshape(shape),
        [arrays.formulas.number(float(one)) for one in node.array.flat],
    )


def _arange(arrays: Arrays, node: Any) -> Number:
    """Return the places along an axis; those of the rest are numbers of their own."""
    start, _, step, _ = node.params
    (size,) = arrays.nodes.shape(node)
    axis, points = arrays.axes[size], arrays.points
    if not axis.whole and (start, step) != (0, 1):
        raise NotGeneric("an arange that does not count from 0")
    first = start if arrays.axes.given is None else _known(arrays.axes, start)
    places = np.arange(axis.count) * step + first
    counted = points.whole(np.ones((points.count, 1), np.int64) * places)
    if axis.whole:
        return counted
    arrays.places.add(id(node))
    rest = points.opaque(f"rest of {size}", [counted.map(lambda part: part[:, -1:])])
    return together(
        lambda parts: np.concatenate([parts[0][:, :-1], parts[1]], axis=1),
        [counted, rest],
    )


def _known(axes: Axes, size: Any) -> int:
    return int(size if isinstance(size, int) else size.subs(axes.given))


def written(parts: Sequence[np.ndarray], where: tuple) -> np.ndarray:
    result = parts[0].copy()
    result[where] = fitting(parts[1], result[where].shape)
    return result


def fitting(part: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return an array repeated to a shape, the points along the first axis of both."""
    ones = (1,) * (len(shape) - part.ndim)
    return np.broadcast_to(part.reshape(len(part), *ones, *part.shape[1:]), shape)


# Joining.


def _concatenate(arrays: Arrays, node: Any, *x: Number) -> Number:
    (axis,) = node.params
    for one in arrays.nodes[node].operands:
        arrays.need_whole(one, (axis,), "joining")
    return together(lambda parts: np.concatenate(parts, axis=1 + axis), x)


def _stack(arrays: Arrays, node: Any, *x: Number) -> Number:
    (axis,) = node.params
    return together(lambda parts: np.stack(parts, axis=1 + axis), x)


ARRAYS: dict[type, Callable[..., Number]] = {
    ArrayConstant: _constant,
    Cast: _cast,
    Contraction: _contraction,
    StopGradient: lambda arrays, node, x: x,
    joining.Concatenate: _concatenate,
    joining.Stack: _stack,
    layout.Broadcast: lambda arrays, node, x: arrays.full(node, x),
    layout.Reshape: _reshape,
    layout.Transpose: _transpose,
    making.Arange: _arange,
    moving.Flip: _flip,
    reductions.Max: _extremum(1),
    reductions.Min: _extremum(-1),
    reductions.Prod: _product,
    running.CumProd: _running,
    running.CumSum: _running,
}
