"""A branch of `where` that is not taken gives an exact 0, and no warning."""

import warnings

import numpy as np
import pytest
from cases import case, differences, over
from second_order import check_second_order

import symdiff

NAN, INF = np.nan, np.inf


def compiled(loss, rows=("n",), **options):
    return symdiff.compile(loss, {"x": rows}, verify=False, **options)


def quietly(compiled, *arguments):
    """Value and gradient, any warning of NumPy's an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return compiled.value_and_grad(*arguments)


def logarithm(x):
    return np.where(x > 0, np.log(x), 0).sum()


def condition_afterwards(x):
    y = np.log(x)
    taken = x > 0
    return np.where(taken, y, 0).sum()


def root(x):
    return np.where(x >= 0, x, np.sqrt(-x)).sum()


def quotient(x):
    return np.where(x == 0, 1, np.sin(x) / x).sum()


def angle(x):
    return np.where(np.abs(x) < 1, np.arccos(x), x).sum()


def negative_power(x):
    return np.where(x > 0, x**-1.5, 0).sum()


def chained(x):
    return np.where(x > 0, 3 * np.exp(-np.sqrt(np.log(1 / x) ** 2 + 1)), x).sum()


def selected(x):
    return np.select([x < 0, x < 1], [np.sqrt(-x), np.arccos(x)], 1 / x).sum()


def in_pieces(x):
    parts = [lambda x: np.log(-x), lambda x: np.log(x)]
    return np.piecewise(x, [x < 0, x > 0], parts).sum()


def nested(x):
    inner = np.where(x > 1, np.log(x - 1), np.sqrt(x))
    return np.where(x > 0, inner, x).sum()


def shared(x):
    y = np.log(x)
    return (np.where(x > 1, y, 0) + np.where(x > 0, y**2, 0)).sum()


def overflowing(x):
    return np.where(x > 0, x, np.expm1(400 * x)).sum()


def summed_inside(x):
    rows = np.stack([x, 2 * x], axis=1)
    return np.where(x > 0, np.sum(np.log(rows), axis=1), 0).sum()


def multiplied_inside(x):
    rows = np.stack([x, 2 * x], axis=1)
    return np.where(x > 0, np.log(rows) @ np.array([1.0, 2.0]), 0).sum()


def multiplied_outside(x):
    y = np.where(x > 0, 1 / x, 0)
    return np.sum(y @ np.ones((3, 2)))


def laid_out_inside(x):
    y = np.log(x[:, None].T)[0]
    return np.where(x > 0, y, 0).sum()


def by_a_flag(x):
    return np.where(x[0] > 0, np.sum(np.log(np.abs(x))), 0.0)


def in_no_row(x):
    counts = np.array([[0, 0, 3], [0, 0, 1]])
    return np.where(counts > 0, counts * np.log(x), 0).sum()


# The slopes by hand, at the point given.
LEAKS = [
    (logarithm, [-1.0, 0.0, 2.0], [0, 0, 0.5]),
    (condition_afterwards, [-1.0, 0.0, 2.0], [0, 0, 0.5]),
    (root, [1.0, 0.0, -4.0], [1, 1, -0.25]),
    (quotient, [0.0, np.pi, np.pi / 2], [0, -1 / np.pi, -4 / np.pi**2]),
    (angle, [0.0, 1.0, 2.0], [-1, 1, 1]),
    (negative_power, [0.0, -1.0, 1.0], [0, 0, -1.5]),
    (chained, [0.0, -1.0, 1.0], [1, 1, 0]),
    (selected, [-1.0, 0.0, 2.0], [-0.5, -1, -0.25]),
    (in_pieces, [-2.0, 0.0, 4.0], [-0.5, 0, 0.25]),
    (nested, [0.0, 0.25, 3.0], [1, 1, 0.5]),
    (shared, [-1.0, 0.0, 1.0], [0, 0, 0]),
    (overflowing, [3.0, 2.0, 0.0], [1, 1, 400]),
    (summed_inside, [-1.0, 0.0, 2.0], [0, 0, 1]),
    (multiplied_inside, [-1.0, 0.0, 2.0], [0, 0, 1.5]),
    (multiplied_outside, [-1.0, 0.0, 2.0], [0, 0, -0.5]),
    (laid_out_inside, [-1.0, 0.0, 2.0], [0, 0, 0.5]),
    (by_a_flag, [0.0, 0.0, 2.0], [0, 0, 0]),
    (in_no_row, [0.0, 0.0, 2.0], [0, 0, 2]),
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("loss", "point", "slopes"), LEAKS, ids=lambda one: getattr(one, "__name__", "")
)
def test_a_branch_not_taken_gives_zero_and_no_warning(loss, point, slopes, dtype):
    c = compiled(loss, (3,), dtype=dtype)
    value, gradient = quietly(c, np.array(point, dtype))
    np.testing.assert_allclose(gradient, slopes, rtol=1e-6)
    assert np.isfinite(value)
    assert gradient.dtype == dtype


@pytest.mark.parametrize("loss", [logarithm, root, quotient, nested, shared])
def test_the_value_is_the_functions_own(loss):
    x = np.random.default_rng(0).standard_normal(50)
    with np.errstate(all="ignore"):
        expected = loss(x)
    assert quietly(compiled(loss), x)[0] == expected


@pytest.mark.parametrize(
    "options", [{"rewrites": "none"}, {"no_rewrite": "safe-where"}]
)
def test_without_the_rewrite_the_slope_is_the_same(options):
    c = compiled(logarithm, **options)
    with np.errstate(all="ignore"):
        gradient = c.grad(np.array([-1.0, 0.0, 2.0]))
    np.testing.assert_array_equal(gradient, [0, 0, 0.5])
    assert c.graph.rewrites == ()


def test_the_rewrite_is_named_with_its_place():
    (line,) = compiled(logarithm).report.rewrites
    assert line.startswith("test_safe_branches.py:")
    assert "safe-where" in line


def test_nan_where_the_branch_is_taken_stays():
    value, gradient = compiled(logarithm).value_and_grad(np.array([NAN, 1.0, INF]))
    np.testing.assert_array_equal(gradient, [0, 1, 0])
    with np.errstate(all="ignore"):
        c = compiled(lambda x: np.where(x < 5, np.log(x), 0).sum())
        value, gradient = c.value_and_grad(np.array([-1.0, 0.0]))
    assert np.isnan(value)
    np.testing.assert_array_equal(gradient, [-1, INF])


def test_a_branch_by_which_its_condition_is_computed_is_left_alone():
    def loss(x):
        y = np.log(x)
        return np.where(np.isfinite(y), y, 0).sum()

    c = compiled(loss)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(c.grad(np.array([0.0, 2.0])), [0, 0.5])
    assert c.graph.rewrites == ()


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: np.where(x > 0, x, 0.1 * x).sum(),
        lambda x: np.where(x > 0, x**2, -np.tanh(x)).sum(),
        lambda x: np.where(x > 0, np.log(x**2 + 1), np.exp(-np.abs(x))).sum(),
        lambda x: np.where(x > 0, 1 / (1 + np.exp(-(x**2))), 0).sum(),
        lambda x: np.where(x > 0, np.log(np.maximum(x, 1e-6)), 0).sum(),
        lambda x: (np.log(x) + np.where(x > 0, np.log(x), 0)).sum(),
        lambda x: np.where(x > 1, np.log(x), 2 * np.log(x)).sum(),
        lambda x: np.where(x > 0, x / len(x), x).sum(),
    ],
)
def test_what_needs_no_guard_has_none(loss):
    assert not any("safe-where" in one.text for one in compiled(loss).graph.rewrites)


@over(
    [
        case("np.where(x > 0.1, np.log(x), x**2)", x=("n",)),
        case("np.where(x > 0.1, np.sqrt(x) / x, np.exp(x))", x=("n",)),
        case("np.where(x < y, np.log(y - x), 1 / (x - y))", x=("n",), y=("n",)),
        case("np.where(x[:, :1] > 0, np.log(np.abs(x)) @ y, 0)", x=(3, 2), y=(2, 2)),
    ]
)
def test_second_derivatives_are_those_of_the_branch_taken(case):
    check_second_order(case)


def test_masks_of_rows_leave_the_other_rows_out():
    def loss(x, w):
        return np.sum(np.where(x[:, 0] > 0, np.log(x) @ w, 0) ** 2)

    c = symdiff.compile(loss, {"x": ("n", 2), "w": (2,)}, wrt=("x", "w"), verify=False)
    x, w = np.array([[1.5, 2.0], [0.0, 0.0], [3.0, 0.5]]), np.array([1.0, 2.0])
    _, gradient = quietly(c, x, w)
    kept = x[[0, 2]]
    slope = differences(lambda x, w: np.sum((np.log(x) @ w) ** 2), [kept, w], 0)
    np.testing.assert_allclose(gradient.x[[0, 2]], slope, rtol=1e-6)
    np.testing.assert_array_equal(gradient.x[1], 0)
    np.testing.assert_allclose(
        gradient.w, differences(lambda w: np.sum((np.log(kept) @ w) ** 2), [w], 0)
    )


def test_many_branches_compile():
    def loss(x):
        for k in range(400):
            x = np.where(x > k, np.log(x), np.sqrt(np.abs(x) + 1))
        return x.sum()

    assert np.isfinite(compiled(loss).value(np.ones(3)))
