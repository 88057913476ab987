"""A network with one hidden layer, as a textbook takes its gradient: rule by rule."""

import numpy as np

ARGS = {
    "W1": (4, 8),
    "b1": (8,),
    "W2": (8, 3),
    "b2": (3,),
    "X": ("n", 4),
    "Y": ("n", 3),
}
WRT = ("W1", "b1", "W2", "b2")
STYLE = "textbook"


def loss(W1, b1, W2, b2, X, Y):
    z1 = X @ W1 + b1
    h1 = np.tanh(z1)  # the hidden layer
    z2 = h1 @ W2 + b2
    return np.mean(np.sum((z2 - Y) ** 2, axis=1))
