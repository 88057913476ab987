"""W5: many narrow layers with tanh."""

import numpy as np


def plain(params, X):
    hidden = [X]
    for layer in params:
        hidden.append(np.tanh(hidden[-1] @ layer["W"] + layer["b"]))
    value = np.mean(hidden[-1] ** 2)

    d_h = 2 / hidden[-1].size * hidden[-1]
    gradient = []
    for layer, h, before in zip(
        params[::-1], hidden[:0:-1], hidden[-2::-1], strict=True
    ):
        d_a = d_h * (1 - h**2)
        gradient.append({"W": before.T @ d_a, "b": d_a.sum(axis=0)})
        d_h = d_a @ layer["W"].T
    return value, gradient[::-1]


def tuned(params, X):
    hidden = [np.empty((len(X), len(layer["b"])), X.dtype) for layer in params]
    d_h, d_a = np.empty_like(hidden[-1]), np.empty_like(hidden[-1])
    gradient = [
        {name: np.empty_like(w) for name, w in layer.items()} for layer in params
    ]
    ones = np.ones(len(X), X.dtype)

    def value_and_grad(params, X):
        before = X
        for layer, h in zip(params, hidden, strict=True):
            np.dot(before, layer["W"], out=h)
            h += layer["b"]
            before = np.tanh(h, out=h)
        value = np.vdot(h, h) / h.size

        np.multiply(h, 2 / h.size, out=d_h)
        for place in reversed(range(len(params))):
            h, before = hidden[place], hidden[place - 1] if place else X
            np.multiply(h, h, out=d_a)
            np.subtract(1, d_a, out=d_a)
            np.multiply(d_a, d_h, out=d_a)
            np.dot(before.T, d_a, out=gradient[place]["W"])
            np.dot(ones, d_a, out=gradient[place]["b"])
            if place:
                np.dot(d_a, params[place]["W"].T, out=d_h)
        return value, gradient

    return value_and_grad
