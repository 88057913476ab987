"""The style for learners: an operation a line, each gradient with its rule."""

import ast
import re

import numpy as np
import pytest
from cases import passes_of
from click.testing import CliRunner

import symdiff
from symdiff.cli import main
from symdiff.errors import SpecError


def network(W, b, v, X, y):
    z = X @ W + b
    h = np.tanh(z)
    return np.mean((h @ v - y) ** 2)


ARGS = {"W": (3, 4), "b": (4,), "v": (4,), "X": ("n", 3), "y": ("n",)}
WRT = ("W", "b", "v")


def given(n=5):
    rng = np.random.default_rng(3)
    shapes = ((3, 4), (4,), (4,), (n, 3), (n,))
    return [rng.standard_normal(shape) for shape in shapes]


def test_it_computes_what_the_plain_style_does():
    plain, textbook = (
        symdiff.compile(network, ARGS, wrt=WRT, style=style)
        for style in ("plain", "textbook")
    )
    value, gradient = plain.value_and_grad(*given())
    again, same = textbook.value_and_grad(*given())
    assert again == value
    for one, other in zip(gradient, same, strict=True):
        np.testing.assert_allclose(other, one, 1e-13)


def test_each_gradient_has_its_rule():
    text = symdiff.compile(network, ARGS, wrt=WRT, style="textbook").source
    assert "#   tanh: g * (1 - y**2)" in text
    assert re.search(r"#   product of arrays: a\.T @ g\n    d_W = X\.T @ d_z ", text)
    assert re.search(r"#   sum: g\.sum\(axis=0\)\n    d_b = d_z\.sum\(axis=0\) ", text)
    assert "g is the gradient of the use's result y" in text


@pytest.mark.parametrize(
    ("function", "rule"),
    [
        (np.exp, "exp: g * y"),
        (np.log, "log: g / x"),
        (np.sin, "sin: g * np.cos(x)"),
        (np.sqrt, "power: g * 0.5 / y"),
        (lambda x: x[1:], "index: g at the places that were taken, 0 elsewhere"),
        (lambda x: np.maximum(x, 0), "maximum: g * np.sign(y)"),
    ],
)
def test_rules_are_those_of_the_table(function, rule):
    def loss(x):
        z = 2.0 * x
        return np.sum(np.cos(function(z)))

    text = symdiff.compile(loss, {"x": ("n",)}, style="textbook", verify=False).source
    assert f"#   {rule}\n" in text


def test_a_value_that_is_used_twice_has_two_rules():
    def loss(x):
        z = 2.0 * x
        return np.sum(np.exp(z) * np.sin(z))

    text = symdiff.compile(loss, {"x": ("n",)}, style="textbook").source
    assert re.search(r"#   exp: g \* y\n +#   sin: g \* np\.cos\(x\)\n +d_z = ", text)


def test_a_forward_line_has_one_operation():
    def loss(W, X):
        return np.mean(np.exp(np.tanh(X @ W) - X[0, 0]) / (1.0 + X[:, 1:] ** 2) ** 3)

    args = {"W": (4, 3), "X": ("n", 4)}
    text = symdiff.compile(loss, args, style="textbook").source
    forward = passes_of(text).partition("def backward")[0]
    for line in re.findall(r"^    (\w+ = .*?)(?:  #|$)", forward, re.MULTILINE)[1:]:
        kinds = (ast.BinOp, ast.Call)
        found = [one for one in ast.walk(ast.parse(line)) if isinstance(one, kinds)]
        assert len(found) <= 2, line  # `a - b * c` and `x.sum() / n` are no two steps


def test_the_style_is_kept_by_the_command(tmp_path):
    (tmp_path / "taught.py").write_text(
        "import numpy as np\n\nARGS = {'x': 'n'}\n\n\ndef loss(x):\n"
        "    return np.sum(np.exp(x))\n"
    )
    target = f"{tmp_path / 'taught.py'}:loss"
    done = CliRunner().invoke(main, ["compile", target, "--style", "textbook"])
    assert done.exit_code == 0, done.output
    assert "symdiff compile taught.py:loss --style textbook" in done.stdout
    assert "#   exp: g * y" in done.stdout


def test_another_style_is_refused():
    with pytest.raises(SpecError, match="style='fancy' is no choice"):
        symdiff.compile(network, ARGS, style="fancy")
