"""Losses at hard points: where naive derivatives are NaN, infinite, or lose their digits.

Each has one right gradient, from a closed form or from mpmath with 50 digits.
`python tests/hard_points.py` prints what symdiff makes of each, beside autograd, JAX and
PyTensor where these are installed.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np
import scipy.special

import symdiff

__all__ = ["POINTS", "HardPoint", "error"]

mpmath.mp.dps = 50


@dataclass(frozen=True)
class HardPoint:
    """A loss `(np, special, x)`, a point, and the gradient there.

    slopes: the gradient, or the function of one element whose derivative it is, for
    mpmath. loose: relative error that the conditioning of the loss itself allows.
    """

    name: str
    loss: Callable
    x: Sequence
    slopes: Any
    dtype: str = "float64"
    loose: float = 1e-13

    def expected(self) -> np.ndarray:
        """Return the right gradient."""
        if not callable(self.slopes):
            return np.asarray(self.slopes, "float64")
        with np.errstate(all="ignore"):
            points = np.asarray(self.x, self.dtype)
        return np.array(
            [float(mpmath.diff(self.slopes, mpmath.mpf(float(one)))) for one in points]
        )

    def symdiff(self) -> np.ndarray:
        """Return symdiff's gradient; warnings of NumPy's are errors."""
        shape = np.shape(self.x)
        c = symdiff.compile(
            lambda x: self.loss(np, scipy.special, x),
            {"x": shape},
            dtype=self.dtype,
            verify=False,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return c.grad(np.asarray(self.x, self.dtype))


def error(gradient: Any, expected: np.ndarray) -> float:
    """Return the largest relative error, absolute below the smallest that is expected."""
    gradient = np.asarray(gradient, "float64")
    if gradient.shape != expected.shape:
        return math.inf
    same = (gradient == expected) | (np.isnan(gradient) & np.isnan(expected))
    scale = np.where(expected == 0, 1, np.abs(expected))
    with np.errstate(all="ignore"):
        return float(np.max(np.where(same, 0, np.abs(gradient - expected) / scale)))


def _sum_of(function: Callable) -> Callable:
    """Return the loss that sums a function of each element."""
    return lambda np, special, x: np.sum(function(np, x))


def _log_sum_exp(np, special, x):
    return np.log(np.sum(np.exp(x)))


def _cross_entropy(np, special, x):
    return -np.log(np.exp(x)[1] / np.sum(np.exp(x)))


def _log_softmax(np, special, x):
    return np.log(np.exp(x) / np.sum(np.exp(x)))[0]


def _binary(np, special, x):
    p = 1 / (1 + np.exp(-x))
    return -np.sum(np.log(1 - p))


def _gaussian(np, special, x):
    return np.sum(0.5 * np.exp(-2 * x) * 1e-300 + x)


def _entropy(np, special, x):
    return -np.sum(np.where(x > 0, x * np.log(x), 0.0))


def _norm(np, special, x):
    return np.sqrt(np.sum(x**2))


TINY = [1e-8, -1e-4, 0.02, 0.3, -0.7, 1.5]

# The eight losses of the design's table.
TABLE = [
    HardPoint(
        "norm(x)**2 at 0", lambda np, s, x: _norm(np, s, x) ** 2, [0.0, 0], [0, 0]
    ),
    HardPoint("sqrt(x)**2 at 0", _sum_of(lambda np, x: np.sqrt(x) ** 2), [0.0], [1]),
    HardPoint(
        "where(x>=0, x, sqrt(-x)) at 1",
        _sum_of(lambda np, x: np.where(x >= 0, x, np.sqrt(-x))),
        [1.0],
        [1],
    ),
    HardPoint(
        "where(x==0, 1, sin(x)/x) at 0",
        _sum_of(lambda np, x: np.where(np.equal(x, 0), 1.0, np.sin(x) / x)),
        [0.0],
        [0],
    ),
    HardPoint(
        "log(1+exp(x)) at 800",
        _sum_of(lambda np, x: np.log(1 + np.exp(x))),
        [800.0],
        [1],
    ),
    HardPoint(
        "1/(1+exp(-x)) at -800",
        _sum_of(lambda np, x: 1 / (1 + np.exp(-x))),
        [-800.0],
        [0],
    ),
    HardPoint("log(sum(exp(x))) at [1000, 0]", _log_sum_exp, [1000.0, 0], [1, 0]),
    HardPoint("naive cross-entropy at [1000, 0]", _cross_entropy, [1000.0, 0], [1, -1]),
]

BRANCHES = [
    HardPoint(
        f"where not taken: {name}",
        _sum_of(function),
        point,
        slopes,
    )
    for name, function, point, slopes in [
        (
            "log(x)",
            lambda np, x: np.where(x > 0, np.log(x), x),
            [-1.0, 0, 2],
            [1, 1, 0.5],
        ),
        (
            "sqrt(x)",
            lambda np, x: np.where(x > 0, np.sqrt(x), 0.0),
            [0.0, 4],
            [0, 0.25],
        ),
        ("1/x", lambda np, x: np.where(x > 0, 1 / x, 0.0), [0.0, 2], [0, -0.25]),
        ("x**-1.5", lambda np, x: np.where(x > 0, x**-1.5, x), [0.0, 1], [1, -1.5]),
        (
            "arccos(x)",
            lambda np, x: np.where(abs(x) < 1, np.arccos(x), x),
            [1.0, 2],
            [1, 1],
        ),
        ("exp(x)", lambda np, x: np.where(x > 0, x, np.exp(x) - 1), [800.0, 0], [1, 1]),
        (
            "log(sqrt(x) - 1)",
            lambda np, x: np.where(x > 1, np.log(np.sqrt(x) - 1), x),
            [-4.0, 1, 4],
            [1, 1, 0.25],
        ),
        (
            "a chain",
            lambda np, x: np.where(x > 0, np.exp(-(np.log(1 / x) ** 2)), x),
            [0.0, 1],
            [1, 0],
        ),
    ]
] + [
    HardPoint(
        "where not taken: rows of log(x) @ w",
        lambda np, s, x: np.sum(
            np.where(x[:, 0] > 0, np.sum(np.log(x) * np.array([1.0, 2.0]), axis=1), 0.0)
        ),
        [[0.0, 0.0], [1.0, 4.0]],
        [[0, 0], [1, 0.5]],
    ),
    HardPoint("entropy at 0", _entropy, [0.0, 1.0], [0, -1]),
]


def _hole(name: str, loss: Callable, exact: Callable, at: list, slope: float) -> list:
    """Return the points of a removable singularity: at it, and near it."""
    return [
        HardPoint(f"{name} at its hole", _sum_of(loss), at, [slope], loose=1e-14),
        HardPoint(
            f"{name} near its hole",
            _sum_of(loss),
            [at[0] + one for one in TINY if abs(one) < 1],
            exact,
            loose=2e-11,
        ),
    ]


HOLES = [
    *_hole(
        "sin(x)/x", lambda np, x: np.sin(x) / x, lambda x: mpmath.sin(x) / x, [0.0], 0
    ),
    *_hole(
        "(1-cos(x))/x**2",
        lambda np, x: (1 - np.cos(x)) / x**2,
        lambda x: (1 - mpmath.cos(x)) / x**2,
        [0.0],
        0,
    ),
    *_hole(
        "expm1(x)/x",
        lambda np, x: np.expm1(x) / x,
        lambda x: mpmath.expm1(x) / x,
        [0.0],
        0.5,
    ),
    *_hole(
        "where(x==0, 1, (exp(x)-1)/x)",
        lambda np, x: np.where(np.equal(x, 0), 1.0, (np.exp(x) - 1) / x),
        lambda x: mpmath.expm1(x) / x,
        [0.0],
        0.5,
    ),
    *_hole(
        "log1p(x)/x",
        lambda np, x: np.log1p(x) / x,
        lambda x: mpmath.log1p(x) / x,
        [0.0],
        -0.5,
    ),
    *_hole(
        "x/sinh(x)",
        lambda np, x: x / np.sinh(x),
        lambda x: x / mpmath.sinh(x),
        [0.0],
        0,
    ),
    *_hole(
        "x/tanh(x)",
        lambda np, x: x / np.tanh(x),
        lambda x: x / mpmath.tanh(x),
        [0.0],
        0,
    ),
    *_hole(
        "x/expm1(x)",
        lambda np, x: x / np.expm1(x),
        lambda x: x / mpmath.expm1(x),
        [0.0],
        -0.5,
    ),
    *_hole(
        "arcsin(x)/x",
        lambda np, x: np.arcsin(x) / x,
        lambda x: mpmath.asin(x) / x,
        [0.0],
        0,
    ),
    *_hole(
        "(x-sin(x))/x**3",
        lambda np, x: (x - np.sin(x)) / x**3,
        lambda x: (x - mpmath.sin(x)) / x**3,
        [0.0],
        0,
    ),
    *_hole(
        "log(x)/(x-1)",
        lambda np, x: np.log(x) / (x - 1),
        lambda x: mpmath.log(x) / (x - 1),
        [1.0],
        -0.5,
    ),
]

LOGARITHMS = [
    HardPoint("log(softmax(x))[0] at [-1000, 0]", _log_softmax, [-1000.0, 0], [1, -1]),
    HardPoint("log(1-sigmoid(x)) at 800", _binary, [800.0, -800.0], [1, 0]),
    HardPoint(
        "log(sigmoid(x)) at -800",
        _sum_of(lambda np, x: np.log(1 / (1 + np.exp(-x)))),
        [-800.0, 40],
        [1, 1 / (1 + math.exp(40))],
    ),
    HardPoint(
        "log(1-exp(x)) near 0",
        _sum_of(lambda np, x: np.log(1 - np.exp(x))),
        [-1e-12, -50.0],
        lambda x: mpmath.log(1 - mpmath.exp(x)),
    ),
    HardPoint(
        "log(1+x) at 1e-17",
        _sum_of(lambda np, x: np.log(1 + x)),
        [1e-17, 1e-9],
        lambda x: mpmath.log(1 + x),
    ),
    HardPoint(
        "log(exp(x)+exp(-x)) at 800",
        lambda np, s, x: np.logaddexp(x[0], -x[0]),
        [800.0],
        [1],
    ),
    HardPoint(
        "logsumexp with -inf",
        lambda np, s, x: np.log(np.sum(np.exp(x - np.max(x)))) + np.max(x),
        [-math.inf, 0, 0],
        [0, 0.5, 0.5],
    ),
    HardPoint(
        "log_ndtr at -40",
        lambda np, s, x: np.sum(s.log_ndtr(x)),
        [-40.0, -5],
        lambda x: mpmath.log(mpmath.ncdf(x)),
    ),
    HardPoint(
        "log(erfc(x)) at 30",
        lambda np, s, x: np.sum(np.log(s.erfc(x))),
        [30.0, 1],
        lambda x: mpmath.log(mpmath.erfc(x)),
    ),
    HardPoint(
        "xlogy at 0", lambda np, s, x: np.sum(s.xlogy(0 * x + 0.0, x)), [0.0], [0]
    ),
    HardPoint(
        "log(exp(x)) at 1000", _sum_of(lambda np, x: np.log(np.exp(x))), [1000.0], [1]
    ),
]

ROOTS = [
    HardPoint("norm(x) at 0", _norm, [0.0, 0], [0, 0]),
    HardPoint(
        "sqrt(x**2+y**2) at 1e200",
        lambda np, s, x: np.sqrt(x[0] ** 2 + x[1] ** 2),
        [3e200, 4e200],
        [0.6, 0.8],
    ),
    HardPoint("hypot(0, 0)", lambda np, s, x: np.hypot(x[0], x[1]), [0.0, 0], [0, 0]),
    HardPoint(
        "sqrt(x**2) at 0", _sum_of(lambda np, x: np.sqrt(x**2)), [0.0, -2], [0, -1]
    ),
    HardPoint("abs(x) at 0", _sum_of(lambda np, x: np.abs(x)), [0.0, -1], [0, -1]),
    HardPoint("std of constants", lambda np, s, x: np.std(x), [2.0, 2, 2], [0, 0, 0]),
    HardPoint("var of constants", lambda np, s, x: np.var(x), [2.0, 2, 2], [0, 0, 0]),
]

PRODUCTS = [
    HardPoint("x/x at 0", _sum_of(lambda np, x: x / x), [0.0, 2], [0, 0]),
    HardPoint("x**0 at 0", _sum_of(lambda np, x: x**0), [0.0, 2], [0, 0]),
    HardPoint("prod with a zero", lambda np, s, x: np.prod(x), [0.0, 2, 3], [6, 0, 0]),
    HardPoint(
        "prod with two zeros", lambda np, s, x: np.prod(x), [0.0, 0, 3], [0, 0, 0]
    ),
    HardPoint(
        "cumprod with a zero",
        lambda np, s, x: np.sum(np.cumprod(x)),
        [2.0, 0, 3],
        [1, 8, 0],
    ),
    HardPoint("max of ties", lambda np, s, x: np.max(x), [1.0, 1, 0], [0.5, 0.5, 0]),
    HardPoint(
        "clip at its corners",
        _sum_of(lambda np, x: np.clip(x, 0, 1)),
        [0.0, 0.5, 1],
        [0, 1, 0],
    ),
    HardPoint(
        "maximum(x, 0) at 0", _sum_of(lambda np, x: np.maximum(x, 0)), [0.0, 1], [0, 1]
    ),
]

SATURATION = [
    HardPoint(
        "tanh at 9",
        _sum_of(lambda np, x: np.tanh(x)),
        [9.0, -0.5],
        lambda x: mpmath.tanh(x),
        loose=1e-8,
    ),
    HardPoint(
        "sigmoid at 40",
        _sum_of(lambda np, x: 1 / (1 + np.exp(-x))),
        [40.0, -40],
        lambda x: 1 / (1 + mpmath.exp(-x)),
    ),
    HardPoint(
        "softplus tails",
        _sum_of(lambda np, x: np.log(1 + np.exp(x))),
        [-700.0, -40, 40],
        lambda x: mpmath.log(1 + mpmath.exp(x)),
    ),
    HardPoint(
        "tanh from exponentials at 800",
        _sum_of(lambda np, x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))),
        [800.0, 0.5],
        [0, float(mpmath.sech(0.5) ** 2)],
    ),
    HardPoint(
        "1-cos(x) at 1e-9",
        _sum_of(lambda np, x: 1 - np.cos(x)),
        [1e-9],
        lambda x: 1 - mpmath.cos(x),
    ),
    HardPoint("Gaussian, log sigma = -300", _gaussian, [0.0, 5.0], [1, 1]),
]

SINGLE = [
    HardPoint(
        "float32: log(1+exp(x)) at 100",
        _sum_of(lambda np, x: np.log(1 + np.exp(x))),
        [100.0, 0],
        [1, 0.5],
        "float32",
        1e-6,
    ),
    HardPoint(
        "float32: log(sum(exp(x))) at [100, 0]",
        _log_sum_exp,
        [100.0, 0],
        [1, 0],
        "float32",
        1e-6,
    ),
    HardPoint(
        "float32: naive cross-entropy at [100, 0]",
        _cross_entropy,
        [100.0, 0],
        [1, -1],
        "float32",
        1e-6,
    ),
    HardPoint(
        "float32: sin(x)/x near 0",
        _sum_of(lambda np, x: np.sin(x) / x),
        [1e-3, 0.1, 0.5],
        lambda x: mpmath.sin(x) / x,
        "float32",
        1e-4,
    ),
    HardPoint(
        "float32: where not taken: log(x)",
        _sum_of(lambda np, x: np.where(x > 0, np.log(x), x)),
        [-1.0, 2],
        [1, 0.5],
        "float32",
        1e-6,
    ),
]

POINTS = [
    *TABLE,
    *BRANCHES,
    *HOLES,
    *LOGARITHMS,
    *ROOTS,
    *PRODUCTS,
    *SATURATION,
    *SINGLE,
]


# The peers.


def autograd(point: HardPoint) -> Any:
    """Return autograd's gradient."""
    grad = importlib.import_module("autograd").grad
    numpy = importlib.import_module("autograd.numpy")
    special = importlib.import_module("autograd.scipy.special")
    return grad(lambda x: point.loss(numpy, special, x))(
        np.asarray(point.x, point.dtype)
    )


def jax(point: HardPoint) -> Any:
    """Return JAX's gradient, in double precision where it is asked for."""
    module = importlib.import_module("jax")
    module.config.update("jax_enable_x64", True)
    special = importlib.import_module("jax.scipy.special")
    numpy = importlib.import_module("jax.numpy")
    loss = module.grad(lambda x: point.loss(numpy, special, x))
    return loss(numpy.asarray(point.x, point.dtype))


def pytensor(point: HardPoint) -> Any:
    """Return PyTensor's gradient, of a compiled function."""
    module = importlib.import_module("pytensor")
    tensor = importlib.import_module("pytensor.tensor")
    numpy = SimpleNamespace(**{**vars(tensor), "array": np.array, "equal": tensor.eq})
    x = tensor.tensor("x", shape=np.shape(point.x), dtype=point.dtype)
    gradient = tensor.grad(point.loss(numpy, numpy, x), x)
    return module.function([x], gradient, mode="FAST_RUN")(
        np.asarray(point.x, point.dtype)
    )


PEERS = {"autograd": autograd, "jax": jax, "pytensor": pytensor}


def verdict(gradient: Callable[[], Any], point: HardPoint) -> str:
    """Return what came of a gradient in a word: ok, nan, inf, its error, or none."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = np.asarray(gradient(), "float64")
    except Exception as refusal:  # noqa: BLE001 - peers raise what they like
        return type(refusal).__name__
    off = error(found, point.expected())
    if off <= point.loose:
        return "ok"
    if np.isnan(found).any():
        return "nan"
    return "inf" if np.isinf(found).any() else f"off by {off:.0e}"


def main() -> None:
    """Print the table."""
    peers = [name for name in PEERS if importlib.util.find_spec(name)]
    right = dict.fromkeys(("symdiff", *peers), 0)
    print(f"{'loss, at':42}" + "".join(f"{one:>16}" for one in right))
    for point in POINTS:
        words = {"symdiff": verdict(point.symdiff, point)}
        words |= {one: verdict(partial(PEERS[one], point), point) for one in peers}
        for one, word in words.items():
            right[one] += word == "ok"
        print(f"{point.name:42}" + "".join(f"{word:>16}" for word in words.values()))
    print(
        f"{f'right, of {len(POINTS)}':42}" + "".join(f"{n:>16}" for n in right.values())
    )


if __name__ == "__main__":
    main()
