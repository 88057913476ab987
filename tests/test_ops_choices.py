"""Comparisons, masks, `where`, `maximum` and `abs`, away from their corners."""

import pytest
from cases import case, check, over

DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])

SHAPES = [
    ((), ()),
    (("n", 3), (3,)),
    (("n", 3), ("n", 1)),
    ((1, 3), ("n", 1)),
    ((), ("n",)),
]
CHOICES = [
    case(text, x=x, y=y)
    for text in (
        "np.maximum(x, y)",
        "np.minimum(x, y)",
        "np.where(x > y, x * y, x - y)",
        "np.where(x > 0.1, x, y)",
    )
    for x, y in SHAPES
]
CONSTANT = [
    case(text, x=("n", 3))
    for text in (
        "np.maximum(x, 0)",
        "np.maximum(0.0, x)",
        "np.minimum(x, 0.3)",
        "np.maximum(np.minimum(x, 1), -1)",
        "np.maximum(x, [0.1, 0.2, -0.3])",
        "np.maximum(x, 0.1 * x)",
        "np.abs(x)",
        "abs(x)",
        "x * np.sign(x)",
        "np.where(x > 0, x, 0)",
        "np.where(x > 0, x, 0.01 * x)",
        "np.where(x > 0, 1.0, 0.5) * x",
        "np.where(x > 0, 1, 2) * x",
        "np.where(x > 0, 1.5, x)",
        "np.where([True, False, True], x, -x)",
        "np.where(x, x, 1.0)",
        "np.where(np.isfinite(x), x, 0)",
        "np.where(np.isnan(x), 0, x)",
        "np.where(x > 0, np.where(x > 1, 1, x), 0.1 * x)",
        "np.where(np.greater(x.shape[0], 3), x, 2 * x)",
    )
]
MASKS = [
    case(f"x * {mask}", x=("n", 3), y=(3,))
    for mask in (
        *(f"(x {symbol} y)" for symbol in ("<", "<=", ">", ">=", "==", "!=")),
        "((x > 0) & (y < 1))",
        "((x < -1) | (x > y))",
        "~(x > y)",
        "np.logical_and(x > 0, y)",
        "np.logical_or(x > 0, x > 1)",
        "np.logical_not(x)",
        "(1 - (x > 0))",
        "(2.0 * (x > 0))",
        "(0.5 - (x > 0))",
        "np.logical_not(np.greater(x.shape[0], 2))",
        "(~(np.sum(y) > 0) & (x > 0))",
    )
]
DATA = [
    case(text, x=("n", 2), k=(2, kind))
    for kind in ("int64", "uint8", "int32", "bool")
    for text in (
        "np.where(k > 0, x, 0.0)",
        "np.where(k, x, k)",
        "x * np.where(k > 0, 1.0, 0.5)",
        "np.maximum(x, k)",
        "np.minimum(k, x)",
        "x * (k == 1)",
        "x * np.maximum(k, 1)",
    )
]


@DTYPES
@over(CHOICES + CONSTANT)
def test_choices(case, dtype):
    check(case, dtype)


@DTYPES
@over(MASKS)
def test_masks(case, dtype):
    check(case, dtype)


@DTYPES
@over(DATA)
def test_choices_by_data(case, dtype):
    check(case, dtype)
