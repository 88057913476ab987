"""What writes into an array of the loss's own: `x[key] = v`, `np.put`, `np.add.at`...

Each is a function of the array as it was and gives the array as it will be. Refused:
masks that are computed, with as many values as they mark.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..errors import ShapeError, UnsupportedError
from ..shapes import Shape, show, smallest
from .elementwise import dtype_of
from .handle import Handle, handle_of
from .indexing import IndexAdd, assigned
from .keys import WHOLE, read, selected
from .layout import full_like_shape, ravel, reshape
from .making import arange
from .masked import Selection
from .picking import along_axis, computed_mask, positions, within
from .table import writing_by

__all__ = ["setitem"]


@writing_by(operator.setitem)
def setitem(x: Handle, key: Any, value: Any) -> Handle:
    """X with a value at a key."""
    mask = computed_mask(key)
    if mask is not None:
        return _where(x, mask, value)
    value = handle_of(value)
    entries, arrays = read(x, positions(x, key))
    sizes = selected(x.nodes, x.sizes, [one.sizes for one in arrays], entries)
    value = _fitted(value, sizes)
    if not x.sizes or all(entry == WHOLE for entry in entries):
        return full_like_shape(value, x.sizes, dtype_of(x))
    return assigned(x, entries, arrays, value)


def _fitted(value: Handle, sizes: Shape) -> Handle:
    """Return a value that broadcasts to sizes. Raises `ShapeError` where it does not."""
    extra = value.ndim - len(sizes)
    if extra > 0 and all(one == 1 for one in value.sizes[:extra]):
        value = reshape(value, value.sizes[extra:])
    pairs = zip(reversed(value.sizes), reversed(sizes), strict=False)
    fits = (one == 1 or value.nodes.same_size(one, other) for one, other in pairs)
    if value.ndim > len(sizes) or not all(fits):
        raise ShapeError(
            f"a value of shape {show(value.sizes)} is written where the key selects "
            f"{show(sizes)}"
        )
    return value


def _where(x: Handle, mask: Handle, value: Any) -> Handle:
    """Return x with a value where a computed mask holds."""
    place = Selection(x, mask)
    if isinstance(value, Selection):
        new = value.of(mask)
    else:
        new = handle_of(value)
        if new.ndim >= place.ndim:
            raise UnsupportedError(
                "writing an array of values where a computed mask holds is not supported",
                remedy="Write np.where(mask, new, old), with an array of new values that "
                "has one for each place.",
            )
        new = _fitted(new, x.sizes[mask.ndim :])
    spread = reshape(mask, (*mask.sizes, *(1,) * (place.ndim - 1)))
    return _as(x, np.where(spread, new, x))


def _as(x: Handle, value: Any) -> Handle:
    """Return a value in the shape and dtype of the array that it is written into."""
    return full_like_shape(value, x.sizes, dtype_of(x))


# Functions.


@writing_by("fill")
def fill(x: Handle, value: Any) -> Handle:
    """One value in each place."""
    return setitem(x, ..., value)


@writing_by(np.copyto)
def copyto(
    dst: Handle, src: Any, casting: str = "same_kind", where: Any = True
) -> Handle:
    """The elements of another array, where a condition holds."""
    src = _fitted(handle_of(src), dst.sizes)
    if where is True:
        return setitem(dst, ..., src)
    return _as(dst, np.where(where, src, dst))


@writing_by(np.putmask)
def putmask(a: Handle, mask: Any, values: Any) -> Handle:
    """One value, or an array's at the same places, where a mask holds."""
    values = handle_of(values)
    if values.ndim and values.sizes != a.sizes:
        raise UnsupportedError(
            "np.putmask with values in another shape than the array's is not supported",
            remedy="Write np.where(mask, new, old).",
        )
    return copyto(a, values, where=mask)


@writing_by(np.place)
def place(arr: Handle, mask: Any, vals: Any) -> Handle:
    """One value where a mask holds."""
    values = ravel(handle_of(vals))
    if values.sizes != (1,):
        raise UnsupportedError(
            "np.place of several values is not supported",
            remedy="Write np.where(mask, new, old).",
        )
    return copyto(arr, reshape(values, ()), where=reshape(handle_of(mask), arr.sizes))


@writing_by(np.put, "put")
def put(a: Handle, ind: Any, v: Any, mode: str = "raise") -> Handle:
    """Values at positions in the flattened array."""
    flat = ravel(a)
    value = handle_of(v)
    value = ravel(value) if value.ndim else value
    where = within(handle_of(ind), flat, 0, mode)
    return reshape(setitem(flat, ravel(handle_of(where)), value), a.sizes)


@writing_by(np.put_along_axis)
def put_along_axis(arr: Handle, indices: Any, values: Any, axis: Any) -> Handle:
    """Values at integers along an axis, each row by its own."""
    return setitem(arr, along_axis(arr, handle_of(indices), axis), values)


@writing_by(np.fill_diagonal)
def fill_diagonal(a: Handle, val: Any, wrap: bool = False) -> Handle:
    """Values where all indices are equal."""
    if wrap:
        raise UnsupportedError(
            "np.fill_diagonal: the option wrap=True is not supported"
        )
    if a.ndim < 2 or (a.ndim > 2 and len(set(a.sizes)) > 1):
        raise ShapeError(f"np.fill_diagonal of an array of shape {show(a.sizes)}")
    along = arange(smallest(*a.sizes))
    return setitem(a, (along,) * a.ndim, val)


@writing_by("sort")
def sort(x: Handle, axis: Any = -1) -> Handle:
    """The elements in ascending order along an axis."""
    return np.sort(x, axis)  # type: ignore[return-value]


def _at(ufunc: np.ufunc, sign: int) -> None:
    @writing_by(ufunc)
    def at(a: Handle, indices: Any, b: Any) -> Handle:
        entries, arrays = read(a, positions(a, indices))
        sizes = selected(a.nodes, a.sizes, [one.sizes for one in arrays], entries)
        value = full_like_shape(_fitted(handle_of(b), sizes), sizes, dtype_of(a))
        operands = [one.node for one in (value, *arrays)]
        params = (a.sizes, (entries,), dtype_of(a))
        added = Handle(a.nodes, a.nodes.make(IndexAdd, *operands, params=params))
        return a + added if sign > 0 else a - added


_at(np.add, 1)
_at(np.subtract, -1)
