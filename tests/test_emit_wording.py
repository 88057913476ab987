"""What values without a variable are called, and how statements are worded.

Each loss is one line or a few; the lines beside it are those that its module must have.
"""

import re
from pathlib import Path

import numpy as np
import pytest
from cases import passes_of
from scipy.special import logsumexp
from test_emit_names import function

import symdiff

HELPERS = """
def softmax(z):
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


def normalise(x):
    return (x - 1) / np.sqrt(np.sum(x))


def double(x):
    return np.sum(np.sin(x) * x) * x[:, None]


"""

# The body of a loss of x, y (n,), X (n, 4), W (4, 3) and Y (n, 3), and lines it leads to.
NAMES = {
    "return np.sum(np.tanh(X @ W) ** 2 * np.tanh(X @ W))": [
        "tanh_X_W = np.tanh(X @ W)"
    ],
    "h = np.sin(X @ W + y[:, None])\n    return np.sum(h)": [
        "pre_h = X @ W + y[:, None]",
        "d_pre_h = cotangent * np.cos(pre_h)",
    ],
    "return np.mean((X @ W - Y) ** 2)": [
        "error = X @ W - Y",
        "d_error = 2 * cotangent / (3 * n) * error",
    ],
    "return np.sum((softmax(X @ W) @ W.T) ** 2)": [
        "p = e / e.sum(axis=1, keepdims=True)"
    ],
    "return np.sum((normalise(x) @ X) ** 3)": ["normalise = (x - 1) / root_sum_x"],
    "q, k = np.split(X @ W @ W.T, 2, axis=1)\n    return np.sum(q * k)": [
        "d_q_k = np.concatenate([cotangent * k, cotangent * q], axis=1)"
    ],
    "c = x - np.mean(x)\n    return np.sum((c / np.sqrt(np.mean(c**2) + 1e-5)) ** 3)": [
        "std = np.sqrt((c**2).mean() + 1e-05)"
    ],
    "return np.sum(np.sin(X / np.linalg.norm(X, axis=1, keepdims=True)))": [
        "norm_X = np.sqrt((X * X).sum(axis=1, keepdims=True))"
    ],
    "h = np.zeros(3)\n    h[0] = np.tanh(x[0])\n    h[1] = np.sin(h[0])\n"
    "    return np.sum(h**2)": ["h_0 = np.tanh(x[0])", "h[0] = h_0"],
    "return np.sum((x - y) ** 3 + np.sin(x - y + 1) * (x[0] - y))": [
        "x_minus_y = x - y"
    ],
    "return np.sum(np.exp(-x) ** 2 + np.exp(-x) * y)": ["exp_minus_x = np.exp(-x)"],
    "return np.sum(np.tanh(0.5 * (x + x**3)) ** 2)": [
        "tanh_x = np.tanh(0.5 * (x + x**3))"
    ],
    "return np.sum(np.tanh(X[1:]) ** 2)": ["tanh_X_from_1 = np.tanh(X[1:])"],
    "p = 1 / (1 + np.exp(-(X @ W + 1)))\n    return np.sum(p**3)": [
        "pre_p = X @ W + 1",
        "decay_pre_p = np.exp(-np.abs(pre_p))",
    ],
    "s = np.exp(x)\n    return np.sum(np.exp(-(y**2) / (2 * s**2)))": [
        "exponent = -(y**2) / ",
        "exp_exponent = np.exp(exponent)",
    ],
    "r = np.sqrt(np.mean(X**2, axis=1, keepdims=True))\n"
    "    return np.sum(np.sin(X / np.sqrt(np.mean(X**2, axis=1, keepdims=True) + 1)))": [
        "rms_X = np.sqrt((X**2).mean(axis=1, keepdims=True) + 1)"
    ],
    "weight_of_a_class = -y\n"
    "    return np.mean(weight_of_a_class * (1 - x) ** 2 * np.log(x))": [
        "value_factor = weight_of_a_class * one_minus_x**2"
    ],
    "p = np.exp(X) / np.exp(X).sum(axis=1, keepdims=True)\n"
    "    return np.sum(y[:, None] * np.log(p) * X)": [
        "sum_d_log_p = d_log_p.sum(axis=1, keepdims=True)"
    ],
}


def passes(body: str) -> str:
    """Return the passes of a loss with the helpers of this module."""
    text = f"{HELPERS}def loss(x, y, X, W, Y):\n    {body}\n"
    args = {"x": ("n",), "y": ("n",), "X": ("n", 4), "W": (4, 3), "Y": ("n", 3)}
    compiled = symdiff.compile(function(text), args, wrt=("x", "X", "W"))
    return passes_of(compiled.source)


@pytest.mark.parametrize("body", NAMES)
def test_names_say_what_values_are(body):
    source = passes(body)
    for line in NAMES[body]:
        assert f"    {line}" in source, source


# What leads to a statement, and how nobody would write it.
WORDINGS = {
    "x = x.copy()\n    x[0] += y[1]\n    return np.sum(x**3)": (
        "x[0] += y[1]",
        "x[0] = x[0] + y[1]",
    ),
    "h = np.where(x > 0, x, 0.1 * x)\n    return np.sum(h**2)": (
        "np.where(x_above_0, d_h, 0.1 * d_h)",
        "+ np.where",
    ),
    "return np.sum((Y[:, :1] @ np.ones((1, 2)))[:, 0] * x) + np.sum(X[:, :1][:, 0] ** 2)": (
        "d_X = ",
        "d_X_part = np.zeros",
    ),
    "r = x[:, None] - X @ W\n    return np.sum(r**4) + np.sum(W**2)": (
        " - X.T @ ",
        "+ -",
    ),
    "return np.mean(X**2) / 2": ("cotangent / (4 * n)", "2 * cotangent / (8 * n)"),
    "return np.sum((1 - x) ** 2 * np.log(x))": (" - 2 * ", "-2"),
    "return -0.5 * np.sum(1 + x - y**2 - np.exp(x))": (
        "0.5 * cotangent * (exp_x - 1)",
        "-0.5 * cotangent",
    ),
    "return -0.25 * np.sum(x**2)": ("-0.5 * cotangent * x", "2 * "),
    "K = (X @ W).T\n    return np.sum((K @ Y) ** 2)": ("K = (X @ W).T", "X_W"),
    "q = (X @ W @ W.T).reshape(len(x), 2, 2).swapaxes(0, 1)\n"
    "    return np.sum((q @ q.swapaxes(1, 2)) ** 2)": (
        "q_q = q @ q.swapaxes(1, 2)",
        ".transpose(",
    ),
    "return np.sum(np.sin((X @ X.T).reshape(2, -1)) ** 2 * Y[0, 0])": (
        "X_X_reshaped = (X @ X.T).reshape(",
        "= np.sin((",
    ),
}


@pytest.mark.parametrize("body", WORDINGS)
def test_statements_are_worded_as_people_word_them(body):
    wanted, never = WORDINGS[body]
    source = passes(body)
    assert wanted in source, source
    assert never not in source, source


def test_a_variable_of_the_users_has_its_name_and_not_an_arrays_in_an_argument():
    def loss(encoder, x):
        mean = x @ encoder["mean"]
        return np.sum(mean**3)

    source = symdiff.compile(loss, {"encoder": {"mean": (3, 2)}, "x": ("n", 3)}).source
    assert "mean = x @ encoder_mean" in source
    assert '{"mean": d_encoder_mean}' in source


def test_arrays_of_one_name_in_several_arguments_are_told_apart_alike():
    def loss(encoder, decoder, x):
        return np.sum(np.tanh(x @ encoder["W"]) @ decoder["W"])

    args = {"encoder": {"W": (3, 2)}, "decoder": {"W": (2, 3)}, "x": ("n", 3)}
    source = symdiff.compile(loss, args).source
    assert "np.tanh(x @ encoder_W)" in source
    assert "decoder_W" in source


def test_what_is_put_into_a_sum_is_computed_once():
    def loss(z, y):
        log_p = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
        picked = log_p[np.arange(len(y)), y]
        return np.sum(picked**3) + np.sum(log_p**2)

    source = symdiff.compile(loss, {"z": ("n", 4), "y": "n:int64"}, wrt="z").source
    backward = passes_of(source).partition("def backward")[2]
    assert backward.count("[rows, y]") == 1, backward


def test_new_axes_that_come_by_themselves_are_not_written():
    def loss(x, T):
        return np.sum(logsumexp(x[:, None] + T, axis=0) ** 3)

    source = passes_of(symdiff.compile(loss, {"x": ("k",), "T": ("k", "k")}).source)
    assert "shift = np.where(np.isfinite(max_x_plus_T), max_x_plus_T, 0)" in source
    assert "[None]" not in source


def test_numbers_lead_the_products_that_are_shared():
    def loss(x, y, z, w):
        return np.sum(np.sin(x * z * y * 2.5) + np.cos(x * y * w))

    args = dict.fromkeys("xyzw", "n")
    text = passes_of(symdiff.compile(loss, args, wrt="z", verify=False).source)
    assert "= 2.5 * (x_times_y * z)" in text


def test_lines_of_the_users_are_undone_once_where_they_can_be():
    golden = Path(__file__).parent / "golden" / "skip_gram_gradient.py"
    backward = passes_of(golden.read_text(encoding="utf-8")).partition("backward")[2]
    headings = re.findall("# gradient of: .*", backward)
    assert len(headings) == len(set(headings)) > 3


def test_a_loss_has_the_same_names_whenever_it_is_compiled():
    assert len({passes("return np.mean((X @ W - Y) ** 2)") for _ in range(3)}) == 1
