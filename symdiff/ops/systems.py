"""Systems and conditions by composition: `tensorsolve`, `tensorinv`, `cond`,
`matrix_rank`.

A few lines of NumPy on handles. A rank jumps, and has no gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..shapes import axis_of, largest, product
from .handle import Handle, handle_of
from .layout import moveaxis, reshape
from .solving import matrices
from .table import reached_by

__all__: list[str] = []


@reached_by(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """The x of tensordot(a, x, x.ndim) == b."""
    a, b = handle_of(a), handle_of(b)
    if axes is not None:
        moved = [axis_of(one, a.ndim) for one in axes]
        a = moveaxis(a, moved, range(a.ndim - len(moved), a.ndim))
    shape = a.sizes[b.ndim :]
    square = reshape(a, (-1, product(shape)))
    return reshape(np.linalg.solve(square, np.ravel(b)), shape)


@reached_by(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse of tensordot(a, ., ind)."""
    a = handle_of(a)
    if ind <= 0:
        raise ShapeError("np.linalg.tensorinv: ind must be positive")
    first, second = a.sizes[:ind], a.sizes[ind:]
    square = reshape(a, (product(first), product(second)))
    return reshape(np.linalg.inv(square), (*second, *first))


@reached_by(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """The condition number: the norm times that of the inverse."""
    x = matrices(x, "np.linalg.cond")
    if p in (None, 2, -2):
        values = np.linalg.svd(x, compute_uv=False)
        largest, smallest = values[..., 0], values[..., -1]
        return smallest / largest if p == -2 else largest / smallest
    inverse = np.linalg.norm(np.linalg.inv(x), p, axis=(-2, -1))
    return np.linalg.norm(x, p, axis=(-2, -1)) * inverse


@reached_by(np.linalg.matrix_rank)
def matrix_rank(A: Any, tol: Any = None) -> Any:  # noqa: N803 - NumPy's name
    """The number of singular values above a tolerance."""
    a = matrices(A, "np.linalg.matrix_rank")
    values = np.linalg.svd(a, compute_uv=False)
    if tol is None:
        longest = Handle(a.nodes, a.nodes.size(largest(*a.sizes[-2:])))
        unit = float(np.finfo(a.dtype).eps)
        tol = np.max(values, axis=-1, keepdims=True) * longest * unit
    return np.sum(values > tol, axis=-1)
