"""Losses, their gradients derived by hand, and gradients with one mistake each.

A right gradient is what a textbook or a good engineer would write; a wrong one is one of
these with a mistake that people make, and a word that its refutation must say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import erf, expit, log_softmax, logsumexp, softmax

__all__ = ["CASES", "Case"]


@dataclass(frozen=True)
class Case:
    """A loss, the specs of its arguments, and gradients of it.

    right: proved for every size. wrong: with what the explanation says of each.
    """

    name: str
    loss: Callable
    args: Mapping[str, Any]
    wrt: str | tuple[str, ...]
    right: Sequence[Callable]
    wrong: Sequence[tuple[Callable, str]] = ()


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# Regressions.

REGRESSION = {"w": ("d",), "X": ("n", "d"), "y": ("n",)}
SOFTMAX = {"W": ("d", "k"), "X": ("n", "d"), "Y": ("n", "k")}
LABELS = {"W": ("d", "k"), "X": ("n", "d"), "labels": "n:int64"}


def logistic_by_logarithms(w, X, y):
    p = sigmoid(X @ w)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def logistic_by_softplus(w, X, y):
    z = X @ w
    return np.mean(np.logaddexp(0, z) - y * z)


def logistic_without_overflow(w, X, y):
    z = X @ w
    return np.sum(np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))) / len(y)


def logistic_gradient(w, X, y):
    return X.T.dot(sigmoid(X @ w) - y) / X.shape[0]


def logistic_by_rows(w, X, y):
    error = np.exp(X @ w) / (1 + np.exp(X @ w)) - y
    return (error[:, None] * X).mean(axis=0)


def logistic_by_tanh(w, X, y):
    return np.einsum("nd,n->d", X, (1 + np.tanh(X @ w / 2)) / 2 - y) / len(X)


LOGISTIC_WRONG = (
    (lambda w, X, y: X.T @ (sigmoid(X @ w) - y), "n times"),
    (lambda w, X, y: X.T @ (y - sigmoid(X @ w)) / len(y), "minus the gradient"),
    (lambda w, X, y: X.T @ (sigmoid(X @ w) - y) / X.size, "1/d times"),
    (lambda w, X, y: X.T @ (np.tanh(X @ w) - y) / len(y), ""),
    (lambda w, X, y: X.T @ (X @ w - y) / len(y), ""),
)


def softmax_regression(W, X, Y):
    log_p = log_softmax(X @ W, axis=1)
    return -np.sum(Y * log_p) / len(X)


def softmax_of_labels(W, X, labels):
    z = X @ W
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(labels)), labels])


def softmax_of_labels_gradient(W, X, labels):
    p = softmax(X @ W, axis=1)
    p[np.arange(len(X)), labels] -= 1
    return X.T @ p / len(X)


def softmax_one_hot(W, X, labels):
    e = np.exp(X @ W)
    p = e / e.sum(axis=1, keepdims=True)
    return X.T @ (p - (labels[:, None] == np.arange(W.shape[1]))) / len(X)


def softmax_unshifted(W, X, Y):
    e = np.exp(X @ W)
    p = e / e.sum(1)[:, None]
    return X.T @ (p * Y.sum(1, keepdims=True) - Y) / len(X)


def linear(w, X, y):
    return np.mean((X @ w - y) ** 2)


def ridge(w, X, y, lam=0.1):
    return np.mean((X @ w - y) ** 2) / 2 + lam * np.sum(w**2)


def lasso(w, X, y, lam=0.1):
    return np.mean((X @ w - y) ** 2) / 2 + lam * np.sum(np.abs(w))


def poisson(w, X, y):
    z = X @ w
    return np.mean(np.exp(z) - y * z)


# Networks.

DELTA = {"w": ("d",), "x": ("d",), "t": ()}
TWO_LAYERS = {
    **{"W": ("d", "h"), "b": ("h",), "V": ("h", "k"), "c": ("k",)},
    **{"X": ("n", "d"), "Y": ("n", "k")},
}
SQUARE = {"A": ("d", "d"), "x": ("d",), "y": ("d",)}


def delta_rule(w, x, t):
    return (sigmoid(w @ x) - t) ** 2 / 2


def delta_gradient(w, x, t):
    y = sigmoid(w @ x)
    return (y - t) * y * (1 - y) * x


def tanh_network(W, b, V, c, X, Y):
    h = np.tanh(X @ W + b)
    return np.mean((h @ V + c - Y) ** 2)


def tanh_backward(slope: Callable) -> Callable:
    def gradient(W, b, V, c, X, Y):
        h = np.tanh(X @ W + b)
        d = 2 * (h @ V + c - Y) / Y.size
        e = d @ V.T * slope(h)
        return X.T @ e, e.sum(axis=0), h.T @ d, d.sum(axis=0)

    return gradient


def tanh_summed_wrongly(W, b, V, c, X, Y):
    dW, db, dV, _ = tanh_backward(lambda h: 1 - h**2)(W, b, V, c, X, Y)
    d = 2 * (np.tanh(X @ W + b) @ V + c - Y) / Y.size
    return dW, db, dV, d.sum(axis=1)


def tanh_without_bias(W, b, V, c, X, Y):
    dW, _, dV, dc = tanh_backward(lambda h: 1 - h**2)(W, b, V, c, X, Y)
    return dW, np.zeros_like(b), dV, dc


def tanh_as_dict(W, b, V, c, X, Y):
    dW, db, dV, dc = tanh_backward(lambda h: 1 / np.cosh(X @ W + b) ** 2)(
        W, b, V, c, X, Y
    )
    return {"c": dc, "V": dV, "b": db, "W": dW}


def relu_network(W, b, V, c, X, Y):
    h = np.maximum(X @ W + b, 0)
    return np.sum((h @ V + c - Y) ** 2)


def relu_backward(W, b, V, c, X, Y):
    h = np.maximum(X @ W + b, 0)
    d = 2 * (h @ V + c - Y)
    e = d @ V.T * (h > 0)
    return X.T @ e, e.sum(axis=0), h.T @ d, d.sum(axis=0)


def relu_by_where(W, b, V, c, X, Y):
    z = X @ W + b
    d = 2 * (np.where(z > 0, z, 0) @ V + c - Y)
    e = np.where(z > 0, d @ V.T, 0)
    return X.T @ e, np.ones(len(X)) @ e, np.maximum(0, z).T @ d, d.sum(axis=0)


def relu_without_mask(W, b, V, c, X, Y):
    h = np.maximum(X @ W + b, 0)
    d = 2 * (h @ V + c - Y)
    e = d @ V.T * h
    return X.T @ e, e.sum(axis=0), h.T @ d, d.sum(axis=0)


def square_layer(A, x, y):
    return np.sum((A @ x - y) ** 2)


# Normalisation and attention.

BATCH = {"x": ("n", "d"), "gamma": ("d",), "beta": ("d",), "c": ("n", "d")}
HEADS = {"Q": ("n", "d"), "K": ("m", "d"), "V": ("m", "k"), "c": ("n", "k")}
EPS = 1e-5


def batch_norm(x, gamma, beta, c):
    normal = (x - x.mean(0)) / np.sqrt(x.var(0) + EPS)
    return np.sum((gamma * normal + beta) * c)


def batch_norm_backward(x, gamma, beta, c):
    n, scale = len(x), 1 / np.sqrt(x.var(0) + EPS)
    normal = (x - x.mean(0)) * scale
    dgamma, dbeta = (c * normal).sum(0), c.sum(0)
    return gamma * scale / n * (n * c - dbeta - normal * dgamma), dgamma, dbeta


def batch_norm_step_by_step(x, gamma, beta, c):
    n, centred = len(x), x - x.mean(axis=0)
    var = (centred**2).sum(axis=0) / n + EPS
    d_normal = c * gamma
    d_var = np.sum(d_normal * centred, axis=0) * -0.5 * var**-1.5
    d_mean = -d_normal.sum(0) / np.sqrt(var) - 2 * d_var * centred.mean(0)
    dx = d_normal / np.sqrt(var) + d_var * 2 * centred / n + d_mean / n
    return dx, np.sum(c * centred / np.sqrt(var), axis=0), np.sum(c, axis=0)


def batch_norm_without_variance(x, gamma, beta, c):
    scale = 1 / np.sqrt(x.var(0) + EPS)
    normal = (x - x.mean(0)) * scale
    return gamma * scale * (c - c.mean(0)), (c * normal).sum(0), c.sum(0)


def batch_norm_mean_of_beta(x, gamma, beta, c):
    dx, dgamma, _ = batch_norm_backward(x, gamma, beta, c)
    return dx, dgamma, c.mean(0)


def layer_norm(x, gamma, beta, c):
    mean, var = x.mean(1, keepdims=True), x.var(1, keepdims=True)
    return np.sum((gamma * (x - mean) / np.sqrt(var + EPS) + beta) * c)


def layer_norm_of_columns(x, gamma, beta, c):
    return layer_norm_backward(x, gamma, beta, c, axis=0)


def layer_norm_backward(x, gamma, beta, c, axis=1):
    scale = 1 / np.sqrt(x.var(1, keepdims=True) + EPS)
    normal, d = (x - x.mean(1, keepdims=True)) * scale, c * gamma
    along = (d * normal).mean(axis, keepdims=True)
    dx = scale * (d - d.mean(axis, keepdims=True) - normal * along)
    return dx, (c * normal).sum(0), c.sum(0)


def attention(Q, K, V, c):
    s = Q @ K.T / np.sqrt(Q.shape[1])
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return np.sum((e / e.sum(axis=1, keepdims=True)) @ V * c)


def attention_backward(Q, K, V, c):
    root = np.sqrt(Q.shape[1])
    p = softmax(Q @ K.T / root, axis=1)
    dp = c @ V.T
    ds = p * (dp - (dp * p).sum(axis=1, keepdims=True)) / root
    return ds @ K, ds.T @ Q, p.T @ c


def attention_without_scale(Q, K, V, c):
    dQ, dK, dV = attention_backward(Q, K, V, c)
    return dQ * np.sqrt(Q.shape[1]), dK * np.sqrt(Q.shape[1]), dV


def attention_wrong_axis(Q, K, V, c):
    p = softmax(Q @ K.T / np.sqrt(Q.shape[1]), axis=1)
    dp = c @ V.T
    ds = p * (dp - (dp * p).sum(axis=0, keepdims=True)) / np.sqrt(Q.shape[1])
    return ds @ K, ds.T @ Q, p.T @ c


# Statistics.

SAMPLE = {"mu": (), "sigma": (), "x": ("n",)}


def gaussian(mu, sigma, x):
    return -np.sum(-0.5 * ((x - mu) / sigma) ** 2 - np.log(sigma * np.sqrt(2 * np.pi)))


def gaussian_gradient(mu, sigma, x):
    n = len(x)
    return np.sum(mu - x) / sigma**2, n / sigma - np.sum((x - mu) ** 2) / sigma**3


def gaussian_wrong(mu, sigma, x):
    d_mu, d_sigma = gaussian_gradient(mu, sigma, x)
    return d_mu, -d_sigma


def gaussian_by_moments(mu, sigma, x):
    z = (x - mu) / sigma
    return -z.sum() / sigma, (1 - np.mean(z**2)) * x.size / sigma


def log_sum_exp(z):
    return logsumexp(z)


def entropy(z):
    p = softmax(z)
    return -np.sum(p * np.log(p))


def entropy_gradient(z):
    p = softmax(z)
    return -p * (np.log(p) - np.sum(p * np.log(p)))


def cosine(u, v):
    return u @ v / (np.linalg.norm(u) * np.linalg.norm(v))


def cosine_gradient(u, v):
    a, b = np.sqrt(np.sum(u**2)), np.sqrt(np.sum(v**2))
    return v / (a * b) - (u @ v) * u / (a**3 * b)


def factorisation(U, V, R):
    return np.sum((U @ V.T - R) ** 2) / 2


def quadratic(x, A):
    return x @ A @ x


def rbf(x, y, s):
    return np.exp(-np.sum((x - y) ** 2) / (2 * s**2))


def embedding(E, ids, c):
    return np.sum(E[ids] * c)


def embedding_gradient(E, ids, c):
    d = np.zeros_like(E)
    np.add.at(d, ids, c)
    return d


def huber(w, X, y, delta=1.0):
    r = X @ w - y
    small = np.abs(r) <= delta
    return np.mean(np.where(small, r**2 / 2, delta * (np.abs(r) - delta / 2)))


def huber_gradient(w, X, y, delta=1.0):
    r = X @ w - y
    return X.T @ np.where(np.abs(r) <= delta, r, delta * np.sign(r)) / len(y)


def hinge(w, X, y):
    return np.mean(np.maximum(0, 1 - y * (X @ w)))


def hinge_gradient(w, X, y):
    return -X.T @ (y * (y * (X @ w) < 1)) / len(y)


def gelu(W, X, Y):
    a = X @ W
    return np.sum((a * (1 + erf(a / np.sqrt(2))) / 2 - Y) ** 2) / 2


def gelu_gradient(W, X, Y, two=2):
    a = X @ W
    below = (1 + erf(a / np.sqrt(2))) / 2
    density = np.exp(-(a**2) / 2) / np.sqrt(two * np.pi)
    return X.T @ ((a * below - Y) * (below + a * density))


def contrast(Z, c):
    S = Z @ Z.T
    return np.mean(logsumexp(S, axis=1) - np.diag(S))


def contrast_gradient(Z, c):
    S = Z @ Z.T
    d_S = (softmax(S, axis=1) - np.eye(len(Z))) / len(Z)
    return d_S @ Z + d_S.T @ Z


CASES = (
    Case(
        "GELU",
        gelu,
        SOFTMAX,
        "W",
        (gelu_gradient,),
        ((lambda W, X, Y: gelu_gradient(W, X, Y, two=1), ""),),
    ),
    Case(
        "contrastive",
        contrast,
        {"Z": ("n", "d"), "c": ()},
        "Z",
        (contrast_gradient,),
        ((lambda Z, c: 2 * contrast_gradient(Z, c).T.T - Z, ""),),
    ),
    Case(
        "logistic regression",
        logistic_by_logarithms,
        REGRESSION,
        "w",
        (logistic_gradient, logistic_by_rows, logistic_by_tanh),
        LOGISTIC_WRONG,
    ),
    Case(
        "logistic regression by softplus",
        logistic_by_softplus,
        REGRESSION,
        "w",
        (logistic_gradient, lambda w, X, y: (expit(X @ w) - y) @ X / len(y)),
    ),
    Case(
        "logistic regression without overflow",
        logistic_without_overflow,
        REGRESSION,
        "w",
        (logistic_gradient, logistic_by_rows),
    ),
    Case(
        "softmax regression",
        softmax_regression,
        SOFTMAX,
        "W",
        (softmax_unshifted,),
        (
            (lambda W, X, Y: X.T @ (softmax(X @ W, axis=1) - Y) / len(X), ""),
            (lambda W, X, Y: X.T @ (softmax(X @ W, axis=0) - Y) / len(X), ""),
        ),
    ),
    Case(
        "softmax regression of labels",
        softmax_of_labels,
        LABELS,
        "W",
        (softmax_of_labels_gradient, softmax_one_hot),
        (
            (lambda W, X, labels: X.T @ softmax(X @ W, axis=1) / len(X), ""),
            (lambda W, X, labels: len(X) * softmax_one_hot(W, X, labels), "n times"),
            (lambda W, X, labels: softmax_one_hot(W, X, labels).T, "transpose"),
        ),
    ),
    Case(
        "linear regression",
        linear,
        REGRESSION,
        "w",
        (
            lambda w, X, y: 2 * X.T @ (X @ w - y) / len(y),
            lambda w, X, y: 2 / len(y) * (X.T @ X @ w - X.T @ y),
            lambda theta, data, t: 2
            * np.mean((data @ theta - t)[:, None] * data, axis=0),
        ),
        (
            (lambda w, X, y: X.T @ (X @ w - y) / len(y), "1/2 times"),
            (lambda w, X, y: 2 * X.T @ (X @ w - y), "n times"),
            (lambda w, X, y: 2 * X.T @ (y - X @ w) / len(y), "minus"),
            (lambda w, X, y: 2 * X.T @ (X @ w + y) / len(y), ""),
        ),
    ),
    Case(
        "ridge regression",
        ridge,
        REGRESSION,
        "w",
        (
            lambda w, X, y: X.T @ (X @ w - y) / len(y) + 0.2 * w,
            lambda w, X, y, lam=0.1: X.T @ (X @ w - y) / X.shape[0] + 2 * lam * w,
            lambda w, X, y, lam=0.1: (X.T @ X / len(y) + 2 * lam * np.eye(len(w))) @ w
            - X.T @ y / len(y),
        ),
        (
            (lambda w, X, y: X.T @ (X @ w - y) / len(y) + 0.1 * w, "-1/10 times w"),
            (lambda w, X, y: X.T @ (X @ w - y) / len(y), "-1/5 times w"),
        ),
    ),
    Case(
        "lasso",
        lasso,
        REGRESSION,
        "w",
        (lambda w, X, y: X.T @ (X @ w - y) / len(y) + 0.1 * np.sign(w),),
        ((lambda w, X, y: X.T @ (X @ w - y) / len(y) + 0.1 * w, ""),),
    ),
    Case(
        "Poisson regression",
        poisson,
        REGRESSION,
        "w",
        (lambda w, X, y: X.T @ (np.exp(X @ w) - y) / len(y),),
        ((lambda w, X, y: X.T @ (np.exp(X @ w) - y) / X.shape[1], "n/d times"),),
    ),
    Case(
        "delta rule",
        delta_rule,
        DELTA,
        "w",
        (
            delta_gradient,
            lambda w, x, t: (expit(w @ x) - t) * expit(w @ x) * expit(-(w @ x)) * x,
        ),
        (
            (lambda w, x, t: (sigmoid(w @ x) - t) * x, ""),
            (lambda w, x, t: -delta_gradient(w, x, t), "minus"),
            (lambda w, x, t: delta_gradient(x, w, t), ""),
        ),
    ),
    Case(
        "two layers of tanh",
        tanh_network,
        TWO_LAYERS,
        ("W", "b", "V", "c"),
        (tanh_backward(lambda h: 1 - h**2), tanh_as_dict),
        (
            (tanh_backward(lambda h: 1 - h), ""),
            (tanh_backward(lambda h: h * (1 - h)), ""),
            (tanh_summed_wrongly, "shape"),
            (tanh_without_bias, "0 everywhere"),
        ),
    ),
    Case(
        "two layers of relu",
        relu_network,
        TWO_LAYERS,
        ("W", "b", "V", "c"),
        (relu_backward, relu_by_where),
        ((relu_without_mask, ""),),
    ),
    Case(
        "square layer",
        square_layer,
        SQUARE,
        "A",
        (
            lambda A, x, y: 2 * np.outer(A @ x - y, x),
            lambda A, x, y: 2 * (A @ x - y)[:, None] * x,
        ),
        (
            (lambda A, x, y: 2 * np.outer(x, A @ x - y), "transpose"),
            (lambda A, x, y: 2 * np.outer(A.T @ x - y, x), ""),
            (lambda A, x, y: 2 * (A @ x - y) * x, "shape"),
        ),
    ),
    Case(
        "batch norm",
        batch_norm,
        BATCH,
        ("x", "gamma", "beta"),
        (batch_norm_backward, batch_norm_step_by_step),
        (
            (batch_norm_without_variance, ""),
            (batch_norm_mean_of_beta, "1/n times"),
        ),
    ),
    Case(
        "layer norm",
        layer_norm,
        BATCH,
        ("x", "gamma", "beta"),
        (layer_norm_backward,),
        ((layer_norm_of_columns, ""),),
    ),
    Case(
        "attention",
        attention,
        HEADS,
        ("Q", "K", "V"),
        (attention_backward,),
        ((attention_without_scale, ""), (attention_wrong_axis, "")),
    ),
    Case(
        "Gaussian log-likelihood",
        gaussian,
        SAMPLE,
        ("mu", "sigma"),
        (gaussian_gradient, gaussian_by_moments),
        (
            (lambda mu, sigma, x: (np.sum(mu - x) / sigma, 0 * sigma), ""),
            (lambda mu, sigma, x: (mu - x.mean(), gaussian_wrong(mu, sigma, x)[1]), ""),
            (gaussian_wrong, "minus"),
        ),
    ),
    Case(
        "log-sum-exp",
        log_sum_exp,
        {"z": ("n",)},
        "z",
        (
            lambda z: softmax(z),
            lambda z: np.exp(z - logsumexp(z)),
            lambda z: np.exp(z) / np.exp(z).sum(),
        ),
        ((lambda z: np.exp(z) / np.exp(z).mean(), "n times"),),
    ),
    Case("entropy", entropy, {"z": ("n",)}, "z", (entropy_gradient,)),
    Case(
        "cosine",
        cosine,
        {"u": ("n",), "v": ("n",)},
        "u",
        (cosine_gradient,),
        ((lambda u, v: v / np.sqrt(np.sum(u**2) * np.sum(v**2)), ""),),
    ),
    Case(
        "matrix factorisation",
        factorisation,
        {"U": ("n", "k"), "V": ("m", "k"), "R": ("n", "m")},
        ("U", "V"),
        (lambda U, V, R: ((U @ V.T - R) @ V, (U @ V.T - R).T @ U),),
        ((lambda U, V, R: ((R - U @ V.T) @ V, (U @ V.T - R).T @ U), "minus"),),
    ),
    Case(
        "quadratic form",
        quadratic,
        {"x": ("n",), "A": ("n", "n")},
        "x",
        (lambda x, A: (A + A.T) @ x, lambda x, A: A @ x + x @ A),
        (
            (lambda x, A: 2 * A @ x, ""),
            (lambda x, A: (A - A.T) @ x, ""),
        ),
    ),
    Case(
        "radial basis",
        rbf,
        {"x": ("n",), "y": ("n",), "s": ()},
        ("x", "s"),
        (
            lambda x, y, s: (
                (y - x) / s**2 * rbf(x, y, s),
                np.sum((x - y) ** 2) / s**3 * rbf(x, y, s),
            ),
        ),
        (
            (
                lambda x, y, s: (
                    (x - y) / s**2 * rbf(x, y, s),
                    np.sum((x - y) ** 2) / s**3 * rbf(x, y, s),
                ),
                "minus",
            ),
        ),
    ),
    Case(
        "embedding",
        embedding,
        {"E": ("v", "d"), "ids": "n:int64", "c": ("n", "d")},
        "E",
        (embedding_gradient,),
        ((lambda E, ids, c: 2 * embedding_gradient(E, ids, c), "2 times"),),
    ),
    Case(
        "Huber",
        huber,
        REGRESSION,
        "w",
        (huber_gradient,),
        ((lambda w, X, y: X.T @ (X @ w - y) / len(y), ""),),
    ),
    Case(
        "hinge",
        hinge,
        REGRESSION,
        "w",
        (hinge_gradient,),
        ((lambda w, X, y: -X.T @ y / len(y), ""),),
    ),
)
