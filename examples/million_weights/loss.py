"""The loss of a tanh network with one hidden layer.

Plain NumPy, nothing of symdiff. Of 802 inputs, 1,230 hidden units and 10 classes it has
1,000,000 weights. It is analytic, so that the complex step holds for it: no maximum is
subtracted in front of the exponentials, whose arguments stay small.
"""

import numpy as np

ARGS = {
    "W1": ("d", "m"),
    "b1": ("m",),
    "W2": ("m", 10),
    "b2": (10,),
    "X": ("n", "d"),
    "labels": "n:int64",
}
WRT = ("W1", "b1", "W2", "b2")


def loss(W1, b1, W2, b2, X, labels):
    """Return the mean softmax cross-entropy of the images' labels."""
    h = np.tanh(X @ W1 + b1)
    z = h @ W2 + b2
    right = z[np.arange(len(labels)), labels]
    return np.mean(np.log(np.sum(np.exp(z), axis=1)) - right)
