"""Rows of products and of linear algebra, against NumPy, differences and autograd."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import scipy.linalg
from cases import check, over, row
from second_order import check_second_order

import symdiff


def positive(x):
    """A positive definite matrix whose eigenvalues are apart."""
    rows = x.shape[-1]
    spread = np.eye(rows) * (np.arange(rows) + 1.0) ** 2
    return x @ np.swapaxes(x, -1, -2) + spread


def dominant(x):
    """A matrix that is far from singular."""
    return x + 4 * np.eye(x.shape[-1])


def power_of(n):
    return lambda x: np.linalg.matrix_power(dominant(x), n)


def convolved(function, mode):
    return lambda a, v: function(a, v, mode)


def weighed(function, *names):
    """A function of a matrix: the members of its tuple, flattened one behind the other."""
    return lambda x: np.concatenate(
        [np.ravel(getattr(function(x), name)) for name in names]
    )


PRODUCTS = [
    row("kron", lambda a, b: np.kron(a, b), ("n", 2), (2, 3)),
    row("kron_vectors", lambda a, b: np.kron(a, b), ("n",), (2,)),
    row("kron_ranks", lambda a, b: np.kron(a, b), (2,), ("n", 3)),
    row("kron_scalar", lambda a, b: np.kron(a, b), (), ("n", 3)),
    row("cross", lambda a, b: np.cross(a, b), (3,), (3,)),
    row("cross_broadcast", lambda a, b: np.cross(a, b), ("n", 3), (3,)),
    row("cross_axes", lambda a, b: np.cross(a, b, 0, -1, 0), (3, "n"), ("n", 3)),
    row("cross_axis", lambda a, b: np.linalg.cross(a, b, axis=0), (3, "n"), (3, "n")),
    row(
        "multi_dot",
        lambda a, b, c: np.linalg.multi_dot([a, b, c]),
        ("n", 2),
        (2, 4),
        (4, 3),
    ),
    row(
        "multi_dot_vectors",
        lambda a, b, c: np.linalg.multi_dot([a, b, c]),
        ("n",),
        ("n", 3),
        (3,),
    ),
    *(
        row(f"matrix_power_{n}", power_of(n), (3, 3) if n < 0 else ("n", 3, 3))
        for n in (-2, 0, 1, 2, 3, 6)
    ),
    *(
        row(f"{function.__name__}_{mode}_{name}", convolved(function, mode), *shapes)
        for function in (np.convolve, np.correlate)
        for mode in ("full", "same", "valid")
        for name, shapes in (
            ("longer", ((5,), (2,))),
            ("shorter", ((2,), (5,))),
            ("n", (("n",), (3,))),
            ("both", (("n",), ("m",))),
        )
    ),
]

SYSTEMS = [
    row("solve", lambda a, b: np.linalg.solve(dominant(a), b), ("n", "n"), ("n",)),
    row("solve_matrix", lambda a, b: np.linalg.solve(dominant(a), b), (3, 3), (3, "n")),
    row(
        "solve_batch",
        lambda a, b: np.linalg.solve(dominant(a), b),
        ("n", 2, 2),
        ("n", 2, 3),
    ),
    row(
        "solve_batch_vector",
        lambda a, b: np.linalg.solve(dominant(a), b),
        ("n", 2, 2),
        (2,),
    ),
    row(
        "solve_broadcast",
        lambda a, b: np.linalg.solve(dominant(a), b),
        (2, 2),
        ("n", 2, 3),
    ),
    row("inv", lambda a: np.linalg.inv(dominant(a)), ("n", "n")),
    row("inv_batch", lambda a: np.linalg.inv(dominant(a)), ("n", 2, 2)),
    row("det", lambda a: np.linalg.det(dominant(a)) / 50, (3, 3)),
    row("det_batch", lambda a: np.linalg.det(dominant(a)) / 10, ("n", 2, 2)),
    row("slogdet", lambda a: np.linalg.slogdet(dominant(a))[1], ("n", "n")),
    row("slogdet_batch", lambda a: np.prod(np.linalg.slogdet(dominant(a))[1]), (2, 2, 2)),
    row("slogdet_sign", weighed(np.linalg.slogdet, "sign", "logabsdet"), (2, 3, 3)),
    row("pinv_tall", lambda a: np.linalg.pinv(a + 2 * np.eye(4, 2)), (4, 2)),
    row("pinv_wide", lambda a: np.linalg.pinv(a + 3 * np.eye(2, 3)), (2, 3)),
    row("pinv_batch", lambda a: np.linalg.pinv(a + 3 * np.eye(3, 2)), ("n", 3, 2)),
    row(
        "lstsq",
        lambda a, b: np.linalg.lstsq(a + 3 * np.eye(4, 2), b, rcond=None)[0],
        (4, 2),
        (4,),
    ),
    row(
        "lstsq_wide",
        lambda a, b: np.linalg.lstsq(a + 3 * np.eye(2, 3), b, rcond=None)[0],
        (2, 3),
        (2, "n"),
    ),
    row(
        "lstsq_residuals",
        lambda a, b: np.linalg.lstsq(a + 3 * np.eye(4, 2), b)[1],
        (4, 2),
        (4, 2),
    ),
]

FACTORS = [
    row("cholesky", lambda a: np.linalg.cholesky(positive(a)), ("n", "n")),
    row("cholesky_batch", lambda a: np.linalg.cholesky(positive(a)), ("n", 2, 2)),
    row("cholesky_triangle", lambda a: np.linalg.cholesky(dominant(a / 4)), (3, 3)),
    row(
        "cholesky_upper",
        lambda a: np.linalg.cholesky(dominant(a / 4), upper=True),
        (3, 3),
    ),
    row("qr", lambda a: weighed(np.linalg.qr, "Q", "R")(dominant(a)), (3, 3)),
    row("qr_tall", lambda a: np.matmul(*np.linalg.qr(a**3)) * np.eye(4, 2), (4, 2)),
    row("qr_tall_q", lambda a: np.linalg.qr(a + 2 * np.eye(4, 2))[0], (4, 2)),
    row("qr_r", lambda a: np.linalg.qr(a + 2 * np.eye(4, 2), mode="r"), (4, 2)),
    row("qr_batch", lambda a: np.linalg.qr(dominant(a)).Q, ("n", 2, 2)),
    row("eigh", lambda a: np.linalg.eigh(positive(a))[0], ("n", "n")),
    row("eigh_vectors", lambda a: np.linalg.eigh(positive(a))[1] ** 2, (3, 3)),
    row("eigh_triangle", lambda a: np.linalg.eigh(a)[1] ** 2, (3, 3)),
    row("eigh_upper", lambda a: np.linalg.eigh(a, UPLO="U")[1] ** 2, (3, 3)),
    row("eigvalsh", lambda a: np.linalg.eigvalsh(positive(a)), ("n", 2, 2)),
    row("eigvalsh_upper", lambda a: np.linalg.eigvalsh(a, "U"), (3, 3)),
    row("svdvals", lambda a: np.linalg.svdvals(a), (3, 4)),
    row("svd_values", lambda a: np.linalg.svd(a, compute_uv=False), ("n", 3, 2)),
    row("svd_left", lambda a: np.linalg.svd(a, False)[0] ** 2, (4, 2)),
    row("svd_right", lambda a: np.linalg.svd(a, False).Vh ** 2, (4, 2)),
    row("svd_wide_left", lambda a: np.linalg.svd(a, False).U ** 2, (2, 4)),
    row("svd_wide_right", lambda a: np.linalg.svd(a, False)[2] ** 2, (2, 4)),
    row("svd_square", lambda a: np.linalg.svd(a)[0] * np.linalg.svd(a)[2].T, (3, 3)),
]

SCIPY = [
    *(
        row(
            f"solve_triangular_{name}",
            lambda a, b, options=options: scipy.linalg.solve_triangular(
                dominant(a), b, **options
            ),
            ("n", "n"),
            ("n",),
        )
        for name, options in ()
    ),
]


def triangular(**options):
    return lambda a, b: scipy.linalg.solve_triangular(dominant(a), b, **options)


SCIPY = [
    row("solve_triangular", triangular(), ("n", "n"), ("n",)),
    row("solve_triangular_lower", triangular(lower=True), (3, 3), (3, "n")),
    row("solve_triangular_transposed", triangular(trans=1), (3, 3), (3,)),
    row("solve_triangular_unit", triangular(unit_diagonal=True), (3, 3), (3,)),
    row("expm", lambda a: scipy.linalg.expm(a), ("n", "n")),
    row("expm_batch", lambda a: scipy.linalg.expm(a), ("n", 2, 2)),
    row(
        "cho_solve",
        lambda a, b: scipy.linalg.cho_solve((np.linalg.cholesky(positive(a)), True), b),
        (3, 3),
        (3, "n"),
    ),
    row(
        "cho_solve_upper",
        lambda a, b: scipy.linalg.cho_solve((dominant(a), False), b),
        (3, 3),
        (3,),
    ),
    row(
        "cho_factor",
        lambda a, b: scipy.linalg.cho_solve(scipy.linalg.cho_factor(positive(a)), b),
        (3, 3),
        (3,),
    ),
    row("scipy_cholesky", lambda a: scipy.linalg.cholesky(positive(a)), (3, 3)),
    row("scipy_solve", lambda a, b: scipy.linalg.solve(dominant(a), b), (3, 3), (3,)),
    row("scipy_det", lambda a: scipy.linalg.det(a) * scipy.linalg.inv(a), (2, 2)),
]

CASES = [*PRODUCTS, *SYSTEMS, *FACTORS, *SCIPY]


@over(CASES)
def test_value_and_gradient(case):
    check(case, "float64", lengths=(1, 4))


@over(CASES)
def test_single_precision(case):
    check(case, "float32", lengths=(3,))


@over(CASES)
def test_second_derivative(case):
    check_second_order(case)
