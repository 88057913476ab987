"""Several functions in one module: each as it would be alone, under its own names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from click.testing import CliRunner

import symdiff
from symdiff.cli import main
from symdiff.errors import SpecError

ARGS = {"W": ("d", 3), "b": (3,), "X": ("n", "d"), "labels": "n:int64"}

TABLE = np.array([1.0, -2.0, 0.5])


def loss(W, b, X, labels):
    z = X @ W + b - TABLE
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(labels)), labels])


def accuracy(W, b, X, labels):
    return np.mean(np.argmax(X @ W + b - TABLE, axis=1) == labels)


def ridge(W):
    return np.sum(W**2) * TABLE[0]


def drawn() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    W, b, X = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=(7, 4))
    return {"W": W, "b": b, "X": X, "labels": rng.integers(0, 3, 7)}


@pytest.mark.parametrize("wrt", [None, "W", ("W", "b")])
def test_each_function_is_as_it_is_alone(wrt: Any) -> None:
    several = symdiff.compile_module([loss, accuracy, ridge], ARGS, wrt=wrt)
    given = drawn()
    for fn, names in ((loss, [*ARGS]), (accuracy, [*ARGS]), (ridge, ["W"])):
        own = ("W",) if fn is ridge and isinstance(wrt, tuple) else wrt
        specs = {name: ARGS[name] for name in names}
        alone = symdiff.compile(fn, specs, wrt=own, verify=False)
        words = [given[name] for name in names]
        title = fn.__name__
        value, gradient = getattr(several.module, f"{title}_value_and_grad")(*words)
        expected_value, expected = alone.value_and_grad(*words)
        assert (
            value == expected_value == getattr(several.module, f"{title}_value")(*words)
        )
        np.testing.assert_equal(list(gradient), list(expected))
        assert getattr(gradient, "_fields", ()) == getattr(expected, "_fields", ())
        value, cache = getattr(several.module, f"{title}_forward")(*words)
        twice = getattr(several.module, f"{title}_backward")(cache, 2.0)
        np.testing.assert_equal(list(twice), [2 * part for part in expected])
        assert str(several.parts[title].report).startswith("Cost")
        assert several.parts[title].report.verification is not None


def test_the_module_stands_alone_and_checks_itself(tmp_path: Path) -> None:
    path = tmp_path / "both.py"
    symdiff.compile_module([loss, ridge], ARGS, wrt=("W", "b")).save(path)
    text = path.read_text(encoding="utf-8")
    imported = [
        line for line in text.splitlines() if line.startswith(("import", "from"))
    ]
    assert imported == [
        "import sys",
        "from typing import NamedTuple",
        "import numpy as np",
    ]
    for shared in ("_array", "_self_check", "_random", "_leaves"):
        assert text.count(f"def {shared}(") == 1
    command = [sys.executable, "-W", "error", str(path), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "relative error" in done.stdout


class Params(NamedTuple):
    W: Any
    b: Any


def test_functions_share_the_classes_of_their_arguments() -> None:
    def first(params, X):
        return np.sum((X @ params.W + params.b) ** 2)

    def second(params):
        return np.sum(params.W**2) + np.sum(params.b)

    args = {"params": Params((4, 3), (3,)), "X": ("n", 4)}
    several = symdiff.compile_module([first, second], args)
    assert several.source.count("namedtuple(") == 1
    assert several.source.count("def _match(") == 1
    given = drawn()
    params = Params(given["W"], given["b"])
    gradient = several.module.second_grad(params)
    assert type(gradient) is Params
    np.testing.assert_array_equal(gradient.W, 2 * params.W)
    np.testing.assert_array_equal(gradient.b, np.ones(3))


def test_the_modules_own_names_give_way_to_the_users() -> None:
    def one(two_value, np_, _array, one_forward):
        two_check = two_value * 2
        return np.sum(two_check * np_ + _array * one_forward)

    def two(np_, one_grad, cache):
        constant = np.array([1.0, 2.0, 3.0])
        return np.sum(np_ * one_grad * cache * constant)

    def three(x):
        constant = np.array([3.0, 2.0, 1.0])
        return np.sum(x * constant)

    names = ["two_value", "np_", "_array", "one_forward", "one_grad", "cache", "x"]
    functions = [one, two, three]
    several = symdiff.compile_module(functions, dict.fromkeys(names, (3,)))
    a, b, c, d = np.random.default_rng(1).normal(size=(4, 3))
    np.testing.assert_allclose(several.module.one_grad(a, b, c, d), 2 * b)
    np.testing.assert_allclose(several.module.two_grad(a, b, c), b * c * [1, 2, 3])
    np.testing.assert_allclose(several.module.three_grad(a), [3, 2, 1])


def test_the_text_is_the_same_each_time() -> None:
    first = symdiff.compile_module([loss, accuracy], ARGS, verify=False).source
    assert symdiff.compile_module([loss, accuracy], ARGS, verify=False).source == first


def test_names_that_fit_no_function_are_refused() -> None:
    for options in ({"args": {**ARGS, "V": 3}}, {"static": {"V": 3}}, {"wrt": ("V",)}):
        with pytest.raises(SpecError, match="no function has a parameter 'V'"):
            symdiff.compile_module([loss, ridge], **{"args": ARGS, **options})


def test_functions_need_names_of_their_own() -> None:
    with pytest.raises(SpecError, match="'ridge' stands for two functions"):
        symdiff.compile_module([ridge, ridge], {"W": (3,)})
    with pytest.raises(SpecError, match="is no identifier"):
        symdiff.compile_module([ridge, lambda W: np.sum(W)], {"W": (3,)})

    def ridge_value(W):
        return np.sum(W)

    def ridge_value_value(W):
        return np.sum(W)

    def ridge_value_and(W):
        return np.sum(W)

    symdiff.compile_module([ridge, ridge_value, ridge_value_value], {"W": (3,)})
    with pytest.raises(SpecError, match="two of the name 'ridge_value_and_grad'"):
        symdiff.compile_module([ridge, ridge_value_and], {"W": (3,)})


FILE = """
import numpy as np

ARGS = {"w": "d", "X": ("n", "d"), "y": "n"}


def loss(w, X, y):
    return np.mean((X @ w - y) ** 2)


def error(w, X, y):
    return np.max(np.abs(X @ w - y))
"""


def test_the_command_line_takes_several_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("losses_here.py").write_text(FILE)
    words = ["compile", "losses_here.py:loss,error", "-o", "both.py", "--wrt", "w,y"]
    run = CliRunner().invoke
    assert run(main, words).exit_code == 0
    text = Path("both.py").read_text()
    assert (
        "#     symdiff compile losses_here.py:loss,error -o both.py --wrt w,y\n" in text
    )
    assert run(main, [*words, "--check"]).exit_code == 0
    Path("losses_here.py").write_text(FILE.replace("np.max", "np.sum"))
    assert run(main, [*words, "--check"]).exit_code == 1
    refused = run(main, ["compile", "losses_here.py:loss,eror"])
    assert refused.exit_code == 2
    assert "Did you mean error?" in refused.stderr
    assert run(main, ["show", "losses_here.py:loss,error"]).exit_code == 2
