"""The loss as SymPy's expression and as LaTeX."""

import re
import sys

import numpy as np
import pytest
import sympy

import symdiff


def rosenbrock(x, y):
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def corners(x, y):
    h = np.where(x > 0.2, np.log1p(x**2), np.exp(x))
    return np.maximum(h, y) * np.abs(x - y) + np.minimum(x, 2.0) + (x > y) * 0.5


def elementary(x, y):
    a = np.sin(x) * np.cosh(y) + np.arctan2(y, x) + np.sqrt(x**2 + 1) ** 3
    return np.logaddexp(a, x) + np.hypot(x, y) / (1 + np.exp(-x)) - x**-0.5 * np.cbrt(y)


def logical(x, y):
    inside = np.logical_and(x > 0, np.logical_not(y > 1))
    return np.where(np.logical_or(inside, x == y), x * y, x + y) ** 2


def named_mask(x, y):
    mask = x > y
    other = mask & (y > 0)
    return np.where(other, x, y) + np.where(mask, x**2, 0.0)


LOSSES = (rosenbrock, corners, elementary, logical, named_mask)
POINTS = ((0.3, 0.7), (1.4, 0.6), (2.5, 2.7))


def compiled(loss):
    return symdiff.compile(loss, {"x": (), "y": ()}, wrt=("x", "y"))


@pytest.mark.parametrize("loss", LOSSES)
def test_sympy_differentiates_the_expression_as_the_module_does(loss):
    made = compiled(loss)
    symbols = sympy.symbols("x y", real=True)
    value = sympy.lambdify(symbols, made.expression, ["scipy", "numpy"])
    slopes = [
        sympy.lambdify(symbols, sympy.diff(made.expression, one), ["scipy", "numpy"])
        for one in symbols
    ]
    for point in POINTS:
        expected, gradient = made.value_and_grad(*point)
        assert value(*point) == pytest.approx(float(expected), rel=1e-12)
        for slope, part in zip(slopes, gradient, strict=True):
            assert slope(*point) == pytest.approx(float(part), rel=1e-12)


def test_the_expression_is_ordinary_sympy():
    x, y = sympy.symbols("x y", real=True)
    expression = compiled(rosenbrock).expression
    assert expression.free_symbols == {x, y}
    assert sympy.simplify(expression - ((1 - x) ** 2 + 100 * (y - x**2) ** 2)) == 0
    assert sympy.expand(expression.subs({x: 1, y: 1})) == 0
    assert sympy.solve([expression.diff(x), expression.diff(y)], [x, y]) == [(1, 1)]
    assert r"\left(1 - x\right)^{2}" in sympy.latex(expression)


def test_real_numbers_that_are_fractions_are_exact():
    expression = compiled(lambda x, y: np.sqrt(x) * 0.25 + y**0.5 + 0.1 * x).expression
    x, y = sympy.symbols("x y", real=True)
    rest = expression - sympy.sqrt(x) / 4 - sympy.sqrt(y)
    assert sympy.simplify(rest) == 0.1 * x


def network(params, X, labels):
    h = X
    for layer in params[:-1]:
        h = np.maximum(h @ layer["W"] + layer["b"], 0)
    z = h @ params[-1]["W"] + params[-1]["b"]
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(labels)), labels])


def network_of(layers):
    params = [{"W": (4, 4), "b": (4,)}] * layers
    args = {"params": params, "X": ("n", 4), "labels": "n:int64"}
    return symdiff.compile(network, args, verify=False)


def balanced(text):
    depth = 0
    for one in re.sub(r"\\[{}]", "", text):
        depth += {"{": 1, "}": -1}.get(one, 0)
        assert depth >= 0
    assert depth == 0
    assert text.count(r"\left") == text.count(r"\right")
    assert text.count(r"\begin") == text.count(r"\end")
    assert text.isascii()


@pytest.mark.parametrize("loss", LOSSES)
def test_latex_is_balanced(loss):
    balanced(compiled(loss).latex())


def test_latex_has_a_line_for_each_named_value():
    text = network_of(3).latex()
    balanced(text)
    lines = text.splitlines()
    assert lines[0] == r"\begin{aligned}"
    assert lines[-1] == r"\end{aligned}"
    assert lines[1] == r"h &= \max\left(0, X W_{0} + b_{0}\right) \\"
    assert lines[2] == r"h^{(1)} &= \max\left(0, h W_{1} + b_{1}\right) \\"
    assert lines[3] == r"z &= h^{(1)} W_{2} + b_{2} \\"
    assert lines[4].startswith(r"\mathrm{log}_{p} &= z - \log{")
    assert lines[5].startswith("L &= ")


def test_latex_is_linear_in_the_layers_and_does_not_recurse():
    limit = sys.getrecursionlimit()
    lengths = [len(network_of(layers).latex()) for layers in (100, 1000)]
    assert lengths[1] < 11 * lengths[0]
    assert sys.getrecursionlimit() == limit


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x", "x"),
        ("W1", "W_{1}"),
        ("b_2", "b_{2}"),
        ("log_p", r"\mathrm{log}_{p}"),
        ("x_hat_12", r"x_{\mathrm{hat},\,12}"),
        ("gamma", r"\gamma"),
        ("Gamma", r"\Gamma"),
        ("sigma_0", r"\sigma_{0}"),
        ("lambda_", r"\lambda"),
        ("queries", r"\mathrm{queries}"),
        ("θ", r"\theta"),
        ("Ω1", r"\Omega_{1}"),
        ("_", "t"),
    ],
)
def test_names_in_latex(name, text):
    from symdiff.formula import symbol_text

    assert symbol_text(name) == text
