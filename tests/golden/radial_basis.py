"""A network of radial basis functions: Broomhead and Lowe (1988); weights and centres."""

import numpy as np

ARGS = {
    "centres": ("m", "d"),
    "log_width": ("m",),
    "w": ("m",),
    "X": ("n", "d"),
    "y": ("n",),
}
WRT = ("centres", "log_width", "w")


def loss(centres, log_width, w, X, y):
    difference = X[:, None, :] - centres[None, :, :]
    distance = np.sum(difference**2, axis=2)
    Phi = np.exp(-distance / (2 * np.exp(log_width) ** 2))
    return 0.5 * np.sum((Phi @ w - y) ** 2)
