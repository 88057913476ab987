"""`symdiff.prove`: gradients and functions that are proved equal, or refuted, or neither.

What is the same and what is not is known beforehand, by construction: `tests/pairs`.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from collections import namedtuple

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from pairs.functions import APART, SAME
from pairs.gradients import (
    CASES,
    DELTA,
    REGRESSION,
    delta_gradient,
    delta_rule,
    linear,
    logistic_by_logarithms,
    logistic_gradient,
    ridge,
)
from pairs.published import ACKLEY
from pairs.published import RIGHT as PUBLISHED

import symdiff
from symdiff.cli import main

RIGHT = [(case, gradient) for case in CASES for gradient in case.right]
WRONG = [(case, *wrong) for case in CASES for wrong in case.wrong]


def named(pairs):
    return [f"{place}-{pair[0].name}" for place, pair in enumerate(pairs)]


# Gradients.


def test_there_are_enough_pairs():
    assert len(RIGHT) >= 40
    assert len(WRONG) >= 40


@pytest.mark.parametrize(("case", "gradient"), RIGHT, ids=named(RIGHT))
def test_right_gradients_are_proved_for_every_size(case, gradient):
    proof = symdiff.prove(case.loss, gradient, case.args, wrt=case.wrt)
    assert proof.verdict == "equal", proof
    assert proof.error < 1e-9
    words = {word for spec in case.args.values() for word in sizes_of(spec)}
    assert set(proof.sizes) == words


def sizes_of(spec):
    words = spec.partition(":")[0].split(",") if isinstance(spec, str) else spec
    return [one for one in words if isinstance(one, str)]


@pytest.mark.parametrize(("case", "gradient", "said"), WRONG, ids=named(WRONG))
def test_wrong_gradients_are_refuted_by_a_counterexample(case, gradient, said):
    proof = symdiff.prove(case.loss, gradient, case.args, wrt=case.wrt)
    assert proof.verdict == "different", proof
    assert said in proof.explanation
    found = proof.counterexample
    if found.shapes is None:
        assert found.gap > 1e-9
        expected, claimed = at_counterexample(case, gradient, found)
        assert claimed == pytest.approx(found.given, rel=1e-9)
        assert expected == pytest.approx(found.expected, rel=1e-5)


def at_counterexample(case, gradient, found):
    """Return a central difference of the loss, and what the gradient says, at the entry."""
    arguments = {name: np.array(value) for name, value in found.arguments.items()}
    wrt = (case.wrt,) if isinstance(case.wrt, str) else case.wrt
    result = gradient(*arguments.values())
    parts = [result] if len(wrt) == 1 else result
    name = found.name.removeprefix("d_")
    parts = parts if isinstance(parts, dict) else dict(zip(wrt, parts, strict=True))
    values = []
    for step in (1e-6, -1e-6):
        moved = {**arguments, name: arguments[name].copy()}
        moved[name][found.entry] += step
        values.append(case.loss(**moved))
    difference = (values[0] - values[1]) / 2e-6
    return difference, parts[name][found.entry]


def network(W, b, V, X, Y):
    h = np.tanh(X @ W + b)
    return np.mean((h @ V - Y) ** 2) + np.sum(b**2)


def backward(W, b, V, X, Y):
    h = np.tanh(X @ W + b)
    d = 2 * (h @ V - Y) / Y.size
    d_a = d @ V.T * (1 - h**2)
    return X.T @ d_a, d_a.sum(axis=0) + 2 * b, h.T @ d


NETWORK = {"W": "d,d", "b": "d", "V": "d,d", "X": "n,d", "Y": "n,d"}


@pytest.mark.parametrize(
    ("line", "mistake", "said"),
    [
        ("d @ V.T", "d @ V", "V in d @ V (mistaken.py:4) were transposed"),
        ("1 - h**2", "1 - h", "h in 1 - h (mistaken.py:4) were squared"),
        ("1 - h**2", "1 + h**2", "h**2 (mistaken.py:4) were of the other sign"),
        ("V - Y", "V + Y", "Y in h @ V + Y (mistaken.py:3) were of the other sign"),
        ("2 * (h", "1 / 3 * (h", "were 6 times as large"),
        ("/ Y.size", "/ len(Y)", "were 1/d times as large"),
        ("+ 2 * b", "+ 2 * b + h.sum(0)", "h.sum(0) (mistaken.py:5) were left out"),
        (
            " * (1 - h**2)",
            "",
            "as if the derivative of y = np.tanh(X @ W + b) (test_prove.py:",
        ),
        (" + 2 * b", "", "it is the gradient plus -2 times b"),
    ],
)
def test_the_one_thing_that_is_wrong_is_named_and_where(
    tmp_path, line, mistake, said, monkeypatch
):
    text = inspect.getsource(backward)
    assert text.count(line) == 1
    (tmp_path / "mistaken.py").write_text(text.replace(line, mistake))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mistaken", raising=False)
    mistaken = importlib.import_module("mistaken")
    monkeypatch.delitem(sys.modules, "mistaken")
    monkeypatch.setattr(mistaken, "np", np, raising=False)
    proof = symdiff.prove(network, mistaken.backward, NETWORK, wrt=("W", "b", "V"))
    assert proof.verdict == "different"
    assert said in proof.explanation


def test_a_factor_that_is_missing_is_named():
    def loss(w, X, y):
        return np.mean(np.exp(X @ w) * (1 + y**2))

    def without_factor(w, X, y):
        rate = np.exp(X @ w)
        weight = 1 + y**2
        return (rate + weight - weight) @ X / len(y)

    proof = symdiff.prove(loss, without_factor, REGRESSION)
    assert proof.verdict == "different"
    assert "were multiplied by weight" in proof.explanation


def test_no_one_thing_is_blamed_where_two_are_wrong():
    def twice_wrong(w, X, y):
        return X.T @ np.tanh(X @ w + y) / len(X)

    proof = symdiff.prove(linear, twice_wrong, REGRESSION)
    assert proof.verdict == "different"
    assert ";" not in proof.explanation


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_derivatives_are_proved(name):
    loss, gradient, args = PUBLISHED[name]
    assert symdiff.prove(loss, gradient, args).verdict == "equal"


def test_a_published_derivative_that_is_wrong_is_refuted():
    loss, gradient, args = ACKLEY
    proof = symdiff.prove(loss, gradient, args)
    assert proof.verdict == "different"
    x, (i,) = np.array(proof.counterexample.arguments["x"]), proof.counterexample.entry
    step = 1e-6 * np.eye(2)[i]
    slope = (loss(x + step) - loss(x - step)) / 2e-6
    assert proof.counterexample.expected == pytest.approx(slope, rel=1e-6)
    assert proof.counterexample.given == pytest.approx(gradient(x)[i])
    assert abs(gradient(x)[i] - slope) > 0.01 * abs(slope)


# Functions.


@pytest.mark.parametrize("name", SAME)
def test_functions_that_are_the_same_are_proved_so(name):
    args, f, g = SAME[name]
    proof = symdiff.prove(f, g, args, same=True)
    assert proof.verdict == "equal", proof


@pytest.mark.parametrize("name", APART)
def test_functions_that_nearly_are_the_same_are_refuted(name):
    args, f, g = APART[name]
    assert symdiff.prove(f, g, args, same=True).verdict == "different"


def test_what_extends_beyond_made_up_arguments_is_no_proof():
    def beyond(x):
        return np.where(np.sum(x) > 12345678.9, 1.0, 0.0)

    def never(x):
        return 0 * np.sum(x)

    proof = symdiff.prove(beyond, never, {"x": ("n",)}, same=True)
    assert proof.verdict != "equal"


# Gradients with a mistake at random.


def mutants():
    """Gradients of ridge regression, of which but one set of choices is right."""
    return st.fixed_dictionaries(
        {
            "factor": st.sampled_from([1, 2, -1, 0.5, 1.0000001]),
            "count": st.sampled_from(["n", "d", "1", "n*d", "n - 1"]),
            "error": st.sampled_from(
                ["X @ w - y", "X @ w + y", "X @ w", "abs(X @ w - y)"]
            ),
            "weight": st.sampled_from([0.2, 0.1, 0.0, 0.2000001]),
            "decay": st.sampled_from(["w", "w**2", "abs(w)", "np.sign(w) * abs(w)"]),
        }
    )


@settings(max_examples=12, deadline=None, derandomize=True)
@given(mutants())
def test_no_mutant_that_differs_is_proved(mutant):
    text = "lambda w, X, y: {factor} / ({count}) * X.T @ ({error}) + {weight} * {decay}"
    scope = {"np": np}
    sizes = "(lambda n, d: {})(*X.shape)"
    body = text.format(**{**mutant, "count": sizes.format(mutant["count"])})
    gradient = eval(body, scope)
    proof = symdiff.prove(ridge, gradient, REGRESSION)
    is_right = (
        (mutant["factor"], mutant["count"]) == (1, "n")
        and (mutant["error"], mutant["weight"]) == ("X @ w - y", 0.2)
        and mutant["decay"] in ("w", "np.sign(w) * abs(w)")
    )
    assert (proof.verdict == "equal") == is_right, (body, proof)
    assert proof.verdict != "undecided"


# What is given, what comes back.


Gradient = namedtuple("Gradient", ["w", "x"])


@pytest.mark.parametrize(
    "together",
    [
        lambda dw, dx: (dw, dx),
        lambda dw, dx: [dw, dx],
        lambda dw, dx: {"x": dx, "w": dw},
        lambda dw, dx: Gradient(dw, dx),
    ],
)
def test_gradients_of_several_arguments_come_in_any_form(together):
    def gradient(w, x, t):
        return together(delta_gradient(w, x, t), delta_gradient(x, w, t))

    proof = symdiff.prove(delta_rule, gradient, DELTA, wrt=("w", "x"))
    assert proof.verdict == "equal"


def test_nested_arguments_have_nested_gradients():
    def loss(params, x):
        return np.sum((x @ params["W"] + params["b"]) ** 2)

    def gradient(params, x):
        d = 2 * (x @ params["W"] + params["b"])
        return {"b": d, "W": np.outer(x, d)}

    args = {"params": {"W": ("d", "k"), "b": ("k",)}, "x": ("d",)}
    assert symdiff.prove(loss, gradient, args).verdict == "equal"


def test_static_arguments_and_defaults_are_both_functions():
    def gradient(w, X, y, lam=0.1):
        return X.T @ (X @ w - y) / len(y) + 2 * lam * w

    proof = symdiff.prove(ridge, gradient, REGRESSION, static={"lam": 0.7})
    assert proof.verdict == "equal"


def test_known_sizes_are_proved_at_these():
    args = {"w": (3,), "X": (4, 3), "y": (4,)}
    by_rows = symdiff.prove(
        linear,
        lambda w, X, y: sum(X[i] * (X[i] @ w - y[i]) for i in range(4)) / 2,
        args,
    )
    assert by_rows.verdict == "equal"
    large = {"w": (20,), "X": (300, 20), "y": (300,)}
    assert (
        symdiff.prove(logistic_by_logarithms, logistic_gradient, large).verdict
        == "equal"
    )
    wrong = symdiff.prove(linear, lambda w, X, y: 2 * X.T @ (X @ w - y) / 301, large)
    assert wrong.verdict == "different"


inv, solve, det = np.linalg.inv, np.linalg.solve, np.linalg.det
MATRICES = {"A": (3, 3), "B": (3, 3), "b": (3,)}

# Functions of matrices that are the same, or are not.
ALIKE = {
    "inverse of a product": (
        lambda A, B, b: inv(A @ B),
        lambda A, B, b: inv(B) @ inv(A),
    ),
    "solution": (lambda A, B, b: solve(A, b), lambda A, B, b: inv(A) @ b),
    "solutions": (lambda A, B, b: solve(A, B).T, lambda A, B, b: B.T @ inv(A.T)),
    "determinant of a product": (
        lambda A, B, b: det(A @ B),
        lambda A, B, b: det(B) * det(A.T),
    ),
    "determinant of an inverse": (
        lambda A, B, b: det(inv(A)),
        lambda A, B, b: 1 / det(A),
    ),
    "Woodbury's identity": (
        lambda A, B, b: inv(A + np.outer(b, b)),
        lambda A, B, b: (
            inv(A) - np.outer(inv(A) @ b, b @ inv(A)) / (1 + b @ inv(A) @ b)
        ),
    ),
    "running sums": (
        lambda A, B, b: np.cumsum(A, axis=0),
        lambda A, B, b: np.tri(3) @ A,
    ),
    "running product": (
        lambda A, B, b: np.cumprod(b)[::-1],
        lambda A, B, b: np.stack([b[0] * b[1] * b[2], b[0] * b[1], b[0]]),
    ),
}
UNLIKE = {
    "inverse of a product": (
        lambda A, B, b: inv(A @ B),
        lambda A, B, b: inv(A) @ inv(B),
    ),
    "inverse of a sum": (lambda A, B, b: inv(A + B), lambda A, B, b: inv(A) + inv(B)),
    "solution": (lambda A, B, b: solve(A, b), lambda A, B, b: inv(A).T @ b),
    "determinant": (lambda A, B, b: det(A + B), lambda A, B, b: det(A) + det(B)),
    "running sums": (
        lambda A, B, b: np.cumsum(A, axis=0),
        lambda A, B, b: np.cumsum(A, axis=1),
    ),
}


@pytest.mark.parametrize("name", ALIKE)
def test_identities_of_matrices_are_proved_at_known_sizes(name):
    proof = symdiff.prove(*ALIKE[name], MATRICES, same=True)
    assert proof.verdict == "equal", proof
    assert proof.error < 1e-9


@pytest.mark.parametrize("name", UNLIKE)
def test_what_is_no_identity_of_matrices_is_refuted(name):
    assert symdiff.prove(*UNLIKE[name], MATRICES, same=True).verdict == "different"


def test_the_gradient_of_a_log_determinant_is_an_inverse():
    def loss(A):
        return np.linalg.slogdet(A)[1]

    args = {"A": (3, 3)}
    assert symdiff.prove(loss, lambda A: inv(A).T, args).verdict == "equal"
    assert symdiff.prove(loss, lambda A: inv(A), args).verdict == "different"


def total_variation(x):
    return np.sum((x[1:] - x[:-1]) ** 2)


def total_variation_gradient(x):
    d = np.zeros_like(x)
    d[1:] += 2 * (x[1:] - x[:-1])
    d[:-1] -= 2 * (x[1:] - x[:-1])
    return d


def test_what_is_proved_at_some_sizes_alone_is_undecided_and_says_at_which():
    proof = symdiff.prove(total_variation, total_variation_gradient, {"x": ("n",)})
    assert proof.verdict == "undecided"
    assert [one["n"] for one in proof.proved_at] == [3, 1, 4]
    assert "equal at n = 3; n = 1; n = 4, but not proved for every" in str(proof)
    at_six = symdiff.prove(total_variation, total_variation_gradient, {"x": (6,)})
    assert at_six.verdict == "equal"


def test_a_gradient_that_cannot_be_traced_is_compared_in_numbers():
    def by_loop(w, X, y):
        total = np.zeros(len(w))
        for row, target in zip(X.tolist(), y.tolist(), strict=True):
            total += 2 * (np.dot(row, w) - target) * np.array(row)
        return total / len(y)

    right = symdiff.prove(linear, by_loop, REGRESSION)
    assert right.verdict == "undecided"
    assert right.gap < 1e-12
    assert ".tolist asks for the value" in right.explanation
    wrong = symdiff.prove(linear, lambda w, X, y: 2 * by_loop(w, X, y), REGRESSION)
    assert wrong.verdict == "different"


def test_slopes_at_a_corner_that_are_chosen_otherwise_are_undecided():
    def loss(x):
        return np.sum(np.maximum(x, 0))

    proof = symdiff.prove(loss, lambda x: 1.0 * (x >= 0), {"x": ("n",)})
    assert proof.verdict == "undecided"
    assert "wherever no two numbers that are compared are equal" in proof.explanation


def test_other_arguments_are_refused():
    with pytest.raises(symdiff.SpecError, match="by their names or in their order"):
        symdiff.prove(linear, lambda a, b: a, REGRESSION)
    with pytest.raises(symdiff.SpecError, match="wrt="):
        symdiff.prove(linear, linear, REGRESSION, wrt="w", same=True)
    with pytest.raises(symdiff.TraceError):
        symdiff.prove(lambda x: float(x), lambda x: x, {"x": ()})


# The command line.

LOSS = """
import numpy as np

ARGS = {"w": ("d",), "X": ("n", "d"), "y": ("n",)}


def loss(w, X, y):
    return np.mean((X @ w - y) ** 2)


def again(w, X, y):
    return ((X @ w) ** 2 - 2 * y * (X @ w) + y**2).sum() / len(y)


def gradient(w, X, y):
    return 2 * X.T @ (X @ w - y) / len(y)


def wrong(w, X, y):
    return 2 * X.T @ (X @ w - y)


def unknown(w, X, y):
    return np.array([float(one) for one in gradient(w, X, y)])
"""


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["gradient"], 0, "equal: gradient is the gradient of loss for w"),
        (["wrong"], 1, "it is n times the gradient"),
        (["unknown"], 3, "undecided"),
        (["again", "--same"], 0, "again is the same as loss"),
        (["gradient", "--wrt", "v"], 2, "there is no argument 'v'"),
        (["nothing"], 2, "nothing"),
    ],
)
def test_the_verb_says_its_verdict_and_exits_with_its_code(tmp_path, words, code, said):
    (tmp_path / "model.py").write_text(LOSS)
    target, (other, *options) = f"{tmp_path}/model.py:loss", words
    result = CliRunner().invoke(
        main, ["prove", target, f"{tmp_path}/model.py:{other}", *options]
    )
    assert result.exit_code == code
    assert said in result.output


def test_the_record_is_json(tmp_path):
    (tmp_path / "model.py").write_text(LOSS)
    names = [f"{tmp_path}/model.py:{name}" for name in ("loss", "wrong")]
    result = CliRunner().invoke(main, ["prove", *names, "--json"])
    record = json.loads(result.output)
    assert record["verdict"] == "different"
    found = record["counterexample"]
    X, w, y = (np.array(found["arguments"][name]) for name in ("X", "w", "y"))
    slope = 2 * X.T @ (X @ w - y) / len(y)
    assert found["expected"] == pytest.approx(slope[tuple(found["entry"])])
