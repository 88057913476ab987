"""The evidence lower bound of a variational autoencoder: Kingma and Welling (2014), (10)."""

import numpy as np

ARGS = {
    "encoder": {"W": (64, 32), "b": (32,), "W_mu": (32, 8), "W_log_var": (32, 8)},
    "decoder": {"W": (8, 32), "b": (32,), "V": (32, 64), "c": (64,)},
    "x": ("n", 64),
    "epsilon": ("n", 8),
}
WRT = ("encoder", "decoder")


def loss(encoder, decoder, x, epsilon):
    h = np.tanh(x @ encoder["W"] + encoder["b"])
    mu = h @ encoder["W_mu"]
    log_var = h @ encoder["W_log_var"]
    z = mu + np.exp(log_var / 2) * epsilon  # reparametrisation
    g = np.tanh(z @ decoder["W"] + decoder["b"])
    y = 1 / (1 + np.exp(-(g @ decoder["V"] + decoder["c"])))
    likelihood = np.sum(x * np.log(y) + (1 - x) * np.log(1 - y), axis=1)
    divergence = -0.5 * np.sum(1 + log_var - mu**2 - np.exp(log_var), axis=1)
    return np.mean(divergence - likelihood)
