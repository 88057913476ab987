"""Slopes where there is no derivative, by every convention.

Subdifferentials are found by sampling: gradients by differences at points around the
corner, whose hull a slope must lie in. What JAX 0.10 and PyTorch 2.13 give was measured
with them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from cases import quiet
from scipy.optimize import linprog, nnls

import symdiff
from symdiff.settings import CORNERS

INF, NAN = np.inf, np.nan


def slopes(function: Callable, point: list, convention: str) -> np.ndarray:
    """Return the gradient of the sum of a function's result at a point."""

    def loss(x):
        return np.sum(function(x))

    compiled = symdiff.compile(
        loss, {"x": (len(point),)}, corners=convention, verify=False
    )
    with quiet():
        return compiled.grad(np.array(point))


# A function, a point, and there the slopes: least-norm, JAX's, PyTorch's, split.
MEASURED = [
    (np.abs, [0.0, -2.0], [0, -1], [1, -1], [0, -1], [0, -1]),
    (lambda x: np.maximum(x, 0), [0.0, 2.0], [0, 1], [0.5, 1], [0.5, 1], [0.5, 1]),
    (lambda x: np.minimum(1, x), [1.0, 0.0], [0, 1], [0.5, 1], [0.5, 1], [0.5, 1]),
    (lambda x: np.maximum(*x), [1.0, 1.0], *[[0.5, 0.5]] * 4),
    (lambda x: np.minimum(*x), [1.0, 1.0], *[[0.5, 0.5]] * 4),
    (lambda x: np.clip(x, -1, 1), [-1.0, 1.0], [0, 0], [0.5, 0.5], [1, 1], [0.5, 0.5]),
    (lambda x: np.fmax(*x), [1.0, 1.0], [0.5, 0.5], [0, 1], [1, 0], [0.5, 0.5]),
    (lambda x: np.fmin(*x), [1.0, 1.0], [0.5, 0.5], [0, 1], [1, 0], [0.5, 0.5]),
    (lambda x: np.fmax(x, 0), [0.0], [0], [0], [1], [0.5]),
    (np.max, [1.0, 1.0, 0.0], *[[0.5, 0.5, 0]] * 4),
    (np.min, [1.0, 1.0, 2.0], *[[0.5, 0.5, 0]] * 4),
    (np.linalg.norm, [0.0, 0.0], [0, 0], [NAN, NAN], [0, 0], [0, 0]),
    (lambda x: np.linalg.norm(x, 1), [0.0, 1.0], [0, 1], [1, 1], [0, 1], [0, 1]),
    (np.std, [2.0, 2.0], [0, 0], [NAN, NAN], [0, 0], [0, 0]),
    (lambda x: np.hypot(*x), [0.0, 0.0], [0, 0], [0.5, 0.5], [NAN, NAN], [0, 0]),
    (lambda x: np.arctan2(*x), [0.0, 0.0], [NAN] * 2, [NAN] * 2, [0, 0], [NAN] * 2),
    (np.sqrt, [0.0, 4.0], *[[INF, 0.25]] * 4),
    (np.cbrt, [0.0], [INF], [INF], [INF], [INF]),
    (lambda x: x**0.25, [0.0], [INF], [INF], [INF], [INF]),
    (lambda x: x**1.5, [0.0], [0], [0], [0], [0]),
    (lambda x: x**0, [0.0], [0], [0], [0], [0]),
    (lambda x: 0.0**x, [0.0, 2.0], [0, 0], [0, 0], [0, 0], [0, 0]),
    (lambda x: x[0] ** x[1], [0.0, 0.0], [0, 0], [NAN, 0], [0, 0], [0, 0]),
    (np.prod, [0.0, 0.0, 2.0], *[[0, 0, 0]] * 4),
    (np.cumprod, [0.0, 0.0, 2.0], *[[1, 0, 0]] * 4),
    (lambda x: np.sort(x) * [1, 2, 4], [1.0, 1.0, 0.0], *[[2, 4, 1]] * 4),
    (np.sign, [0.0], [0], [0], [0], [0]),
    (lambda x: np.where(x > 0, np.sqrt(np.abs(x)), 0), [0.0], *[[0]] * 4),
]


@pytest.mark.parametrize("place", range(len(MEASURED)))
def test_fault_31_each_convention_takes_its_slope(place):
    function, point, *expected = MEASURED[place]
    conventions = ("least-norm", "jax", "torch", "split")
    for convention, slope in zip(conventions, expected, strict=True):
        got = slopes(function, point, convention)
        np.testing.assert_allclose(got, slope, rtol=1e-14, err_msg=convention)


# Functions with a corner at the point, in each element that is True.
AT = [
    (np.abs, [0.0, -2.0], [True, False]),
    (lambda x: np.maximum(x, 0), [0.0, 2.0], [True, False]),
    (lambda x: np.minimum(*x), [1.0, 1.0], [True, True]),
    (lambda x: np.fmax(*x), [1.0, 1.0], [True, True]),
    (lambda x: np.clip(x, -1, 1), [-1.0, 1.0, 0.0], [True, True, False]),
    (np.max, [1.0, 1.0, 0.0], [True, True, False]),
    (lambda x: np.min(x.reshape(2, 2), 1), [1.0, 1.0, 0.0, 3.0], [True, True, 0, 0]),
    (np.linalg.norm, [0.0, 0.0], [True, True]),
    (np.std, [2.0, 2.0], [True, True]),
    (lambda x: np.hypot(*x), [0.0, 0.0], [True, True]),
    (lambda x: np.arctan2(*x), [0.0, 0.0], [True, True]),
    (np.sqrt, [0.0, 4.0], [True, False]),
    (np.cbrt, [0.0, 8.0], [True, False]),
    (lambda x: x**0.3, [0.0, 1.0], [True, False]),
    (np.sort, [1.0, 3.0, 1.0], [True, False, True]),
    (lambda x: np.sort(x.reshape(2, 2)), [1.0, 1.0, 2.0, 0.0], [True, True, 0, 0]),
    (np.median, [1.0, 1.0, 0.0], [True, True, False]),
    (np.median, [1.0, 1.0], [False, False]),
    (np.median, [0.0, 1.0, 1.0, 1.0], [False, True, True, True]),
    (lambda x: np.quantile(x, 0.25), [1.0, 1.0, 2.0], [False, False, False]),
    (lambda x: np.quantile(x, 0.2), [1.0, 1.0, 2.0], [True, True, False]),
    (lambda x: np.quantile(x, 0.5, method="lower"), [1.0, 1.0, 2.0], [True, True, 0]),
    (np.maximum.accumulate, [1.0, 0.0, 1.0], [False, False, True]),
    (lambda x: x % 1, [2.0, 2.5], [True, False]),
    (lambda x: np.fmod(x, 1), [2.0, 0.0], [True, False]),
    (lambda x: np.copysign(x, -1.0), [0.0, 1.0], [True, False]),
    (lambda x: x[0] ** x[1], [0.0, 0.0], [True, True]),
]


@pytest.mark.parametrize("place", range(len(AT)))
def test_fault_31_nan_and_zero_mark_corners_and_nothing_else(place):
    function, point, at = AT[place]
    at = np.array(at, bool)
    np.testing.assert_array_equal(np.isnan(slopes(function, point, "nan")), at)
    zero = slopes(function, point, "zero")
    if function is np.maximum.accumulate:
        zero = zero[1:]  # the first of the equal elements keeps its own slope
        at = at[1:]
    assert not np.any(zero[at])
    assert np.all(np.isfinite(zero))


def test_nan_stays_out_of_a_branch_not_taken():
    def guarded(x):
        return np.where(x > 0, np.abs(x), 2 * x)

    np.testing.assert_array_equal(slopes(guarded, [0.0, 1.0], "nan"), [2, 1])


# Subdifferentials.


def sampled(function: Callable, point: list) -> np.ndarray:
    """Return gradients of the sum of a function, by differences around a point."""
    rng = np.random.default_rng(0)
    around = np.array(point) + 1e-3 * rng.standard_normal((100, len(point)))
    step = 1e-7 * np.eye(len(point))

    def value(x):
        return float(np.sum(function(x)))

    return np.array([[value(x + h) - value(x - h) for h in step] for x in around]) / (
        2e-7
    )


def is_in_hull(slope: np.ndarray, gradients: np.ndarray, within: float) -> bool:
    """Whether a slope is a mean of gradients, but for an error in each part."""
    weights = np.vstack([gradients.T, np.ones(len(gradients))])
    wanted, off = np.append(slope, 1), np.append(np.full(len(slope), within), 1e-9)
    bounds = np.append(wanted + off, off - wanted)
    found = linprog(np.zeros(len(gradients)), np.vstack([weights, -weights]), bounds)
    return found.status == 0


def shortest(gradients: np.ndarray) -> np.ndarray:
    """Return the point of the gradients' hull that is nearest to 0."""
    heavy = 1e4 * np.ones(len(gradients))
    weights, _ = nnls(np.vstack([gradients.T, heavy]), np.append(0 * gradients[0], 1e4))
    return gradients.T @ weights / weights.sum()


# Locally convex or concave at the point, with the corner in operations of one kind.
CONVEX = [
    (np.abs, [0.0, 1.0]),
    (lambda x: -3 * np.abs(x), [0.0]),
    (lambda x: np.abs(x[0]) + np.abs(x[1]), [0.0, 0.0]),
    (lambda x: np.maximum(x, 0), [0.0, 1.0]),
    (lambda x: np.maximum(*x), [1.0, 1.0]),
    (lambda x: np.minimum(*x), [1.0, 1.0]),
    (lambda x: np.max(x), [1.0, 1.0, 1.0, 0.0]),
    (lambda x: np.max(np.abs(x)), [0.0, 0.0]),
    (lambda x: np.max(np.abs(x)), [1.0, -1.0]),
    (lambda x: np.maximum(np.abs(x), 1), [1.0, -1.0]),
    (lambda x: np.clip(x, -1, 1), [1.0, 0.0]),
    (np.linalg.norm, [0.0, 0.0]),
    (lambda x: np.linalg.norm(x, 1), [0.0, 2.0]),
    (lambda x: np.linalg.norm(x, np.inf), [2.0, -2.0]),
    (np.std, [1.0, 1.0, 1.0]),
    (lambda x: np.hypot(*x), [0.0, 0.0]),
    (lambda x: np.maximum(0, 1 - x) ** 2, [1.0]),
    (lambda x: np.ptp(x), [0.0, 0.0, 2.0]),
]


@pytest.mark.parametrize("place", range(len(CONVEX)))
def test_fault_31_the_default_is_the_shortest_subgradient(place):
    function, point = CONVEX[place]
    expected = shortest(sampled(function, point))
    got = slopes(function, point, "least-norm")
    np.testing.assert_allclose(got, expected, atol=2e-2)


# Neither convex nor concave, or of several operations.
CONSISTENT = [
    (lambda x: np.abs(x[0]) - np.clip(x[1], 0, 1), [0.0, 1.0]),
    (lambda x: np.max(np.maximum(x, 0)), [0.0, 0.0]),
    (lambda x: np.linalg.norm(x) - np.std(x), [0.0, 0.0]),
    (lambda x: np.maximum(np.maximum(x[0], x[1]), x[2]), [1.0, 1.0, 1.0]),
    (lambda x: np.minimum(np.abs(x), 1), [0.0, 1.0]),
    (lambda x: np.abs(np.abs(x) - 1), [0.0, 1.0]),
    (lambda x: (x + np.abs(x)) / 2, [0.0]),
    (lambda x: np.maximum(x, 0.1 * x), [0.0]),
    (lambda x: np.sort(x) * [1, 3, 2], [1.0, 1.0, 1.0]),
    (np.median, [1.0, 1.0, 1.0, 4.0]),
    (lambda x: np.quantile(x, 0.3), [1.0, 1.0, 1.0, 4.0]),
    (lambda x: np.fmax(x[0], x[1]), [2.0, 2.0]),
    (np.maximum.accumulate, [1.0, 1.0]),
    (lambda x: np.copysign(x, 1.0), [0.0]),
]


@pytest.mark.parametrize("place", range(len(CONSISTENT)))
def test_fault_31_slopes_are_subgradients(place):
    function, point = CONSISTENT[place]
    gradients = sampled(function, point)
    for convention in ("least-norm", "jax", "torch", "split"):
        got = slopes(function, point, convention)
        if np.all(np.isfinite(got)):  # JAX and PyTorch give NaN at some
            assert is_in_hull(got, gradients, 2e-2), (convention, got)


# Where there is a derivative in spite of corners within, it is found.
SMOOTH = [
    (lambda x: x * np.abs(x), [0.0, 1.0], [0.0, 2.0]),
    (lambda x: np.abs(x) ** 2, [0.0, 1.0], [0.0, 2.0]),
    (lambda x: np.abs(x) ** 3, [0.0, -1.0], [0.0, -3.0]),
    (lambda x: np.linalg.norm(x) ** 2, [0.0, 0.0], [0.0, 0.0]),
    (lambda x: np.abs(x) - np.abs(x), [0.0], [0.0]),
    (lambda x: np.maximum(*x) + np.minimum(*x), [1.0, 1.0], [1.0, 1.0]),
    (lambda x: np.max(x) + np.min(x), [1.0, 1.0], [1.0, 1.0]),
    (lambda x: np.sum(np.sort(x)), [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]),
    (lambda x: np.maximum(x, 0) ** 2, [0.0, 1.0], [0.0, 2.0]),
    (lambda x: np.median(x), [1.0, 1.0], [0.5, 0.5]),
    (lambda x: np.max(x), [2.0, 1.0], [1.0, 0.0]),
    (lambda x: np.maximum(x, 0) - np.maximum(-x, 0), [0.0, 2.0], [1.0, 1.0]),
    (lambda x: np.maximum(x, 3) + np.minimum(3, x), [3.0, 2.0], [1.0, 1.0]),
    (lambda x: np.maximum(1 - x, 0) - np.maximum(x - 1, 0), [1.0], [-1.0]),
    (lambda x: 2 * np.maximum(x, 0) - np.abs(x), [0.0], [1.0]),
    (lambda x: np.abs(2 * x) - 2 * np.abs(x), [0.0], [0.0]),
]


@pytest.mark.parametrize("place", range(len(SMOOTH)))
def test_fault_31_the_derivative_where_it_exists(place):
    function, point, expected = SMOOTH[place]
    got = slopes(function, point, "least-norm")
    np.testing.assert_allclose(got, expected, atol=1e-14)


def test_fault_31_corners_at_one_place_are_settled_together():
    def loss(x, c):
        a, b, d = np.abs(x - 1), np.maximum(2 * x, 2), np.minimum(x, 1)
        return np.sum(c[0] * a + c[1] * b + c[2] * d + c[3] * x)

    compiled = symdiff.compile(loss, {"x": (40,), "c": (4, 40)})
    c = np.random.default_rng(3).normal(size=(4, 40))
    below = -c[0] + c[2] + c[3]
    above = c[0] + 2 * c[1] + c[3]
    shortest = np.where(
        below * above < 0, 0, np.where(abs(below) < abs(above), below, above)
    )
    np.testing.assert_allclose(compiled.grad(np.ones(40), c), shortest, atol=1e-13)
    np.testing.assert_allclose(compiled.grad(np.zeros(40), c), below, atol=1e-13)
    assert all("of all corners there" in one for one in compiled.report.corners)


# What is said of corners.


def corners_of(loss: Callable, convention: str = "least-norm", **specs) -> list[str]:
    """Return the corners of a loss, without the file's name, lines counted from it."""
    first = loss.__code__.co_firstlineno
    compiled = symdiff.compile(loss, specs, corners=convention, verify=False)
    lines = []
    for one in compiled.report.corners:
        _, number, rest = one.split(":", 2)
        lines.append(f"{int(number) - first}:{rest}")
    return lines


def network(w, X):
    h = X @ w
    a = np.maximum(h, 0)
    r = np.linalg.norm(a)
    b = np.clip(2 * a, -1, 1)
    return r + np.max(b) + np.sum(np.abs(a - 1) + np.sqrt(a + 1e-6)) + np.abs(a - 1)[0]


SHAPES = {"w": (3,), "X": ("n", 3)}


def test_corners_are_listed_in_the_users_names_each_once():
    assert corners_of(network, **SHAPES) == [
        "2: np.maximum(h, 0) at h == 0: slope 0",
        "3: np.linalg.norm(a) at r == 0: slope 0",
        "4: np.clip(2 * a, -1, 1) at 2 * a == -1 or 2 * a == 1: slope 0",
        "5: np.max(b) at a tie: slope shared equally",
        "5: np.abs(a - 1) at a - 1 == 0: slope 0",
    ]


def test_the_list_tells_the_slopes_that_were_chosen():
    def loss(x):
        return np.maximum(x[0], x[1]) + np.abs(x[2]) + np.sqrt(x[3])

    def slopes_of(convention):
        return [one.rpartition(": ")[2] for one in corners_of(loss, convention, x=(4,))]

    assert slopes_of("least-norm") == ["slope 1/2 each", "slope 0", "slope inf"]
    assert slopes_of("jax") == ["slope 1/2 each", "slope 1", "slope inf"]
    assert slopes_of("zero") == ["slope 0 each", "slope 0", "slope 0"]
    assert slopes_of("nan") == ["slope NaN each", "slope NaN", "slope NaN"]


def test_what_is_not_differentiated_has_no_corner():
    def loss(x, y):
        return np.sum(x) * np.max(np.abs(y))

    assert corners_of(loss, x=(2,), y=(2,)) == []


def test_corners_without_source_have_letters_for_names():
    space = {"np": np}
    exec("def loss(x):\n    return np.sum(np.maximum(2 * x, 0))", space)
    compiled = symdiff.compile(space["loss"], {"x": (2,)}, verify=False)
    assert compiled.report.corners == ("<string>:2: maximum(x, 0) at x == 0: slope 0",)


@pytest.mark.parametrize("convention", CORNERS)
def test_a_convention_changes_nothing_elsewhere(convention):
    rng = np.random.default_rng(1)
    w, X = rng.normal(size=3), rng.normal(size=(5, 3))
    found = [
        symdiff.compile(network, SHAPES, corners=one, verify=False).grad(w, X)
        for one in ("least-norm", convention)
    ]
    np.testing.assert_allclose(*found, rtol=1e-14)


# Corners that the loss makes itself, and functions that are written in two ways.


def pieces(x):
    a = np.where(x > 0, x, 0)
    b = np.where(x >= 1, 2 * x, x + 1)
    c = x * (x < 0)
    d = np.sign(x) * x
    e = np.where(x > 0, x, 0.1 * x)
    return np.sum(a + b + c + d + e)


@pytest.mark.filterwarnings("ignore::symdiff.CornerWarning")
def test_corners_of_branches_are_listed_with_the_slope_of_the_one_taken():
    assert corners_of(pieces, x=(3,)) == [
        "1: np.where(x > 0, x, 0) at x == 0: slope 0",
        "2: np.where(x >= 1, 2 * x, x + 1) at x == 1: slope 2",
        "3: x * (x < 0) at x == 0: slope 0",
        "4: np.sign(x) * x at x == 0: slope 0",
        "5: np.where(x > 0, x, 0.1 * x) at x == 0: slope 1/10",
    ]


def test_the_slopes_listed_for_branches_are_those_taken():
    parts = [
        lambda x: np.where(x > 0, x, 0),
        lambda x: np.where(x >= 1, 2 * x, x + 1),
        lambda x: x * (x < 0),
        lambda x: np.sign(x) * x,
        lambda x: np.where(x > 0, x, 0.1 * x),
    ]
    points, expected = [0.0, 1.0, 0.0, 0.0, 0.0], [0, 2, 0, 0, 0.1]
    with quiet():
        got = [
            slopes(one, [point], "least-norm")[0]
            for one, point in zip(parts, points, strict=True)
        ]
    np.testing.assert_allclose(got, expected)


def test_what_is_smooth_or_jumps_has_no_corner():
    def loss(x, y):
        elu = np.where(x > 0, x, np.expm1(x))
        huber = np.where(x < 1, x**2 / 2, x - 0.5)
        jump = np.where(x > 0, x, -1)
        masked = np.where(y > 0, x, 0)
        line = np.where(x > 0, x, x)
        return np.sum(elu + huber + jump + masked + line)

    assert corners_of(loss, x=(2,), y=(2,)) == []


def warned(loss: Callable, convention: str, specs: Mapping) -> tuple[Any, list]:
    """Return a compiled loss and the warnings that it gives, each at its line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compiled = symdiff.compile(
            loss, specs, wrt=tuple(specs), corners=convention, verify=False
        )
    assert all(one.category is symdiff.CornerWarning for one in caught)
    assert all(one.filename == __file__ for one in caught)
    return compiled, caught


def test_a_corner_in_a_branch_counts_where_the_branch_is_taken():
    def loss(v):
        return np.sum(np.where(v > 0, np.sqrt(v), 0) + np.maximum(1, v))

    assert corners_of(loss, v=(2,)) == [
        "1: np.sqrt(v) at v == 0: slope inf where its branch is taken",
        "1: np.maximum(1, v) at v == 1: slope 0",
    ]


def test_numbers_beyond_floats_and_sizes_are_no_lines():
    def loss(x):
        n = x.shape[0]
        return np.sum(np.maximum(x / 10**400, 0) + np.maximum(x - 3 * n, 0))

    assert corners_of(loss, x=("n",)) == [
        "2: np.maximum(x / 10**400, 0) at x / 10**400 == 0: slope 0",
        "2: np.maximum(x - 3 * n, 0) at x - 3 * n == 0: slope 0",
    ]


def doubts_of(loss: Callable, convention: str = "least-norm", **specs) -> list[str]:
    """Return what is warned of: the line, counted from the loss's own, and the text."""
    _, caught = warned(loss, convention, specs)
    first = loss.__code__.co_firstlineno
    return [f"{one.lineno - first}: {one.message}" for one in caught]


def written_twice(x, h):
    a = np.maximum(x, 0)
    b = (h + np.abs(h)) / 2
    c = np.where(x > 0, x, 0)
    return np.sum(a + 2 * b) + np.sum(c)


def test_one_function_of_two_slopes_is_warned_of():
    here = f"test_corners.py:{written_twice.__code__.co_firstlineno + 1}"
    assert doubts_of(written_twice, x=(3,), h=(3,)) == [
        "2: (h + np.abs(h)) / 2 has slope 1/2 at h == 0; "
        f"np.maximum(x, 0) ({here}), the same function, has 0"
    ]
    assert doubts_of(written_twice, "torch", x=(3,), h=(3,)) == [
        "3: np.where(x > 0, x, 0) has slope 0 at x == 0; "
        f"np.maximum(x, 0) ({here}), the same function, has 1/2"
    ]


def test_a_branch_is_held_against_the_convention():
    def loss(x):
        return np.sum(np.where(x >= 0, x, 0) + np.where(x > 0, x, -x))

    text = "1: {} has slope {} at x == 0; by the convention {!r} it is {}"
    relu, absolute = "np.where(x >= 0, x, 0)", "np.where(x > 0, x, -x)"
    for convention, first, second in [
        ("least-norm", "0", "0"),
        ("split", "1/2", "0"),
        ("nan", "NaN", "NaN"),
    ]:
        assert doubts_of(loss, convention, x=(2,)) == [
            text.format(relu, 1, convention, first),
            text.format(absolute, -1, convention, second),
        ]
    assert doubts_of(loss, "jax", x=(2,)) == []


EQUAL = [
    lambda x: np.maximum(x, 0),
    lambda x: np.clip(x, 0, None),
    lambda x: np.where(x >= 0, x, 0),
    lambda x: np.where(np.less(0, x), x, 0),
    lambda x: np.where(x < 0, 0, x),
    lambda x: x * (x > 0),
    lambda x: (x >= 0) * x,
    lambda x: (x + np.abs(x)) / 2,
    lambda x: (x + np.sign(x) * x) / 2,
    lambda x: x - np.minimum(x, 0),
    lambda x: -np.minimum(-x, 0),
    lambda x: np.maximum(2 * x, 0) / 2,
    lambda x: np.maximum(x, -1 * x) / 2 + x / 2,
]


@pytest.mark.parametrize("convention", ["least-norm", "jax", "split"])
@pytest.mark.parametrize("place", range(len(EQUAL)))
def test_a_warning_is_given_just_where_the_slopes_differ(place, convention):
    def loss(x, h):
        return np.sum(np.maximum(x, 0)) + np.sum(EQUAL[place](h))

    compiled, caught = warned(loss, convention, {"x": (1,), "h": (1,)})
    own, other = compiled.grad(np.zeros(1), np.zeros(1))
    doubted = any("the same function, has" in str(one.message) for one in caught)
    assert doubted == (own != other)


@pytest.mark.filterwarnings("error")
def test_what_is_not_differentiated_is_not_warned_of():
    def loss(x, y):
        return np.sum(x) * np.sum(np.where(y >= 0, y, 0) + np.maximum(y, 0))

    symdiff.compile(loss, {"x": (2,), "y": (2,)}, verify=False)
