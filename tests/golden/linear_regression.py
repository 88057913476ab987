"""Least squares with a ridge."""

import numpy as np

ARGS = {"w": ("d",), "b": (), "X": ("n", "d"), "y": ("n",)}
WRT = ("w", "b")


def loss(w, b, X, y):
    residual = X @ w + b - y
    return np.mean(residual**2) + 1e-3 * np.sum(w**2)
