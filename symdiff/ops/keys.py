"""Keys of indexing: read from what a user writes, the shape they select, their text.

A key is a tuple with an entry for each part: ("slice", start, stop, step), ("at", i),
("new",) or ("array", k), the k-th index array beside it. Refused: boolean masks, keys
that do not fit, slices whose length no expression in the sizes describes.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import sympy

from ..code import Code, Level, Writer
from ..errors import ShapeError, SizeError, UnsupportedError
from ..graph import ArrayConstant, Nodes
from ..shapes import Shape, Size, broadcast, largest, show, size, smallest
from .elementwise import dtype_of
from .handle import Handle, TracedSize, handle_of, size_of
from .making import Arange

__all__ = [
    "WHOLE",
    "Key",
    "apart_from_earlier",
    "disjoint",
    "names_once",
    "read",
    "selected",
    "text_of",
]

Key = tuple[tuple, ...]
WHOLE = ("slice", None, None, None)


# Reading.


def read(x: Handle, key: Any) -> tuple[Key, list[Handle]]:
    """Return a key's canonical form and its index arrays. Raises if it does not fit."""
    parts = list(key) if isinstance(key, tuple) else [key]
    dots = [place for place, part in enumerate(parts) if part is Ellipsis]
    used = sum(part is not None and part is not Ellipsis for part in parts)
    if used > x.ndim or len(dots) > 1:
        raise ShapeError(f"too many indices for an array of shape {show(x.sizes)}")
    at = dots[0] if dots else len(parts)
    parts[at : at + len(dots)] = [slice(None)] * (x.ndim - used)
    entries: list[tuple] = []
    arrays: list[Handle] = []
    axis = 0
    for part in parts:
        length = x.sizes[axis] if part is not None else 1
        entries.append(_entry(part, length, arrays))
        axis += part is not None
    while len(entries) > 1 and entries[-1] == WHOLE and set(entries) != {WHOLE}:
        entries.pop()
    return tuple(entries), arrays


def _entry(part: Any, length: Size, arrays: list[Handle]) -> tuple:
    if part is None:
        return ("new",)
    if isinstance(part, slice):
        return _slice_entry(part)
    if isinstance(part, bool | np.bool_):
        raise UnsupportedError("indexing with a bool is not supported")
    if _is_number(part):
        return ("at", _checked(size_of(part), length))
    # An empty list holds no integers to tell it by.
    index = handle_of(
        np.zeros(0, np.int64) if isinstance(part, list) and not part else part
    )
    dtype = dtype_of(index)
    if dtype == "bool":
        raise UnsupportedError(
            "indexing with a boolean mask is not supported",
            remedy="Write np.where(mask, x, 0) under a sum, or index with integers.",
        )
    if dtype not in ("int", "int64"):
        raise ShapeError(f"an index must be of integers, not {dtype}")
    arrays.append(index)
    return ("array", len(arrays) - 1)


def _is_number(part: Any) -> bool:
    """Return whether a part is an integer whose value is known, be it a size."""
    if isinstance(part, Handle):
        return part.value is not None and not part.sizes and dtype_of(part) != "bool"
    if isinstance(part, np.ndarray):
        return part.ndim == 0 and part.dtype.kind in "iu"
    return isinstance(part, int | np.integer | TracedSize)


def _checked(position: Size, length: Size) -> Size:
    known = isinstance(position, int) and isinstance(length, int)
    if known and not -length <= position < length:
        raise ShapeError(
            f"index {position} is out of bounds for an axis of size {length}"
        )
    return position


def _slice_entry(part: slice) -> tuple:
    bounds = []
    for bound in (part.start, part.stop, part.step):
        if isinstance(bound, Handle) and bound.value is None:
            operator.index(bound)
        bounds.append(None if bound is None else size_of(bound))
    start, stop, step = bounds
    if step is not None and not isinstance(step, int):
        raise SizeError("a slice's step must be a number")
    if step == 0:
        raise ShapeError("a slice's step cannot be 0")
    from_front = start == 0 and (step or 1) > 0
    return ("slice", None if from_front else start, stop, None if step == 1 else step)


# Shapes.


def selected(nodes: Nodes, shape: Shape, arrays: Sequence[Shape], key: Key) -> Shape:
    """Return the shape that a key selects, index arrays placed as NumPy places them."""
    result: list[Size] = []
    advanced: list[int] = []
    axis = first = 0
    for place, entry in enumerate(key):
        if entry[0] == "new":
            result.append(1)
            continue
        if entry[0] == "slice":
            result.append(_slice_length(shape[axis], entry))
        elif arrays:
            # An integer beside index arrays is one of them.
            first = first if advanced else len(result)
            advanced.append(place)
        axis += 1
    result += shape[axis:]
    if arrays:
        together = advanced == list(range(advanced[0], advanced[-1] + 1))
        at = first if together else 0
        result[at:at] = broadcast(arrays, nodes.same_size)
    return tuple(result)


def _slice_length(length: Size, entry: tuple) -> Size:
    _, start, stop, step = entry
    if all(one is None or isinstance(one, int) for one in (length, start, stop)):
        return len(range(*slice(start, stop, step).indices(length)))
    if step is not None and step < 0:
        start, stop, step = _forward(start, stop, step)
    distance = _distance(length, start, stop)
    return distance if step is None else _divided_up(distance, step)


def _forward(start: Size | None, stop: Size | None, step: int) -> tuple:
    """Return the bounds and the step that a slice backward has when read forward."""
    if stop == -1:
        return 0, 0, -step
    low = None if stop is None else size(stop + 1)
    high = None if start is None or start == -1 else size(start + 1)
    return low, high, -step


def _distance(length: Size, start: Size | None, stop: Size | None) -> Size:
    """Return how far a slice reaches over an axis of unknown length.

    The axis is taken to be no shorter than sizes, and than the one element, that are
    cut off its ends.
    """
    low: Size = 0 if start is None else start
    if isinstance(low, int) and isinstance(stop, int):
        same_end = (low < 0) == (stop < 0)
        if same_end and low >= stop:
            return 0
    if _is_negative(low):
        # From behind: what is left of it by an end from behind, all of it by none.
        cut: Size = 0 if stop is None else stop
        if stop is None or _is_negative(stop):
            return _at_least_none(_at_most(length, -low) - _at_most(length, -cut))
        low = largest(0, _from_front(length, low))
        high = length if stop is None else _at_most(length, stop)
        return largest(0, high - low)
    high = length if stop is None else _at_most(length, _from_front(length, stop))
    if isinstance(low, int) and isinstance(stop, int) and stop > 0:
        low = smallest(length, low) if low > 1 else low
        return size(_at_most(length, stop) - low)
    return _at_least_none(high - low)


def _at_most(length: Size, count: Size) -> Size:
    # An axis of one element is to broadcast.
    return count if count in (0, 1) else smallest(length, count)


def _at_least_none(distance: Size) -> Size:
    """Return a distance, 0 where a number cuts more than there is off an axis."""
    distance = size(distance)
    if isinstance(distance, int):
        return max(distance, 0)
    cut, rest = distance.as_coeff_Add()
    if cut > -2:
        return distance
    if isinstance(rest, sympy.Max):
        distance = sympy.Max(*(one + cut for one in rest.args))
    return largest(0, distance)


def _from_front(length: Size, bound: Size) -> Size:
    return size(length + bound) if _is_negative(bound) else bound


def _is_negative(bound: Size) -> bool:
    return bound < 0 if isinstance(bound, int) else bool(bound.is_nonpositive)


def _divided_up(distance: Size, step: int) -> Size:
    return size(-((-sympy.sympify(distance)) // sympy.Integer(step)))


# Text.


def text_of(writer: Writer, key: Key, arrays: Sequence[Code]) -> str:
    """Return the text between the brackets."""
    return ", ".join(_entry_text(writer, entry, arrays) for entry in key)


def _entry_text(writer: Writer, entry: tuple, arrays: Sequence[Code]) -> str:
    if entry[0] == "new":
        return "None"
    if entry[0] == "at":
        return writer.size(entry[1]).text
    if entry[0] == "array":
        return arrays[entry[1]].text
    codes = [None if one is None else writer.size(one) for one in entry[1:]]
    start, stop, step = ("" if one is None else one.text for one in codes)
    computed = any(one is not None and one.level < Level.UNARY for one in codes)
    text = f"{start}{' : ' if computed else ':'}{stop}".strip()
    return f"{text}:{step}" if step else text


# Overlap.


def names_once(nodes: Nodes, shape: Shape, key: Key, arrays: Sequence) -> bool:
    """Return whether a key names each element at most once: adding is assigning."""
    shapes = [nodes.shape(one) for one in arrays]
    if not any(shapes):
        return True
    if any(isinstance(one, Arange) for one in arrays):
        return all(len(one) == 1 for one in shapes)
    if not all(isinstance(one, ArrayConstant) for one in arrays):
        return False
    axes = [shape[axis] for axis, entry in _along_axes(key) if entry[0] == "array"]
    values = list(np.broadcast_arrays(*(one.array for one in arrays)))
    if any(value.min(initial=0) < 0 for value in values):
        if not all(isinstance(one, int) for one in axes):
            return False
        values = [value % one for value, one in zip(values, axes, strict=True)]
    rows = np.stack([value.ravel() for value in values], axis=1)
    return len(np.unique(rows, axis=0)) == len(rows)


def disjoint(shape: Shape, one: Key, other: Key) -> bool:
    """Return whether two keys surely name different elements."""
    pairs = zip(_along_axes(one), _along_axes(other), strict=False)
    return any(_apart(shape[axis], a, b) for (axis, a), (_, b) in pairs)


def apart_from_earlier(shape: Shape, keys: Sequence[Key]) -> Iterator[bool]:
    """Return for each key whether it surely names no element that one before it names.

    Keys that begin with an integer are held against those of the same integer alone.
    """
    at: defaultdict[int, list[Key]] = defaultdict(list)
    others: list[Key] = []
    for place, key in enumerate(keys):
        first = _first_place(shape, key)
        met = keys[:place] if first is None else (*at[first], *others)
        yield all(disjoint(shape, key, one) for one in met)
        (others if first is None else at[first]).append(key)


def _first_place(shape: Shape, key: Key) -> int | None:
    """Return the place on the first axis that a key names, None where it is not one."""
    if not key or key[0][0] != "at":
        return None
    place, length = key[0][1], shape[0]
    known = isinstance(place, int) and isinstance(length, int)
    return place % length if known else None


def _along_axes(key: Key) -> Iterator[tuple[int, tuple]]:
    return enumerate(entry for entry in key if entry[0] != "new")


def _apart(length: Size, one: tuple, other: tuple) -> bool:
    if "array" in (one[0], other[0]):
        return False
    if isinstance(length, int):
        first, second = _places(length, one), _places(length, other)
        if isinstance(first, range) and isinstance(second, range):
            return set(first).isdisjoint(second)
    (low, high), (start, stop) = _interval(length, one), _interval(length, other)
    return any(sympy.sympify(gap).is_nonnegative for gap in (start - high, low - stop))


def _places(length: int, entry: tuple) -> range | None:
    """Return the places that an entry names, None where it has unknown sizes."""
    if not all(one is None or isinstance(one, int) for one in entry[1:]):
        return None
    if entry[0] == "at":
        return range(entry[1] % length, entry[1] % length + 1)
    return range(*slice(*entry[1:]).indices(length))


def _interval(length: Size, entry: tuple) -> tuple[Size, Size]:
    """Return the first place that an entry may name, and the one behind the last."""
    if entry[0] == "at":
        place = _from_front(length, entry[1])
        return place, size(place + 1)
    _, start, stop, step = entry
    if step is not None and step < 0:
        return 0, length
    low = 0 if start is None else _from_front(length, start)
    return low, length if stop is None else _from_front(length, stop)
