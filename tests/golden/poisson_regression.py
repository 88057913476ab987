"""Poisson regression with an offset, and a ridge on all but the intercept."""

import numpy as np

ARGS = {"beta": ("d",), "X": ("n", "d"), "counts": "n:int64", "exposure": ("n",)}


def loss(beta, X, counts, exposure):
    eta = X @ beta + np.log(exposure)
    return np.mean(np.exp(eta) - counts * eta) + 0.01 * np.sum(beta[1:] ** 2)
