"""Rows of reductions: running sums, order, quantiles, norms, what passes NaN over."""

import numpy as np
import pytest
from cases import check, over, row
from second_order import check_second_order

import symdiff

RUNNING = [
    row("cumsum", lambda x: np.cumsum(x) ** 2, ("n",)),
    row("cumsum_flat", lambda x: np.cumsum(x) ** 2, ("n", 2)),
    row("cumsum_axis", lambda x: x.cumsum(axis=-1) ** 2, (2, "n", 3)),
    row("cumsum_first", lambda x: np.cumsum(x, axis=0) ** 2, ("n", 3)),
    row("cumsum_bools", lambda x: x * np.cumsum(x > 0), ("n",)),
    row("cumsum_scalar", lambda x: np.cumsum(x) ** 2, ()),
    row("cumulative_sum", lambda x: np.cumulative_sum(x, axis=1) ** 2, ("n", 3)),
    row(
        "cumulative_sum_from_0",
        lambda x: np.cumulative_sum(x, include_initial=True) ** 2,
        ("n",),
    ),
    row("diff", lambda x: np.diff(x) ** 2, ("n", 4)),
    row("diff_unknown", lambda x: np.diff(x, axis=0) ** 2, ("n", 3)),
    row("diff_twice", lambda x: np.diff(x, n=2) ** 2, (2, 5)),
    row("diff_ends", lambda x: np.diff(x, prepend=0.0, append=x[-1:]) ** 2, ("n",)),
    row("diff_prepend", lambda x: np.diff(x, axis=0, prepend=1.0) ** 2, ("n", 2)),
    row("diff_bools", lambda x: np.diff(x > 0) * x[1:], ("n",)),
    row("ediff1d", lambda x: np.ediff1d(x) ** 2, (2, 3)),
    row("ediff1d_ends", lambda x: np.ediff1d(x, 1.0, [2.0, 3.0]) ** 2, ("n",)),
    row("trapezoid", lambda x: np.trapezoid(x**2), ("n",)),
    row("trapezoid_axis", lambda x: np.trapezoid(x**2, dx=0.5, axis=0), ("n", 3)),
    row("trapezoid_x", lambda x, y: np.trapezoid(x**2, y, axis=0), ("n", 3), ("n",)),
    row("trapezoid_xs", lambda x, y: np.trapezoid(x**2, y), (2, "n"), (2, "n")),
]

ORDERED = [
    row("sort", lambda x: np.sort(x) ** 2, ("n",)),
    row("sort_last", lambda x: np.sort(x) ** 2, (3, "n")),
    row("sort_axis", lambda x: np.sort(x, axis=0) ** 2, ("n", 3)),
    row("sort_flat", lambda x: np.sort(x, axis=None) ** 2, ("n", 3)),
    row("argsort", lambda x: x[np.argsort(x)] ** 2, ("n",)),
    row("argsort_axis", lambda x: x * np.argsort(x, axis=0, kind="stable"), ("n", 3)),
    row("argsort_method", lambda x: x * x.argsort(), ("n",)),
    row("argmax", lambda x: x * np.argmax(x), (3, 2)),
    row("argmax_axis", lambda x: x[:, 0] * np.argmax(x, axis=-1), ("n", 3)),
    row("argmax_as_index", lambda x: x[x.argmax()] ** 2, (4,)),
    row(
        "argmin_kept", lambda x: x * x.argmin(axis=1, keepdims=True), ("n", 3)
    ),
    row("count_nonzero", lambda x: x * np.count_nonzero(x > 0), ("n",)),
    row(
        "count_nonzero_axis",
        lambda x: x * np.count_nonzero(x, axis=1, keepdims=True),
        ("n", 3),
    ),
    row("all", lambda x: x * np.all(x > -1, axis=0), ("n", 3)),
    row("all_method", lambda x: x * (x > -1).all(), ("n", 3)),
    row("any", lambda x: x * np.any(x > 0.5, axis=(0, 2), keepdims=True), (2, "n", 3)),
    row("any_of_numbers", lambda x: x * x.any(), ("n",)),
    row("median", lambda x: np.median(x) * x, ("n",)),
    row("median_axis", lambda x: np.median(x**2, axis=0), ("n", 3)),
    row("median_axes", lambda x: np.median(x**2, axis=(0, -1)), (2, "n", 3)),
    row("median_kept", lambda x: x * np.median(x, axis=1, keepdims=True), ("n", 4)),
    row("quantile", lambda x: np.quantile(x, 0.3) ** 2, ("n", 2)),
    row("quantile_axis", lambda x: np.quantile(x, 0.9, axis=-1) ** 2, (2, "n")),
    row("quantiles", lambda x: np.quantile(x, [0.2, 0.7], axis=0) ** 2, ("n", 3)),
    row("quantile_lower", lambda x: np.quantile(x, 0.4, method="lower") ** 2, ("n",)),
    row("quantile_ends", lambda x: np.quantile(x, np.array([0, 1.0])) ** 2, ("n",)),
    row("percentile", lambda x: np.percentile(x, 35, axis=0) ** 2, ("n", 3)),
    row("percentiles", lambda x: np.percentile(x, [25, 75]) ** 2, ("n",)),
]

STATISTICS = [
    row("ptp", lambda x: np.ptp(x) ** 2, (3, 2)),
    row("ptp_axis", lambda x: np.ptp(x, axis=-1, keepdims=True) * x, ("n", 3)),
    row("average", lambda x: np.average(x) ** 2, ("n", 2)),
    row("average_axis", lambda x: np.average(x, axis=1) ** 2, ("n", 3)),
    row(
        "average_weights",
        lambda x, w: np.average(x, axis=0, weights=w) ** 2,
        ("n", 3),
        ("n", 3),
        domain="positive",
    ),
    row(
        "average_weights_of_axis",
        lambda x, w: np.average(x, axis=1, weights=w, keepdims=True) ** 2,
        (2, "n", 3),
        ("n",),
        domain="positive",
    ),
    row(
        "average_weights_of_axes",
        lambda x, w: np.average(x, axis=(2, 0), weights=w) ** 2,
        (2, "n", 3),
        (3, 2),
        domain="positive",
    ),
    row(
        "average_returned",
        lambda x, w: np.stack(np.average(x, axis=0, weights=w, returned=True)) ** 2,
        ("n", 2),
        ("n",),
        domain="positive",
    ),
    row("cov", lambda x: np.cov(x), (3, "n")),
    row("cov_columns", lambda x: np.cov(x, rowvar=False, ddof=0), ("n", 3)),
    row("cov_two", lambda x, y: np.cov(x, y, bias=True), ("n",), ("n",)),
    row("cov_one", lambda x: np.cov(x), (4,)),
    row("corrcoef", lambda x: np.corrcoef(x) ** 2, (3, 4)),
    row("nansum", lambda x: np.nansum(holed(x), axis=0) ** 2, ("n", 3)),
    row("nansum_all", lambda x: np.nansum(holed(x)) ** 2, ("n",)),
    row("nanprod", lambda x: np.nanprod(holed(x), axis=1) ** 2, (2, 3)),
    row("nancumsum", lambda x: np.nancumsum(holed(x)) ** 2, ("n",)),
    row("nanmean", lambda x: np.nanmean(holed(x), axis=1) ** 2, (2, 4)),
    row("nanmean_kept", lambda x: x * np.nanmean(holed(x), keepdims=True), (2, 4)),
    row("nanvar", lambda x: np.nanvar(holed(x), axis=1, ddof=1), (2, 4)),
    row("nanstd", lambda x: np.nanstd(holed(x)), (2, 4)),
    row("nanmax", lambda x: np.nanmax(holed(x), axis=1) ** 2, (2, 4)),
    row("nanmin", lambda x: np.nanmin(holed(x)) ** 2, (2, 4)),
    row("nanmedian", lambda x: np.nanmedian(holed(x), axis=0) ** 2, (4, 3)),
    row("nanquantile", lambda x: np.nanquantile(holed(x), 0.3, axis=1), (2, 5)),
    row("nanpercentile", lambda x: np.nanpercentile(holed(x), [5, 60]), (2, 5)),
    row("nanargmax", lambda x: x * np.nanargmax(holed(x)), (4,)),
]


def holed(x):
    """Return x with NaN in the place of what lies in the middle."""
    return np.where(np.abs(x) < 0.1, np.nan, x)


def norm(*args, **kwargs):
    return lambda x: np.linalg.norm(x, *args, **kwargs) ** 1.5


NORMS = [
    row("norm", norm(), ("n",)),
    row("norm_of_many_axes", norm(), (2, "n", 3)),
    *(
        row(f"norm_of_vector_{order}", norm(order), ("n",))
        for order in (1, 2, 3, 0.5, np.inf, -np.inf)
    ),
    row("norm_negative", norm(-1), (4,)),
    row("norm_0", lambda x: x * np.linalg.norm(x, 0), ("n",)),
    *(
        row(f"norm_along_axis_{order}", norm(order, axis=-1, keepdims=True), ("n", 3))
        for order in (None, 1, 2, 2.5, np.inf)
    ),
    row("norm_kept", norm(keepdims=True), ("n", 3)),
    *(
        row(f"norm_of_matrix_{order}", norm(order), (4, 3))
        for order in ("fro", 1, -1, np.inf, -np.inf)
    ),
    row("norm_of_matrices", norm("fro", axis=(0, 2)), (2, "n", 3)),
    row("norm_of_matrices_1", norm(1, axis=(2, 0), keepdims=True), (2, "n", 3)),
    row("vector_norm", lambda x: np.linalg.vector_norm(x) ** 1.5, ("n", 3)),
    row(
        "vector_norm_of_axes",
        lambda x: np.linalg.vector_norm(x, axis=(0, -1), ord=3, keepdims=True) * x,
        (2, "n", 3),
    ),
    row("matrix_norm", lambda x: np.linalg.matrix_norm(x, ord=1) ** 1.5, ("n", 2, 3)),
]

CASES = [*RUNNING, *ORDERED, *STATISTICS, *NORMS]


@over(CASES)
def test_value_and_gradient(case):
    check(case, "float64", lengths=(1, 4, 5, 0))


@over(CASES)
def test_single_precision(case):
    check(case, "float32", lengths=(3,))


@over(CASES)
def test_second_derivative(case):
    check_second_order(case)
