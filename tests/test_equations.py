"""The loss as equations in Unicode, which the module's docstring shows."""

import numpy as np
import pytest

import symdiff

ARGS = {"x": ("n", "d"), "y": ("n", "d"), "v": ("d",)}


def formula(loss, args=None):
    return symdiff.compile(loss, args or ARGS, verify=False).report.formula


@pytest.mark.parametrize(
    ("loss", "line"),
    [
        (lambda x, y, v: np.sum(x * y), "∑ (x · y)"),
        (lambda x, y, v: np.sum((x @ v) ** 2), "∑ (x v)²"),
        (lambda x, y, v: np.sum(x.T @ y), "∑ (xᵀ y)"),
        (lambda x, y, v: v @ v / 2 - np.mean(x), "vᵀ v / 2 - mean(x)"),
        (lambda x, y, v: -np.mean(np.log(x.sum(axis=1))), "-mean(log(∑ⱼ x))"),
        (
            lambda x, y, v: np.sum(np.sqrt(np.abs(x.max(axis=0)))),
            "∑ √|maxᵢ(x)|",
        ),
        (lambda x, y, v: np.sum(x**-2.0 + x**1.5), "∑ (x^(-2) + x^1.5)"),
        (lambda x, y, v: np.sum(1 / np.sqrt(x + 1)), "∑ (1 / √(x + 1))"),
        (lambda x, y, v: np.sum(np.where(x > 0, x, y[0])), "∑ where(x > 0, x, y[0])"),
        (lambda x, y, v: np.sum(x / x.sum(axis=1, keepdims=True)), "∑ (x / ∑ⱼ x)"),
        (lambda x, y, v: np.sum(x * (1 / 3)), "∑ (x · 0.333333)"),
    ],
)
def test_operations_are_written_as_mathematics_writes_them(loss, line):
    assert formula(loss) == (f"value = {line}",)


def test_named_values_have_lines_in_the_order_of_the_code():
    def loss(x, y, v):
        z = x @ v
        z = z - z.max()
        p = np.exp(z)
        return np.log(np.sum(p)) + np.sum(y)

    assert formula(loss) == (
        "z = x v",
        "z = z - max(z)",
        "p = exp(z)",
        "value = log(∑ p) + ∑ y",
    )


def test_of_a_loop_the_last_turn_is_told():
    def loss(x, y, v):
        h = x
        for _ in range(50):
            h = np.tanh(h * v)
        return np.sum(h)

    assert formula(loss) == ("h_49 = tanh(h_48 · v)", "value = ∑ h_49")


def test_a_large_loss_has_few_lines_and_no_long_one():
    def loss(x, y, v):
        a = [np.sin(k * x) for k in range(1, 30)]
        b = [one * y + other for one, other in zip(a, a[1:], strict=False)]
        return sum(np.sum(one * other) for one, other in zip(b, b[1:], strict=False))

    lines = formula(loss)
    assert 1 < len(lines) <= 9
    assert max(map(len, lines)) < 170


def test_what_is_shared_without_a_name_is_not_written_out_again_and_again():
    def loss(x, y, v):
        parts = (x,)
        for _ in range(300):
            parts = (np.sin(parts[0]) + np.cos(parts[0]) * parts[0],)
        return np.sum(parts[0])

    assert sum(map(len, formula(loss))) < 1000


def test_the_report_has_the_formula_in_latex_too():
    compiled = symdiff.compile(lambda x, y, v: np.sum(x @ v), ARGS)
    assert compiled.report.latex == compiled.latex()
