"""Rows of `scipy.linalg`: triangular systems, systems of a factor, the exponential.

Used only by losses that use them; the functions that NumPy has too lead to its rows.
Derivatives: Giles (2008), "An extended collection of matrix derivative results"; Higham
(2008), "Functions of matrices". Triangular systems are of one matrix, not of a batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer, call
from ..errors import ShapeError, UnsupportedError
from ..graph import ArrayNode, Nodes
from ..shapes import Shape, promote, show
from .diagonals import tril, triu
from .factorised import cholesky, eigh, eigvalsh, qr, svd, svdvals
from .handle import Handle, handle_of
from .making import arange, zeros
from .moving import made
from .norms import norm
from .solving import (
    det,
    inv,
    lstsq,
    matrices,
    pinv,
    real,
    same_as_operand,
    solve,
    times_transposed,
    transposed,
)
from .splitting import block
from .table import row

__all__ = ["SCIPY_LINALG", "ChoSolve", "Expm", "SolveTriangular"]


class SolveTriangular(ArrayNode):
    """The x of a @ x == b for triangular a; params: lower, unit diagonal."""


class ChoSolve(ArrayNode):
    """The x of c @ c.T @ x == b, or of c.T @ c @ x == b; params: whether c is lower."""


class Expm(ArrayNode):
    """The exponential of matrices."""


def _system_shape(
    nodes: Nodes, a: sympy.Expr, b: sympy.Expr, *params: Any
) -> tuple[Shape, str]:
    first, second = nodes.shape(a), nodes.shape(b)
    if len(second) not in (1, 2) or not nodes.same_size(first[0], second[0]):
        raise ShapeError(f"a system of {show(first)} and {show(second)}")
    return second, promote([nodes.dtype(a), nodes.dtype(b)], nodes.float_dtype)


def _system(cls: type, a: Any, b: Any, *params: Any) -> Handle:
    a, b = matrices(a, "scipy.linalg", square=True), real(handle_of(b))
    if a.ndim > 2:
        raise UnsupportedError(
            "a batch of triangular systems", remedy="Write np.linalg.solve."
        )
    return Handle(a.nodes, a.nodes.make(cls, a.node, b.node, params=params))


# Triangular systems.


def solve_triangular(
    a: Any,
    b: Any,
    trans: int | str = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Handle:
    """The x of a @ x == b, of which one triangle is read."""
    a, lower = handle_of(a), bool(lower)
    if trans in (1, 2, "T", "C"):
        a, lower = transposed(a), not lower
    return _system(SolveTriangular, a, b, lower, bool(unit_diagonal))


def _write_triangular(writer: Writer, node: Any, a: Code, b: Code) -> Code:
    lower, unit = node.params
    options = ["lower=True"] * lower + ["unit_diagonal=True"] * unit
    return call(writer.function("scipy.linalg.solve_triangular"), a, b, *options)


def _triangular_vjp(
    g: Handle, y: Handle, x: tuple[Handle, ...], needed: tuple[bool, ...]
) -> tuple:
    """Giles (2008), section 2.3.1, in the triangle that is read."""
    lower, unit = y.node.params
    d_b = _system(SolveTriangular, transposed(x[0]), g, not lower, unit)
    if not needed[0]:
        return None, d_b
    both = -times_transposed(d_b, y)
    return tril(both, -unit) if lower else triu(both, int(unit)), d_b


# Systems whose Cholesky factor is known.


def cho_solve(
    c_and_lower: tuple, b: Any, overwrite_b: bool = False, check_finite: bool = True
) -> Handle:
    """The x of a @ x == b, from the Cholesky factor of a."""
    factor, lower = c_and_lower
    return _system(ChoSolve, factor, b, bool(lower))


def _write_cho_solve(writer: Writer, node: Any, c: Code, b: Code) -> Code:
    pair = f"({c.text}, {node.params[0]})"
    return call(writer.function("scipy.linalg.cho_solve"), pair, b)


def _cho_solve_vjp(
    g: Handle, y: Handle, x: tuple[Handle, ...], needed: tuple[bool, ...]
) -> tuple:
    """Giles (2008), section 2.3.1, and the product rule for c @ c.T."""
    factor, (lower,) = x[0], y.node.params
    d_b = _system(ChoSolve, factor, g, lower)
    if not needed[0]:
        return None, d_b
    both = times_transposed(d_b, y)
    both = both + transposed(both)
    if lower:
        return -tril(both @ tril(factor)), d_b
    return -triu(triu(factor) @ both), d_b


def scipy_cholesky(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Handle:
    """The upper or the lower triangular factor of a positive definite matrix."""
    return cholesky(a, upper=not lower)


def cho_factor(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> tuple[Handle, bool]:
    """The triangular factor, zero in the other triangle, and whether it is lower."""
    return cholesky(a, upper=not lower), lower


# The exponential.


def expm(A: Any) -> Handle:  # noqa: N803 - SciPy's name
    """The exponential of square matrices."""
    return made(Expm, matrices(A, "scipy.linalg.expm", square=True))


def _expm_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    """Higham (2008), equation 3.16: a block of a larger exponential."""
    rows, a = x.sizes[-1], transposed(x)
    blocks = block([[a, g], [np.zeros_like(g), a]])
    return expm(blocks)[..., :rows, rows:]


row(
    SolveTriangular,
    kind="array",
    shape=_system_shape,
    write=_write_triangular,
    vjp=_triangular_vjp,
)
row(
    ChoSolve,
    kind="array",
    shape=_system_shape,
    write=_write_cho_solve,
    vjp=_cho_solve_vjp,
)
row(
    Expm,
    kind="array",
    shape=same_as_operand,
    write="scipy.linalg.expm",
    vjp=(_expm_vjp,),
    latex="e^{{{0}}}",
)


# The functions of scipy.linalg by name, each with its function on handles.
def scipy_solve(a: Any, b: Any, *, assume_a: str | None = None) -> Handle:
    """The x of a @ x == b; what is known of a matrix does not change it."""
    return solve(a, b)


def scipy_qr(a: Any, *, mode: str = "full") -> Any:
    """The orthogonal and the triangular factor of a tall matrix."""
    if mode not in ("economic", "r"):
        raise UnsupportedError(
            f"scipy.linalg.qr with mode {mode!r}", remedy='Write mode="economic".'
        )
    if mode == "r":
        return (qr(a, "r"),)
    return tuple(qr(a))


def toeplitz(c: Any, r: Any = None) -> Any:
    """The matrix of a first column and a first row, constant along its diagonals."""
    c = handle_of(c)
    r = c if r is None else handle_of(r)
    values = np.concatenate((c[::-1], r[1:]))
    places = arange(r.sizes[0]) - arange(c.sizes[0])[:, None]
    return np.take(values, places + (c.shape[0] - 1))


def block_diag(*arrs: Any) -> Any:
    """Matrices along a diagonal, zeros beside them."""
    parts: list[Any] = [np.atleast_2d(handle_of(one)) for one in arrs]
    shapes = [one.shape for one in parts]
    return np.block(
        [
            [
                one if i == j else zeros((shapes[i][0], shapes[j][1]))
                for j in range(len(parts))
            ]
            for i, one in enumerate(parts)
        ]
    )


SCIPY_LINALG: dict[str, Callable] = {
    "block_diag": block_diag,
    "cho_factor": cho_factor,
    "cho_solve": cho_solve,
    "cholesky": scipy_cholesky,
    "det": det,
    "eigh": lambda a: tuple(eigh(a)),
    "eigvalsh": eigvalsh,
    "expm": expm,
    "inv": inv,
    "lstsq": lstsq,
    "norm": norm,
    "pinv": lambda a: pinv(a),
    "qr": scipy_qr,
    "solve": scipy_solve,
    "solve_triangular": solve_triangular,
    "svd": svd,
    "svdvals": svdvals,
    "toeplitz": toeplitz,
}
