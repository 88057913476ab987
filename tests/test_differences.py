"""Slopes of functions whose derivative is known, right and wrong, smooth and kinked."""

from __future__ import annotations

import numpy as np
import pytest

from symdiff.verify.differences import judge

KINKS = (3e-3, -2e-4, 5e-5)
SMOOTH = {
    "exp": (np.exp, 1.0),
    "line": (lambda t: 2.0 + 3.0 * t, 3.0),
    "parabola at its minimum": (lambda t: 1.0 + t * t, 0.0),
    "sharp": (lambda t: np.sin(300 * t), 300.0),
    "large value": (lambda t: 1e3 + np.sin(t), 1.0),
    "tiny": (lambda t: 1e-40 * np.sin(t), 1e-40),
    "constant": (lambda t: 5.0, 0.0),
    "kinks nearby": (lambda t: t + sum(abs(t - a) for a in KINKS), 0.0),
}


def verdict(function, slope, scale=0.0, tolerance=1e-9):
    value = function(0.0)
    return judge(function, value, slope, scale=scale, tolerance=tolerance)


@pytest.mark.parametrize("name", SMOOTH)
def test_right_slopes_are_right(name):
    function, slope = SMOOTH[name]
    assert verdict(function, slope).outcome == "right"


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("off", [1.0, 1e-3, 1e-5])
def test_wrong_slopes_are_wrong_and_their_remainder_falls_as_the_step(name, off):
    function, slope = SMOOTH[name]
    found = verdict(function, slope + off * (abs(slope) or 1.0))
    assert found.outcome == "wrong"
    assert found.order == pytest.approx(1.0, abs=0.05)
    assert found.difference == pytest.approx(slope, rel=1e-6, abs=1e-6)


def test_the_remainder_of_a_right_slope_falls_as_the_steps_cube():
    assert verdict(lambda t: np.exp(3 * t), 3.0, tolerance=1e-13).order == (
        pytest.approx(3.0, abs=0.1)
    )


def test_few_evaluations_where_the_function_is_smooth():
    steps = []

    def function(t):
        steps.append(t)
        return np.exp(t)

    judge(function, 1.0, 1.0, scale=1.0, tolerance=1e-9)
    assert len(steps) == 4


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (abs, 0.5),
        (abs, np.nan),
        (lambda t: max(t, 0.0), 0.0),
        (lambda t: abs(t - 3e-9), 1.0),
        (lambda t: abs(t) ** 0.5, np.inf),
        (lambda t: np.sqrt(t) if t >= 0 else np.nan, np.inf),
        (lambda t: np.sin(1e12 * t), 1e12),
        (lambda t: np.float64(np.float32(1 + t)), 1.001),
    ],
)
def test_kinks_edges_and_noise_decide_nothing(function, slope):
    assert verdict(function, slope).outcome == "undecided"


@pytest.mark.parametrize("slope", [np.nan, np.inf, -np.inf])
def test_a_slope_that_is_not_finite_is_wrong_where_the_function_is_smooth(slope):
    assert verdict(np.cos, slope).outcome == "wrong"
    assert verdict(np.exp, slope).outcome == "wrong"


def test_rounding_that_is_all_there_is_agrees_with_no_slope():
    rng = np.random.default_rng(0)
    assert verdict(lambda t: 1e-17 * rng.normal(), 1e-18).outcome == "right"


def test_relative_error_is_that_of_the_scale():
    assert verdict(np.exp, 1.5, scale=10.0).relative == pytest.approx(0.05)
