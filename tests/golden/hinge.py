"""A linear support vector machine: squared margin and hinge loss."""

import numpy as np

ARGS = {"w": ("d",), "b": (), "X": ("n", "d"), "sign": ("n",)}
WRT = ("w", "b")


def loss(w, b, X, sign):
    margin = sign * (X @ w + b)
    return 0.5 * w @ w + np.mean(np.maximum(0, 1 - margin))
