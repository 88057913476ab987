"""Elementary functions, SciPy's special ones, and functions of whole numbers."""

import numpy as np
import pytest
from cases import case, check, over, quiet
from scipy.special import expit, log_softmax, logsumexp, softmax

import symdiff

DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])

UNARY = {
    "real": "exp exp2 expm1 sin cos sinh cosh tanh arcsinh arctan cbrt abs sign floor "
    "ceil deg2rad rad2deg radians degrees fabs absolute",
    "positive": "log log2 log10 log1p sqrt tan",
    "unit": "arcsin arccos arctanh",
    "above": "arccosh",
}
FUNCTIONS = [
    case(f"np.{name}(x)", domain, x=("n", 2))
    for domain, names in UNARY.items()
    for name in names.split()
]
FUNCTIONS += [
    case(f"np.{name}(x, y)", "positive", x=x, y=y)
    for name in ["logaddexp", "logaddexp2", "hypot", "arctan2"]
    for x, y in ((("n", 3), (3,)), ((1, 3), ("n", 1)), ((), ("n",)), ((), ()))
]
COMPOSED = [
    case(text, "positive", x=("n", 2))
    for text in (
        "np.exp(-x)",
        "np.exp(-(x**2) / 2)",
        "np.log(1 + np.exp(x))",
        "1 / (1 + np.exp(-x))",
        "np.tanh(np.sin(x) * x)",
        "np.sqrt(x) * np.log(x)",
        "np.cos(x) ** 2 + np.sin(x) ** 2",
        "np.hypot(x, 1.5)",
        "np.hypot(2, x)",
        "np.arctan2(1.0, x)",
        "np.logaddexp(0, x)",
        "np.logaddexp(x, -x)",
        "x * np.exp(x.shape[0] / 7)",
        "x * np.log(x.shape[0] + 1)",
    )
]
SPECIAL = [
    case(f"scipy.special.{name}(x)", x=shape)
    for name in ("expit", "erf", "erfc")
    for shape in (("n", 2), ())
]
SPECIAL += [
    case("xlogy(x, y)", "positive", x=x, y=y)
    for x, y in ((("n", 3), (3,)), ((1, 3), ("n", 1)), ((), ()))
]
AXES = ["", ", axis=0", ", axis=1", ", axis=-1", ", axis=(0, 1)", ", axis=None"]
SPECIAL += [
    case(f"{name}(x{axis})", x=(3, "n"))
    for name in ("logsumexp", "softmax", "log_softmax")
    for axis in AXES
    # SciPy's logsumexp of nothing is -inf, NumPy's maximum of nothing an error.
    if (name, axis) not in {("logsumexp", one) for one in (", axis=1", ", axis=-1")}
]
SPECIAL += [case(f"logsumexp(x{axis}, keepdims=True)", x=(3, 2)) for axis in AXES]
SPECIAL += [case(f"logsumexp(x{axis})", x=(3, 2)) for axis in AXES]

DATA = [
    case(text, "positive", x=("n", 2), k=(2, kind))
    for kind in ("int64", "uint8", "int32")
    for text in (
        "x * np.exp(k)",
        "x * np.sqrt(k)",
        "x * np.tanh(k - 1)",
        "x * np.floor(k)",
        "x * np.abs(k - 2)",
        "x * np.sign(k - 1)",
        "np.hypot(x, k)",
        "xlogy(k, x)",
        "x * expit(k)",
        "x * softmax(k)",
        "x + logsumexp(k)",
    )
]
DATA += [
    case(text, "positive", x=("n", 2), k=(2, "bool"))
    for text in ("np.hypot(x, k)", "xlogy(k, x)", "x * np.abs(k)", "x * np.square(k)")
]


@DTYPES
@over(FUNCTIONS + COMPOSED)
def test_functions(case, dtype):
    check(case, dtype)


@DTYPES
@over(SPECIAL)
def test_special_functions(case, dtype):
    check(case, dtype)


@DTYPES
@over(DATA)
def test_fault_21_functions_of_whole_numbers(case, dtype):
    check(case, dtype)


def test_cube_roots_of_negative_numbers():
    compiled = symdiff.compile(lambda x: np.sum(np.cbrt(x)), {"x": (2,)}, verify=False)
    np.testing.assert_allclose(compiled.grad(np.array([-8.0, 27.0])), [1 / 12, 1 / 27])


# What is large must neither overflow nor vanish: the closed forms say what is right.
SATURATED = [
    (lambda x: expit(x), [-800.0, -40.0, 0.0, 40.0], lambda s, x: s * expit(-x)),
    (lambda x: np.logaddexp(0, x), [-800.0, 0.0, 800.0], lambda s, x: expit(x)),
    (lambda x: logsumexp(x), [1000.0, 0.0, 999.0], lambda s, x: softmax(x)),
    (lambda x: log_softmax(x)[1], [1000.0, 0.0], lambda s, x: [-1.0, 1.0]),
    (lambda x: softmax(x)[1], [1000.0, 0.0], lambda s, x: [0.0, 0.0]),
    (lambda x: np.hypot(x, 1e200), [1e200, 3e200], lambda s, x: x / s),
]


@pytest.mark.parametrize("place", range(len(SATURATED)))
def test_fault_30_saturation_is_differentiated_accurately(place):
    function, point, slope = SATURATED[place]
    x = np.array(point)
    compiled = symdiff.compile(
        lambda x: np.sum(function(x)), {"x": x.shape}, verify=False
    )
    with quiet():
        expected = slope(function(x), x)
        np.testing.assert_allclose(compiled.grad(x), expected, rtol=1e-14, atol=1e-300)
