"""W1, W3: a ReLU network with softmax cross-entropy."""

import numpy as np


def plain(params, X, labels):
    rows = np.arange(len(labels))
    inputs = [X]  # of each layer
    for layer in params[:-1]:
        inputs.append(np.maximum(inputs[-1] @ layer["W"] + layer["b"], 0))
    z = inputs[-1] @ params[-1]["W"] + params[-1]["b"]
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    sums = e.sum(axis=1, keepdims=True)
    value = np.mean(np.log(sums[:, 0]) - z[rows, labels])

    d_z = e / sums
    d_z[rows, labels] -= 1
    d_z /= len(labels)
    gradient = []
    for place in reversed(range(len(params))):
        h = inputs[place]
        gradient.append({"W": h.T @ d_z, "b": d_z.sum(axis=0)})
        if place:
            d_z = (d_z @ params[place]["W"].T) * (h > 0)
    return value, gradient[::-1]


def tuned(params, X, labels):
    n, dtype = len(X), X.dtype
    outputs = [np.empty((n, len(layer["b"])), dtype) for layer in params]
    inputs = [X, *outputs[:-1]]
    d_outputs = [np.empty_like(one) for one in outputs]
    masks = [np.empty(one.shape, bool) for one in outputs]
    gradient = [
        {name: np.empty_like(w) for name, w in layer.items()} for layer in params
    ]
    rows, ones = np.arange(n), np.ones(n, dtype)
    column = np.empty((n, 1), dtype)

    def value_and_grad(params, X, labels):
        inputs[0] = X
        for layer, h, out in zip(params, inputs, outputs, strict=True):
            np.dot(h, layer["W"], out=out)
            out += layer["b"]
            if out is not outputs[-1]:
                np.maximum(out, 0, out=out)
        z, d_z = outputs[-1], d_outputs[-1]
        z -= np.maximum.reduce(z, axis=1, out=column, keepdims=True)
        np.exp(z, out=d_z)
        sums = np.add.reduce(d_z, axis=1, out=column, keepdims=True)
        value = (np.log(sums).sum() - z[rows, labels].sum()) / n

        d_z /= sums * n
        d_z[rows, labels] -= dtype.type(1 / n)
        for place in reversed(range(len(params))):
            h, d_z = inputs[place], d_outputs[place]
            np.dot(h.T, d_z, out=gradient[place]["W"])
            np.dot(ones, d_z, out=gradient[place]["b"])
            if place:
                d_h = np.dot(d_z, params[place]["W"].T, out=d_outputs[place - 1])
                d_h *= np.greater(h, 0, out=masks[place - 1])
        return value, gradient

    return value_and_grad
