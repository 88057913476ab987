"""The options that NumPy's reductions share: `dtype`, `out`, `where`, `initial`.

In: a reduction of an array over axes, written without them. Out: one that takes
arguments as NumPy does. What `where` leaves out is replaced by what the reduction does
not notice. Refused: `out`, and `where` for an extremum without `initial`.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import MutationError, ShapeError
from ..shapes import axes_of
from .handle import Handle, handle_of
from .table import METHODS, reached_by

__all__ = ["reduction", "refuse_out"]

_OWN = frozenset(("axis", "keepdims"))


def reduction(
    *callables: Callable,
    method: str = "",
    unnoticed: float | None = None,
    joined: Callable | None = None,
) -> Callable:
    """Return a decorator for a reduction: `reached_by`, with the options of NumPy's.

    unnoticed: the element that stands for those that `where` leaves out; without it the
    function takes `where` itself. joined: how `initial` is put to the result.
    """
    signature = inspect.signature(callables[0])

    def register(function: Callable) -> Callable:
        @functools.wraps(function)
        def build(*args: Any, **kwargs: Any) -> Any:
            if len(args) <= 2 and kwargs.keys() <= _OWN:
                return function(*args, **kwargs)
            x, *options = signature.bind(*args, **kwargs).arguments.items()
            given = {name: one for name, one in options if one is not np._NoValue}
            given.pop("overwrite_input", None)
            array = _of_dtype(handle_of(x[1]), given)
            array, initial = _prepared(array, given, unnoticed)
            result = function(array, **given)
            if joined is None or initial is None:
                return result
            return joined(result, initial)

        build.__signature__ = signature  # type: ignore[attr-defined]
        return reached_by(*callables, method=method)(build)

    return register


def refuse_out(out: Any) -> None:
    """Raise `MutationError` where there is an array to write into."""
    if out is not None:
        raise MutationError(
            "out= writes into an array", remedy="Use the result instead of out=."
        )


def _of_dtype(x: Handle, given: dict[str, Any]) -> Handle:
    """Return the array as `dtype` asks for it. Raises `MutationError` for `out`."""
    refuse_out(given.pop("out", None))
    dtype = given.pop("dtype", None)
    return x if dtype is None else METHODS["astype"](x, dtype)


def _prepared(
    x: Handle, given: dict[str, Any], unnoticed: float | None
) -> tuple[Handle, Any]:
    """Return the array without what `where` leaves out, and `initial`."""
    initial = given.pop("initial", None)
    if unnoticed is None:
        return x, initial
    is_extremum = math.isinf(unnoticed)
    where = given.pop("where", True)
    if where is not True:
        if is_extremum and initial is None:
            raise ShapeError(
                "an extremum with where= needs initial=, lest it be one of nothing"
            )
        x = np.where(where, x, unnoticed)  # type: ignore[assignment]
    if is_extremum and initial is not None:
        x = _never_empty(x, given.get("axis"), initial)
    return x, initial


def _never_empty(x: Handle, axis: Any, initial: Any) -> Handle:
    """Return the array with `initial` behind axes that may be of size 0."""
    for i in axes_of(axis, x.ndim):
        length = x.sizes[i]
        if not (isinstance(length, int) and length > 0):
            shape = (*x.sizes[:i], 1, *x.sizes[i + 1 :])
            last: Any = np.broadcast_to(handle_of(initial), shape)
            x = np.concatenate((x, last), axis=i)  # type: ignore[assignment]
    return x
