"""A Kalman-like linear model whose parameters are a named tuple of the user's."""

from typing import NamedTuple

import numpy as np


class Params(NamedTuple):
    """Weights and biases of a two-layer model."""

    W: np.ndarray
    b: np.ndarray
    scale: float


ARGS = {
    "params": Params(W=(3, 2), b=(2,), scale=()),
    "X": ("n", 3),
    "Y": ("n", 2),
}


def loss(params, X, Y):
    W, b, scale = params
    predicted = scale * np.sin(X @ W + b)
    return np.sum((predicted - Y) ** 2)
