"""Gradients from evaluations against closed forms, SciPy and what each method promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

import symdiff
from symdiff import numerical
from symdiff.errors import SpecError

ACCURACY = {
    numerical.forward_difference: 1e-6,
    numerical.central_difference: 1e-9,
    numerical.richardson: 1e-11,
    numerical.complex_step: 1e-15,
}
METHODS = pytest.mark.parametrize("method", ACCURACY, ids=lambda one: one.__name__)


class Layer(NamedTuple):
    W: Any
    b: Any


@dataclass
class Model:
    layers: list
    scale: Any


def wave(w, x):
    return np.sum(np.sin(w) * x)


@METHODS
@given(seed=st.integers(0, 1000))
def test_a_closed_form_is_met_within_the_methods_accuracy(method, seed):
    rng = np.random.default_rng(seed)
    w, x = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
    found = method(wave, (w, x)).gradient
    np.testing.assert_allclose(found, np.cos(w) * x, rtol=0, atol=10 * ACCURACY[method])


@METHODS
def test_a_gradient_is_nested_as_its_argument_is(method):
    def loss(model, more):
        squares = [np.sum(one.W**2) + np.sum(one.b) for one in model.layers]
        return model.scale * sum(squares) + more["c"] * 2

    model = Model([Layer(np.ones((2, 3)), np.zeros(3))], 0.5)
    found = method(loss, (model, {"c": 1.0}), wrt=("model", "more")).gradient
    assert found._fields == ("model", "more")
    assert isinstance(found.model, Model)
    (layer,) = found.model.layers
    room = ACCURACY[method]
    np.testing.assert_allclose(layer.W, np.ones((2, 3)), atol=10 * room)
    np.testing.assert_allclose(layer.b, np.full(3, 0.5), atol=10 * room)
    assert found.model.scale == pytest.approx(6, abs=100 * room)
    assert found.more["c"] == pytest.approx(2, abs=100 * room)


@METHODS
def test_arguments_by_name_and_any_number_of_them(method):
    def loss(*parts, **named):
        return sum(np.sum(part**2) for part in parts) * named["factor"]

    parts = (np.arange(3.0), 2.0)
    found = method(lambda *parts: loss(*parts, factor=3.0), parts).gradient
    np.testing.assert_allclose(found[0], [0, 6, 12], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found[1], 12, rtol=1e-5)

    def weighted(parts, factor):
        return loss(*parts, factor=factor)

    by_name = {"factor": 3.0, "parts": parts}
    found = method(weighted, by_name, wrt="factor").gradient
    np.testing.assert_allclose(found, 9, rtol=1e-5)


@pytest.mark.parametrize(
    ("method", "spent", "needed"),
    [
        (numerical.forward_difference, 3, 11),
        (numerical.central_difference, 4, 20),
        (numerical.richardson, 29, 141),
        (numerical.complex_step, 2, 10),
    ],
)
def test_a_sample_says_what_the_whole_would_take(method, spent, needed):
    calls = []

    def loss(w):
        calls.append(1)
        return np.sum(w**3)

    w = np.arange(1.0, 11.0)
    found = method(loss, (w,), entries=[2, 7])
    assert len(calls) == found.evaluations == spent
    assert found.needed == needed
    assert list(found.entries) == [2, 7]
    np.testing.assert_allclose(found.slopes, 3 * w[[2, 7]] ** 2, rtol=1e-6)
    assert np.flatnonzero(np.isfinite(found.gradient)).tolist() == [2, 7]
    calls.clear()
    whole = method(loss, (w,))
    assert len(calls) == whole.evaluations == whole.needed == needed


def test_forward_differences_are_those_of_scipy():
    w, x = np.linspace(-1, 1, 5), np.linspace(2, 3, 5)
    eps = 2.0**-20  # w + eps is exact: SciPy divides by the step that rounding leaves
    found = numerical.forward_difference(wave, (w, x), eps=eps).gradient
    other = scipy.optimize.approx_fprime(w, wave, eps, x)
    np.testing.assert_allclose(found, other, rtol=1e-12)


def test_the_error_of_a_step_falls_with_its_first_and_its_second_power():
    for method, order in (
        (numerical.forward_difference, 1),
        (numerical.central_difference, 2),
    ):
        errors = [
            abs(method(lambda w: np.exp(w), (1.0,), eps=eps).gradient - np.e)
            for eps in (1e-2, 1e-3)
        ]
        assert np.log10(errors[0] / errors[1]) == pytest.approx(order, abs=0.02)


@METHODS
def test_single_precision_stays_and_has_its_own_step(method):
    w = np.linspace(0.5, 1.5, 4, dtype=np.float32)
    found = method(lambda w: np.sum(np.exp(w)), (w,)).gradient
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.exp(w), rtol=3e-3)


def test_extended_precision_extrapolates_further():
    w = np.linspace(0.5, 1.5, 4)
    exact = np.exp(w.astype(np.longdouble))

    def error(argument):
        found = numerical.richardson(lambda w: np.sum(np.exp(w)), (argument,))
        assert np.all(np.abs(found.slopes - exact) <= 10 * found.errors)
        return float(np.max(np.abs(found.slopes - exact)))

    if np.finfo(np.longdouble).eps < np.finfo(np.float64).eps:
        assert error(w.astype(np.longdouble)) < 1e-2 * error(w)
    assert error(w) < 1e-10


@METHODS
def test_arguments_are_left_as_they_were_also_by_a_function_that_fails(method):
    w, x = np.arange(3.0), np.ones(3)
    w.flags.writeable = False
    method(wave, (w, x))
    calls = iter([1.0, 2.0])

    def failing(w):
        return next(calls) * np.sum(w) / (1 if w.size else 0)

    with pytest.raises(StopIteration):
        method(failing, (w,))
    assert w.tolist() == [0, 1, 2]


def test_simultaneous_perturbation_takes_two_evaluations_and_its_mean_is_the_gradient():
    w, x = np.linspace(-1, 1, 6), np.linspace(1, 2, 6)
    one = numerical.simultaneous_perturbation(wave, (w, x))
    assert one.evaluations == one.needed == 2
    # Every slope is the directional derivative, with the sign of its own weight.
    assert np.ptp(np.abs(one.gradient)) < 1e-9
    many = numerical.simultaneous_perturbation(wave, (w, x), repeats=4000)
    deviation = np.linalg.norm(np.cos(w) * x) / np.sqrt(4000)
    assert np.max(np.abs(many.gradient - np.cos(w) * x)) < 5 * deviation
    again = numerical.simultaneous_perturbation(wave, (w, x))
    np.testing.assert_array_equal(one.gradient, again.gradient)


def test_one_weight_at_a_time_draws_weights_and_changes_within_reach():
    w = np.zeros(50)
    drawn = [
        numerical.one_weight_at_a_time(lambda w: np.sum(w + w**2), (w,), seed=seed)
        for seed in range(40)
    ]
    # (C(d) - C(0)) / d is 1 + d.
    changes = np.array([one.slopes[0] - 1 for one in drawn])
    assert np.all(np.abs(changes) <= 0.1)
    assert changes.min() < -0.03
    assert changes.max() > 0.03
    assert len({int(one.entries[0]) for one in drawn}) > 20
    assert drawn[0].evaluations == 2
    assert drawn[0].needed == 51
    several = numerical.one_weight_at_a_time(lambda w: w.sum(), {"w": w}, draws=50)
    assert sorted(several.entries) == list(range(50))
    np.testing.assert_allclose(several.gradient, 1)


def test_what_the_complex_step_cannot_do_is_refused():
    with pytest.raises(SpecError, match="not complex"):
        numerical.complex_step(lambda w: np.sum(np.abs(w)), (np.ones(3),))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"wrt": "v"}, "no argument 'v'"),
        ({"wrt": ("w", "n")}, "n has dtype int64"),
        ({"entries": [3]}, "no entry 3"),
        ({"entries": [-1]}, "no entry -1"),
    ],
)
def test_what_cannot_be_differentiated_is_refused(call, message):
    with pytest.raises(SpecError, match=message):
        numerical.forward_difference(
            lambda w, n: np.sum(w) * n, (np.ones(3), 2), **call
        )


def test_a_value_that_is_no_number_is_refused():
    with pytest.raises(SpecError, match=r"shape \(3,\)"):
        numerical.forward_difference(lambda w: np.sin(w), (np.ones(3),))


def test_the_package_offers_them_lazily():
    assert symdiff.numerical.forward_difference is numerical.forward_difference
