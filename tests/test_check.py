"""`symdiff.check` and `symdiff check`: gradients judged, and what is said of them."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import symdiff
from symdiff import SpecError
from symdiff.cli import main

ARGS = {"W": ("d", "k"), "b": ("k",), "v": ("k",), "X": ("n", "d"), "y": ("n",)}
WRT = ("W", "b", "v")


def loss(W, b, v, X, y):
    h = np.tanh(X @ W + b)  # hidden layer
    error = h @ v - y
    return np.mean(error**2) / 2


def gradient(W, b, v, X, y):
    h = np.tanh(X @ W + b)
    d_error = (h @ v - y) / len(y)
    d_pre = np.outer(d_error, v) * (1 - h**2)
    return X.T @ d_pre, d_pre.sum(axis=0), d_error @ h


def wrong(W, b, v, X, y):
    """The gradient with a 1 / n too many in W's, and in b's another's derivative."""
    h = np.tanh(X @ W + b)
    d_error = (h @ v - y) / len(y)
    d_W, _, d_v = gradient(W, b, v, X, y)
    return d_W / len(y), (np.outer(d_error, v) * (1 - h)).sum(axis=0), d_v


def found(checkup: symdiff.Checkup) -> dict[str, str]:
    return {one.name: one.outcome for one in checkup.parameters}


# What is right.


def test_the_emitted_gradient_is_right():
    checkup = symdiff.check(loss, wrt=WRT)
    assert checkup.outcome == "right"
    assert checkup.ok
    assert found(checkup) == dict.fromkeys(WRT, "right")
    assert checkup.order == pytest.approx(2, abs=0.05)
    first, *rest = str(checkup).splitlines()
    assert first == "right: the emitted gradient of loss"
    assert "  W  right: 64 of 96 entries" in rest
    assert "  b  right: all 8 entries" in rest


def test_a_gradient_by_hand_is_right():
    checkup = symdiff.check(loss, gradient=gradient, wrt=WRT)
    assert checkup.ok
    assert str(checkup).startswith("right: test_check.gradient as the gradient of loss")


GOLDEN = Path(__file__).parent / "golden"
GOLDENS = [
    "cox",
    "gaussian_process",
    "hinge",
    "named_tuple",
    "nested_layers",
    "skip_gram",
]


@pytest.mark.parametrize("name", GOLDENS)
def test_the_gradients_of_golden_losses_are_right(name):
    spec = importlib.util.spec_from_file_location(name, GOLDEN / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    checkup = symdiff.check(module.loss, wrt=getattr(module, "WRT", None))
    assert checkup.ok, str(checkup)


def test_a_corner_in_the_middle_of_whose_slopes_the_gradient_is_is_named():
    checkup = symdiff.check(
        lambda x: np.sum(np.abs(x)), {"x": (3,)}, data={"x": np.array([0.0, 1.0, -2.0])}
    )
    assert checkup.ok
    text = str(checkup)
    assert "right: all 3 entries, 1 of them at corners" in text
    assert "the slopes on its sides are -1 and 1, 0 is a subgradient" in text
    assert "v leads across a corner, where it falls with order 1" in text
    below, above, slope = checkup.points[0].sides
    assert below < slope < above


def test_a_gradient_that_is_wrong_beside_corners_is_wrong():
    checkup = symdiff.check(
        lambda x: np.sum(np.abs(x)) + np.max(x),
        {"x": (4,)},
        gradient=lambda x: 2 * np.sign(x) + (x == x.max()),
        data={"x": np.array([0.0, 1.0, 0.0, -2.0])},
    )
    assert checkup.outcome == "wrong"
    assert {one.index for one in wrong_entries(checkup)} == {(1,), (3,)}


def wrong_entries(checkup):
    return [
        entry
        for one in checkup.parameters
        for entry in one.entries
        if entry.outcome == "wrong"
    ]


def test_what_rounds_its_result_has_no_corners():
    checkup = symdiff.check(lambda x: np.sum(np.round(x**2, 6)), {"x": (3,)})
    assert checkup.ok
    assert "corner" not in str(checkup)
    assert "at the smallest h nothing is left of it" in str(checkup)


def test_corners_are_no_mistakes():
    checkup = symdiff.check(
        lambda x: np.sum(np.maximum(x, 0)), data={"x": np.zeros(3)}, args={"x": "n"}
    )
    assert checkup.ok
    assert "right: all 3 entries, 3 of them at corners" in str(checkup)
    assert "the slopes on its sides are 0 and 1, 0 is a subgradient" in str(checkup)


def test_single_precision_is_judged_as_such():
    assert symdiff.check(loss, wrt=WRT, dtype="float32").ok


def test_static_and_integer_arguments():
    def power(x, k, exponent):
        return np.sum(x[k] ** exponent)

    checkup = symdiff.check(
        power, {"x": ("n", 2), "k": "n:int64"}, static={"exponent": 3}
    )
    assert checkup.ok
    by_hand = symdiff.check(
        power,
        {"x": ("n", 2), "k": "n:int64"},
        static={"exponent": 3},
        gradient=lambda x, k, exponent: _scattered(x, k, exponent),
    )
    assert by_hand.ok


def _scattered(x, k, exponent):
    d = np.zeros_like(x)
    np.add.at(d, k, exponent * x[k] ** (exponent - 1))
    return d


# Complex steps, where the loss allows them.

ANALYTIC = {
    "a polynomial": lambda x: np.sum(x**3),
    "a product": lambda x: np.linalg.det(np.outer(x, x) + np.eye(len(x))),
    "a chain": lambda x: np.log(np.sum(np.exp(np.tanh(x[1:] @ x[1:] * x)))),
}
NOT_ANALYTIC = {
    "a corner": lambda x: np.sum(np.abs(x) * x),
    "a norm": lambda x: np.linalg.norm(x) ** 2,
    "a conjugate": lambda x: np.vdot(x, x),
    "what takes no complex number": lambda x: np.sum(np.hypot(x, 1.0)),
    "what makes real ones of complex ones": lambda x: np.sum(x.astype(float) ** 2),
}


@pytest.mark.parametrize("name", ANALYTIC)
def test_an_analytic_loss_is_held_against_complex_steps(name):
    checkup = symdiff.check(ANALYTIC[name], {"x": "n"})
    assert checkup.ok
    assert checkup.complex_step is not None
    assert checkup.complex_step < 1e-13
    assert "complex steps agree to " in str(checkup)


@pytest.mark.parametrize("name", NOT_ANALYTIC)
def test_complex_steps_are_not_taken_of_what_is_not_analytic(name):
    checkup = symdiff.check(NOT_ANALYTIC[name], {"x": "n"})
    assert checkup.ok
    assert checkup.complex_step is None


def test_complex_steps_see_what_differences_cannot():
    def nearly(x):
        return 3 * x**2 * (1 + 1e-10)

    checkup = symdiff.check(lambda x: np.sum(x**3), {"x": "n"}, gradient=nearly)
    assert checkup.ok
    assert checkup.complex_step == pytest.approx(1e-10, rel=1e-3)


# What is wrong.


def test_mistakes_are_named_with_their_array_entry_and_line():
    checkup = symdiff.check(loss, gradient=wrong, wrt=WRT)
    assert checkup.outcome == "wrong"
    assert not checkup.ok
    assert found(checkup) == {"W": "wrong", "b": "wrong", "v": "right"}
    assert checkup.order == pytest.approx(1, abs=0.01)
    W, b, _ = checkup.parameters
    assert W.guess == "it is n = 7 times too small"
    assert W.worst is not None
    assert W.worst.numerical == pytest.approx(7 * W.worst.analytical, rel=1e-8)
    line = loss.__code__.co_firstlineno + 1
    (said,) = b.lines
    assert said == f"b enters at test_check.py:{line}: h = np.tanh(X @ W + b)"
    assert said in str(checkup)


def test_a_gradient_of_another_shape_is_wrong():
    checkup = symdiff.check(
        loss, gradient=lambda W, b, v, X, y: np.outer(v, v), wrt="v"
    )
    (v,) = checkup.parameters
    assert (v.outcome, v.reason) == ("wrong", "it has shape (5, 5), the array has (5,)")


def test_a_broken_rule_of_the_table_is_found(monkeypatch):
    from symdiff.ops.elementwise import sympy
    from symdiff.ops.table import ROWS

    row = ROWS[sympy.tanh]
    broken = dataclasses.replace(row, vjp=(lambda g, y, x: g * (1 - y),))
    monkeypatch.setitem(ROWS, sympy.tanh, broken)
    checkup = symdiff.check(loss, wrt=WRT)
    assert found(checkup) == {"W": "wrong", "b": "wrong", "v": "right"}


def test_a_mistake_at_one_size_of_several():
    def at_three(x):
        return 2 * x if len(x) == 3 else 2 * x[::-1]

    checkup = symdiff.check(lambda x: np.sum(x**2), {"x": "n"}, gradient=at_three)
    assert [point.outcome for point in checkup.points] == ["right", "wrong"]
    assert "reversed along axis 0" in str(checkup)


# What is undecided.


def test_a_loss_that_is_nowhere_finite_decides_nothing():
    checkup = symdiff.check(lambda x: np.sum(np.log(-np.abs(x) - 1)), {"x": "n"})
    assert checkup.outcome == "undecided"
    assert "the loss is nan there" in str(checkup)


def test_a_loss_by_chance_decides_nothing():
    rng = np.random.default_rng(0)
    checkup = symdiff.check(
        lambda x: np.sum(x) + rng.normal(), {"x": "n"}, gradient=np.ones_like
    )
    assert checkup.outcome == "undecided"
    assert "the loss is random" in str(checkup)
    assert "cannot be traced" in str(checkup)


def test_a_loss_that_cannot_be_traced_is_checked_all_the_same():
    def branching(x):
        return float(np.sum(x**2)) if x[0] > -9 else 0.0

    checkup = symdiff.check(branching, {"x": "n"}, gradient=lambda x: 2 * x)
    assert checkup.ok
    assert "no lines are named, as the loss cannot be traced" in checkup.notes[0]


def test_a_loss_that_runs_at_some_sizes_only():
    def pairs(x):
        return np.sum(x.reshape(-1, 4) ** 2)

    assert symdiff.check(pairs, {"x": "n"}, gradient=lambda x: 2 * x).ok


def test_a_loss_that_runs_nowhere_is_refused():
    def failing(x):
        raise ValueError("no")

    with pytest.raises(SpecError, match="raises wherever it is called: ValueError: no"):
        symdiff.check(failing, {"x": "n"}, gradient=np.ones_like)


# Arguments that are given.

DATA = {
    "W": np.ones((2, 3)),
    "b": np.ones(3),
    "v": np.ones(3),
    "X": np.eye(2),
    "y": np.ones(2),
}


def test_data_by_name():
    checkup = symdiff.check(loss, wrt=WRT, data=DATA)
    (point,) = checkup.points
    assert (point.outcome, dict(point.sizes)) == ("right", {"d": 2, "k": 3, "n": 2})


def layered(params, X):
    return np.sum(np.tanh(X @ params["W"][0]) * params["scale"])


LAYERED = {"params": {"W": [("d", 2)], "scale": ()}, "X": ("n", "d")}


@pytest.mark.parametrize(
    "given",
    [
        {"params": {"W": [np.ones((3, 2))], "scale": 2.0}},
        {'params["W"][0]': np.ones((3, 2)), 'params["scale"]': 2.0},
        {"W_0": np.ones((3, 2)), "scale": 2},
    ],
)
def test_nested_data(given):
    checkup = symdiff.check(layered, LAYERED, data={**given, "X": np.ones((4, 3))})
    assert checkup.ok
    assert list(found(checkup)) == ['params["W"][0]', 'params["scale"]']


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"y": np.ones(5)},
            r"y has shape \(5,\), expected \(n,\): n is 2, by axis 0 of X",
        ),
        ({"b": np.ones((3, 1))}, r"b has shape \(3, 1\), expected \(k,\)"),
        ({"v": 1j * np.ones(3)}, "v has dtype complex128, expected float64"),
        ({"V": np.ones(3)}, "'V' is no argument\n  There is W, b, v, X, y"),
        ({"y": None}, "there is no y"),
    ],
)
def test_data_that_do_not_fit_are_refused(change, said):
    data = {k: v for k, v in {**DATA, **change}.items() if v is not None}
    with pytest.raises(SpecError, match=said):
        symdiff.check(loss, wrt=WRT, data=data)


def test_arguments_drawn_by_the_user():
    seen = []

    def sample(rng, sizes):
        seen.append(sizes["n"])
        return {"x": rng.uniform(1, 2, sizes["n"])}

    checkup = symdiff.check(
        lambda x: np.sum(np.log(x - 0.999)), {"x": "n"}, sample=sample
    )
    assert checkup.ok
    assert [point.sizes["n"] for point in checkup.points] == seen


@pytest.mark.parametrize(
    ("drawn", "said"),
    [
        ((np.ones(3), 1.0), "sample: it returns 2 arguments of 1"),
        ({"y": np.ones(3)}, "sample: there is no x"),
        ({"x": np.ones((3, 3))}, "sample: x has shape"),
    ],
)
def test_a_draw_that_does_not_fit_is_refused(drawn, said):
    with pytest.raises(SpecError, match=said):
        symdiff.check(lambda x: np.sum(x), {"x": "n"}, sample=lambda rng, sizes: drawn)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"gradient": lambda W, b, v, X, y: W, "wrt": WRT}, "not one part for each"),
        ({"gradient": gradient, "corners": "jax"}, "corners is an option of"),
        ({"wrt": "Q"}, "there is no argument 'Q'"),
    ],
)
def test_what_makes_no_sense_is_refused(options, said):
    with pytest.raises(SpecError, match=said):
        symdiff.check(loss, **options)


# The command.

LOSS = """\
import numpy as np

ARGS = {"w": (3,), "X": ("n", 3), "y": ("n",)}


def loss(w, X, y, power=2):
    r = X @ w - y
    return np.mean(r**power)
"""
BY_HAND = """\
def right(w, X, y, power=2):
    return power * X.T @ (X @ w - y) ** (power - 1) / len(y)


def wrong(w, X, y):
    return X.T @ (X @ w - y) / len(y)


def noisy(w, X, y):
    return w * float("nan")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a loss and gradients by hand, forgotten at the end."""
    (tmp_path / "loss.py").write_text(LOSS)
    (tmp_path / "by_hand.py").write_text(BY_HAND)
    monkeypatch.chdir(tmp_path)
    for name in ("loss", "by_hand"):
        monkeypatch.setitem(sys.modules, name, sys)
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ("check", *words), prog_name="symdiff")


def test_the_command_checks_what_would_be_emitted(folder: Path):
    result = run("loss.py:loss", "--wrt", "w,y", "--static", "power=4")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("right: the emitted gradient of loss\n")


def test_the_command_tells_right_from_wrong(folder: Path):
    assert run("loss.py:loss", "by_hand.py:right").exit_code == 0
    result = run("loss.py:loss", "by_hand.py:wrong")
    assert result.exit_code == 1
    assert "it is 2 times too small" in result.stdout
    assert "w enters at loss.py:7: r = X @ w - y" in result.stdout


def test_the_command_says_where_nothing_is_decided(folder: Path):
    text = LOSS.replace("np.mean(r**power)", "np.mean(np.floor(r)) + float('nan')")
    (folder / "loss.py").write_text(text)
    result = run("loss.py:loss", "by_hand.py:right")
    assert result.exit_code == 3
    assert result.stdout.startswith("undecided: by_hand.right as the gradient of loss")


def test_the_command_gives_json(folder: Path):
    result = run("loss.py:loss", "by_hand.py:noisy", "--json")
    assert result.exit_code == 1
    record: dict[str, Any] = json.loads(result.stdout)
    assert record["outcome"] == "wrong"
    (point,) = record["points"]
    assert point["sizes"] == {"n": 3}
    assert point["order"] is None
    (w,) = point["parameters"]
    assert (w["wrong"], w["entries"]) == (3, 3)
    assert w["worst"]["analytical"] is None
    assert w["guess"] == "3 of its 3 entries are not finite"


def test_the_command_reads_data(folder: Path):
    np.savez("data.npz", w=np.ones(3), X=np.eye(3), y=np.zeros(3))
    result = run("loss.py:loss", "--data", "data.npz", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["points"][0]["sizes"] == {"n": 3}


def test_the_command_takes_sample_beside_the_loss(folder: Path):
    drawing = "\n\ndef sample(rng, sizes):\n    n = sizes['n']\n"
    drawing += "    return rng.normal(size=3), np.eye(3)[:1].repeat(n, 0), np.ones(n)\n"
    (folder / "loss.py").write_text(LOSS + drawing)
    result = run("loss.py:loss", "--wrt", "X", "--seed", "3")
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--data", "none.npz"], "FileError: there is no file 'none.npz'"),
        (["--data", "loss.py"], "FileError: 'loss.py' is no archive of plain arrays"),
        (["by_hand.py:left"], "FileError: there is no function 'left' in by_hand.py"),
        (["by_hand.py:right", "--corners", "jax"], "Error: options of compiling go"),
        (["--wrt", "Q"], "SpecError: wrt: there is no argument 'Q'"),
    ],
)
def test_what_the_command_refuses(folder: Path, words: list[str], said: str):
    result = run("loss.py:loss", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr
