"""Softmax regression on probability labels, with weight decay."""

import numpy as np

ARGS = {"W": ("d", "k"), "b": ("k",), "X": ("n", "d"), "Y": ("n", "k")}
WRT = ("W", "b")


def loss(W, b, X, Y):
    z = X @ W + b
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    decay = 0.5 * 1e-3 * np.sum(W**2)
    return -np.sum(Y * log_p) / len(X) + decay
