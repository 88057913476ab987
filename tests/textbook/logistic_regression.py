"""Logistic regression: Bishop (2006), Pattern Recognition and Machine Learning, 4.3.2.

The cross-entropy (4.90), whose gradient is X.T @ (y - t) (4.91).
"""

import numpy as np

ARGS = {"w": ("d",), "b": (), "X": ("n", "d"), "t": ("n",)}
WRT = ("w", "b")


def loss(w, b, X, t):
    a = X @ w + b
    return np.mean(np.logaddexp(0, a) - t * a)


def forward(w, b, X, t):
    a = X @ w + b
    return np.mean(np.logaddexp(0, a) - t * a), (X, t, a)


def backward(cache):
    X, t, a = cache
    y = 1 / (1 + np.exp(-a))
    error = (y - t) / len(t)
    d_w = X.T @ error
    d_b = error.sum()
    return d_w, d_b
