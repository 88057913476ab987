"""Focal loss of a dense detector's anchors: Lin et al. (2017), equations (4) and (5)."""

import numpy as np

ARGS = {"W": ("d", "k"), "b": ("k",), "X": ("n", "d"), "Y": ("n", "k")}
WRT = ("W", "b")


def loss(W, b, X, Y, gamma=2.0, alpha=0.25):
    p = 1 / (1 + np.exp(-(X @ W + b)))
    p_t = Y * p + (1 - Y) * (1 - p)
    alpha_t = Y * alpha + (1 - Y) * (1 - alpha)
    return np.mean(-alpha_t * (1 - p_t) ** gamma * np.log(p_t))
