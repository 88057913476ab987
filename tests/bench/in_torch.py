"""The losses in PyTorch, by workload."""

import torch
from torch.nn import functional


def classifier(params, X, labels):
    h = X
    for layer in params[:-1]:
        h = torch.relu(h @ layer["W"] + layer["b"])
    z = h @ params[-1]["W"] + params[-1]["b"]
    return functional.cross_entropy(z, labels)


def xor(W, b, v, c, X, y):
    p = torch.sigmoid(torch.tanh(X @ W + b) @ v + c)
    return torch.mean((p - y) ** 2)


def logistic(w, X, y):
    return functional.binary_cross_entropy_with_logits(X @ w, y)


def scalar(a, b, c, d, e, f, g, h, i, j):
    wave = torch.sin(a * b) + torch.exp(-(c**2))
    growth = torch.log(1 + d**2) + torch.sqrt(1 + e**2)
    switch = torch.tanh(f * g + h)
    return wave * growth + switch * (i - j) ** 2


def elementwise(X, b):
    gelu = functional.gelu(X + b, approximate="tanh")
    return torch.mean(torch.exp(-torch.tanh(gelu)))


def deep(params, X):
    h = X
    for layer in params:
        h = torch.tanh(h @ layer["W"] + layer["b"])
    return torch.mean(h**2)


def mixture(weights, means, log_diagonals, lower, X):
    n = X.shape[0]
    Q = torch.tril(lower, -1) + torch.diag_embed(torch.exp(log_diagonals))
    y = (X - means[:, None, :]) @ Q.transpose(1, 2)
    log_scales = weights + log_diagonals.sum(dim=1)
    terms = log_scales[:, None] - 0.5 * torch.sum(y**2, dim=2)
    likelihood = torch.logsumexp(terms, 0).sum() - n * torch.logsumexp(weights, 0)
    prior = 0.5 * torch.sum(Q**2) - 2 * torch.sum(log_diagonals)
    return prior - likelihood


def lstm(W, U, b, v, X, y):
    zeros = torch.zeros((1, X.shape[1], U.shape[0]), dtype=X.dtype)
    order = [0, 1, 3, 2]  # PyTorch's third gate is the loss's fourth
    W, U, b = (
        torch.cat([torch.chunk(one, 4, dim=-1)[gate] for gate in order], dim=-1)
        for one in (W, U, b)
    )
    weights = [W.T, U.T, b, torch.zeros_like(b)]
    h = torch.lstm(X, [zeros, zeros], weights, True, 1, 0.0, False, False, False)[1][0]
    return torch.mean((h @ v - y) ** 2)


def convolutions(K1, b1, K2, b2, W, b, X, labels):
    h = functional.max_pool2d(torch.relu(functional.conv2d(X, K1, b1)), 2)
    h = functional.max_pool2d(torch.relu(functional.conv2d(h, K2, b2)), 2)
    return functional.cross_entropy(h.flatten(1) @ W + b, labels)


def transformer(params, X, Y):
    p, width = params, X.shape[-1]

    def heads(x):
        return x.unflatten(2, (4, width // 4)).transpose(1, 2)

    a = functional.layer_norm(X, (width,), p["gain1"], p["bias1"])
    q, k, v = heads(a @ p["Wq"]), heads(a @ p["Wk"]), heads(a @ p["Wv"])
    mixed = functional.scaled_dot_product_attention(q, k, v)
    h = X + mixed.transpose(1, 2).reshape(X.shape) @ p["Wo"]
    a = functional.layer_norm(h, (width,), p["gain2"], p["bias2"])
    h = h + torch.relu(a @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]
    return torch.mean((h - Y) ** 2)


LOSSES = {
    "w1_classifier": classifier,
    "w2_xor": xor,
    "w2_logistic": logistic,
    "w2_scalar": scalar,
    "w3_wide": classifier,
    "w4_elementwise": elementwise,
    "w5_deep": deep,
    "w6_mixture": mixture,
    "w7_lstm": lstm,
    "w8_convolutions": convolutions,
    "w9_transformer": transformer,
}
