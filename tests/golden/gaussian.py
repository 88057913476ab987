"""Negative log-likelihood of independent normal variables with unknown mean and scale."""

import numpy as np

ARGS = {"mu": ("d",), "log_sigma": ("d",), "x": ("n", "d")}
WRT = ("mu", "log_sigma")


def loss(mu, log_sigma, x):
    sigma = np.exp(log_sigma)
    z = (x - mu) / sigma
    log_density = -0.5 * z**2 - log_sigma - 0.5 * np.log(2 * np.pi)
    return -log_density.sum(axis=1).mean()
