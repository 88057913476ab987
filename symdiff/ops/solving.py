"""Rows of linear systems: solve, inverse, determinant, pseudo-inverse, least squares.

Over the last two axes, batched as in NumPy. Derivatives: Giles (2008), "An extended
collection of matrix derivative results"; Golub & Pereyra (1973), "The differentiation
of pseudo-inverses". Least squares and pseudo-inverses keep their rank.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import sympy

from ..code import Code, Level, Writer, call, wrap
from ..errors import ShapeError
from ..graph import ArrayNode, Nodes
from ..shapes import Shape, broadcast, is_floating, promote, show, smallest
from .contraction import outer
from .corners import Corner
from .elementwise import cast, dtype_of
from .handle import Handle, handle_of, traced_size
from .layout import swapaxes
from .moving import made
from .table import reached_by, row

__all__ = [
    "Det",
    "Inv",
    "LeastSquares",
    "PInv",
    "SlogDet",
    "Solve",
    "matrices",
    "operand_of",
    "part",
    "same_as_operand",
    "solve",
    "transposed",
    "whole",
]


class Solve(ArrayNode):
    """The x of a @ x == b."""


class Inv(ArrayNode):
    """The inverse."""


class Det(ArrayNode):
    """The determinant."""


class SlogDet(ArrayNode):
    """The sign and the logarithm of the determinant, together."""


class Sign(ArrayNode):
    """The sign of a determinant."""


class LogAbsDet(ArrayNode):
    """The logarithm of a determinant's absolute value."""


class PInv(ArrayNode):
    """The pseudo-inverse; params: rcond."""


class LeastSquares(ArrayNode):
    """The shortest x for which a @ x is nearest to b."""


# Matrices.


def matrices(x: Any, name: str, *, square: bool = False) -> Handle:
    """Return an array of real matrices. Raises `ShapeError` where it is none."""
    x = handle_of(x)
    if x.ndim < 2:
        raise ShapeError(f"{name} of an array of shape {show(x.sizes)}, no matrix")
    if square and not x.nodes.same_size(*x.sizes[-2:]):
        raise ShapeError(f"{name}: matrices of shape {show(x.sizes)} are not square")
    return real(x)


def real(x: Handle) -> Handle:
    """Return an array of integers as one of real numbers, others as they are."""
    return x if is_floating(dtype_of(x)) else cast(x, x.nodes.float_dtype)


def transposed(x: Handle) -> Handle:
    """Return matrices transposed."""
    return swapaxes(x, -1, -2)


def same_as_operand(nodes: Nodes, x: sympy.Expr, *params: Any) -> tuple[Shape, str]:
    """Return the shape and dtype of x: a shape rule."""
    return nodes.shape(x), nodes.dtype(x)


# What NumPy gives as a tuple is one node, its members are parts of it. The whole stands
# for its operand: a part's rule gives the operand's cotangent, the whole hands it on.


def whole(cls: type, name: str, option: str = "") -> None:
    """Add the row of a function of matrices whose result is a tuple."""

    def write(writer: Writer, node: Any, x: Code) -> Code:
        return call(writer.function(name), x, *([option] if option else []))

    vjp = (lambda g, y, x: g,)
    row(cls, kind="array", shape=same_as_operand, write=write, vjp=vjp)


def part(
    cls: type,
    member: str,
    shape: Any,
    vjp: Any = None,
    corner: Corner | None = None,
) -> None:
    """Add the row of a member of a tuple; `shape` is a function of the operand's."""

    def write(writer: Writer, node: Any, x: Code) -> Code:
        return Code(f"{wrap(x, Level.ATOM)}.{member}")

    row(
        cls,
        kind="view",
        shape=lambda nodes, x: (shape(nodes.shape(x)), nodes.dtype(x)),
        write=write,
        vjp=None if vjp is None else (vjp,),
        corner=corner,
    )


def operand_of(x: Handle) -> Handle:
    """Return the operand of a tuple's node."""
    return Handle(x.nodes, x.nodes[x.node].operands[0])


# Solve.


def _solve_shape(nodes: Nodes, a: sympy.Expr, b: sympy.Expr) -> tuple[Shape, str]:
    first, second = nodes.shape(a), nodes.shape(b)
    if not nodes.same_size(first[-1], second[-2:][0]):
        raise ShapeError(
            f"np.linalg.solve: {show(first)} and {show(second)} do not fit together"
        )
    dtype = promote([nodes.dtype(a), nodes.dtype(b)], nodes.float_dtype)
    if len(second) == 1:
        return second, dtype
    batch = broadcast([first[:-2], second[:-2]], nodes.same_size)
    return (*batch, *second[-2:]), dtype


def solve(a: Any, b: Any) -> Handle:
    """The x of a @ x == b, for a vector b or for each column of b."""
    a, b = matrices(a, "np.linalg.solve", square=True), real(handle_of(b))
    if not b.sizes:
        raise ShapeError("np.linalg.solve: the right side is a scalar")
    if b.ndim == 1 and a.ndim > 2:
        return solve(a, b[:, None])[..., 0]
    return Handle(a.nodes, a.nodes.make(Solve, a.node, b.node))


reached_by(np.linalg.solve)(solve)


def _solve_slope(g: Handle, y: Handle, a: Handle, b: Handle) -> Handle:
    d_b = solve(transposed(a), g)
    return -times_transposed(d_b, y)


def times_transposed(a: Handle, b: Handle) -> Handle:
    """Return a @ b.T; of vectors the outer product."""
    return outer(a, b) if a.ndim == 1 else a @ transposed(b)


row(
    Solve,
    kind="array",
    shape=_solve_shape,
    write="np.linalg.solve",
    # Giles (2008), section 2.3.1.
    vjp=(_solve_slope, lambda g, y, a, b: solve(transposed(a), g)),
    latex="{0}^{{-1}} {1}",
)


# Inverse and determinant.


def _inv_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    """Giles (2008), section 2.2.3."""
    return -(transposed(y) @ g @ transposed(y))


def _det_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    """Giles (2008), section 2.2.4."""
    return (g * y)[..., None, None] * transposed(inv(x))


def _logdet_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    """Giles (2008), section 2.2.4, divided by the determinant."""
    return g[..., None, None] * transposed(inv(operand_of(x)))


row(
    Inv,
    kind="array",
    shape=same_as_operand,
    write="np.linalg.inv",
    vjp=(_inv_vjp,),
    latex="{0}^{{-1}}",
)
row(
    Det,
    kind="array",
    shape=lambda nodes, x: (nodes.shape(x)[:-2], nodes.dtype(x)),
    write="np.linalg.det",
    vjp=(_det_vjp,),
    latex=r"\det {0}",
)
whole(SlogDet, "np.linalg.slogdet")
part(Sign, "sign", lambda shape: shape[:-2])
part(LogAbsDet, "logabsdet", lambda shape: shape[:-2], _logdet_vjp)


@reached_by(np.linalg.inv)
def inv(a: Any) -> Handle:
    """The inverse."""
    return made(Inv, matrices(a, "np.linalg.inv", square=True))


@reached_by(np.linalg.det)
def det(a: Any) -> Handle:
    """The determinant."""
    return made(Det, matrices(a, "np.linalg.det", square=True))


class SlogDetResult(NamedTuple):
    """The sign and the logarithm of a determinant."""

    sign: Handle
    logabsdet: Handle


@reached_by(np.linalg.slogdet)
def slogdet(a: Any) -> SlogDetResult:
    """The sign of the determinant and the logarithm of its absolute value."""
    both = made(SlogDet, matrices(a, "np.linalg.slogdet", square=True))
    return SlogDetResult(made(Sign, both), made(LogAbsDet, both))


# Pseudo-inverse and least squares.


def _pinv_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    """Golub & Pereyra (1973), equation 4.12, transposed."""
    p, g = transposed(y), transposed(g)
    inside = p @ transposed(g) @ p
    outside = (g - x @ (y @ g)) @ y @ p + p @ y @ (g - (g @ y) @ x)
    return outside - inside


def _write_pinv(writer: Writer, node: Any, x: Code) -> Code:
    rcond = node.params[0]
    options = [] if rcond is None else [f"rcond={writer.number(rcond).text}"]
    return call(writer.function("np.linalg.pinv"), x, *options)


row(
    PInv,
    kind="array",
    shape=lambda nodes, x, rcond: (
        (*nodes.shape(x)[:-2], *nodes.shape(x)[:-3:-1]),
        nodes.dtype(x),
    ),
    write=_write_pinv,
    vjp=(_pinv_vjp,),
    latex="{0}^{{+}}",
)


@reached_by(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None) -> Handle:
    """The pseudo-inverse."""
    return made(PInv, matrices(a, "np.linalg.pinv"), rcond)


def _least_squares_shape(
    nodes: Nodes, a: sympy.Expr, b: sympy.Expr
) -> tuple[Shape, str]:
    first, second = nodes.shape(a), nodes.shape(b)
    if len(first) != 2 or not nodes.same_size(first[0], second[0]):
        raise ShapeError(
            f"np.linalg.lstsq: {show(first)} and {show(second)} do not fit together"
        )
    dtype = promote([nodes.dtype(a), nodes.dtype(b)], nodes.float_dtype)
    return (first[1], *second[1:]), dtype


def _least_squares_vjp(
    g: Handle, y: Handle, x: tuple[Handle, ...], needed: tuple[bool, ...]
) -> tuple:
    """Golub & Pereyra (1973), equation 4.12, for a product of pseudo-inverse and b."""
    a, b = x
    p = pinv(a)
    d_b = transposed(p) @ g
    if not needed[0]:
        return None, d_b
    residual, shorter = b - a @ y, g - p @ (a @ g)
    d_a = times_transposed(residual, p @ d_b) - times_transposed(d_b, y)
    d_a = d_a + times_transposed(transposed(p) @ y, shorter)
    return d_a, d_b if needed[1] else None


row(
    LeastSquares,
    kind="array",
    shape=_least_squares_shape,
    write=lambda writer, node, a, b: Code(
        f"{call(writer.function('np.linalg.lstsq'), a, b).text}[0]"
    ),
    vjp=_least_squares_vjp,
)


@reached_by(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: None = None) -> tuple:
    """The nearest solution, squares of residuals, the full rank, singular values."""
    a, b = matrices(a, "np.linalg.lstsq"), real(handle_of(b))
    x = Handle(a.nodes, a.nodes.make(LeastSquares, a.node, b.node))
    squares = np.atleast_1d(np.sum((b - a @ x) ** 2, axis=0))
    rank = traced_size(a.nodes, smallest(*a.sizes))
    return x, squares, rank, np.linalg.svdvals(a)
