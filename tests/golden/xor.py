"""A network for exclusive or, in the fast style: arrays that are taken apart."""

import numpy as np

ARGS = {"W": (2, 2), "b": (2,), "v": (2,), "c": ()}
WRT = ("W", "b", "v", "c")
STYLE = "fast"

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = np.array([0.0, 1.0, 1.0, 0.0])


def loss(W, b, v, c):
    h = np.tanh(X @ W + b)
    p = 1 / (1 + np.exp(-(h @ v + c)))
    return np.mean((p - y) ** 2)
