"""Layer normalisation with its scale and shift."""

import numpy as np

ARGS = {
    "x": ("n", 32),
    "gamma": (32,),
    "beta": (32,),
    "target": ("n", 32),
}
WRT = ("x", "gamma", "beta")


def loss(x, gamma, beta, target):
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.mean(centred**2, axis=-1, keepdims=True)
    normal = centred / np.sqrt(variance + 1e-5)
    out = gamma * normal + beta
    return np.mean((out - target) ** 2)
