"""Scaled dot-product attention: Vaswani et al. (2017), equation 1.

The gradient of a softmax's argument is p * (g - sum(p * g)).
"""

import numpy as np

ARGS = {"Q": ("n", 8), "K": ("m", 8), "V": ("m", "k"), "target": ("n", "k")}
WRT = ("Q", "K", "V")


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def loss(Q, K, V, target):
    out = softmax(Q @ K.T / np.sqrt(K.shape[1])) @ V
    return np.mean((out - target) ** 2)


def forward(Q, K, V, target):
    p = softmax(Q @ K.T / np.sqrt(K.shape[1]))
    error = p @ V - target
    return np.mean(error**2), (Q, K, V, p, error)


def backward(cache):
    Q, K, V, p, error = cache
    d_out = 2 / error.size * error
    d_p = d_out @ V.T
    d_scores = p * (d_p - (d_p * p).sum(axis=1, keepdims=True)) / np.sqrt(K.shape[1])
    d_Q = d_scores @ K
    d_K = d_scores.T @ Q
    d_V = p.T @ d_out
    return d_Q, d_K, d_V
