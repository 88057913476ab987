"""An LSTM over four steps, gates in one product, read out at each step."""

import numpy as np

ARGS = {
    "W": (12, 32),  # from input and hidden state to the four gates
    "b": (32,),
    "v": (8,),
    "X": (4, "n", 4),
    "y": (4, "n"),
}
WRT = ("W", "b", "v")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def loss(W, b, v, X, y):
    n = X.shape[1]
    h, c = np.zeros((n, 8)), np.zeros((n, 8))
    error = 0.0
    for t in range(len(X)):
        gates = np.concatenate([X[t], h], axis=1) @ W + b
        i, f, o, g = np.split(gates, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)  # the cell
        h = sigmoid(o) * np.tanh(c)
        error = error + np.mean((h @ v - y[t]) ** 2)
    return error
