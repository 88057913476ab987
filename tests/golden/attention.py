"""Single-head attention over a sequence, trained to reproduce a target sequence."""

import numpy as np

ARGS = {
    "Wq": ("d", 16),
    "Wk": ("d", 16),
    "Wv": ("d", "d"),
    "X": ("n", "d"),
    "target": ("n", "d"),
}
WRT = ("Wq", "Wk", "Wv")


def softmax(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def loss(Wq, Wk, Wv, X, target):
    queries = X @ Wq
    keys = X @ Wk
    values = X @ Wv
    weights = softmax(queries @ keys.T / np.sqrt(keys.shape[1]))
    out = weights @ values
    return 0.5 * np.sum((out - target) ** 2)
