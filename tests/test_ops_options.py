"""Options of NumPy's functions: taken where they change nothing, else refused."""

import re

import numpy as np
import pytest
from cases import case, check, over

import symdiff
from symdiff.errors import MutationError, ShapeError, UnsupportedError

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


TAKEN = [
    case(text, "positive", x=("n", 3))
    for text in (
        "np.sum(x, axis=0, dtype=float) ** 2",
        "np.sum(x, 0, None, None, True) ** 2",
        "np.sum(x > 1, dtype=int) * x",
        "np.sum(x, axis=-1, where=x > 0.8) ** 2",
        "np.sum(x, where=[True, False, True]) ** 2",
        "x.sum(axis=0, where=x > 0.8, initial=2.0) ** 2",
        "np.prod(x, axis=0, where=x > 0.8, initial=2.0) ** 2",
        "np.max(x, axis=0, initial=1.03) ** 2",
        "np.max(x, initial=0.0) ** 2",
        "x.max(axis=1, where=x < 1.1, initial=0.1) ** 2",
        "np.min(x, axis=(0, 1), initial=0.7, keepdims=True) ** 2",
        "np.mean(x, axis=1, dtype=float) ** 2",
        "np.mean(x, axis=1, where=[True, False, True], keepdims=True) * x",
        "np.var(x, axis=1, where=[True, False, True]) ** 2",
        "np.var(x, axis=0, mean=np.full((1, 3), 0.5)) ** 2",
        "np.std(x, axis=1, correction=1) ** 2",
        "np.std(x, 1, None, None, 1) ** 2",
        "x * np.all(x > 0.8, axis=1, where=[True, False, True], keepdims=True)",
        "x * np.any(x > 0.8, where=x < 0.9)",
        "np.nansum(x, axis=0, where=x > 0.8, initial=2.0) ** 2",
        "np.nanprod(x, axis=0, where=x > 0.8) ** 2",
        "np.nanmean(x, axis=1, where=[True, False, True]) ** 2",
        "np.nanvar(x, axis=1, where=[True, False, True], correction=0) ** 2",
        "np.nanstd(x, axis=1, mean=np.full((1, 1), 0.5)) ** 2",
        "np.nanmax(x, axis=1, where=x < 1.1, initial=0.1) ** 2",
        "np.nanmin(x, axis=0, initial=0.7) ** 2",
        "np.cumsum(x, axis=0, dtype=float) ** 2",
        "np.nancumprod(x, axis=-1) ** 2",
        "np.cumulative_prod(x, axis=0, include_initial=True) ** 2",
        "np.add.reduce(x, axis=1, where=x > 0.8, initial=2.0) ** 2",
        "np.maximum.reduce(x, axis=None, initial=1.03) ** 2",
    )
]


@over(TAKEN)
def test_options_of_reductions_are_taken(case):
    check(case, "float64")
    check(case, "float32")


def test_an_extremum_of_a_part_needs_what_stands_for_nothing():
    with pytest.raises(ShapeError, match="needs initial="):
        case("np.max(x, where=x > 0)", x=(3,)).compiled()


def test_fault_6_a_reduction_writes_into_no_array():
    out = np.zeros(())
    for text in ("x.sum(out=out)", "np.max(x, None, out)", "x.argmax(0, out)"):
        loss = eval(f"lambda x: {text}", {"np": np, "out": out})
        with pytest.raises(MutationError, match="out="):
            symdiff.compile(loss, {"x": (3,)})
    assert out == 0


@pytest.mark.parametrize(
    "text",
    [
        *("np.take(x, [0], 0, out)", "x.take([0], 0, out)", "np.choose([0], [x], out)"),
        *("np.compress([True], x, 0, out)", "x.compress([True], 0, out)"),
    ],
)
def test_fault_6_picking_writes_into_no_array(text):
    out = np.zeros(1)
    loss = eval(f"lambda x: {text}", {"np": np, "out": out})
    with pytest.raises(MutationError, match="out="):
        symdiff.compile(loss, {"x": (1,)})
    assert out == 0


REFUSED = [
    ("np.reshape(x, -1, order='A')", "order"),
    ("x.ravel(order='K')", "order"),
    ("x.flatten('A')", "order"),
    ("np.exp(x, where=x > 0)", "where"),
    ("np.add(x, 1, dtype=np.float32)", "dtype"),
    ("np.concatenate([x, x], dtype=np.float32)", "dtype"),
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
