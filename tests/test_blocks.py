"""Loops over blocks of rows: what whole arrays give, in arrays that the cache holds."""

import warnings

import numpy as np
import pytest
import test_passes_agree
import test_random_programs
from test_memory import peak_of

import symdiff
from symdiff.program import sweeping

ARGS = {"X": ("n", 512), "b": (512,)}
WRT = ("X", "b")


def chain(X, b):
    a = X + b
    gelu = 0.5 * a * (1 + np.tanh(0.7978845608 * (a + 0.044715 * a**3)))
    return np.mean(np.exp(-np.tanh(gelu)))


def softmax(X, b):
    e = np.exp(X - X.max(axis=1, keepdims=True)) * (1 + b**2)
    p = e / e.sum(axis=1, keepdims=True)
    return np.log(np.sum(np.sin(p) * p**3))


def compiled(loss, args=ARGS, wrt=WRT, **options):
    return symdiff.compile(loss, args, wrt=wrt, style="fast", verify=False, **options)


def given(rows, dtype="float64"):
    rng = np.random.default_rng(rows)
    return [rng.normal(size=shape).astype(dtype) for shape in ((rows, 512), (512,))]


@pytest.fixture
def tiny_blocks(monkeypatch):
    """Whatever can be a loop is one, of a few rows at a time."""
    for name, value in {"LARGE": 0, "CALL": 0, "FEWEST": 1, "BLOCK": 100}.items():
        monkeypatch.setattr(sweeping, name, value)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("loss", [chain, softmax])
def test_any_number_of_rows_gives_what_whole_arrays_give(loss, dtype):
    blocks = compiled(loss, dtype=dtype)
    whole = compiled(loss, dtype=dtype, no_rewrite="blocks")
    assert "blocks of rows" in blocks.source
    assert "blocks of rows" not in whole.source
    size = {"float64": 64, "float32": 128}[dtype]
    digits = np.finfo(dtype).eps * 100
    with np.errstate(all="ignore"):
        for rows in (size, 0, 1, size - 1, size + 1, 5 * size, 3 * size + 7, 2):
            arguments = given(rows, dtype)
            value, gradient = blocks.value_and_grad(*arguments)
            expected, slopes = whole.value_and_grad(*arguments)
            np.testing.assert_allclose(value, expected, digits)
            assert type(value) is type(expected)
            for one, other in zip(gradient, slopes, strict=True):
                scale = np.abs(other).max(initial=1e-30)
                np.testing.assert_allclose(one / scale, other / scale, 0, digits)


def test_a_sweep_of_both_passes_is_the_same_bit_for_bit():
    arguments = given(1000)
    _, blocks = compiled(chain).value_and_grad(*arguments)
    _, whole = compiled(chain, no_rewrite="blocks").value_and_grad(*arguments)
    np.testing.assert_array_equal(blocks.X, whole.X)


def test_both_passes_of_a_mean_are_one_loop():
    source = compiled(chain).source
    assert source.count("for start in range(0, n, 64):") == 1
    assert "X_rows = X[start:stop]" in source
    assert "d_b += np.dot(ones_64[: len(d_X_rows)], d_X_rows)" in source


def test_what_reads_a_sum_of_all_rows_stands_in_a_loop_of_its_own():
    assert compiled(softmax).source.count("in range(0, n, 64):") == 2


def test_a_workspace_has_room_for_blocks_only():
    module = compiled(chain).module
    module.value_and_grad(*given(20_000))
    arrays = module._workspace.kept
    assert sum(one.nbytes for one in arrays) < 2**21


def test_the_peak_is_as_predicted(monkeypatch):
    monkeypatch.setattr(sweeping, "BLOCK", 2**23)
    made = compiled(chain)
    predicted = made.report.peak_bytes(n=4096)
    measured = peak_of(made.value_and_grad, *given(4096))
    assert predicted == pytest.approx(measured, rel=0.05)


def test_narrow_layers_of_an_unknown_batch_have_no_loops():
    def network(layers, X):
        for W in layers:
            X = np.maximum(np.tanh(X @ W), 0.1) * np.cos(X)
        return np.sum(X**2)

    args = {"layers": [(8, 8)] * 3, "X": ("n", 8)}
    assert "blocks of rows" not in compiled(network, args, "layers").source


def test_rows_of_any_length():
    made = compiled(chain, {"X": ("n", "k"), "b": ("k",)})
    rng = np.random.default_rng(0)
    for rows, columns in ((3, 5), (10, 0), (0, 4), (3, 70_000), (9000, 7), (2, 1)):
        X, b = rng.normal(size=(rows, columns)), rng.normal(size=columns)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the mean of nothing
            value, gradient = made.value_and_grad(X, b)
            expected, cache = made.forward(X, b)
            slopes = made.backward(cache)
        np.testing.assert_allclose(value, expected, 1e-13)
        for one, other in zip(gradient, slopes, strict=True):
            np.testing.assert_allclose(one, other, 1e-11, 1e-15)


def test_a_row_may_be_larger_than_a_block():
    made = compiled(chain, {"X": ("n", "m", "k"), "b": ("k",)})
    assert "blocks of rows" in made.source
    rng = np.random.default_rng(0)
    X, b = rng.normal(size=(2, 300, 200)), rng.normal(size=200)
    value, gradient = made.value_and_grad(X, b)
    np.testing.assert_allclose(value, made.value(X, b), 1e-13)
    expected = made.backward(made.forward(X, b)[1])
    np.testing.assert_allclose(gradient.b, expected.b, 1e-11, 1e-15)


def test_small_arrays_are_in_the_cache_as_they_are():
    assert (
        "blocks of rows" not in compiled(chain, {"X": (100, 512), "b": (512,)}).source
    )
    assert "blocks of rows" in compiled(chain, {"X": (4096, 512), "b": (512,)}).source


def test_regression_on_many_points_reads_them_once():
    def logistic(w, X, y):
        z = X @ w
        return np.mean(np.logaddexp(0, z) - y * z)

    args = {"w": (50,), "X": (100_000, 50), "y": (100_000,)}
    made = compiled(logistic, args, "w")
    plain = symdiff.compile(logistic, args, wrt="w", verify=False)
    rng = np.random.default_rng(0)
    w, X = rng.normal(size=50), rng.normal(size=(100_000, 50))
    y = (rng.random(100_000) < 0.5).astype(float)
    assert made.source.count("X_rows = X[start:stop]") == 1
    np.testing.assert_allclose(made.value(w, X, y), plain.value(w, X, y), 1e-12)
    np.testing.assert_allclose(made.grad(w, X, y), plain.grad(w, X, y), 1e-9, 1e-12)


def test_all_pairs_of_rows_are_taken_some_at_a_time():
    def energy(x):
        apart = x[:, None] - x
        return np.sum(np.exp(-np.sum(apart**2, axis=-1)))

    made = compiled(energy, {"x": (600, 3)}, "x")
    plain = symdiff.compile(energy, {"x": (600, 3)}, verify=False)
    assert "x_rows = x[:, None][start:stop]" in made.source
    x = np.random.default_rng(0).normal(size=(600, 3))
    value, slope = made.value_and_grad(x)
    np.testing.assert_allclose(value, plain.value(x), 1e-12)
    np.testing.assert_allclose(slope, plain.grad(x), 1e-11, 1e-13)


@pytest.mark.usefixtures("tiny_blocks")
def test_a_sum_that_no_function_writes_begins_with_zeros():
    def loss(X, y):
        return np.sum(np.sin(np.einsum("nbc,c->nb", X, y)) ** 2)

    made = compiled(loss, {"X": ("n", 3, 4), "y": (4,)}, ("X", "y"))
    assert "blocks of rows" in made.source
    assert not made.grad(np.empty((0, 3, 4)), np.ones(4)).y.any()


@pytest.mark.usefixtures("tiny_blocks")
@pytest.mark.parametrize("name", sorted(test_passes_agree.LOSSES)[::3])
def test_golden_losses_in_tiny_blocks(name):
    loss, committed = map(test_passes_agree.module, test_passes_agree.LOSSES[name])
    dtype, wrt = test_passes_agree.dtype(committed), getattr(loss, "WRT", None)
    made = compiled(loss.loss, None, wrt, dtype=dtype)
    tolerances = {"float64": (1e-10, 1e-12), "float32": (1e-4, 1e-6)}[dtype]
    arguments = committed._made_up(np.random.default_rng(1))
    pairs = map(
        test_passes_agree.arrays, (made.grad(*arguments), committed.grad(*arguments))
    )
    for one, other in zip(*pairs, strict=True):
        np.testing.assert_allclose(one, other, *tolerances)


@pytest.mark.usefixtures("tiny_blocks")
@pytest.mark.parametrize("seed", range(60_000, 60_030))
def test_random_programs_in_tiny_blocks(seed):
    program = test_random_programs.draw(seed)
    args, wrt = {**program.shapes, "k": "n:int64"}, tuple(program.shapes)
    made = compiled(program.loss(), args, wrt)
    plain = symdiff.compile(program.loss(), args, wrt=wrt, verify=False)
    for length in (7, 4):
        arguments = program.arguments(length, seed)
        value, gradient = made.value_and_grad(*arguments)
        expected, slopes = plain.value_and_grad(*arguments)
        np.testing.assert_allclose(value, expected, 1e-11)
        for one, other in zip(gradient, slopes, strict=True):
            scale = np.abs(other).max(initial=1e-300)
            np.testing.assert_allclose(one / scale, other / scale, 1e-9, 1e-11)
