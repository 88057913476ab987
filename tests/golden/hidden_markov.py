"""The forward algorithm of a hidden Markov model in log space, five observations."""

import numpy as np

ARGS = {
    "log_start": (3,),
    "log_move": (3, 3),
    "log_emit": (3, 4),
    "seen": "5:int64",
}
WRT = ("log_start", "log_move", "log_emit")


def log_softmax(a):
    return a - np.logaddexp.reduce(a, axis=-1, keepdims=True)


def loss(log_start, log_move, log_emit, seen):
    move, emit = log_softmax(log_move), log_softmax(log_emit)
    alpha = log_softmax(log_start) + emit[:, seen[0]]
    for t in range(1, 5):
        reached = np.logaddexp.reduce(alpha[:, None] + move, axis=0)
        alpha = reached + emit[:, seen[t]]
    return -np.logaddexp.reduce(alpha)
