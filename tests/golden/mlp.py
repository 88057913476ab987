"""Softmax cross-entropy of a network with one hidden layer."""

import numpy as np

ARGS = {
    "W1": (64, 32),
    "b1": (32,),
    "W2": (32, 10),
    "b2": (10,),
    "X": ("n", 64),
    "labels": "n:int64",
}
WRT = ("W1", "b1", "W2", "b2")


def loss(W1, b1, W2, b2, X, labels):
    h = np.tanh(X @ W1 + b1)  # hidden layer
    z = h @ W2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(labels)), labels])
