"""Sums, products, quotients and powers, with everything that broadcasts."""

import numpy as np
import pytest
from cases import case, check, over

import symdiff
from symdiff.errors import ShapeError

DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])

SHAPES = [
    ((), ()),
    ((3,), ()),
    ((), (2, 3)),
    ((1,), ("n",)),
    (("n",), ("n",)),
    (("n", 3), (3,)),
    (("n", 3), ("n", 1)),
    ((1, 3), ("n", 1)),
    (("n", 1), (1, "m")),
    ((2, 1, 3), ("n", 1)),
]
BINARY = ["x + y", "x - y", "x * y", "x / y", "x**y", "-x / -y", "np.subtract(x, y)"]
BROADCAST = [
    case(text, "positive", x=x, y=y) for text in BINARY[:5] for x, y in SHAPES
] + [case(text, "positive", x=("n", 3), y=(3,)) for text in BINARY[5:]]

POWERS = [0, 1, 2, 3, 6, -1, -2, 0.5, -0.5, 1.5, -1.5, 2.0, 3.0, 0.0, 1.0, -1.0]
NUMBERS = [
    *(case(f"x**({power})", "positive", x=("n", 2)) for power in POWERS),
    *(
        case(text, "positive", x=("n", 2))
        for text in (
            "2.0**x",
            "2**x",
            "x ** len(x)",
            "1 - x",
            "1 / x",
            "3.0 / x",
            "x / 3",
            "x * 0.5",
            "+x",
            "-x",
            "2 * (3 * x) * x",
            "x * x * x",
            "(x - 1) * (x + 1)",
            "x / (1 + x)",
            "-(x**2)",
            "1 / x**2",
            "x * len(x)",
            "x / len(x) * (len(x) - 1)",
            "x * np.sqrt(len(x) + 1)",
            "x * (1.0 / (len(x) + 1))",
            "np.square(x)",
            "np.reciprocal(x)",
            "np.power(x, 3)",
            "np.sqrt(x)",
            "x + x",
            "x - x",
            "sum([x, x * x, 1])",
        )
    ),
]

DATA = [
    case(text, "positive", x=("n", 2), k=(2, kind))
    for kind in ("int64", "uint8", "int32", "bool")
    for text in (
        "x + k",
        "x - k",
        "k - x",
        "x * k",
        "x / (k + 1)",
        "k / x",
        "x ** (k + 1)",
        "(k + 1) ** x",
        "x + 2.5 * k",
        "x * (1 - k)",
        "x * (300 * k)",
        "x + k / (k + 2)",
    )
]


@DTYPES
@over(BROADCAST)
def test_arithmetic_broadcasts(case, dtype):
    check(case, dtype)


@DTYPES
@over(NUMBERS)
def test_arithmetic_with_numbers_and_sizes(case, dtype):
    check(case, dtype)


@DTYPES
@over(DATA)
def test_fault_21_integers_compute_in_the_reals(case, dtype):
    check(case, dtype)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("x + np.reciprocal(k)", ShapeError),
        ("x + k ** (-1)", ShapeError),
        ("x + (-(k > 0))", ShapeError),
        ("x + ((k > 0) - (k > 1))", ShapeError),
        ("x + (x & 1)", ShapeError),
    ],
)
def test_what_numpy_refuses_of_whole_numbers_is_refused(text, error):
    with pytest.raises(error):
        case(text, x=(3,), k=(3, "int64")).compiled()


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"\(n, 3\).*\(4,\)"):
        case("x + y", x=("n", 3), y=(4,)).compiled()


def test_mixed_precision_gives_each_gradient_in_its_own():
    specs = {"x": symdiff.ArraySpec((3,), "float32"), "y": (3,)}
    compiled = symdiff.compile(
        lambda x, y: np.sum(x * y), specs, wrt=("x", "y"), verify=False
    )
    x, y = np.arange(3, dtype="float32"), np.linspace(0, 1, 3)
    gradient = compiled.grad(x, y)
    assert (gradient.x.dtype, gradient.y.dtype) == ("float32", "float64")
    np.testing.assert_array_equal(gradient.x, y.astype("float32"))
    np.testing.assert_array_equal(gradient.y, x)
