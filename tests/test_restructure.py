"""Restructurings: fewer and larger operations, the same value and gradient."""

import numpy as np
import pytest

import symdiff
from symdiff.passes.restructure import BEFORE, BEHIND

view = np.lib.stride_tricks.sliding_window_view


def recurrent(W, U, X):
    h = np.zeros((X.shape[1], 3))
    for x in X:
        h = np.tanh(x @ W + h @ U)
    return np.sum(h**2)


def attention(Q, K, V, X):
    q, k, v = X @ Q, X @ K, X @ V
    e = np.exp(q @ k.T)
    return np.sum((e / e.sum(axis=1, keepdims=True) @ v) ** 2)


def images(K, b, X):
    windows = view(X, (2, 3), axis=(2, 3))
    h = np.maximum(np.einsum("nchwij,kcij->nkhw", windows, K) + b[:, None, None], 0)
    pooled = h[:, :, :4, :4].reshape(h.shape[0], 2, 2, 2, 2, 2).max(axis=(3, 5))
    return np.sum(np.sin(pooled.reshape(h.shape[0], -1)) ** 2)


def signals(K, X):
    windows = view(X, 3, axis=1)
    return np.sum(np.tanh(np.tensordot(windows, K, 1) + X[:, 1:-1, None]) ** 2)


def averages(X):
    return np.sum(np.exp(X.mean(axis=1)) * X.min(axis=(0, 1)))


def gated(X, Y):
    p = np.tanh(X) * Y
    return np.sum((X * np.sum(p * np.cos(p), axis=2, keepdims=True)) ** 2)


def spread(X, c):
    return np.sum(np.log(1 + np.sum(np.sin(X - c) ** 2, axis=1)))


def clusters(Q, mu, X):
    y = (X - mu[:, None, :]) @ np.swapaxes(Q, 1, 2)
    return np.sum(np.exp(-np.sum(y**2, axis=2)))


def distances(q, mu, X):
    return np.sum(np.einsum("nkd,kd->kn", X[:, None] + mu, q) ** 2)


def biased(W, U, b, X):
    h = np.zeros((X.shape[1], 3))
    for x in X:
        h = np.tanh(x @ W + h @ U + b)
    return np.sum(h**2)


def wide(W, U, X):
    h = np.zeros((16, 96))
    for x in X:
        h = np.tanh(x @ W + h @ U)
    return np.mean(h**2)


def gelu(X, b):
    a = X + b
    return np.mean(np.sin(0.5 * a * (1 + np.tanh(0.8 * (a + 0.05 * a**3)))))


def logistic(w, X, y):
    z = X @ w
    return np.mean(np.logaddexp(0, z) - y * z - np.sin(z) ** 2)


def gates(W, U, b, X):
    h = np.zeros((X.shape[1], 16))
    for x in X:
        i, f, g = np.split(x @ W + h @ U + b, 3, axis=1)
        h = np.tanh(i) * h + np.tanh(f) * np.sin(g)
    return np.sum(h**2)


STEPS = {"W": (2, 3), "U": (3, 3), "X": (4, "n", 2)}
HEADS = {"Q": (3, 2), "K": (3, 2), "V": (3, 2), "X": (5, 3)}
IMAGES = {"K": (2, 3, 2, 3), "b": (2,), "X": ("n", 3, 6, 7)}
SIGNALS = {"K": (3, 2), "X": ("n", 8)}
AVERAGES = {"X": (3, 2, "n")}
GATED = {"X": (2, "n", 40), "Y": (2, "n", 40)}
SPREAD = {"X": (2, 5, "n"), "c": (5, 1)}
CLUSTERS = {"Q": (2, 3, 3), "mu": (2, 3), "X": ("n", 3)}
DISTANCES = {"q": (2, 3), "mu": (2, 3), "X": ("n", 3)}
BIASED = {"W": (2, 3), "U": (3, 3), "b": (3,), "X": (3, "n", 2)}
WIDE = {"W": (2, 96), "U": (96, 96), "X": (3, 16, 2)}
GELU = {"X": (3, "n"), "b": ("n",)}
LOGISTIC = {"w": (3,), "X": ("n", 3), "y": ("n",)}
GATES = {"W": (2, 48), "U": (16, 48), "b": (48,), "X": (3, "n", 2)}

# What the emitted text has with a restructuring, and only with it.
CASES = [
    ("inner-product", gated, GATED, "np.vecdot("),
    ("inner-product", spread, SPREAD, 'np.einsum("ijk,ijk->ik", '),
    ("inner-product", attention, HEADS, "value = np.vdot("),
    ("sum-of-terms", logistic, LOGISTIC, " - np.dot(y, "),
    ("sum-of-products", recurrent, STEPS, "d_W = X.reshape(4 * n, 2).T @"),
    ("sum-of-products", attention, HEADS, "d_X = joined_1 @ joined.T"),
    ("shared-operand", recurrent, STEPS, "X.reshape(4 * n, 2) @ W"),
    ("shared-operand", attention, HEADS, "q = q_k_v[:, :2]"),
    ("pool-first", images, IMAGES, "pre_pooled"),
    ("short-axes", images, IMAGES, "[:, :, 1, :, 1]"),
    ("short-axes", averages, AVERAGES, "[:, 0], "),
    ("window-columns", images, IMAGES, "K.reshape(2, 18) @"),
    ("window-columns", signals, SIGNALS, "K.T @"),
    ("augmented-product", clusters, CLUSTERS, "(2, 3, n)"),
    ("augmented-product", distances, DISTANCES, "(2, 4)"),
    ("shared-term", biased, BIASED, "X.reshape(3 * n, 2) @ W + b"),
    ("transposed-copy", wide, WIDE, "np.ascontiguousarray(U.T)"),
    ("common-factor", gelu, GELU, "* a_squared + 0.8)"),
    ("parts-as-blocks", gates, GATES, "W.reshape(2, 3, 16).swapaxes(0, 1)"),
    ("parts-together", gates, GATES, "np.tanh(i_f_0, out=tanh_i_f_0)"),
]
IDS = [f"{name} in {loss.__name__}" for name, loss, _, _ in CASES]


def compiled(loss, args, **options):
    return symdiff.compile(loss, args, wrt=tuple(args), **options)


def agree(one, other, args, n):
    """Assert that two modules have the same value and gradient at a size."""
    rng = np.random.default_rng(n)
    shapes = ([n if size == "n" else size for size in shape] for shape in args.values())
    arguments = [rng.normal(size=shape) for shape in shapes]
    (value, parts), (expected, slopes) = (
        module.value_and_grad(*arguments) for module in (one, other)
    )
    np.testing.assert_allclose(value, expected, 1e-12)
    for part, slope in zip(parts, slopes, strict=True):
        np.testing.assert_allclose(part, slope, 1e-11, 1e-12)


@pytest.mark.parametrize(("name", "loss", "args", "text"), CASES, ids=IDS)
def test_a_restructuring_keeps_value_and_gradient(name, loss, args, text):
    plain = compiled(loss, args, verify=False)
    fast = compiled(loss, args, style="fast", rewrites="fast")
    without = compiled(
        loss, args, style="fast", rewrites="fast", no_rewrite=name, verify=False
    )
    assert text in fast.source
    assert text not in without.source
    assert text not in plain.source
    for n in 1, 4:
        agree(fast, plain, args, n)
        agree(without, plain, args, n)


def test_every_restructuring_has_a_case():
    rows = {row.name for row, _ in (*BEFORE, *BEHIND)}
    assert rows == {*(name for name, *_ in CASES), "few-rows"}


def test_products_of_few_rows_in_float32_with_what_is_transposed_are_turned():
    def loss(W, V, X):
        return np.mean((np.tanh(X @ W) @ V) ** 2)

    rng = np.random.default_rng(0)
    shapes = {"W": (8, 256), "V": (256, 256), "X": (16, 8)}
    args = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    single = {name: one.astype(np.float32) for name, one in args.items()}
    turned = compiled(loss, single, dtype="float32", style="fast", verify=False)
    others = (
        compiled(loss, args, style="fast", verify=False),
        compiled(loss, single, dtype="float32", style="fast", no_rewrite="few-rows"),
        compiled(loss, shapes | {"X": ("n", 8)}, dtype="float32", style="fast"),
    )
    assert "np.dot(V, " in turned.source
    assert not any("np.dot(V, " in one.source for one in others)
    value, slopes = turned.value_and_grad(*single.values())
    expected, parts = others[0].value_and_grad(*args.values())
    np.testing.assert_allclose(value, expected, 1e-5)
    for slope, part in zip(slopes, parts, strict=True):
        np.testing.assert_allclose(slope, part, 1e-3, 1e-5)


def test_rewrites_none_restructures_nothing():
    one = compiled(images, IMAGES, style="fast", rewrites="none", verify=False)
    assert "ascontiguousarray" not in one.source


@pytest.mark.parametrize("corners", ["least-norm", "jax", "split", "zero"])
def test_a_pool_has_the_slopes_of_the_plain_style_at_corners(corners):
    def loss(x, b):
        return np.sum(np.maximum(np.maximum(x, 0), b[:, None]).max(axis=1))

    args = {"x": ("n", 2), "b": ("n",)}
    one, other = (
        compiled(loss, args, corners=corners, style=style, verify=False)
        for style in ("fast", "plain")
    )
    x = np.array([[0.0, -1.0], [0.0, 0.0], [-1.0, -2.0], [2.0, 2.0], [3.0, 1.0]])
    for b in (-np.ones(5), np.zeros(5), 2 * np.ones(5)):
        for found, expected in zip(one.grad(x, b), other.grad(x, b), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_equal_elements_along_short_axes_share_a_gradient_in_float32():
    def loss(x):
        return np.sum(x.reshape(2, 2, 3, 2, -1).max(axis=(1, 3)) ** 2)

    args = {"x": (24, "n")}
    one, other = (
        symdiff.compile(loss, args, dtype="float32", style=style)
        for style in ("fast", "plain")
    )
    x = np.random.default_rng(0).integers(0, 2, (24, 5)).astype(np.float32)
    np.testing.assert_array_equal(one.grad(x), other.grad(x))
    assert "axis=(1, 3), keepdims" in other.source
    assert "axis=(1, 3), keepdims" not in one.source


def test_products_in_a_row_are_not_one():
    def loss(W, x):
        for _ in range(4):
            x = np.sin(x @ W)
        return np.sum(x)

    args = {"W": (3, 3), "x": (2, 3)}
    agree(
        compiled(loss, args, style="fast"), compiled(loss, args, verify=False), args, 1
    )


def test_groups_of_products_that_read_each_other_make_no_circle():
    def loss(A, B, x, y):
        first, second = x @ A, y @ B
        return np.sum(np.sin(first @ B) * np.cos(second @ A) + first * second)

    args = {"A": (2, 2), "B": (2, 2), "x": (3, 2), "y": (3, 2)}
    agree(
        compiled(loss, args, style="fast"), compiled(loss, args, verify=False), args, 1
    )


@pytest.mark.parametrize(
    "bias", ["b[:, None]", "b", "b[:, None] + b"], ids=["kept", "pooled", "both"]
)
def test_what_varies_within_a_pool_is_added_before_it(bias):
    source = f"lambda b, x: np.sum(np.max(x + {bias}, axis=2) ** 2)"
    loss = eval(source, {"np": np})
    args = {"b": (3,), "x": ("n", 3, 3)}
    agree(
        compiled(loss, args, style="fast"), compiled(loss, args, verify=False), args, 2
    )


def test_many_steps_are_restructured_in_linear_time():
    def loss(W, U, X):
        h = np.zeros((3, 2))
        for x in X:
            h = np.tanh(x @ W + h @ U)
        return np.sum(h)

    args = {"W": (2, 2), "U": (2, 2), "X": (200, 3, 2)}
    one = symdiff.compile(loss, args, wrt=("W", "U"), style="fast", verify=False)
    assert "d_W = X.reshape(600, 2).T @" in one.source


def test_a_sum_may_have_the_same_term_twice():
    def twice(x):
        return np.sum(np.stack([x, x]))

    made = symdiff.compile(twice, {"x": ("n",)}, style="fast", verify=False)
    _, slope = made.value_and_grad(np.arange(3.0))
    np.testing.assert_array_equal(slope, [2, 2, 2])


@pytest.mark.parametrize(
    "reading",
    ["z.sum() * np.sum(i * f)", "np.sum(i * f) + np.sum(np.tanh(h + z))"],
    ids=["whole too", "with a full array"],
)
def test_an_array_that_is_not_read_in_parts_alone_stays_as_it_is(reading):
    def loss(h, U):
        z = h @ U
        i, f = z[:, :16], z[:, 16:]
        return eval(reading, {"np": np, "z": z, "i": i, "f": f, "h": h})

    args = {"h": (4, 32), "U": (32, 32)}
    made = compiled(loss, args, style="fast")
    assert "U_parts" not in made.source


@pytest.mark.parametrize(
    "reading", ["z[0] + z[1]", "z[0] * z[1]", "z[0] + e[0], z[1] + e[1]"]
)
def test_a_term_is_added_to_a_product_once(reading):
    def loss(W, V, b, X):
        z, e = X @ W, X @ V
        if "," not in reading:
            return np.sum(np.sin(eval(reading, {"z": z}) + b))
        parts = eval(reading, {"z": z, "e": e})
        return np.sum(np.sin(parts[0] + b) * np.cos(parts[1] + b))

    args = {"W": (4, 3), "V": (4, 3), "b": (3,), "X": (2, "n", 4)}
    agree(
        compiled(loss, args, style="fast"), compiled(loss, args, verify=False), args, 3
    )


def test_parts_of_unequal_length_stay_where_they_are():
    def loss(h, U):
        z = h @ U
        return np.sum(np.sin(z[:, :16]) ** 2) * np.sum(np.cos(z[:, 16:]))

    made = compiled(loss, {"h": (4, 8), "U": (8, 48)}, style="fast")
    assert "U_parts" not in made.source


@pytest.mark.parametrize(
    ("steps", "rows", "width", "copied"),
    [(2, 16, 96, True), (2, 16, 256, False), (9, 16, 256, True), (2, 8, 96, False)],
)
def test_transposed_matrices_are_copied_where_that_pays(steps, rows, width, copied):
    def loss(U, x):
        for _ in range(steps):
            x = np.sin(x @ U)
        return np.mean(x)

    args = {"U": (width, width), "x": (rows, width)}
    made = compiled(loss, args, style="fast", verify=False)
    assert ("ascontiguousarray(U.T)" in made.source) == copied


def test_operations_on_large_parts_stay_apart():
    def loss(x):
        return np.sum(np.tanh(x[0]) * np.tanh(x[1]))

    small, large = (
        compiled(loss, {"x": (2, size)}, style="fast") for size in (100, 100_000)
    )
    assert small.source.count("np.tanh(") < large.source.count("np.tanh(")


SUMS = [
    "x * y + x * w + x",
    "2 * (x + 0.3 * x**3) * y + 3 * x * y - x * y**2",
    "(1 + np.tanh(x)) * y + (1 - np.tanh(x) ** 2) * w + np.tanh(x)",
    "(x * w + y * w + 0.5) * 2 + np.sum(x * y, axis=1, keepdims=True) * w",
    "x / w + y / w - x * 2 / w",
    "-(x + 0.5 * x**2) * 3 + np.exp(-x * x * 0.1 - y * x * 0.2)",
    "x * x * x * x + x**2 * y - x**2 * w + 2 * x + x * 3",
    "(x + x) * (x - x * y) * (w + w * x) + y",
]


@pytest.mark.parametrize("text", SUMS)
def test_sums_with_common_factors_keep_value_and_gradient(text):
    loss = eval(f"lambda x, y, w: np.sum(np.sin({text}))", {"np": np})
    args = {"x": (3, "n"), "y": (3, "n"), "w": (3, 1)}
    fast = compiled(loss, args, style="fast", rewrites="fast", verify=False)
    agree(fast, compiled(loss, args, verify=False), args, 4)


def test_what_is_read_elsewhere_is_not_multiplied_out():
    def loss(x, y, z):
        p, q = x * y, x * z
        return np.sum(np.sin(p) * np.sin(q) + (p + q) ** 2)

    args = {"x": ("n",), "y": ("n",), "z": ("n",)}
    made = compiled(loss, args, style="fast", rewrites="fast")
    assert "x * (y + z)" not in made.source
