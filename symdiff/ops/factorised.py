"""Rows of factorisations: Cholesky, QR, eigenvalues, singular values.

Over the last two axes, batched as in NumPy. Of a symmetric matrix NumPy reads one
triangle: the gradient stands in that one. Derivatives: Murray (2016), "Differentiation
of the Cholesky decomposition"; Walter & Lehmann (2012), "Algorithmic differentiation of
linear algebra functions"; Seeger et al. (2017), "Auto-differentiating linear algebra";
Giles (2008), "An extended collection of matrix derivative results"; Townsend (2016),
"Differentiating the singular value decomposition". Refused: QR of wide matrices, full
factors of such as are not square.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..errors import ShapeError, UnsupportedError
from ..graph import ArrayNode
from ..shapes import Shape, smallest
from .corners import Corner
from .diagonals import half_diagonal, tril
from .handle import Handle
from .making import eye, tri
from .moving import made
from .solving import (
    matrices,
    part,
    same_as_operand,
    solve,
    transposed,
    whole,
)
from .table import reached_by, row

__all__ = ["Cholesky", "cholesky"]


class Cholesky(ArrayNode):
    """The lower triangular factor."""


class QR(ArrayNode):
    """The orthogonal and the upper triangular factor, together."""


class Orthogonal(ArrayNode):
    """The orthogonal factor of QR."""


class Triangular(ArrayNode):
    """The triangular factor of QR."""


class Eigh(ArrayNode):
    """Eigenvalues and eigenvectors of symmetric matrices, together."""


class Eigenvalues(ArrayNode):
    """The eigenvalues, the smallest first."""


class Eigenvectors(ArrayNode):
    """The eigenvectors as columns."""


class SVD(ArrayNode):
    """Singular values and vectors, together."""


class LeftVectors(ArrayNode):
    """The left singular vectors as columns."""


class SingularValues(ArrayNode):
    """The singular values, the largest first."""


class RightVectors(ArrayNode):
    """The right singular vectors as rows."""


# Cholesky.


def _cholesky_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    """Murray (2016), section 3, with two systems solved."""
    inner = half_diagonal(transposed(y) @ g)
    right = solve(transposed(y), transposed(inner))
    both = solve(transposed(y), transposed(right))
    return half_diagonal(both + transposed(both))


row(
    Cholesky,
    kind="array",
    shape=same_as_operand,
    write="np.linalg.cholesky",
    vjp=(_cholesky_vjp,),
)


@reached_by(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Handle:
    """The lower or the upper triangular factor of a positive definite matrix."""
    a = matrices(a, "np.linalg.cholesky", square=True)
    if upper:
        return transposed(made(Cholesky, transposed(a)))
    return made(Cholesky, a)


# QR.


def _tall_quotient(x: Handle, r: Handle) -> Handle:
    """Return x times the inverse of r transposed."""
    return transposed(solve(r, transposed(x)))


def _mirrored(x: Handle) -> Handle:
    """Return the symmetric matrices that have the lower triangle of x."""
    return tril(x) + transposed(tril(x, -1))


def _orthogonal_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    """Walter & Lehmann (2012) for Q, as Seeger et al. (2017) write it."""
    inner = _mirrored(transposed(g) @ y)
    return _tall_quotient(g - y @ inner, made(Triangular, x))


def _triangular_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    """Walter & Lehmann (2012) for R, as Seeger et al. (2017) write it."""
    inner = _mirrored(y @ transposed(g))
    return _tall_quotient(made(Orthogonal, x) @ inner, y)


whole(QR, "np.linalg.qr")
part(Orthogonal, "Q", lambda shape: shape, _orthogonal_vjp)
part(
    Triangular, "R", lambda shape: (*shape[:-2], shape[-1], shape[-1]), _triangular_vjp
)


class QRResult(NamedTuple):
    """The orthogonal and the triangular factor."""

    Q: Handle
    R: Handle


@reached_by(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """An orthogonal and an upper triangular factor, the first as tall as the matrix."""
    a = matrices(a, "np.linalg.qr")
    rows, columns = a.sizes[-2:]
    value = a.nodes.size_value if a.nodes.witness else int
    if value(rows) < value(columns):
        raise UnsupportedError("np.linalg.qr of matrices wider than tall")
    square = rows == columns
    if mode not in ("reduced", "r") and not (mode == "complete" and square):
        raise UnsupportedError(f"np.linalg.qr with mode {mode!r}")
    both = made(QR, a)
    triangular = made(Triangular, both)
    return triangular if mode == "r" else QRResult(made(Orthogonal, both), triangular)


# Eigenvalues.


def _inverse_gaps(values: Handle) -> Handle:
    """Return 1 / (values[j] - values[i]), 0 on the diagonal."""
    unit = eye(values.sizes[-1])
    gaps = values[..., None, :] - values[..., :, None]
    return 1 / (gaps + unit) - unit


def _eigenvalues_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    """Giles (2008), section 3.1, in the triangle that is read."""
    vectors = made(Eigenvectors, x)
    both = (vectors * g[..., None, :]) @ transposed(vectors)
    rows = x.sizes[-1]
    return both * (2 * tri(rows) - eye(rows))


def _eigenvectors_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    """Giles (2008), section 3.1, in the triangle that is read."""
    inner = _inverse_gaps(made(Eigenvalues, x)) * (transposed(y) @ g)
    both = y @ inner @ transposed(y)
    return half_diagonal(both + transposed(both))


whole(Eigh, "np.linalg.eigh")
part(Eigenvalues, "eigenvalues", lambda shape: shape[:-1], _eigenvalues_vjp)
part(
    Eigenvectors,
    "eigenvectors",
    lambda shape: shape,
    _eigenvectors_vjp,
    corner=Corner(
        of="eigh({0})", at="equal eigenvalues", mask=None, words="no slope, NaN"
    ),
)


class EighResult(NamedTuple):
    """Eigenvalues and eigenvectors."""

    eigenvalues: Handle
    eigenvectors: Handle


@reached_by(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> EighResult:  # noqa: N803 - NumPy's name
    """Eigenvalues, the smallest first, and eigenvectors of symmetric matrices."""
    a = matrices(a, "np.linalg.eigh", square=True)
    if UPLO.upper() not in ("L", "U"):
        raise ShapeError(f"np.linalg.eigh: UPLO is 'L' or 'U', not {UPLO!r}")
    both = made(Eigh, a if UPLO.upper() == "L" else transposed(a))
    return EighResult(made(Eigenvalues, both), made(Eigenvectors, both))


@reached_by(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Handle:  # noqa: N803 - NumPy's name
    """The eigenvalues of symmetric matrices, the smallest first."""
    return eigh(a, UPLO).eigenvalues


# Singular values.


def _values_shape(shape: Shape) -> Shape:
    return (*shape[:-2], smallest(*shape[-2:]))


def _svd_parts(x: Handle) -> tuple[Handle, Handle, Handle]:
    return made(LeftVectors, x), made(SingularValues, x), made(RightVectors, x)


def _singular_values_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    """Giles (2008), section 3.2."""
    left, _, right = _svd_parts(x)
    return (left * g[..., None, :]) @ right


def _left_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    """Townsend (2016), the term of U, for the reduced factors."""
    left, values, right = _svd_parts(x)
    inner = transposed(left) @ g
    turned = _inverse_gaps(values**2) * (inner - transposed(inner))
    outside = (g - left @ inner) / values[..., None, :]
    return (left @ (turned * values[..., None, :]) + outside) @ right


def _right_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    """Townsend (2016), the term of V, for the reduced factors."""
    left, values, right = _svd_parts(x)
    inner = right @ transposed(g)
    turned = _inverse_gaps(values**2) * (inner - transposed(inner))
    outside = (g - transposed(inner) @ right) / values[..., :, None]
    return left @ ((values[..., :, None] * turned) @ right + outside)


_CORNER = Corner(
    of="svd({0})",
    at="equal or zero singular values",
    mask=None,
    words="no slope, NaN",
)

whole(SVD, "np.linalg.svd", "full_matrices=False")
part(SingularValues, "S", _values_shape, _singular_values_vjp)
part(
    LeftVectors,
    "U",
    lambda shape: (*shape[:-1], smallest(*shape[-2:])),
    _left_vjp,
    _CORNER,
)
part(
    RightVectors,
    "Vh",
    lambda shape: (*shape[:-2], smallest(*shape[-2:]), shape[-1]),
    _right_vjp,
    _CORNER,
)


class SVDResult(NamedTuple):
    """Left singular vectors, singular values, right singular vectors."""

    U: Handle
    S: Handle
    Vh: Handle


@reached_by(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Singular vectors and values, the largest first."""
    a = matrices(a, "np.linalg.svd")
    parts = SVDResult(*_svd_parts(made(SVD, a)))
    if not compute_uv:
        return parts.S
    if full_matrices and a.sizes[-2] != a.sizes[-1]:
        raise UnsupportedError(
            "np.linalg.svd with all vectors of a matrix that is not square",
            remedy="The vectors beyond the singular values are arbitrary: write "
            "np.linalg.svd(a, full_matrices=False).",
        )
    return parts


@reached_by(np.linalg.svdvals)
def svdvals(x: Any, /) -> Handle:
    """The singular values, the largest first."""
    return svd(x, compute_uv=False)
