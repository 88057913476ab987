"""Counts of work, against counts by hand."""

import numpy as np
import pytest
import sympy

import symdiff

n, d = sympy.symbols("n d", integer=True, nonnegative=True)


def facts(loss, args, wrt):
    return symdiff.compile(loss, args, wrt=wrt, verify=False).report


def counts(cost):
    return cost.multiply_adds, cost.elementwise, cost.transcendental


def dense(W, b, X, G):
    return np.sum(G * np.tanh(X @ W + b))


DENSE = {"W": (784, 256), "b": (256,), "X": ("n", 784), "G": ("n", 256)}


def test_a_dense_layer():
    report = facts(dense, DENSE, ("W", "b"))
    forward, backward = counts(report.forward), counts(report.backward)
    assert forward[0] == 784 * 256 * n  # X @ W; nothing else is a product of matrices
    assert forward[2] == 256 * n  # tanh
    # + b, * G and the sum.
    assert forward[1] == 3 * 256 * n
    # X.T @ d, and no product for the data's own gradient.
    assert backward[0] == 784 * 256 * n
    assert backward[2] == 0


def test_the_datas_own_gradient_is_counted_where_it_is_wanted():
    report = facts(dense, DENSE, ("W", "b", "X"))
    assert report.backward.multiply_adds == 2 * 784 * 256 * n


def test_kept_is_what_is_computed_and_read_again():
    report = facts(dense, DENSE, ("W", "b"))
    assert report.kept == 8 * 256 * n  # the tanh; W, X, G are arguments
    linear = facts(lambda w, X: np.sum(X @ w), {"w": ("d",), "X": ("n", "d")}, "w")
    assert linear.kept == 0


def test_differences_and_quotients_are_one_operation_each():
    report = facts(
        lambda x, y: np.sum((x - y) / (x + y)), {"x": (10,), "y": (10,)}, "x"
    )
    assert report.forward.elementwise == 10 + 10 + 10 + 10  # -, +, /, the sum
    assert report.forward.operations == 4


def test_traversals_are_operations_on_arrays():
    report = facts(lambda x: np.sum(np.exp(x)) / 2 + 1, {"x": ("n",)}, "x")
    assert report.forward.operations == 4  # exp, the sum, / 2, + 1
    assert report.forward.traversals == 2
    assert report.backward.traversals == 1  # the product with exp(x)


def test_unknown_sizes_are_polynomials():
    def attention(Q, K):
        return np.sum(np.exp(Q @ K.T))

    report = facts(attention, {"Q": ("n", "d"), "K": ("n", "d")}, ("Q", "K"))
    assert counts(report.forward) == (d * n**2, n**2, n**2)
    assert report.backward.multiply_adds == 2 * d * n**2


def test_sharing_is_counted():
    def loss(x):
        y = x
        for _ in range(10):
            y = np.sin(y) + np.cos(y)
        return y

    report = facts(loss, {"x": ()}, "x")
    assert report.forward.operations == 30
    assert report.unshared > 2**10
    before = report.forward_before.operations + report.backward_before.operations
    after = report.forward.operations + report.backward.operations
    assert after <= before


def test_the_report_is_read_by_people():
    compiled = symdiff.compile(dense, DENSE, wrt=("W", "b"))
    lines = str(compiled.report).splitlines()
    titles = ["Cost", "multiply-adds", "elementwise", "transcendental"]
    assert lines[0].split() == [*titles, "traversals"]
    assert lines[1].split()[:3] == ["forward", "200704", "n"]
    assert lines[7].startswith(
        "    bytes kept between the passes: 2048 n; at the peak:"
    )
    table = compiled.report.table()
    assert table[0].split() == titles
    assert all(line in compiled.source for line in table)


def test_the_swell_is_shown_pass_by_pass():
    def loss(x, y):
        a, b = np.sin(x + y), np.cos(y + x)
        return np.mean(a * b) + np.sum(1 * x)

    args = {"x": ("n",), "y": ("n",)}
    report = facts(loss, args, ("x", "y"))
    before, first = report.forward_before, report.forward_unsimplified
    assert before.elementwise - report.forward.elementwise == n  # y + x
    assert first.elementwise - before.elementwise == n  # 1 * x
    plain = symdiff.compile(
        loss, args, wrt=("x", "y"), simplify=False, share=False, verify=False
    ).report
    assert plain.forward == first
    assert plain.backward == report.backward_unsimplified
    lines = report.swell()
    assert [line[:30].strip().split("  ")[0] for line in lines[1:]] == [
        *("forward", "before sharing", "before simplification"),
        *("backward", "before sharing", "before simplification"),
    ]


# How much less work a backward pass is than others.


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_a_dense_networks_backward_pass_is_at_most_two_forward_passes(depth):
    def network(params, X, y):
        h = X
        for layer in params:
            h = np.tanh(h @ layer["W"] + layer["b"])
        return np.mean((h[:, 0] - y) ** 2)

    layers = [{"W": (32, 32), "b": (32,)} for _ in range(depth)]
    report = facts(network, {"params": layers, "X": ("n", 32), "y": "n"}, "params")
    ratio = report.backward.multiply_adds / report.forward.multiply_adds
    assert sympy.simplify(ratio) == sympy.Rational(2 * depth - 1, depth)


def test_the_backward_pass_of_softmax_cross_entropy_is_two_elementwise_passes():
    def loss(z, labels):
        z = z - z.max(axis=1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        return -np.mean(log_p[np.arange(len(labels)), labels])

    report = facts(loss, {"z": ("n", "d"), "labels": "n:int64"}, "z")
    # cotangent / n; that over the sums; times exp(z); less that at the labels.
    assert report.backward.elementwise == 1 + n + n * d + n
    assert report.backward.transcendental == 0


ACTIVATIONS = {
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "ReLU": lambda x: np.maximum(x, 0),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_backward_pass_of_a_layer_has_no_transcendental_call(name):
    def layer(W, b, X, G):
        return np.sum(G * ACTIVATIONS[name](X @ W + b))

    report = facts(layer, DENSE, ("W", "b"))
    assert report.forward.transcendental == (0 if name == "ReLU" else 256 * n)
    assert report.backward.transcendental == 0


@pytest.mark.parametrize("order", [1, 2, 3])
def test_powers_of_sizes_are_written_with_a_hat(order):
    report = facts(lambda A: np.sum(np.exp(A)), {"A": ("n",) * order}, "A")
    text = report.table()[1].split("  ")[-1].strip()
    assert text == ("n" if order == 1 else f"n^{order}")
