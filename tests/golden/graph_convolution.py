"""A graph convolutional network of two layers: Kipf and Welling (2017), equation (9)."""

import numpy as np

ARGS = {
    "W0": ("d", 16),
    "W1": (16, 7),
    "A": ("n", "n"),
    "X": ("n", "d"),
    "Y": ("n", 7),
    "mask": ("n",),
}
WRT = ("W0", "W1")


def loss(W0, W1, A, X, Y, mask):
    A_tilde = A + np.eye(len(A))  # self-loops
    degree = A_tilde.sum(axis=1)
    A_hat = A_tilde / np.sqrt(degree[:, None] * degree[None, :])
    H = np.maximum(A_hat @ X @ W0, 0)
    Z = A_hat @ H @ W1
    P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    return -np.sum(mask[:, None] * Y * np.log(P)) / np.sum(mask)
