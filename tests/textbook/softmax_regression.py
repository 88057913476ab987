"""Softmax regression: Goodfellow, Bengio and Courville (2016), Deep Learning, 6.2.2.3.

The gradient of the cross-entropy with respect to the logits is softmax minus one-hot.
"""

import numpy as np

ARGS = {"W": ("d", "k"), "b": ("k",), "X": ("n", "d"), "labels": "n:int64"}
WRT = ("W", "b")


def loss(W, b, X, labels):
    z = X @ W + b
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(labels)), labels])


def forward(W, b, X, labels):
    z = X @ W + b
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    p = e / e.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    return -np.mean(np.log(p[rows, labels])), (X, labels, rows, p)


def backward(cache):
    X, labels, rows, p = cache
    d_z = p.copy()
    d_z[rows, labels] -= 1
    d_z /= len(labels)
    d_W = X.T @ d_z
    d_b = d_z.sum(axis=0)
    return d_W, d_b
