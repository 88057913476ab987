"""Where there is no derivative: the least-norm slope, the limit, and NaN as NaN.

Each row says what is right by the rule, not what some program happens to give.
"""

import numpy as np
import pytest
from cases import quiet
from scipy.special import logsumexp, xlogy

import symdiff

INF, NAN = np.inf, np.nan


def gradient(function, point, wrt=None):
    """Return the gradient of the sum of a function of x (and y) at a point."""
    arrays = {name: np.asarray(value, float) for name, value in point.items()}
    specs = {name: array.shape for name, array in arrays.items()}
    names = ", ".join(arrays)
    space = {"function": function, "np": np}
    exec(f"def loss({names}):\n    return np.sum(function({names}))", space)
    compiled = symdiff.compile(
        space["loss"], specs, wrt=wrt or tuple(arrays), verify=False
    )
    with quiet():
        return compiled.grad(*arrays.values())


ONE = [
    # Kinks of convex functions: the least-norm subgradient.
    (np.abs, [0.0, -2.0], [0.0, -1.0]),
    (lambda x: np.maximum(x, 0), [0.0, -1.0, 2.0], [0.0, 0.0, 1.0]),
    (lambda x: np.maximum(0.5, x), [0.5, 1.0], [0.0, 1.0]),
    (lambda x: np.minimum(x, 1), [1.0, 0.0], [0.0, 1.0]),
    (lambda x: np.minimum(np.maximum(x, -1), 1), [-1.0, 0.0, 1.0], [0.0, 1.0, 0.0]),
    (lambda x: np.std(x), [2.0, 2.0, 2.0], [0.0, 0.0, 0.0]),
    (lambda x: np.hypot(x, 0.0), [0.0, 2.0], [0.0, 1.0]),
    # Ties of extrema share equally.
    (lambda x: np.max(x), [3.0, 1.0, 3.0], [0.5, 0.0, 0.5]),
    (lambda x: np.min(x), [1.0, 1.0, 1.0, 2.0], [1 / 3, 1 / 3, 1 / 3, 0.0]),
    (lambda x: np.max(x.reshape(2, 2), axis=1), [1.0, 1.0, 0.0, 2.0], [0.5, 0.5, 0, 1]),
    # Slopes that grow without bound.
    (np.sqrt, [0.0, 4.0], [INF, 0.25]),
    (np.log, [0.0, 2.0], [INF, 0.5]),
    (np.cbrt, [0.0, 1.0], [INF, 1 / 3]),
    # Powers.
    (lambda x: x**0, [0.0, -1.0, 2.0], [0.0, 0.0, 0.0]),
    (lambda x: x**0.0, [0.0, 2.0], [0.0, 0.0]),
    (lambda x: x**1, [0.0, 2.0], [1.0, 1.0]),
    (lambda x: x**2, [0.0, -3.0], [0.0, -6.0]),
    (lambda x: x**3, [0.0, -1.0], [0.0, 3.0]),
    (lambda x: x**1.5, [0.0, 4.0], [0.0, 3.0]),
    (lambda x: 0.0**x, [2.0, 1.0], [0.0, 0.0]),
    (lambda x: x ** np.array([0, 1, 2]), [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]),
    # Products with zeros.
    (lambda x: np.prod(x), [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]),
    (lambda x: np.prod(x), [0.0, 3.0, 2.0], [6.0, 0.0, 0.0]),
    (lambda x: np.prod(x.reshape(2, 2), 1), [0.0, 3.0, 2.0, 5.0], [3.0, 0.0, 5.0, 2.0]),
    # Steps.
    (lambda x: np.sign(x) + np.floor(x), [0.0, 1.0], [0.0, 0.0]),
    # x log x and its kin.
    (lambda x: xlogy(x, 2.0), [0.0, 1.0], [np.log(2), np.log(2)]),
    (lambda x: xlogy(0.0, x), [0.0, 1.0], [0.0, 0.0]),
    (lambda x: xlogy([0.0, 0.0, 2.0], x), [0.0, INF, 0.5], [0.0, 0.0, 4.0]),
    (lambda x: logsumexp(x), [-INF, 0.0], [0.0, 1.0]),
]


@pytest.mark.parametrize("place", range(len(ONE)))
def test_fault_31_corners_of_one_argument(place):
    function, point, expected = ONE[place]
    got = gradient(function, {"x": point}).x
    np.testing.assert_allclose(got, expected, rtol=1e-14, atol=0)


TWO = [
    (np.maximum, [1.0, 2.0], [1.0, 3.0], [0.5, 0.0], [0.5, 1.0]),
    (np.minimum, [1.0, 2.0], [1.0, 3.0], [0.5, 1.0], [0.5, 0.0]),
    (np.hypot, [0.0, 3.0], [0.0, 4.0], [0.0, 0.6], [0.0, 0.8]),
    (np.arctan2, [0.0], [-1.0], [-1.0], [0.0]),
    (lambda x, y: x**y, [0.0, 0.0], [0.0, 2.0], [0.0, 0.0], [0.0, 0.0]),
    (xlogy, [0.0, 1.0], [2.0, 2.0], [np.log(2), np.log(2)], [0.0, 0.5]),
]


@pytest.mark.parametrize("place", range(len(TWO)))
def test_fault_31_corners_of_two_arguments(place):
    function, x, y, d_x, d_y = TWO[place]
    got = gradient(function, {"x": x, "y": y})
    np.testing.assert_allclose(got.x, d_x, rtol=1e-14, atol=0)
    np.testing.assert_allclose(got.y, d_y, rtol=1e-14, atol=0)


@pytest.mark.parametrize("function", [np.maximum, np.minimum])
def test_fault_31_a_tie_with_what_is_not_differentiated_is_flat(function):
    got = gradient(function, {"x": [1.0], "y": [1.0]}, wrt=("x",))
    np.testing.assert_array_equal(got.x, [0.0])


# A branch of `where` that is not taken adds nothing, whatever its own slope is.
MASKED = [
    (lambda x: np.where(x > 0, np.sqrt(x), 0), [0.0, 4.0], [0.0, 0.25]),
    (lambda x: np.where(x >= 0, x, np.sqrt(-x)), [1.0, -4.0], [1.0, -0.25]),
    (lambda x: np.where(x == 0, 1, np.sin(x) / x), [0.0], [0.0]),
    (lambda x: np.where(x > 0, np.log(x), x), [-1.0, 0.0, 2.0], [1.0, 1.0, 0.5]),
    (lambda x: np.where(x > 1, 1 / (x - 1), 0), [1.0, 3.0], [0.0, -0.25]),
    (lambda x: np.where(x > 0, np.exp(np.sqrt(x)), 1), [0.0], [0.0]),
    (lambda x: np.where(x > 0, np.sqrt(x) * x, 0), [0.0, 4.0], [0.0, 3.0]),
    (lambda x: np.where(x > 0, 2 * np.sqrt(x) + 1, 0), [0.0, 4.0], [0.0, 0.5]),
    (lambda x: np.where(x > 0, np.arccos(1 - x), 0), [0.0], [0.0]),
    (lambda x: np.where(x > 0, np.sqrt(x)[None], 0), [0.0, 1.0], [0.0, 0.5]),
    (
        lambda x: np.where(np.sum(x) > 0, np.sqrt(x).reshape(2, 1).T, 0),
        [0.0, 0.0],
        [0.0, 0.0],
    ),
    (
        lambda x: np.where(np.max(x) > 0, np.sum(np.sqrt(x)), 0),
        [0.0, 0.0],
        [0.0, 0.0],
    ),
]


@pytest.mark.parametrize("place", range(len(MASKED)))
def test_fault_31_a_branch_not_taken_never_poisons(place):
    function, point, expected = MASKED[place]
    np.testing.assert_allclose(
        gradient(function, {"x": point}).x, expected, rtol=1e-14, atol=0
    )


# Not-a-number goes through; nothing makes a finite slope of it.
POISONED = [
    (np.exp, NAN),
    (np.sin, NAN),
    (np.sin, INF),
    (np.abs, NAN),
    (np.sqrt, NAN),
    (np.sqrt, -1.0),
    (np.log, NAN),
    (lambda x: np.maximum(x, 0), NAN),
    (lambda x: np.minimum(0.0, x), NAN),
    (lambda x: x**2, NAN),
    (lambda x: x**1.5, -1.0),
    (lambda x: np.hypot(x, 1.0), NAN),
    (lambda x: np.max(np.stack([x, 0 * x])), NAN),
    (lambda x: np.prod(np.stack([x, x + 1])), NAN),
    (lambda x: np.std(np.stack([x, x + 1])), NAN),
    (lambda x: xlogy([0.0], x), NAN),
    (lambda x: np.where(x > 0, 0.0, x * x), NAN),
    (lambda x: logsumexp(np.stack([x, x + 1])), NAN),
    (lambda x: 0 * x * np.exp(x), INF),
]


@pytest.mark.parametrize("place", range(len(POISONED)))
def test_fault_28_not_a_number_goes_through(place):
    function, point = POISONED[place]
    assert np.isnan(gradient(function, {"x": point}).x)


def test_fault_28_nan_in_one_element_leaves_the_others():
    got = gradient(lambda x: np.maximum(x, 0) + np.abs(x), {"x": [NAN, 1.0, -1.0]}).x
    np.testing.assert_array_equal(got, [NAN, 2.0, -1.0])


def test_fault_28_infinities_go_through():
    def tanh(x):
        return np.tanh(x) + np.maximum(x, 0)

    np.testing.assert_array_equal(gradient(tanh, {"x": [INF, -INF]}).x, [1.0, 0.0])


def test_corners_are_listed_with_their_lines():
    compiled = symdiff.compile(
        lambda x: np.sum(np.abs(x)) + np.max(x), {"x": (3,)}, verify=False
    )
    line = test_corners_are_listed_with_their_lines.__code__.co_firstlineno + 2
    assert compiled.report.corners == (
        f"test_ops_corners.py:{line}: np.abs(x) at x == 0: slope 0",
        f"test_ops_corners.py:{line}: np.max(x) at a tie: slope shared equally",
    )
