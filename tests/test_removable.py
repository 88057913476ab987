"""Quotients that are 0 / 0 at a point: value and two derivatives at it and near it."""

import warnings

import mpmath
import numpy as np
import pytest
import scipy.special
from cases import case
from second_order import run, twice_differentiated

import symdiff

mpmath.mp.dps = 60

NEAR = [1e-12, -1e-8, 1e-5, -1e-3, 0.01, -0.03, 0.1, -0.2, 0.3, 0.45, -0.6, 0.9]

# A quotient, the same for mpmath, where its hole is.
QUOTIENTS = [
    ("np.sin(x) / x", lambda x: mpmath.sin(x) / x, 0),
    ("np.sin(3 * x) / x", lambda x: mpmath.sin(3 * x) / x, 0),
    ("(1 - np.cos(x)) / x**2", lambda x: (1 - mpmath.cos(x)) / x**2, 0),
    ("(1 - np.cos(x)) / x", lambda x: (1 - mpmath.cos(x)) / x, 0),
    ("np.expm1(x) / x", lambda x: mpmath.expm1(x) / x, 0),
    ("(np.exp(x) - 1) / x", lambda x: mpmath.expm1(x) / x, 0),
    ("np.log1p(x) / x", lambda x: mpmath.log1p(x) / x, 0),
    ("np.log(1 + x) / x", lambda x: mpmath.log1p(x) / x, 0),
    ("x / np.sinh(x)", lambda x: x / mpmath.sinh(x), 0),
    ("x / np.tanh(x)", lambda x: x / mpmath.tanh(x), 0),
    ("x / np.expm1(x)", lambda x: x / mpmath.expm1(x), 0),
    ("np.tan(x) / x", lambda x: mpmath.tan(x) / x, 0),
    ("np.arctan(x) / x", lambda x: mpmath.atan(x) / x, 0),
    ("np.arcsin(x) / x", lambda x: mpmath.asin(x) / x, 0),
    ("np.sinh(x) / x", lambda x: mpmath.sinh(x) / x, 0),
    ("(np.cosh(x) - 1) / x**2", lambda x: (mpmath.cosh(x) - 1) / x**2, 0),
    ("(x - np.sin(x)) / x**3", lambda x: (x - mpmath.sin(x)) / x**3, 0),
    ("2 * np.log(x) / (x - 1)", lambda x: 2 * mpmath.log(x) / (x - 1), 1),
    ("np.where(x == 0, 1, np.expm1(x) / x)", lambda x: mpmath.expm1(x) / x, 0),
    ("np.where(x != 0, np.tanh(x) / x, 1)", lambda x: mpmath.tanh(x) / x, 0),
    (
        "np.where(x == 0, 1, np.log1p(np.where(x == 0, 1, x)) / np.where(x == 0, 1, x))",
        lambda x: mpmath.log1p(x) / x,
        0,
    ),
]
IDS = [text for text, _, _ in QUOTIENTS]


def at_the_hole(function, at, order):
    """The derivative at the hole: the Taylor coefficient, from a circle around it."""
    points = [mpmath.expjpi(mpmath.mpf(2 * k) / 32) / 4 for k in range(32)]
    mean = sum(function(at + z) / z**order for z in points) / 32
    return float(mean.real * mpmath.factorial(order))


def derivatives(function, at, x, order):
    return np.array(
        [
            (
                at_the_hole(function, at, order)
                if one == at
                else float(mpmath.diff(function, mpmath.mpf(float(one)), order))
            )
            for one in x
        ]
    )


def points(at):
    return np.array([at, *(at + np.array(NEAR))])


@pytest.mark.parametrize(("text", "function", "at"), QUOTIENTS, ids=IDS)
@pytest.mark.parametrize(("dtype", "loose"), [("float64", 1e-13), ("float32", 5e-5)])
def test_value_and_slope(text, function, at, dtype, loose):
    x = points(at).astype(dtype)
    loss = eval(f"lambda x: np.sum({text})", {"np": np})
    c = symdiff.compile(loss, {"x": x.shape}, dtype=dtype, verify=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, gradient = c.value_and_grad(x)
    values, slopes = (derivatives(function, at, x, order) for order in (0, 1))
    np.testing.assert_allclose(value, np.sum(values), loose)
    size = np.max(np.abs(slopes[:5]))
    np.testing.assert_allclose(gradient, slopes, 20 * loose, 20 * loose * size)
    assert gradient.dtype == dtype


@pytest.mark.parametrize(("text", "function", "at"), QUOTIENTS, ids=IDS)
def test_second_derivative(text, function, at):
    x = points(at)
    program = twice_differentiated(case(text, x=x.shape))
    with np.errstate(all="raise"):
        _, gradient = run(program, {"x": x})
    place = np.arange(len(x))
    weights = np.cos(1 + place) * np.sin(2 + place)
    expected = derivatives(function, at, x, 2)
    size = np.max(np.abs(expected[:5]))
    np.testing.assert_allclose(gradient["d_x"] / weights, expected, 1e-10, 1e-10 * size)


def compiled(loss, **options):
    return symdiff.compile(loss, {"x": ("n",), "y": ("n",)}, verify=False, **options)


def test_other_factors_stay_outside():
    c = compiled(lambda x, y: (y * np.sin(x) / x).sum())
    value, gradient = c.value_and_grad(np.array([0.0, 1.0]), np.array([2.0, 3.0]))
    np.testing.assert_allclose(value, 2 + 3 * np.sin(1))
    np.testing.assert_allclose(gradient, [0, 3 * (np.cos(1) - np.sin(1))])


def test_far_from_the_hole_nothing_overflows():
    c = compiled(lambda x, y: (np.sin(x) / x).sum())
    with np.errstate(all="raise"):
        gradient = c.grad(np.array([1e100, -2.0]), np.zeros(2))
    np.testing.assert_allclose(gradient[1], (np.sin(2) - 2 * np.cos(2)) / 4)


def test_of_another_value():
    c = compiled(lambda x, y: (np.sin(x * y) / (x * y)).sum())
    np.testing.assert_array_equal(c.grad(np.array([0.0]), np.array([2.0])), [0])


@pytest.mark.parametrize(
    "loss",
    [
        lambda x, y: (y / x).sum(),
        lambda x, y: (np.cos(x) / x).sum(),
        lambda x, y: (np.sin(x) / x**2).sum(),
        lambda x, y: (x / np.abs(x)).sum(),
        lambda x, y: (np.sqrt(x) / x).sum(),
        lambda x, y: (x / (1 + np.exp(-x))).sum(),
        lambda x, y: (np.sin(x) / y).sum(),
        lambda x, y: (np.exp(x) / np.exp(x).sum()).sum(),
    ],
)
def test_what_has_no_hole_is_left_alone(loss):
    lines = compiled(loss).report.rewrites
    assert not any("removable-singularity" in line for line in lines)


def test_sizes_are_factors_like_others():
    def loss(x, y):
        n = x.shape[0]
        return (n * (n + 1) * np.sin(x) / x).sum() / (2 * n**2)

    assert np.isfinite(compiled(loss).grad(np.array([0.0, 1.0]), np.zeros(2))).all()


def test_another_number_in_the_hole_stays():
    c = compiled(lambda x, y: np.where(x == 0, 2, np.sin(x) / x).sum())
    value, gradient = c.value_and_grad(np.array([0.0, 1e-9]), np.zeros(2))
    assert value == 3
    np.testing.assert_allclose(gradient, [0, -1e-9 / 3])


def test_it_can_be_switched_off():
    def loss(x, y):
        return (np.sin(x) / x).sum()

    for options in ({"rewrites": "none"}, {"no_rewrite": "removable-singularity"}):
        c = compiled(loss, **options)
        assert c.graph.rewrites == ()
        with np.errstate(all="ignore"):
            assert np.isnan(c.value(np.zeros(1), np.zeros(1)))


def test_the_series_is_written_with_its_fractions():
    source = compiled(lambda x, y: (np.sin(x) / x).sum()).source
    assert "1 / 120" in source
    assert "np.polyval" in source
    assert "near_0" in source


@pytest.mark.parametrize(
    "text",
    [
        "x / (np.tanh(x) * 0.4 + 0.5)",
        "x / (np.tanh(x) - 0.5)",
        "(x - 1) / (gamma(x) - 1)",
        "x / (erf(x) * 2 + np.exp(np.sin(x)))",
    ],
)
def test_a_series_without_fractions_is_not_looked_for(text):
    space = {"np": np, "gamma": scipy.special.gamma, "erf": scipy.special.erf}
    loss = eval(f"lambda x: np.sum({text})", space)
    compiled = symdiff.compile(loss, {"x": (2,)}, verify=False)
    assert "removable" not in "".join(compiled.report.rewrites)
