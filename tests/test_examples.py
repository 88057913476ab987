"""The examples' emitted modules are fresh and right, and their scripts do their job."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import autograd
import autograd.numpy
import numpy as np
import optree
import pytest
from sklearn.datasets import load_breast_cancer, load_digits

EXAMPLES = Path(__file__).parents[1] / "examples"

Data = tuple[Any, ...]


def load(example: str, name: str) -> ModuleType:
    path = EXAMPLES / example / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"{example}_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_script(example: str, name: str) -> ModuleType:
    """A script, with the modules beside it as it finds them when it is run."""
    beside = {one.stem for one in (EXAMPLES / example).glob("*.py")}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLES / example)
        for one in beside & sys.modules.keys():
            patch.delitem(sys.modules, one)
        script = load(example, name)
        for one in beside & sys.modules.keys():
            del sys.modules[one]
    return script


def run(*words: object, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def random_params(example: str, rng: np.random.Generator) -> list[dict]:
    return [
        {
            "W": rng.normal(scale=layer["W"][0] ** -0.5, size=layer["W"]),
            "b": rng.normal(scale=0.1, size=layer["b"]),
        }
        for layer in load(example, "loss").ARGS["params"]
    ]


def digits_data() -> Data:
    X, labels = load_digits(return_X_y=True)
    return random_params("digits", np.random.default_rng(1)), X[:40] / 16, labels[:40]


def logistic_data() -> Data:
    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    return np.random.default_rng(2).normal(size=30), X, y.astype(np.float64)


def random_weights_data() -> Data:
    X, labels = load_digits(return_X_y=True)
    return (
        np.random.default_rng(5).normal(scale=0.3, size=1210),
        X[:40] / 16,
        labels[:40],
    )


def mlp784_data() -> Data:
    """Few images, so that no difference steps over the corner of a ReLU."""
    images, labels = load_digits(return_X_y=True)
    wide = np.kron(images[:8].reshape(8, 8, 8), np.ones((3, 3)))  # 24 x 24
    X = np.pad(wide, ((0, 0), (2, 2), (2, 2))).reshape(8, 784) / 16
    return random_params("mlp784", np.random.default_rng(3)), X, labels[:8]


DATA: dict[str, Callable[[], Data]] = {
    "digits": digits_data,
    "logistic": logistic_data,
    "mlp784": mlp784_data,
    "random_weights": random_weights_data,
}


def leaves(gradient: object) -> list[np.ndarray]:
    return optree.tree_leaves(gradient)


def largest_relative_error(gradient: object, expected: object) -> float:
    """Relative to the largest entry of each array."""
    return max(
        float(np.abs(a - b).max() / np.abs(b).max())
        for a, b in zip(leaves(gradient), leaves(expected), strict=True)
    )


def central_differences(
    loss: Callable[..., float], data: Data, entries: dict[int, np.ndarray]
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each leaf of the first argument with the slopes at its given entries."""
    first, *rest = data
    step = 1e-5
    for number, array in enumerate(leaves(first)):
        flat = array.reshape(-1)
        slopes = []
        for entry in entries[number]:
            kept = flat[entry]
            flat[entry] = kept + step
            above = loss(first, *rest)
            flat[entry] = kept - step
            below = loss(first, *rest)
            flat[entry] = kept
            slopes.append((above - below) / (2 * step))
        yield number, np.asarray(slopes)


def error_against_differences(example: str, most: int) -> float:
    """Return the largest relative error over at most so many entries of each array."""
    data = DATA[example]()
    rng = np.random.default_rng(4)
    sizes = [array.size for array in leaves(data[0])]
    entries = {
        number: rng.permutation(size)[:most] for number, size in enumerate(sizes)
    }
    gradients = leaves(load(example, "gradient").grad(*data))
    loss = load(example, "loss").loss
    return max(
        float(
            np.abs(gradients[number].reshape(-1)[entries[number]] - slopes).max()
            / np.abs(gradients[number]).max()
        )
        for number, slopes in central_differences(loss, data, entries)
    )


WEIGHTS = ["--wrt", "W1,b1,W2,b2"]


@pytest.mark.parametrize(
    ("example", "options"),
    [
        ("digits", ["-o", "gradient.py"]),
        ("logistic", ["-o", "gradient.py"]),
        ("mlp784", ["-o", "gradient.py"]),
        ("mlp784", ["-o", "gradient32.py", "--dtype", "float32"]),
        ("random_weights", ["-o", "gradient.py"]),
        ("why_backprop", ["-o", "gradient.py", "--dtype", "float32"]),
        ("million_weights", [*WEIGHTS, "-o", "gradient.py"]),
        ("million_weights", [*WEIGHTS, "-o", "gradient32.py", "--dtype", "float32"]),
        ("symbolic_auto_numeric", ["-o", "gradient.py"]),
    ],
)
def test_the_committed_gradient_is_fresh(example: str, options: list[str]) -> None:
    words = ["-m", "symdiff", "compile", "loss.py:loss", *options, "--check"]
    run(*words, folder=EXAMPLES / example)


def test_the_committed_gradients_of_regressions_are_fresh() -> None:
    words = ["-m", "symdiff", "compile", "losses.py:linear,logistic,softmax"]
    folder = EXAMPLES / "calculus_or_backprop"
    run(*words, "-o", "gradient.py", "--check", folder=folder)


@pytest.mark.parametrize(
    ("example", "most"),
    [("digits", 10_000), ("logistic", 100), ("random_weights", 2_000)],
)
def test_every_entry_agrees_with_central_differences(example: str, most: int) -> None:
    assert error_against_differences(example, most) <= 1e-7


def test_random_entries_of_the_large_network_agree_with_central_differences() -> None:
    assert error_against_differences("mlp784", 200) <= 1e-7


@pytest.mark.parametrize("example", DATA)
def test_the_gradient_agrees_with_autograd(
    example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = DATA[example]()
    value, gradient = load(example, "gradient").value_and_grad(*data)
    loss = load(example, "loss")
    monkeypatch.setattr(loss, "np", autograd.numpy)
    expected_value, expected = autograd.value_and_grad(loss.loss)(*data)
    assert value == pytest.approx(expected_value, rel=1e-14)
    assert largest_relative_error(gradient, expected) <= 1e-12


def test_the_large_network_has_335114_parameters() -> None:
    params = mlp784_data()[0]
    assert sum(array.size for array in leaves(params)) == 335_114


@pytest.mark.parametrize(
    ("name", "dtype", "tolerance"),
    [("gradient", "float64", 1e-12), ("gradient32", "float32", 1e-4)],
)
def test_the_large_network_agrees_with_the_gradient_by_hand(
    name: str, dtype: str, tolerance: float
) -> None:
    params, X, labels = mlp784_data()
    params = optree.tree_map(lambda array: array.astype(dtype), params)
    value, gradient = load("mlp784", name).value_and_grad(
        params, X.astype(dtype), labels
    )
    expected_value, expected = load("mlp784", "by_hand").value_and_grad(*mlp784_data())
    assert value == pytest.approx(expected_value, rel=tolerance)
    assert largest_relative_error(gradient, expected) <= tolerance
    assert {array.dtype.name for array in leaves(gradient)} == {dtype}


@pytest.mark.parametrize("example", DATA)
def test_the_emitted_module_checks_itself(example: str) -> None:
    run("gradient.py", "--check", folder=EXAMPLES / example)


def test_digits_reach_97_percent_on_the_held_out_fifth(tmp_path: Path) -> None:
    picture = tmp_path / "curve.png"
    text = run(EXAMPLES / "digits" / "train.py", "--out", picture, folder=tmp_path)
    found = re.search(r"accuracy ([\d.]+)% on the 359 held-out images", text)
    assert found, text
    assert float(found[1]) >= 97
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_logistic_gradient_agrees_with_its_closed_form(tmp_path: Path) -> None:
    text = run(EXAMPLES / "logistic" / "compare.py", folder=tmp_path)
    found = re.search(r"largest difference: ([\d.e+-]+)", text)
    assert found, text
    assert float(found[1]) <= 1e-14
    assert float(re.findall(r"([\d.]+)%", text)[-1]) >= 98


def test_the_benchmark_prints_a_row_for_each_dtype(tmp_path: Path) -> None:
    text = run(EXAMPLES / "mlp784" / "bench.py", "--rounds", "2", folder=tmp_path)
    assert re.search(r"float64.*ms.*ms.*ms.*\d\.\d\d.*\d\.\d\d", text)
    assert re.search(r"float32.*ms.*ms.*ms.*\d\.\d\d.*\d\.\d\d", text)


def test_back_propagation_learns_more_than_all_that_do_without(tmp_path: Path) -> None:
    picture = tmp_path / "race.png"
    words = ["--passes", "100", "--out", picture]
    text = run(EXAMPLES / "random_weights" / "race.py", *words, folder=tmp_path)
    rows = re.findall(r"│ ([\w' ]+?) +│[ \d,]+│[ \d.]+│ +([\d.]+)% │", text)
    accuracy = {method: float(percent) for method, percent in rows}
    with_gradient = {"SGD", "momentum", "RMSprop"}
    without = accuracy.keys() - with_gradient
    assert len(without) == 8, text
    assert min(accuracy[one] for one in with_gradient) > 90
    trained = without - {"perceptron's rule", "Boltzmann machine"}
    assert max(accuracy[one] for one in trained) < 80
    assert picture.read_bytes().startswith(b"\x89PNG")


def numbers(text: str, row: str) -> list[float]:
    """The numbers in a table's row that begins with these words."""
    (line,) = (one for one in text.splitlines() if one.startswith(f"│ {row} "))
    words = line.removeprefix(f"│ {row} ").replace(",", "").replace("│", " ").split()
    return [float(word) for word in words if re.fullmatch(r"[\d.]+(e[+-]\d+)?", word)]


def is_picture(path: Path) -> bool:
    return path.read_bytes().startswith(b"\x89PNG")


def test_numerical_gradients_take_an_evaluation_more_than_there_are_parameters(
    tmp_path: Path,
) -> None:
    script, picture = EXAMPLES / "why_backprop" / "measure.py", tmp_path / "cost.png"
    words = ["--samples", "20", "--budget", "0.1", "--most", "10000", "--out", picture]
    text = run(script, *words, folder=tmp_path)
    assert numbers(text, "forward differences")[0] == 335_115
    *_, ratio, _, times = numbers(text, "9,943")
    assert 1 < ratio < 20
    assert times > 9943 / 20
    assert is_picture(picture)


def test_one_module_is_the_gradient_of_networks_of_all_sizes() -> None:
    measure = load_script("why_backprop", "measure")
    for size in (1_000, 20_000):
        rng = np.random.default_rng(5)
        inputs, hidden = measure.widths(size)
        params = measure.make_params(inputs, hidden, rng)
        assert measure.count(params) == pytest.approx(size, rel=0.05)
        data = measure.make_data(inputs, 16, rng)
        gradient = load("why_backprop", "gradient").grad(params, *data)
        expected = load("mlp784", "by_hand").value_and_grad(params, *data)[1]
        assert largest_relative_error(gradient, expected) <= 1e-4


def test_forward_differences_lose_half_of_the_digits(tmp_path: Path) -> None:
    script, picture = EXAMPLES / "million_weights" / "measure.py", tmp_path / "u.png"
    words = ["--inputs", "20", "--hidden", "30", "--batch", "8", "--out", picture]
    text = run(script, *words, folder=tmp_path).partition("Relative errors")[2]
    errors = {
        power: numbers(text, f"forward difference │ 1e-{power:02}")[-1]
        for power in range(1, 17)
    }
    best = min(errors, key=lambda power: errors[power])
    assert 6 <= best <= 9
    assert 1e-9 < errors[best] < 1e-5
    assert errors[1] > 1e-3
    assert errors[14] > 1e-3
    for exact in ("complex step", "emitted gradient"):
        single, double = numbers(text, exact)[-2:]
        assert single < 2e-6
        assert double < 2e-15
    assert is_picture(picture)


def test_a_million_weights_is_what_the_example_has_by_default() -> None:
    measure = load_script("million_weights", "measure")
    data = measure.make_data(802, 1230, 1, np.random.default_rng(0))
    assert measure.count(data) == 1_000_000


def test_formulas_swell_where_walks_back_grow_by_a_layer_at_a_time(
    tmp_path: Path,
) -> None:
    script = EXAMPLES / "symbolic_auto_numeric" / "compare.py"
    picture = tmp_path / "operations.png"
    text = run(script, "--layers", "3", "--out", picture, folder=tmp_path)
    one, _, several = text.partition("Operations for a gradient")
    counts = [numbers(several, str(layers)) for layers in (1, 2, 3)]
    symbolic, shared, _, recorded, emitted = zip(*counts, strict=True)
    assert symbolic[2] / symbolic[1] > 3
    assert shared[2] - shared[1] > shared[1] - shared[0]
    assert recorded[2] - recorded[1] == recorded[1] - recorded[0]
    assert emitted[2] - emitted[1] == emitted[1] - emitted[0]
    for exact in ("symbolic", "recorded", "emitted", "complex step"):
        assert numbers(one, exact)[-1] < 1e-15
    assert 1e-10 < numbers(one, "forward differences")[-1] < 1e-6
    assert is_picture(picture)


def test_closed_forms_are_proved_and_agree_with_what_is_emitted(tmp_path: Path) -> None:
    script = EXAMPLES / "calculus_or_backprop" / "compare.py"
    picture = tmp_path / "times.png"
    words = ["--rows", "1000", "--weights", "50", "--out", picture]
    text = run(script, *words, folder=tmp_path)
    for name in ("linear", "logistic", "softmax"):
        assert f"equal: {name} is the gradient of {name} for" in text
        assert numbers(text, f"{name:<8} │ 1,000")[-1] < 1e-13
    assert numbers(text, "50")[-1] < 1e-8
    assert is_picture(picture)


def test_the_readme_shows_closed_forms_and_backward_passes_as_they_are() -> None:
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    columns = "| loss | closed form | backward pass as emitted |\n"
    rows = readme.partition(columns)[2].partition("\n\n")[0].splitlines()[1:]
    files = [
        (EXAMPLES / "calculus_or_backprop" / name).read_text(encoding="utf-8")
        for name in ("closed_form.py", "gradient.py")
    ]
    assert len(rows) == 3
    for row in rows:
        for cell, text in zip(row.split("|")[2:4], files, strict=True):
            shown = re.findall("`(.*?)`", cell)
            assert shown
            assert all(code in text for code in shown)
