"""Norms of vectors and matrices, by composition; their slope where they are 0 is 0.

Norms by singular values take them from `np.linalg.svd` on handles. Refused: orders that
NumPy refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ShapeError, UnsupportedError
from ..shapes import axis_of
from .elementwise import apply, cast, dtype_of
from .functions import Root
from .handle import Handle, handle_of
from .layout import expand_dims, moveaxis
from .table import reached_by

__all__ = ["norm"]


@reached_by(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norm of all elements, or of the vectors or matrices along one axis or two."""
    x = handle_of(x)
    if dtype_of(x) in ("bool", "int", "int64"):
        x = cast(x, x.nodes.float_dtype)
    if axis is None:
        if ord is None:
            return _euclidean(x, None, keepdims)
        axis = tuple(range(x.ndim))
    axes = [axis_of(one, x.ndim) for one in (axis if np.iterable(axis) else (axis,))]
    if len(axes) == 1:
        return _of_vectors(x, ord, axes[0], keepdims)
    if len(axes) != 2 or axes[0] == axes[1]:
        raise ShapeError(
            f"a norm is taken over one axis or two different ones, not {axis}"
        )
    return _of_matrices(x, ord, axes[0], axes[1], keepdims)


def _euclidean(x: Handle, axis: Any, keepdims: bool) -> Handle:
    return apply(Root, np.sum(x * x, axis=axis, keepdims=keepdims))


def _of_vectors(x: Handle, ord: Any, axis: int, keepdims: bool) -> Any:
    if ord is None or ord == 2:
        return _euclidean(x, axis, keepdims)
    if isinstance(ord, str):
        raise UnsupportedError(f"np.linalg.norm: no norm of vectors has ord={ord!r}")
    if ord == np.inf:
        return np.max(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == -np.inf:
        return np.min(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == 0:
        return cast(np.sum(x != 0, axis=axis, keepdims=keepdims), dtype_of(x))
    if ord == 1:
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    total = np.sum(np.abs(x) ** ord, axis=axis, keepdims=keepdims)
    if ord < 0:
        return total ** (1 / ord)
    # Where all is 0 the slope is cut off in front of the root's, which is infinite.
    return np.where(total == 0, 0, total ** (1 / ord))


def _of_matrices(x: Handle, ord: Any, row: int, column: int, keepdims: bool) -> Any:
    if ord is None or ord == "fro":
        return _euclidean(x, (row, column), keepdims)
    if ord in (1, -1, np.inf, -np.inf):
        along, across = (row, column) if abs(ord) == 1 else (column, row)
        sums = np.sum(np.abs(x), axis=along, keepdims=True)
        reduction = np.max if ord > 0 else np.min
        found = reduction(sums, axis=across, keepdims=True)
    elif ord in (2, -2, "nuc"):
        values = np.linalg.svd(moveaxis(x, (row, column), (-2, -1)), compute_uv=False)
        of_values: dict[Any, Callable] = {2: np.max, -2: np.min, "nuc": np.sum}
        found = of_values[ord](values, axis=-1)
        axes = tuple(sorted((row, column)))
        return expand_dims(found, axes) if keepdims else found
    else:
        raise UnsupportedError(f"np.linalg.norm: no norm of matrices has ord={ord!r}")
    return found if keepdims else np.squeeze(found, axis=(row, column))


@reached_by(np.linalg.vector_norm)
def vector_norm(
    x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2
) -> Any:
    """The norm of all elements as one vector, or over axes."""
    x = handle_of(x)
    if isinstance(axis, int):
        return norm(x, ord, axis, keepdims)
    axes = tuple(range(x.ndim)) if axis is None else tuple(axis)
    others = [one for i, one in enumerate(x.sizes) if i not in _places(axes, x.ndim)]
    moved = moveaxis(x, axes, tuple(range(len(axes))))
    found = norm(np.reshape(moved, (-1, *others)), ord, 0)
    return expand_dims(found, _places(axes, x.ndim)) if keepdims else found


def _places(axes: tuple, rank: int) -> tuple[int, ...]:
    return tuple(sorted(axis_of(one, rank) for one in axes))


@reached_by(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """The norm of the matrices in the last two axes."""
    return norm(x, ord, (-2, -1), keepdims)
