"""Rows of elementwise functions: rounding, remainders, selection, NumPy's and SciPy's."""

import numpy as np
import pytest
from cases import check, over, row
from second_order import check_second_order

import symdiff

ROUNDED = [
    row("round", lambda x: x * np.round(x), ("n",)),
    row("round_decimals", lambda x: x * np.round(x, 1), ("n", 2)),
    row("round_method", lambda x: x * x.round(1), ("n",)),
    row("around", lambda x: x * np.around(x, decimals=1), ()),
    row("rint", lambda x: x * np.rint(x), ("n",)),
    row("trunc", lambda x: x * np.trunc(3 * x), ("n",)),
    row("fix", lambda x: x * np.fix(3 * x), ("n",)),
    row("floor_divide", lambda x, y: x * (x // y), ("n",), ("n",)),
    row("remainder", lambda x, y: (x % y) ** 2, ("n", 3), (3,), domain="positive"),
    row("remainder_number", lambda x: (x % 0.7) ** 2, ("n",)),
    row("mod_of_number", lambda x: np.mod(5.3, x) ** 2, ("n",), domain="positive"),
    row("fmod", lambda x, y: np.fmod(-3 * x, y) ** 2, ("n",), (), domain="positive"),
    row("divmod", lambda x, y: np.divmod(x, y)[1] ** 2, ("n",), ("n",)),
    row("modf", lambda x: np.modf(3 * x)[0] ** 2, ("n",)),
    row("heaviside", lambda x, y: np.heaviside(x, y) * x * y, ("n",), ("n",)),
    row("signbit", lambda x: np.where(np.signbit(x), x**2, x), ("n",)),
    row("copysign", lambda x, y: np.copysign(x, y) ** 3 * y, ("n",), ("n",)),
    row("copysign_number", lambda x: np.copysign(x, -1.0) ** 3, ("n",)),
]

SELECTED = [
    row("clip", lambda x: np.clip(x, -0.5, 0.7) * x, ("n", 2)),
    row("clip_method", lambda x: x.clip(-0.5, 0.7) * x, ("n",)),
    row("clip_low", lambda x: np.clip(x, -0.2, None) * x, ("n",)),
    row("clip_high", lambda x: np.clip(x, a_min=None, a_max=0.2) * x, ("n",)),
    row("clip_by_keyword", lambda x: np.clip(x, min=-0.5, max=0.5) * x, ()),
    row("clip_by_arrays", lambda x, y: np.clip(x, y - 1, y + 1) ** 2, ("n", 2), (2,)),
    row("fmax", lambda x, y: np.fmax(x, y) ** 2, ("n", 2), (2,)),
    row("fmin", lambda x, y: np.fmin(x, y) ** 2, ("n",), ("n",)),
    row("fmax_number", lambda x: np.fmax(x, 0.1) ** 2, ("n",)),
    row("nan_to_num", lambda x: np.nan_to_num(x) ** 2, ("n",)),
    row(
        "select",
        lambda x: np.select([x < -0.3, x > 0.3], [x**2, np.sin(x)], default=x),
        ("n",),
    ),
    row("select_number", lambda x: np.select([x > 0, x > -1], [x, 2.0]), ("n",)),
    row(
        "piecewise",
        lambda x: np.piecewise(x, [x < 0, x > 0.5], [np.exp, lambda t: t**2, 2.0]),
        ("n", 2),
    ),
    row("piecewise_one", lambda x: np.piecewise(x, x > 0, [np.sin]), ("n",)),
    row(
        "piecewise_arguments",
        lambda x: np.piecewise(x, [x > 0], [lambda t, a: a * t**2, 0.5], 3.0),
        ("n",),
    ),
    row("isinf", lambda x: np.where(np.isinf(x), 0, x**2), ("n",)),
    row("isclose", lambda x: np.where(np.isclose(x, 0.3), 0, x**2), ("n",)),
    row(
        "logical_xor",
        lambda x, y: np.where(np.logical_xor(x > 0, y > 0), x, y) ** 2,
        ("n",),
        ("n",),
    ),
    row("xor", lambda x: np.where((x > 0) ^ (x > 0.5), x, 0) ** 2, ("n",)),
    row("real", lambda x: np.real(x) * x.real * np.conj(x), ("n",)),
    row("imag", lambda x: x * (x.imag + np.imag(x) + x.conj()), ("n",)),
]

CASES = [*ROUNDED, *SELECTED]


@over(CASES)
def test_value_and_gradient(case):
    check(case, "float64", lengths=(1, 4, 0))


@over(CASES)
def test_single_precision(case):
    check(case, "float32", lengths=(3,))


@over(CASES)
def test_second_derivative(case):
    check_second_order(case)
