"""Products over axes: `@`, `dot`, `einsum` and their kin, in all rank cases."""

import itertools

import numpy as np
import pytest
from cases import case, check, over, passes_of, quiet

import symdiff
from symdiff.errors import ShapeError, UnsupportedError

DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])

RANKS = [
    ((3,), (3,)),
    ((3,), (3, 2)),
    (("n", 3), (3,)),
    (("n", 3), (3, "m")),
    ((1, 3), (3, 1)),
    (("n", 1), (1, "n")),
    (("n", "n"), ("n",)),
    ((3,), ("b", 3, 2)),
    (("b", 2, 3), (3,)),
    (("b", "n", 3), (3, 2)),
    ((2, 3), ("b", 3, 2)),
]
BATCHES = [
    (("b", "n", 3), ("b", 3, 2)),
    (("b", "n", 3), (1, 3, 2)),
    ((1, "n", 3), ("b", 3, 2)),
    (("b", 1, 2, 3), ("c", 3, 2)),
    ((2, 1, 2, 3), (1, 4, 3, 2)),
    ((5, 4, 3, 2), (2,)),
    ((2, 3), (4, 5, 3, 2)),
]
MATMUL = [case("x @ y", x=x, y=y) for x, y in RANKS + BATCHES]
MATMUL += [case("np.matmul(x, y)", x=x, y=y) for x, y in RANKS[:4] + BATCHES[:1]]
DOT = [
    case(text, x=x, y=y)
    for text in ("np.dot(x, y)", "x.dot(y)")
    for x, y in [
        *RANKS,
        (("b", "n", 3), ("c", 3, 2)),
        ((), (3,)),
        (("n", 3), ()),
        ((), ()),
    ]
]
NAMED = [
    *(
        case("np.inner(x, y)", x=x, y=y)
        for x, y in (
            ((3,), (3,)),
            ((3,), (2, 3)),
            (("n", 3), (3,)),
            (("n", 3), ("m", 3)),
            (("b", "n", 3), (2, 3)),
            ((), (3,)),
        )
    ),
    *(
        case("np.vdot(x, y)", x=x, y=y)
        for x, y in (((3,), (3,)), (("n", 3), ("n", 3)), ((2, 3), (6,)), ((), ()))
    ),
    *(
        case("np.outer(x, y)", x=x, y=y)
        for x, y in (((3,), (2,)), (("n",), ("m",)), (("n", 2), (3,)), ((), (3,)))
    ),
    *(case(text, x=("n", "n")) for text in ("np.trace(x)", "x.trace()")),
    *(
        case(f"np.tensordot(x, y, {axes})", x=x, y=y)
        for x, y, axes in (
            (("n", 3), (3, 2), "1"),
            ((2, 3, 4), (3, 4, 2), "axes=2"),
            ((2, 3), (4,), "0"),
            ((2, 3), (2, 3), "2"),
            ((2, 3), (3, 2), "([0, 1], [1, 0])"),
            (("n", 3, 4), (4, "n", 2), "((0, 2), (1, 0))"),
            (("n", 3), (2, 3), "(1, 1)"),
            ((2, 3), (3, 2), "axes=(-1, 0)"),
            ((2, 3, 4), (4, 3), "[[2], [0]]"),
            ((2, 2, 3), (3, 2, 2), "((0, 1), (2, 1))"),
        )
    ),
    case("np.tensordot(x, y)", x=(2, 3), y=(2, 3)),
]
SUBSCRIPTS = [
    ("ij,jk->ik", ("n", 3), (3, "m")),
    ("ij,jk", (2, 3), (3, 4)),
    ("ji,jk", (3, 2), (3, 4)),
    ("ij, jk -> ki", (2, 3), (3, 4)),
    ("ij->ji", ("n", 3)),
    ("ij->", ("n", 3)),
    ("ij->j", ("n", 3)),
    ("ijk->ki", (2, 3, 4)),
    ("A,A->", ("n",), ("n",)),
    ("ij,ij->i", ("n", 3), ("n", 3)),
    ("ij,ij", ("n", 3), ("n", 3)),
    ("i,i->i", ("n",), ("n",)),
    ("i,j->ij", ("n",), (3,)),
    ("i,j->ji", ("n",), (3,)),
    ("ij,j->ij", ("n", 3), (3,)),
    ("ij,kl->", (2, 3), (3, 2)),
    ("ijk,k->", (2, 3, 4), (4,)),
    ("ijk,jl->ilk", (2, 3, 4), (3, 2)),
    ("ijk,ijl->kl", ("n", 3, 2), ("n", 3, 4)),
    ("nhwc,hwcf->nf", ("n", 2, 3, 2), (2, 3, 2, 4)),
    # Batches.
    ("bij,bjk->bik", ("b", 2, 3), ("b", 3, 2)),
    ("bij,bkj->bik", ("b", 2, 3), ("b", 4, 3)),
    ("bij,bjk->ik", ("b", 2, 3), ("b", 3, 2)),
    ("bij,bjk->ikb", ("b", 2, 3), ("b", 3, 2)),
    ("bi,bj->bij", ("b", 2), ("b", 3)),
    ("bi,bj->ij", ("b", 2), ("b", 3)),
    ("bij,bj->bi", ("b", 2, 3), ("b", 3)),
    ("bhid,bhjd->bhij", ("b", 2, 3, 4), ("b", 2, 5, 4)),
    ("bihd,bjhd->bhij", ("b", 3, 2, 4), ("b", 5, 2, 4)),
    # Ellipses, and axes of size 1 that stretch.
    ("...i,i->...", ("b", "n", 3), (3,)),
    ("...ij,...jk->...ik", ("b", 2, 3), ("b", 3, 2)),
    ("...ij,...jk", ("b", 2, 3), (3, 2)),
    ("...ij->...ji", ("b", 2, 3)),
    ("i...->...", ("n", 2, 3)),
    ("...,...->...", ("n", 3), (3,)),
    ("...ij,...j->...i", (2, "n", 3), (1, 3)),
    ("i...j,j...->i...", (2, 4, 3), (3, 4)),
    ("ij,ij->ij", ("n", 1), ("n", 3)),
    ("ij,ij->", ("n", 1), (1, 3)),
    # Diagonals.
    ("ii->i", ("n", "n")),
    ("ii", (3, 3)),
    ("iij->j", (3, 3, 2)),
    ("iij->ij", (3, 3, 2)),
    ("ii,ij->j", (3, 3), (3, 2)),
    ("ijj,j->i", (2, 3, 3), (3,)),
    ("ii,jj->ij", (2, 2), (3, 3)),
    ("iijj->ij", (2, 2, 3, 3)),
    ("iii->i", (2, 2, 2)),
    ("iii->", (2, 2, 2)),
    # Scalars, and three and more operands.
    (",i->i", (), ("n",)),
    ("i,->", ("n",), ()),
    ("ij,jk,kl->il", ("n", 3), (3, 4), (4, "m")),
    ("i,i,i->", ("n",), ("n",), ("n",)),
    ("ij,jk,ik->", (2, 3), (3, 4), (2, 4)),
    ("a,b,c->abc", (2,), (3,), (4,)),
    ("ab,ac,ad->bcd", (2, 3), (2, 4), (2, 2)),
    ("ab,bc,cd,de->ae", (2, 3), (3, 4), (4, 2), (2, 3)),
    ("ij,j,k->ik", ("n", 3), (3,), (2,)),
]
EINSUM = [
    case(
        f"np.einsum('{subscripts}', {', '.join('xyzw'[: len(shapes)])})",
        **dict(zip("xyzw", shapes, strict=False)),
    )
    for subscripts, *shapes in SUBSCRIPTS
]
EINSUM += [
    case("np.einsum(x, [0, 1], y, [1, 2], [0, 2])", x=("n", 3), y=(3, 2)),
    case("np.einsum(x, [0, 1], y, [1, 2])", x=("n", 3), y=(3, 2)),
    case("np.einsum(x, [..., 1], y, [1, 2], [..., 2])", x=("n", 2, 3), y=(3, 2)),
    case("np.einsum(x, [0, 0])", x=(3, 3)),
    case("np.einsum(x, [1, 0])", x=(3, 2)),
    case("np.einsum('ij,jk->ik', x, y, optimize=True)", x=("n", 3), y=(3, 2)),
    case("np.einsum('ij,ji->', x, x)", x=("n", "n")),
]
PROGRAMS = [
    case("x @ x.T", x=("n", 3)),
    case("x.T @ x", x=("n", 3)),
    case("x @ y @ x", x=(3,), y=(3, 3)),
    case("x @ y @ z", x=("n", 3), y=(3, 4), z=(4,)),
    case("(x @ y - z) ** 2", x=("n", 3), y=(3,), z=("n",)),
    case("np.sum(x @ y)", x=("n", 3), y=(3, 2)),
    case("np.mean(x @ y, axis=1) @ z", x=("n", 3), y=(3, 2), z=("n",)),
    case("x @ np.swapaxes(x, -1, -2)", x=("b", 2, 3)),
    case("np.exp(x @ y.mT / 2) @ z", x=("b", 2, 3), y=("b", 4, 3), z=("b", 4, 2)),
    case("np.broadcast_to(x[:, None], (len(x), 3)) @ y", x=("n",), y=(3, 2)),
    case("x.T.dot(y) / len(x)", x=("n", 3), y=("n",)),
]
DATA = [
    case(text, x=("n", 2), k=(2, 3, kind))
    for kind in ("int64", "uint8", "bool")
    for text in (
        "x @ k",
        "k.T.dot(x.T)",
        "np.einsum('ni,ij->j', x, k)",
        "np.tensordot(k, x, ((0,), (1,)))",
    )
]
DATA += [case("np.outer(k, x)", x=("n",), k=(3, "int64"))]


@DTYPES
@over(MATMUL + DOT)
def test_matrix_products_in_all_ranks(case, dtype):
    check(case, dtype)


@DTYPES
@over(NAMED)
def test_named_products(case, dtype):
    check(case, dtype)


@DTYPES
@over(EINSUM)
def test_einsum_in_all_forms(case, dtype):
    check(case, dtype)


@DTYPES
@over(PROGRAMS + DATA)
def test_products_in_programs(case, dtype):
    check(case, dtype)


@pytest.mark.parametrize("seed", range(40))
def test_any_contraction_of_two_arrays(seed):
    """Random indices, repeated and summed alone too, written in whatever way."""
    rng = np.random.default_rng(seed)
    letters = "ijkl"[: rng.integers(3, 5)]
    terms = [
        "".join(rng.choice(list(letters), rng.integers(1, 4), replace=seed % 4 == 0))
        for _ in range(2)
    ]
    present = sorted(set("".join(terms)))
    output = "".join(rng.permutation(present)[: rng.integers(0, len(present) + 1)])
    size = dict(zip(letters, (2, 3, 4, 5), strict=False))
    x, y = (tuple(size[c] for c in term) for term in terms)
    one = case(f"np.einsum('{terms[0]},{terms[1]}->{output}', x, y)", x=x, y=y)
    check(one, "float64")


@pytest.mark.parametrize(
    ("text", "shapes", "error"),
    [
        ("x @ y", ((2, 3), (4, 2)), ShapeError),
        ("x @ y", ((2, 1), (3, 2)), ShapeError),
        ("x @ y", ((), (3,)), ShapeError),
        ("np.dot(x, y)", ((2, 3), (2, 3)), ShapeError),
        ("np.tensordot(x, y)", ((2,), (2,)), ShapeError),
        ("np.tensordot(x, y, ((0,), (0, 1)))", ((2, 2), (2, 2)), ShapeError),
        ("np.einsum('ij,jk->il', x, y)", ((2, 3), (3, 2)), ShapeError),
        ("np.einsum('ij,jk->ii', x, y)", ((2, 3), (3, 2)), ShapeError),
        ("np.einsum('ij,jk', x, y)", ((2, 3), (2, 3)), ShapeError),
        ("np.einsum('ijk,jk', x, y)", ((2, 3), (2, 3)), ShapeError),
        ("np.einsum('ij->i', x > 0) + y", ((2, 3), (2,)), UnsupportedError),
    ],
)
def test_products_that_do_not_fit_are_refused(text, shapes, error):
    with pytest.raises(error):
        case(text, x=shapes[0], y=shapes[1]).compiled()


def test_sums_of_repeated_arrays_are_taken_first():
    """The gradient of sum(x @ y) needs no product of matrices."""
    source = case("np.sum(x @ y)", x=("n", 3), y=(3, 2)).compiled().source
    assert passes_of(source).count("@") == 1


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_transposes_fold_into_products(order):
    text = f"np.tensordot(np.transpose(x, {order}), y, 1)"
    compiled = case(text, x=(3, 3, 3), y=(3, 2)).compiled()
    x, y = (np.random.default_rng(0).standard_normal(s) for s in ((3, 3, 3), (3, 2)))
    with quiet():
        expected = np.tensordot(np.transpose(x, order), y, 1)
    weights = np.cos(1.0 + np.arange(expected.size)).reshape(expected.shape)
    np.testing.assert_allclose(compiled.value(x, y), np.sum(expected * weights))


def test_the_closed_form_of_linear_regression():
    def loss(w, X, y):
        error = X @ w - y
        return np.sum(error**2) / len(X)

    args = {"w": (3,), "X": ("n", 3), "y": ("n",)}
    compiled = symdiff.compile(loss, args, verify=False)
    rng = np.random.default_rng(1)
    w, X, y = (
        rng.standard_normal(3),
        rng.standard_normal((7, 3)),
        rng.standard_normal(7),
    )
    np.testing.assert_allclose(compiled.grad(w, X, y), 2 * X.T @ (X @ w - y) / 7)


@pytest.mark.parametrize("output", ["".join(o) for o in itertools.permutations("bij")])
def test_products_along_an_axis_of_both_are_matrix_products(output):
    text = f"np.einsum('bik,kbj->{output}', x, y)"
    one = case(text, x=("b", 3, 4), y=(4, "b", 2))
    check(one, "float64")
    assert "einsum" not in one.compiled().source


def test_a_product_is_summed_along_an_axis_of_one_factor_before_it_is_made():
    def loss(Q, mu, X):
        return np.sum(((X - mu[:, None]) @ Q) ** 2)

    compiled = symdiff.compile(
        loss, {"Q": ("k", 3, 3), "mu": ("k", 3), "X": ("n", 3)}, wrt=("Q", "mu")
    )
    (line,) = [line for line in compiled.source.splitlines() if "d_mu = " in line]
    assert ".sum(axis=1)" in line
    assert "@ Q" not in line


def test_the_trace_of_a_product_is_no_product_of_sums():
    def loss(x):
        return np.sum(np.trace(x @ x, axis1=0, axis2=1) ** 2)

    compiled = symdiff.compile(loss, {"x": (3, 3)})
    x = np.random.default_rng(0).normal(size=(3, 3))
    np.testing.assert_allclose(compiled.grad(x), 4 * np.trace(x @ x) * x.T)
