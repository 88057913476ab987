"""The bytes that a module is said to hold, against what Python sees."""

import tracemalloc

import numpy as np
import pytest

import symdiff

N, D = 600, 300


def attention(X, W):
    scores = X @ W @ X.T
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.sum((e / e.sum(axis=1, keepdims=True)) @ X)


def layers(X, W):
    h = X
    for _ in range(6):
        h = np.tanh(h @ W)
    return np.mean(h**2)


def elementwise(X, W):
    a = np.sin(X)
    b = a * np.exp(X) + np.cos(a)
    return np.sum(b * np.log(1 + b**2)) + np.sum(W)


def overwritten(X, W):
    for _ in range(5):
        X = X - X.mean(axis=0)
    return np.sum(X * X[::-1]) + np.sum(W**2)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("loss", [attention, layers, elementwise, overwritten])
def test_the_peak_is_as_predicted(loss, dtype):
    args = {"X": ("n", "d"), "W": ("d", "d")}
    compiled = symdiff.compile(loss, args, wrt=("X", "W"), dtype=dtype, verify=False)
    rng = np.random.default_rng(0)
    X, W = (rng.normal(size=(rows, D)).astype(dtype) / D for rows in (N, D))
    run = compiled.value_and_grad
    run(X, W)
    tracemalloc.start()
    try:
        run(X, W)
        measured = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    report = compiled.report
    sizes = {one: {"n": N, "d": D}[one.name] for one in report.peak.free_symbols}
    assert float(report.peak.subs(sizes)) == pytest.approx(measured, rel=0.15)
    assert 0 <= report.kept.subs(sizes) <= report.peak.subs(sizes)


def test_kept_is_what_the_cache_has_beside_the_arguments():
    compiled = symdiff.compile(layers, {"X": ("n", "d"), "W": ("d", "d")}, wrt="W")
    X, W = np.ones((5, 3)), np.ones((3, 3))
    _, cache = compiled.forward(X, W)
    arrays = [one for one in cache if isinstance(one, np.ndarray)]
    own = sum(one.nbytes for one in arrays if one is not X and one is not W)
    sizes = {
        one: {"n": 5, "d": 3}[one.name] for one in compiled.report.kept.free_symbols
    }
    assert compiled.report.kept.subs(sizes) == own
