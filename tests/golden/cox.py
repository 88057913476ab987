"""Cox's negative partial log-likelihood; rows are sorted by falling time."""

import numpy as np

ARGS = {"beta": ("d",), "X": ("n", "d"), "event": ("n",)}


def loss(beta, X, event):
    risk = X @ beta
    log_total = np.log(np.cumsum(np.exp(risk)))
    return -np.sum(event * (risk - log_total)) / np.sum(event)
