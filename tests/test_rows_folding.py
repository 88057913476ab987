"""Methods of ufuncs: `reduce`, `accumulate`, `outer`."""

import numpy as np
import pytest
from cases import case, check, over
from second_order import check_second_order

import symdiff

CASES = [
    case("np.add.reduce(x) ** 2", x=("n", 3)),
    case("np.add.reduce(x, axis=None) ** 2", x=("n", 3)),
    case("np.add.reduce(x, axis=(0, -1), keepdims=True) * x", x=(2, "n", 3)),
    case("np.multiply.reduce(x, axis=1) ** 2", x=("n", 3)),
    case("np.maximum.reduce(x, axis=-1) ** 2", x=("n", 3)),
    case("np.minimum.reduce(x) ** 2", x=(3, "n")),
    case("np.logaddexp.reduce(x) ** 2", x=(3, 2)),
    case("x * np.logical_or.reduce(x > 0, axis=1, keepdims=True)", x=("n", 3)),
    case("np.add.accumulate(x) ** 2", x=("n", 3)),
    case("np.multiply.accumulate(x, axis=-1) ** 2", x=("n", 3)),
    case("np.maximum.accumulate(x) ** 2", x=("n",)),
    case("np.maximum.accumulate(x, axis=1) ** 2", x=(2, "n")),
    case("np.minimum.accumulate(x) ** 2", x=("n", 3)),
    case("np.multiply.outer(x, y) ** 2", x=("n", 3), y=(2,)),
    case("np.subtract.outer(x, x) ** 2", x=("n",)),
    case("np.hypot.outer(x, y)", x=("n",), y=()),
]


@over(CASES)
def test_value_and_gradient(case):
    check(case, "float64")


@over(CASES)
def test_single_precision(case):
    check(case, "float32")


@over(CASES)
def test_second_derivative(case):
    check_second_order(case)


def test_equal_elements_of_a_running_maximum_give_the_slope_to_the_first():
    def loss(x):
        return np.sum(np.maximum.accumulate(x))

    compiled = symdiff.compile(loss, {"x": ("n",)}, verify=False)
    slope = compiled.grad(np.array([1.0, 3.0, 2.0, 3.0, 4.0]))
    np.testing.assert_array_equal(slope, [1, 3, 0, 0, 1])


def test_reduceat_is_refused_with_its_reason():
    with pytest.raises(symdiff.SymdiffError, match="which of its bounds rise"):
        case("np.add.reduceat(x, [0, 1])", x=(3,)).compiled()


@pytest.mark.parametrize(
    "text", ["np.logaddexp.accumulate(x)", "np.subtract.reduce(x)"]
)
def test_other_methods_are_refused(text):
    with pytest.raises(symdiff.SymdiffError, match="not supported"):
        case(text, x=(3, 3)).compiled()
