"""Pairs of functions that are the same, and pairs that nearly are.

Of those that are not the same some differ at corners alone, for some sizes, or in the
last digits: none may be proved equal.
"""

from __future__ import annotations

import numpy as np
from scipy.special import erf, erfc

__all__ = ["APART", "SAME"]

V = {"x": ("n",)}
S = {"x": ()}
XY = {"x": ("n",), "y": ("n",)}
M = {"A": ("n", "n"), "B": ("n", "n")}
X = {"X": ("n", "d")}

# name: (specs, one function, another)
SAME = {
    "exponents add": (
        XY,
        lambda x, y: np.exp(x) * np.exp(y),
        lambda x, y: np.exp(x + y),
    ),
    "halves of exponents": (S, lambda x: np.exp(x / 2) ** 2, lambda x: np.exp(x)),
    "logarithms of products": (
        XY,
        lambda x, y: np.log(np.exp(x) * (1 + y**2)),
        lambda x, y: x + np.log(1 + y**2),
    ),
    "tanh by sigmoid": (
        V,
        lambda x: np.tanh(x),
        lambda x: 2 / (1 + np.exp(-2 * x)) - 1,
    ),
    "sigmoid without overflow": (
        V,
        lambda x: 1 / (1 + np.exp(-x)),
        lambda x: np.where(x >= 0, 1, np.exp(-np.abs(x))) / (1 + np.exp(-np.abs(x))),
    ),
    "softplus": (
        V,
        lambda x: np.logaddexp(0, x),
        lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    ),
    "roots of numbers": (
        V,
        lambda x: np.sqrt(6) * x / np.sqrt(2) * np.sqrt(np.pi),
        lambda x: np.sqrt(3 * np.pi) * x,
    ),
    "normal distribution": (
        V,
        lambda x: (1 + erf(x / np.sqrt(2))) / 2,
        lambda x: erfc(-x * np.sqrt(0.5)) * 0.5,
    ),
    "diagonal of a product": (
        M,
        lambda A, B: np.diag(A @ B),
        lambda A, B: np.sum(A * B.T, axis=1),
    ),
    "product with a diagonal": (
        XY,
        lambda x, y: np.diag(x) @ np.diag(y),
        lambda x, y: np.diag(x * y),
    ),
    "root of a square": (V, lambda x: np.sqrt(x**2), lambda x: np.abs(x)),
    "sign times value": (V, lambda x: x * np.sign(x), lambda x: np.abs(x)),
    "square of a root": (V, lambda x: np.sqrt(x**2 + 1) ** 2, lambda x: x**2 + 1),
    "cosine and sine": (
        V,
        lambda x: np.cos(x) ** 2 + np.sin(x) ** 2,
        lambda x: 0 * x + 1,
    ),
    "odd and even": (
        V,
        lambda x: np.sin(-x) * np.cos(-x),
        lambda x: -np.sin(x) * np.cos(x),
    ),
    "relu by where": (V, lambda x: np.maximum(x, 0), lambda x: np.where(x > 0, x, 0)),
    "relu by its mask": (V, lambda x: x * (x > 0), lambda x: np.maximum(0, x)),
    "minimum by maximum": (
        XY,
        lambda x, y: np.minimum(x, y),
        lambda x, y: -np.maximum(-x, -y),
    ),
    "variance by moments": (
        X,
        lambda X: X.var(axis=0),
        lambda X: (X**2).mean(axis=0) - X.mean(axis=0) ** 2,
    ),
    "trace of a product": (
        M,
        lambda A, B: np.trace(A @ B),
        lambda A, B: np.sum(A * B.T),
    ),
    "product transposed": (M, lambda A, B: (A @ B).T, lambda A, B: B.T @ A.T),
    "three products": (
        M,
        lambda A, B: A @ (B @ A),
        lambda A, B: np.einsum("ij,jk,kl", A, B, A),
    ),
    "unit matrix": (M, lambda A, B: (A + np.eye(len(A))) @ B, lambda A, B: A @ B + B),
    "squared distances": (
        {"X": ("n", "d"), "Y": ("m", "d")},
        lambda X, Y: ((X[:, None, :] - Y[None, :, :]) ** 2).sum(axis=2),
        lambda X, Y: (X**2).sum(1)[:, None] + (Y**2).sum(1) - 2 * X @ Y.T,
    ),
    "softmax shifted": (
        X,
        lambda X: np.exp(X) / np.exp(X).sum(1, keepdims=True),
        lambda X: np.exp(X - X.max()) / np.exp(X - X.max()).sum(1, keepdims=True),
    ),
    "softmax sums to one": (
        X,
        lambda X: (np.exp(X) / np.exp(X).sum(1, keepdims=True)).sum(axis=1),
        lambda X: np.ones(len(X)),
    ),
    "thirds": (S, lambda x: x / 3, lambda x: (1 / 3) * x),
    "known sizes, reshaped": (
        {"A": (2, 3)},
        lambda A: A.reshape(3, 2).T.ravel()[::-1].sum(),
        lambda A: A.sum(),
    ),
}

APART = {
    "a root that is cut off": (V, lambda x: np.sqrt(3) * x, lambda x: 1.7320508 * x),
    "pi that is cut off": (V, lambda x: np.pi * x, lambda x: 3.14159265 * x),
    "diagonal of a product": (
        M,
        lambda A, B: np.diag(A @ B),
        lambda A, B: np.diag(A) * np.diag(B),
    ),
    "sum of a diagonal": (
        M,
        lambda A, B: np.sum(np.diag(A)),
        lambda A, B: np.sum(A) / len(A),
    ),
    "root of a square": (V, lambda x: np.sqrt(x**2), lambda x: x),
    "logarithm of a square": (V, lambda x: np.log(x**2), lambda x: 2 * np.log(x)),
    "logarithm of a product": (
        XY,
        lambda x, y: np.log(x * y),
        lambda x, y: np.log(x) + np.log(y),
    ),
    "at a corner": (V, lambda x: 1.0 * (x > 0), lambda x: 1.0 * (x >= 0)),
    "at one number": (V, lambda x: np.where(x == 3, 7, 2 * x), lambda x: 2 * x),
    "at one number, far off": (
        V,
        lambda x: np.where(x == 1234.5, 7, x),
        lambda x: 1 * x,
    ),
    "where two are zero": (
        XY,
        lambda x, y: np.where((x == 0) & (y == 0), 1, x),
        lambda x, y: 1 * x,
    ),
    "at a removable hole": (
        V,
        lambda x: np.where(x == 0, 1, np.sin(x) / x),
        lambda x: np.where(x == 0, 2, np.sin(x) / x),
    ),
    "at a corner of a root": (
        V,
        lambda x: np.sqrt(x**2),
        lambda x: np.where(x == 0, 5, np.abs(x)),
    ),
    "where two are equal": (
        XY,
        lambda x, y: 1.0 * (x <= y),
        lambda x, y: 1.0 * (x < y),
    ),
    "beyond a number": (V, lambda x: np.where(x > 1e9, 0, x), lambda x: 1 * x),
    "where three are positive": (
        {"x": (), "y": (), "z": ()},
        lambda x, y, z: np.where((x > 0) & (y > 0) & (z > 0), 1, 0) + 0 * x,
        lambda x, y, z: 0 * x,
    ),
    "last digits": (S, lambda x: x / 3, lambda x: 0.3333333 * x),
    "last digits, further": (S, lambda x: x / 3, lambda x: 0.333333333333 * x),
    "ten thousandths": (S, lambda x: np.exp(x), lambda x: np.exp(1.0001 * x)),
    "arc tangent": (V, lambda x: np.arctan(np.tan(x)), lambda x: 1 * x),
    "arc sine": (V, lambda x: np.arcsin(np.sin(x)), lambda x: 1 * x),
    "floor": (V, lambda x: np.floor(x) + x - x, lambda x: np.rint(x)),
    "more than one row": (X, lambda X: X.mean(axis=0), lambda X: X[0]),
    "eleventh element": (V, lambda x: np.sum(x), lambda x: np.sum(x[:10])),
    "sum and mean": (V, lambda x: np.sum(x), lambda x: np.mean(x)),
    "other axis": ({"A": ("n", "n")}, lambda A: A.sum(axis=0), lambda A: A.sum(axis=1)),
    "transposed": ({"A": ("n", "n")}, lambda A: A @ A, lambda A: A @ A.T),
    "commuted": (M, lambda A, B: A @ B, lambda A, B: B @ A),
    "trace": ({"A": ("n", "n")}, lambda A: np.trace(A), lambda A: np.sum(A)),
    "norms": (V, lambda x: np.sqrt(np.sum(x**2)), lambda x: np.sum(np.abs(x))),
    "extrema": (V, lambda x: np.max(x), lambda x: -np.min(x)),
    "maximum of two": (
        XY,
        lambda x, y: np.maximum(x, y),
        lambda x, y: np.maximum(y, x + 0.001),
    ),
    "signs of products": (XY, lambda x, y: np.sign(x) * y, lambda x, y: np.sign(y) * x),
    "scaled sign": (
        V,
        lambda x: np.where(37 * x > 0, x, 1),
        lambda x: np.where(x < 0, x, 1),
    ),
    "scaled root": (V, lambda x: np.sqrt((37 * x) ** 2), lambda x: -37 * np.abs(x)),
    "powers": ({"x": ("n",)}, lambda x: (x**2) ** 0.5, lambda x: x),
    "sizes": (X, lambda X: X.sum() / X.shape[0], lambda X: X.sum() / X.shape[1]),
    "sizes less one": (V, lambda x: x.var(ddof=1), lambda x: x.var()),
    "vandermonde": (
        {"x": (4,)},
        lambda x: np.prod([x[i] - x[j] for i in range(4) for j in range(i)]),
        lambda x: 0 * x[0],
    ),
    "whole powers": (
        {"x": ("n",), "k": "n:int64"},
        lambda x, k: x**k,
        lambda x, k: np.abs(x) ** k,
    ),
    "labels": (
        {"x": ("n",), "k": "n:int64"},
        lambda x, k: np.where(k == 3, x, 0),
        lambda x, k: 0 * x,
    ),
}
