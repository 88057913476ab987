"""Averages, ranges, covariances, and the reductions that pass NaN over.

All are a few lines of NumPy on handles.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..shapes import Size, axes_of, axis_of, largest, show
from .elementwise import apply
from .functions import Root
from .handle import Handle, handle_of
from .joining import concatenate
from .layout import broadcast_to, reshape, squeeze, transpose
from .options import reduction
from .reductions import mean
from .table import reached_by

__all__ = ["average", "cov", "nanmax", "nanmean", "nanmin"]


@reduction(np.ptp)
def ptp(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The largest element less the smallest."""
    largest = np.max(a, axis=axis, keepdims=keepdims)
    return largest - np.min(a, axis=axis, keepdims=keepdims)


@reached_by(np.average)
def average(
    a: Any,
    axis: Any = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
) -> Any:
    """The weighted mean of all elements or over axes; also the weights' sum."""
    a = handle_of(a)
    if weights is None:
        result, total = mean(a, axis, keepdims=keepdims), handle_of(1.0)
        for i in axes_of(axis, a.ndim):
            total = total * Handle(a.nodes, a.nodes.size(a.sizes[i]))
    else:
        aligned = _aligned_weights(a, axis, handle_of(weights))
        total = np.sum(aligned, axis=axis, keepdims=keepdims)
        result = np.sum(a * aligned, axis=axis, keepdims=keepdims) / total
    return (result, broadcast_to(total, result.sizes)) if returned else result


def _aligned_weights(a: Handle, axis: Any, weights: Handle) -> Handle:
    """Return weights, which may be those along the axes only, with all axes of a."""
    if weights.sizes == a.sizes:
        return weights
    given = axis if isinstance(axis, tuple) else (axis,)
    axes = [] if axis is None else [axis_of(one, a.ndim) for one in given]
    fits = len(axes) == weights.ndim and all(
        a.nodes.same_size(a.sizes[i], one)
        for i, one in zip(axes, weights.sizes, strict=True)
    )
    if not fits:
        raise ShapeError(
            f"weights of shape {show(weights.sizes)} do not fit an average over axis "
            f"{axis} of an array of shape {show(a.sizes)}"
        )
    ordered = transpose(weights, [axes.index(one) for one in sorted(axes)])
    shape: list[Size] = [1] * a.ndim
    for i in axes:
        shape[i] = a.sizes[i]
    return reshape(ordered, tuple(shape))


@reached_by(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
) -> Any:
    """The covariances of rows, or of columns."""
    x = _variables(m, rowvar)
    if y is not None:
        x = concatenate((x, _variables(y, rowvar)))
    less = (0 if bias else 1) if ddof is None else ddof
    given = [handle_of(one) for one in (fweights, aweights) if one is not None]
    if not given:
        centered = x - mean(x, 1, keepdims=True)
        freedom = Handle(x.nodes, x.nodes.size(largest(x.sizes[1] - less, 0)))
        return squeeze(centered @ centered.T / freedom)
    weights = given[0] if len(given) == 1 else given[0] * given[1]
    centered = x - average(x, 1, weights, keepdims=True)
    total = np.sum(weights)
    if aweights is not None and less:
        less = less * np.sum(weights * aweights) / total
    return squeeze(centered @ (centered * weights).T / (total - less))


def _variables(m: Any, rowvar: bool) -> Handle:
    m = handle_of(m)
    if m.ndim < 2:
        return reshape(m, (1, -1))
    return m if rowvar else m.T


@reached_by(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    """The correlations of rows, or of columns."""
    covariances = cov(x, y, rowvar)
    if not covariances.sizes:
        return covariances / covariances
    deviations = np.sqrt(np.diagonal(covariances))
    return covariances / deviations[:, None] / deviations[None, :]


# Passing NaN over.


def _without_nan(x: Any, value: float) -> Any:
    """Return x with a number in the place of NaN."""
    x = handle_of(x)
    return np.where(np.isnan(x), value, x)


@reduction(np.nansum, unnoticed=0, joined=np.add)
def nansum(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The sum of what is not NaN."""
    return np.sum(_without_nan(a, 0), axis=axis, keepdims=keepdims)


@reduction(np.nanprod, unnoticed=1, joined=np.multiply)
def nanprod(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The product of what is not NaN."""
    return np.prod(_without_nan(a, 1), axis=axis, keepdims=keepdims)


@reduction(np.nancumsum)
def nancumsum(a: Any, axis: Any = None) -> Any:
    """Sums of what is not NaN up to each element."""
    return np.cumsum(_without_nan(a, 0), axis=axis)


@reduction(np.nancumprod)
def nancumprod(a: Any, axis: Any = None) -> Any:
    """Products of what is not NaN up to each element."""
    return np.cumprod(_without_nan(a, 1), axis=axis)


def _count(x: Handle, axis: Any, keepdims: bool) -> Any:
    return np.sum(~np.isnan(x), axis=axis, keepdims=keepdims)


@reduction(np.nanmean, unnoticed=np.nan)
def nanmean(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The mean of what is not NaN."""
    a = handle_of(a)
    return nansum(a, axis, keepdims=keepdims) / _count(a, axis, keepdims)


@reduction(np.nanvar, unnoticed=np.nan)
def nanvar(
    a: Any,
    axis: Any = None,
    *,
    ddof: float = 0,
    correction: float | None = None,
    keepdims: bool = False,
    mean: Any = None,
) -> Any:
    """The variance of what is not NaN; NaN where there is not enough of it."""
    a, ddof = handle_of(a), ddof if correction is None else correction
    mean = nanmean(a, axis, keepdims=True) if mean is None else mean
    centered = _without_nan(a - mean, 0)
    squares = np.sum(centered**2, axis=axis, keepdims=keepdims)
    freedom = _count(a, axis, keepdims) - ddof
    return squares / np.where(freedom > 0, freedom, np.nan)


@reduction(np.nanstd, unnoticed=np.nan)
def nanstd(a: Any, axis: Any = None, **options: Any) -> Handle:
    """The root of the variance of what is not NaN; its slope at 0 is 0."""
    return apply(Root, nanvar(a, axis=axis, **options))


def _nan_extremum(reduction: Callable, worst: float) -> Callable:
    def build(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
        a = handle_of(a)
        found = reduction(_without_nan(a, worst), axis=axis, keepdims=keepdims)
        nothing = np.all(np.isnan(a), axis=axis, keepdims=keepdims)
        return np.where(nothing, np.nan, found)

    return build


nanmax = reduction(np.nanmax, unnoticed=-np.inf, joined=np.fmax)(
    _nan_extremum(np.max, -np.inf)
)
nanmin = reduction(np.nanmin, unnoticed=np.inf, joined=np.fmin)(
    _nan_extremum(np.min, np.inf)
)
