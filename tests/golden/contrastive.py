"""Contrastive loss of two views of a batch: each row's partner is the same row.

The normalised, temperature-scaled cross-entropy of Chen et al. (2020), one direction.
"""

import numpy as np

ARGS = {"W": ("d", 16), "A": ("n", "d"), "B": ("n", "d")}


def normalise(Z):
    return Z / np.linalg.norm(Z, axis=1, keepdims=True)


def loss(W, A, B):
    similarity = normalise(A @ W) @ normalise(B @ W).T / 0.1
    top = similarity.max(axis=1, keepdims=True)
    log_total = np.log(np.exp(similarity - top).sum(axis=1)) + top[:, 0]
    return np.mean(log_total - np.diag(similarity))
