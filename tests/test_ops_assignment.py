"""Writing into arrays that a loss has made: items, through views, by masks, by functions."""

import numpy as np
import pytest
from cases import check, over, passes_of
from hypothesis import given, settings
from hypothesis import strategies as st
from rows import row
from second_order import check_second_order

import symdiff
from symdiff.errors import MutationError, ShapeError, UnsupportedError


def filled_by_rows(x):
    out = np.zeros((3, 2))
    for i in range(3):
        out[i] = np.sin(x[i]) * i
    return out


def recurrence(x, w):
    h = np.empty((4, 2))
    h[0] = x
    for t in range(1, 4):
        h[t] = np.tanh(w @ h[t - 1])
    return h


def augmented(x):
    y = np.exp(x)
    y[0] -= 1
    y[1:] *= y[:1]
    y[0] /= 3
    y[:1] **= 2
    y[...] += x
    return y


def negative_and_columns(x):
    y = x * 1.0
    y[-1] = x[0] * 2
    y[:, 1] *= x[0, 0]
    return y


def last_of_repeated_wins(x):
    y = np.zeros((5, 3))
    y[[0, 2, 0]] = x[:3]
    y[[1, 1], [0, 2]] += x[3, :2]
    return y


def last_of_data_wins(x, k):
    y = np.zeros(3)
    y[k] = x
    y[k] += x**2
    return y


def interleaved(x):
    y = np.zeros(2 * len(x))
    y[::2] = x
    y[1::2] = x**2
    return y


def mixed_keys(x):
    y = x * 1
    y[:, [0, 2], 1] = x[:, :2, 0]
    y[0, ..., 1:3] = 1.5 * x[1, ..., :2]
    y[..., None][1, 0, 0, 0] = 7
    return y


def views_see_it(x):
    y = x * 2
    a, b = y[1], y[:, 0]
    y[1, 0] = x[0, 0] ** 2
    b += 1
    a *= 2
    return y.sum(0) * a + b[1]


def views_of_views(x):
    y = x + 1
    y.T[0] = x[1]
    y[None][0, 1] = 2 * x[2]
    y[2][0] *= x[0, 0]
    y[1:][::-1][0, 1:] = x[0, :2]
    return y


def overlapping(x):
    y = np.copy(x)
    y[1:] = y[:-1]
    y[:] = y[::-1] * x
    return y


def constant_masks(x):
    mask = np.array([True, False, True, False])
    y = x * 3
    y[mask] = x[:2]
    y[~mask] *= 2
    return y


def computed_masks(x, z):
    y, mask = x.copy(), z > 0
    y[mask] = z[mask] ** 2
    y[x < 0] = 0.5
    y[mask] += 1
    return y


def integers(x):
    k = np.zeros(3, int)
    k[1] = 1
    k[2] += 1
    return x[np.arange(3), k]


def operands_are_what_they_were(x):
    k = np.arange(3)
    doubled = k * 2
    k[0] = 2
    return x[doubled[1]] * x[k[0]] * x[:1]


def positions(x):
    y = x * 2
    np.put(y, [0, 4], x[0, :2] * 3)
    np.put_along_axis(y, np.array([[1], [0], [2]]), x[:, :1], 1)
    np.fill_diagonal(y, x[1] ** 2)
    return y


def added_at(x, k):
    y = np.ones(3)
    np.add.at(y, k, x**2)
    np.subtract.at(y, k, x)
    return y


def copied(x):
    y, z = np.empty(3), np.empty_like(x)
    np.copyto(y, x)
    z.fill(2.0)
    z[:] = x * y
    np.copyto(z, x, where=np.array([True, False, True]))
    np.putmask(y, y > 0.3, 1.0)
    np.place(z, z < -0.5, [0.5])
    return y * z


def sorted_in_place(x):
    y = x * 2
    y.sort()
    return y


ASSIGNED = [
    row("filled_by_rows", filled_by_rows, (3, 2)),
    row("recurrence", recurrence, (2,), (2, 2)),
    row("augmented", augmented, ("n",)),
    row("negative_and_columns", negative_and_columns, ("n", 3)),
    row("last_of_repeated_wins", last_of_repeated_wins, (4, 3)),
    row("last_of_data_wins", last_of_data_wins, (4,), (4, "int64")),
    row("interleaved", interleaved, ("n",)),
    row("mixed_keys", mixed_keys, (2, 3, 4)),
    row("views_see_it", views_see_it, (3, 4)),
    row("views_of_views", views_of_views, (3, 3)),
    row("overlapping", overlapping, ("n",)),
    row("constant_masks", constant_masks, (4,)),
    row("computed_masks", computed_masks, ("n",), ("n",)),
    row("integers", integers, (3, 2)),
    row("operands_are_what_they_were", operands_are_what_they_were, (3,)),
    row("positions", positions, (3, 3)),
    row("added_at", added_at, ("n",), ("n", "int64")),
    row("copied", copied, (3,)),
    row("sorted_in_place", sorted_in_place, (3,)),
]
SELECTED = [
    row("sum", lambda x, z: x[z > 0].sum() + x[x > 0].sum(), ("n",), ("n",)),
    row("rows", lambda x, z: x[z > 0].sum(axis=0), ("n", 3), ("n",)),
    row("of_two", lambda x, z: np.sum((x[z > 0] - z[z > 0]) ** 2), ("n",), ("n",)),
    row("each", lambda x, z: np.sum(x[z > 0] ** 2, axis=1).sum(), ("n", 3), ("n",)),
    row("mean", lambda x, m: x[m].mean(axis=0) * x[0], (5, 3), (5, "bool")),
    row("prod", lambda x, m: np.prod(np.exp(x[m]), axis=0), (5, 3), (5, "bool")),
    row("count", lambda x, m: x * np.count_nonzero(x[m]), (5,), (5, "bool")),
    row("size", lambda x, m: np.sum(x[m]) / x[m].size, (5,), (5, "bool")),
    row(
        "var",
        lambda x, m: np.var(x[m | ~m], axis=0) + x[m | ~m].std(),
        (4, 2),
        (4, "bool"),
    ),
    row("max", lambda x, m: np.max(x[m]) - x[m].min(), (5,), (5, "bool")),
    row("norm", lambda x, m: np.linalg.norm(x[m]), (5, 2), (5, "bool")),
    row("matmul", lambda x, w, m: np.sum(x[m] @ w), (4, 2), (2, 3), (4, "bool")),
    row("dot", lambda x, m: x[m] @ x[m] + x[m].dot(x[m]), (4,), (4, "bool")),
    row("compress", lambda x, m: np.compress(m, x, axis=0).sum(0), (4, 2), (4, "bool")),
    row("extract", lambda x, m: np.extract(m, x).sum(), (4,), (4, "bool")),
    row("column", lambda x, m: x[m][:, 0].sum(), (4, 2), (4, "bool")),
    row("unknown", lambda x: x[np.arange(len(x)) % 2 == 0].sum(), ("n",)),
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@over(ASSIGNED)
def test_arrays_are_what_numpy_makes_of_them(case, dtype):
    check(case, dtype)


@over(ASSIGNED)
def test_assignment_is_differentiated_twice(case):
    check_second_order(case)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@over(SELECTED)
def test_what_a_computed_mask_marks_is_reduced(case, dtype):
    check(case, dtype)


@over(SELECTED)
def test_reductions_of_what_is_marked_are_differentiated_twice(case):
    check_second_order(case)


KEYS = st.one_of(
    st.integers(-3, 2),
    st.builds(
        slice, *[st.none() | st.integers(-4, 4)] * 2, st.sampled_from([None, 2, -1, -2])
    ),
    st.lists(st.integers(-3, 2), min_size=1, max_size=4),
    st.tuples(st.integers(-3, 2), st.integers(-3, 2)),
    st.tuples(st.builds(slice, st.integers(0, 2)), st.integers(-3, 2)),
    st.tuples(st.just(None), st.integers(-3, 2), st.just(...)),
    st.sampled_from([..., (..., 0), (slice(None), [0, 2, 0]), ([2, 1, 2], [0, 1, 0])]),
)
STEPS = st.tuples(
    KEYS, st.sampled_from(["set", "add", "times", "view"]), st.integers(0, 2)
)


@settings(max_examples=30, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=4))
def test_any_assignments_in_any_order(steps):
    def written(x):
        y = x * 1.0
        seen = y[1]
        for key, kind, at in steps:
            value = np.tanh(x[at, at]) + at
            if kind == "set":
                y[key] = value * 2
            elif kind == "add":
                y[key] += y[key] * value
            elif kind == "times":
                y[key] *= value
            else:
                seen *= value
        return y * seen

    check(row("written", written, (3, 3)), "float64")


def text_of(loss, **specs):
    return passes_of(symdiff.compile(loss, specs).source)


def test_rows_are_filled_in_place_and_taken_apart_without_zeros():
    text = text_of(lambda x: np.sum(filled_by_rows(x) ** 2), x=(3, 2))
    assert text.count(".copy()") == 0
    assert text.count("np.zeros") == 2  # what is filled, and the gradient
    assert "out[2] = np.sin(x[2]) * 2" in text
    assert "d_x[2] = 2 * d_out[2] * np.cos(x[2])" in text


def test_an_array_that_is_read_later_is_copied():
    def loss(x):
        y = np.exp(x)
        before = y * 1.0
        total = np.sum(y)
        y[0] = 0.0
        return total * np.sum(y) + np.sum(before)

    assert "y[0] = 0.0" in text_of(loss, x=(3,))
    assert ".copy()" in text_of(loss, x=(3,))


def test_what_is_kept_for_the_backward_pass_is_never_written_into():
    def loss(x):
        y = np.exp(x)
        z = y * y
        y[0] = x[1]
        return np.sum(z) + np.sum(y**2)

    x = np.array([0.1, 0.2, 0.3])
    compiled = symdiff.compile(loss, {"x": (3,)})
    value, cache = compiled.forward(x)
    first, again = compiled.backward(cache), compiled.backward(cache)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(value, loss(x))


def test_many_assignments_stay_linear_in_text():
    def loss(x, count):
        out = np.zeros(count)
        for i in range(count):
            out[i] = np.sin(x[i])
        return np.sum(out**2)

    def lines(count):
        compiled = symdiff.compile(
            loss, {"x": (count,)}, static={"count": count}, verify=False
        )
        return compiled.source.count("\n")

    assert lines(80) - lines(40) < 1.1 * (lines(40) - lines(20)) * 2


def test_what_was_put_long_before_is_read_and_differentiated():
    def loss(x):
        out = np.zeros(150)
        for i in range(150):
            out[i] = x[i % 3] ** 2 * (i + 1)
        return out[0] * out[149] + out[2]

    compiled = symdiff.compile(loss, {"x": (3,)})
    x = np.array([0.5, -1.5, 2.0])
    value, gradient = compiled.value_and_grad(x)
    assert value == 150 * 0.25 * 4.0 + 3 * 4.0
    assert list(gradient) == [150 * 2 * 0.5 * 4.0, 0.0, 2 * 2.0 * (150 * 0.25 + 3)]


def test_a_mask_leaves_no_warning_and_no_nan():
    def loss(x):
        return np.log(x[x > 0]).mean() + np.sum(np.sqrt(x[x > 0]))

    compiled = symdiff.compile(loss, {"x": ("n",)})
    x = np.array([-1.0, 0.0, 2.0, 4.0])
    with np.errstate(all="raise"):
        value, gradient = compiled.value_and_grad(x)
    np.testing.assert_allclose(value, loss(x))
    np.testing.assert_allclose(gradient[2:], 0.5 / x[2:] + 0.5 / np.sqrt(x[2:]))
    np.testing.assert_array_equal(gradient[:2], 0)


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        (lambda x: x.__setitem__(0, 1.0), MutationError, "which the loss was given"),
        (lambda x: x[:2].__setitem__(0, 1.0), MutationError, "may be a view"),
        (lambda x: np.ones(3).__setitem__(slice(2), x), ShapeError, "key selects"),
        (
            lambda x: np.sum(np.sort(x[x > 0])),
            UnsupportedError,
            "shape depends on values",
        ),
        (lambda x: np.sum(x[x > 0] * x), UnsupportedError, "no such mask"),
        (lambda x: np.sum(x[x > 0] * x[x > 1]), UnsupportedError, "two masks"),
        (lambda x: np.sum(list(x[x > 0])), UnsupportedError, "a loop"),
        (
            lambda x: np.sum(x) / len(x[x > 0]),
            symdiff.ValueDependenceError,
            "count_nonzero",
        ),
        (
            lambda x: (x * 2).__setitem__(x > 0, x[:2]),
            UnsupportedError,
            "computed mask",
        ),
        (
            lambda x: np.concatenate([x[x > 0], x]).sum(),
            UnsupportedError,
            "depends on values",
        ),
    ],
)
def test_what_cannot_be_written_or_selected_is_refused(loss, error, message):
    with pytest.raises(error, match=message):
        symdiff.compile(loss, {"x": (3,)})
