"""Functions of the user's along axes: `apply_along_axis`, `apply_over_axes`.

They are called on traced arrays, once for each row: the rows must be of a known number.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import SizeError
from ..shapes import axis_of
from .handle import handle_of
from .joining import stack
from .layout import moveaxis, reshape
from .table import reached_by

__all__: list[str] = []


@reached_by(np.apply_along_axis)
def apply_along_axis(
    func1d: Callable, axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    """The results of a function of each vector along an axis, in its place."""
    arr = handle_of(arr)
    axis = axis_of(axis, arr.ndim)
    rows = moveaxis(arr, axis, -1)
    others = rows.sizes[:-1]
    if not all(isinstance(one, int) for one in others):
        raise SizeError(
            f"np.apply_along_axis calls a function for each of {others} vectors",
            remedy="Write the function for all vectors at once, with axis=.",
        )
    places = itertools.product(*(range(int(one)) for one in others))
    results = [handle_of(func1d(rows[place], *args, **kwargs)) for place in places]
    inner = results[0].sizes
    made = reshape(stack(results), (*others, *inner))
    last = range(len(others), len(others) + len(inner))
    return moveaxis(made, last, range(axis, axis + len(inner)))


@reached_by(np.apply_over_axes)
def apply_over_axes(func: Callable, a: Any, axes: Any) -> Any:
    """A function applied over one axis after another, each kept."""
    value = handle_of(a)
    for axis in np.ravel(axes).tolist():
        result = handle_of(func(value, axis))
        short = result.ndim < value.ndim
        value = np.expand_dims(result, axis) if short else result  # type: ignore[assignment]
    return value
