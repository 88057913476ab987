"""Three losses whose gradients every textbook has in closed form.

Plain NumPy, nothing of symdiff. `ARGS` is for all three: each has its weights first.
"""

import numpy as np

ARGS = {
    "w": ("d",),
    "W": ("d", "k"),
    "X": ("n", "d"),
    "y": ("n",),
    "labels": "n:int64",
}


def linear(w, X, y):
    """Return half the mean squared error of targets y."""
    return np.mean((X @ w - y) ** 2) / 2


def logistic(w, X, y):
    """Return the mean binary cross-entropy of labels y, 0 or 1."""
    p = 1 / (1 + np.exp(-(X @ w)))
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def softmax(W, X, labels):
    """Return the mean cross-entropy of labels, of k classes."""
    e = np.exp(X @ W)
    p = e / e.sum(axis=1, keepdims=True)
    return -np.mean(np.log(p[np.arange(len(labels)), labels]))
