"""Modules made by hand, as an emitter might have made them, held against their loss."""

from __future__ import annotations

import types

import numpy as np

from symdiff.specs import read_signature
from symdiff.verify import verify

NETWORK_ARGS = {
    "W1": (4, 5),
    "b1": (5,),
    "W2": (5, 5),
    "b2": (5,),
    "X": ("n", 4),
    "labels": "n:int64",
}
NETWORK_WRT = ("W1", "b1", "W2", "b2")


def network(W1, b1, W2, b2, X, labels):
    h = np.tanh(X @ W1 + b1)
    z = h @ W2 + b2
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(labels)), labels])


NETWORK = """
from typing import NamedTuple
import numpy as np


class Gradient(NamedTuple):
    W1: np.ndarray
    b1: np.ndarray
    W2: np.ndarray
    b2: np.ndarray


def value(W1, b1, W2, b2, X, labels):
    return forward(W1, b1, W2, b2, X, labels)[0]


def forward(W1, b1, W2, b2, X, labels):
    n = X.shape[0]
    rows = np.arange(n)
    h = np.tanh(X @ W1 + b1)
    z = h @ W2 + b2
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    sum_e = e.sum(axis=1, keepdims=True)
    log_p = z - np.log(sum_e)
    value = -log_p[rows, labels].mean()
    return value, (W2, X, labels, n, rows, h, e, sum_e)


def backward(cache, cotangent=1.0):
    W2, X, labels, n, rows, h, e, sum_e = cache
    d_z = e / sum_e
    d_z[rows, labels] -= 1
    d_z *= cotangent / n
    d_W2 = h.T @ d_z
    d_b2 = d_z.sum(axis=0)
    d_h = d_z @ W2.T
    d_a = d_h * (1 - h**2)
    d_W1 = X.T @ d_a
    d_b1 = d_a.sum(axis=0)
    return Gradient(W1=d_W1, b1=d_b1, W2=d_W2, b2=d_b2)


def value_and_grad(W1, b1, W2, b2, X, labels):
    value, cache = forward(W1, b1, W2, b2, X, labels)
    return value, backward(cache)


def grad(W1, b1, W2, b2, X, labels):
    return value_and_grad(W1, b1, W2, b2, X, labels)[1]
"""


def module_of(text):
    module = types.ModuleType("gradient")
    exec(text, module.__dict__)
    return module


def check(text, loss, args, wrt, *, dtype="float64", single=False, **options):
    signature = read_signature(loss, args, None, dtype)
    module = text if isinstance(text, types.ModuleType) else module_of(text)
    bounds = options.pop("bounds", {})
    return verify(
        module,
        signature.bind(loss),
        signature,
        wrt,
        single=single,
        index_bounds=lambda sizes: bounds,
        **options,
    )


def handmade(value, gradient, *, structured=lambda gradient: gradient):
    """A module whose cache is its arguments; `gradient` gives new arrays."""

    def backward(cache, cotangent=1.0):
        return structured(gradient(*cache, cotangent))

    module = types.ModuleType("gradient")
    module.value = value
    module.forward = lambda *args: (value(*args), args)
    module.backward = backward
    module.value_and_grad = lambda *args: (value(*args), backward(args))
    module.grad = lambda *args: backward(args)
    return module


def nested_loss(params, x):
    for layer in params["layers"]:
        x = np.tanh(x @ layer["W"] + layer["b"])
    return np.sum(x * params["scale"])


def nested_gradient(params, x, cotangent):
    inputs = [x]
    for layer in params["layers"]:
        inputs.append(np.tanh(inputs[-1] @ layer["W"] + layer["b"]))
    scale = np.array(np.sum(inputs[-1]) * cotangent)
    g = cotangent * params["scale"] * np.ones_like(inputs[-1])
    layers = []
    for layer, before, after in zip(
        params["layers"][::-1], inputs[-2::-1], inputs[:0:-1], strict=True
    ):
        g = g * (1 - after**2)
        layers.append({"W": before.T @ g, "b": g.sum(axis=0)})
        g = g @ layer["W"].T
    return {"layers": layers[::-1], "scale": scale}


def nested_args(depth, width=3):
    layer = {"W": (width, width), "b": (width,)}
    return {
        "params": {"layers": [dict(layer) for _ in range(depth)], "scale": ()},
        "x": ("n", width),
    }
