"""W7: an LSTM of hidden size 64 over 50 steps, batch 16."""

import numpy as np

WRT = ("W", "U", "b", "v")
DTYPES = ("float32",)
SIZES = {"batch": 16, "inputs": 64, "hidden": 64, "steps": 50}
TINY = {"batch": 3, "inputs": 2, "hidden": 4, "steps": 3}


def arguments(rng, batch, inputs, hidden, steps):
    return {
        "W": rng.normal(size=(inputs, 4 * hidden)) / inputs**0.5,
        "U": rng.normal(size=(hidden, 4 * hidden)) / hidden**0.5,
        "b": np.zeros(4 * hidden),
        "v": rng.normal(size=hidden),
        "X": rng.normal(size=(steps, batch, inputs)),
        "y": rng.normal(size=batch),
    }


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def last(step, h, c, X):
    """The hidden state after all steps."""
    for x in X:
        h, c = step(h, c, x)
    return h


def loss(W, U, b, v, X, y):
    def step(h, c, x):
        i, f, o, g = np.split(x @ W + h @ U + b, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c

    start = np.zeros((X.shape[1], U.shape[0]), X.dtype)
    h = last(step, start, start, X)
    return np.mean((h @ v - y) ** 2)


def products(batch, inputs, hidden, steps):
    """The matrix products of both passes: (rows, inner, columns)."""
    yield steps * batch, inputs, 4 * hidden
    for _ in range(steps):
        yield batch, hidden, 4 * hidden
        yield batch, 4 * hidden, hidden
    yield inputs, steps * batch, 4 * hidden
    yield hidden, steps * batch, 4 * hidden
