"""`symdiff.compile` and what it returns: the public interface."""

import gc
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest
import sympy

import symdiff


def quadratic(W, b, X, y):
    error = X @ W + b - y
    return (error**2).mean()


ARGS = {"W": (3,), "b": (), "X": ("n", 3), "y": ("n",)}


def arguments(n=5, seed=0):
    rng = np.random.default_rng(seed)
    return (
        rng.standard_normal(3),
        np.asarray(rng.standard_normal()),
        rng.standard_normal((n, 3)),
        rng.standard_normal(n),
    )


def closed_form(W, b, X, y):
    error = X @ W + b - y
    return 2 * X.T @ error / len(y), 2 * error.mean()


@pytest.fixture(scope="module")
def both():
    return symdiff.compile(quadratic, ARGS, wrt=("W", "b"))


def test_value_is_the_functions_own(both):
    assert both.value(*arguments()) == quadratic(*arguments())


def test_gradient_of_several_is_a_named_tuple_in_their_order(both):
    gradient = both.grad(*arguments())
    assert gradient._fields == ("W", "b")
    for got, expected in zip(gradient, closed_form(*arguments()), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-13)
    swapped = symdiff.compile(quadratic, ARGS, wrt=("b", "W")).grad(*arguments())
    assert swapped._fields == ("b", "W")


def test_gradient_of_one_has_its_structure(both):
    for wrt in ("W", None):
        gradient = symdiff.compile(quadratic, ARGS, wrt=wrt).grad(*arguments())
        np.testing.assert_array_equal(gradient, both.grad(*arguments()).W)
    (only,) = symdiff.compile(quadratic, ARGS, wrt=("W",)).grad(*arguments())
    np.testing.assert_array_equal(only, both.grad(*arguments()).W)


def test_forward_and_backward_are_the_two_halves(both):
    value, cache = both.forward(*arguments())
    whole, gradient = both.value_and_grad(*arguments())
    assert value == whole
    for once, twice in zip(gradient, both.backward(cache, 2.0), strict=True):
        np.testing.assert_allclose(2 * once, twice, rtol=1e-15)
    np.testing.assert_array_equal(both.backward(cache).W, gradient.W)


def test_arguments_go_by_place_or_by_name(both):
    W, b, X, y = arguments()
    assert both.value(W, b, y=y, X=X) == quadratic(W, b, X, y)


@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_a_named_size_is_any_size(both, n):
    for got, expected in zip(
        both.grad(*arguments(n)), closed_form(*arguments(n)), strict=True
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)


def test_specs_have_many_forms_that_mean_the_same():
    W, b, X, y = arguments()
    passes = symdiff.compile(quadratic, ARGS).source.partition("def _self_check")[0]
    for args in (
        {"W": symdiff.ArraySpec((3,)), "b": 0.5, "X": ("n", 3), "y": "n"},
        {
            "W": np.zeros(3),
            "b": "()",
            "X": "n,3",
            "y": symdiff.ArraySpec(("n",), "float64"),
        },
    ):
        assert symdiff.compile(quadratic, args).source.startswith(passes)


class Layer(NamedTuple):
    W: np.ndarray
    b: np.ndarray


def test_nested_parameters_keep_their_nesting():
    def loss(params, X):
        h = X
        for layer in params["layers"]:
            h = np.tanh(h @ layer.W + layer.b)
        return (h * params["scale"]).sum()

    spec = {"layers": [Layer((3, 4), (4,)), Layer((4, 2), (2,))], "scale": ()}
    c = symdiff.compile(loss, {"params": spec, "X": ("n", 3)})
    rng = np.random.default_rng(0)
    layers = [
        Layer(rng.standard_normal((3, 4)), rng.standard_normal(4)),
        Layer(rng.standard_normal((4, 2)), rng.standard_normal(2)),
    ]
    gradient = c.grad({"layers": layers, "scale": 0.7}, rng.standard_normal((5, 3)))
    assert list(gradient) == ["layers", "scale"]
    assert all(type(one) is Layer for one in gradient["layers"])
    assert gradient["layers"][1].W.shape == (4, 2)
    assert gradient["scale"].shape == ()


def test_static_arguments_leave_the_signature():
    def loss(w, depth, scale=2.0):
        for _ in range(depth):
            w = np.tanh(scale * w)
        return w.sum()

    c = symdiff.compile(loss, {"w": (4,)}, static={"depth": 3})
    w = np.linspace(-1, 1, 4)
    assert c.value(w) == loss(w, 3)
    with pytest.raises(TypeError):
        c.value(w, 3)


def test_float32_in_float32_out():
    c = symdiff.compile(quadratic, ARGS, wrt=("W", "b"), dtype="float32")
    single = [one.astype(np.float32) for one in arguments()]
    value, gradient = c.value_and_grad(*single)
    assert value.dtype == np.float32
    assert {one.dtype for one in gradient} == {np.dtype(np.float32)}
    expected = closed_form(*arguments())
    np.testing.assert_allclose(gradient.W, expected[0], rtol=1e-4)


def test_a_parameter_that_does_not_count_has_a_zero_gradient():
    c = symdiff.compile(
        lambda a, b: (a**2).sum(), {"a": (3,), "b": ("n", 2)}, wrt=("a", "b")
    )
    np.testing.assert_array_equal(
        c.grad(np.ones(3), np.ones((4, 2))).b, np.zeros((4, 2))
    )


def test_the_expression_of_a_scalar_loss_is_ordinary_sympy():
    def rosenbrock(x, y):
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2

    c = symdiff.compile(rosenbrock, {"x": (), "y": ()}, wrt=("x", "y"))
    x, y = sympy.symbols("x y", real=True)
    expected = (1 - x) ** 2 + 100 * (y - x**2) ** 2
    assert sympy.simplify(c.expression - expected) == 0
    slope = sympy.lambdify((x, y), sympy.diff(c.expression, x))(0.3, 0.2)
    np.testing.assert_allclose(c.grad(0.3, 0.2).x, slope, rtol=1e-14)


def test_the_report_counts_both_passes_before_and_after_sharing():
    def loss(a, b):
        return (np.exp(a + b) * np.sin(b + a)).sum()

    report = symdiff.compile(loss, {"a": (4,), "b": (4,)}, wrt=("a", "b")).report
    assert report.forward.operations < report.forward_before.operations
    assert report.backward.operations <= report.backward_before.operations
    assert report.verification is not None
    assert "forward" in str(report)


def test_save_writes_the_source_and_python_runs_it(both, tmp_path):
    path = tmp_path / "gradient.py"
    both.save(path)
    assert path.read_text() == both.source
    done = subprocess.run(
        [sys.executable, str(path), "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_a_saved_module_needs_numpy_alone(both, tmp_path):
    both.save(tmp_path / "gradient.py")
    code = (
        "import sys; sys.modules['symdiff'] = sys.modules['sympy'] = None\n"
        "import gradient, numpy as np\n"
        "print(gradient.value(np.ones(3), 0.0, np.ones((2, 3)), np.zeros(2)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout.strip() == "9.0", done.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wrt": "V"}, "no argument 'V'"),
        ({"wrt": ("W", "W")}, "once"),
        ({"wrt": ()}, "once"),
        ({"dtype": "float16"}, "float16"),
        ({"dtype": "int64"}, "int64"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    with pytest.raises(symdiff.SpecError, match=message):
        symdiff.compile(quadratic, ARGS, **change)


def test_integers_are_not_differentiated():
    args = {**ARGS, "W": symdiff.ArraySpec((3,), "int64")}
    with pytest.raises(symdiff.SpecError, match="W has dtype int64"):
        symdiff.compile(quadratic, args)


def test_a_module_that_disagrees_is_never_returned():
    calls = []

    def loss(x):
        calls.append(1)
        return (x**2).sum() if len(calls) < 3 else (x**3).sum()

    with pytest.raises(symdiff.VerificationError):
        symdiff.compile(loss, {"x": (3,)})
    assert symdiff.compile(lambda x: (x**2).sum(), {"x": (3,)}, verify=False).source


@pytest.mark.parametrize(
    ("option", "value"), [("corners", "matlab"), ("rewrites", "all")]
)
def test_a_setting_is_one_of_its_choices(option, value):
    with pytest.raises(symdiff.SpecError, match=f"{option}='{value}' is no choice"):
        symdiff.compile(lambda x: x * x, args={"x": ()}, **{option: value})


@pytest.mark.parametrize("passed", ["simplify", "share"])
def test_a_pass_left_out_changes_no_gradient(passed):
    def loss(w, x):
        return np.sum(np.tanh(w * x) ** 2 + np.tanh(x * w))

    given = np.array([0.3, -1.2]), np.array([0.7, 2.0])
    specs = {"w": ("n",), "x": ("n",)}
    expected = symdiff.compile(loss, specs).grad(*given)
    found = symdiff.compile(loss, specs, **{passed: False})
    np.testing.assert_allclose(found.grad(*given), expected, 1e-12)


def test_the_search_for_circles_goes_on_after_a_compilation():
    def loss(x):
        assert not gc.isenabled()
        if x.shape == (2,):
            raise KeyError("stopped")
        return np.sum(x**2)

    symdiff.compile(loss, {"x": (3,)}, verify=False)
    assert gc.isenabled()
    with pytest.raises(KeyError):
        symdiff.compile(loss, {"x": (2,)}, verify=False)
    assert gc.isenabled()
