"""Taking elements of arrays and adding to them, with the numbers of a proof.

In: a node and its operands' numbers. Out: its numbers. Whole numbers that index an axis
are places of the elements that stand for it. Refused with `NotGeneric`: slices of such
axes, and index arrays that are not first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..ops import making
from ..ops.indexing import Index, IndexAdd, IndexSet, parts_of
from ..ops.keys import WHOLE
from .arrays import Arrays, fitting, written
from .axes import NotGeneric
from .numbers import Number, beside, together

__all__ = ["INDEXING"]


def _index(arrays: Arrays, node: Any, x: Number, *places: Number) -> Number:
    key = _key(arrays, arrays.nodes.shape(arrays.operand(node)), node.params[0], places)
    return x.map(lambda part: part[key])


def _index_add(arrays: Arrays, node: Any, *x: Number) -> Number:
    shape, keys, _ = node.params
    points, counts = arrays.points, arrays.axes.counts(shape)
    total = points.whole(np.zeros((points.count, *counts), np.int64))
    operands = arrays.nodes[node].operands
    for (key, value, places), (_, _, at) in zip(
        parts_of(keys, x), parts_of(keys, operands), strict=True
    ):
        where = _key(arrays, shape, key, places)
        value = value.map(partial(fitting, shape=total.p[where].shape))
        value = _weighted(arrays, value, at)
        total = points.reduced(together(partial(_added, where=where), [total, value]))
    return total


def _added(parts: Sequence[np.ndarray], where: tuple) -> np.ndarray:
    """Return an array with another added at places, which may repeat."""
    result = parts[0].copy()
    np.add.at(result, where, parts[1])
    return result


def _weighted(arrays: Arrays, value: Number, at: Sequence[Any]) -> Number:
    """Return what is added at index arrays, as often as their elements stand for."""
    if not at or arrays.axes.given is not None or _names_rows(arrays, at):
        return value
    if len(at) > 1:
        raise NotGeneric("adding at several index arrays")
    for axis, size in enumerate(arrays.nodes.shape(at[0])):
        shape = (arrays.points.count, *(1,) * axis, -1, *(1,) * (value.rank - 1 - axis))
        along = arrays.axes[size].weights.map(partial(np.reshape, shape=shape))
        value = arrays.points.multiply(value, along)
    return value


def _names_rows(arrays: Arrays, at: Sequence[Any]) -> bool:
    """Return whether index arrays name one element of each row, row by row."""
    shapes = {arrays.nodes.shape(one) for one in at}
    counted = any(isinstance(one, making.Arange) for one in at)
    return counted and len(shapes) == 1 and len(shapes.pop()) == 1


def _index_set(
    arrays: Arrays, node: Any, x: Number, value: Number, *places: Number
) -> Number:
    (key,) = node.params
    at = arrays.nodes[node].operands[2:]
    if at and not _names_rows(arrays, at) and arrays.axes.given is None:
        raise NotGeneric("writing at an index array")
    where = _key(arrays, arrays.nodes.shape(node), key, places)
    return together(partial(written, where=where), [x, value])


def _key(arrays: Arrays, shape: Any, key: Any, places: Sequence[Number]) -> tuple:
    """Return the key by which NumPy indexes residues of an array of a shape."""
    advanced = any(entry[0] == "array" for entry in key)
    points = np.arange(arrays.points.count)
    rank = max((one.rank for one in places), default=0)
    parts: list[Any] = [points.reshape(-1, *(1,) * rank) if advanced else slice(None)]
    arranged, axis = [], 0
    for entry in key:
        if entry[0] == "new":
            parts.append(None)
            continue
        parts.append(_entry(arrays, shape[axis], entry, places, rank))
        arranged.append(entry[0] in ("array", "at"))
        axis += 1
    split = "".join("x" if one else " " for one in arranged).strip().count(" ")
    if advanced and (split or not arranged[0] or any(one[0] == "new" for one in key)):
        raise NotGeneric("index arrays behind or between slices")
    return tuple(parts)


def _entry(
    arrays: Arrays, size: Any, entry: tuple, places: Sequence[Number], rank: int
) -> Any:
    axis, given = arrays.axes[size], arrays.axes.given
    if entry[0] == "array":
        return _places(arrays, size, places[entry[1]], rank)
    if entry == WHOLE:
        return slice(None)
    known = [
        (
            one
            if one is None or isinstance(one, int) or given is None
            else int(one.subs(given))
        )
        for one in entry[1:]
    ]
    if entry[0] == "at":
        if not axis.whole and not (
            isinstance(known[0], int) and 0 <= known[0] < axis.count - 1
        ):
            raise NotGeneric(f"element {known[0]} of an axis of {size}")
        return known[0]
    if not axis.whole:
        raise NotGeneric(f"a slice of an axis of {size} elements")
    return slice(*known)


def _places(arrays: Arrays, size: Any, x: Number, rank: int) -> np.ndarray:
    """Return whole numbers as places of the elements that stand for an axis."""
    axis, p = arrays.axes[size], beside(arrays.points.p, x.rank)
    places = np.where(x.p > p // 2, x.p - p, x.p)
    if not axis.whole:
        last = axis.count - 1
        own = arrays.points.whole(np.full((arrays.points.count, 1), last))
        rest = arrays.points.opaque(f"rest of {size}", [own]).p
        is_rest = x.p == beside(rest, x.rank)
        if not (is_rest | ((places >= 0) & (places < last))).all():
            raise NotGeneric(f"elements from behind of an axis of {size}")
        places = np.where(is_rest, last, places)
    elif not ((-axis.count <= places) & (places < axis.count)).all():
        raise NotGeneric(f"an index beyond an axis of {size} elements")
    return places.reshape(places.shape[0], *(1,) * (rank - x.rank), *places.shape[1:])


INDEXING: dict[type, Callable[..., Number]] = {
    Index: _index,
    IndexAdd: _index_add,
    IndexSet: _index_set,
}
