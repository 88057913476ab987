"""Unknown sizes in plain code: right at sizes that were never traced, or refused."""

import math
from functools import partial

import numpy
import numpy as np
import pytest
from agreement import agrees
from numpy import arange, eye
from scipy.special import logsumexp

import symdiff
from symdiff.errors import SizeError
from symdiff.specs import read_signature
from symdiff.trace import choose_witnesses, trace

ROWS = [{"n": n} for n in (1, 2, 3, 4, 5, 6, 8, 13, 50)]
SEVERAL = [
    {"n": n, "k": k, "d": d}
    for n, k, d in ((1, 1, 1), (1, 3, 2), (2, 2, 2), (4, 3, 17), (9, 4, 6), (30, 5, 2))
]
LINEAR = {"w": (3,), "X": ("n", 3)}


def over(X, w, factor):
    return factor * np.sum((X @ w) ** 2)


# A factor that is computed from sizes, as a user may write it.
FACTORS = {
    "1 / X.shape[0]": lambda X: 1 / X.shape[0],
    "1 / len(X)": lambda X: 1 / len(X),
    "1.0 / len(X)": lambda X: 1.0 / len(X),
    "0.1 / X.shape[0]": lambda X: 0.1 / X.shape[0],
    "1 / X.size": lambda X: 1 / X.size,
    "1 / (len(X) * X.shape[1])": lambda X: 1 / (len(X) * X.shape[1]),
    "n ** 0.5": lambda X: X.shape[0] ** 0.5,
    "len ** 0.5": lambda X: len(X) ** 0.5,
    "n ** -0.5": lambda X: X.shape[0] ** -0.5,
    "n ** 2": lambda X: X.shape[0] ** 2,
    "n ** -2": lambda X: X.shape[0] ** -2,
    "len ** 1.5": lambda X: len(X) ** 1.5,
    "np.sqrt(n)": lambda X: np.sqrt(X.shape[0]),
    "np.sqrt(len)": lambda X: np.sqrt(len(X)),
    "math.sqrt(len)": lambda X: math.sqrt(len(X)),
    "math.sqrt(n)": lambda X: math.sqrt(X.shape[0]),
    "0.3 / math.sqrt(2 * len + 1)": lambda X: 0.3 / math.sqrt(2 * len(X) + 1),
    "np.log(n)": lambda X: np.log(X.shape[0]),
    "np.log(len)": lambda X: np.log(len(X)),
    "math.log(len) + 2": lambda X: math.log(len(X)) + 2,
    "1 - 1 / len": lambda X: 1 - 1 / len(X),
    "3 * len - 2": lambda X: 3 * len(X) - 2,
    "5 - n": lambda X: 5 - X.shape[0],
    "-n": lambda X: -X.shape[0],
    "n // 2": lambda X: X.shape[0] // 2,
    "len // 2": lambda X: len(X) // 2,
    "(len - 1) // 2": lambda X: (len(X) - 1) // 2,
    "-(-len // 4)": lambda X: -(-len(X) // 4),
    "n // 3 + 1": lambda X: X.shape[0] // 3 + 1,
    "n % 4": lambda X: X.shape[0] % 4,
    "len * (len - 1) // 2": lambda X: len(X) * (len(X) - 1) // 2,
    "len * (len + 1) / 2": lambda X: len(X) * (len(X) + 1) / 2,
    "n * (n + 1) // 2": lambda X: X.shape[0] * (X.shape[0] + 1) // 2,
    "float(n)": lambda X: float(X.shape[0]),
    "int(n / 2)": lambda X: int(X.shape[0] / 2),
    "np.float64(n) / 3": lambda X: np.float64(X.shape[0]) / 3,
    "n * np.int64(2)": lambda X: X.shape[0] * np.int64(2),
    "np.arange(n)[-1]": lambda X: np.arange(len(X))[-1],
    "np.ones(n).sum()": lambda X: np.ones(X.shape[0]).sum(),
    "np.prod(X.shape)": lambda X: np.prod(X.shape),
    "sum(range(len))": lambda X: sum(range(len(X))),
}


@pytest.mark.parametrize("name", FACTORS)
def test_a_number_computed_from_a_size_is_right_at_every_size(name):
    factor = FACTORS[name]

    def loss(w, X):
        return factor(X) * np.sum((X @ w) ** 2)

    agrees(loss, LINEAR, *ROWS)


@pytest.mark.parametrize("name", ["1 / (n - 1)", "1 / (len - 1)"])
def test_a_degree_of_freedom_less(name):
    def loss(w, X):
        n = X.shape[0] if "n -" in name and "len" not in name else len(X)
        return 1 / (n - 1) * np.sum((X @ w) ** 2)

    agrees(loss, LINEAR, *ROWS[1:])


# Losses of a vector x of unknown size.


def vector_losses():
    def eye_of_length(x):
        return np.sum(np.eye(len(x)) @ x**2)

    def rectangular_eye(x):
        return np.sum(np.eye(len(x), 3).T @ x**2) + np.sum(np.eye(x.size, k=1) @ x)

    def identity_and_triangle(x):
        return np.sum(np.identity(len(x)) @ x**2) + np.sum(np.tri(x.size) @ x**3)

    def zeros_and_ones(x):
        n = x.shape[0]
        return np.sum(np.zeros((n, 3)) + x[:, None] ** 2) + np.sum(np.ones(n) * x**3)

    def filled(x):
        n = len(x)
        return np.sum(np.full(n, 2.5) * x**2) + np.sum(np.full((n, 2), n) * x[:, None])

    def alike(x):
        flat = np.zeros_like(x) + np.ones_like(x) * x
        return np.sum(flat + np.full_like(x, 3.0) * x**2)

    def counted(x):
        n = x.shape[0]
        total = np.sum(np.arange(n) * x**2) + np.sum(np.arange(1, len(x) + 1) * x)
        return total + np.sum(np.arange(0, 2 * n, 2) * x**3)

    def counted_from_python(x):
        return np.sum(np.array(range(len(x))) * x**2) + np.sum([1.5] * len(x) * x)

    def counted_backward(x):
        return np.sum(np.array(list(range(len(x), 0, -1))) * x**2)

    def spaced(x):
        return np.sum(np.linspace(0, 1, len(x)) * x**2)

    def neighbours(x):
        return np.sum(x[1:] * x[:-1]) + np.sum(x[::-1] * x**2)

    def halves(x):
        middle = len(x) // 2
        return np.sum(x[:middle] ** 2) + np.sum(x[middle:] ** 3)

    def sliced_by_length(x):
        return np.sum(x[: len(x) - 1] ** 2) + np.sum(x[1 : len(x)] ** 3)

    def centred(x):
        return np.sum((np.eye(len(x)) - np.ones((len(x), len(x))) / len(x)) @ x**2)

    def standardised(x):
        return np.sum((x - np.mean(x)) ** 3) / (1 + np.std(x)) + np.var(x, ddof=0)

    def fixed_loop(x):
        total = 0.0
        for power in range(1, 4):
            total = total + np.sum(x**power) / power
        return total

    def compared_in_vain(x):
        assert x.shape[0] == len(x.T)
        assert x.shape == (x.size,)
        assert x.shape[0] >= 0
        return np.sum(x**2)

    def grown(x):
        return np.sum(np.concatenate([x, x**2])[: 2 * len(x)]) / np.stack([x, x]).size

    def gathered(x):
        return np.sum(x[np.arange(len(x))[::-1]] * x) + x[-1] * x[0]

    def reshaped(x):
        return np.sum(x.reshape(len(x), -1) @ x.reshape(-1, len(x)))

    def renamed_module(x):
        import numpy as numeric

        return numeric.sum(numpy.eye(len(x)) @ x**2)

    def by_name(x):
        return np.sum(eye(len(x)) @ x**2) + np.sum(arange(len(x)) * x)

    def imported_inside(x):
        from numpy import full, ones
        from scipy.special import softmax

        return np.sum(ones(len(x)) * full(x.shape, 2.0) * softmax(x) ** 2)

    def by_default(x, make=np.ones):
        return np.sum(make(len(x)) * x**2)

    def by_partial(x):
        return np.sum(partial(np.full, fill_value=2.0)(len(x)) * x**2)

    return {name: one for name, one in locals().items() if callable(one)}


VECTORS = vector_losses()


@pytest.mark.parametrize("name", VECTORS)
def test_arrays_and_slices_of_an_unknown_size(name):
    agrees(VECTORS[name], {"x": ("n",)}, *ROWS)


# Losses with two and three unknown sizes.


def nll_by_rows(W, X, y):
    z = X @ W
    z = z - z.max(axis=1, keepdims=True)
    logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -logp[np.arange(len(y)), y].sum() / len(y)


def nll_one_hot(W, X, y):
    z = X @ W
    logp = z - logsumexp(z, axis=1, keepdims=True)
    return -np.mean(np.sum(logp * np.eye(W.shape[1])[y], axis=1))


def nll_one_hot_by_name(W, X, y):
    z = X @ W
    return np.mean(logsumexp(z, axis=1) - np.sum(z * eye(len(W.T))[y], axis=1))


@pytest.mark.parametrize("loss", [nll_by_rows, nll_one_hot, nll_one_hot_by_name])
def test_cross_entropy_with_integer_labels(loss):
    args = {"W": ("d", "k"), "X": ("n", "d"), "y": "n:int64"}
    for sizes in SEVERAL:
        agrees(loss, args, sizes, below=sizes["k"])


def products(x, y):
    return np.sum(x @ y) / (len(x) * len(y)) + np.sum(y) * len(x) / len(y.T)


def sums(x, y):
    total = len(x) + len(y)
    return np.sum(x @ y) * (len(x) - len(y)) / total + np.sum(x) / x.size


def threefold(x, y):
    n, k, d = *x.shape, y.shape[1]
    count = len(x) * len(y) * len(y.T)
    return (
        np.sum(x @ y) ** 2 / (n * k * d) + np.sum(x) / count + np.sum(y) * (n + k + d)
    )


def joined(x, y):
    both = np.concatenate([x.ravel(), y.ravel()])
    return np.sum(both[: x.size] ** 2) / both.size + np.sum(both[x.size :] ** 3)


def reshaped(x, y):
    flat = x.reshape(-1)
    return np.sum(flat.reshape(len(x), -1) @ y) + np.sum(x.reshape(-1, len(y)) ** 2)


def rectangles(x, y):
    n, k = x.shape
    made = np.zeros((n, k)) + np.ones((len(x), len(y))) + np.eye(len(x), len(y))
    return np.sum(made * x**2) + np.sum(np.full((k, y.shape[1]), n / k) * y)


def flattened_index(x, y):
    rows = np.arange(len(x)) % len(y)
    return np.sum(y[rows] * np.sum(x, axis=1)[:, None])


@pytest.mark.parametrize(
    "loss",
    [products, sums, threefold, joined, reshaped, rectangles, flattened_index],
)
def test_several_unknown_sizes(loss):
    agrees(loss, {"x": ("n", "k"), "y": ("k", "d")}, *SEVERAL)


def test_sizes_that_differ_by_a_constant_among_the_traced_ones_are_not_mixed_up():
    """With sizes next to each other, `len(y)` could be taken for `len(x) + 2`."""

    def loss(x, y, z):
        return len(x) * np.sum(x) + len(y) * np.sum(y) + np.sum(z) / len(z)

    args = {"x": ("a",), "y": ("b",), "z": ("c",)}
    agrees(
        loss, args, *({"a": a, "b": b, "c": c} for a, b, c in ((1, 2, 3), (9, 2, 4)))
    )


def test_five_unknown_sizes():
    def loss(a, b, c, d, e):
        total = len(a) * np.sum(a) + len(b) ** 0.5 * np.sum(b) + np.sum(c) / len(c)
        return total + np.sum(np.arange(len(d)) * d) + np.sum(e) * (len(e) - 1) / 2

    args = {name: (name * 2,) for name in "abcde"}
    sizes = [
        dict(zip(("aa", "bb", "cc", "dd", "ee"), s, strict=False))
        for s in ((1, 2, 3, 4, 5), (6, 6, 6, 6, 6))
    ]
    agrees(loss, args, *sizes)


def test_a_batch_that_four_divides():
    def loss(x):
        return np.sum(np.sum(x.reshape(-1, 4) ** 2, axis=1) ** 2)

    agrees(loss, {"x": ("n",)}, {"n": 4}, {"n": 8}, {"n": 20})


def test_a_user_who_asserts_what_divides_his_batch():
    def loss(x):
        assert len(x) % 3 == 0, "not a multiple of 3"
        return np.sum(x.reshape(len(x) // 3, 3) ** 2)

    agrees(loss, {"x": ("n",)}, {"n": 3}, {"n": 12})


def test_nothing_large_is_made_for_a_large_size():
    """The third trace runs at a large size: nothing is computed there."""

    def loss(x):
        n = len(x)
        cube = np.ones((n, n, n))
        return np.sum(x**2) + 0 * np.sum(cube)

    signature = read_signature(loss, {"x": ("n",)})
    assert max(one["n"] for one in choose_witnesses(signature)) > 500
    trace(loss, signature, "float64")


@pytest.mark.parametrize("count", range(1, 7))
def test_witnesses_are_distinct_and_of_both_parities_and_orders(count):
    names = [f"n{i}" for i in range(count)]
    loss = lambda x: np.sum(x)  # noqa: E731
    chosen = choose_witnesses(read_signature(loss, {"x": (*names, 7, 12)}))
    for one in chosen:
        assert len(set(one.values())) == count
        assert not {7, 12} & set(one.values())
    for name in names:
        assert {one[name] % 2 for one in chosen[:2]} == {0, 1}
    for first, second in zip(names, names[1:], strict=False):
        assert len({one[first] < one[second] for one in chosen}) == 2


def test_float32_stays_with_numbers_from_sizes():
    def loss(w, X):
        return np.sum((X @ w) ** 2) / len(X) * math.sqrt(len(X)) / np.sqrt(X.shape[0])

    compiled = symdiff.compile(loss, LINEAR, dtype="float32")
    w, X = np.ones(3, np.float32), np.ones((6, 3), np.float32)
    value, gradient = compiled.value_and_grad(w, X)
    assert value.dtype == gradient.dtype == np.float32
    np.testing.assert_allclose(value, 9.0, rtol=1e-6)


# What no expression describes is refused, never guessed.


def unknown_functions():
    def power_of_two(x):
        return np.sum(x) * 2 ** len(x)

    def geometric(x):
        return np.sum(x) * 0.9 ** len(x)

    def bits(x):
        return np.sum(x) * len(x).bit_length()

    def at_most(x):
        return np.sum(x) * min(len(x), 50)

    def digits(x):
        return np.sum(x) * len(str(len(x)))

    def factorial(x):
        return np.sum(x) / math.lgamma(len(x))

    def random_table(x):
        return np.sum(x * np.random.default_rng(0).normal(size=len(x)))

    def window(x):
        return np.sum(x * np.hanning(len(x)))

    return {name: one for name, one in locals().items() if callable(one)}


UNKNOWN = unknown_functions()


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_number_that_no_expression_gives_is_refused(name):
    with pytest.raises(SizeError, match="depends on an unknown size"):
        symdiff.compile(UNKNOWN[name], {"x": ("n",)})


@pytest.mark.parametrize("threshold", [8, 20, 100, 256, 512])
def test_a_branch_on_a_length_is_found(threshold):
    def loss(x):
        if len(x) > threshold:
            return np.sum(x)
        return np.sum(x**2)

    with pytest.raises(SizeError, match="which branch is taken here"):
        symdiff.compile(loss, {"x": ("n",)})


@pytest.mark.parametrize("threshold", [0, 1, 2, 5])
def test_a_branch_below_all_traced_lengths_is_never_silently_wrong(threshold):
    def loss(x):
        if len(x) > threshold:
            return np.sum(x)
        return np.sum(x**2) + 1

    if threshold == 0:
        agrees(loss, {"x": ("n",)}, *ROWS)
        return
    with pytest.raises(SizeError, match="which branch is taken here depends on"):
        symdiff.compile(loss, {"x": ("n",)})


def comparisons():
    return {
        "n > 1": lambda n, m: n > 1,
        "n == 1": lambda n, m: n == 1,
        "n != 10000": lambda n, m: n != 10_000,
        "n <= 10000": lambda n, m: n <= 10_000,
        "n < m": lambda n, m: n < m,
        "n == m": lambda n, m: n == m,
        "n % 2": lambda n, m: n % 2,
        "n": lambda n, m: n,
        "max(n, m)": lambda n, m: max(n, m),
        "min(n, 10)": lambda n, m: min(n, 10),
        "n in (1, 2)": lambda n, m: n in (1, 2),
        "n > 2.5": lambda n, m: n > 2.5,
        "n / 2 > 2": lambda n, m: n / 2 > 2,
    }


@pytest.mark.parametrize("name", comparisons())
def test_a_comparison_of_an_unknown_size_is_refused_at_once(name):
    decide = comparisons()[name]

    def loss(x, y):
        return np.sum(x) if decide(x.shape[0], y.shape[0]) else np.sum(x**2)

    with pytest.raises(SizeError, match="unknown size"):
        symdiff.compile(loss, {"x": ("n",), "y": ("m",)})


def test_comparisons_that_hold_for_all_sizes_are_answered():
    def loss(x):
        n = x.shape[0]
        assert n + 1 > n
        assert n >= 0
        assert not n < 0
        assert not x[2:].size < 0
        assert n != n + 2
        assert n * n == n**2
        assert x.shape[0] in (x.size,)
        return np.sum(x) * (2 if n == len(x.shape) * n else 3)

    agrees(loss, {"x": ("n",)}, *ROWS)
