"""The negative log-likelihood of a mixture of Gaussians with diagonal covariances."""

import numpy as np

ARGS = {"logits": (3,), "mu": (3, "d"), "log_sigma": (3, "d"), "X": ("n", "d")}
WRT = ("logits", "mu", "log_sigma")


def logsumexp(a, axis):
    top = a.max(axis=axis, keepdims=True)
    return np.log(np.sum(np.exp(a - top), axis=axis)) + np.squeeze(top, axis)


def loss(logits, mu, log_sigma, X):
    log_weights = logits - logsumexp(logits, 0)
    z = (X[:, None, :] - mu) / np.exp(log_sigma)
    log_normal = -0.5 * z**2 - log_sigma - 0.5 * np.log(2 * np.pi)
    return -np.mean(logsumexp(log_weights + log_normal.sum(axis=-1), 1))
