"""Small losses in the fast style: Python's numbers give what NumPy's do, everywhere."""

import math
import sys
import threading
import warnings
from functools import cache

import black
import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

import symdiff
from symdiff.program.mathematics import MATH, OPERATORS, SPELLED

HOSTILE = [
    *(0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.5, -2.5, 0.3, 7.0),
    *(1e-300, -1e-300, 1e-8, 708.0, 710.0, -746.0, 1e160, -1e200, 1.7e308),
    *(math.inf, -math.inf, math.nan),
]

UNARY = {
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "log2": np.log2,
    "log10": np.log10,
    "sqrt": np.sqrt,
    "cbrt": np.cbrt,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "arctan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "arcsinh": np.arcsinh,
    "arccosh": np.arccosh,
    "arctanh": np.arctanh,
    "abs": np.abs,
    "sign": lambda x: x * np.sign(x),
    "floor": lambda x: x * np.floor(x),
    "ceil": lambda x: x * np.ceil(x),
    "trunc": lambda x: x * np.trunc(x),
    "heaviside": lambda x: x * np.heaviside(x, 0.25),
    "signbit": lambda x: np.where(np.signbit(x), x, 2 * x),
    "isfinite": lambda x: np.where(np.isfinite(x), x, 1),
    "isnan": lambda x: np.where(np.isnan(x), 3.0, x),
    "isinf": lambda x: np.where(np.isinf(x), 3.0, x),
    "not": lambda x: np.where(~(x > 1), x, x * x),
    "and": lambda x: np.where((x > 0) & (x < 2), x, -x),
    "or": lambda x: np.where((x < 0) | (x == 1), x, -x),
    "clip": lambda x: np.clip(x, -1, 2),
    "maximum": lambda x: np.maximum(x, 1),
    "minimum": lambda x: np.minimum(1, x),
    "square": np.square,
    "cube": lambda x: x**3,
    "fifth": lambda x: x**5,
    "ninth": lambda x: x**9,
    "reciprocal": lambda x: 1 / x,
    "power -2": lambda x: x**-2,
    "power 1.5": lambda x: x**1.5,
    "power -0.5": lambda x: x**-0.5,
    "power 1/3": lambda x: x ** (1 / 3),
    "2**x": lambda x: 2.0**x,
    "x**x": lambda x: x**x,
    "x log x": lambda x: x * np.log(x),
    "softplus": lambda x: np.log(1 + np.exp(x)),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "log of |x|": lambda x: np.log(np.abs(x)),
    "sin x / x": lambda x: np.sin(x) / x,
    "rescaled": lambda x: x / (1 + np.abs(x)),
    "erf": scipy.special.erf,
    "erfc": scipy.special.erfc,
    "expit": scipy.special.expit,
    "cast": lambda x: (x > 0).astype(float) * x * (x >= -1) + (x <= 3).astype(float),
    "softplus by logaddexp": lambda x: np.logaddexp(0, x) - 0.3 * x,
}
BINARY = {
    "product": lambda x, y: x * y - y,
    "quotient": lambda x, y: x / y,
    "power": lambda x, y: x**y,
    "hypot": np.hypot,
    "arctan2": np.arctan2,
    "copysign": np.copysign,
    "remainder": lambda x, y: x % y,
    "floor divide": lambda x, y: x * (x // y),
    "fmod": np.fmod,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "fmax": np.fmax,
    "fmin": np.fmin,
    "where": lambda x, y: np.where(x > y, x, y * y),
    "equal": lambda x, y: np.where(x == y, x, 2 * y),
    "not equal": lambda x, y: np.where(x != y, x, 2 * y),
    "safe": lambda x, y: np.where(x > 0, np.sqrt(x), y),
    "logaddexp": np.logaddexp,
    "cross-entropy": lambda x, y: cross_entropy(1 / (1 + np.exp(-x)), y),
    "xlogy": scipy.special.xlogy,
}


def cross_entropy(s, y):
    return y * np.log(s) + (1 - y) * np.log(1 - s)


def made(loss, args, style="fast", **options):
    """Return the module of a loss, compiled for all of its arguments."""
    options = {"wrt": tuple(args), "verify": False} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return symdiff.compile(loss, args, style=style, **options)


def numbers_of(result):
    value, gradient = result
    return [float(value), *map(float, gradient)]


def agree(fast, plain, *arguments, cancelled=0.0):
    """Assert that two modules have the same value and gradient.

    cancelled: how much of the largest number rounding may leave of a difference.
    """
    with np.errstate(all="ignore"):
        found = numbers_of(fast.value_and_grad(*arguments))
        expected = numbers_of(plain.value_and_grad(*arguments))
    largest = max((abs(one) for one in expected if math.isfinite(one)), default=0)
    np.testing.assert_allclose(
        found, expected, 2e-13, 5e-324 + cancelled * largest, err_msg=f"at {arguments}"
    )


@cache
def of_numbers(name, style):
    """Return what a function of the tables above compiles to."""
    if name in UNARY:
        return made(lambda x: UNARY[name](x), {"x": ()}, style)
    return made(lambda x, y: BINARY[name](x, y), {"x": (), "y": ()}, style)


@pytest.mark.parametrize("name", [*UNARY, *BINARY])
def test_functions_of_numbers_are_numpys_at_every_point(name):
    fast, plain = (of_numbers(name, style) for style in ("fast", "plain"))
    assert "import math" in fast.source
    for x in HOSTILE:
        for others in [()] if name in UNARY else [(y,) for y in HOSTILE]:
            agree(fast, plain, x, *others)


def test_every_operation_on_numbers_has_a_case():
    compiled = [of_numbers(name, "fast") for name in (*UNARY, *BINARY)]
    found = {type(node) for one in compiled for node in one.graph.walk()}
    assert {*SPELLED, *OPERATORS} <= found
    text = "".join(one.source for one in compiled)
    assert all(f"math.{function}(" in text for function in MATH.values())


# Programs of numbers, drawn.

_UNARY = (np.sin, np.exp, np.tanh, np.sqrt, np.log1p, np.abs, np.arctan, np.square)
_BINARY = (
    *(np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.hypot),
    lambda x, y: np.where(x > y, x * y, y),
)


@st.composite
def programs(draw):
    """A loss of three numbers as the steps of a stack."""
    steps = st.tuples(st.integers(0, 15), st.integers(0, 99), st.integers(0, 99))
    return draw(st.lists(steps, min_size=1, max_size=8))


def run(steps, x, y, z):
    values = [x, y, z]
    for which, one, other in steps:
        a, b = values[one % len(values)], values[other % len(values)]
        if which < 8:
            values.append(_UNARY[which](a))
        else:
            values.append(_BINARY[which - 8](a, b))
    return values[-1] + values[-2] * values[-3]


@settings(max_examples=15, deadline=None)
@given(programs(), st.data())
def test_programs_of_numbers_are_numpys_at_hostile_points(steps, data):
    def loss(x, y, z):
        return run(steps, x, y, z)

    args = {"x": (), "y": (), "z": ()}
    fast, plain = (made(loss, args, style) for style in ("fast", "plain"))
    points = st.sampled_from(HOSTILE) | st.floats(-3, 3)
    for _ in range(10):
        agree(fast, plain, *(data.draw(points) for _ in args), cancelled=1e-6)


# Small arrays.


def xor(W, b, v, c, X, y):
    h = np.tanh(X @ W + b)
    p = 1 / (1 + np.exp(-(h @ v + c)))
    return np.mean((p - y) ** 2)


XOR = {"W": (2, 3), "b": (3,), "v": (3,), "c": (), "X": (4, 2), "y": (4,)}


def drawn(args, seed=0):
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.normal(size=shape)) for shape in args.values()]


def outer_and_inner(x, A):
    return np.sum(np.outer(x, x) * A) + np.trace(A) / x[0] + (A.T @ x)[1] * x[::-1][2]


def joined(x, A):
    parts = np.concatenate([x, A[0], np.tile(x[1:], 2)])
    return np.sum(np.roll(parts, 1) * np.stack([parts] * 2).sum(axis=0) ** 3)


def softmax(x, A):
    z = A @ x
    p = np.exp(z) / np.sum(np.exp(z))
    return -np.log(p[1]) + np.max(A, axis=1)[2] * np.min(x)


def assigned(x, A):
    y = np.zeros((4, 3))
    y[1:] = A * x[:, None]
    y[0, [0, 2]] += x[[1, 1]]
    return np.sum(np.maximum(y, 0.1) ** 2) + np.prod(np.tril(A)[1, :2])


def windows(x, A):
    view = np.lib.stride_tricks.sliding_window_view(np.arange(4.0), 2)
    return np.sum(np.cumsum(x) @ view) + np.linalg.norm(x) * np.std(A)


SMALL = {"x": (3,), "A": (3, 3)}


@pytest.mark.parametrize(
    "loss", [xor, outer_and_inner, joined, softmax, assigned, windows]
)
def test_small_arrays_are_unrolled(loss):
    args = XOR if loss is xor else SMALL
    fast, plain = (made(loss, args, style, verify=True) for style in ("fast", "plain"))
    assert "import math" in fast.source
    for seed in range(3):
        arguments = drawn(args, seed)
        value, gradient = fast.value_and_grad(*arguments)
        expected, slopes = plain.value_and_grad(*arguments)
        assert type(value) is type(expected) is np.float64
        np.testing.assert_allclose(value, expected, 1e-13)
        for part, slope in zip(gradient, slopes, strict=True):
            assert type(part) is np.ndarray
            assert (part.dtype, part.shape) == (np.float64, slope.shape)
            assert part.base is None
            assert part.flags.writeable
            np.testing.assert_allclose(part, slope, 1e-12, 1e-14)


def test_arrays_are_given_for_numbers_too():
    fast = made(lambda x, y: x**3 * y, {"x": (), "y": ()})
    for x, y in (
        (2.0, 3.0),
        (2, 3.0),
        (2, 3),
        (np.float64(2), 3.0),
        (np.array(2.0), 3),
    ):
        value, gradient = fast.value_and_grad(x, y)
        assert type(value) is np.float64
        assert all(type(one) is np.ndarray and one.shape == () for one in gradient)
        assert (value, *gradient) == (24, 36, 8)
    value, gradient = fast.value_and_grad(0.0, math.inf)  # NumPy's way
    assert type(value) is np.float64
    assert all(type(one) is np.ndarray for one in gradient)
    assert math.isnan(value)


def test_slopes_that_are_whole_numbers_are_real():
    fast = made(lambda x: np.sum(np.where(x > 0, 1, 0) * x), {"x": (2,)}, wrt="x")
    assert "import math" in fast.source
    slope = fast.grad(np.array([2.0, -1.0]))
    assert slope.dtype == np.float64
    np.testing.assert_array_equal(slope, [1, 0])


def test_a_single_gradient_is_alone():
    fast = made(lambda x, y: x**3 * y, {"x": (), "y": ()}, wrt="x")
    assert fast.value_and_grad(2.0, 3.0) == (24.0, 36.0)
    out = np.empty(())
    _, same = fast.value_and_grad(np.array(2.0), 3.0, out=out)
    assert same is out
    assert out == 36
    assert fast.grad(y=3.0, x=2.0) == 36


def test_out_is_written_into():
    for loss, args in ((xor, XOR), (lambda x, y: x * y, {"x": (), "y": ()})):
        fast, arguments = made(loss, args), drawn(args)
        expected, out = (fast.grad(*drawn(args, seed)) for seed in (0, 1))
        for again in (fast.value_and_grad(*arguments, out=out) for _ in range(2)):
            for one, same, right in zip(again[1], out, expected, strict=True):
                assert one is same
                np.testing.assert_array_equal(one, right)
        bad = out._replace(**{out._fields[0]: np.empty(7)})
        with pytest.raises(ValueError, match="is not a writeable"):
            fast.value_and_grad(*arguments, out=bad)


def test_out_that_shares_memory_is_refused():
    fast, arguments = made(xor, XOR), drawn(XOR)
    out = fast.grad(*arguments)
    for shared in (out._replace(W=arguments[0]), out._replace(b=out.v)):
        with pytest.raises(ValueError, match="share memory"):
            fast.value_and_grad(*arguments, out=shared)


def test_what_is_read_as_a_number_may_be_written_into():
    for loss, args in (
        (lambda x, y: np.sum(x * x) * y, {"x": (3,), "y": ()}),
        (lambda x, y: 3 * x * x * y, {"x": (), "y": ()}),
    ):
        fast = made(loss, args)
        x, y = np.ones(args["x"]), np.array(2.0)
        out = fast.grad(x, y)._replace(y=y)
        value, gradient = fast.value_and_grad(x, y, out=out)
        assert gradient.y is y
        assert (value, y) == (6, 3)
        np.testing.assert_array_equal(gradient.x, 12 / x.size * x)


def test_out_takes_what_is_infinite():
    fast = made(lambda x: np.sum(np.log(x)), {"x": (2,)}, wrt="x")
    out = np.empty(2)
    with np.errstate(all="ignore"):
        value, same = fast.value_and_grad(np.array([0.0, 1.0]), out=out)
    assert same is out
    assert value == -math.inf
    np.testing.assert_array_equal(out, [math.inf, 1])
    numbers = made(lambda x, y: x * np.log(y), {"x": (), "y": ()})
    out = numbers.grad(1.0, 1.0)
    with np.errstate(all="ignore"):
        value, same = numbers.value_and_grad(1.0, 0.0, out=out)
    assert same.y is out.y
    assert (value, *out) == (-math.inf, -math.inf, math.inf)


WRONG = {
    "a shape": lambda x, A: (x[:2], A),
    "another rank": lambda x, A: (x, A[0]),
    "a dtype": lambda x, A: (x.astype(complex), A),
    "a subclass": lambda x, A: (x, A.view(np.recarray)),
    "a text": lambda x, A: (x, "A"),
    "nothing": lambda x, A: (x, None),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_are_refused_as_in_the_plain_style(name):
    fast, plain = (made(softmax, SMALL, style) for style in ("fast", "plain"))
    errors = []
    for one in (fast, plain):
        with pytest.raises((TypeError, ValueError)) as caught:
            one.value_and_grad(*WRONG[name](*drawn(SMALL)))
        errors.append((caught.type, str(caught.value)))
    assert errors[0] == errors[1]


@pytest.mark.parametrize("wrong", [[1.0, 2.0], "x", None, 1j, np.ones(2)])
def test_what_is_no_number_is_refused_as_in_the_plain_style(wrong):
    args = {"x": (), "y": ()}
    errors = []
    for style in ("fast", "plain"):
        with pytest.raises((TypeError, ValueError)) as caught:
            made(lambda x, y: x * y, args, style).value_and_grad(1.0, wrong)
        errors.append((caught.type, str(caught.value)))
    assert errors[0] == errors[1]


def test_arrays_of_other_kinds_are_taken():
    fast, plain = (made(softmax, SMALL, style) for style in ("fast", "plain"))
    x, A = drawn(SMALL)
    kinds = [
        (x.tolist(), A.tolist()),
        (x.astype("float32"), A.astype(">f8")),
        (np.array([1, 2, 3]), np.asfortranarray(A)),
        (np.broadcast_to(x[0], 3), A[::-1].T),
    ]
    for one, other in kinds:
        found, slopes = fast.value_and_grad(one, other)
        expected, rights = plain.value_and_grad(one, other)
        np.testing.assert_allclose(found, expected, 1e-14)
        for slope, right in zip(slopes, rights, strict=True):
            np.testing.assert_allclose(slope, right, 1e-12, 1e-14)


def nested(p, *rest, scale):
    return p["a"] * np.sum(p["b"] * rest[0]) * scale + p["a"] ** 2


def test_nested_arguments_keep_their_structure():
    args = {"p": {"a": (), "b": (2,)}, "rest": [(2,)], "scale": ()}
    fast, plain = (made(nested, args, s, wrt=("p", "rest")) for s in ("fast", "plain"))
    assert "import math" in fast.source
    given = {"a": 2.0, "b": np.array([1.0, 2.0])}, np.array([3.0, 4.0])
    found, gradient = fast.value_and_grad(*given, scale=0.5)
    expected, slopes = plain.value_and_grad(*given, scale=0.5)
    assert found == expected
    assert type(gradient.p["a"]) is np.ndarray
    np.testing.assert_array_equal(gradient.p["a"], slopes.p["a"])
    np.testing.assert_array_equal(gradient.p["b"], slopes.p["b"])
    np.testing.assert_array_equal(gradient.rest[0], slopes.rest[0])
    _, again = fast.value_and_grad(*given, scale=0.5, out=gradient)
    assert again.p["b"] is gradient.p["b"]
    with pytest.raises(ValueError, match="has keys"):
        fast.value_and_grad({"a": 1.0}, given[1], scale=0.5)


def test_parts_of_both_passes_agree():
    fast, arguments = made(xor, XOR), drawn(XOR)
    value, gradient = fast.value_and_grad(*arguments)
    same, cache = fast.module.forward(*arguments)
    np.testing.assert_allclose([fast.value(*arguments), same], value, 1e-14)
    for slopes in (fast.backward(cache), fast.grad(*arguments)):
        for one, other in zip(gradient, slopes, strict=True):
            np.testing.assert_allclose(one, other, 1e-12)
    _, same = fast.value_and_grad(*arguments, workspace=fast.module.Workspace())
    np.testing.assert_array_equal(same.W, gradient.W)


@pytest.mark.parametrize(
    "name",
    ["math", "float", "type", "value", "gradient", "cache", "out", "numbers", "np"]
    + ["x_0", "d_x", "_float64", "Gradient", "_in_arrays", "given", "arrays"],
)
def test_a_users_name_stays_his_own(name):
    source = f"def loss({name}, x):\n    y = {name} * x\n    return y * y * y + x"
    for args in ({name: (), "x": ()}, {name: (2,), "x": (2,)}):
        space: dict = {}
        exec(source if args["x"] == () else f"{source}\nold = loss\n", space)
        loss = space["loss"]
        if args["x"]:
            total = f"def total({name}, x):\n    return loss({name}, x).sum()"
            exec(total, space)
            loss = space["total"]
        fast = made(loss, args, verify=True)
        two, three = (
            (2.0, 3.0) if args["x"] == () else (np.full(2, 2.0), np.full(2, 3.0))
        )
        _, gradient = fast.value_and_grad(two, three)
        np.testing.assert_array_equal(gradient[0], 3 * 36 * 3.0)
        _, gradient = fast.value_and_grad(**{name: two, "x": three})
        np.testing.assert_array_equal(gradient[1], 3 * 36 * 2.0 + 1)


def test_users_numbers_that_are_called_as_elements():
    def loss(x, x_0, d_x, d_x_1):
        value = np.sum(x * np.array([1.0, 2.0])) * x_0
        return value * d_x + d_x_1**2

    args = {"x": (2,), "x_0": (), "d_x": (), "d_x_1": ()}
    fast, plain = (made(loss, args, style, verify=True) for style in ("fast", "plain"))
    arguments = np.array([1.0, 5.0]), 2.0, 3.0, 4.0
    found, expected = (one.grad(*arguments) for one in (fast, plain))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_large_or_of_unknown_size_or_in_float32_stays_numpys():
    for args, options in (
        ({"x": ("n",)}, {}),
        ({"x": (400,)}, {}),
        ({"x": (3,)}, {"dtype": "float32"}),
        ({"x": (3,)}, {"no_rewrite": "unroll"}),
        ({"x": (3,)}, {"rewrites": "none"}),
    ):
        fast = made(lambda x: np.sum(np.exp(x) * x), args, **options)
        assert "import math" not in fast.source


def test_arrays_that_numpy_is_faster_at_stay_numpys():
    fast = made(lambda x: np.sum(np.sin(x) + np.exp(x) * x), {"x": (60,)})
    assert "import math" not in fast.source


def test_what_goes_where_values_send_it_stays_numpys():
    args = {"x": (3,), "k": "3:int64"}
    for loss in (
        lambda x, k: np.sum(np.sort(x) * np.arange(3.0)),
        lambda x, k: np.sum(x[k] * np.arange(3.0)),
        lambda x, k: np.sum(np.linalg.inv(np.outer(x, x) + np.eye(3))),
    ):
        fast = made(loss, args, wrt="x", verify=True)
        assert "import math" not in fast.source


def test_the_text_is_as_black_leaves_it():
    losses = [(xor, XOR), (softmax, SMALL), (lambda x, y: x * y, {"x": (), "y": ()})]
    ten = {f"number_{place}": () for place in range(10)}
    several = "lambda " + ", ".join(ten) + ": " + " * ".join(ten)
    for loss, args in (*losses, (eval(several), ten)):
        source = made(loss, args).source
        assert black.format_str(source, mode=black.Mode()) == source


def test_several_functions_are_unrolled_each():
    def total(x, A):
        return np.sum(x) + np.sum(A * A)

    both = symdiff.compile_module(
        [softmax, total], SMALL, wrt=("x", "A"), style="fast"
    ).module
    x, A = drawn(SMALL)
    value, gradient = both.total_value_and_grad(x, A)
    np.testing.assert_allclose(value, total(x, A))
    np.testing.assert_allclose(gradient.A, 2 * A)
    plain = made(softmax, SMALL, "plain")
    np.testing.assert_allclose(both.softmax_grad(x, A).A, plain.grad(x, A).A, 1e-12)


def test_fault_34_threads_do_not_meet():
    fast = made(xor, XOR).module
    inputs = [drawn(XOR, seed) for seed in range(4)]
    expected = [fast.value_and_grad(*one) for one in inputs]
    wrong = []

    def work(which):
        for _ in range(100):
            value, gradient = fast.value_and_grad(*inputs[which])
            right, slopes = expected[which]
            if value != right or not all(map(np.array_equal, gradient, slopes)):
                wrong.append(which)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=work, args=(which,)) for which in range(4)]
    try:
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    finally:
        sys.setswitchinterval(interval)
    assert not wrong


@pytest.mark.parametrize("nested", [False, True])
def test_arguments_called_as_what_the_module_calls(nested):
    def loss(p):
        return p["float"] ** 2 * np.exp(p["type"]) * p["math"]

    def flat(float, type, math):
        return float**2 * np.exp(type) * math

    numbers = {"float": (), "type": (), "math": ()}
    args = {"p": numbers} if nested else numbers
    values = {"float": 2.0, "type": 0.5, "math": 3.0}
    fast = symdiff.compile(
        loss if nested else flat, args, wrt=tuple(args), style="fast"
    )
    value, gradient = fast.value_and_grad(**({"p": values} if nested else values))
    slopes = [*(gradient.p.values() if nested else gradient)]
    root = np.exp(0.5)
    np.testing.assert_allclose(
        [value, *slopes], [12 * root, 12 * root, 12 * root, 4 * root]
    )
