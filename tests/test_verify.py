"""The emitted module against the loss: right ones pass, planted faults are found."""

from __future__ import annotations

import numpy as np
import pytest
from handmade import NETWORK, NETWORK_ARGS, NETWORK_WRT, check, handmade, network

from symdiff.errors import VerificationError
from symdiff.source import Position
from symdiff.specs import ArraySpec
from symdiff.verify import Verification

# What is written instead of what, and what the error has to name.
FAULTS = {
    "square matrix not transposed": ("d_z @ W2.T", "d_z @ W2", "gradient of W1"),
    "wrong sign": ("d_W2 = h.T @ d_z", "d_W2 = -(h.T @ d_z)", "gradient of W2"),
    "one bias's sign": ("d_a.sum(axis=0)", "-d_a.sum(axis=0)", "gradient of b1"),
    "1/n missing": ("cotangent / n", "cotangent", "gradient of"),
    "1/n missing, of one": ("b2=d_b2", "b2=d_b2 * n", "gradient of b2"),
    "1 - h": ("(1 - h**2)", "(1 - h)", "gradient of"),
    "one hot missing": ("d_z[rows, labels] -= 1", "pass", "gradient of"),
    "wrong axis, wrong shape": (
        "d_z.sum(axis=0)",
        "d_z.sum(axis=1)",
        "of b2 has shape",
    ),
    "right at n=3 only": ("cotangent / n", "cotangent / 3", "n=1"),
    "one element": (
        "    return Gradient(",
        "    d_W2[2, 3] *= 1.001\n    return Gradient(",
        "gradient of W2",
    ),
    "off by 1e-6": ("W1=d_W1", "W1=d_W1 * (1 + 1e-6)", "gradient of W1"),
    "gradients exchanged": (
        "b1=d_b1, W2",
        "b1=d_b2, W2",
        "memory with the gradient of b1",
    ),
    "copies exchanged": ("b1=d_b1", "b1=d_b2.copy()", "gradient of b1"),
    "gradient aliases an input": ("W2=d_W2", "W2=W2[:]", "with the argument W2"),
    "aliases its neighbour": ("b1=d_b1", "b1=d_b2", "shares memory"),
    "read-only broadcast": (
        "b2=d_b2",
        "b2=np.broadcast_to(d_b2.sum(), (5,))",
        "the gradient of b2 (value_and_grad) is read-only",
    ),
    "writes into an input": (
        "    h = np.tanh(X @ W1 + b1)",
        "    X += 0\n    h = np.tanh(X @ W1 + b1)",
        "value raised ValueError: output array is read-only",
    ),
    "spoils its cache": (
        "    d_z = e / sum_e\n",
        "    d_z = e\n    d_z /= sum_e\n",
        "a second backward",
    ),
    "cotangent forgotten": (
        "d_z *= cotangent / n",
        "d_z *= 1 / n",
        "a second backward with cotangent -2.0",
    ),
    "plain tuple": (
        "return Gradient(",
        "return (lambda **g: tuple(g.values()))(",
        "a tuple",
    ),
    "fields in another order": (
        "    W1: np.ndarray\n    b1: np.ndarray\n",
        "    b1: np.ndarray\n    W1: np.ndarray\n",
        "named tuple of W1, b1, W2, b2",
    ),
    "a dict": ("return Gradient(", "return dict(", "a dict, expected a named tuple"),
    "a scalar's gradient is no array": ("b2=d_b2", "b2=float(d_b2[0])", "a float"),
    "wrong value": ("].mean()\n", "].mean() * 1.00001\n", "the value of value is"),
    "wrong value by a constant": ("].mean()\n", "].mean() + 1e-6\n", "the loss is"),
    "wrong value of forward only": (
        "def forward(W1, b1, W2, b2, X, labels):\n    n",
        "def forward(*args):\n    v, c = _forward(*args)\n    return v + 1e-3, c\n\n\n"
        "def _forward(W1, b1, W2, b2, X, labels):\n    n",
        "the value of value is",
    ),
    "value is an array": ("].mean()\n", "].mean(keepdims=True)\n", "expected a float"),
    "float32 in between": ("W1=d_W1", 'W1=d_W1.astype("f4")', "dtype float32"),
    "float32 rounding inside": (
        "W1=d_W1",
        'W1=d_W1.astype("f4").astype("f8")',
        "gradient of W1",
    ),
    "NaN": ("b1=d_b1", "b1=d_b1 * np.nan", "it gives nan"),
    "raises": ("rows = np.arange(n)", "rows = np.arange(n + 1)", "raised IndexError"),
    "raises at one size": (
        "    rows = np.arange(n)",
        '    assert n > 1, "too small"\n    rows = np.arange(n)',
        "AssertionError: too small",
    ),
    "a function missing": ("def grad(", "def gradient(", "no attribute 'grad'"),
}


def check_network(text=NETWORK, **options):
    return check(
        text, network, NETWORK_ARGS, NETWORK_WRT, bounds={"labels": 5}, **options
    )


def test_right_module_passes_and_the_record_prints_in_one_line():
    record = check_network()
    assert isinstance(record, Verification)
    assert record.sizes == ({"n": 3}, {"n": 1}, {"n": 4})
    assert record.value_error <= 1e-12
    assert record.gradient_error <= 1e-8
    assert record.directions == 3 + len(NETWORK_WRT)
    assert record.evaluations < 100
    assert "\n" not in str(record)
    assert str(record).startswith("verified at n=3; n=1; n=4: values within ")


def test_the_same_twice():
    assert check_network() == check_network()


def test_traced_sizes_are_not_tried_again():
    record = check_network(traced=[{"n": 3}, {"n": 4}])
    assert not {3, 4} & {sizes["n"] for sizes in record.sizes}


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_is_found(fault):
    old, new, named = FAULTS[fault]
    assert NETWORK.count(old) == 1
    with pytest.raises(VerificationError) as caught:
        check_network(NETWORK.replace(old, new))
    assert named in str(caught.value)
    assert "n=" in str(caught.value)
    assert "report it with the loss" in str(caught.value)
    assert "verify=False" in str(caught.value)


def test_mismatch_shows_both_numbers_the_relative_error_and_the_order():
    text = NETWORK.replace("W2=d_W2", "W2=d_W2 * 2")
    place = Position("loss.py", 7, 7, None, None)
    with pytest.raises(VerificationError) as caught:
        check_network(text, positions={"W2": place})
    message = str(caught.value)
    assert message.startswith("loss.py:7: the emitted module is wrong at n=3, normal")
    assert "relative error 5.0e-01" in message
    assert "order 1.00" in message


def test_what_the_module_raised_is_the_cause():
    text = NETWORK.replace("rows = np.arange(n)", "rows = np.arange(n) / 0 * n[0]")
    with pytest.raises(VerificationError) as caught:
        check_network(text)
    assert isinstance(caught.value.__cause__, TypeError)


def float32_network(text):
    args = {
        k: v if isinstance(v, str) else ArraySpec(v) for k, v in NETWORK_ARGS.items()
    }
    options = {"dtype": "float32", "bounds": {"labels": 5}}
    return check(text, network, args, NETWORK_WRT, **options)


def test_fault_22_float32_module_passes():
    assert float32_network(NETWORK).gradient_error <= 1e-3


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (
            "d_b2 = d_z.sum(axis=0)",
            "d_b2 = d_z.sum(axis=0, dtype=float)",
            "dtype float64",
        ),
        ("].mean()\n", "].mean(dtype=float)\n", "float64, the loss is float32"),
        ("(1 - h**2)", "(1 - h)", "gradient of"),
        ("b1=d_b1", "b1=d_b1 * np.float32(1.01)", "gradient of b1"),
    ],
)
def test_fault_22_float32_faults_are_found(old, new, named):
    with pytest.raises(VerificationError) as caught:
        float32_network(NETWORK.replace(old, new))
    assert named in str(caught.value)


def test_value_may_differ_by_the_rounding_that_the_loss_has():
    def loss(x):
        return np.sum(x - x.mean())

    zero = handmade(lambda x: np.float64(0.0), lambda x, c: 0 * x)
    check(zero, loss, {"x": ("n",)}, ("x",), single=True)
    off = handmade(lambda x: np.float64(1e-10), lambda x, c: 0 * x)
    with pytest.raises(VerificationError, match="the value of value is 1e-10"):
        check(off, loss, {"x": ("n",)}, ("x",), single=True)


def test_loss_that_is_finite_nowhere_asks_for_examples():
    def loss(x):
        return np.sum(np.log(-np.abs(x)))

    module = handmade(loss, lambda x, c: c / x)
    with pytest.raises(VerificationError, match="finite at none") as caught:
        check(module, loss, {"x": (3,)}, ("x",), single=True)
    assert "Pass example arrays as args" in str(caught.value)
    assert "verify=False" in str(caught.value)


def test_loss_that_raises_everywhere_is_the_cause():
    def loss(x):
        raise KeyError("no")

    with pytest.raises(VerificationError, match="raised at all") as caught:
        check(handmade(loss, loss), loss, {"x": ("n",)}, ("x",), single=True)
    assert isinstance(caught.value.__cause__, KeyError)


def test_loss_without_converging_differences_is_not_passed():
    def loss(x):
        return np.sum(np.sin(1e12 * x))

    module = handmade(loss, lambda x, c: c * 1e12 * np.cos(1e12 * x))
    with pytest.raises(VerificationError, match="no differences that converge"):
        check(module, loss, {"x": (3,)}, ("x",), single=True)


def test_sizes_at_which_the_loss_raises_are_skipped():
    def loss(x):
        return np.sum(x.reshape(-1, 4) ** 2)

    module = handmade(loss, lambda x, c: 2 * c * x)
    record = check(module, loss, {"x": ("n",)}, ("x",), single=True)
    assert record.sizes == ({"n": 4}, {"n": 12})


def test_nan_at_one_size_has_to_be_nan_in_the_module():
    def loss(x):
        return np.std(x, ddof=1)

    def gradient(x, c):
        return c * (x - x.mean()) / ((x.size - 1) * np.std(x, ddof=1))

    args = {"x": ("n",)}
    check(handmade(loss, gradient), loss, args, ("x",), single=True)
    masked = handmade(lambda x: np.nan_to_num(loss(x)), gradient)
    with pytest.raises(VerificationError, match="n=1.*\n.*0.0, the loss is nan"):
        check(masked, loss, args, ("x",), single=True)


def test_loss_may_write_into_its_arguments():
    def loss(x):
        x *= 2
        return np.sum(x)

    module = handmade(lambda x: 2 * np.sum(x), lambda x, c: 2 * c * np.ones_like(x))
    check(module, loss, {"x": ("n",)}, ("x",), single=True)
