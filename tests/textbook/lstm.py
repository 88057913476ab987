"""An LSTM cell over three steps: Greff et al. (2017), LSTM: A Search Space Odyssey.

Section 2 without peepholes; the gates in one product, the deltas as in section 2.2.
"""

import numpy as np

ARGS = {
    "W": (12, 32),
    "b": (32,),
    "X": (3, "n", 4),
    "h": ("n", 8),
    "c": ("n", 8),
    "target": ("n", 8),
}
WRT = ("W", "b")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def loss(W, b, X, h, c, target):
    for x in X:
        z, i, f, o = np.split(np.concatenate([x, h], axis=1) @ W + b, 4, axis=1)
        c = np.tanh(z) * sigmoid(i) + c * sigmoid(f)
        h = np.tanh(c) * sigmoid(o)
    return np.mean((h - target) ** 2)


def forward(W, b, X, h, c, target):
    steps = []
    for x in X:
        joined = np.concatenate([x, h], axis=1)
        z, i, f, o = np.split(joined @ W + b, 4, axis=1)
        z, i, f, o = np.tanh(z), sigmoid(i), sigmoid(f), sigmoid(o)
        before, c = c, z * i + c * f
        tanh_c = np.tanh(c)
        h = tanh_c * o
        steps.append((joined, z, i, f, o, before, tanh_c))
    error = h - target
    return np.mean(error**2), (W, steps, error)


def backward(cache):
    W, steps, error = cache
    d_W, d_b, d_c = 0, 0, 0
    d_h = 2 / error.size * error
    for joined, z, i, f, o, before, tanh_c in steps[::-1]:
        d_c = d_h * o * (1 - tanh_c**2) + d_c
        d_o = d_h * tanh_c * o * (1 - o)
        d_f = d_c * before * f * (1 - f)
        d_i = d_c * z * i * (1 - i)
        d_z = d_c * i * (1 - z**2)
        d_gates = np.concatenate([d_z, d_i, d_f, d_o], axis=1)
        d_W = d_W + joined.T @ d_gates
        d_b = d_b + d_gates.sum(axis=0)
        if joined is not steps[0][0]:
            d_h = (d_gates @ W.T)[:, 4:]
            d_c = d_c * f
    return d_W, d_b
