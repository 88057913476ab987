"""Value and gradient of the loss as a good engineer writes them by hand in NumPy."""

import numpy as np


def value_and_grad(params, X, labels):
    """Return the loss and its gradient, a list of dicts as `params` is one."""
    n = len(labels)
    rows = np.arange(n)

    layers = [X]  # what goes into each layer
    for layer in params[:-1]:
        h = layers[-1] @ layer["W"]
        h += layer["b"]
        layers.append(np.maximum(h, 0, out=h))
    z = layers[-1] @ params[-1]["W"]
    z += params[-1]["b"]
    z -= z.max(axis=1, keepdims=True)
    p = np.exp(z)
    sum_p = p.sum(axis=1, keepdims=True)
    value = (np.log(sum_p).sum() - z[rows, labels].sum()) / n

    p /= sum_p
    p[rows, labels] -= 1
    p /= n
    d_a = p  # the gradient with respect to h @ W + b, of the last layer first
    gradient = [{"W": layers[-1].T @ d_a, "b": d_a.sum(axis=0)}]
    for layer, after, before in zip(
        params[:0:-1], layers[:0:-1], layers[-2::-1], strict=True
    ):
        d_a = d_a @ layer["W"].T
        d_a *= after > 0
        gradient.append({"W": before.T @ d_a, "b": d_a.sum(axis=0)})
    return value, gradient[::-1]
