"""A vanilla recurrent network over five steps, read out at the last."""

import numpy as np

ARGS = {
    "Wx": (4, 16),
    "Wh": (16, 16),
    "b": (16,),
    "v": (16,),
    "X": (5, "n", 4),
    "y": ("n",),
}
WRT = ("Wx", "Wh", "b", "v")


def loss(Wx, Wh, b, v, X, y):
    h = np.zeros((X.shape[1], 16))
    for x in X:
        h = np.tanh(x @ Wx + h @ Wh + b)  # one step
    return np.mean((h @ v - y) ** 2)
