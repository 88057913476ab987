"""What emitted functions return is the caller's own; what they are given stays so."""

import multiprocessing
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import symdiff


def views(x, A):
    """A loss whose cotangents are broadcasts, transposes and slices."""
    return np.sum(x[1:3]) + np.sum(A.T @ x) + x[0] * A[1, 1]


# Losses whose gradient could be an argument, a view of one, or the same array twice.
LOSSES = {
    "views": (views, {"x": (3,), "A": (3, 3)}),
    "sum": (lambda x, y: np.sum(x) + np.sum(y), {"x": ("n",), "y": ("n",)}),
    "product": (lambda x, y: np.sum(x * y), {"x": ("n",), "y": ("n",)}),
    "same": (lambda x, y: np.sum((x + y) ** 2), {"x": ("n",), "y": ("n",)}),
    "scalars": (lambda x, y: x * y + x, {"x": (), "y": ()}),
    "itself": (lambda x, y: x, {"x": (), "y": ()}),
    "one": (lambda x, y: x[1, 2], {"x": (2, 3), "y": ()}),
    "transposed": (lambda x, y: np.sum(x.T * y), {"x": (2, 3), "y": (3, 2)}),
    "reshaped": (lambda x, y: x.reshape(6) @ y, {"x": (2, 3), "y": (6,)}),
    "unused": (lambda x, y: np.sum(x), {"x": (3,), "y": (2, 2)}),
    "trace": (lambda x, y: np.trace(x @ y), {"x": (3, 3), "y": (3, 3)}),
    "kept": (lambda x, y: np.sum(np.exp(x)) + np.sum(y), {"x": ("n",), "y": ("n",)}),
    "outer": (lambda x, y: np.sum(np.outer(x, y)), {"x": (2,), "y": (3,)}),
}


def arguments(args):
    rng = np.random.default_rng(0)
    shapes = ([4 if size == "n" else size for size in shape] for shape in args.values())
    return [np.asarray(rng.normal(size=shape)) for shape in shapes]


def arrays_of(value):
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from arrays_of(part)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", LOSSES)
def test_fault_32_gradients_are_owned_writeable_and_distinct(name, dtype):
    loss, args = LOSSES[name]
    made = symdiff.compile(loss, args, wrt=tuple(args), dtype=dtype).module
    given = [one.astype(dtype) for one in arguments(args)]
    value, cache = made.forward(*given)
    gradient = made.backward(cache)
    assert not isinstance(value, np.ndarray)
    for part, argument in zip(gradient, given, strict=True):
        assert type(part) is np.ndarray
        assert (part.shape, part.dtype) == (argument.shape, argument.dtype)
        assert part.flags.writeable
    others = [*given, *arrays_of(cache)]
    for place, part in enumerate(gradient):
        for other in (*others, *gradient[:place]):
            assert not np.shares_memory(part, other)


@pytest.mark.parametrize("name", LOSSES)
def test_fault_33_nothing_is_written_into_arguments_or_the_cache(name):
    loss, args = LOSSES[name]
    made = symdiff.compile(loss, args, wrt=tuple(args)).module
    given = arguments(args)
    for one in given:
        one.setflags(write=False)
    _, cache = made.forward(*given)
    for one in arrays_of(cache):
        one.setflags(write=False)
    first, second = made.backward(cache), made.backward(cache)
    twice = made.backward(cache, 2.0)
    for one, same, double in zip(first, second, twice, strict=True):
        np.testing.assert_array_equal(one, same)
        np.testing.assert_array_equal(2 * one, double)
        one[...] = 7.0
        np.testing.assert_array_equal(same * 2, double)


@pytest.mark.parametrize(
    "cotangent", [-2, 0.5, np.float32(3), np.array(1.5), np.int8(4)]
)
def test_any_number_is_a_cotangent(cotangent):
    made = symdiff.compile(lambda x: np.sum(x**3), {"x": ("n",)}).module
    _, cache = made.forward(np.arange(3.0))
    expected = 3 * np.arange(3.0) ** 2 * float(cotangent)
    np.testing.assert_array_equal(made.backward(cache, cotangent), expected)


def network(W, b, X):
    h = np.tanh(X @ W + b)
    return np.sum(h**2) + np.sum(np.abs(W))


def compiled_network(tmp_path):
    compiled = symdiff.compile(
        network, {"W": (8, 8), "b": (8,), "X": ("n", 8)}, wrt=("W", "b")
    )
    path = tmp_path / "network_gradient.py"
    compiled.save(path)
    return compiled.module


def test_fault_34_threads_do_not_disturb_each_other(tmp_path):
    made = compiled_network(tmp_path)
    rng = np.random.default_rng(0)
    W, b = rng.normal(size=(8, 8)), rng.normal(size=8)
    batches = [rng.normal(size=(1 + k, 8)) for k in range(8)]
    serial = [made.value_and_grad(W, b, X) for X in batches]
    wrong = []

    def work(k):
        for _ in range(1000):
            value, gradient = made.value_and_grad(W, b, batches[k])
            expected, slopes = serial[k]
            same = value == expected and np.array_equal(gradient.W, slopes.W)
            if not (same and np.array_equal(gradient.b, slopes.b)):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not wrong


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """A module that was saved and imported by its name."""
    compiled_network(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "network_gradient", raising=False)
    import network_gradient

    yield network_gradient
    del sys.modules["network_gradient"]


def test_fault_35_functions_and_gradients_are_pickled(imported):
    W, b, X = np.eye(8), np.ones(8), np.ones((2, 8))
    for function in (imported.value, imported.grad, imported.value_and_grad):
        assert pickle.loads(pickle.dumps(function)) is function
    gradient = imported.grad(W, b, X)
    again = pickle.loads(pickle.dumps(gradient))
    assert type(again) is imported.Gradient
    np.testing.assert_array_equal(again.W, gradient.W)
    _, cache = pickle.loads(pickle.dumps(imported.forward(W, b, X)))
    np.testing.assert_array_equal(imported.backward(cache).b, gradient.b)


def test_fault_35_other_processes_call_them(imported):
    W, b = np.eye(8), np.ones(8)
    batches = [(W, b, np.full((2, 8), k)) for k in range(4)]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        values = pool.starmap(imported.value, batches)
    assert values == [imported.value(*batch) for batch in batches]


def test_fault_35_importing_does_nothing_else(imported, tmp_path):
    code = "import sys; import network_gradient; print(sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert not {"symdiff", "sympy", "scipy", "jinja2"} & set(eval(done.stdout))
