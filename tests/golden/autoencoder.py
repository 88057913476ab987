"""A variational autoencoder with one hidden layer, its noise given as an argument.

Kingma and Welling (2014), equation 10, with Bernoulli outputs as logits.
"""

import numpy as np

ARGS = {
    "encoder": {"W": (20, 16), "mean": (16, 4), "log_var": (16, 4)},
    "decoder": {"W": (4, 16), "out": (16, 20)},
    "X": ("n", 20),
    "noise": ("n", 4),
}
WRT = ("encoder", "decoder")


def loss(encoder, decoder, X, noise):
    hidden = np.tanh(X @ encoder["W"])
    mean, log_var = hidden @ encoder["mean"], hidden @ encoder["log_var"]
    z = mean + np.exp(0.5 * log_var) * noise
    logits = np.tanh(z @ decoder["W"]) @ decoder["out"]
    reconstruction = np.sum(np.logaddexp(0, logits) - X * logits, axis=1)
    divergence = 0.5 * np.sum(np.exp(log_var) + mean**2 - 1 - log_var, axis=1)
    return np.mean(reconstruction + divergence)
