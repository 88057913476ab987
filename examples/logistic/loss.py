"""The loss of logistic regression, for any number of patients and features.

Plain NumPy, nothing of symdiff: `ARGS` says to the compiler what goes in.
"""

import numpy as np

ARGS = {
    "w": ("d",),
    "X": ("n", "d"),
    "y": ("n",),
}


def loss(w, X, y):
    """Return the mean binary cross-entropy of labels y, 0 or 1, given logits X @ w."""
    z = X @ w
    return np.mean(np.logaddexp(0, z) - y * z)  # log(1 + exp(z)) without overflow
