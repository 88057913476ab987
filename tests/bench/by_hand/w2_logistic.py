"""W2: logistic regression of 3 weights on 100 samples."""

import numpy as np


def plain(w, X, y):
    z = X @ w
    e = np.exp(-np.abs(z))
    value = np.mean(np.maximum(z, 0) + np.log1p(e) - y * z)
    p = np.where(z >= 0, 1, e) / (1 + e)
    return value, ((p - y) @ X / len(y),)


def tuned(w, X, y):
    z, half, error = np.empty((3, len(y)), X.dtype)
    gradient = np.empty_like(w)
    scale = 1 / len(y)

    def value_and_grad(w, X, y):
        # log(1 + exp(z)) = log1p(exp(-|z|)) + (z + |z|) / 2, and p = (1 + tanh(z/2)) / 2
        np.dot(X, w, out=z)
        np.abs(z, out=half)
        np.negative(half, out=error)
        np.exp(error, out=error)
        np.log1p(error, out=error)
        value = np.add.reduce(error)
        np.add(z, half, out=half)
        value += 0.5 * np.add.reduce(half) - np.dot(y, z)
        np.multiply(z, 0.5, out=half)
        np.tanh(half, out=half)
        np.multiply(half, 0.5, out=half)
        np.subtract(half, y, out=error)
        np.add(error, 0.5, out=error)
        np.dot(error, X, out=gradient)
        np.multiply(gradient, scale, out=gradient)
        return value * scale, (gradient,)

    return value_and_grad
