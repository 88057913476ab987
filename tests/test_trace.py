"""What may be traced, what its values are called, and that nothing of it stays behind."""

import contextlib
import copy
import functools
import linecache
import math
import operator
import pickle
import subprocess
import sys
import textwrap
import threading
from collections import namedtuple
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import pytest
import scipy.special
from agreement import agrees
from numpy import eye
from scipy.special import expit, logsumexp

import symdiff
from symdiff.errors import SymdiffError, TraceError

VECTOR = {"x": (3,)}
SCALE = np.array([1.0, 2.0, 3.0])
Layer = namedtuple("Layer", ["W", "b"])


def names(compiled):
    """The names of values that stand in a compiled module."""
    lines = compiled.source.splitlines()
    return {line.split(" = ")[0].strip() for line in lines if " = " in line}


# Inputs.


def test_flat_arrays_and_scalars():
    def loss(W, b, x, rate):
        return rate * np.sum(np.tanh(x @ W + b) ** 2) + b

    agrees(loss, {"W": (2, 3), "b": (), "x": ("n", 2), "rate": ()}, {"n": 4})


def test_nested_arguments():
    def loss(params, x):
        hidden = np.tanh(x @ params["first"].W + params["first"].b)
        (out, shift), (scale,) = params["last"]
        return scale * np.sum(hidden @ out + shift)

    args = {
        "params": {
            "first": Layer((3, 4), (4,)),
            "last": [[(4, 2), ()], ["()"]],
        },
        "x": ("n", 3),
    }
    compiled = symdiff.compile(loss, args)
    rng = np.random.default_rng(0)
    params = {
        "first": Layer(rng.normal(size=(3, 4)), rng.normal(size=4)),
        "last": [[rng.normal(size=(4, 2)), 0.5], [2.0]],
    }
    x = rng.normal(size=(5, 3))
    value, gradient = compiled.value_and_grad(params, x)
    assert value == pytest.approx(loss(params, x), rel=1e-13)
    assert type(gradient["first"]).__name__ == "Layer"
    # The value is linear in the last scale.
    assert gradient["last"][1][0] == pytest.approx(value / 2.0)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_loops_over_lists_of_layers(depth):
    def loss(x, layers):
        for layer in layers[:-1]:
            x = np.tanh(x @ layer["W"] + layer["b"])
        return np.sum((x @ layers[-1]["W"]) ** 2)

    layers = [{"W": (3, 3), "b": (3,)} for _ in range(depth)]
    agrees(loss, {"x": ("n", 3), "layers": layers}, {"n": 1}, {"n": 4})


def test_an_unused_and_an_unwanted_argument():
    def loss(x, unused, y):
        return np.sum(x * y)

    compiled = symdiff.compile(
        loss, {"x": (2,), "unused": (3,), "y": (2,)}, wrt="unused"
    )
    assert np.array_equal(
        compiled.grad(np.ones(2), np.ones(3), np.ones(2)), np.zeros(3)
    )


def test_attributes_of_arrays():
    def loss(x, y):
        assert x.ndim == x.T.ndim == 2
        assert x.dtype == np.float64
        assert y.dtype.kind == "i"
        assert len(x.shape) == x.ndim
        assert np.shape(x)[1] == x.shape[1] == 3
        assert np.ndim(y) == 1
        assert x.T.shape == (3, x.shape[0])
        assert x.size == np.size(x) == x.shape[0] * 3
        assert np.isscalar(2.0)
        return np.sum(x.T @ x) / len(x.T) + np.sum(x.mT) / x.size

    agrees(loss, {"x": ("n", 3), "y": "n:int64"}, {"n": 2}, {"n": 5})


def test_methods_of_arrays():
    def loss(x):
        y = x.reshape(2, 3).sum(axis=1).dot(x.reshape(2, -1).mean(axis=1))
        z = x.reshape((3, 2)).transpose().swapaxes(0, 1).ravel().copy().astype(float)
        return (
            y + z.max() * z.min() + x.flatten().prod() + x.std() * x.var() + abs(z[0])
        )

    agrees(loss, {"x": (6,)})


def test_python_operators_on_arrays():
    def loss(x):
        y = -x + 2 * x - x / 3 + 1 / (x * x + 1) + x**2 + 2 ** (x / 5)
        y = y * (x > 0) + +x + (x <= 0.5) * ((x != 1) & ~(x == 2))
        return np.sum(y @ (3 - x)) + round(np.sum(x) * 0) + x.T @ x

    agrees(loss, VECTOR)


def test_an_array_may_be_walked_unpacked_and_reversed():
    def loss(x):
        first, *rest = x
        pairs = zip(rest, reversed(x), strict=False)
        total = first * sum(a * b for a, b in pairs)
        return total + sum(i * one for i, one in enumerate(x)) + math.prod(x)

    agrees(loss, VECTOR)


def test_arrays_of_arrays():
    """`np.array` and its kin would ask a handle for its values."""

    def loss(x):
        x = np.asarray(x)
        stacked = np.array([x, 2 * x]) + np.asarray([[x[0], 1.0, x[1]], x], dtype=float)
        copied = np.array(x)
        copied += 1
        return np.sum(stacked**2) + np.sum(copied * x) + np.ascontiguousarray(x)[0]

    agrees(loss, VECTOR)


def test_copies_by_copy():
    def loss(x):
        y, z = copy.deepcopy(x * 2), copy.copy(x)
        y += 1
        return np.sum(y * z)

    agrees(loss, VECTOR)


def test_constants_are_computed_by_numpy():
    """What depends on no argument is plain NumPy, whatever it calls."""

    def loss(x):
        table = np.arange(5)
        odd = table[table % 2 == 1]
        inverse = np.linalg.inv(np.eye(3) * 2 + np.tri(3))
        if np.any(odd > 2) and np.zeros(3).reshape(3, 1).shape[0] == 3:
            x = x * int(odd[1]) * float(table.max())
        ticks = np.arange(0, 1.5, 0.5)
        return np.sum(inverse @ x * ticks) + f"{odd[0]:.1f}".count("1") * x[0]

    agrees(loss, VECTOR)


# Functions of every kind.


def penalty(W):
    return 0.1 * np.sum(W**2)


class Model:
    rate = 0.5

    def __init__(self):
        self.shift = np.array([0.1, 0.2, 0.3])

    def forward(self, x):
        return np.tanh(x * self.rate + self.shift)

    def loss(self, x):
        return np.sum(self.forward(x)) + self.one_hot(x) + self.smooth(x)

    @staticmethod
    def one_hot(x):
        return np.sum(eye(3)[np.array([0, 2])] @ x)

    @classmethod
    def smooth(cls, x):
        return logsumexp(x) * cls.rate

    def __call__(self, x):
        return self.loss(x) ** 2


@dataclass
class Weighted:
    power: int

    def __call__(self, x):
        return np.sum(x**self.power)


def doubled(fn):
    @functools.wraps(fn)
    def inner(*args, **kwargs):
        return 2 * fn(*args, **kwargs)

    return inner


@doubled
def decorated(x):
    return penalty(x) + np.sum(np.tanh(x))


@functools.lru_cache
def cached(x):
    return np.sum(x**2)


def with_options(x, power, *, scale, base=2.0):
    return scale * np.sum(x**power) * base


def closure():
    k, shift = 3, np.array([0.5, 1.0, 1.5])
    from scipy.special import softmax as smooth

    def nested(x):
        def inner(y):
            return smooth(y) @ shift

        return k * inner(x) + (lambda y: np.sum(y**k))(x)

    return nested


FUNCTIONS = {
    "function": penalty,
    "lambda": lambda x: np.sum(np.exp(x) * SCALE),
    "closure": closure(),
    "method": Model().loss,
    "callable": Model(),
    "dataclass": Weighted(3),
    "partial": functools.partial(with_options, power=2, scale=0.5),
    "partial of method": functools.partial(Model.loss, Model()),
    "decorated": decorated,
    "partial of decorated": functools.partial(
        doubled(with_options), power=3, scale=1.0
    ),
}


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_functions_of_every_kind(kind):
    fn = FUNCTIONS[kind]
    compiled = symdiff.compile(fn, {next(iter(inspect_parameters(fn))): (3,)})
    x = np.array([0.3, -0.2, 0.9])
    value, gradient = compiled.value_and_grad(x)
    assert value == pytest.approx(fn(x), rel=1e-13)
    step = 1e-6
    for i in range(3):
        moved = np.eye(3)[i] * step
        slope = (fn(x + moved) - fn(x - moved)) / (2 * step)
        assert gradient[i] == pytest.approx(slope, rel=1e-6, abs=1e-8)


def inspect_parameters(fn):
    import inspect

    return inspect.signature(fn).parameters


def test_static_and_keyword_parameters():
    compiled = symdiff.compile(with_options, VECTOR, static={"power": 2, "scale": 3.0})
    assert compiled.value(np.ones(3)) == 18.0


def test_a_loss_that_compiles_another():
    def inner(x):
        return np.sum(x**2)

    def outer(x):
        square = symdiff.compile(inner, VECTOR)
        assert square.value(np.ones(3)) == 3.0
        return np.sum(np.tanh(x)) + inner(x) + np.sum(np.zeros(3) * x)

    agrees(outer, VECTOR)


# Source that is not a file.

CODE = """
import numpy as np
from scipy.special import logsumexp
from numpy import ones

shift = np.array([0.5, 0.25, 0.125])

def helper(z):
    return logsumexp(z) + np.sum(ones(3) * z)

def loss(x):
    hidden = np.tanh(x + shift)  # squashed
    return helper(hidden) + hidden @ hidden
"""


def test_code_without_any_source():
    scope = {}
    exec(CODE, scope)
    compiled = agrees(scope["loss"], VECTOR)
    assert {"hidden", "shift"} <= names(compiled)
    assert "tanh" in compiled.source
    assert "<string>:12" in compiled.source


def test_a_notebook_cell():
    path = "/tmp/ipykernel_4711/123456789.py"
    linecache.cache[path] = (len(CODE), None, CODE.splitlines(True), path)
    scope = {}
    exec(compile(CODE, path, "exec"), scope)
    compiled = agrees(scope["loss"], VECTOR)
    assert "from <notebook>:loss" in compiled.source
    assert "  squashed\n" in compiled.source
    assert "ipykernel" not in compiled.source
    assert "hidden" in names(compiled)


def test_helpers_in_other_modules(tmp_path, monkeypatch):
    (tmp_path / "own_layers.py").write_text(textwrap.dedent("""
            from numpy import eye as identity
            from scipy import special
            import own_more

            def dense(x, W):
                return special.softmax(x @ W, axis=1)

            def targets(y):
                return own_more.one_hot(y) @ identity(3)
            """))
    (tmp_path / "own_more.py").write_text(
        "from numpy import eye as e\n\ndef one_hot(y):\n    return e(3)[y]\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import own_layers

    def loss(W, x, y):
        return np.sum((own_layers.dense(x, W) - own_layers.targets(y)) ** 2)

    compiled = agrees(loss, {"W": (4, 3), "x": ("n", 4), "y": "n:int64"}, {"n": 5})
    assert "np.eye(3)" in compiled.source


@pytest.mark.parametrize("setting", ["0", "1"])
def test_scipys_array_api_setting(setting):
    """Set to anything, it makes SciPy's functions plain Python ones."""
    code = """
    import numpy as np, symdiff, scipy.special
    from scipy.special import erf, expit, logsumexp, softmax, xlogy
    def loss(x):
        y = scipy.special.log_softmax(x) @ softmax(x) + logsumexp(x)
        return y + np.sum(erf(x) + expit(x) + xlogy(2.0, x))
    x = np.array([0.3, 0.2, 0.9])
    value, gradient = symdiff.compile(loss, {"x": (3,)}).value_and_grad(x)
    step = 1e-6 * np.eye(3)
    slopes = [(loss(x + one) - loss(x - one)) / 2e-6 for one in step]
    assert np.allclose(value, loss(x), rtol=1e-13), (value, loss(x))
    assert np.allclose(gradient, slopes, rtol=1e-7)
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={"SCIPY_ARRAY_API": setting, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr


# Names.


def test_values_are_called_what_the_user_calls_them():
    def block(z):
        squashed = np.tanh(z)
        return squashed * 2

    def loss(W, x):
        pre = x @ W
        hidden = block(pre)
        again = hidden
        total = np.sum(again**2)
        return total + np.sum(pre)

    compiled = agrees(loss, {"W": (3, 2), "x": ("n", 3)}, {"n": 4})
    assert {"pre", "squashed", "hidden", "total"} <= names(compiled)
    assert not {"z", "again"} & names(compiled)


def test_constants_are_called_what_holds_them():
    local_of_maker = np.array([4.0, 5.0, 6.0])

    def loss(x):
        inside = np.array([7.0, 8.0, 9.5])
        return SCALE @ x + x @ local_of_maker + x @ inside + x @ np.array([1.0, 0, 1])

    assert {"SCALE", "local_of_maker", "inside"} <= names(agrees(loss, VECTOR))


def test_the_statements_stand_in_the_users_order():
    def loss(x):
        first = np.tanh(x)
        second = np.exp(x)
        third = np.sin(x)
        return np.sum(third * first) + np.sum(second)

    source = agrees(loss, VECTOR).source
    places = [source.index(f"{name} = ") for name in ("first", "second", "third")]
    assert places == sorted(places)


# Nothing stays behind.

PATCHED = ("zeros", "ones", "full", "eye", "identity", "tri", "arange", "linspace")
PATCHED += ("array", "asarray")
ORIGINALS = {name: getattr(np, name) for name in PATCHED}


def assert_restored():
    for name, original in ORIGINALS.items():
        assert getattr(np, name) is original, name
    assert eye is ORIGINALS["eye"]
    assert scipy.special.logsumexp is logsumexp
    assert not hasattr(logsumexp, "__wrapped__") or logsumexp.__module__ != __name__
    assert type(np.zeros(2)) is np.ndarray


def failing(error):
    def loss(x):
        np.zeros(3)
        raise error

    return loss


@pytest.mark.parametrize(
    "error", [ValueError("no"), KeyboardInterrupt(), SystemExit(3), MemoryError()]
)
def test_numpy_is_itself_again_after_an_exception(error):
    with pytest.raises(type(error)) as caught:
        symdiff.compile(failing(error), VECTOR)
    assert caught.value is error
    assert caught.traceback[-1].name == "loss"
    assert_restored()


def test_numpy_is_itself_again_after_every_other_end():
    symdiff.compile(lambda x: np.sum(np.zeros(3) * x), VECTOR)
    assert_restored()
    with pytest.raises(SymdiffError):
        symdiff.compile(lambda x: np.zeros(3) * x, VECTOR)
    assert_restored()
    symdiff.compile(closure(), VECTOR)
    assert_restored()


def test_a_generator_that_is_left_open_sees_plain_numpy():
    def loss(x):
        def parts():
            yield np.sum(np.ones(3) * x)
            yield np.zeros(2)

        kept.append(parts())
        return next(kept[-1])

    kept = []
    symdiff.compile(loss, VECTOR)
    assert type(next(kept[0])) is np.ndarray


def test_closures_hold_what_they_held():
    fn = closure()
    held = {
        cell.cell_contents for cell in fn.__closure__ if callable(cell.cell_contents)
    }
    symdiff.compile(fn, VECTOR)
    after = {
        cell.cell_contents for cell in fn.__closure__ if callable(cell.cell_contents)
    }
    assert held == after == {scipy.special.softmax}


def test_what_a_loss_rebinds_itself_stays():
    scope = {"np": np, "zeros": np.zeros}
    exec("def loss(x):\n    global zeros\n    zeros = 5\n    return np.sum(x)", scope)
    symdiff.compile(scope["loss"], VECTOR)
    assert scope["zeros"] == 5


def test_functions_that_know_each_other():
    def loss(x):
        return even(x, 3)

    def even(x, n):
        return np.sum(x) if n == 0 else odd(x, n - 1) * 2

    def odd(x, n):
        return np.sum(x**2) if n == 0 else even(x, n - 1) * 3

    agrees(loss, VECTOR)


def test_another_thread_sees_plain_numpy_during_a_trace():
    inside, done = threading.Event(), threading.Event()
    seen = []

    def loss(x):
        inside.set()
        assert done.wait(10)
        return np.sum(np.ones(3) * x)

    def look():
        assert inside.wait(10)
        seen.extend((np.zeros(2), eye(2), np.array([1.0]), logsumexp(np.zeros(2))))
        done.set()

    other = threading.Thread(target=look)
    other.start()
    symdiff.compile(loss, VECTOR)
    other.join()
    assert [type(one) for one in seen] == [np.ndarray] * 3 + [np.float64]
    assert_restored()


def test_eight_threads_compile_at_once():
    def loss(W, x, y):
        z = x @ W
        logp = z - logsumexp(z, axis=1, keepdims=True)
        return -np.mean(np.sum(logp * eye(3)[y], axis=1)) + np.sum(np.zeros(len(x)))

    args = {"W": (2, 3), "x": ("n", 2), "y": "n:int64"}
    expected = symdiff.compile(loss, args, verify=False).source
    results, errors = [], []

    def work():
        try:
            for _ in range(2):
                results.append(symdiff.compile(loss, args, verify=False).source)
        except BaseException as error:  # noqa: BLE001 - reported below
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert results == [expected] * 16
    assert_restored()


def test_compiled_numpy_code_in_a_loss_gets_plain_arrays():
    """NumPy's generators are compiled and call `np.zeros` themselves."""

    def loss(x):
        noise = np.random.default_rng(0).permutation(np.zeros(3) + 1)
        return np.sum(x * noise) + np.sum(np.zeros(3) * x)

    agrees(loss, VECTOR)


# Handles by themselves.


def leaked():
    kept = []

    def loss(x):
        kept.append(x)
        return np.sum(x**2)

    symdiff.compile(loss, VECTOR)
    return kept


def test_a_handle_after_its_trace():
    handle = leaked()[0]
    assert "x" in repr(handle)
    assert handle.shape == (3,)
    for use in (
        operator.neg,
        np.sum,
        float,
        lambda one: one[0],
        lambda one: one.mean(),
    ):
        with pytest.raises(TraceError, match="trace"):
            use(handle)
    with pytest.raises(TypeError):
        hash(handle)
    assert not hasattr(handle, "__dlpack__")
    with pytest.raises(TraceError, match="pickles"):
        pickle.dumps(handle)


def test_no_memory_without_end():
    """Without `__array__`, NumPy would walk a handle as a nested sequence."""
    handle = leaked()[0]
    for convert in (np.asarray, np.array, list):
        with contextlib.suppress(TraceError):
            convert(handle)


# Depth and width.


def test_ten_thousand_operations_deep():
    def loss(x):
        for _ in range(5_000):
            x = np.sin(x) * 1.0001
        return np.sum(x)

    limit = sys.getrecursionlimit()
    compiled = symdiff.compile(loss, VECTOR, verify=False)
    assert sys.getrecursionlimit() == limit
    x = np.array([0.1, 0.2, 0.3])
    value, gradient = compiled.value_and_grad(x)
    assert value == pytest.approx(loss(x), rel=1e-12)
    assert np.all(np.isfinite(gradient))


def test_shared_values_are_not_walked_path_by_path():
    def loss(x):
        for _ in range(60):  # 2**60 paths
            x = x + x * 0.5
        return np.sum(x)

    compiled = symdiff.compile(loss, VECTOR, verify=False)
    np.testing.assert_allclose(compiled.grad(np.ones(3)), 1.5**60, rtol=1e-12)


def test_modules_that_cannot_be_read_are_no_hindrance():
    odd = ModuleType("odd")
    odd.__file__ = None
    scope = {"np": np, "odd": odd, "broken": property(lambda self: 1 / 0)}
    exec("def loss(x):\n    odd, broken\n    return np.sum(expit(x))", scope)
    scope["expit"] = expit
    agrees(scope["loss"], VECTOR)
