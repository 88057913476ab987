"""A residual network: each block adds to what it is given, with layer norm before."""

import numpy as np

ARGS = {
    "blocks": [{"W1": (8, 16), "W2": (16, 8)}, {"W1": (8, 16), "W2": (16, 8)}],
    "v": (8,),
    "X": ("n", 8),
    "y": ("n",),
}
WRT = ("blocks", "v")


def norm(h):
    centred = h - h.mean(axis=-1, keepdims=True)
    return centred / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + 1e-5)


def loss(blocks, v, X, y):
    h = X
    for block in blocks:
        h = h + np.maximum(norm(h) @ block["W1"], 0) @ block["W2"]
    return np.mean((h @ v - y) ** 2)
