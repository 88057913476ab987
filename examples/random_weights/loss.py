"""The loss of a small network on 8 x 8 images of digits, over one vector of weights.

One vector, because that is what those who change weights at random take.
"""

import numpy as np

INPUTS, HIDDEN, CLASSES = 64, 16, 10
WEIGHTS = INPUTS * HIDDEN + HIDDEN + HIDDEN * CLASSES + CLASSES

ARGS = {"w": (WEIGHTS,), "X": ("n", INPUTS), "labels": "n:int64"}


def logits(w, X):
    """Return the network's output before the softmax, one row for each image."""
    W1, b1, W2, b2 = np.split(
        w,
        [
            INPUTS * HIDDEN,
            INPUTS * HIDDEN + HIDDEN,
            INPUTS * HIDDEN + HIDDEN + HIDDEN * CLASSES,
        ],
    )
    h = np.tanh(X @ W1.reshape(INPUTS, HIDDEN) + b1)
    return h @ W2.reshape(HIDDEN, CLASSES) + b2


def loss(w, X, labels):
    """Return the mean softmax cross-entropy of the images' labels."""
    z = logits(w, X)
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(labels)), labels])
