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
    """Return a function that has each gate in a block of memory, one product for the
    inputs of all steps and one for the gradients of all steps, one call for what is done
    with all sigmoids.
    """
    steps, batch, inputs = X.shape
    hidden, dtype, rows = len(U), X.dtype, X.shape[0] * X.shape[1]
    a = np.empty((4, rows, hidden), dtype)  # X @ W + b
    inputs_of = [*np.moveaxis(a.reshape(4, steps, batch, hidden), 1, 0)]
    gates = np.empty((4, batch, hidden), dtype)
    s, slope = np.empty((2, steps, 3, batch, hidden), dtype)  # sigmoids of i, f and o
    g, t, g_slope, t_slope = np.empty((4, steps, batch, hidden), dtype)
    h, c = np.zeros((2, steps + 1, batch, hidden), dtype)
    flat = np.empty((rows, 4 * hidden), dtype)
    d_of = [*flat.reshape(steps, batch, 4, hidden).swapaxes(1, 2)]
    d_h, d_c, move = np.empty((3, batch, hidden), dtype)
    half, U_T = dtype.type(0.5), np.empty((4 * hidden, hidden), dtype)
    ones = np.ones(rows, dtype)
    d_W, d_U, d_b = np.empty_like(W), np.empty_like(U), np.empty_like(b)
    kept = [[*one] for one in (s, slope, g, t, g_slope, t_slope, h, c)]

    def parts(array):
        """The columns of each gate."""
        return array.reshape(len(array), 4, hidden).swapaxes(0, 1)

    def value_and_grad(W, U, b, v, X, y):
        s_of, slope_of, g_of, t_of, g_slope_of, t_slope_of, h_of, c_of = kept
        np.matmul(X.reshape(rows, inputs), parts(W), out=a)
        np.add(a, b.reshape(4, 1, hidden), out=a)
        U_parts = parts(U)
        for step in range(steps):
            np.matmul(h_of[step], U_parts, out=gates)
            np.add(gates, inputs_of[step], out=gates)
            sigmoids = s_of[step]  # sigmoid(x) = (1 + tanh(x / 2)) / 2
            np.multiply(gates[:3], half, out=sigmoids)
            np.tanh(sigmoids, out=sigmoids)
            np.multiply(sigmoids, half, out=sigmoids)
            np.add(sigmoids, half, out=sigmoids)
            i, f, o = sigmoids
            np.tanh(gates[3], out=g_of[step])
            np.multiply(f, c_of[step], out=c_of[step + 1])
            np.multiply(i, g_of[step], out=move)
            np.add(c_of[step + 1], move, out=c_of[step + 1])
            np.tanh(c_of[step + 1], out=t_of[step])
            np.multiply(o, t_of[step], out=h_of[step + 1])
        error = np.dot(h[steps], v)
        error -= y
        value = np.vdot(error, error) / batch

        # The slopes of all steps at once.
        np.multiply(s, s, out=slope)
        np.subtract(s, slope, out=slope)
        for tanh, own in (g, g_slope), (t, t_slope):
            np.multiply(tanh, tanh, out=own)
            np.subtract(1, own, out=own)

        error *= 2 / batch
        d_v = np.dot(error, h[steps])
        np.multiply(error[:, None], v, out=d_h)
        d_c.fill(0)
        np.copyto(U_T, U.T)
        d_i, d_f, d_o, d_g = gates
        for step in reversed(range(steps)):
            i, f, o = s_of[step]
            np.multiply(d_h, t_of[step], out=d_o)
            np.multiply(d_h, o, out=d_h)
            np.multiply(d_h, t_slope_of[step], out=d_h)
            np.add(d_c, d_h, out=d_c)
            np.multiply(d_c, g_of[step], out=d_i)
            np.multiply(d_c, c_of[step], out=d_f)
            np.multiply(d_c, i, out=d_g)
            np.multiply(d_g, g_slope_of[step], out=d_g)
            np.multiply(gates[:3], slope_of[step], out=gates[:3])
            np.copyto(d_of[step], gates)
            if step:
                np.multiply(d_c, f, out=d_c)
                np.dot(flat[step * batch : (step + 1) * batch], U_T, out=d_h)
        np.dot(X.reshape(rows, inputs).T, flat, out=d_W)
        np.dot(h[:-1].reshape(rows, hidden).T, flat, out=d_U)
        np.dot(ones, flat, out=d_b)
        return value, (d_W, d_U, d_b, d_v)

    return value_and_grad
