"""Rows of diagonals and triangles of matrices, over the last two axes.

`diag`, `diagonal`, `diagflat`, `trace`, `tril` and `triu`. Sizes may be unknown; which
diagonal must be known, and be one that the matrix has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer, call
from ..errors import ShapeError
from ..graph import ArrayNode, Nodes
from ..shapes import Shape, Size, axis_of, show, size, smallest
from .contraction import contract
from .elementwise import dtype_of
from .handle import Handle, handle_of, size_of
from .indexing import IndexAdd
from .keys import WHOLE
from .layout import broadcast_to, moveaxis, ravel
from .making import arange, eye, tri
from .moving import made
from .table import reached_by, row

__all__ = ["Diag", "Diagonal", "Tril", "Triu", "half_diagonal", "tril", "triu"]


class Tril(ArrayNode):
    """x, zero above a diagonal; params: which."""


class Triu(ArrayNode):
    """x, zero below a diagonal; params: which."""


class Diagonal(ArrayNode):
    """A diagonal of matrices; params: which."""


class Diag(ArrayNode):
    """A square matrix with a vector on a diagonal; params: which."""


# Triangles.


def _write_triangle(name: str) -> Callable[..., Code]:
    def write(writer: Writer, node: Any, x: Code) -> Code:
        return call(writer.function(name), x, *_which(writer, node))

    return write


def _which(writer: Writer, node: Any) -> list[str]:
    k = node.params[0]
    return [] if k == 0 else [f"k={writer.size(k).text}"]


def tril(m: Any, k: Any = 0) -> Handle:
    """The lower triangle: zero above a diagonal."""
    return made(Tril, _matrix(m), size_of(k))


def triu(m: Any, k: Any = 0) -> Handle:
    """The upper triangle: zero below a diagonal."""
    return made(Triu, _matrix(m), size_of(k))


def _matrix(m: Any) -> Handle:
    m = handle_of(m)
    return broadcast_to(m, m.sizes * 2) if m.ndim == 1 else m


for _cls, _numpy, _function in ((Tril, np.tril, tril), (Triu, np.triu, triu)):
    row(
        _cls,
        kind="elementwise",
        shape=lambda nodes, x, k: (nodes.shape(x), nodes.dtype(x)),
        write=_write_triangle(f"np.{_numpy.__name__}"),
        vjp=(lambda g, y, x, f=_function: f(g, y.node.params[0]),),
    )
    reached_by(_numpy)(_function)


def half_diagonal(x: Handle) -> Handle:
    """Return the lower triangle of matrices, its diagonal halved."""
    rows = x.sizes[-1]
    return x * (tri(rows) - eye(rows) / 2)


# Diagonals.


def _length(shape: Shape, k: int) -> Size:
    rows, columns = shape[-2:]
    rows, columns = (size(rows + k), columns) if k < 0 else (rows, size(columns - k))
    length = smallest(rows, columns)
    if isinstance(length, int) and length < 0:
        raise ShapeError(f"a matrix of shape {show(shape)} has no diagonal {k}")
    return length


def _diagonal_shape(nodes: Nodes, x: sympy.Expr, k: int) -> tuple[Shape, str]:
    shape = nodes.shape(x)
    return (*shape[:-2], _length(shape, k)), nodes.dtype(x)


def _write_diagonal(writer: Writer, node: Any, x: Code) -> Code:
    if len(writer.nodes.shape(node)) == 1:
        return call(writer.function("np.diag"), x, *_which(writer, node))
    offset = [f"offset={one[2:]}" for one in _which(writer, node)]
    axes = ("axis1=-2", "axis2=-1")
    return call(writer.function("np.diagonal"), x, *offset, *axes)


def _diagonal_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    """The cotangent on the diagonal of zeros."""
    k = y.node.params[0]
    if x.ndim == 2 and x.sizes[0] == x.sizes[1]:
        return made(Diag, g, k)
    length, nodes = g.sizes[-1], g.nodes
    first, second = max(-k, 0), max(k, 0)
    rows = arange(first, size(length + first))
    columns = arange(second, size(length + second))
    key = (*(WHOLE,) * (x.ndim - 2), ("array", 0), ("array", 1))
    params = (x.sizes, (key,), dtype_of(g))
    operands = (g.node, rows.node, columns.node)
    return Handle(nodes, nodes.make(IndexAdd, *operands, params=params))


def _diag_shape(nodes: Nodes, x: sympy.Expr, k: int) -> tuple[Shape, str]:
    (length,) = nodes.shape(x)
    rows = size(length + abs(k))
    return (rows, rows), nodes.dtype(x)


row(
    Diagonal,
    kind="view",
    shape=_diagonal_shape,
    write=_write_diagonal,
    vjp=(_diagonal_vjp,),
)
row(
    Diag,
    kind="array",
    shape=_diag_shape,
    write=_write_triangle("np.diag"),
    vjp=(lambda g, y, x: made(Diagonal, g, y.node.params[0]),),
)


@reached_by(np.diag)
def diag(v: Any, k: int = 0) -> Handle:
    """A diagonal of a matrix, or the matrix with a vector on a diagonal."""
    v = handle_of(v)
    if v.ndim not in (1, 2):
        raise ShapeError(f"np.diag of an array of shape {show(v.sizes)}")
    return made(Diag if v.ndim == 1 else Diagonal, v, k)


@reached_by(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Handle:
    """The matrix with all elements on a diagonal."""
    return diag(ravel(handle_of(v)), k)


@reached_by(np.diagonal, method="diagonal")
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Handle:
    """A diagonal of the matrices over two axes."""
    return made(Diagonal, _with_last(a, axis1, axis2), offset)


@reached_by(np.trace, method="trace")
def trace(
    a: Any,
    offset: int = 0,
    axis1: int = 0,
    axis2: int = 1,
    dtype: None = None,
    out: None = None,
) -> Handle:
    """The sum of a diagonal of the matrices over two axes."""
    a = _with_last(a, axis1, axis2)
    if offset or not a.nodes.same_size(*a.sizes[-2:]):
        return np.sum(made(Diagonal, a, offset), axis=-1)
    batch = tuple(range(1, a.ndim - 1))
    return contract((a,), ((*batch, 0, 0),), batch)


def _with_last(a: Any, axis1: int, axis2: int) -> Handle:
    """Return an array with two axes moved behind all others."""
    a = handle_of(a)
    axes = axis_of(axis1, a.ndim), axis_of(axis2, a.ndim)
    if axes[0] == axes[1]:
        raise ShapeError("a diagonal is one of two different axes")
    return moveaxis(a, axes, (-2, -1))


@reached_by(np.linalg.diagonal)
def matrix_diagonal(x: Any, /, *, offset: int = 0) -> Handle:
    """A diagonal of the matrices over the last two axes."""
    return diagonal(x, offset, -2, -1)


@reached_by(np.linalg.trace)
def matrix_trace(x: Any, /, *, offset: int = 0, dtype: None = None) -> Handle:
    """The sum of a diagonal of the matrices over the last two axes."""
    return trace(x, offset, -2, -1)
