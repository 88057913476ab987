"""Layer normalisation: Ba, Kiros and Hinton (2016), section 3.

The gradient is (d_x_hat - mean(d_x_hat) - x_hat * mean(d_x_hat * x_hat)) / sigma.
"""

import numpy as np

ARGS = {"x": ("n", "d"), "gamma": ("d",), "beta": ("d",), "target": ("n", "d")}
WRT = ("x", "gamma", "beta")


def loss(x, gamma, beta, target):
    centred = x - x.mean(axis=1, keepdims=True)
    variance = np.mean(centred**2, axis=1, keepdims=True)
    x_hat = centred / np.sqrt(variance + 1e-5)
    return np.mean((gamma * x_hat + beta - target) ** 2)


def forward(x, gamma, beta, target):
    centred = x - x.mean(axis=1, keepdims=True)
    sigma = np.sqrt(np.mean(centred**2, axis=1, keepdims=True) + 1e-5)
    x_hat = centred / sigma
    error = gamma * x_hat + beta - target
    return np.mean(error**2), (gamma, sigma, x_hat, error)


def backward(cache):
    gamma, sigma, x_hat, error = cache
    d_y = 2 / error.size * error
    d_beta = d_y.sum(axis=0)
    d_gamma = (d_y * x_hat).sum(axis=0)
    d_x_hat = d_y * gamma
    along = (d_x_hat * x_hat).mean(axis=1, keepdims=True)
    d_x = (d_x_hat - d_x_hat.mean(axis=1, keepdims=True) - x_hat * along) / sigma
    return d_x, d_gamma, d_beta
