"""The elements that a computed mask marks: `x[x > 0]`, of which only values tell how
many there are.

The array stays whole, its mask beside it. Functions of elements are computed in each
place; reductions take what the mask leaves out for 0, for 1, for the smallest or the
largest, so that its gradient is exactly 0. Refused: all else, in which the number of
elements would be a shape. `max` and `min` of nothing are infinite, where NumPy raises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ShapeError, UnsupportedError, ValueDependenceError
from ..shapes import axes_of, axis_of, is_floating
from .calls import name_of
from .elementwise import dtype_of
from .handle import Handle, handle_of
from .layout import expand_dims, ravel, reshape
from .recording import Unsized, refused

__all__ = ["Selection"]

# Functions of elements that are no ufuncs.
_OF_ELEMENTS = frozenset((np.clip, np.where, np.nan_to_num, np.round, np.real))


class Selection(Unsized, np.lib.mixins.NDArrayOperatorsMixin):
    """x[mask]: along its first axis the elements of `array` that `mask` marks."""

    __slots__ = ("array", "mask")

    def __init__(self, array: Handle, mask: Handle) -> None:
        pairs = zip(mask.sizes, array.sizes, strict=False)
        fits = mask.ndim <= array.ndim
        if not fits or not all(mask.nodes.same_size(*pair) for pair in pairs):
            raise ShapeError("the mask's shape is not that of the array's first axes")
        self.array, self.mask = array, mask

    # What NumPy's users read off an array.

    @property
    def inner(self) -> tuple[int, ...]:
        """The shape of each element along the first axis."""
        return self.array.shape[self.mask.ndim :]

    @property
    def shape(self) -> tuple:
        return (np.sum(self.mask), *self.inner)

    @property
    def ndim(self) -> int:
        return 1 + len(self.inner)

    @property
    def size(self) -> Any:
        return self.shape[0] * product_of(self.inner)

    @property
    def dtype(self) -> np.dtype:
        return self.array.dtype

    def __len__(self) -> int:
        raise refused(
            ValueDependenceError(
                "len() asks how many elements a computed mask marks",
                remedy="Write np.count_nonzero(mask), or .size.",
            ),
            self.array,
        )

    def __iter__(self) -> Any:
        raise self.refusal("a loop over what a computed mask marks")

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise self.refusal("a plain array of what a computed mask marks")

    def __getattr__(self, name: str) -> Any:
        function = _METHODS.get(name)
        if function is None:
            raise self.refusal(f".{name} of what a computed mask marks")
        return lambda *args, **kwargs: function(self, *args, **kwargs)

    def __getitem__(self, key: Any) -> Selection:
        first, *rest = key if isinstance(key, tuple) else (key,)
        if first is Ellipsis:
            return self._changed(self.array[key])
        if first != slice(None) or any(isinstance(one, Unsized) for one in rest):
            raise self.refusal("indexing what a computed mask marks")
        return self._changed(self.array[(*(first,) * self.mask.ndim, *rest)])

    def refusal(self, what: str) -> Exception:
        """Return the error for what would need to know how many elements there are."""
        error = UnsupportedError(
            f"{what} is not supported: its shape depends on values",
            remedy="Known are functions of elements, and reductions. For others write "
            "np.where(mask, x, 0), which has a place for each element.",
        )
        return refused(error, self.array)

    # NumPy's protocols.

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any
    ) -> Any:
        if method != "__call__":
            function = _REDUCED_BY.get(ufunc) if method == "reduce" else None
            if function is None:
                raise self.refusal(f"{name_of(ufunc)}.{method}")
            return function(*inputs, **{"axis": 0, **kwargs})
        if ufunc is np.matmul:
            return _matmul(*inputs)
        result = self._each(ufunc, inputs, kwargs)
        if out is None:
            return result
        out[0].array = result.array
        return out[0]

    def __array_function__(
        self, function: Callable, types: Any, args: tuple, kwargs: dict
    ) -> Any:
        if function in _OF_ELEMENTS:
            return self._each(function, args, kwargs)
        if function not in _FUNCTIONS:
            raise self.refusal(f"{name_of(function)} of what a computed mask marks")
        return _FUNCTIONS[function](*args, **kwargs)

    def _each(self, function: Callable, args: tuple, kwargs: dict) -> Selection:
        """Return a function of elements, in each place of the whole array."""
        given = [self._whole(one) for one in args]
        return self._changed(function(*given, **kwargs))

    def _whole(self, value: Any) -> Any:
        """Return an operand in the place of which the whole array stands."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Selection):
            if value.ndim != self.ndim:
                raise self.refusal("arithmetic between arrays of different rank")
            return value.of(self.mask)
        if handle_of(value).ndim >= self.ndim:
            raise self.refusal("arithmetic with an array that has no such mask")
        return value

    def _changed(self, array: Handle) -> Selection:
        return Selection(array, self.mask)

    def of(self, mask: Handle) -> Handle:
        """Return the whole array. Raises where its mask is another one."""
        if self.mask.node is not mask.node:
            raise self.refusal("arithmetic between what two masks mark")
        return self.array

    def filled(self, value: float) -> Handle:
        """Return the whole array, with a value in the place of what is left out."""
        spread = reshape(self.mask, (*self.mask.sizes, *(1,) * len(self.inner)))
        return np.where(spread, self.array, value)  # type: ignore[return-value]

    def reduced(
        self, function: Callable, neutral: float, axis: Any, keepdims: bool
    ) -> Any:
        """Return a reduction along axes, in which what is left out is neutral."""
        axes, behind = axes_of(axis, self.ndim), self.mask.ndim - 1
        inner = tuple(one + behind for one in axes if one)
        if axes and axes[0] > 0:
            return self._changed(function(self.array, axis=inner, keepdims=keepdims))
        whole = (*range(self.mask.ndim), *inner)
        result = function(self.filled(neutral), axis=whole)
        return expand_dims(result, axes) if keepdims else result


def product_of(sizes: tuple) -> Any:
    """Return the product of sizes as the user's code sees them."""
    total: Any = 1
    for one in sizes:
        total = total * one
    return total


# Reductions.


def _sum(x: Selection, axis: Any = None, *, keepdims: bool = False) -> Any:
    return x.reduced(np.sum, 0, axis, keepdims)


def _prod(x: Selection, axis: Any = None, *, keepdims: bool = False) -> Any:
    return x.reduced(np.prod, 1, axis, keepdims)


def _max(x: Selection, axis: Any = None, *, keepdims: bool = False) -> Any:
    return x.reduced(np.max, _extreme(x, -1), axis, keepdims)


def _min(x: Selection, axis: Any = None, *, keepdims: bool = False) -> Any:
    return x.reduced(np.min, _extreme(x, 1), axis, keepdims)


def _any(x: Selection, axis: Any = None, *, keepdims: bool = False) -> Any:
    return x.reduced(np.any, False, axis, keepdims)


def _all(x: Selection, axis: Any = None, *, keepdims: bool = False) -> Any:
    return x.reduced(np.all, True, axis, keepdims)


def _count_nonzero(x: Selection, axis: Any = None, *, keepdims: bool = False) -> Any:
    return x.reduced(np.count_nonzero, 0, axis, keepdims)


def _extreme(x: Selection, sign: int) -> float:
    """Return what is beyond every number of the array's dtype, or the last of them."""
    if is_floating(dtype_of(x.array)):
        return sign * np.inf
    limits = np.iinfo(np.int64)
    return limits.max if sign > 0 else limits.min


def _mean(
    x: Selection, axis: Any = None, *, ddof: Any = 0, keepdims: bool = False
) -> Any:
    axes = axes_of(axis, x.ndim)
    count = product_of(tuple(x.shape[one] for one in axes))
    return _sum(x, axis, keepdims=keepdims) / (count - ddof if ddof else count)


def _var(
    x: Selection, axis: Any = None, *, ddof: Any = 0, keepdims: bool = False
) -> Any:
    mean = _mean(x, axis, keepdims=axis is not None)
    if isinstance(mean, Handle) and mean.ndim == x.ndim:
        mean = mean[0]  # broadcast along what the mask marks
    return _mean((x - mean) ** 2, axis, ddof=ddof, keepdims=keepdims)


def _std(
    x: Selection, axis: Any = None, *, ddof: Any = 0, keepdims: bool = False
) -> Any:
    return np.sqrt(_var(x, axis, ddof=ddof, keepdims=keepdims))


def _norm(x: Selection, ord: Any = None, axis: Any = None) -> Any:
    if axis is not None and axis_of(axis, x.ndim) > 0:
        behind = axis_of(axis, x.ndim) + x.mask.ndim - 1
        return Selection(np.linalg.norm(x.array, ord, behind), x.mask)
    if axis is not None or (ord is not None and x.ndim > 1):
        raise x.refusal("np.linalg.norm with an axis or a matrix norm")
    return np.linalg.norm(ravel(x.filled(0)), ord)


def _matmul(a: Any, b: Any) -> Any:
    """A product along the last axis, or of two arrays of one mask."""
    if isinstance(a, Selection) and isinstance(b, Selection):
        if a.ndim == b.ndim == 1:
            return _sum(a * b)
        raise a.refusal("a product of what computed masks mark")
    if isinstance(a, Selection) and a.ndim > 1 and handle_of(b).ndim <= 2:
        return Selection(a.array @ b, a.mask)
    raise (a if isinstance(a, Selection) else b).refusal(
        "a product over what a computed mask marks"
    )


_FUNCTIONS: dict[Callable, Callable] = {
    **{np.sum: _sum, np.prod: _prod, np.max: _max, np.min: _min, np.any: _any},
    **{np.all: _all, np.count_nonzero: _count_nonzero, np.mean: _mean, np.var: _var},
    **{np.average: _mean, np.std: _std, np.linalg.norm: _norm, np.dot: _matmul},
    **{np.vdot: _matmul, np.size: lambda x: x.size, np.shape: lambda x: x.shape},
    **{np.ndim: lambda x: x.ndim, np.copy: lambda x: Selection(x.array, x.mask)},
}
_REDUCED_BY: dict[np.ufunc, Callable] = {
    **{np.add: _sum, np.multiply: _prod, np.maximum: _max, np.minimum: _min},
    **{np.logical_and: _all, np.logical_or: _any},
}
_METHODS: dict[str, Callable] = {
    **{"sum": _sum, "prod": _prod, "max": _max, "min": _min, "any": _any, "all": _all},
    **{"mean": _mean, "var": _var, "std": _std, "dot": _matmul, "copy": np.copy},
    **{"clip": np.clip, "round": np.round},
    "astype": lambda x, dtype: Selection(x.array.astype(dtype), x.mask),
}
