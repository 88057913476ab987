"""Batch normalisation: Ioffe and Szegedy (2015), section 3.

The gradient is the paper's with its sums collected, as it is commonly written:
gamma / (n * sigma) * (n * d_y - sum(d_y) - x_hat * sum(d_y * x_hat)).
"""

import numpy as np

ARGS = {"x": ("n", "d"), "gamma": ("d",), "beta": ("d",), "target": ("n", "d")}
WRT = ("x", "gamma", "beta")


def loss(x, gamma, beta, target):
    x_hat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)
    y = gamma * x_hat + beta
    return np.mean((y - target) ** 2)


def forward(x, gamma, beta, target):
    centred = x - x.mean(axis=0)
    sigma = np.sqrt(np.mean(centred**2, axis=0) + 1e-5)
    x_hat = centred / sigma
    error = gamma * x_hat + beta - target
    return np.mean(error**2), (gamma, sigma, x_hat, error)


def backward(cache):
    gamma, sigma, x_hat, error = cache
    d_y = 2 / error.size * error
    n = len(d_y)
    d_beta = d_y.sum(axis=0)
    d_gamma = (d_y * x_hat).sum(axis=0)
    d_x = gamma / (n * sigma) * (n * d_y - d_beta - x_hat * d_gamma)
    return d_x, d_gamma, d_beta
