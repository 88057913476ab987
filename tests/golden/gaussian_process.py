"""The negative log marginal likelihood of a Gaussian process with an RBF kernel.

Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), equation 2.30.
"""

import numpy as np

ARGS = {"log_length": (), "log_scale": (), "log_noise": (), "X": ("n", 2), "y": ("n",)}
WRT = ("log_length", "log_scale", "log_noise")


def loss(log_length, log_scale, log_noise, X, y):
    n = len(y)
    difference = X[:, None, :] - X[None, :, :]
    distance = np.sum(difference**2, axis=-1)
    K = np.exp(2 * log_scale - 0.5 * distance * np.exp(-2 * log_length))
    K = K + np.exp(2 * log_noise) * np.eye(n)
    L = np.linalg.cholesky(K)
    alpha = np.linalg.solve(K, y)
    log_det = 2 * np.sum(np.log(np.diag(L)))
    return 0.5 * (y @ alpha + log_det + n * np.log(2 * np.pi))
