"""Rows of products beside the contraction: Kronecker, cross, convolution; powers.

Convolutions of one axis, of all modes; sizes may be unknown. Refused: cross products of
other vectors than of three or of two components.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer, call
from ..errors import ShapeError
from ..graph import ArrayNode, Nodes
from ..shapes import Shape, Size, largest, promote, show, size, smallest
from .contraction import contract, einsum, matmul, outer, tensordot
from .elementwise import converted, dtype_of, same_rule
from .handle import Handle, handle_of
from .layout import broadcast_to, matrix_transpose, moveaxis, reshape
from .making import eye
from .moving import flip
from .padding import padded
from .products import Indices
from .table import reached_by, row

__all__ = ["Convolve", "Correlate", "Cross", "Kron"]


class Kron(ArrayNode):
    """Blocks of b times each element of a."""


class Cross(ArrayNode):
    """The cross product of vectors of three, along the last axis."""


class Convolve(ArrayNode):
    """Sums of products of a and b backwards, moved against each other; params: mode."""


class Correlate(ArrayNode):
    """The sums of products of b and as many elements of a, at each place of a."""


def _joined(cls: type, a: Handle, b: Handle, *params: Any) -> Handle:
    """Return the node of a class over two arrays of one dtype."""
    nodes = a.nodes
    dtype = promote([dtype_of(a), dtype_of(b)], nodes.float_dtype)
    operands = converted(nodes, [a.node, b.node], dtype)
    return Handle(nodes, nodes.make(cls, *operands, params=params))


# The Kronecker product.


def _kron_shape(nodes: Nodes, a: sympy.Expr, b: sympy.Expr) -> tuple[Shape, str]:
    rank = max(len(nodes.shape(a)), len(nodes.shape(b)))
    first, second = (_with_ones(nodes.shape(one), rank) for one in (a, b))
    dtype = promote([nodes.dtype(a), nodes.dtype(b)], nodes.float_dtype)
    return tuple(size(m * n) for m, n in zip(first, second, strict=True)), dtype


def _with_ones(shape: Shape, rank: int) -> Shape:
    return (1,) * (rank - len(shape)) + shape


def _kron_vjp(
    g: Handle, y: Handle, x: tuple[Handle, ...], needed: tuple[bool, ...]
) -> tuple:
    """Each one's cotangent: the other summed with the blocks, or their places."""
    rank = y.ndim
    whole = [reshape(one, _with_ones(one.sizes, rank)) for one in x]
    pairs = zip(whole[0].sizes, whole[1].sizes, strict=True)
    blocks = reshape(g, tuple(one for pair in pairs for one in pair))
    indices = [tuple(range(0, 2 * rank, 2)), tuple(range(1, 2 * rank, 2))]
    every = tuple(range(2 * rank))
    cotangents: list[Handle | None] = [None, None]
    for own, other in ((0, 1), (1, 0)):
        if needed[own]:
            both = contract(
                (blocks, whole[other]), (every, indices[other]), indices[own]
            )
            cotangents[own] = reshape(both, x[own].sizes)
    return tuple(cotangents)


row(Kron, kind="contraction", shape=_kron_shape, write="np.kron", vjp=_kron_vjp)


@reached_by(np.kron)
def kron(a: Any, b: Any) -> Handle:
    """The Kronecker product: blocks of b times each element of a."""
    a, b = handle_of(a), handle_of(b)
    return _joined(Kron, a, b) if a.sizes and b.sizes else a * b


# The cross product.


row(
    Cross,
    kind="contraction",
    shape=same_rule,
    write="np.cross",
    vjp=(lambda g, y, a, b: np.cross(b, g), lambda g, y, a, b: np.cross(g, a)),
)


@reached_by(np.cross)
def cross(
    a: Any,
    b: Any,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Handle:
    """The cross product of vectors of three; of two the one component that is not 0."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = moveaxis(a, axisa, -1), moveaxis(b, axisb, -1)
    lengths = a.sizes[-1], b.sizes[-1]
    if lengths == (2, 2):
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    a, b = (_spatial(one) if set(lengths) == {2, 3} else one for one in (a, b))
    if (a.sizes[-1], b.sizes[-1]) != (3, 3):
        shapes = f"{show(a.sizes)} and {show(b.sizes)}"
        raise ShapeError(f"np.cross of vectors in arrays of shapes {shapes}")
    return moveaxis(_joined(Cross, a, b), -1, axisc)


def _spatial(vectors: Handle) -> Handle:
    """Return vectors of three: those of two lie in a plane."""
    missing = 3 - vectors.sizes[-1]
    return padded(vectors, (*((0, 0),) * (vectors.ndim - 1), (0, missing)))


@reached_by(np.linalg.cross)
def linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Handle:
    """The cross product of vectors of three."""
    return cross(x1, x2, axis=axis)


# Vectors and matrices over the last axes.


@reached_by(np.vecdot, np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Handle:
    """The products of vectors along an axis."""
    return einsum("...i,...i->...", moveaxis(x1, axis, -1), moveaxis(x2, axis, -1))


@reached_by(np.matvec)
def matvec(x1: Any, x2: Any, /) -> Handle:
    """The products of matrices with vectors."""
    return einsum("...ij,...j->...i", x1, x2)


@reached_by(np.vecmat)
def vecmat(x1: Any, x2: Any, /) -> Handle:
    """The products of vectors with matrices."""
    return einsum("...i,...ij->...j", x1, x2)


reached_by(np.linalg.matmul)(matmul)
reached_by(np.linalg.matrix_transpose)(matrix_transpose)
reached_by(np.linalg.outer)(outer)
reached_by(np.linalg.tensordot)(tensordot)


# Chains and powers of matrices.


@reached_by(np.linalg.multi_dot)
def multi_dot(arrays: Sequence, *, out: None = None) -> Handle:
    """The product of matrices, the first and the last of which may be vectors."""
    parts = [handle_of(one) for one in arrays]
    if len(parts) < 2:
        raise ShapeError("np.linalg.multi_dot: two matrices at least")
    for place, one in enumerate(parts):
        inner = 0 < place < len(parts) - 1
        if one.ndim != 2 and (inner or one.ndim != 1):
            raise ShapeError(f"np.linalg.multi_dot of an array of {show(one.sizes)}")
    inputs: list[Indices] = [(i, i + 1) for i in range(len(parts))]
    inputs[0] = inputs[0][-parts[0].ndim :]
    inputs[-1] = inputs[-1][: parts[-1].ndim]
    ends = (0,) * (parts[0].ndim - 1) + (len(parts),) * (parts[-1].ndim - 1)
    return contract(parts, inputs, ends)


@reached_by(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Handle:
    """The product of a square matrix with itself, by repeated squaring."""
    a = handle_of(a)
    if n < 0:
        a, n = np.linalg.inv(a), -n
    if n == 0:
        return broadcast_to(eye(a.sizes[-1], dtype=a.dtype), a.sizes)
    result = a if n % 2 else None
    while n := n // 2:
        a = a @ a
        if n % 2:
            result = a if result is None else result @ a
    assert result is not None
    return result


# Convolution and correlation.


def _convolve_shape(
    nodes: Nodes, a: sympy.Expr, b: sympy.Expr, mode: str
) -> tuple[Shape, str]:
    (first,), (second,) = nodes.shape(a), nodes.shape(b)
    dtype = promote([nodes.dtype(a), nodes.dtype(b)], nodes.float_dtype)
    start, stop = _bounds(first, second, mode)
    return (size(stop - start),), dtype


def _bounds(
    first: Size, second: Size, mode: str, turned: Size = 0
) -> tuple[Size, Size]:
    """Return which part of the full convolution a mode gives."""
    short, long = smallest(first, second), largest(first, second)
    if mode == "full":
        return 0, size(first + second - 1)
    if mode == "valid":
        return size(short - 1), long
    if mode == "same":
        start = size((sympy.sympify(short) - 1 + turned) // 2)
        return start, size(start + long)
    raise ShapeError(f"the mode is full, same or valid, not {mode!r}")


def _write_convolve(writer: Writer, node: Any, a: Code, b: Code) -> Code:
    mode = node.params[0]
    options = [] if mode == "full" else [f'mode="{mode}"']
    return call(writer.function("np.convolve"), a, b, *options)


def _convolve_vjp(
    g: Handle, y: Handle, x: tuple[Handle, ...], needed: tuple[bool, ...]
) -> tuple:
    """Each one's cotangent: that of the full convolution with the other, correlated."""
    (first,), (second,) = x[0].sizes, x[1].sizes
    start, stop = _bounds(first, second, y.node.params[0])
    total = size(first + second - 1)
    whole = padded(g, ((start, size(total - stop)),))
    return tuple(
        _joined(Correlate, whole, other) if wanted else None
        for wanted, other in zip(needed, (x[1], x[0]), strict=True)
    )


def _correlate_shape(nodes: Nodes, a: sympy.Expr, b: sympy.Expr) -> tuple[Shape, str]:
    (first,), (second,) = nodes.shape(a), nodes.shape(b)
    dtype = promote([nodes.dtype(a), nodes.dtype(b)], nodes.float_dtype)
    return (size(first - second + 1),), dtype


row(
    Convolve,
    kind="contraction",
    shape=_convolve_shape,
    write=_write_convolve,
    vjp=_convolve_vjp,
)
row(
    Correlate,
    kind="contraction",
    shape=_correlate_shape,
    write="np.correlate",
    vjp=(
        lambda g, y, a, b: _joined(Convolve, g, b, "full"),
        lambda g, y, a, b: _joined(Correlate, a, g),
    ),
)


@reached_by(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Handle:
    """The convolution of two vectors."""
    return _joined(Convolve, _vector(a), _vector(v), mode)


@reached_by(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Handle:
    """The correlation of two vectors."""
    a, v = _vector(a), _vector(v)
    (first,), (second,) = a.sizes, v.sizes
    longer = isinstance(first, int) and isinstance(second, int) and first >= second
    if mode == "valid" and longer:
        return _joined(Correlate, a, v)
    if mode != "same" or longer:
        return convolve(a, flip(v), mode)
    # NumPy turns the arrays around where the second is longer.
    turned = smallest(1, largest(0, size(second - first)))
    return convolve(a, flip(v))[slice(*_bounds(first, second, mode, turned))]


def _vector(x: Any) -> Handle:
    x = handle_of(x)
    if x.ndim > 1 or 0 in x.sizes:
        raise ShapeError(f"an array of shape {show(x.sizes)} cannot be convolved")
    return x if x.sizes else reshape(x, (1,))
