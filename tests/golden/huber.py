"""Robust regression with Huber's loss."""

import numpy as np

ARGS = {"w": ("d",), "b": (), "X": ("n", "d"), "y": ("n",)}
WRT = ("w", "b")


def loss(w, b, X, y, delta=1.35):
    residual = y - X @ w - b
    size = np.abs(residual)
    quadratic = 0.5 * residual**2
    linear = delta * (size - 0.5 * delta)
    return np.mean(np.where(size <= delta, quadratic, linear))
