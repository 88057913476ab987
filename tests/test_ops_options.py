"""Options of NumPy's functions: taken where they change nothing, else refused."""

import re

import numpy as np
import pytest
from cases import case, check, over

from symdiff.errors import UnsupportedError

NEUTRAL = [
    case(text, "positive", x=("n", 3))
    for text in (
        "np.sum(x, axis=0, dtype=None, out=None, keepdims=np._NoValue)",
        "np.sum(x, initial=np._NoValue, where=np._NoValue)",
        "np.sum(x, where=True)",
        "np.mean(x, axis=1, dtype=None, out=None, where=np._NoValue)",
        "np.max(x, axis=1, out=None, initial=np._NoValue, where=np._NoValue)",
        "np.prod(x, axis=1, dtype=None, where=True)",
        "np.var(x, axis=1, dtype=None, correction=np._NoValue, mean=np._NoValue)",
        "np.std(x, ddof=1, where=np._NoValue)",
        "x.sum(axis=0, dtype=None, out=None)",
        "x.mean(0, dtype=None)",
        "x.reshape(-1, order='C')",
        "np.reshape(x, (-1, 3), order='C')",
        "x.ravel(order='C')",
        "x.astype(float, order='K', copy=False)",
        "x.copy(order='C')",
        "np.add(x, 1, out=None, where=True, dtype=None)",
        "np.exp(x, where=True, casting='same_kind', order='K', subok=True)",
        "np.matmul(x, x.T, out=None)",
        "np.dot(x, x.T, out=None)",
        "np.einsum('ij->j', x, out=None, optimize='optimal', casting='safe')",
        "np.concatenate([x, x], axis=0, out=None, dtype=None, casting='same_kind')",
        "np.stack([x, x], out=None, dtype=None, casting='same_kind')",
        "np.take(x, [0, 2], axis=1, out=None, mode='raise')",
        "np.broadcast_to(x, (2, len(x), 3), subok=False)",
        "logsumexp(x, axis=1, b=None, return_sign=False)",
        "x + np.zeros_like(x, dtype=None, order='K', subok=True, shape=None)",
        "x + np.zeros(3, order='C', like=None)",
        "x + np.eye(3, dtype=float)[0]",
    )
]


@over(NEUTRAL)
def test_options_that_change_nothing_are_taken(case):
    check(case, "float64")


REFUSED = [
    ("np.sum(x, dtype=np.float32)", "dtype"),
    ("np.sum(x, initial=1.0)", "initial"),
    ("np.sum(x, where=x > 0)", "where"),
    ("np.sum(x, where=[True, False, True])", "where"),
    ("np.max(x, initial=0.0)", "initial"),
    ("np.max(x, where=x > 0, initial=0)", "where"),
    ("np.mean(x, dtype=np.float32)", "dtype"),
    ("np.mean(x, where=x > 0)", "where"),
    ("np.var(x, mean=0.0)", "mean"),
    ("np.std(x, correction=1)", "correction"),
    ("np.prod(x, initial=2.0)", "initial"),
    ("x.sum(where=x > 0)", "where"),
    ("x.reshape(-1, order='F')", "order"),
    ("np.reshape(x, -1, order='F')", "order"),
    ("x.ravel(order='F')", "order"),
    ("x.flatten('F')", "order"),
    ("np.exp(x, where=x > 0)", "where"),
    ("np.add(x, 1, dtype=np.float32)", "dtype"),
    ("np.concatenate([x, x], dtype=np.float32)", "dtype"),
    ("logsumexp(x, b=[1.0, 2.0, 3.0])", "b"),
]


@pytest.mark.parametrize(("text", "option"), REFUSED)
def test_options_that_change_something_are_refused_by_name(text, option):
    with pytest.raises(UnsupportedError, match=re.escape(option)) as caught:
        case(text, x=(3,)).compiled()
    assert caught.value.position is not None


def test_what_is_not_supported_is_refused_with_near_names():
    with pytest.raises(UnsupportedError, match=r"np\.unpackbits"):
        case("np.unpackbits(x)", x=(3,)).compiled()
    assert np.unpackbits is not None
