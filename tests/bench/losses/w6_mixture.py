"""W6: the log-likelihood of a Gaussian mixture with a Wishart prior, d=20, K=25, n=1000.

Each component has the inverse root of its covariance, lower triangular with the
exponentials of `log_diagonals` on its diagonal.
"""

import numpy as np

WRT = ("weights", "means", "log_diagonals", "lower")
DTYPES = ("float64",)
SIZES = {"n": 1000, "d": 20, "components": 25}
TINY = {"n": 7, "d": 3, "components": 2}

GAMMA, FREEDOM = 1.0, 2  # of the prior


def arguments(rng, n, d, components):
    return {
        "weights": rng.normal(size=components),
        "means": rng.normal(size=(components, d)),
        "log_diagonals": 0.1 * rng.normal(size=(components, d)),
        "lower": 0.1 * rng.normal(size=(components, d, d)),
        "X": rng.normal(size=(n, d)),
    }


def logsumexp(x):
    top = x.max(axis=0)
    return np.log(np.sum(np.exp(x - top), axis=0)) + top


def loss(weights, means, log_diagonals, lower, X):
    n, d = X.shape
    Q = np.tril(lower, -1) + np.exp(log_diagonals)[:, :, None] * np.eye(
        d, dtype=X.dtype
    )
    y = (X - means[:, None, :]) @ np.swapaxes(Q, 1, 2)  # Q (x - mu), (K, n, d)
    log_scales = weights + log_diagonals.sum(axis=1)
    terms = log_scales[:, None] - 0.5 * np.sum(y**2, axis=2)
    likelihood = np.sum(logsumexp(terms)) - n * logsumexp(weights)
    prior = 0.5 * GAMMA**2 * np.sum(Q**2) - FREEDOM * np.sum(log_diagonals)
    return prior - likelihood


def products(n, d, components):
    """The matrix products of both passes: (rows, inner, columns)."""
    yield components * d, d + 1, n
    yield components * d, n, d + 1
