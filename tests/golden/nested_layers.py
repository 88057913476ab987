"""A regression network whose layers are a list of dicts, walked by a loop."""

import numpy as np

ARGS = {
    "params": [
        {"W": (8, 16), "b": (16,)},
        {"W": (16, 16), "b": (16,)},
        {"W": (16, 1), "b": (1,)},
    ],
    "X": ("n", 8),
    "y": ("n",),
}


def network(params, X):
    h = X
    for layer in params[:-1]:
        h = np.maximum(h @ layer["W"] + layer["b"], 0)
    return (h @ params[-1]["W"] + params[-1]["b"])[:, 0]


def loss(params, X, y):
    error = network(params, X) - y
    return 0.5 * np.mean(error**2)
