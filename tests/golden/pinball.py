"""Regression of three quantiles at once by the pinball loss (Koenker, 1978)."""

import numpy as np

ARGS = {"W": ("d", 3), "X": ("n", "d"), "y": ("n",)}

LEVELS = np.array([0.1, 0.5, 0.9])


def loss(W, X, y):
    over = y[:, None] - X @ W
    return np.mean(np.maximum(LEVELS * over, (LEVELS - 1) * over))
