"""Rows of products and of linear algebra, against NumPy, differences and autograd."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import scipy.linalg
from cases import case, check, over, passes_of
from rows import row
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
    """A function of a matrix: the members of its tuple, one behind the other."""
    return lambda x: np.concatenate(
        [np.ravel(getattr(function(x), name)) for name in names]
    )


def conditioned(p):
    return lambda a: np.linalg.cond(a, p)


PRODUCTS = [
    row("kron", lambda a, b: np.kron(a, b), ("n", 2), (2, 3)),
    row("kron_vectors", lambda a, b: np.kron(a, b), ("n",), (2,)),
    row("kron_ranks", lambda a, b: np.kron(a, b), (2,), ("n", 3)),
    row("kron_scalar", lambda a, b: np.kron(a, b), (), ("n", 3)),
    row("cross", lambda a, b: np.cross(a, b), (3,), (3,)),
    row("cross_broadcast", lambda a, b: np.cross(a, b), ("n", 3), (3,)),
    row("cross_axes", lambda a, b: np.cross(a, b, 0, -1, 0), (3, "n"), ("n", 3)),
    row("cross_axis", lambda a, b: np.linalg.cross(a, b, axis=0), (3, "n"), (3, "n")),
    row("vecdot", lambda a, b: np.vecdot(a, b) ** 2, ("n", 3), (3,)),
    row("vecdot_axis", lambda a, b: np.linalg.vecdot(a, b, axis=0), (2, "n"), (2, "n")),
    row("matvec", lambda a, b: np.matvec(a, b) ** 2, ("n", 2, 3), (3,)),
    row("vecmat", lambda a, b: np.vecmat(a, b) ** 2, ("n", 2), (2, 3)),
    row("linalg_matmul", lambda a, b: np.linalg.matmul(a, b) ** 2, ("n", 2), (2, 3)),
    row("linalg_outer", lambda a, b: np.linalg.outer(a, b) ** 2, ("n",), (2,)),
    row("linalg_tensordot", lambda a, b: np.linalg.tensordot(a, b), (2, 3), (2, 3)),
    row("matrix_transpose", lambda a: np.linalg.matrix_transpose(a) ** 3, ("n", 2, 3)),
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
    row("convolve in full", lambda x, k: np.convolve(x, k) ** 2, ("n",), (3,)),
    row("correlate", lambda x, k: np.correlate(x, k, "full") ** 2, ("n",), (3,)),
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
    row(
        "slogdet_batch", lambda a: np.prod(np.linalg.slogdet(dominant(a))[1]), (2, 2, 2)
    ),
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
    row(
        "tensorsolve", lambda a, b: np.linalg.tensorsolve(a, b) ** 2, (2, 3, 6), (2, 3)
    ),
    row("tensorinv", lambda a: np.linalg.tensorinv(a, ind=1), (6, 2, 3)),
    *(row(f"cond {p}", conditioned(p), (3, 3)) for p in (None, -2, 1, np.inf, "fro")),
    row("cond of many", lambda a: np.linalg.cond(a) ** 2, ("n", 3, 3)),
    row("matrix_rank", lambda a: a * np.linalg.matrix_rank(a), (3, 2)),
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
    row("scipy norm", lambda a: scipy.linalg.norm(a) ** 3, ("n", 3)),
    row("scipy pinv", lambda a: scipy.linalg.pinv(a) ** 2, (4, 3)),
    row("scipy lstsq", lambda a, b: scipy.linalg.lstsq(a, b)[0], (5, 3), (5,)),
    row("scipy eigvalsh", lambda a: scipy.linalg.eigvalsh(a + a.T) ** 2, (3, 3)),
    row("scipy eigh", lambda a: scipy.linalg.eigh(a + a.T)[1] ** 2, (3, 3)),
    row(
        "scipy svd", lambda a: scipy.linalg.svd(a, full_matrices=False)[0] ** 2, (4, 3)
    ),
    row("scipy svdvals", lambda a: scipy.linalg.svdvals(a) ** 2, (4, 3)),
    row("scipy qr", lambda a: scipy.linalg.qr(a, mode="economic")[1] ** 2, (4, 3)),
    row("scipy r", lambda a: scipy.linalg.qr(a, mode="r")[0] ** 2, (3, 3)),
    row(
        "scipy solve of a positive definite matrix",
        lambda a, b: scipy.linalg.solve(a @ a.T + np.eye(3), b, assume_a="pos"),
        (3, 3),
        (3,),
    ),
    row("toeplitz", lambda a, b: scipy.linalg.toeplitz(a, b) ** 2, (3,), (4,)),
    row("toeplitz, symmetric", lambda a: scipy.linalg.toeplitz(a) ** 2, (4,)),
    row(
        "block_diag",
        lambda a, b: scipy.linalg.block_diag(a, b, a[0]) ** 2,
        (2, 3),
        (1, 2),
    ),
]

CASES = [*PRODUCTS, *SYSTEMS, *FACTORS, *SCIPY]


@over(CASES)
def test_value_and_gradient(case):
    check(case, "float64")


@over(CASES)
def test_single_precision(case):
    check(case, "float32")


@over(CASES)
def test_second_derivative(case):
    check_second_order(case)


# autograd's cholesky and eigh spread the gradient over both triangles: they are asked
# about matrices that are symmetric by what they are made of.
WITNESSED = [
    case("np.kron(a, b) ** 2", a=(2, 3), b=(3, 2)),
    case("np.linalg.solve(a + 4 * np.eye(3), b)", a=(3, 3), b=(3, 2)),
    case("np.linalg.inv(a + 4 * np.eye(2))", a=("n", 2, 2)),
    case("np.linalg.det(a)", a=("n", 2, 2)),
    case("np.linalg.slogdet(a)[1]", a=("n", 3, 3)),
    case("np.linalg.pinv(a)", a=(4, 3)),
    case("np.linalg.cholesky(a @ a.T + 3 * np.eye(3))", a=(3, "n")),
    case("np.linalg.eigh(a @ a.T)[0]", a=(3, "n")),
    case("np.linalg.eigh(a @ a.T + np.diag(np.arange(3)))[1] ** 2", a=(3, "n")),
    case("np.linalg.svd(a, full_matrices=False)[0] ** 2", a=(3, 2)),
    case("np.linalg.svd(a, full_matrices=False)[1] ** 2", a=("n", 2, 3)),
]


@over(WITNESSED)
def test_gradient_is_autograds(case):
    compiled, arguments = case.compiled(), case.draw({"n": 4}, "float64")
    gradient = compiled.grad(*arguments)
    for place, part in enumerate(gradient):
        expected = autograd.grad(case.loss(anp), place)(*arguments)
        np.testing.assert_allclose(part, expected, 1e-8, 1e-9)


def test_the_gradient_of_a_log_determinant_is_the_inverse():
    compiled = symdiff.compile(lambda a: np.linalg.slogdet(a)[1], {"a": ("n", "n")})
    a = np.random.default_rng(0).standard_normal((5, 5))
    np.testing.assert_allclose(compiled.grad(a), np.linalg.inv(a).T, 1e-10)


def test_systems_are_solved_and_nothing_is_inverted():
    def loss(a, b):
        factor = np.linalg.cholesky(a @ a.T + np.eye(3))
        return (np.linalg.solve(factor, b) ** 2).sum()

    source = symdiff.compile(loss, {"a": (3, 3), "b": (3,)}, wrt=("a", "b")).source
    assert "np.linalg.solve" in source
    assert "np.linalg.inv" not in source


def test_a_factorisation_of_the_forward_pass_is_used_again():
    def loss(a):
        values, vectors = np.linalg.eigh(a @ a.T)
        return np.log(values).sum() + (vectors[0] ** 4).sum()

    source = symdiff.compile(loss, {"a": (3, 3)}).source
    lines = (line.partition("#")[0] for line in passes_of(source).splitlines())
    assert sum("np.linalg.eigh(" in line for line in lines) == 1


def test_windows_of_a_reshaped_array_are_no_product_of_two():
    def loss(x):
        windows = np.lib.stride_tricks.sliding_window_view(x.reshape(16), 3)
        return np.sum(np.sin(windows) * windows)

    symdiff.compile(loss, {"x": (4, 4)})  # is verified


def test_windows_are_added_back_by_their_offsets():
    windows = np.lib.stride_tricks.sliding_window_view

    def loss(x, k):
        return (np.tensordot(windows(x, (3, 3), (1, 2)), k, 2) ** 2).sum()

    source = symdiff.compile(loss, {"x": ("n", 8, 8), "k": (3, 3)}).source
    assert "for i, j in np.ndindex(3, 3):" in source
    assert "np.add.at" not in source


REFUSED = [
    (lambda a: np.linalg.solve(a, a[0]).sum(), (2, 3), "not square"),
    (lambda a: np.linalg.solve(a, np.ones(4)).sum(), (3, 3), "do not fit"),
    (lambda a: np.linalg.inv(a[0]).sum(), (3, 3), "no matrix"),
    (lambda a: np.linalg.qr(a)[0].sum(), (2, 3), "wider than tall"),
    (lambda a: np.linalg.qr(a, mode="complete")[0].sum(), (3, 2), "'complete'"),
    (lambda a: np.linalg.svd(a)[0].sum(), (2, 3), "full_matrices=False"),
    (lambda a: np.linalg.eigh(a, UPLO="X")[0].sum(), (3, 3), "UPLO"),
    (lambda a: np.linalg.lstsq(a, np.ones(4))[0].sum(), (3, 3), "do not fit"),
    (lambda a: np.cross(a, a).sum(), (3, 4), "np.cross"),
    (lambda a: np.convolve(a, a).sum(), (3, 3), "convolved"),
    (lambda a: np.convolve(a[0], a[1], mode="half").sum(), (3, 3), "'half'"),
    (lambda a: np.linalg.multi_dot([a]).sum(), (3, 3), "two matrices"),
    (lambda a: np.linalg.multi_dot([a, a[0], a]).sum(), (3, 3), "multi_dot"),
    (
        lambda a: scipy.linalg.solve_triangular(a, a[0]).sum(),
        (2, 3, 3),
        "np.linalg.solve",
    ),
]


@pytest.mark.parametrize(("loss", "shape", "message"), REFUSED)
def test_what_does_not_fit_is_refused(loss, shape, message):
    with pytest.raises(symdiff.SymdiffError, match=message):
        symdiff.compile(loss, {"a": shape}, verify=False)
