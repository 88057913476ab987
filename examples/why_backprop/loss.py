"""The loss of a ReLU network with three hidden layers, of any size.

Plain NumPy, nothing of symdiff. The sizes in `ARGS` are names, so that one emitted
module is right for a thousand parameters and for a billion.
"""

import numpy as np

ARGS = {
    "params": [
        {"W": ("d", "m"), "b": ("m",)},
        {"W": ("m", "m"), "b": ("m",)},
        {"W": ("m", "m"), "b": ("m",)},
        {"W": ("m", 10), "b": (10,)},
    ],
    "X": ("n", "d"),
    "labels": "n:int64",
}


def loss(params, X, labels):
    """Return the mean softmax cross-entropy of the images' labels."""
    h = X
    for layer in params[:-1]:
        h = np.maximum(h @ layer["W"] + layer["b"], 0)
    z = h @ params[-1]["W"] + params[-1]["b"]
    z = z - z.max(axis=1, keepdims=True)  # the largest exponent is 0: no overflow
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(labels)), labels])
