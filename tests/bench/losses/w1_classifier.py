"""W1: softmax cross-entropy of a 784-256-256-256-10 ReLU network, batch 128."""

import numpy as np

WRT = ("params",)
DTYPES = ("float32", "float64")
SIZES = {"batch": 128, "widths": (784, 256, 256, 256, 10)}
TINY = {"batch": 5, "widths": (6, 4, 4, 3)}


def arguments(rng, batch, widths):
    params = [
        {
            "W": rng.normal(size=(rows, columns)) * (2 / rows) ** 0.5,
            "b": np.zeros(columns),
        }
        for rows, columns in zip(widths[:-1], widths[1:], strict=True)
    ]
    X = rng.random((batch, widths[0]))
    return {"params": params, "X": X, "labels": rng.integers(widths[-1], size=batch)}


def loss(params, X, labels):
    h = X
    for layer in params[:-1]:
        h = np.maximum(h @ layer["W"] + layer["b"], 0)
    z = h @ params[-1]["W"] + params[-1]["b"]
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(labels)), labels])


def products(batch, widths):
    """The matrix products of both passes: (rows, inner, columns)."""
    for place, (d, k) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
        yield batch, d, k
        yield d, batch, k
        if place:  # the images' own gradient is not asked for
            yield batch, k, d
