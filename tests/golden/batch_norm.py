"""Batch normalisation over the first axis, by NumPy's own mean and variance."""

import numpy as np

ARGS = {
    "x": ("n", 8),
    "gamma": (8,),
    "beta": (8,),
    "target": ("n", 8),
}
WRT = ("x", "gamma", "beta")


def loss(x, gamma, beta, target):
    mu = x.mean(axis=0)
    var = x.var(axis=0)
    x_hat = (x - mu) / np.sqrt(var + 1e-5)
    y = gamma * x_hat + beta
    return 0.5 * ((y - target) ** 2).sum()
