"""W2: a 2-3-1 network on the rows of XOR."""

from math import exp, tanh

import numpy as np


def plain(W, b, v, c, X, y):
    h = np.tanh(X @ W + b)
    p = 1 / (1 + np.exp(-(h @ v + c)))
    error = p - y
    value = np.mean(error**2)

    d_z = 2 / len(y) * error * p * (1 - p)
    d_a = np.outer(d_z, v) * (1 - h**2)
    return value, (X.T @ d_a, d_a.sum(axis=0), d_z @ h, d_z.sum())


def tuned(W, b, v, c, X, y):
    def value_and_grad(W, b, v, c, X, y):
        (w00, w01, w02), (w10, w11, w12) = W.tolist()
        (b0, b1, b2), (v0, v1, v2), c = b.tolist(), v.tolist(), float(c)
        value = d_c = 0.0
        d_v0 = d_v1 = d_v2 = d_b0 = d_b1 = d_b2 = 0.0
        d_w00 = d_w01 = d_w02 = d_w10 = d_w11 = d_w12 = 0.0
        for (x0, x1), target in zip(X.tolist(), y.tolist(), strict=True):
            h0 = tanh(x0 * w00 + x1 * w10 + b0)
            h1 = tanh(x0 * w01 + x1 * w11 + b1)
            h2 = tanh(x0 * w02 + x1 * w12 + b2)
            p = 1 / (1 + exp(-(h0 * v0 + h1 * v1 + h2 * v2 + c)))
            error = p - target
            value += error * error
            d_z = error * p * (1 - p)
            d_c += d_z
            d_v0 += d_z * h0
            d_v1 += d_z * h1
            d_v2 += d_z * h2
            d_a0 = d_z * v0 * (1 - h0 * h0)
            d_a1 = d_z * v1 * (1 - h1 * h1)
            d_a2 = d_z * v2 * (1 - h2 * h2)
            d_b0 += d_a0
            d_b1 += d_a1
            d_b2 += d_a2
            d_w00 += x0 * d_a0
            d_w01 += x0 * d_a1
            d_w02 += x0 * d_a2
            d_w10 += x1 * d_a0
            d_w11 += x1 * d_a1
            d_w12 += x1 * d_a2
        s = 2 / len(y)
        flat = [d_w00, d_w01, d_w02, d_w10, d_w11, d_w12, d_b0, d_b1, d_b2]
        flat = np.array([*flat, d_v0, d_v1, d_v2, d_c])
        flat *= s
        gradient = flat[:6].reshape(2, 3), flat[6:9], flat[9:12], flat[12]
        return value * s / 2, gradient

    return value_and_grad
