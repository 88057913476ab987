"""The loss of a 784-256-256-256-10 ReLU network: 335,114 parameters.

Plain NumPy, nothing of symdiff: `ARGS` says to the compiler what goes in.
"""

import numpy as np

ARGS = {
    "params": [
        {"W": (784, 256), "b": (256,)},
        {"W": (256, 256), "b": (256,)},
        {"W": (256, 256), "b": (256,)},
        {"W": (256, 10), "b": (10,)},
    ],
    "X": ("n", 784),
    "labels": "n:int64",
}


def logits(params, X):
    """Return the network's output before the softmax, one row for each image."""
    h = X
    for layer in params[:-1]:
        h = np.maximum(h @ layer["W"] + layer["b"], 0)
    return h @ params[-1]["W"] + params[-1]["b"]


def loss(params, X, labels):
    """Return the mean softmax cross-entropy of the images' labels."""
    z = logits(params, X)
    z = z - z.max(axis=1, keepdims=True)  # the largest exponent is 0: no overflow
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(labels)), labels])
