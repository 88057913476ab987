"""Multi-head attention, masked: Vaswani et al. (2017), section 3.2.2."""

import numpy as np

ARGS = {
    "W_q": (32, 32),
    "W_k": (32, 32),
    "W_v": (32, 32),
    "W_o": (32, 32),
    "x": ("b", "t", 32),
    "target": ("b", "t", 32),
}
WRT = ("W_q", "W_k", "W_v", "W_o")
HEADS = 4


def heads(x, W):
    b, t, d = x.shape
    return (x @ W).reshape(b, t, HEADS, d // HEADS).transpose(0, 2, 1, 3)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def loss(W_q, W_k, W_v, W_o, x, target):
    q, k, v = heads(x, W_q), heads(x, W_k), heads(x, W_v)
    scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(q.shape[-1])
    mask = np.triu(np.ones((x.shape[1], x.shape[1])), 1)
    weights = softmax(scores - 1e9 * mask)
    out = (weights @ v).transpose(0, 2, 1, 3).reshape(x.shape) @ W_o
    return np.mean((out - target) ** 2)
