"""A gated block with root-mean-square norms: Zhang and Sennrich (2019), Shazeer (2020)."""

import numpy as np

ARGS = {
    "gain": ("d",),
    "W": ("d", "k"),
    "V": ("d", "k"),
    "W2": ("k", "d"),
    "x": ("n", "d"),
    "target": ("n", "d"),
}
WRT = ("gain", "W", "V", "W2")


def rms_norm(x, gain, eps=1e-6):
    return x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + eps) * gain


def swish(x):
    return x / (1 + np.exp(-x))


def loss(gain, W, V, W2, x, target):
    h = rms_norm(x, gain)
    y = x + (swish(h @ W) * (h @ V)) @ W2
    return np.mean((y - target) ** 2)
