"""A recurrent network: Goodfellow, Bengio and Courville (2016), Deep Learning, 10.2.2.

The gradients (10.22) to (10.28) by the states' own, with a squared error at each step.
"""

import numpy as np

ARGS = {
    "U": (4, 8),
    "W": (8, 8),
    "b": (8,),
    "V": (8, 2),
    "c": (2,),
    "X": (3, "n", 4),
    "h": ("n", 8),
    "Y": (3, "n", 2),
}
WRT = ("U", "W", "b", "V", "c")


def loss(U, W, b, V, c, X, h, Y):
    total = 0.0
    for x, y in zip(X, Y, strict=True):
        h = np.tanh(x @ U + h @ W + b)
        o = h @ V + c
        total = total + 0.5 * np.sum((o - y) ** 2)
    return total


def forward(U, W, b, V, c, X, h, Y):
    steps, total = [], 0
    for x, y in zip(X, Y, strict=True):
        before = h
        h = np.tanh(x @ U + h @ W + b)
        d_o = h @ V + c - y
        total = total + np.sum(d_o**2) / 2
        steps.append((x, before, h, d_o))
    return total, (W, V, steps)


def backward(cache):
    W, V, steps = cache
    d_U, d_W, d_b, d_V, d_c = 0, 0, 0, 0, 0
    d_a = None
    for x, before, h, d_o in steps[::-1]:
        d_V = d_V + h.T @ d_o
        d_c = d_c + d_o.sum(axis=0)
        d_h = d_o @ V.T
        if d_a is not None:
            d_h = d_h + d_a @ W.T
        d_a = d_h * (1 - h**2)
        d_U = d_U + x.T @ d_a
        d_W = d_W + before.T @ d_a
        d_b = d_b + d_a.sum(axis=0)
    return d_U, d_W, d_b, d_V, d_c
