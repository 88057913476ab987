"""A network of two hidden layers: Nielsen (2015), Neural Networks and Deep Learning, 2.

The four equations of back-propagation, BP1 to BP4, with tanh and quadratic cost.
"""

import numpy as np

ARGS = {
    "layers": [
        {"W": ("d", 8), "b": (8,)},
        {"W": (8, 8), "b": (8,)},
        {"W": (8, "k"), "b": ("k",)},
    ],
    "X": ("n", "d"),
    "Y": ("n", "k"),
}
WRT = ("layers",)


def loss(layers, X, Y):
    a = X
    for layer in layers[:-1]:
        a = np.tanh(a @ layer["W"] + layer["b"])
    a = a @ layers[-1]["W"] + layers[-1]["b"]
    return np.sum((a - Y) ** 2) / (2 * len(X))


def forward(layers, X, Y):
    activations = [X]
    for layer in layers[:-1]:
        activations.append(np.tanh(activations[-1] @ layer["W"] + layer["b"]))
    error = activations[-1] @ layers[-1]["W"] + layers[-1]["b"] - Y
    return np.sum(error**2) / (2 * len(X)), (layers, activations, error)


def backward(cache):
    layers, activations, error = cache
    delta = error / len(error)
    gradients = []
    for layer, a in zip(layers[::-1], activations[::-1], strict=True):
        d_b = delta.sum(axis=0)
        d_W = a.T @ delta
        gradients += [d_b, d_W]
        if a is not activations[0]:
            delta = delta @ layer["W"].T * (1 - a**2)
    return tuple(gradients[::-1])
