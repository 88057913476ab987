"""Gradients by hand, right and with mistakes planted in them, each found and named."""

from __future__ import annotations

import numpy as np
import pytest

from symdiff import SpecError
from symdiff.testing import assert_gradient

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 3))
W, B = RNG.normal(size=(3, 3)), RNG.normal(size=3)
LABELS = np.array([0, 2, 1, 1, 0, 2, 2])


def ridge(W, X, Y):
    return np.mean((X @ W - Y) ** 2) / 2 + 0.05 * np.sum(W**2)


def d_ridge(W, X, Y):
    return X.T @ (X @ W - Y) / Y.size + 0.1 * W


def network(W, b, X, Y):
    h = np.tanh(X @ W + b)
    return np.sum((h - Y) ** 2) / 2


def d_network(W, b, X, Y):
    h = np.tanh(X @ W + b)
    d_pre = (h - Y) * (1 - h**2)
    return X.T @ d_pre, d_pre.sum(axis=0)


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy(W, b, X, labels):
    p = softmax(X @ W + b)
    return -np.mean(np.log(p[np.arange(len(labels)), labels]))


def d_cross_entropy(W, b, X, labels):
    d = softmax(X @ W + b)
    d[np.arange(len(labels)), labels] -= 1
    return X.T @ d / len(X), d.mean(axis=0)


def symmetric(S):
    """The value of `sum(S * S.T)`, whose gradient is 2 S.T."""
    return np.sum(S * S.T)


def message(fn, grad, args, **options) -> str:
    with pytest.raises(AssertionError) as caught:
        assert_gradient(fn, grad, args, **options)
    return str(caught.value)


RIGHT = {
    "ridge": (ridge, d_ridge, (W, X, Y), {}),
    "network": (network, d_network, (W, B, X, Y), {"wrt": ("W", "b")}),
    "cross-entropy": (
        *(cross_entropy, d_cross_entropy, (W, B, X, LABELS)),
        {"wrt": ("W", "b")},
    ),
    "symmetric": (symmetric, lambda S: 2 * S.T, (W,), {}),
    "a ufunc": (np.exp, np.exp, (1.5,), {}),
    "a gradient, not a function": (ridge, d_ridge(W, X, Y), (W, X, Y), {}),
    "by name": (ridge, d_ridge, {"X": X, "W": W, "Y": Y}, {"wrt": "W"}),
    "a dict of gradients": (
        *(lambda x, y: x * y, lambda x, y: {"y": x, "x": y}, (2.0, 3.0)),
        {"wrt": ("x", "y")},
    ),
    "a list of numbers": (lambda x: x @ x, lambda x: 2 * x, ([1.0, 2.0],), {}),
    "nothing": (lambda x: 1.0 + np.sum(x), np.ones_like, (np.zeros((0, 3)),), {}),
    "a constant": (lambda x: 5.0, np.zeros_like, (W,), {}),
    "a minimum": (lambda x: np.sum(x**2), np.zeros_like, (np.zeros(4),), {}),
    "tiny": (lambda x: 1e-30 * x @ x, lambda x: 2e-30 * x, (B,), {}),
    "far off": (lambda x: 1e6 + np.sum(np.sin(x)), np.cos, (B,), {}),
    "what writes into its argument": (
        *(lambda x: np.sum(np.multiply(x, x, out=x)), lambda x: 2 * x, (B.copy(),)),
        {},
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_gradients_pass(name):
    fn, grad, args, options = RIGHT[name]
    assert_gradient(fn, grad, args, **options)


def off(wrong):
    """A gradient of the ridge loss that is the right one, wrongly changed."""
    return ridge, lambda W, X, Y: wrong(d_ridge(W, X, Y)), (W, X, Y), {}


def both(change):
    """A gradient of the network whose parts are the right ones, wrongly changed."""

    def wrong(W, b, X, Y):
        h = np.tanh(X @ W + b)
        return change(*d_network(W, b, X, Y), X, h, h - Y)

    return network, wrong, (W, B, X, Y), {"wrt": ("W", "b")}


def classes(change):
    def wrong(W, b, X, labels):
        return change(*d_cross_entropy(W, b, X, labels), X, softmax(X @ W + b))

    return cross_entropy, wrong, (W, B, X, LABELS), {"wrt": ("W", "b")}


# The mistake: the call, the array at fault, and how it is named.
MISTAKES = {
    "a wrong sign": (off(np.negative), "W", "of the wrong sign"),
    "a forgotten 1 / n": (off(lambda d: d * 7), "W", "len(X) = 7 times too large"),
    "divided by n twice": (off(lambda d: d / 7), "W", "len(X) = 7 times too small"),
    "a forgotten 2": (off(lambda d: d / 2), "W", "2 times too small"),
    "a factor of 2": (off(lambda d: 2 * d), "W", "2 times too large"),
    "a factor of 2/3": (off(lambda d: 2 * d / 3), "W", "3/2 times too small"),
    "a factor of 1.001": (off(lambda d: 1.001 * d), "W", "1.001 times too large"),
    "the size for its root": (
        *(off(lambda d: d * np.sqrt(7)), "W"),
        "sqrt(len(X)) = 2.64575 times too large",
    ),
    "n - 1 for n": (off(lambda d: d * 7 / 6), "W", "7/6 times too large"),
    "a missing transpose": (off(np.transpose), "W", "transposed"),
    "transposed and doubled": (off(lambda d: 2 * d.T), "W", "transposed, and 2 times"),
    "a wrong sign, transposed": (
        *(off(lambda d: -d.T), "W"),
        "transposed, and of the wrong sign",
    ),
    "rows reversed": (off(np.flipud), "W", "reversed along axis 0"),
    "an index off by one": (
        *(off(lambda d: np.roll(d, 1, axis=1)), "W"),
        "shifted along axis 1",
    ),
    "a penalty left out": (
        *(off(lambda d: d - 0.1 * W), "W"),
        "lacks a term: 1/10 times the array itself",
    ),
    "a penalty of another kind": (
        *(off(lambda d: d + 0.5 * np.sign(W)), "W"),
        "has a term too many: 1/2 times the array's sign",
    ),
    "a constant added": (
        *(off(lambda d: d + 0.25), "W"),
        "has a term too many: 1/4 times the same at each entry",
    ),
    "a sum over an axis": (
        *(off(lambda d: np.tile(d.sum(axis=0), (3, 1))), "W"),
        "summed along axis 0",
    ),
    "a mean over an axis": (
        *(off(lambda d: np.tile(d.mean(axis=1, keepdims=True), (1, 3))), "W"),
        "averaged along axis 1",
    ),
    "nothing at all": (off(np.zeros_like), "W", "0 everywhere"),
    "a diagonal counted twice": (
        *(off(lambda d: d * (1 + np.eye(3))), "W"),
        "only the diagonal is wrong: 2 times too large",
    ),
    "one triangle": (
        *(off(np.triu), "W"),
        "only what is below the diagonal is wrong: it is 0 there",
    ),
    "a forgotten row": (
        *(off(lambda d: d * [[1], [0], [1]]), "W"),
        "only index 1 of axis 0 is wrong: it is 0 there",
    ),
    "one entry": (
        off(lambda d: d + 9 * np.eye(3)[1] * np.eye(3)[2, :, None]),
        "W",
        "only the entry [2, 1]",
    ),
    "NaN": (off(lambda d: d / (W > 0)), "W", "not finite"),
    "a shape transposed": (
        (lambda x: np.sum(x**2), lambda x: 2 * x.T, (X,), {}),
        "x",
        "it is transposed",
    ),
    "a bias not summed": (
        *(both(lambda dW, db, X, h, e: (dW, e * (1 - h**2))), "b"),
        "not summed over axis 0",
    ),
    "a bias averaged": (
        *(both(lambda dW, db, X, h, e: (dW, db / 7)), "b"),
        "len(X) = 7 times too small",
    ),
    "a bias dropped": (both(lambda dW, db, X, h, e: (dW, 0 * db)), "b", "0 everywhere"),
    "1 - h for 1 - h**2": (
        *(both(lambda dW, db, X, h, e: (X.T @ (e * (1 - h)), db)), "W"),
        "",
    ),
    "a derivative left out": (
        *(both(lambda dW, db, X, h, e: (dW, e.sum(axis=0))), "b"),
        "",
    ),
    "softmax's for sigmoid's": (
        *(classes(lambda dW, db, X, p: (X.T @ (p * (1 - p)) / 7, db)), "W"),
        "",
    ),
    "the sum of both transposes": (
        (lambda S: np.sum(S**3), lambda S: 3 * S**2 + 3 * S.T**2, (W,), {}),
        "S",
        "its transpose is added to it",
    ),
    "a number": (
        ((lambda x: np.sin(3 * x)), lambda x: np.cos(3 * x), (0.5,), {}),
        *("x", "3 times too small"),
    ),
    "another's gradient": (
        (
            lambda x, y: np.sum(x**2 * y),
            lambda x, y: (2 * x * y, 2 * x * y),
            (B, B + 1),
            {"wrt": ("x", "y")},
        ),
        "y",
        "",
    ),
    "swapped": (
        (
            lambda x, y: np.sum(x**2 * y),
            lambda x, y: (x**2, 2 * x * y),
            (B, B + 1),
            {"wrt": ("x", "y")},
        ),
        "x",
        "the gradient of y",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_planted_mistake_is_found_and_named(name):
    (fn, grad, args, options), at_fault, named = MISTAKES[name]
    said = message(fn, grad, args, **options)
    assert " is wrong" in said.splitlines()[0]
    found = [line.split()[0] for line in said.splitlines() if "  wrong: " in line]
    assert found[0] == at_fault
    assert named in said


def test_the_mistakes_planted_are_many():
    assert len(MISTAKES) >= 25


def test_what_is_said_of_a_mistake():
    said = message(*off(lambda d: d * 7)[:3])
    d = d_ridge(W, X, Y)
    row, column = np.unravel_index(np.argmax(abs(d)), d.shape)
    first, found, guess, worst, *table = map(str.strip, said.splitlines())
    assert first == "the gradient of ridge is wrong"
    assert found == "W  wrong: 9 of 9 entries"
    assert guess == "it is len(X) = 7 times too large"
    assert worst.startswith(
        f"W[{row}, {column}]: analytical {7 * d[row, column]:.10g}, numerical "
    )
    numerical = float(worst.split("numerical ")[1].split()[0])
    assert numerical == pytest.approx(d[row, column], rel=1e-9)
    assert "relative error 8.6e-01, remainder of order 1.00" in worst
    assert table[-1] == "it falls with order 1.00: 2 is right, 1 is wrong"


def test_one_wrong_entry_of_many_is_searched_for():
    x = RNG.normal(size=(200, 300))
    wrong = 2 * x
    wrong[123, 45] += 3.0
    said = message(lambda x: np.sum(x**2), wrong, (x,), entries=8)
    assert "x[123, 45]: analytical" in said
    assert "of 60,000 entries" in said


# Nested arguments, integers, single precision.


def layers(params, X, depth):
    h = X
    for layer in params["layers"][:depth]:
        h = np.tanh(h @ layer["W"] + layer["b"])
    return np.sum(h**2) / 2 + params["scale"] ** 2


def d_layers(params, X, depth):
    hs = [X]
    for layer in params["layers"]:
        hs.append(np.tanh(hs[-1] @ layer["W"] + layer["b"]))
    d, parts = hs[-1], []
    for layer, h, y in zip(params["layers"][::-1], hs[-2::-1], hs[:0:-1], strict=True):
        d = d * (1 - y**2)
        parts.insert(0, {"W": h.T @ d, "b": d.sum(axis=0)})
        d = d @ layer["W"].T
    return {"layers": parts, "scale": 2 * params["scale"], "steps": None}


PARAMS = {
    "layers": [{"W": W, "b": B}, {"W": W[:, :2], "b": B[:2]}],
    "scale": 0.5,
    "steps": 3,
}


def test_nested_parameters():
    assert_gradient(layers, d_layers, (PARAMS, X, 2))


def test_a_mistake_in_nested_parameters_is_named_as_python_writes_it():
    def wrong(params, X, depth):
        gradient = d_layers(params, X, depth)
        gradient["layers"][1]["b"] = gradient["layers"][1]["b"] / 2
        return gradient

    said = message(layers, wrong, (PARAMS, X, 2))
    assert "params['layers'][1]['b']  wrong: 2 of 2 entries" in said
    assert said.count("  wrong: ") == 1


@pytest.mark.parametrize(
    ("grad", "args", "options", "refused"),
    [
        (d_ridge, (W, X, Y), {"wrt": "V"}, "no argument 'V'"),
        (d_network, (W, B, X, Y), {}, "a tuple of 2"),
        (d_ridge, (W, X, Y), {"wrt": ("W", "X")}, "not one part for each of W, X"),
        (lambda W, X, Y: "W", (W, X, Y), {}, "not an array of numbers"),
        (lambda W, X, Y: (W, X), (W, X, Y), {}, "a tuple of 2"),
        (lambda W, X, Y: W, (np.eye(3, dtype=int), X, Y), {}, "no real number"),
    ],
)
def test_what_is_no_gradient_of_the_arguments_is_refused(grad, args, options, refused):
    fn = network if grad is d_network else ridge
    with pytest.raises(SpecError, match=refused):
        assert_gradient(fn, grad, args, **options)


def test_a_function_that_is_no_number_is_refused():
    with pytest.raises(SpecError, match=r"shape \(3, 3\)"):
        assert_gradient(lambda W: W, lambda W: W, (W,))


def test_a_gradient_in_single_precision_is_judged_as_such():
    single = [one.astype(np.float32) for one in (W, X, Y)]
    assert_gradient(ridge, d_ridge, single)
    said = message(ridge, lambda W, X, Y: 1.01 * d_ridge(W, X, Y), single)
    assert "1.01 times too large" in said


# Where differences themselves are at fault.


def in_single(W, X, Y):
    return ridge(*(one.astype(np.float32) for one in (W, X, Y)))


def printed(x):
    """A function whose values are known to seven places."""
    return round(float(np.sum(x**2)), 7)


@pytest.mark.parametrize(
    ("fn", "grad", "args"),
    [(in_single, d_ridge, (W, X, Y)), (printed, lambda x: 2 * x, (B,))],
)
def test_a_noisy_function_is_judged_as_sharply_as_its_noise_allows(fn, grad, args):
    assert_gradient(fn, grad, args)
    said = message(fn, lambda *given: 1.5 * grad(*given), args)
    assert "3/2 times too large" in said
    assert "the loss is noisy: by " in said


HINGE = np.array([0.0, 1.0, -2.0])


@pytest.mark.parametrize("slope", [-1.0, -0.3, 0.0, 1.0])
def test_a_slope_between_both_sides_of_a_corner_is_a_subgradient(slope):
    assert_gradient(
        lambda x: np.sum(np.abs(x)), lambda x: np.where(x, np.sign(x), slope), (HINGE,)
    )


@pytest.mark.parametrize("slope", [-1.5, 1.01, 7.0])
def test_a_slope_beyond_both_sides_of_a_corner_is_wrong(slope):
    def grad(x):
        return np.where(x, np.sign(x), slope)

    said = message(lambda x: np.sum(np.abs(x)), grad, (HINGE,))
    assert "only the entry [0] is wrong" in said
    assert "a corner: the slopes on its sides are -1 and 1" in said


def test_a_gradient_that_is_right_but_at_a_corner_of_a_concave_function():
    assert_gradient(lambda x: np.min(x), [0.5, 0.5, 0.0], (np.array([1.0, 1.0, 2.0]),))
    said = message(lambda x: np.min(x), [1.0, 1.5, 0.0], (np.array([1.0, 1.0, 2.0]),))
    assert "x[1]" in said


UNDECIDED = {
    "not finite": (lambda x: np.sum(np.log(x)), "the loss is -inf there"),
    "its edge": (lambda x: np.sum(np.sqrt(x)), "not finite beside the point"),
    "a jump": (lambda x: np.sum(np.floor(x + 1)), "the loss jumps by"),
    "overflow": (lambda x: np.sum(np.exp(x + 709.78)), "not finite beside the point"),
    "chance": (lambda x: np.sum(x) + RNG.normal(), "the loss is random"),
    "a wild one": (lambda x: np.sum(np.sin(1e9 * x)), "the loss is noisy"),
}


@pytest.mark.parametrize("name", UNDECIDED)
def test_a_bad_difference_is_no_bad_gradient(name):
    fn, reason = UNDECIDED[name]
    said = message(fn, np.ones_like, (np.zeros(1),))
    assert said.splitlines()[0].endswith("is undecided")
    assert reason in said


def test_an_exception_of_the_function_is_its_own():
    def fn(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        assert_gradient(fn, np.ones_like, (W,))
