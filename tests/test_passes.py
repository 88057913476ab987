"""The passes on small graphs: what they find, what they leave, that they are even."""

import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
import sympy
from cases import case, over, quiet
from second_order import check_second_order

import symdiff
from symdiff.ops.contraction import Contraction
from symdiff.ops.layout import Broadcast
from symdiff.passes import collect, order, reverse, share, simplify
from symdiff.specs import read_signature
from symdiff.trace.run import trace

ARGS = {"x": ("n", 3), "y": ("n", 3)}


def traced(loss, args):
    return trace(loss, read_signature(loss, args, None, "float64"), "float64")


def counted(graph):
    """How many nodes of each class the outputs need, numbers and inputs left out."""
    nodes = graph.walk()
    return Counter(type(one) for one in nodes if graph.nodes[one].operands)


# share


def test_share_finds_commuted_operands():
    graph = traced(lambda x, y: np.sum((x + y) * (y * x) + (y + x) * (x * y)), ARGS)
    before, after = counted(graph), counted(share(graph))
    assert before[sympy.Add] + before[sympy.Mul] == 7
    assert after[sympy.Add] + after[sympy.Mul] == 4


def test_share_finds_partial_sums():
    args = {**ARGS, "z": ("n", 3)}
    graph = traced(lambda x, y, z: np.sum(np.sin(x + y) + np.cos(x + z + y)), args)
    assert counted(graph)[sympy.Add] == 4
    assert counted(share(graph))[sympy.Add] == 3


def test_share_finds_partial_products():
    args = {**ARGS, "z": ("n", 3)}
    graph = traced(lambda x, y, z: np.sum(np.sin(x * y) + np.cos(x * z * y)), args)
    assert counted(share(graph))[sympy.Mul] == 2


def test_share_finds_transposed_products():
    args = {"x": ("n", 3), "y": (3, "m")}
    graph = traced(lambda x, y: np.sum((x @ y) ** 2) + np.sum((y.T @ x.T) ** 3), args)
    products = [
        one
        for one in share(graph).walk()
        if isinstance(one, Contraction) and len(one.args) == 2
    ]
    assert len(products) == 1


def test_share_finds_powers_within_powers():
    def loss(x):
        return np.sum(np.sin(x**2) + x**3 + x**4 + x**8 + x**7)

    compiled = symdiff.compile(loss, {"x": (5,)}, verify=False)
    powers = [
        int(one.args[1])
        for one in share(traced(loss, {"x": (5,)})).walk()
        if isinstance(one, sympy.Pow)
    ]
    assert sorted(powers) == [2, 2, 2, 7]  # x**2, its square, and that one's
    x = np.linspace(-1.5, 1.5, 5)
    slope = 2 * x * np.cos(x**2) + 3 * x**2 + 4 * x**3 + 8 * x**7 + 7 * x**6
    np.testing.assert_allclose(compiled.grad(x), slope, 1e-12)


def test_share_makes_no_power_only_to_share_it():
    graph = traced(lambda x: np.sum(np.sin(x**4) + x**3), {"x": (5,)})
    powers = [int(one.args[1]) for one in share(graph).walk() if type(one) is sympy.Pow]
    assert sorted(powers) == [3, 4]


def test_share_leaves_what_is_computed_once():
    graph = traced(lambda x, y: np.sum(x * y * 2 + y), ARGS)
    assert str(share(graph)).count("\n") == str(graph).count("\n")


def test_what_a_pass_leaves_alone_stays_the_same_object():
    graph = traced(lambda x, y: np.sum((x + y) * np.sin(x) + (y + x)), ARGS)
    shared = share(graph)
    assert len(shared.walk()) == len(graph.walk()) - 1
    before, after = (set(map(id, one.walk())) for one in (graph, shared))
    sines = [one for one in graph.walk() if isinstance(one, sympy.sin)]
    assert set(map(id, sines)) <= before & after
    assert len(after - before) == 2  # the sum, and what it is summed in


# order


def test_order_makes_products_of_two():
    args = {"a": ("n", 50), "b": (50, 60), "c": (60,), "d": ("n",)}
    graph = traced(lambda a, b, c, d: np.einsum("ij,jk,k,i->", a, b, c, d), args)
    ordered = order(graph)
    products = [one for one in ordered.walk() if isinstance(one, Contraction)]
    assert all(len(one.args) <= 2 for one in products)
    # b @ c and a @ that, never a matrix of n times 60.
    sizes = [len(ordered.nodes.shape(one)) for one in products]
    assert max(sizes) == 1


# simplify and collect


@pytest.mark.parametrize(
    ("loss", "unwanted"),
    [
        (lambda x, y: np.sum(x) * 2, Contraction),
        (lambda x, y: np.sum(2 * (x - y) ** 2), Broadcast),
        (lambda x, y: np.mean((x * y) ** 2), Broadcast),
        (lambda x, y: np.sum(np.mean(x, axis=0) * 3 * y), Broadcast),
    ],
)
def test_nothing_is_repeated_only_to_meet_an_array(loss, unwanted):
    graph = collect(simplify(reverse(traced(loss, ARGS), ("x",))))
    backward = [one for one in graph.walk(["d_x"]) if graph.nodes[one].backward]
    inner = [one for one in backward if one is not graph.outputs["d_x"]]
    assert not [one for one in inner if isinstance(one, unwanted)]


def test_collect_puts_one_number_in_front():
    compiled = symdiff.compile(
        lambda x: np.sum(0.5 * (3 * x) ** 2) / 4, {"x": ("n",)}, verify=False
    )
    line = next(one for one in compiled.source.splitlines() if " d_x = " in one)
    assert "d_x = 3 * cotangent / 4 * " in line


def test_collect_reduces_fractions_of_whole_numbers():
    def loss(x):
        return np.mean((3 * x) ** 2) / 4 + np.sum(x * 2) / 2

    source = symdiff.compile(loss, {"x": ("n",)}, verify=False).source
    # 2 / 2, and 3 * 2 / 4.
    assert "d_x = cotangent + 3 * cotangent / 2 / n * scaled_x" in source


def test_collect_reads_the_sign_where_the_product_is_read():
    source = symdiff.compile(
        lambda x, y: -np.mean(x * y) - np.mean(y), ARGS, wrt=("x", "y"), verify=False
    ).source
    assert "d_y = -cotangent_over_3_n - cotangent_over_3_n * x" in source


def test_fault_26_a_size_of_zero_divides_as_in_numpy():
    compiled = symdiff.compile(
        lambda x: np.sum(np.sin(x[:-1].mean(axis=0) / 4)), {"x": ("n", 3)}, verify=False
    )
    with quiet():
        np.testing.assert_array_equal(compiled.grad(np.ones((1, 3))), np.zeros((1, 3)))


def test_the_users_forward_pass_is_kept():
    source = symdiff.compile(
        lambda x: np.sum(2 * np.sin(3 * x * 4) / 6), {"x": ("n",)}, verify=False
    ).source
    assert "np.sin(product) / 6).sum()" in source
    assert "product = 3 * x * 4" in source


# reverse


def test_reverse_computes_nothing_for_other_inputs():
    graph = reverse(traced(lambda x, y: np.sum(np.exp(x) * np.sin(y)), ARGS), ("x",))
    assert set(graph.outputs) == {"value", "d_x"}
    assert sympy.cos not in counted(graph)


def test_reverse_gives_zeros_for_what_the_value_does_not_need():
    compiled = symdiff.compile(
        lambda x, y: np.sum(x), ARGS, wrt=("x", "y"), verify=False
    )
    got = compiled.grad(np.ones((2, 3)), np.ones((2, 3)))
    np.testing.assert_array_equal(got.y, np.zeros((2, 3)))


def test_fault_12_many_paths_are_few_nodes():
    def loss(x):
        for _ in range(60):
            x = x + x
        return np.sum(x)

    compiled = symdiff.compile(loss, {"x": (2,)}, verify=False)
    np.testing.assert_array_equal(compiled.grad(np.ones(2)), [2.0**60] * 2)


def test_fault_11_deep_losses_need_no_deep_stack():
    def loss(x):
        for _ in range(2000):
            x = np.sin(x)
        return np.sum(x)

    graph = traced(loss, {"x": (2,)})
    passed = share(order(collect(simplify(reverse(graph, ("x",))))))
    assert len(passed.walk()) > 4000


# The reverse of the reverse.

SECOND = [
    case(text, "positive", x=(2, 3), y=(2, 3))
    for text in (
        "x * y + x / y",
        "x**3 - 2 * x * y**2",
        "x**y",
        "np.sqrt(x) * np.exp(-y)",
        "np.tanh(x) * np.log(y)",
        "np.hypot(x, y)",
        "np.arctan2(x, y)",
        "np.logaddexp(x, y)",
        "expit(x) * erf(y)",
        "xlogy(x, y)",
        "np.where(x > 0.9, x**2 * y, x * y**2)",
        "np.maximum(x, y) ** 2",
        "np.abs(x - y) * x",
        "x @ y.T",
        "np.einsum('ij,ij->i', x, y) ** 2",
        "np.einsum('ii->i', x @ y.T) ** 2",
        "np.sum(x, axis=0) ** 2 * np.mean(y)",
        "np.var(x, axis=1) * y[:, 0]",
        "np.std(x * y, axis=0)",
        "np.max(x * y, axis=1) ** 2",
        "np.prod(x * y, axis=1)",
        "logsumexp(x * y, axis=1)",
        "softmax(x, axis=1) * y",
        "x.reshape(3, 2) @ y",
        "np.broadcast_to(x[0] * y[1], (2, 3)) ** 2",
        "np.concatenate([x, y * x], axis=1) ** 2",
        "np.stack([x, y]).swapaxes(0, 2) ** 3",
        "x[:, ::-1] * y[:, :1] ** 2",
        "x[[0, 1, 0], [0, 2, 0]] ** 2 * y[0]",
        "x[1:] * x[:1] * y[:, 1:2] ** 2",
    )
]


@over(SECOND)
def test_the_reverse_of_the_reverse(case):
    check_second_order(case)


# Evenness.

PROGRAM = """
import numpy as np, symdiff
from scipy.special import logsumexp

def loss(params, X, y):
    h = X
    for layer in params[:-1]:
        h = np.maximum(h @ layer["W"] + layer["b"], 0)
    z = h @ params[-1]["W"] + params[-1]["b"]
    log_p = z - logsumexp(z, axis=1, keepdims=True)
    penalty = sum(np.sum(layer["W"] ** 2) for layer in params)
    parts = np.stack([X[:, 0] * X[:, 1], np.einsum("ij,ij->i", X, X)])
    shares = parts / (1 + np.sum(parts, axis=0))
    return -np.mean(log_p[np.arange(len(y)), y]) + penalty + np.mean(shares) * penalty

layer = lambda a, b: {"W": (a, b), "b": (b,)}
args = {"params": [layer(4, 5), layer(5, 3)], "X": ("n", 4), "y": "n:int64"}
compiled = symdiff.compile(loss, args, wrt=("params", "X"), verify=False)
print(compiled.source)
print(compiled.graph)
"""


def test_the_text_is_the_same_for_every_hash_seed(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    texts = {
        subprocess.run(
            [sys.executable, str(path)],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in (0, 1, 2)
    }
    assert len(texts) == 1
    assert b"def backward" in texts.pop()
