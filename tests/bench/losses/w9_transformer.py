"""W9: a transformer block of width 64 with 4 heads on sequences of 64, batch 8."""

import numpy as np

WRT = ("params",)
DTYPES = ("float32",)
SIZES = {"batch": 8, "length": 64, "width": 64, "hidden": 256}
TINY = {"batch": 2, "length": 3, "width": 8, "hidden": 5}

HEADS = 4


def arguments(rng, batch, length, width, hidden):
    def weights(rows, columns):
        return rng.normal(size=(rows, columns)) / rows**0.5

    params = {
        "Wq": weights(width, width),
        "Wk": weights(width, width),
        "Wv": weights(width, width),
        "Wo": weights(width, width),
        "gain1": rng.normal(size=width),
        "bias1": rng.normal(size=width),
        "W1": weights(width, hidden),
        "b1": rng.normal(size=hidden),
        "W2": weights(hidden, width),
        "b2": rng.normal(size=width),
        "gain2": rng.normal(size=width),
        "bias2": rng.normal(size=width),
    }
    X, Y = rng.normal(size=(2, batch, length, width))
    return {"params": params, "X": X, "Y": Y}


def layer_norm(x, gain, bias):
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.mean(centred**2, axis=-1, keepdims=True)
    return gain * centred / np.sqrt(variance + 1e-5) + bias


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def heads(x):
    """Split the last axis among the heads, which come second."""
    n, length, width = x.shape
    return np.swapaxes(x.reshape(n, length, HEADS, width // HEADS), 1, 2)


def attention(x, Wq, Wk, Wv, Wo):
    q, k, v = heads(x @ Wq), heads(x @ Wk), heads(x @ Wv)
    weights = softmax(q @ np.swapaxes(k, 2, 3) / q.shape[-1] ** 0.5)
    return np.swapaxes(weights @ v, 1, 2).reshape(x.shape) @ Wo


def loss(params, X, Y):
    p = params
    a = layer_norm(X, p["gain1"], p["bias1"])
    h = X + attention(a, p["Wq"], p["Wk"], p["Wv"], p["Wo"])
    a = layer_norm(h, p["gain2"], p["bias2"])
    h = h + np.maximum(a @ p["W1"] + p["b1"], 0) @ p["W2"] + p["b2"]
    return np.mean((h - Y) ** 2)


def products(batch, length, width, hidden):
    """The matrix products of both passes: (rows, inner, columns)."""
    n, per_head = batch * length, width // HEADS
    for before, after in (
        (width, 3 * width),
        (width, width),
        (width, hidden),
        (hidden, width),
    ):
        yield n, before, after
        yield before, n, after
        yield n, after, before
    for _ in range(batch * HEADS):
        for _ in range(3):
            yield length, per_head, length
            yield length, length, per_head
