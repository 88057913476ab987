"""Rules of simplification, one by one: each fires, and the gradient stays right."""

import numpy as np
import pytest
from agreement import agrees
from cases import passes_of

import symdiff

SQUARE = {"x": ("n", "n")}
WIDE = {"x": ("n", 6)}
SIZES = ({"n": 1}, {"n": 3})


def joined(x):
    both = np.concatenate([np.sin(x), np.cos(x)], axis=1)
    return np.sum(both[:, :6] * both[:, 6:] ** 2)


def stacked(x):
    both = np.stack([np.sin(x), np.cos(x)], axis=1)
    return np.sum(both[:, 0] * both[:, 1] ** 2)


def where_twice(x):
    mask = x > 0
    return np.sum(np.where(mask, np.where(mask, x**2, x**3), x**4))


def where_of_where(x):
    mask = x > 0
    return np.sum(np.where(mask, x**2, np.where(mask, x**3, x**4)))


def masks(x):
    return np.sum(np.where(x > 0, np.where(x < 1, x**2, 0), 0))


def negated(x):
    return np.sum(np.where(~(x > 0), x**2, x**3))


def gate_of_nothing(x):
    i, f, o = np.split(x, 3, axis=1)
    cell = np.tanh(f) * np.zeros(f.shape) + np.tanh(i)
    return np.sum(cell * o)


def gates(x):
    i, f, o = np.split(x, 3, axis=1)
    return np.sum(np.tanh(i) * np.sin(f) + np.exp(o))


# The loss, its argument, what its backward pass has and what it has no more.
RULES = {
    "a slice of a concatenation is one of its arrays": (joined, WIDE, [], ["both"]),
    "a layer of a stack is one of its arrays": (stacked, WIDE, [], ["both"]),
    "what was added at a key is taken from there": (
        stacked,
        WIDE,
        [],
        ["np.zeros"],
    ),
    "a condition chooses once": (
        where_twice,
        WIDE,
        [],
        [", 0))", "np.where(mask, 0, 0"],
    ),
    "a condition that fails chooses once": (
        where_of_where,
        WIDE,
        [],
        ["np.where(mask, np"],
    ),
    "of two choices by one mask there is one": (
        lambda x: np.sum(np.sin(np.where(x > 0, x, 0.1 * x))),
        WIDE,
        ["np.where(x_above_0, d_where_x_above_0, 0.1 * d_where_x_above_0)"],
        [") + np.where("],
    ),
    "what is put into the only column is reshaped": (
        lambda x: np.sum(np.exp(np.cumsum(x, axis=1) @ np.ones((6, 1)))[:, 0] ** 2),
        WIDE,
        ["[:, None]"],
        ["np.zeros"],
    ),
    "two masks are one": (masks, WIDE, ["&"], []),
    "a negated mask is the mask": (negated, WIDE, [], ["~"]),
    "zeros are not written into zeros": (
        gate_of_nothing,
        WIDE,
        ["d_x[:, 4:]", "d_x[:, :2]"],
        ["d_x[:, 2:4]"],
    ),
    "parts that fill an array are a concatenation": (
        gates,
        WIDE,
        ["np.concatenate([", "], axis=1)"],
        ["np.zeros"],
    ),
    "a trace for a sum with a unit matrix": (
        lambda x: np.sum(np.sin(np.sum(x)) * np.eye(x.shape[0]) * np.exp(x)),
        SQUARE,
        ["np.trace("],
        [],
    ),
    "no product with a unit matrix": (
        lambda x: np.sum(np.sin(x @ np.eye(x.shape[0]))),
        SQUARE,
        [],
        ["@ eye", "eye @"],
    ),
    "minus of a product with a negative array is the product": (
        lambda x: -np.sum(np.exp(-x @ np.sin(np.ones((6, 3))))),
        WIDE,
        ["= cotangent * exp"],
        ["-"],
    ),
    "a product over one of its factors is the other": (
        lambda x: np.sum(np.exp(-1 / (2 * np.exp(x) ** 2))),
        WIDE,
        ["d_x = cotangent * exp_minus_exp_x_squared / exp_x_squared"],
        ["**", "2 *"],
    ),
    "a quotient times its divisor is the dividend": (
        lambda x: np.sum((np.sin(x) / np.exp(x)) * np.exp(x) ** 2),
        WIDE,
        ["d_x = cotangent * exp_x * (sin_x + np.cos(x))"],
        [" / "],
    ),
    "a logarithm's quotient cancels with what it is multiplied with": (
        lambda x: np.sum(np.cosh(x) * np.log(np.cosh(x) / np.arange(2.0, 8.0))),
        WIDE,
        ["d_x = (cotangent * log_cosh_x_over_constant + cotangent) * np.sinh(x)"],
        [" / "],
    ),
    "one transpose for two": (
        lambda x: np.sum(np.sin((1 * x.T).T)),
        SQUARE,
        [],
        [".T"],
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_the_rule_holds_and_the_gradient_is_right(name):
    loss, args, present, absent = RULES[name]
    compiled = agrees(loss, args, *SIZES)
    passes = passes_of(compiled.source)
    lines = passes[passes.index("def backward") :].splitlines()
    backward = "\n".join(line for line in lines if "gradient of:" not in line)
    assert all(text in backward for text in present)
    assert not any(text in backward for text in absent)


def test_what_cancels_is_right_where_it_overflows():
    kernel = symdiff.compile(
        lambda log_length, x: np.sum(np.exp(-(x**2) / (2 * np.exp(log_length) ** 2))),
        {"log_length": (), "x": (3,)},
    )
    with np.errstate(over="ignore"):
        value, gradient = kernel.value_and_grad(400.0, np.ones(3))
    assert (value, gradient) == (3, 0)


def test_what_cancels_is_not_looked_for_without_end():
    def loss(x):
        y = x
        for _ in range(1100):
            y = 1.001 * y
        return np.sum(np.log(y) / y * x)

    value, gradient = symdiff.compile(loss, {"x": (1,)}, verify=False).value_and_grad(
        np.ones(1)
    )
    assert np.isclose(value, gradient[0] * np.log(1.001**1100))
