"""W7: an LSTM."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def plain(W, U, b, v, X, y):
    h = c = np.zeros((X.shape[1], len(U)), X.dtype)
    kept = []
    for x in X:
        i, f, o, g = np.split(x @ W + h @ U + b, 4, axis=1)
        i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
        before, c = c, f * c + i * g
        t = np.tanh(c)
        kept.append((x, h, before, i, f, o, g, t))
        h = o * t
    error = h @ v - y
    value = np.mean(error**2)

    d_error = 2 / len(y) * error
    d_v = d_error @ h
    d_h, d_c = np.outer(d_error, v), 0
    d_W, d_U, d_b = np.zeros_like(W), np.zeros_like(U), np.zeros_like(b)
    for x, h, before, i, f, o, g, t in reversed(kept):
        d_c = d_c + d_h * o * (1 - t**2)
        d_gates = (
            d_c * g * i * (1 - i),
            d_c * before * f * (1 - f),
            d_h * t * o * (1 - o),
            d_c * i * (1 - g**2),
        )
        d_a = np.concatenate(d_gates, axis=1)
        d_W += x.T @ d_a
        d_U += h.T @ d_a
        d_b += d_a.sum(axis=0)
        d_h, d_c = d_a @ U.T, d_c * f
    return value, (d_W, d_U, d_b, d_v)


def tuned(W, U, b, v, X, y):
    """Return a function that has one product for the inputs of all steps, one tanh for
    all gates of a step, and one product for the gradients of all steps.
    """
    steps, batch, inputs = X.shape
    hidden, dtype = len(U), X.dtype
    halves = np.full(4 * hidden, 0.5, dtype)  # sigmoid(x) = (1 + tanh(x / 2)) / 2
    halves[3 * hidden :] = 1
    a = np.empty((steps, batch, 4 * hidden), dtype)
    s, d_a = np.empty_like(a), np.empty_like(a)
    h, c = np.zeros((2, steps + 1, batch, hidden), dtype)
    t, slope = np.empty((2, steps, batch, hidden), dtype)
    product, d_h, d_c = np.empty((batch, 4 * hidden), dtype), *np.empty_like(h[:2])
    move = np.empty_like(d_h)
    rows, ones = steps * batch, np.ones(steps * batch, dtype)
    d_W, d_U, d_b = np.empty_like(W), np.empty_like(U), np.empty_like(b)

    def gates(array):
        """The four gates of an array, along a new axis before the last."""
        return array.reshape(*array.shape[:-1], 4, hidden)

    def value_and_grad(W, U, b, v, X, y):
        np.dot(X.reshape(rows, inputs), W * halves, out=a.reshape(rows, 4 * hidden))
        np.add(a, b * halves, out=a)
        half_U = U * halves
        for step in range(steps):
            one = a[step]
            np.dot(h[step], half_U, out=product)
            np.add(one, product, out=one)
            np.tanh(one, out=one)
            now = s[step]
            sigmoids = now[:, : 3 * hidden]
            np.multiply(one[:, : 3 * hidden], 0.5, out=sigmoids)
            np.add(sigmoids, 0.5, out=sigmoids)
            np.multiply(now[:, hidden : 2 * hidden], c[step], out=c[step + 1])
            np.multiply(now[:, :hidden], one[:, 3 * hidden :], out=move)
            np.add(c[step + 1], move, out=c[step + 1])
            np.tanh(c[step + 1], out=t[step])
            np.multiply(now[:, 2 * hidden : 3 * hidden], t[step], out=h[step + 1])
        error = np.dot(h[steps], v)
        error -= y
        value = np.vdot(error, error) / batch

        # What each step multiplies with, for all steps at once.
        i, f, o, _ = np.moveaxis(gates(s), -2, 0)
        g = gates(a)[..., 3, :]
        np.multiply(t, t, out=slope)
        np.subtract(1, slope, out=slope)
        np.multiply(slope, o, out=slope)
        # s * (1 - s) = (1 - tanh**2) / 4, and 1 - g**2
        np.multiply(a, a, out=d_a)
        np.subtract(1, d_a, out=d_a)
        d_i, d_f, d_o, d_g = np.moveaxis(gates(d_a), -2, 0)
        for one, factor in (d_i, g), (d_f, c[:-1]), (d_o, t):
            np.multiply(one, factor, out=one)
            np.multiply(one, 0.25, out=one)
        np.multiply(d_g, i, out=d_g)

        error *= 2 / batch
        d_v = np.dot(error, h[steps])
        np.multiply(error[:, None], v, out=d_h)
        d_c.fill(0)
        for step in reversed(range(steps)):
            np.multiply(d_h, slope[step], out=move)
            np.add(d_c, move, out=d_c)
            one = gates(d_a[step])
            np.multiply(one[:, :2], d_c[:, None], out=one[:, :2])
            np.multiply(one[:, 3], d_c, out=one[:, 3])
            np.multiply(one[:, 2], d_h, out=one[:, 2])
            if step:
                np.multiply(d_c, f[step], out=d_c)
                np.dot(d_a[step], U.T, out=d_h)
        flat = d_a.reshape(rows, 4 * hidden)
        np.dot(X.reshape(rows, inputs).T, flat, out=d_W)
        np.dot(h[:-1].reshape(rows, hidden).T, flat, out=d_U)
        np.dot(ones, flat, out=d_b)
        return value, (d_W, d_U, d_b, d_v)

    return value_and_grad
