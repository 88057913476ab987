"""Rows of elementwise functions: rounding, remainders, selection."""

import autograd
import autograd.numpy
import numpy as np
import pytest
from cases import case, check, over
from second_order import check_second_order

import symdiff

ROUNDED = [
    case("x * np.round(x)", x=("n",)),
    case("x * np.round(x, 1)", x=("n", 2)),
    case("x * x.round(1)", x=("n",)),
    case("x * np.around(x, decimals=1)", x=()),
    case("x * np.rint(x)", x=("n",)),
    case("x * np.trunc(3 * x)", x=("n",)),
    case("x * np.fix(3 * x)", x=("n",)),
    case("x * (x // y)", x=("n",), y=("n",)),
    case("(x % (y + 2)) ** 2", domain="positive", x=("n", 3), y=(3,)),
    case("(x % 0.7) ** 2", x=("n",)),
    case("np.mod(5.3, x) ** 2", domain="positive", x=("n",)),
    case("np.fmod(-x, y + 2) ** 2", domain="positive", x=("n",), y=()),
    case("np.divmod(x, y)[1] ** 2", x=("n",), y=("n",)),
    case("np.modf(3 * x)[0] ** 2", x=("n",)),
    case("np.heaviside(x, y) * x * y", x=("n",), y=("n",)),
    case("np.where(np.signbit(x), x ** 2, x)", x=("n",)),
    case("np.copysign(x, y) ** 3 * y", x=("n",), y=("n",)),
    case("np.copysign(x, -1.0) ** 3", x=("n",)),
    case("np.frexp(3 * x)[0] ** 2 * np.frexp(3 * x)[1]", x=("n", 2)),
    case("np.ldexp(x, k) ** 2", x=("n",), k=("n", "int64")),
]

SELECTED = [
    case("np.clip(x, -0.5, 0.7) * x", x=("n", 2)),
    case("x.clip(-0.5, 0.7) * x", x=("n",)),
    case("np.clip(x, -0.2, None) * x", x=("n",)),
    case("np.clip(x, a_min=None, a_max=0.2) * x", x=("n",)),
    case("np.clip(x, min=-0.5, max=0.5) * x", x=()),
    case("np.clip(x, y - 1, y + 1) ** 2", x=("n", 2), y=(2,)),
    case("np.fmax(x, y) ** 2", x=("n", 2), y=(2,)),
    case("np.fmin(x, y) ** 2", x=("n",), y=("n",)),
    case("np.fmax(x, 0.1) ** 2", x=("n",)),
    case("np.nan_to_num(x) ** 2", x=("n",)),
    case("np.select([x < -0.3, x > 0.3], [x ** 2, np.sin(x)], default=x)", x=("n",)),
    case("np.select([x > 0, x > -1], [x, 2.0])", x=("n",)),
    case(
        "np.piecewise(x, [x < 0, x > 0.5], [np.exp, lambda t: t ** 2, 2.0])", x=("n", 2)
    ),
    case("np.piecewise(x, x > 0, [np.sin])", x=("n",)),
    case("np.piecewise(x, [x > 0], [lambda t, a: a * t ** 2, 0.5], 3.0)", x=("n",)),
    case("np.where(np.isinf(x), 0, x ** 2)", x=("n",)),
    case("np.where(np.isclose(x, 0.3), 0, x ** 2)", x=("n",)),
    case("np.where(np.logical_xor(x > 0, y > 0), x, y) ** 2", x=("n",), y=("n",)),
    case("np.where((x > 0) ^ (x > 0.5), x, 0) ** 2", x=("n",)),
    case("np.real(x) * x.real * np.conj(x)", x=("n",)),
    case("x * (x.imag + np.imag(x) + x.conj())", x=("n",)),
    case("x * np.where(np.isneginf(x) | np.isposinf(x), 0, x)", x=("n",)),
    case("x * np.allclose(x, y) + x * np.array_equal(x, x)", x=("n",), y=("n",)),
    case("x * np.array_equal(x, y)", x=("n", 3), y=(3,)),
    case("x * np.array_equal(x, np.where(x > 0, x, np.nan), True)", x=("n",)),
    case("x * np.array_equiv(x, x[:1]) + x ** 2", x=("n", 3)),
    case("x * np.isreal(x) + x ** 2 * np.iscomplex(x)", x=("n",)),
    case("np.real_if_close(x) ** 2 * np.isrealobj(x)", x=("n",)),
    case("x * (not np.iscomplexobj(x))", x=("n",)),
    case("x * np.isnan(x) + x ** 2", x=("n",)),
    case("np.angle(x) * x + np.angle(x, deg=True)", x=("n",)),
    case("np.unwrap(4 * x) ** 2", x=("n",)),
    case("np.unwrap(4 * x, axis=0, period=3.0, discont=1.7) ** 2", x=("n", 2)),
    case(
        "x * np.isin(k, [0, 2]) - np.isin(k, [1], invert=True)",
        x=("n",),
        k=("n", "int64"),
    ),
    case("np.astype(x, float) ** 2 * (np.result_type(x, 1.0) == x.dtype)", x=("n",)),
    case("np.where(np.less(x, y) | np.greater_equal(x, 1), x, y) ** 2", x=(4,), y=(4,)),
    case("np.where(np.less_equal(x, y), np.negative(x), y) ** 2", x=("n",), y=("n",)),
    case("x * np.equal(k, 1) + np.not_equal(k, 2)", x=("n",), k=("n", "int64")),
    case("np.divide(x, 2.5) ** 2 * np.floor_divide(k, 2)", x=("n",), k=("n", "int64")),
    case("x.conjugate() ** 2", x=("n",)),
]

INTERPOLATED = [
    case("np.interp(x, [-1.0, 0.0, 2.0], [1.0, 3.0, 0.0])", x=("n",)),
    case(
        "np.interp(x, np.cumsum(y) - 0.3, z**2, right=0.5)",
        domain="positive",
        x=("n",),
        y=(4,),
        z=(4,),
    ),
    case("x * np.searchsorted(np.array([-1.0, 0.0, 1.0]), x)", x=("n",)),
    case('x * np.sort(x).searchsorted(x, side="right")', x=("n",)),
    case("np.polyval(y, x)", x=("n",), y=(4,)),
    case("np.polyval([1.0, -2.0, 3.0], x)", x=("n",)),
    case("np.interp(x, [0.0, 0.5, 1.0], y, period=1.3) ** 2", x=("n",), y=(3,)),
    case("x * np.digitize(x, [-0.5, 0.0, 0.7])", x=("n", 2)),
    case("x * np.digitize(x, [0.7, 0.0, -0.5], right=True)", x=("n",)),
    case("x * np.searchsorted(y, x, sorter=np.argsort(y))", x=("n",), y=(4,)),
    case("np.polyadd(x, y) * np.polysub(x, y)", x=(3,), y=(2,)),
    case("np.polymul(x, y) ** 2", x=(3,), y=(2,)),
    case("np.polyder(x, 2) ** 2", x=(4,)),
    case("np.polyint(x, 2, k=[0.5, 2.0]) ** 2", x=(3,)),
    case("np.poly(x) ** 2", x=(3,)),
]

POWERS = [
    case("np.float_power(x, 1.5)", domain="positive", x=("n",)),
    case("np.float_power(x, y)", domain="positive", x=("n",), y=()),
    case("np.ldexp(x, 3) ** 2", x=("n",)),
    case("np.where(np.isposinf(x) | np.isneginf(x), 0, x**2)", x=("n",)),
    case("x * np.allclose(x, 0.3)", x=("n",)),
]

BITS = [
    case(f"x * ({text})", x=("n",), k=("n", "int64"), m=("n", "int64"))
    for text in (
        "(k & m) + (k | 2) + (k ^ m)",
        "np.bitwise_and(k, 1) - np.bitwise_or(k, m) + np.bitwise_xor(k, 2)",
        "~k + np.bitwise_count(k)",
        "(k << m) + (k >> 1) + np.bitwise_right_shift(8, k)",
        "np.left_shift(k, 2) + np.right_shift(m, 1)",
        "np.gcd(k, m) + np.lcm(k + 1, m + 1)",
    )
]

CASES = [*ROUNDED, *SELECTED, *INTERPOLATED, *POWERS, *BITS]


@over(CASES)
def test_value_and_gradient(case):
    check(case, "float64")


@over(CASES)
def test_single_precision(case):
    check(case, "float32")


@over(CASES)
def test_second_derivative(case):
    check_second_order(case)


def gradient(text, **arrays):
    """The compiled gradient of the sum of an expression, at given points."""
    shapes = dict.fromkeys(arrays, ("n",))
    compiled = case(text, **shapes).compiled()
    count = len(next(iter(arrays.values())))
    weights = np.cos(1.0 + np.arange(count))
    parts = compiled.grad(*(np.array(one, float) for one in arrays.values()))
    return [part / weights for part in parts]


@pytest.mark.parametrize(
    "text",
    [
        "np.round(x)",
        "np.rint(x)",
        "np.trunc(x)",
        "x // 2.0",
        "np.where(np.signbit(x), 1, 2)",
    ],
)
def test_steps_have_no_slope(text):
    (d_x,) = gradient(text, x=[0.5, 1.0, -1.3])
    np.testing.assert_array_equal(d_x, 0)


def test_the_slope_at_the_bounds_of_clip_is_0_and_nan_stays():
    (d_x,) = gradient("np.clip(x, -1, 1)", x=[-1, 0.3, 1])
    np.testing.assert_allclose(d_x, [0, 1, 0])
    (d_x,) = gradient("np.clip(x, -1, 1)", x=[-5, np.nan, 7])
    np.testing.assert_array_equal(d_x, [0, np.nan, 0])


def test_fmax_passes_nan_over_and_shares_ties():
    d_x, d_y = gradient("np.fmax(x, y)", x=[np.nan, 2, 1], y=[1, np.nan, 1])
    np.testing.assert_allclose(d_x, [0, 1, 0.5])
    np.testing.assert_allclose(d_y, [1, 0, 0.5])
    (d_x,) = gradient("np.fmin(x, 1)", x=[1, np.nan, 0])
    np.testing.assert_allclose(d_x, [0, 0, 1])


def test_what_nan_to_num_replaces_has_no_slope():
    (d_x,) = gradient(
        "np.nan_to_num(x, nan=2.0, posinf=1.0) ** 2", x=[np.nan, np.inf, 3]
    )
    np.testing.assert_allclose(d_x, [0, 0, 6])


def test_the_number_for_nan_is_kept():
    compiled = case("np.nan_to_num(x, nan=2.0, neginf=-1.0)", x=(2,)).compiled()
    weights = np.cos(1.0 + np.arange(2))
    value = compiled.value(np.array([np.nan, -np.inf]))
    np.testing.assert_allclose(value, weights @ [2.0, -1.0])


REFUSED = [
    ("np.select([x > 0], [x, x])", "as many choices"),
    ("np.piecewise(x, [x > 0], [np.sin, np.cos, np.exp])", "for each condition"),
    ("np.piecewise(x, [x > 0], [lambda t: t[:1]])", "another shape"),
    ("np.bitwise_xor(x, x)", "whole numbers"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_does_not_fit_is_refused(text, message):
    with pytest.raises(symdiff.SymdiffError, match=message):
        case(text, x=("n",)).compiled()


AUTOGRAD = [
    "np.clip(x, -0.5, 0.7) * x",
    "np.mod(x, 0.7) ** 2",
    "np.fmax(x, 0.1) ** 2",
    "np.sinc(x)",
    "np.select([x < -0.3, x > 0.3], [x**2, np.sin(x)], default=x)",
    "np.nan_to_num(x) ** 2",
    "x * np.round(x)",
]


@pytest.mark.parametrize("text", AUTOGRAD)
def test_gradient_is_autograds(text):
    one = case(text, x=(5,))
    (x,) = one.draw({}, "float64", seed=1)
    expected = autograd.grad(one.loss(autograd.numpy))(x)
    np.testing.assert_allclose(one.compiled().grad(x).x, expected, 1e-12, 1e-12)
