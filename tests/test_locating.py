"""Where a wrong gradient goes wrong: mistakes planted at a line, and the line named."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import sympy

import symdiff
from symdiff.ops.contraction import Contraction
from symdiff.ops.table import ROWS

ARGS = {"W": ("d", "k"), "b": ("k",), "v": ("k",), "X": ("n", "d"), "y": ("n",)}
WRT = ("W", "b", "v")


def loss(W, b, v, X, y):
    h = np.tanh(X @ W + b)
    error = h @ v - y
    return np.mean(error**2) / 2 + 0.05 * np.sum(W**2)


LINE = loss.__code__.co_firstlineno


def gradient(W, b, v, X, y, *, slope=lambda h: 1 - h**2, n=None, decay=0.1, share=1):
    h = np.tanh(X @ W + b)
    d_error = (h @ v - y) / (n or len(y))
    d_pre = np.outer(d_error, v) * slope(h)
    return X.T @ d_pre + decay * W, share * d_pre.sum(axis=0), d_error @ h


def said(wrt=WRT, **mistake) -> tuple[str, ...]:
    checkup = symdiff.check(
        loss,
        gradient=lambda W, b, v, X, y: gradient(W, b, v, X, y, **mistake),
        wrt=wrt,
    )
    assert checkup.outcome == "wrong"
    return checkup.points[-1].explanations


@pytest.mark.parametrize(
    ("slope", "named"),
    [
        (lambda h: 1 - h, "1 - y"),
        (lambda h: 1 + 0 * h, "1"),
        (lambda h: h, "y"),
        (lambda h: 1 + h**2, "1 + y**2"),
        (lambda h: h * (1 - h), "y - y**2"),
    ],
)
def test_a_derivative_replaced_by_another(slope, named):
    (text,) = said(slope=slope)
    assert text == (
        "it is as if the derivative of y = np.tanh(X @ W + b) "
        f"(test_locating.py:{LINE + 1}) were {named}"
    )


def test_a_term_left_out():
    (text,) = said(decay=0)
    place = f"(test_locating.py:{LINE + 3})"
    assert " to 0.05 * np.sum(W**2) were left out, or " in text
    assert text.endswith(f"what comes back from W**2 {place} to W were left out")


def test_a_factor_of_a_term():
    (text,) = said(decay=0.05)
    assert "to 0.05 * np.sum(W**2) were 1/2 times as large" in text


def test_a_factor_of_one_operand():
    (text,) = said(share=-1)
    place = f"X @ W + b (test_locating.py:{LINE + 1})"
    assert text == f"it is as if what comes back from {place} to b had the other sign"


def test_mistakes_apart_are_explained_apart():
    checkup = symdiff.check(
        loss,
        gradient=lambda *args: (
            gradient(*args, slope=lambda h: 1 - h)[0],
            2 * gradient(*args)[1],
            gradient(*args)[2],
        ),
        wrt=WRT,
    )
    W, b = checkup.points[-1].explanations
    assert W.startswith("W is as if the derivative of y = np.tanh(X @ W + b)")
    assert b.startswith("b is as if what comes back from X @ W + b")
    assert b.endswith("to b were 2 times as large")
    assert all(text in str(checkup) for text in (W, b))


def test_a_path_through_the_mean_forgotten():
    def normalised(x, w):
        centred = x - np.mean(x)
        return np.sum(w * centred**3)

    checkup = symdiff.check(
        normalised,
        {"x": "n", "w": "n"},
        gradient=lambda x, w: 3 * w * (x - x.mean()) ** 2,
    )
    (text,) = checkup.points[-1].explanations
    assert "x - np.mean(x)" in text
    assert text.endswith("were left out")


def test_what_no_single_mistake_explains_is_not_explained():
    checkup = symdiff.check(loss, gradient=lambda W, b, v, X, y: np.sin(1 + W), wrt="W")
    assert checkup.outcome == "wrong"
    assert checkup.points[-1].explanations == ()


@pytest.mark.parametrize(
    ("cls", "text"),
    [(sympy.tanh, "np.tanh(X @ W + b)"), (sympy.Pow, "W**2"), (Contraction, "")],
)
def test_a_broken_rule_of_the_table_is_found_at_its_line(monkeypatch, cls, text):
    row = ROWS[cls]
    rules = row.vjp

    def broken(g, y, x, needed):
        if callable(rules):
            parts = rules(g, y, x, needed)
        else:
            parts = [rule(g, y, *x) if rule else None for rule in rules]
        return [None if part is None else 1.5 * part for part in parts]

    monkeypatch.setitem(ROWS, cls, dataclasses.replace(row, vjp=broken))
    checkup = symdiff.check(loss, wrt=WRT)
    assert checkup.outcome == "wrong"
    (said,) = checkup.points[-1].explanations
    assert said.startswith(f"the rule of {text}")
    assert "(test_locating.py:" in said
