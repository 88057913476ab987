"""Elements picked by position: what is made of indexing with integer arrays.

Indexing with masks, `take` with its modes, `take_along_axis`, `compress`, `extract`,
`choose`. What a computed mask marks is a `Selection`, as its shape depends on values.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError, UnsupportedError
from ..shapes import axis_of, show
from .elementwise import dtype_of
from .handle import Handle, handle_of, traced_size
from .indexing import getitem as taken_at
from .indexing import take as taken
from .joining import stack
from .layout import ravel, reshape
from .making import arange
from .masked import Selection
from .options import refuse_out
from .table import reached_by

__all__ = ["along_axis", "computed_mask", "positions", "take_along_axis", "within"]


@reached_by(operator.getitem)
def getitem(x: Any, key: Any) -> Handle | Selection:
    """The elements at a key; constant masks in it stand for the positions they mark."""
    mask = computed_mask(key)
    if mask is not None:
        return Selection(handle_of(x), mask)
    return taken_at(x, positions(handle_of(x), key))


def computed_mask(key: Any) -> Handle | None:
    """Return a key that is a mask of which no value is known, None where it is none."""
    if isinstance(key, tuple) and len(key) == 1:
        (key,) = key
    is_mask = isinstance(key, Handle) and dtype_of(key) == "bool" and key.sizes
    return key if is_mask and _mask(key) is None else None


def positions(x: Handle, key: Any) -> Any:
    """Return a key with the positions that constant masks mark in their place."""
    parts = key if isinstance(key, tuple) else (key,)
    if not any(_mask(part) is not None for part in parts):
        return key
    return tuple(_positions(x, parts))


def _positions(x: Handle, parts: Sequence) -> Iterator[Any]:
    """Yield the parts of a key, for a mask its positions along each of its axes."""
    axis = 0
    for place, part in enumerate(parts):
        mask = _mask(part)
        if mask is None:
            yield part
        else:
            covered = x.sizes[axis : axis + mask.ndim]
            pairs = zip(mask.shape, covered, strict=False)
            if not all(x.nodes.same_size(one, other) for one, other in pairs):
                shapes = f"{show(mask.shape)} for axes of sizes {show(covered)}"
                raise ShapeError(f"a mask of shape {shapes}")
            yield from mask.nonzero()
        behind = sum(map(_axes_taken, parts[place + 1 :]))
        axis = x.ndim - behind if part is Ellipsis else axis + _axes_taken(part)


def _axes_taken(part: Any) -> int:
    mask = _mask(part)
    return mask.ndim if mask is not None else part is not None and part is not Ellipsis


def _mask(part: Any) -> np.ndarray | None:
    """Return a part of a key as a constant mask, None where it is none."""
    if isinstance(part, Handle):
        fixed = all(isinstance(one, int) for one in part.sizes)
        part = part.value if fixed else None
    if not isinstance(part, np.ndarray | list):
        return None
    array = np.asarray(part)
    return array if array.dtype == bool and array.ndim else None


@reached_by(np.take, method="take")
def take(
    a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise"
) -> Handle:
    """The elements at integers along an axis, or of the flattened array."""
    refuse_out(out)
    a = handle_of(a) if axis is not None else ravel(handle_of(a))
    axis = axis_of(axis or 0, a.ndim)
    return taken(a, within(indices, a, axis, mode), axis)


def within(indices: Any, a: Handle, axis: int, mode: str) -> Any:
    """Return indices as a mode brings them into an axis."""
    if mode == "raise":
        return indices
    length = traced_size(a.nodes, a.sizes[axis])
    if mode == "wrap":
        return np.mod(indices, length)
    if mode == "clip":
        return np.clip(indices, 0, length - 1)
    raise ShapeError(f"np.take: mode is raise, wrap or clip, not {mode!r}")


@reached_by(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Handle:
    """The elements at integers along an axis, each row by its own."""
    arr, indices = handle_of(arr), handle_of(indices)
    if axis is None:
        return taken_at(ravel(arr), ravel(indices))
    return taken_at(arr, along_axis(arr, indices, axis))


def along_axis(arr: Handle, indices: Handle, axis: Any) -> tuple:
    """Return the key of integers along an axis, each row's by its own."""
    axis = axis_of(axis, arr.ndim)
    if indices.ndim != arr.ndim:
        raise ShapeError("np.take_along_axis: indices and array of different rank")
    key = [
        reshape(arange(length), (-1, *(1,) * (arr.ndim - place - 1)))
        for place, length in enumerate(arr.sizes)
    ]
    return (*key[:axis], indices, *key[axis + 1 :])


@reached_by(np.compress)
def compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    """The elements along an axis at which a condition holds."""
    refuse_out(out)
    if computed_mask(condition) is None:
        return take(a, np.flatnonzero(np.asarray(condition)), axis)
    a = ravel(handle_of(a)) if axis is None else handle_of(a)
    if axis is not None and axis_of(axis, a.ndim) > 0:
        raise UnsupportedError(
            "np.compress by a computed mask along an axis behind the first",
            remedy="Write np.where(mask, x, 0) under a sum.",
        )
    return Selection(a, condition)


@reached_by(method="compress")
def compress_method(
    a: Handle, condition: Any, axis: Any = None, out: Any = None
) -> Any:
    """The elements along an axis at which a condition holds."""
    return compress(condition, a, axis, out)


@reached_by(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    """The elements at which a condition holds."""
    if computed_mask(condition) is not None:
        return Selection(ravel(handle_of(arr)), ravel(condition))
    return take(arr, np.flatnonzero(np.asarray(condition)))


@reached_by(np.choose)
def choose(
    a: Any, choices: Sequence | Handle, out: Any = None, mode: str = "raise"
) -> Handle:
    """Each element from that one of some arrays whose number stands in `a`."""
    refuse_out(out)
    a, *arrays = np.broadcast_arrays(handle_of(a), *choices)
    stacked = stack(arrays)
    which = within(a, stacked, 0, mode)
    return take_along_axis(stacked, np.expand_dims(which, 0), 0)[0]
