"""Gradients side by side: what each method's row says, against closed forms and counts."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import symdiff
from symdiff.comparison import METHODS
from symdiff.errors import FileError, SpecError
from symdiff.settings import STYLES

ARGS = {"W": (3, 4), "b": (4,), "X": ("n", 3), "y": ("n", 4)}
PEERS = ("jax", "jax-jit", "torch")
WRITTEN_OUT = ("sympy", "sympy-cse")
OWN = [name for name in METHODS if name not in (*PEERS, *WRITTEN_OUT)]
EXACT = {
    *(f"symdiff-{style}" for style in STYLES),
    *("autograd", "symdiff-tape", "forward-mode", "complex-step"),
}


def loss(W, b, X, y):
    error = np.tanh(X @ W + b) - y
    return np.mean(error**2)


def by_hand(W, b, X, y):
    h = np.tanh(X @ W + b)
    d = 2 * (h - y) * (1 - h**2) / h.size
    return X.T @ d, d.sum(axis=0)


def compared(fn=loss, args=ARGS, **options):
    quick = {"rounds": 1, "budget": 0.01, "sizes": {"n": 5}, "wrt": ("W", "b")}
    return symdiff.compare(fn, args, **quick | options)


@pytest.fixture(scope="module")
def comparison():
    return compared(methods=[*OWN, *WRITTEN_OUT], gradient=by_hand)


def test_exact_methods_agree_with_the_closed_form_and_all_are_there(comparison):
    assert [row.method for row in comparison.rows] == ["given", *OWN, *WRITTEN_OUT]
    assert not any(row.error for row in comparison.rows)
    for name in (*EXACT, *WRITTEN_OUT, "given"):
        assert comparison[name].largest_error < 1e-14, name
        assert comparison.is_right(name)
    assert comparison.judged == comparison.entries == 16


def test_numerical_methods_are_as_far_off_as_they_are_known_to_be(comparison):
    largest = {row.method: row.largest_error for row in comparison.rows}
    assert 1e-10 < largest["forward-difference"] < 1e-4
    assert largest["central-difference"] < 1e-2 * largest["forward-difference"]
    assert largest["spsa"] > 0.1  # one random direction says little of 16 entries
    assert not comparison.is_right("spsa")


def test_evaluations_are_those_of_the_whole_gradient(comparison):
    evaluations = {row.method: row.evaluations for row in comparison.rows}
    assert evaluations["forward-difference"] == 17
    assert evaluations["central-difference"] == 32
    assert evaluations["complex-step"] == evaluations["forward-mode"] == 16
    assert evaluations["spsa"] == 2
    assert evaluations["symdiff-plain"] is None


def test_costs_are_measured(comparison):
    for row in comparison.rows:
        assert row.seconds > 0
        assert row.ratio > 0
        assert row.first > 0
        assert row.memory > 0
    assert comparison["symdiff-plain"].compiling < comparison["symdiff-plain"].first
    # 5 * 3 * 4 multiply-adds forward and 5 * 3 * 4 for the gradient of W.
    assert comparison["symdiff-plain"].operations > 2 * 2 * 60


def test_symbolic_derivatives_swell_and_common_subexpressions_undo_it():
    def chain(w):
        for _ in range(6):
            w = np.sin(w) * np.exp(-w)
        return np.sum(w)

    found = symdiff.compare(chain, {"w": (1,)}, methods=WRITTEN_OUT, rounds=1)
    plain, shared = (found[name] for name in WRITTEN_OUT)
    assert plain.operations > 8 * shared.operations
    assert max(plain.largest_error, shared.largest_error) < 1e-13
    # By hand: sin, exp, negation and product each time; cos and few more for the slope.
    assert 6 * 4 < shared.operations < 6 * 12


def test_symbolic_derivatives_of_choices():
    def chosen(w, x):
        above = np.maximum(w * x, 0.1) + np.minimum(w, x) + np.abs(w - 1)
        return np.mean(np.where(above > 1, np.log1p(above), above**2)) + w.max()

    args = {"w": np.array([0.5, 2.0, -1.0, 0.9]), "x": np.array([1.0, 0.3, -2.0, 0.2])}
    found = symdiff.compare(chosen, args, methods=WRITTEN_OUT, rounds=1)
    for row in found.rows:
        assert not row.error
        assert row.largest_error < 1e-12


@pytest.mark.parametrize("size", [300, 300_000])
def test_a_loss_that_is_too_large_to_be_written_out_says_so(size):
    found = symdiff.compare(
        lambda w: np.sum(np.tanh(w) ** 2),
        {"w": (size,)},
        methods=["symdiff-plain", "sympy"],
        rounds=1,
        budget=1e-3,
    )
    assert "too large for SymPy" in found["sympy"].error
    assert found["symdiff-plain"].largest_error < 1e-14


def test_a_wrong_gradient_of_ones_own_is_told():
    def without_slope(W, b, X, y):
        d_W, d_b = by_hand(W, b, X, y)
        return d_W, 1.01 * d_b

    found = compared(methods=["symdiff-plain"], gradient=without_slope)
    assert found["given"].largest_error == pytest.approx(0.01, rel=0.01)
    assert not found.is_right("given")
    assert found.is_right("symdiff-plain")


@pytest.mark.parametrize(
    ("gradient", "message"),
    [
        (lambda W, b, X, y: by_hand(W, b, X, y)[0], "has 3 parts, expected 2"),
        (lambda W, b, X, y: by_hand(W, b, X, y)[::-1], r"of W has shape \(4,\)"),
        (lambda W, b, X, y: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_a_method_that_fails_stays_with_its_error(gradient, message):
    found = compared(methods=["spsa"], gradient=gradient)
    row = found["given"]
    assert row.seconds is None
    assert re.search(message, row.error)
    assert f"given failed: {row.error}" in str(found)


def test_methods_of_many_evaluations_are_sampled_and_say_so():
    def slow(w):
        for _ in range(300):
            w = w + 0.0
        return np.sum(w**3)

    methods = ["symdiff-plain", "forward-difference", "forward-mode", "one-weight"]
    found = symdiff.compare(
        slow, {"w": (4000,)}, methods=methods, rounds=1, budget=1e-3
    )
    row = found["forward-difference"]
    assert row.sampled < 4000
    assert row.evaluations == 4001
    assert found.judged < 4000
    assert row.judged > 0
    assert found["one-weight"].judged > 0
    assert row.seconds == pytest.approx(row.ratio * found.loss_seconds, rel=0.9)
    text = str(found)
    assert "extrapolated" in text
    assert f"forward-difference {row.sampled}" in text
    assert found["symdiff-plain"].sampled is None


def test_each_sample_is_judged_however_little_reference_there_is_time_for():
    def slow_in_extended_precision(w):
        if w.dtype.itemsize > 8:
            np.sin(np.ones(200_000, w.dtype))  # of the processor's time, which counts
        return np.sum(w * w)

    methods = ["forward-difference", "one-weight"]
    found = symdiff.compare(
        slow_in_extended_precision,
        {"w": (4000,)},
        methods=methods,
        rounds=1,
        budget=5e-3,
    )
    for row in found.rows:
        assert 4 <= row.judged <= found.judged < row.sampled


def test_the_reference_owes_nothing_to_the_rules_and_says_what_it_is():
    smooth = compared(methods=["symdiff-plain"])
    assert smooth.reference.startswith("the complex step in extended precision")

    def kinked(W, b, X, y):
        return np.mean(np.abs(X @ W + b - y))

    found = compared(kinked, methods=["symdiff-plain", "complex-step"])
    assert found.reference.startswith("Richardson's differences in extended")
    assert found["symdiff-plain"].largest_error < 1e-10
    assert "not complex" in found["complex-step"].error


def test_a_loss_that_cannot_be_traced_is_compared_all_the_same():
    def branching(w):
        return np.sum(w**2) if w[0] < 100 else np.sum(w)

    found = symdiff.compare(branching, {"w": (3,)}, methods=OWN, rounds=1, budget=0.01)
    assert "ValueDependenceError" in found["symdiff-plain"].error
    assert found["autograd"].largest_error < 1e-15
    assert found["symdiff-tape"].largest_error < 1e-15


def test_nested_arguments_data_samples_and_static_values():
    def nested(params, X, factor):
        return factor * np.sum(np.tanh(X @ params["W"]) * params["scale"])

    args = {"params": {"W": ("d", 2), "scale": ()}, "X": ("n", "d")}
    options = {"static": {"factor": 3.0}, "rounds": 1, "budget": 0.01, "methods": OWN}
    data = {
        "params": {"W": np.ones((3, 2)), "scale": np.array(2.0)},
        "X": np.full((4, 3), 0.1),
    }
    given = symdiff.compare(nested, args, data=data, **options)
    assert given.sizes == {"d": 3, "n": 4}
    assert not any(row.error for row in given.rows)
    assert given["autograd"].largest_error < 1e-14

    def sample(rng, sizes):
        assert sizes == {"d": 7, "n": 100}
        return data

    drawn = symdiff.compare(nested, args, sample=sample, sizes={"d": 7}, **options)
    assert drawn.sizes == {"d": 3, "n": 4}


def test_single_precision():
    found = compared(dtype="float32", methods=OWN)
    assert found.precision == "float32"
    assert 1e-9 < found["symdiff-plain"].largest_error < 1e-5
    assert found.is_right("symdiff-plain")


@pytest.mark.parametrize("peer", ["jax", "torch", "autograd"])
def test_a_library_that_is_not_there_is_named_below_the_table(peer, monkeypatch):
    absent(monkeypatch, peer)
    found = compared(methods=["symdiff-plain", peer])
    assert found.absent == (peer,)
    assert [row.method for row in found.rows] == ["symdiff-plain"]
    assert f"Not installed, and so not compared: {peer}." in str(found)


def absent(monkeypatch, library):
    """Let Python find no such library."""
    for name in [one for one in sys.modules if one.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)

    class Missing:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] == library:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])


def test_a_witness_runs_the_users_own_function_and_gives_its_numpy_back():
    seen = []

    def watched(W, b, X, y):
        seen.append((type(W).__name__, np.__name__))
        return np.sum((X @ W + b - y) ** 2)

    found = compared(watched, methods=["autograd"])
    assert ("ArrayBox", "autograd.numpy") in seen
    assert found["autograd"].largest_error < 1e-14
    assert np is sys.modules["numpy"]


def test_json_holds_the_whole_record(comparison):
    record = json.loads(comparison.json())
    rows = {row["method"]: row for row in record["rows"]}
    assert rows["spsa"]["evaluations"] == 2
    assert record["entries"] == 16
    assert rows["symdiff-plain"]["seconds"] == comparison["symdiff-plain"].seconds


def test_waiting_is_no_time_of_the_processor():
    def patient(w):
        time.sleep(0.05)
        return 2 * w

    comparison = symdiff.compare(
        lambda w: np.sum(w**2), {"w": (3,)}, gradient=patient, methods=[], rounds=2
    )
    assert comparison["given"].seconds < 0.02
    assert comparison.one_thread


@pytest.mark.parametrize(
    ("ending", "start"),
    [("png", b"\x89PNG"), ("svg", b"<?xml"), ("html", b"<!DOCTYPE")],
)
def test_pictures(comparison, tmp_path: Path, ending, start):
    path = tmp_path / f"a.{ending}"
    comparison.plot(path)
    content = path.read_bytes()
    assert content.startswith(start)
    if ending == "html":
        assert b"<svg" in content
        assert b"Times are of the processor" in content


def test_a_picture_is_the_same_each_time(comparison, tmp_path: Path):
    for name in ("a.svg", "b.svg"):
        comparison.plot(tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_another_ending_is_refused(comparison, tmp_path: Path):
    with pytest.raises(FileError, match="is no picture"):
        comparison.plot(tmp_path / "a.gif")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"methods": ["autograt"]}, "no method 'autograt'"),
        ({"sizes": {"m": 3}}, "no unknown size 'm'"),
        ({"args": {**ARGS, "W": (0, 4), "X": ("n", 0)}, "wrt": "W"}, "no entry"),
        ({"data": {"W": np.ones((3, 4))}}, "there is no b"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(SpecError, match=message):
        compared(**options)


LOSS = """
import numpy as np

ARGS = {"w": ("d",), "X": ("n", "d"), "y": ("n",)}

def loss(w, X, y):
    return np.mean((X @ w - y) ** 2)

def gradient(w, X, y):
    return 2 * X.T @ (X @ w - y) / len(y)

def wrong(w, X, y):
    return X.T @ (X @ w - y) / len(y)
"""


@pytest.mark.parametrize(("gradient", "code"), [("gradient", 0), ("wrong", 1)])
def test_the_verb(gradient, code, tmp_path, monkeypatch):
    from click.testing import CliRunner

    from symdiff.cli import main

    monkeypatch.chdir(tmp_path)
    Path("loss_to_compare.py").write_text(LOSS)
    words = ["compare", "loss_to_compare.py:loss", "--size", "d=3", "--size", "n=5"]
    words += ["--methods", "symdiff-plain,spsa", "--rounds", "1", "--plot", "a.svg"]
    words += ["--gradient", f"loss_to_compare.py:{gradient}", "--json"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == code, result.output
    record = json.loads(result.stdout)
    assert [row["method"] for row in record["rows"]] == [
        "given",
        "symdiff-plain",
        "spsa",
    ]
    assert record["sizes"] == {"d": 3, "n": 5}
    assert Path("a.svg").exists()


def test_a_loss_that_cannot_be_compiled_is_no_wrong_gradient(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from symdiff.cli import main

    monkeypatch.chdir(tmp_path)
    Path("looping.py").write_text(
        "def loss(w):\n    return sum(float(one) ** 2 for one in w)\n"
    )
    words = ["compare", "looping.py:loss", "--arg", "w=3", "--rounds", "1"]
    words += ["--methods", "symdiff-plain,forward-difference"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert "symdiff-plain failed: ValueDependenceError" in result.output


def test_the_verb_refuses_what_it_cannot_draw_before_the_work(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from symdiff.cli import main

    monkeypatch.chdir(tmp_path)
    Path("loss_to_compare.py").write_text(LOSS)
    words = ["compare", "loss_to_compare.py:loss", "--plot", "a.gif"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert "is no picture" in result.stderr
