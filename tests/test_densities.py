"""Densities of `scipy.stats`: each against SciPy itself, and against autograd."""

import autograd
import autograd.numpy as anp
import autograd.scipy.stats as autograd_stats
import numpy as np
import pytest
import scipy.stats
from scipy.stats import multivariate_normal, norm

import symdiff
from symdiff import errors


def numbers(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


FUNCTIONS = ["logpdf", "pdf", "cdf", "logcdf", "sf", "logsf"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_of_the_normal_distribution(function):
    def loss(x, mu, log_sigma):
        return np.sum(getattr(norm, function)(x, mu, scale=np.exp(log_sigma)))

    compiled = symdiff.compile(
        loss, {"x": ("n",), "mu": (), "log_sigma": ()}, wrt=("x", "mu", "log_sigma")
    )
    arguments = (numbers(0, 5), np.float64(0.3), np.float64(-0.2))
    assert np.isclose(compiled.value(*arguments), loss(*arguments))
    if function in ("sf", "logsf"):
        return  # autograd differentiates neither: verified against differences above

    def written_again(x, mu, log_sigma):
        density = getattr(autograd_stats.norm, function)
        return anp.sum(density(x, mu, anp.exp(log_sigma)))

    want = autograd.grad(written_again, (0, 1, 2))(*arguments)
    for one, other in zip(compiled.grad(*arguments), want, strict=True):
        assert np.allclose(one, other)


@pytest.mark.parametrize("name", ["laplace", "cauchy"])
def test_a_density_of_location_and_scale(name):
    def loss(x, loc, scale):
        return np.sum(getattr(scipy.stats, name).logpdf(x, loc, np.exp(scale)))

    compiled = symdiff.compile(
        loss, {"x": ("n",), "loc": (), "scale": ()}, wrt=("loc", "scale")
    )
    arguments = (numbers(0, 5), np.float64(0.3), np.float64(-0.2))
    assert np.isclose(compiled.value(*arguments), loss(*arguments))


def test_students_t():
    def loss(x, df, scale):
        return np.sum(scipy.stats.t.logpdf(x, np.exp(df), scale=np.exp(scale)))

    compiled = symdiff.compile(
        loss, {"x": ("n",), "df": (), "scale": ()}, wrt=("x", "df")
    )
    x, df, scale = numbers(0, 5), np.float64(1.0), np.float64(0.5)
    assert np.isclose(compiled.value(x, df, scale), loss(x, df, scale))

    def written_again(x, df):
        return anp.sum(
            autograd_stats.t.logpdf(x, anp.exp(df), scale=np.exp(0.5)),
        )

    want = autograd.grad(written_again, (0, 1))(x, df)
    for one, other in zip(compiled.grad(x, df, scale), want, strict=True):
        assert np.allclose(one, other)


COVARIANCES = {
    "a matrix": lambda A: A @ A.T + np.eye(3),
    "variances": lambda A: np.exp(A[0]),
    "a number": lambda A: np.exp(A[0, 0]),
}


@pytest.mark.parametrize("kind", COVARIANCES)
def test_the_multivariate_normal_density(kind):
    def loss(mean, A, X):
        return np.sum(multivariate_normal.logpdf(X, mean, COVARIANCES[kind](A)))

    compiled = symdiff.compile(
        loss, {"mean": (3,), "A": (3, 3), "X": ("n", 3)}, wrt=("mean", "A")
    )
    mean, A, X = numbers(0, 3), numbers(1, 3, 3), numbers(2, 4, 3)
    assert np.isclose(compiled.value(mean, A, X), loss(mean, A, X))
    if kind == "a matrix":
        want = np.linalg.solve(A @ A.T + np.eye(3), (X - mean).sum(axis=0))
        assert np.allclose(compiled.grad(mean, A, X).mean, want)


def test_scipys_distributions_are_their_own_again_after_the_trace():
    symdiff.compile(lambda x: np.sum(norm.logpdf(x)), {"x": ("n",)})
    assert "logpdf" not in vars(norm)
    assert np.isclose(norm.logpdf(0.0), -np.log(2 * np.pi) / 2)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (
            lambda x: multivariate_normal.logpdf(x, None, np.ones((2, 2, 2))),
            "a covariance is a number, variances or one matrix",
        ),
        (
            lambda x: multivariate_normal.logpdf(x, None, np.eye(2), True),
            "a singular covariance is not supported",
        ),
        (
            lambda x: multivariate_normal.logpdf(x, None, np.eye(2)),
            "points of shape (3,) have not the 2 dimensions of the covariance",
        ),
    ],
)
def test_a_normal_density_that_is_refused(loss, message):
    with pytest.raises(errors.TraceError) as caught:
        symdiff.compile(loss, {"x": (3,)})
    assert message in str(caught.value)
