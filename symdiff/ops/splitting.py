"""Arrays joined and split in NumPy's other ways: by concatenation and slices.

`hstack`, `block`, `split`, `insert`, `meshgrid` and their kin need no rows. Positions
at which arrays are split or changed must be known; axes may have unknown sizes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import sympy

from ..errors import ShapeError, SizeError, UnsupportedError
from ..shapes import Size, axis_of, broadcast, divide, product, show, size
from .handle import Handle, handle_of, size_of
from .joining import concatenate, stack
from .layout import broadcast_to, expand_dims, moveaxis, ravel, reshape, shape_of
from .moving import rows_of, tile
from .table import reached_by

__all__ = ["JOINERS", "along", "split"]


def along(axis: int, part: Any) -> tuple:
    """Return the key that is `part` along an axis, the axes before it whole."""
    return (*(slice(None),) * axis, part)


# Joined.


@reached_by(np.hstack)
def hstack(tup: Iterable) -> Handle:
    """Arrays side by side: along the second axis, vectors along their one."""
    arrays: list[Any] = [np.atleast_1d(handle_of(one)) for one in tup]
    return concatenate(arrays, 0 if arrays[0].ndim == 1 else 1)


@reached_by(np.vstack)
def vstack(tup: Iterable) -> Handle:
    """Arrays one below the other; vectors are rows."""
    arrays = [handle_of(one) for one in tup]
    if len({one.sizes for one in arrays}) == 1 and arrays[0].ndim == 1:
        return stack(arrays)
    return concatenate([rows_of(one) for one in arrays])


@reached_by(np.dstack)
def dstack(tup: Iterable) -> Handle:
    """Arrays behind each other along the third axis."""
    return concatenate([np.atleast_3d(handle_of(one)) for one in tup], 2)


@reached_by(np.column_stack)
def column_stack(tup: Iterable) -> Handle:
    """Arrays side by side; vectors are columns."""
    arrays = [handle_of(one) for one in tup]
    if all(one.ndim == 1 for one in arrays):
        return stack(arrays, 1)
    return concatenate([reshape(a, (-1, 1)) if a.ndim < 2 else a for a in arrays], 1)


@reached_by(np.block)
def block(arrays: Any) -> Handle:
    """An array made of nested lists of blocks: the innermost along the last axis."""
    depth = _depth(arrays)
    rank = max([depth, *(handle_of(one).ndim for one in _leaves(arrays))])
    return _block(arrays, depth, rank)


def _block(arrays: Any, depth: int, rank: int) -> Handle:
    if not isinstance(arrays, list):
        array = handle_of(arrays)
        return expand_dims(array, tuple(range(rank - array.ndim)))
    return concatenate([_block(one, depth - 1, rank) for one in arrays], rank - depth)


def _depth(arrays: Any) -> int:
    if not isinstance(arrays, list):
        return 0
    depths = {_depth(one) for one in arrays}
    if len(depths) != 1:
        raise ShapeError("np.block: lists of different depths, or an empty one")
    return 1 + depths.pop()


def _leaves(arrays: Any) -> list:
    if not isinstance(arrays, list):
        return [arrays]
    return [leaf for one in arrays for leaf in _leaves(one)]


@reached_by(np.append)
def append(arr: Any, values: Any, axis: Any = None) -> Handle:
    """Values behind an array; both flattened where no axis is given."""
    return concatenate([arr, values], axis)


# Joined between brackets. NumPy's `r_` has another value while a loss is traced.

_RANGES = np.r_


def joined_rows(key: Any) -> Handle:
    """Arrays and numbers one behind the other, as `np.r_[...]` joins them."""
    return concatenate([np.atleast_1d(one) for one in _bracketed(key)], 0)


def joined_columns(key: Any) -> Handle:
    """Arrays side by side, vectors as columns, as `np.c_[...]` joins them."""
    parts: list[Any] = [np.atleast_1d(one) for one in _bracketed(key)]
    return concatenate([one[:, None] if one.ndim == 1 else one for one in parts], -1)


def _bracketed(key: Any) -> list[Handle]:
    """Return the parts between the brackets; slices stand for ranges."""
    parts = key if isinstance(key, tuple) else (key,)
    if any(isinstance(one, str) for one in parts):
        raise UnsupportedError(
            "np.r_ and np.c_ with a text that says how to join",
            remedy="Write np.concatenate, np.stack or np.column_stack.",
        )
    ranges = (_RANGES[one] if isinstance(one, slice) else one for one in parts)
    return [handle_of(one) for one in ranges]


# NumPy's objects that join, for which handles' protocols are never asked.
JOINERS = ((np.r_, joined_rows), (np.c_, joined_columns))


# Split.


def split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> list[Handle]:
    """Parts of an array: between positions, or as many of the same length."""
    ary = handle_of(ary)
    axis = axis_of(axis, ary.ndim)
    length, parts = ary.sizes[axis], indices_or_sections
    if np.iterable(parts):
        return _parts(ary, axis, shape_of(tuple(parts)))
    each = divide(length, size_of(parts))
    if each is None and not isinstance(length, int):
        raise SizeError(
            f"np.split: whether {length} is a multiple of {parts} is unknown",
            remedy="Write np.array_split, or split at a position.",
        )
    if each is None:
        raise ShapeError(f"np.split: {length} is no multiple of {parts}")
    return _parts(ary, axis, tuple(size(each * i) for i in range(1, parts)))


def array_split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> list[Handle]:
    """Parts of an array, of lengths that differ by one at most."""
    ary = handle_of(ary)
    axis = axis_of(axis, ary.ndim)
    parts = indices_or_sections
    if np.iterable(parts):
        return split(ary, parts, axis)
    length = sympy.sympify(ary.sizes[axis])
    short, longer = length // parts, length % parts
    ends = (size(i * short + sympy.Min(i, longer)) for i in range(1, parts))
    return _parts(ary, axis, tuple(ends))


def _parts(x: Handle, axis: int, ends: Sequence[Size]) -> list[Handle]:
    starts = (None, *ends)
    return [
        x[along(axis, slice(start, stop))]
        for start, stop in zip(starts, (*ends, None), strict=True)
    ]


reached_by(np.split)(split)
reached_by(np.array_split)(array_split)


@reached_by(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Handle]:
    """Parts along the second axis, of a vector along its one."""
    return split(ary, indices_or_sections, 0 if handle_of(ary).ndim == 1 else 1)


@reached_by(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Handle]:
    """Parts along the first axis."""
    return split(ary, indices_or_sections, 0)


@reached_by(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Handle]:
    """Parts along the third axis."""
    return split(ary, indices_or_sections, 2)


@reached_by(np.unstack)
def unstack(x: Any, /, *, axis: Any = 0) -> tuple[Handle, ...]:
    """The parts of an array along an axis of known size, each without the axis."""
    return tuple(moveaxis(x, axis, 0))


# Changed in length.


@reached_by(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Handle:
    """The array with values put in before positions."""
    x, values = handle_of(arr), handle_of(values)
    if axis is None:
        x, axis = ravel(x), 0
    axis = axis_of(axis, x.ndim)
    places, single = _positions(obj, x.sizes[axis], "np.insert")
    if single:
        values = expand_dims(values, tuple(range(x.ndim - values.ndim)))
        new = moveaxis(values, 0, axis)
        shape = (*x.sizes[:axis], new.sizes[axis], *x.sizes[axis + 1 :])
        head, tail = _parts(x, axis, places)
        return concatenate([head, broadcast_to(new, shape), tail], axis)
    shape = (*x.sizes[:axis], len(places), *x.sizes[axis + 1 :])
    new = broadcast_to(values, shape)
    order = sorted(range(len(places)), key=lambda i: places[i])
    pieces = _parts(x, axis, [places[i] for i in order])
    rows = [new[along(axis, slice(i, i + 1))] for i in order]
    mixed = [one for pair in zip(pieces, rows, strict=False) for one in pair]
    return concatenate([*mixed, pieces[-1]], axis)


@reached_by(np.delete)
def delete(arr: Any, obj: Any, axis: Any = None) -> Handle:
    """The array without the elements at some positions."""
    x = handle_of(arr)
    if axis is None:
        x, axis = ravel(x), 0
    axis = axis_of(axis, x.ndim)
    places, _ = _positions(obj, x.sizes[axis], "np.delete")
    pieces, start = [], None
    for place in sorted(set(places)):
        if start is None or place != start:
            pieces.append(x[along(axis, slice(start, place))])
        start = size(place + 1)
    pieces.append(x[along(axis, slice(start, None))])
    kept = [one for one in pieces if one.sizes[axis] != 0] or pieces[-1:]
    return kept[0] if len(kept) == 1 else concatenate(kept, axis)


def _positions(obj: Any, length: Size, name: str) -> tuple[list[int], bool]:
    """Return positions from the front, and whether they were given as one number."""
    if isinstance(obj, slice):
        if not isinstance(length, int):
            raise SizeError(f"{name}: a slice of an axis of unknown size {length}")
        return list(range(*obj.indices(length))), False
    given = np.asarray(obj)
    if given.dtype == bool:
        given = np.flatnonzero(given)
    places = [_from_front(int(one), length, name) for one in given.ravel()]
    return places, given.ndim == 0


def _from_front(place: int, length: Size, name: str) -> Any:
    if isinstance(length, int) and not -length <= place <= length:
        raise ShapeError(
            f"{name}: {place} is out of bounds for an axis of size {length}"
        )
    return size(length + place) if place < 0 else place


@reached_by(np.resize)
def resize(a: Any, new_shape: Any) -> Handle:
    """The elements in another shape, from the start again where they do not suffice."""
    x, shape = ravel(handle_of(a)), shape_of(new_shape)
    total, have = product(shape), product(x.sizes)
    if not (isinstance(total, int) and isinstance(have, int)):
        raise SizeError(
            "np.resize with unknown sizes",
            remedy="Write np.tile(x, times) and slice it, or x.reshape(shape).",
        )
    times = -(-total // have) if have else 0
    return reshape(tile(x, times)[:total], shape)


# Broadcast together.


@reached_by(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Handle, ...]:
    """All arrays in the shape that they broadcast to together."""
    arrays = [handle_of(one) for one in args]
    shape = broadcast([one.sizes for one in arrays], arrays[0].nodes.same_size)
    return tuple(broadcast_to(one, shape) for one in arrays)


@reached_by(np.meshgrid)
def meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Handle, ...]:
    """The coordinates of each point of a grid, an array for each axis."""
    if indexing not in ("xy", "ij"):
        raise ShapeError(f"np.meshgrid: indexing is 'xy' or 'ij', not {indexing!r}")
    arrays = [ravel(handle_of(one)) for one in xi]
    order = list(range(len(arrays)))
    if indexing == "xy" and len(arrays) > 1:
        order[:2] = 1, 0
    others = [tuple(i for i in range(len(order)) if i != at) for at in order]
    open_grid = [expand_dims(a, new) for a, new in zip(arrays, others, strict=True)]
    return tuple(open_grid) if sparse else broadcast_arrays(*open_grid)


@reached_by(np.ix_)
def ix_(*args: Any) -> tuple[Handle, ...]:
    """Index arrays of a grid, an axis for each."""
    arrays = [handle_of(one) for one in args]
    for one in arrays:
        if one.ndim != 1:
            raise ShapeError(
                f"np.ix_: an index of shape {show(one.sizes)} is no vector"
            )
    rank = range(len(arrays))
    return tuple(
        expand_dims(one, tuple(i for i in rank if i != axis))
        for axis, one in enumerate(arrays)
    )
