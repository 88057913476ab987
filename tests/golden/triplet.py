"""Triplet loss of a linear embedding: Schroff, Kalenichenko and Philbin (2015), (3)."""

import numpy as np

ARGS = {
    "W": ("d", 32),
    "anchor": ("n", "d"),
    "positive": ("n", "d"),
    "negative": ("n", "d"),
}
WRT = ("W",)


def embed(x, W):
    z = x @ W
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def loss(W, anchor, positive, negative, margin=0.2):
    a, p, q = embed(anchor, W), embed(positive, W), embed(negative, W)
    near = np.sum((a - p) ** 2, axis=1)
    far = np.sum((a - q) ** 2, axis=1)
    return np.mean(np.maximum(near - far + margin, 0))
