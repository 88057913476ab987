"""W9: a transformer block."""

import numpy as np

from ..losses.w9_transformer import HEADS, heads


def normalise(x, gain, bias):
    """A layer norm, and what its gradient reads."""
    centred = x - x.mean(axis=-1, keepdims=True)
    scale = 1 / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + 1e-5)
    normal = centred * scale
    return gain * normal + bias, normal, scale


def d_normalise(d_y, gain, normal, scale):
    """The gradients of x, gain and bias."""
    d_normal = d_y * gain
    mean = d_normal.mean(axis=-1, keepdims=True)
    along = np.mean(d_normal * normal, axis=-1, keepdims=True)
    d_x = scale * (d_normal - mean - along * normal)
    return d_x, np.sum(d_y * normal, axis=(0, 1)), d_y.sum(axis=(0, 1))


def merged(x):
    """The heads side by side again."""
    n, count, length, width = x.shape
    return x.transpose(0, 2, 1, 3).reshape(n, length, count * width)


def plain(params, X, Y):
    p, d = params, {}
    flat = (-1, X.shape[-1])
    root = (X.shape[-1] // HEADS) ** 0.5
    a1, normal1, scale1 = normalise(X, p["gain1"], p["bias1"])
    q, k, v = heads(a1 @ p["Wq"]), heads(a1 @ p["Wk"]), heads(a1 @ p["Wv"])
    scores = q @ k.transpose(0, 1, 3, 2) / root
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = e / e.sum(axis=-1, keepdims=True)
    mixed = merged(weights @ v)
    h = X + mixed @ p["Wo"]
    a2, normal2, scale2 = normalise(h, p["gain2"], p["bias2"])
    hidden = np.maximum(a2 @ p["W1"] + p["b1"], 0)
    error = h + hidden @ p["W2"] + p["b2"] - Y
    value = np.mean(error**2)

    d_out = 2 / error.size * error
    wide = (-1, hidden.shape[-1])
    d["b2"] = d_out.sum(axis=(0, 1))
    d["W2"] = hidden.reshape(wide).T @ d_out.reshape(flat)
    d_hidden = (d_out @ p["W2"].T) * (hidden > 0)
    d["b1"] = d_hidden.sum(axis=(0, 1))
    d["W1"] = a2.reshape(flat).T @ d_hidden.reshape(wide)
    d_a2 = d_hidden @ p["W1"].T
    d_h, d["gain2"], d["bias2"] = d_normalise(d_a2, p["gain2"], normal2, scale2)
    d_h = d_h + d_out
    d["Wo"] = mixed.reshape(flat).T @ d_h.reshape(flat)
    d_mixed = heads(d_h @ p["Wo"].T)
    d_v = weights.transpose(0, 1, 3, 2) @ d_mixed
    d_weights = d_mixed @ v.transpose(0, 1, 3, 2)
    inner = np.sum(d_weights * weights, axis=-1, keepdims=True)
    d_scores = weights * (d_weights - inner) / root
    d_q, d_k = d_scores @ k, d_scores.transpose(0, 1, 3, 2) @ q
    d_a1 = 0
    for name, d_part in ("Wq", d_q), ("Wk", d_k), ("Wv", d_v):
        d_part = merged(d_part)
        d[name] = a1.reshape(flat).T @ d_part.reshape(flat)
        d_a1 = d_a1 + d_part @ p[name].T
    _, d["gain1"], d["bias1"] = d_normalise(d_a1, p["gain1"], normal1, scale1)
    return value, (d,)


class Norm:
    """A layer norm in buffers; means of rows are products with a vector."""

    def __init__(self, shape, dtype):
        self.normal, self.result = np.empty((2, *shape), dtype)
        self.mean = np.full(shape[1], 1 / shape[1], dtype)
        self.ones = np.ones(shape[0], dtype)
        self.scale = np.empty((shape[0], 1), dtype)

    def forward(self, x, gain, bias):
        normal, result = self.normal, self.result
        np.subtract(x, np.dot(x, self.mean)[:, None], out=normal)
        variance = np.vecdot(normal, normal)[:, None]
        variance *= 1 / x.shape[1]
        variance += 1e-5
        np.sqrt(variance, out=variance)
        np.divide(1, variance, out=self.scale)
        np.multiply(normal, self.scale, out=normal)
        np.multiply(normal, gain, out=result)
        return np.add(result, bias, out=result)

    def backward(self, d_y, gain, wanted=True):
        normal, buffer = self.normal, self.result
        d_bias = np.dot(self.ones, d_y)
        np.multiply(d_y, normal, out=buffer)
        d_gain = np.dot(self.ones, buffer)
        if not wanted:
            return None, d_gain, d_bias
        width = normal.shape[1]
        along = np.dot(buffer, gain)[:, None]
        along *= 1 / width
        np.multiply(normal, along, out=normal)
        mean = np.dot(d_y, gain)[:, None]
        mean *= 1 / width
        np.multiply(d_y, gain, out=d_y)
        np.subtract(d_y, mean, out=d_y)
        np.subtract(d_y, normal, out=d_y)
        np.multiply(d_y, self.scale, out=d_y)
        return d_y, d_gain, d_bias


def tuned(params, X, Y):
    (batch, length, width), dtype = X.shape, X.dtype
    rows, per_head, wide = batch * length, width // HEADS, len(params["b1"])
    norm1, norm2 = Norm((rows, width), dtype), Norm((rows, width), dtype)
    qkv, d_qkv = np.empty((2, rows, 3 * width), dtype)
    W, d_W = np.empty((2, width, 3 * width), dtype)
    p, d_p = np.empty((2, batch, HEADS, length, length), dtype)
    mixed, h, d_h, d_out = np.empty((4, rows, width), dtype)
    hidden, d_hidden = np.empty((2, rows, wide), dtype)
    mask = np.empty(hidden.shape, bool)
    ones, ones_row = np.ones(rows, dtype), np.ones(length, dtype)
    d = {name: np.empty_like(one) for name, one in params.items()}
    root = float(per_head**0.5)

    def split(array, place):
        """The heads of the queries, keys or values, as a view."""
        part = array[:, place * width : (place + 1) * width]
        part = part.reshape(batch, length, HEADS, per_head, copy=False)
        return part.transpose(0, 2, 1, 3)

    def value_and_grad(params, X, Y):
        X, Y = X.reshape(rows, width), Y.reshape(rows, width)
        a1 = norm1.forward(X, params["gain1"], params["bias1"])
        np.multiply(params["Wq"], 1 / root, out=W[:, :width])
        W[:, width : 2 * width] = params["Wk"]
        W[:, 2 * width :] = params["Wv"]
        np.dot(a1, W, out=qkv)
        q, k, v = (split(qkv, place) for place in range(3))
        np.matmul(q, k.transpose(0, 1, 3, 2), out=p)
        np.subtract(p, np.maximum.reduce(p, axis=-1, keepdims=True), out=p)
        np.exp(p, out=p)
        flat = p.reshape(-1, length)
        np.divide(flat, np.dot(flat, ones_row)[:, None], out=flat)
        np.matmul(p, v, out=split(mixed, 0))
        np.dot(mixed, params["Wo"], out=h)
        np.add(h, X, out=h)
        a2 = norm2.forward(h, params["gain2"], params["bias2"])
        np.dot(a2, params["W1"], out=hidden)
        np.add(hidden, params["b1"], out=hidden)
        np.maximum(hidden, 0, out=hidden)
        np.dot(hidden, params["W2"], out=d_out)
        np.add(d_out, h, out=d_out)
        np.add(d_out, params["b2"], out=d_out)
        np.subtract(d_out, Y, out=d_out)
        value = np.vdot(d_out, d_out) / d_out.size

        np.multiply(d_out, 2 / d_out.size, out=d_out)
        np.dot(ones, d_out, out=d["b2"])
        np.dot(hidden.T, d_out, out=d["W2"])
        np.dot(d_out, params["W2"].T, out=d_hidden)
        np.multiply(d_hidden, np.greater(hidden, 0, out=mask), out=d_hidden)
        np.dot(ones, d_hidden, out=d["b1"])
        np.dot(a2.T, d_hidden, out=d["W1"])
        np.dot(d_hidden, params["W1"].T, out=d_h)
        _, d["gain2"], d["bias2"] = norm2.backward(d_h, params["gain2"])
        np.add(d_h, d_out, out=d_h)
        np.dot(mixed.T, d_h, out=d["Wo"])
        d_mixed = split(np.dot(d_h, params["Wo"].T, out=d_out), 0)
        d_q, d_k, d_v = (split(d_qkv, place) for place in range(3))
        np.matmul(p.transpose(0, 1, 3, 2), d_mixed, out=d_v)
        np.matmul(d_mixed, v.transpose(0, 1, 3, 2), out=d_p)
        inner = np.vecdot(d_p, p)[..., None]
        np.subtract(d_p, inner, out=d_p)
        np.multiply(d_p, p, out=d_p)
        np.matmul(d_p, k, out=d_q)
        np.matmul(d_p.transpose(0, 1, 3, 2), q, out=d_k)
        np.dot(a1.T, d_qkv, out=d_W)
        np.multiply(d_W[:, :width], 1 / root, out=d["Wq"])
        d["Wk"][...] = d_W[:, width : 2 * width]
        d["Wv"][...] = d_W[:, 2 * width :]
        np.dot(d_qkv, W.T, out=d_h)
        _, d["gain1"], d["bias1"] = norm1.backward(d_h, params["gain1"], wanted=False)
        return value, (d,)

    return value_and_grad
