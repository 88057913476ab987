"""`black`, `ruff` and `mypy` leave the emitted text alone, whatever the loss."""

import ast
import subprocess
import sys
from pathlib import Path

import black
import numpy as np
import pytest

import symdiff


def deep(params, X):
    h = X
    for layer in params:
        h = np.tanh(h @ layer["weights"] + layer["bias"])
    return np.sum(h**2)


def many_sums(x):
    return sum(np.sum(np.sin(k * x) * np.cos(x / (k + 1))) for k in range(40))


def long_names(the_first_of_all_parameters, another_parameter_with_a_long_name):
    the_sum_of_both_parameters_that_are_given = (
        the_first_of_all_parameters + another_parameter_with_a_long_name
    )
    another_intermediate_value_with_a_name_that_is_long = np.tanh(
        the_sum_of_both_parameters_that_are_given * the_first_of_all_parameters
    )
    return np.sum(
        another_intermediate_value_with_a_name_that_is_long
        * the_sum_of_both_parameters_that_are_given
        / another_parameter_with_a_long_name
    )


def joined(*parts):
    return np.sum(np.concatenate([part**2 for part in parts]) ** 3)


def join_twelve(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11):
    return joined(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11)


def powers(x, y):
    z = (x - y) ** 2 + x[0] ** 3 + np.exp(x) ** 0.5 + (x + 1.0) ** -2 + 2.0**y
    return np.sum(z**-1.5) + np.sum(x.T @ y) ** 2 + np.sum((-x) ** 3)


def slices(x):
    n = len(x)
    return (
        np.sum(x[1:] * x[: n - 1]) + np.sum(x[::2]) + x[-1] ** 2 + np.sum(x[n // 2 :])
    )


def table(x):
    return np.sum(x * np.arange(200.0).reshape(20, 10) @ np.ones((10, 20)))


def constant_table(x):
    weights = [[np.sin(3.0 * i + j) for j in range(9)] for i in range(9)]
    return np.sum(np.array(weights) * x)


def nested_ifs(x):
    y = np.where(x > 0, np.where(x > 1, x**2, np.log1p(x)), np.where(x < -1, -x, x**3))
    return np.sum(np.maximum(y, 0.5) * np.minimum(x, 2.0) * np.abs(x - 0.25))


LOSSES = {
    "deep": (deep, {"params": [{"weights": (5, 5), "bias": (5,)}] * 40, "X": ("n", 5)}),
    "many_sums": (many_sums, {"x": ("n",)}),
    "long_names": (
        long_names,
        {
            "the_first_of_all_parameters": ("number_of_rows", "number_of_columns"),
            "another_parameter_with_a_long_name": (
                "number_of_rows",
                "number_of_columns",
            ),
        },
    ),
    "join_twelve": (join_twelve, {f"a{k}": ("n",) for k in range(12)}),
    "powers": (powers, {"x": (4,), "y": (4,)}),
    "slices": (slices, {"x": ("n",)}),
    "table": (table, {"x": (20, 10)}),
    "constant_table": (constant_table, {"x": (9, 9)}),
    "nested_ifs": (nested_ifs, {"x": ("n",)}),
    "one_of_each": (lambda x: x, {"x": ()}),
    "one_array": (lambda x: np.sum(x), {"x": (3,)}),
    "nested_once": (lambda p: p["x"], {"p": {"x": ()}}),
    "nested_deep": (
        lambda p: p["a"][0]["b"][1] * p["c"],
        {"p": {"a": [{"b": ((), ())}], "c": ()}},
    ),
}


def compiled(name, **options):
    loss, args = LOSSES[name]
    return symdiff.compile(loss, args, **options)


def holds(source):
    assert black.format_str(source, mode=black.Mode()) == source
    code = source.partition('\n"""\n')[2]  # a table in the docstring may be wide
    for line in code.splitlines():
        assert len(line) <= 88 or line.lstrip().startswith('"'), line


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_black_leaves_the_text_alone(name, several):
    wrt = tuple(LOSSES[name][1]) if several else None
    holds(compiled(name, wrt=wrt, verify=name != "deep").source)


@pytest.mark.parametrize("name", LOSSES)
def test_black_leaves_single_precision_alone(name):
    holds(compiled(name, dtype="float32", verify=False).source)


def test_ruff_and_mypy_find_nothing(tmp_path):
    paths = []
    for name, (_, args) in LOSSES.items():
        paths.append(tmp_path / f"{name}_module.py")
        paths[-1].write_text(compiled(name, wrt=tuple(args), verify=False).source)
    for tool in (["ruff", "check", "--isolated"], ["mypy", "--config-file="]):
        done = subprocess.run(
            [sys.executable, "-m", *tool, *paths],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", LOSSES)
def test_nothing_is_named_that_nobody_reads(name):
    tree = ast.parse(compiled(name, verify=False).source)
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and function.name in (
            "forward",
            "backward",
        ):
            nodes = [one for one in ast.walk(function) if isinstance(one, ast.Name)]
            read = {one.id for one in nodes if isinstance(one.ctx, ast.Load)}
            assert {one.id for one in nodes} == read


@pytest.mark.parametrize("name", ["deep", "powers", "nested_ifs"])
def test_the_text_is_the_same_for_every_hash_seed(name, tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_emit_layout as t;"
        "import hashlib; print(hashlib.sha256(t.compiled(sys.argv[2], verify=False)"
        ".source.encode()).hexdigest())"
    )
    folder = str(Path(__file__).parent)
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code, folder, name],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_a_sum_of_many_terms_is_bounded_statements():
    def loss(x):
        total = 0.0
        for k in range(2000):
            total = total + np.sin(x * k)
        return total

    source = symdiff.compile(loss, {"x": ()}, verify=False).source
    assert max(map(len, source.splitlines())) <= 88


def test_many_terms_in_one_expression():
    text = " + ".join(f"np.sin(x * {k})" for k in range(1500))
    namespace = {"np": np}
    exec(f"def loss(x):\n    return {text}\n", namespace)
    compiled = symdiff.compile(namespace["loss"], {"x": ()}, verify=False)
    assert max(map(len, compiled.source.splitlines())) <= 88
    expected = sum(np.sin(0.3 * k) for k in range(1500))
    assert compiled.value(0.3) == pytest.approx(expected, rel=1e-12)
    slope = sum(k * np.cos(0.3 * k) for k in range(1500))
    assert compiled.grad(0.3) == pytest.approx(slope, rel=1e-12)
