"""Sums, means, deviations, extrema and products over axes."""

import pytest
from cases import case, check, over

from symdiff.errors import ShapeError

DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])
NAMES = ("sum", "mean", "max", "min", "prod", "var", "std")
AXES = (
    "",
    "axis=0",
    "axis=1",
    "axis=-1",
    "axis=(0, 2)",
    "axis=(-1, 0)",
    "axis=(0, 1, 2)",
    "axis=None",
)
FUNCTIONS = [
    case(f"np.{name}(x, {axis}{keep})", "positive", x=(2, "n", 3))
    for name in NAMES
    for axis in AXES
    for keep in ("", ", keepdims=True" if axis else "keepdims=True")
]
METHODS = [
    case(f"x.{name}({inside})", "positive", x=(2, "n", 3))
    for name in NAMES
    for inside in ("", "1", "axis=(0, -1)", "axis=0, keepdims=True")
]
DEVIATIONS = [
    case(f"np.{name}(x, {inside})", x=(3, "n", 2))
    for name in ("var", "std")
    for inside in (
        "ddof=1",
        "axis=0, ddof=1",
        "axis=1, ddof=1",
        "axis=1, ddof=1.5",
        "axis=(0, 1), ddof=1, keepdims=True",
    )
]
SCALARS = [
    case(text, "positive", x=())
    for name in NAMES
    for text in (f"np.{name}(x)", f"np.{name}(x, keepdims=True)")
    # One number has no deviation: its slope is a corner.
    if name != "std"
]
OTHERS = [
    case(text, "positive", x=("n", 3))
    for text in (
        "np.sum(x, axis=())",
        "np.sum(x, 1)",
        "np.amax(x, 0)",
        "np.amin(x, 0)",
        "x.mean(axis=0).sum()",
        "x / x.sum(axis=1, keepdims=True)",
        "x - x.mean(axis=0)",
        "(x - x.mean(axis=1, keepdims=True)) / (1 + x.std(axis=1, keepdims=True))",
        "np.sum(x > 0.9) * x",
        "np.mean(x > 0.9) * x",
        "np.trace(x.T @ x)",
        "np.sqrt(np.sum(x**2, axis=1))",
        "np.prod(x, axis=1) * np.max(x)",
        "x[:, 0].sum() + x.max(axis=0)",
    )
]
ZEROS = [
    case(text, x=(3,), z=(3,))
    for text in (
        "np.prod(np.array([0.0, 1.0, 1.0]) * x)",
        "np.prod(np.array([0.0, 1.0, 0.0]) * x)",
        "np.prod(x) + np.prod(z)",
    )
]
DATA = [
    case(text, x=("n", 2), k=(3, 2, kind))
    for kind in ("int64", "uint8", "int32", "bool")
    for text in (
        "x * np.sum(k)",
        "x * k.mean(axis=0)",
        "x * np.mean(k)",
        "x * np.var(k, axis=0)",
        "x * np.prod(k + 1)",
        "x * np.max(k, axis=0)",
        "x * k.min()",
        "x * (k == 1).sum(axis=0)",
    )
]


@DTYPES
@over(FUNCTIONS + METHODS)
def test_reductions_over_axes(case, dtype):
    check(case, dtype)


@DTYPES
@over(DEVIATIONS + SCALARS + OTHERS + ZEROS)
def test_reductions_of_many_kinds(case, dtype):
    check(case, dtype)


@DTYPES
@over(DATA)
def test_reductions_of_whole_numbers(case, dtype):
    check(case, dtype)


@pytest.mark.parametrize(
    "text",
    [
        "np.sum(x, axis=2)",
        "np.sum(x, axis=(0, 0))",
        "np.max(x, axis=-3)",
        "np.max(x[:0])",
        "np.mean(x, axis='0')",
    ],
)
def test_axes_that_do_not_exist_are_refused(text):
    with pytest.raises(ShapeError):
        case(text, x=(3, 2)).compiled()
