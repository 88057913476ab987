"""Forward mode, derived as the reverse of the reverse, against emitted gradients."""

from __future__ import annotations

import numpy as np
import pytest

import symdiff
from symdiff.passes import run_forward
from symdiff.program.schedule import schedule
from symdiff.settings import Settings
from symdiff.specs import read_signature
from symdiff.trace.run import trace


def network(W, v, X):
    return np.mean(np.log1p(np.exp(X @ W) @ v) ** 2)


def attention(W, v, X):
    z = (X @ W) @ W.T @ X.T
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return np.sum((p / p.sum(axis=1, keepdims=True)) @ X @ W @ v)


def cut(W, v, X):
    h = np.maximum(X @ W, 0)
    parts = np.where(h > 0.5, np.sqrt(np.abs(h)), h**3)
    return np.linalg.norm(parts @ v) + np.sum(np.cumsum(v)[::-1] * v)


def without(W, v, X):
    return np.sum(X) + 0.0 * np.sum(v)


@pytest.mark.parametrize("loss", [network, attention, cut, without])
def test_the_slope_along_a_direction_is_the_gradients_product_with_it(loss):
    args = {"W": (3, 4), "v": (4,), "X": (5, 3)}
    rng = np.random.default_rng(0)
    values = [rng.uniform(0.1, 1, shape) for shape in args.values()]
    along = [rng.normal(size=shape) for shape in (args["W"], args["v"])]
    gradient = symdiff.compile(loss, args, wrt=("W", "v")).grad(*values)
    expected = sum(np.vdot(g, d) for g, d in zip(gradient, along, strict=True))

    graph = trace(loss, read_signature(loss, args), "float64")
    program = schedule(run_forward(graph, ["W", "v"], Settings()))
    space = dict(zip(program.arguments, [*values, *along], strict=True), np=np)
    for one in (*program.constants, *program.forward, *program.backward):
        exec("\n".join(one.lines), space)
    slope = eval(program.gradients["tangent"], space)
    np.testing.assert_allclose(slope, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(eval(program.value, space), loss(*values), rtol=1e-13)


def test_no_backward_pass_is_left():
    args = {"W": (3, 4), "v": (4,), "X": ("n", 3)}
    graph = trace(network, read_signature(network, args), "float64")
    text = str(schedule(run_forward(graph, ["W", "v"], Settings())))
    assert "X @ along_W" in text
    assert "cotangent" not in text
    assert "X.T" not in text
