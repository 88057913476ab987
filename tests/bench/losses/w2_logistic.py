"""W2: logistic regression of 3 weights on 100 samples."""

import numpy as np

WRT = ("w",)
DTYPES = ("float64",)
SIZES = {"n": 100, "d": 3}
TINY = {"n": 5, "d": 3}


def arguments(rng, n, d):
    y = rng.integers(2, size=n).astype(float)
    return {"w": rng.normal(size=d), "X": rng.normal(size=(n, d)), "y": y}


def loss(w, X, y):
    z = X @ w
    return np.mean(np.logaddexp(0, z) - y * z)
