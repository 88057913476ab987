"""Products of arrays of several axes as products of matrices: the same values."""

import numpy as np
import pytest

import symdiff

SIZES = {"a": 2, "b": 3, "c": 4, "d": 5}

# Products, and the matrices that they are of.
FLAT = [
    ("nbc,cd->nbd", "np.dot(X.reshape(3 * n, 4), Y, "),
    ("nbc,dc->nbd", "np.dot(X.reshape(3 * n, 4), Y.T, "),
    ("cnb,cd->nbd", "np.dot(X.reshape(4, 3 * n).T, Y, "),
    ("nbc,nbd->cd", "np.dot(X.reshape(3 * n, 4).T, Y.reshape(3 * n, 5), "),
    ("nbc,nbd->dc", "np.dot(Y.reshape(3 * n, 5).T, X.reshape(3 * n, 4), "),
    ("cd,nbd->cnb", "np.dot(X, Y.reshape(3 * n, 5).T, "),
    ("nbc,c->nb", "np.dot(X.reshape(3 * n, 4), Y, "),
    ("nb,nbc->c", "np.dot(X.reshape(3 * n), Y.reshape(3 * n, 4), "),
    ("nbc,nd->bcd", "np.dot(X.reshape(n, 12).T, Y, "),
]
# Those of which there are none, unless an array is copied.
STACKED = [
    ("nbc,ncd->nbd", "np.matmul(X, Y, "),
    ("ncb,cd->nbd", "np.matmul(X.swapaxes(1, 2), Y, "),
    ("nbc,bnd->cd", "np.tensordot(X, Y, ((0, 1), (1, 0)))"),
    ("bca,bc->abc", " = X.transpose(2, 0, 1) * Y"),
]


def compiled(subscripts, style):
    source = f"lambda X, Y: np.sum(np.sin(np.einsum({subscripts!r}, X, Y)) ** 2)"
    terms = subscripts.partition("->")[0].split(",")
    shapes = [tuple(SIZES.get(i, i) for i in one) for one in terms]
    args = dict(zip("XY", shapes, strict=True))
    return symdiff.compile(
        eval(source, {"np": np}),
        args,
        wrt=("X", "Y"),
        style=style,
        no_rewrite="blocks",  # loops hide what this is about
        verify=False,
    )


@pytest.mark.parametrize(("subscripts", "text"), [*FLAT, *STACKED])
def test_a_product_of_matrices_is_the_product(subscripts, text):
    fast, plain = compiled(subscripts, "fast"), compiled(subscripts, "plain")
    assert text in fast.source
    for n in 0, 1, 3:
        rng = np.random.default_rng(n)
        terms = subscripts.partition("->")[0].split(",")
        arguments = [
            rng.normal(size=[{**SIZES, "n": n}[i] for i in one]) for one in terms
        ]
        value, gradient = fast.value_and_grad(*arguments)
        expected, slopes = plain.value_and_grad(*arguments)
        np.testing.assert_allclose(value, expected, 1e-13)
        for one, other in zip(gradient, slopes, strict=True):
            np.testing.assert_allclose(one, other, 1e-12, 1e-14)


def test_arrays_that_lie_otherwise_in_memory_are_multiplied_too():
    fast, plain = compiled("nbc,nbd->cd", "fast"), compiled("nbc,nbd->cd", "plain")
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(4, 6, 3)).T[:, ::2], rng.normal(size=(5, 3, 3)).T
    for one, other in zip(fast.grad(X, Y), plain.grad(X, Y), strict=True):
        np.testing.assert_allclose(one, other, 1e-12, 1e-14)
