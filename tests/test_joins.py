"""Arrays that are joined are written where they will stand: the same values, no copies."""

import numpy as np
import pytest

import symdiff

ARGS = {"x": ("n", 3), "y": ("n", 3)}


def rows(x, y):
    return np.sum(np.tanh(np.concatenate([np.sin(x), np.cos(y), np.exp(x)])) ** 2)


def stacked(x, y):
    return np.sum(np.tanh(np.stack([np.sin(x), np.cos(y)])) ** 2)


def nested(x, y):
    inner = np.concatenate([np.sin(x), np.cos(y)])
    return np.sum(np.tanh(np.concatenate([inner, np.exp(y), inner])) ** 2)


def read_behind(x, y):
    a, b = np.sin(x), np.cos(y)
    joined = np.concatenate([a, b])
    return np.sum(np.exp(joined)) + np.sum(a * np.tanh(joined[1:].sum(axis=0)) * b)


def overwritten(x, y):
    a = np.sin(x)
    joined = np.concatenate([a, np.cos(y)]) * 2
    return np.sum(np.tanh(np.exp(joined)).sum(axis=0) * np.tanh(a))


def twice(x, y):
    a = np.sin(x)
    return np.sum(np.concatenate([a, a]) * np.concatenate([np.cos(y), a])) ** 2


def products(x, y):
    parts = [one @ np.cos(y).T for one in (np.sin(x), x * y)]
    return np.sum(np.tanh(np.concatenate(parts)) ** 2)


def views(x, y):
    return np.sum(np.sin(np.concatenate([x, y[::-1], np.exp(x)])) ** 2)


def compiled(loss, style, args=ARGS, **options):
    return symdiff.compile(
        loss, args, wrt=tuple(args), style=style, verify=False, **options
    )


def statements(module):
    """Return the function of both passes without its comments."""
    text = module.source.partition("def value_and_grad")[2].partition("\ndef ")[0]
    return [line.partition("#")[0] for line in text.splitlines()]


def agree(one, other, arguments):
    value, gradient = one.value_and_grad(*arguments)
    expected, slopes = other.value_and_grad(*arguments)
    np.testing.assert_allclose(value, expected, 1e-12)
    for part, slope in zip(gradient, slopes, strict=True):
        np.testing.assert_allclose(part, slope, 1e-11, 1e-13)


# Losses, and how many parts are copied, alone or all together: those that are arguments,
# in the gradient's arrays, or in another whole already.
CASES = [
    (rows, 1, 0),
    (stacked, 0, 0),
    (nested, 2, 0),
    (read_behind, 1, 0),
    (overwritten, 1, 0),
    (twice, 0, 1),
    (products, 0, 0),
    (views, 0, 1),
]


@pytest.mark.parametrize(("loss", "alone", "together"), CASES)
def test_joined_arrays_are_those_of_the_plain_style(loss, alone, together):
    fast, plain = compiled(loss, "fast"), compiled(loss, "plain")
    lines = statements(fast)
    joining = ("np.concatenate(" in line or "np.stack(" in line for line in lines)
    assert sum(joining) == together
    assert sum("] = " in line for line in lines) == alone
    for n in 1, 2, 5:
        rng = np.random.default_rng(n)
        arguments = rng.normal(size=(2, n, 3))
        for _ in range(2):  # the workspace's arrays are used again
            agree(fast, plain, arguments)


def test_parts_of_rows_are_written_there_where_they_are_long():
    def loss(x):
        return np.sum(np.tanh(np.concatenate([np.sin(x), np.cos(x)], axis=1)) ** 2)

    for width, text in (600, "joined[:, :600]"), (6, "np.concatenate("):
        args = {"x": ("n", width)}
        fast = compiled(loss, "fast", args)
        whole = fast.source.partition("def value_and_grad")[2]
        assert text in whole.partition("if __name__")[0]
        agree(
            fast,
            compiled(loss, "plain", args),
            [np.random.default_rng(0).normal(size=(3, width))],
        )
