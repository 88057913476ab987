"""W5: 64 layers of width 64 with tanh, batch 64."""

import numpy as np

WRT = ("params",)
DTYPES = ("float32", "float64")
SIZES = {"batch": 64, "width": 64, "depth": 64}
TINY = {"batch": 5, "width": 3, "depth": 4}


def arguments(rng, batch, width, depth):
    params = [
        {"W": rng.normal(size=(width, width)) / width**0.5, "b": np.zeros(width)}
        for _ in range(depth)
    ]
    return {"params": params, "X": rng.normal(size=(batch, width))}


def loss(params, X):
    h = X
    for layer in params:
        h = np.tanh(h @ layer["W"] + layer["b"])
    return np.mean(h**2)


def products(batch, width, depth):
    """The matrix products of both passes: (rows, inner, columns)."""
    for place in range(depth):
        yield batch, width, width
        yield width, batch, width
        if place:
            yield batch, width, width
