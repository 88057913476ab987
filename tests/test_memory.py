"""The bytes that a module is said to hold, against what Python sees."""

import importlib.util
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import symdiff
from symdiff.errors import SpecError
from symdiff.verify.sampling import sample

GOLDEN = Path(__file__).parent / "golden"

# Losses of all kinds, at sizes at which their arrays have hundreds of kilobytes; they are
# looked at where they have a hundredth, too.
SIZES = {
    "attention": {"n": 400, "d": 200},
    "autoencoder": {"n": 5000},
    "batch_norm": {"n": 20_000},
    "contrastive": {"n": 500, "d": 300},
    "convolution": {"n": 500},
    "denoising": {"h": 300, "w": 400},
    "gaussian_process": {"n": 300},
    "layer_norm": {"n": 4000},
    "lstm_cell": {"n": 5000},
    "matrix_factorisation": {"m": 9000, "k": 8000, "n": 30_000},
    "mixture": {"n": 600, "d": 200},
    "mlp": {"n": 5000},
    "residual": {"n": 10_000},
    "rnn": {"n": 5000},
    "skip_gram": {"words": 5000, "n": 10_000},
    "softmax_regression": {"n": 600, "d": 300, "k": 200},
    "springs": {"n": 300, "m": 20_000},
}


def loss_of(path):
    """Return a golden loss and what of it is differentiated."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.loss, getattr(module, "WRT", None)


def peak_of(function, *arguments):
    """Return the bytes that a call holds at most, as Python sees it."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        function(*arguments)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("style", ["plain", "fast"])
@pytest.mark.parametrize("name", SIZES)
def test_the_peak_is_as_predicted(name, style):
    loss, wrt = loss_of(GOLDEN / f"{name}.py")
    # A block of rows is not much larger than the buffers that NumPy has of its own.
    compiled = symdiff.compile(
        loss, wrt=wrt, verify=False, style=style, no_rewrite="blocks"
    )
    signature = compiled.part.scope.signature
    smallest = dict.fromkeys((leaf.name for leaf in signature.leaves), 2)
    for part in (1, 10, 100):
        rng = np.random.default_rng(0)
        sizes = {size: max(2, value // part) for size, value in SIZES[name].items()}
        arguments = sample(signature, sizes, rng, domain="unit", index_bounds=smallest)
        measured = peak_of(compiled.value_and_grad, *arguments)
        predicted = compiled.report.peak_bytes(**sizes)
        # What linear algebra has beside arrays, in Python, is some kilobytes.
        assert predicted == pytest.approx(
            measured, rel=0.1, abs=5000 if measured < 2e4 else 0
        )
        assert part > 1 or predicted > 5e5


def operators(a, b):
    c = (a * b - a / (a + b)) ** 2 + (2 - a * b)
    return np.sum(np.where(c > 0.5, -c, c**3) * np.sqrt(a + 1))


def moved(a, b):
    heads = np.tanh(a.reshape(50, 10, 4, 75).transpose(0, 2, 1, 3))
    scores = heads @ heads.transpose(0, 1, 3, 2)
    joined = (scores @ heads).transpose(0, 2, 1, 3).reshape(500, 300)
    both = np.tensordot(
        joined.reshape(50, 10, 300), b.reshape(50, 10, 300), axes=((0, 1), (0, 1))
    )
    return np.sum(both**2)


def standardised(a, b):
    centred = a - a.mean(axis=1, keepdims=True)
    normal = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
    return np.sum(((normal - b) / 4) ** 3)


def overwritten(a, b):
    for _ in range(4):
        a = a - a.mean(axis=0)
    a[:50] = b[:50]
    return np.sum(a * a[::-1])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("loss", [operators, moved, overwritten, standardised])
def test_the_peak_of_known_sizes_is_as_predicted(loss, dtype):
    rng = np.random.default_rng(0)
    a, b = (rng.uniform(0.5, 1, (500, 300)).astype(dtype) for _ in range(2))
    made = symdiff.compile(loss, {"a": a, "b": b}, wrt=("a", "b"), dtype=dtype)
    measured = peak_of(made.value_and_grad, a, b)
    assert made.report.peak_bytes() == pytest.approx(measured, rel=0.1)


def layers(X, W):
    h = X
    for _ in range(6):
        h = np.tanh(h @ W)
    return np.mean(h**2)


def test_small_temporary_arrays_are_not_written_over():
    """NumPy computes in a temporary operand's memory only where it is large."""
    made = symdiff.compile(lambda x: np.sum(np.sin(x * x + x) ** 2), {"x": ("n",)})
    below, above = 2**15 - 1, 2**15
    peak = made.report.peak_bytes
    assert peak(n=below) / below > peak(n=above) / above
    for size in (below, above):
        x = np.ones(size)
        assert peak(n=size) == pytest.approx(peak_of(made.grad, x), rel=0.1)


def test_the_peak_asks_for_all_sizes():
    report = symdiff.compile(layers, {"X": ("n", "d"), "W": ("d", "d")}).report
    with pytest.raises(SpecError, match="the sizes d, n"):
        report.peak_bytes()
    with pytest.raises(SpecError, match="no size 'm'"):
        report.peak_bytes(n=3, d=4, m=5)


def test_kept_is_what_the_cache_has_beside_the_arguments():
    compiled = symdiff.compile(layers, {"X": ("n", "d"), "W": ("d", "d")}, wrt="W")
    X, W = np.ones((5, 3)), np.ones((3, 3))
    _, cache = compiled.forward(X, W)
    arrays = [one for one in cache if isinstance(one, np.ndarray)]
    own = sum(one.nbytes for one in arrays if one is not X and one is not W)
    sizes = {
        one: {"n": 5, "d": 3}[one.name] for one in compiled.report.kept.free_symbols
    }
    assert compiled.report.kept.subs(sizes) == own
