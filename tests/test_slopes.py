"""Gradients judged by differences: kinks, magnitudes, many leaves, their cost."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from handmade import check, handmade, nested_args, nested_gradient, nested_loss

from symdiff.errors import VerificationError

KINKED = {
    "relu": (
        lambda x, W: np.sum(np.maximum(x @ W, 0) ** 1),
        lambda x, W, c: c * (x.T @ (x @ W > 0).astype(float)),
    ),
    "abs": (
        lambda x, W: np.mean(np.abs(x @ W)),
        lambda x, W, c: c / (x @ W).size * (x.T @ np.sign(x @ W)),
    ),
    "max": (
        lambda x, W: np.sum((x @ W).max(axis=1)),
        lambda x, W, c: c * (x.T @ np.eye(W.shape[1])[(x @ W).argmax(axis=1)]),
    ),
    "two layers": (
        lambda x, W: np.sum(np.maximum(np.maximum(x @ W, 0) @ W.T, 0.0)),
        lambda x, W, c: two_layers(x, W, c),
    ),
}


def two_layers(x, W, c):
    h = np.maximum(x @ W, 0)
    g = c * (h @ W.T > 0)
    return x.T @ ((g @ W) * (h > 0)) + g.T @ h


@pytest.mark.parametrize("kink", KINKED)
@pytest.mark.parametrize("example", ["drawn", "zeros", "half zeros"])
def test_right_gradients_beside_kinks_pass_for_all_seeds(kink, example, monkeypatch):
    loss, gradient = KINKED[kink]
    default_rng = np.random.default_rng
    for seed in range(200):
        rng = default_rng(seed)
        monkeypatch.setattr(np.random, "default_rng", lambda _, rng=rng: rng)
        args = {"x": ("n", 6), "W": (6, 5)}
        if example != "drawn":
            x, W = rng.normal(size=(7, 6)), rng.normal(size=(6, 5))
            kept = 0.0 if example == "zeros" else rng.integers(0, 2, (6, 5))
            args = {"x": x * rng.integers(0, 2, (7, 6)), "W": W * kept}
        record = check(handmade(loss, gradient), loss, args, ("W",), single=True)
        assert record.directions


@pytest.mark.parametrize("kink", KINKED)
def test_wrong_gradients_beside_kinks_are_found_for_all_seeds(kink, monkeypatch):
    loss, gradient = KINKED[kink]
    default_rng = np.random.default_rng
    for seed in range(100):
        rng = default_rng(seed)
        monkeypatch.setattr(np.random, "default_rng", lambda _, rng=rng: rng)
        wrong = handmade(loss, lambda x, W, c: gradient(x, W, c) * (1 + 1e-4))
        with pytest.raises(VerificationError, match="gradient of W is wrong"):
            check(wrong, loss, {"x": ("n", 6), "W": (6, 5)}, ("W",), single=True)


@pytest.mark.parametrize(
    ("loss", "gradient", "off"),
    [
        (lambda x: np.sum(np.log(x)), lambda x: 1 / x, 0),
        (lambda x: np.sum(np.arcsin(x)), lambda x: 1 / np.sqrt(1 - x * x), 0),
        (lambda x: np.sum(np.arccosh(x)), lambda x: 1 / np.sqrt(x * x - 1), 0),
        (lambda x: np.prod(np.sqrt(x)), lambda x: np.prod(np.sqrt(x)) / (2 * x), 0),
        (lambda x: np.prod(x) ** 3, lambda x: 3 * np.prod(x) ** 3 / x, 0),
        (lambda x: 1e9 + np.sum(x * x), lambda x: 2 * x, 0),
        (lambda x: np.sum(np.exp(20 * x)), lambda x: 20 * np.exp(20 * x), 0),
        (lambda x: np.sum(x - x.mean()), lambda x: 1e-17 * x, 1e-6),
        (lambda x: np.sum(np.sign(x)), lambda x: 0 * x, 1e-6),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_domains_magnitudes_and_cancellation(loss, gradient, off):
    args = {"x": (40,)}
    right = handmade(loss, lambda x, c: c * gradient(x))
    check(right, loss, args, ("x",), single=True)
    wrong = handmade(loss, lambda x, c: c * (gradient(x) * 1.01 + off))
    with pytest.raises(VerificationError, match="is wrong|cannot be checked"):
        check(wrong, loss, args, ("x",), single=True)


def test_gradient_that_is_nan_at_an_example_is_found():
    def loss(x):
        return np.sum(np.where(x == 0, 1.0, np.sin(x) / np.where(x == 0, 1.0, x)))

    def poisoned(x, c):
        return c * (np.cos(x) / x - np.sin(x) / x**2)

    def right(x, c):
        return np.where(x == 0, 0.0, poisoned(x, c))

    args = {"x": np.array([0.0, 1.0, 2.0])}
    check(handmade(loss, right), loss, args, ("x",), single=True)
    with pytest.raises(VerificationError, match="example arguments.*\n.*\n.*gives nan"):
        check(handmade(loss, poisoned), loss, args, ("x",), single=True)


def test_examples_at_a_minimum_and_at_a_kink_pass():
    def loss(x, w):
        return np.sum((x - 1) ** 2) + np.sum(np.abs(w))

    module = handmade(loss, lambda x, w, c: c * np.sign(w))
    args = {"x": np.ones(3), "w": np.zeros(4)}
    check(module, loss, args, ("w",), single=True)


def check_nested(depth, wrong=lambda gradient: gradient):
    module = handmade(nested_loss, nested_gradient, structured=wrong)
    return check(module, nested_loss, nested_args(depth), ("params",), single=True)


def test_nested_arguments_pass():
    assert check_nested(2).directions == 3 + 5


def test_wrong_nested_leaf_is_named_by_its_access():
    def wrong(gradient):
        gradient["layers"][1]["W"] *= 1.5
        return gradient

    with pytest.raises(VerificationError, match="gradient of params") as caught:
        check_nested(3, wrong)
    assert 'params["layers"][1]["W"] is wrong' in str(caught.value)


def test_one_wrong_leaf_of_two_thousand_is_found_in_few_evaluations():
    def wrong(gradient):
        gradient["layers"][993]["b"] *= 1.5
        return gradient

    assert check_nested(1000).evaluations < 60
    with pytest.raises(VerificationError) as caught:
        check_nested(1000, wrong)
    assert 'params["layers"][993]["b"] is wrong' in str(caught.value)


def mlp784_args():
    sizes = [784, 256, 256, 256, 10]
    args = {}
    for i, (rows, columns) in enumerate(zip(sizes, sizes[1:], strict=False)):
        args |= {f"W{i}": (rows, columns), f"b{i}": (columns,)}
    return {**args, "X": ("n", 784), "labels": "n:int64"}


def mlp_loss(W0, b0, W1, b1, W2, b2, W3, b3, X, labels):
    for W, b in ((W0, b0), (W1, b1), (W2, b2)):
        X = np.maximum(X @ W + b, 0)
    z = X @ W3 + b3
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(labels)), labels])


def mlp_gradient(*args):
    *parameters, X, labels, cotangent = args
    weights, inputs = parameters[::2], [X]
    for W, b in zip(weights[:3], parameters[1::2], strict=False):
        inputs.append(np.maximum(inputs[-1] @ W + b, 0))
    z = inputs[-1] @ weights[3] + parameters[-1]
    e = np.exp(z - z.max(axis=1, keepdims=True))
    g = e / e.sum(axis=1, keepdims=True)
    g[np.arange(len(labels)), labels] -= 1
    g *= cotangent / len(labels)
    found = []
    for W, x in zip(weights[::-1], inputs[::-1], strict=True):
        found += [g.sum(axis=0), x.T @ g]
        g = (g @ W.T) * (x > 0)
    return tuple(found[::-1])


class MlpGradient(NamedTuple):
    W0: np.ndarray
    b0: np.ndarray
    W1: np.ndarray
    b1: np.ndarray
    W2: np.ndarray
    b2: np.ndarray
    W3: np.ndarray
    b3: np.ndarray


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_network_of_335114_parameters_takes_eleven_directions(dtype):
    module = handmade(
        mlp_loss, mlp_gradient, structured=lambda gradient: MlpGradient(*gradient)
    )
    record = check(
        module,
        mlp_loss,
        mlp784_args(),
        MlpGradient._fields,
        dtype=dtype,
        bounds={"labels": 10},
    )
    assert record.directions == 3 + 8
