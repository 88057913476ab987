"""Rows of reductions: running sums, order, quantiles, norms, what passes NaN over."""

import autograd
import autograd.numpy
import numpy as np
import pytest
from cases import Case, case, check, check_at, over, quiet
from second_order import check_second_order

import symdiff

# NaN in the place of what lies in the middle.
HOLED = "np.where(np.abs(x) < 0.1, np.nan, x)"

RUNNING = [
    case("np.gradient(x) ** 2", x=(4,)),
    case("np.gradient(x, 0.5, axis=0) ** 2", x=(3, "n")),
    case("np.hypot(*np.gradient(x, 0.5, 2.0))", x=(3, 4)),
    case("np.cumulative_prod(x, axis=0)", x=("n", 2)),
    case("np.cumsum(x) ** 2", x=("n",)),
    case("np.cumsum(x) ** 2", x=("n", 2)),
    case("x.cumsum(axis=-1) ** 2", x=(2, "n", 3)),
    case("np.cumsum(x, axis=0) ** 2", x=("n", 3)),
    case("x * np.cumsum(x > 0)", x=("n",)),
    case("np.cumsum(x) ** 2", x=()),
    case("np.cumulative_sum(x, axis=1) ** 2", x=("n", 3)),
    case("np.cumulative_sum(x, include_initial=True) ** 2", x=("n",)),
    case("np.cumprod(x) ** 2", x=("n",)),
    case("x.cumprod(axis=1) ** 2", x=(2, "n", 3)),
    case("np.cumprod(x) ** 2", x=("n", 2)),
    case("np.cumprod(np.exp(x), axis=0)", x=("n", 2)),
    case(f"np.nancumprod({HOLED})", x=("n",)),
    case("np.diff(x) ** 2", x=("n", 4)),
    case("np.diff(x, axis=0) ** 2", x=("n", 3)),
    case("np.diff(x, n=2) ** 2", x=(2, 5)),
    case("np.diff(x, axis=0, prepend=1.0) ** 2", x=("n", 2)),
    case("np.diff(x > 0) * x[1:]", x=("n",)),
    case("np.ediff1d(x) ** 2", x=(2, 3)),
    case("np.gradient(x, np.cumsum(y)) ** 2", "positive", x=(5,), y=(5,)),
    case("np.gradient(x, [0.0, 1.0, 3.0, 4.0], axis=0) ** 2", x=(4, "n")),
    case("np.gradient(x, 0.5, edge_order=2) ** 2", x=(5,)),
    case("np.gradient(x, [0.0, 1.0, 3.0, 4.0], edge_order=2) ** 2", x=(4,)),
]

ORDERED = [
    case("np.sort(x) ** 2", x=("n",)),
    case("np.sort(x) ** 2", x=(3, "n")),
    case("np.sort(x, axis=0) ** 2", x=("n", 3)),
    case("np.sort(x, axis=None) ** 2", x=("n", 3)),
    case("x[np.argsort(x)] ** 2", x=("n",)),
    case('x * np.argsort(x, axis=0, kind="stable")', x=("n", 3)),
    case("x * x.argsort()", x=("n",)),
    case("x * np.argmax(x)", x=(3, 2)),
    case("x[:, 0] * np.argmax(x, axis=-1)", x=("n", 3)),
    case("x[x.argmax()] ** 2", x=(4,)),
    case("x * x.argmin(axis=1, keepdims=True)", x=("n", 3)),
    case("x * np.count_nonzero(x > 0)", x=("n",)),
    case("x * np.count_nonzero(x, axis=1, keepdims=True)", x=("n", 3)),
    case("x * np.all(x > -1, axis=0)", x=("n", 3)),
    case("x * (x > -1).all()", x=("n", 3)),
    case("x * np.any(x > 0.5, axis=(0, 2), keepdims=True)", x=(2, "n", 3)),
    case("x * x.any()", x=("n",)),
    case("np.median(x ** 2, axis=(0, -1))", x=(2, "n", 3)),
    case("x * np.median(x, axis=1, keepdims=True)", x=("n", 4)),
    case("np.quantile(x, 0.3) ** 2", x=("n", 2)),
    case("np.quantile(x, 0.9, axis=-1) ** 2", x=(2, "n")),
    case("np.quantile(x, [0.2, 0.7], axis=0) ** 2", x=("n", 3)),
    case('np.quantile(x, 0.4, method="lower") ** 2', x=("n",)),
    case("np.quantile(x, np.array([0, 1.0])) ** 2", x=("n",)),
    case("np.percentile(x, 35, axis=0) ** 2", x=("n", 3)),
    case("np.percentile(x, [25, 75]) ** 2", x=("n",)),
    case("np.partition(x, 2) ** 2", x=(7,)),
    case(
        "np.partition(x, [1, 3], axis=0) ** 2 * [[1.0], [2], [3], [4], [5]]", x=(5, 2)
    ),
    case("x[np.argpartition(x, 2)[:3]].sum() ** 2", x=(7,)),
    case("x * x.argpartition(1, axis=0)[2]", x=(4, 3)),
    case("x[np.lexsort((x, k))] ** 2", x=("n",), k=("n", "int64")),
    case("x * np.lexsort([x[0], x[1]])", x=(2, 5)),
    case(
        "np.bincount(k, weights=x ** 2, minlength=3) ** 2", x=("n",), k=("n", "int64")
    ),
    case("x * np.bincount(k, minlength=3)[1]", x=("n",), k=("n", "int64")),
    case("np.bincount(np.array([0, 2, 1, 0]), x) ** 2", x=(4,)),
    case("np.nanpercentile(x, 35, axis=0, method='nearest') ** 2", x=(6, 2)),
    *(
        case(
            f"np.quantile(x, 0.3, axis=0, method={method!r}) ** 2", "positive", x=(6, 2)
        )
        for method in (
            "inverted_cdf",
            "closest_observation",
            "nearest",
            "midpoint",
            "averaged_inverted_cdf",
            "interpolated_inverted_cdf",
            "hazen",
            "weibull",
            "median_unbiased",
            "normal_unbiased",
        )
    ),
    case("np.quantile(x, [0, 0.5, 1], method='hazen') ** 2", "positive", x=(2, 4)),
    case("x * np.nanargmin(x, axis=0)", x=(4, 3)),
]

STATISTICS = [
    case("np.ptp(x) ** 2", x=(3, 2)),
    case("np.ptp(x, axis=-1, keepdims=True) * x", x=("n", 3)),
    case("np.average(x) ** 2", x=("n", 2)),
    case("np.average(x, axis=1) ** 2", x=("n", 3)),
    case(
        "np.average(x, axis=0, weights=w) ** 2",
        domain="positive",
        x=("n", 3),
        w=("n", 3),
    ),
    case(
        "np.average(x, axis=1, weights=w, keepdims=True) ** 2",
        domain="positive",
        x=(2, "n", 3),
        w=("n",),
    ),
    case(
        "np.average(x, axis=(2, 0), weights=w) ** 2",
        domain="positive",
        x=(2, "n", 3),
        w=(3, 2),
    ),
    case(
        "np.stack(np.average(x, axis=0, weights=w, returned=True)) ** 2",
        domain="positive",
        x=("n", 2),
        w=("n",),
    ),
    case("np.cov(x)", x=(3, "n")),
    case("np.cov(x, rowvar=False, ddof=0)", x=("n", 3)),
    case("np.cov(x, y, bias=True)", x=("n",), y=("n",)),
    case("np.cov(x)", x=(4,)),
    case("np.corrcoef(x) ** 2", x=(3, 4)),
    case(f"np.nansum({HOLED}, axis=0) ** 2", x=("n", 3)),
    case(f"np.nansum({HOLED}) ** 2", x=("n",)),
    case(f"np.nanprod({HOLED}, axis=1) ** 2", x=(2, 3)),
    case(f"np.nancumsum({HOLED}) ** 2", x=("n",)),
    case(f"np.nanmean({HOLED}, axis=1) ** 2", x=(2, 4)),
    case(f"x * np.nanmean({HOLED}, keepdims=True)", x=(2, 4)),
    case(f"np.nanvar({HOLED}, axis=1, ddof=1)", x=(2, 4)),
    case(f"np.nanstd({HOLED})", x=(2, 4)),
    case(f"np.nanmax({HOLED}, axis=1) ** 2", x=(2, 4)),
    case(f"np.nanmin({HOLED}) ** 2", x=(2, 4)),
    case(f"np.nanmedian({HOLED}, axis=0) ** 2", x=(4, 3)),
    case(f"np.nanquantile({HOLED}, 0.3, axis=1)", x=(2, 5)),
    case(f"np.nanpercentile({HOLED}, [5, 60])", x=(2, 5)),
    case(f"x * np.nanargmax({HOLED})", x=(4,)),
    case("np.cov(x, aweights=w) ** 2", "positive", x=(2, 5), w=(5,)),
    case("np.cov(x, y, fweights=[1, 2, 3, 1, 4], ddof=0) ** 2", x=(5,), y=(5,)),
    case("np.cov(x, fweights=[1, 2, 1, 2], aweights=[1.0, 3, 2, 1]) ** 2", x=(3, 4)),
]


NORMS = [
    case("np.linalg.norm(x) ** 1.5", x=("n",)),
    case("np.linalg.norm(x) ** 1.5", x=(2, "n", 3)),
    *(
        case(f"np.linalg.norm(x, {order}) ** 1.5", x=("n",))
        for order in ("1", "2", "3", "0.5", "-np.inf")
    ),
    case("np.linalg.norm(x, -1) ** 1.5", x=(4,)),
    case("x * np.linalg.norm(x, 0)", x=("n",)),
    *(
        case(f"np.linalg.norm(x, {order}, axis=-1, keepdims=True) ** 1.5", x=("n", 3))
        for order in ("None", "1", "2", "2.5", "np.inf")
    ),
    case("np.linalg.norm(x, keepdims=True) ** 1.5", x=("n", 3)),
    *(
        case(f"np.linalg.norm(x, {order}) ** 1.5", x=(4, 3))
        for order in ('"fro"', '"nuc"', "1", "-1", "2", "-2", "np.inf", "-np.inf")
    ),
    case('np.linalg.norm(x, "fro", axis=(0, 2)) ** 1.5', x=(2, "n", 3)),
    case("np.linalg.norm(x, 1, axis=(2, 0), keepdims=True) ** 1.5", x=(2, "n", 3)),
    case("np.linalg.vector_norm(x) ** 1.5", x=("n", 3)),
    case(
        "np.linalg.vector_norm(x, axis=(0, -1), ord=3, keepdims=True) * x",
        x=(2, "n", 3),
    ),
    case('np.linalg.norm(x, "nuc", axis=(0, 1), keepdims=True) * x', x=(4, 3)),
    case("np.linalg.matrix_norm(x, ord=1) ** 1.5", x=("n", 2, 3)),
]

# What NumPy gives an empty array is no limit of these.
NOT_EMPTY = [
    case("np.diff(x, prepend=0.0, append=x[-1:]) ** 2", x=("n",)),
    case("np.trapezoid(x ** 2)", x=("n",)),
    case("np.trapezoid(x ** 2, dx=0.5, axis=0)", x=("n", 3)),
    case("np.trapezoid(x ** 2, y, axis=0)", x=("n", 3), y=("n",)),
    case("np.trapezoid(x ** 2, y)", x=(2, "n"), y=(2, "n")),
    case("np.ediff1d(x, 1.0, [2.0, 3.0]) ** 2", x=("n",)),
    case("np.median(x) * x", x=("n",)),
    case("np.median(x ** 2, axis=0)", x=("n", 3)),
    case("np.linalg.norm(x, np.inf) ** 1.5", x=("n",)),
]

CASES = [*RUNNING, *ORDERED, *STATISTICS, *NORMS]


@over(CASES)
def test_value_and_gradient(case):
    check(case, "float64")


@over(NOT_EMPTY)
def test_value_and_gradient_of_what_is_not_empty(case):
    compiled = case.compiled()
    for length in (1, 2, 5):
        sizes = dict.fromkeys(case.sizes, length)
        with quiet():
            check_at(case, compiled, sizes, "float64")


@over([*CASES, *NOT_EMPTY])
def test_single_precision(case):
    check(case, "float32")


@over([*CASES, *NOT_EMPTY])
def test_second_derivative(case):
    check_second_order(case)


def gradient(text, x):
    """The compiled gradient of the sum of an expression, at a given point."""
    x = np.array(x, float)
    loss = symdiff.compile(
        case(f"np.sum({text})", x=x.shape).loss(), {"x": x.shape}, verify=False
    )
    with quiet():
        return loss.grad(x) / np.cos(1.0)


SHARED = [
    ("np.median(x)", [3, 1, 1, 2, 0], [0, 0.5, 0.5, 0, 0]),
    ("np.median(x)", [3, 1, 1, 2], [0, 0.25, 0.25, 0.5]),
    ("np.quantile(x, 0.25)", [0, 1, 2], [0.5, 0.5, 0]),
    ("np.quantile(x, 1.0)", [1, 4, 4], [0, 0.5, 0.5]),
    ("np.ptp(x)", [1, 4, 4], [-1, 0.5, 0.5]),
    ("np.nanmax(x)", [1, np.nan, 1], [0.5, 0, 0.5]),
    ("np.nansum(x**2)", [1, np.nan, 2], [2, 0, 4]),
    ("np.nanmedian(x)", [5, np.nan, 2, 1], [0, 0, 1, 0]),
    ("np.nanstd(x)", [2, np.nan, 2], [0, 0, 0]),
]


@pytest.mark.parametrize(("text", "x", "slope"), SHARED)
def test_ties_and_nan_share_by_rule(text, x, slope):
    np.testing.assert_allclose(gradient(text, x), slope, 1e-12, 1e-12)


@pytest.mark.parametrize("text", ["np.median(x)", "np.quantile(x, 0.3)", "np.ptp(x)"])
def test_nan_is_never_masked(text):
    assert np.isnan(gradient(text, [1, np.nan, 2])).any()


@pytest.mark.parametrize("order", ["None", "1", "2", "3", "1.5", "np.inf"])
def test_fault_31_the_slope_of_a_norm_at_0_is_0(order):
    slope = gradient(f"np.linalg.norm(x, {order}, axis=1)", np.zeros((2, 3)))
    np.testing.assert_array_equal(slope, 0)


class WithZeros(Case):
    """A case whose arguments are 0 in places."""

    def draw(self, sizes, dtype, seed=0):
        (x,) = super().draw(sizes, dtype, seed)
        x = x.copy()
        x.flat[1:4:2] = 0
        return [x]


ZEROS = [
    "np.cumprod(x, axis=-1) * x",
    "np.cumprod(x, axis=0) ** 2",
    "np.prod(x, axis=0) * x",
]


@pytest.mark.parametrize("text", ZEROS)
@pytest.mark.parametrize("shape", [(5,), (4, 2)])
def test_fault_31_products_are_right_at_zeros_to_second_order(text, shape):
    at_zeros = WithZeros(text, {"x": shape})
    check(at_zeros, "float64")
    check_second_order(at_zeros)


REFUSED = [
    ("np.nanquantile(x, 0.3, method='weibull')", "weibull"),
    ("np.bincount(np.argsort(x[0]), x[0])", "minlength"),
    ("np.max(x, where=x > 0)", "needs initial="),
    ("np.quantile(x, 1.3)", "between 0 and 1"),
    ("np.quantile(x, x[0])", "must be a number"),
    ("np.average(x, axis=0, weights=np.ones(4))", "do not fit"),
    ("np.linalg.norm(x, 3, axis=(0, 1))", "ord=3"),
    ("np.linalg.norm(x, 'fro', axis=0)", "fro"),
    ("np.linalg.norm(x, axis=(0, 0))", "different"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_does_not_fit_is_refused(text, message):
    with pytest.raises(symdiff.SymdiffError, match=message):
        case(text, x=(3, 3)).compiled()


AUTOGRAD = [
    "np.cumsum(x, axis=0) ** 2",
    "np.sort(x[:, 0]) ** 2",
    "np.linalg.norm(x) ** 3",
    "np.linalg.norm(x, 3, axis=1) ** 2",
    'np.linalg.norm(x, "fro", axis=(0, 1)) ** 3',
    "np.diff(x, axis=0) ** 2",
    "np.prod(x, axis=1) ** 2",
    "x[np.argsort(x[:, 0])] * x",
]


@pytest.mark.parametrize("text", AUTOGRAD)
def test_gradient_is_autograds(text):
    one = case(text, x=(4, 3))
    (x,) = one.draw({}, "float64", seed=1)
    expected = autograd.grad(one.loss(autograd.numpy))(x)
    np.testing.assert_allclose(one.compiled().grad(x).x, expected, 1e-12, 1e-12)
