"""Python around the arrays: whatever a loss is written with, its gradient is the same.

Each loss here is the sum of squares of its argument, so that its gradient is twice it.
"""

import functools
import math
import typing

import einops
import numpy as np
import pytest
from jaxtyping import Float, jaxtyped

import symdiff
from symdiff import errors

EINOPS = {
    "rearrange": lambda x: np.sum(einops.rearrange(x, "n d -> (d n)") ** 2),
    "rearrange apart": lambda x: np.sum(
        einops.rearrange(x, "n (a b) -> a n b", b=1) ** 2
    ),
    "reduce": lambda x: einops.reduce(x**2, "n d -> n", "sum").sum(),
    "reduce to a number": lambda x: einops.reduce(x**2, "n d -> ", "sum"),
    "reduce by mean": lambda x: 3 * einops.reduce(x**2, "n d -> n", "mean").sum(),
    "repeat": lambda x: np.sum(einops.repeat(x, "n d -> n d k", k=2) ** 2) / 2,
    "repeat by a size": lambda x: (
        np.sum(einops.repeat(x, "n d -> k n d", k=x.shape[0]) ** 2) / len(x)
    ),
    "einsum": lambda x: einops.einsum(x, x, "n d, n d ->"),
    "pack": lambda x: np.sum(einops.pack([x, x], "n *")[0] ** 2) / 2,
    "unpack": lambda x: np.sum(einops.unpack(x, [[1], [2]], "n *")[1] ** 2)
    + np.sum(x[:, :1] ** 2),
}


def namespace(x):
    xp = x.__array_namespace__()
    flat = xp.reshape(xp.permute_dims(x, (1, 0)), (-1,))
    doubled = xp.concat([flat, flat])
    return xp.sum(xp.pow(doubled, 2)) / 2


def vectors(x):
    xp = x.__array_namespace__(api_version="2023.12")
    return xp.sum(xp.vecdot(x, xp.asarray(x))) + 0 * xp.sum(xp.matrix_transpose(x))


def norm(x):
    xp = x.__array_namespace__()
    return xp.linalg.vector_norm(x) ** 2 / 2 + xp.linalg.matrix_norm(x) ** 2 / 2


def asks_what_it_is(x):
    if not isinstance(x, np.ndarray) or np.isscalar(x) or np.iscomplexobj(x):
        raise TypeError("an array of real numbers, please")
    assert np.ndim(x) == x.ndim == 2
    assert np.shape(x) == x.shape
    assert np.isrealobj(x)
    assert hasattr(x, "shape")
    assert x.dtype == np.float64
    assert np.issubdtype(x.dtype, np.floating)
    n, d = x.shape
    assert x.shape == (n, 3)
    assert np.size(x) == n * d
    return np.sum(x**2) + 0 * np.finfo(x.dtype).eps


@jaxtyped(typechecker=None)
def annotated(x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, ""]:
    assert isinstance(x, Float[np.ndarray, "n d"])
    return np.sum(x**2)


def matched(x):
    match x.shape:
        case (_,):
            return np.sum(np.abs(x))
        case (_, 3):
            return np.sum(x**2)


def guarded(x):
    try:
        with np.errstate(all="ignore"):
            return np.linalg.norm(x) ** 2
    except np.linalg.LinAlgError:
        return np.inf


def recursive(x, power=2):
    return x if power == 1 else x * recursive(x, power - 1)


def formatted(x):
    assert f"{x.shape[1]} {x}" == "3 <traced x: float64[n, 3]>" or type(x) is np.ndarray
    if (d := x.shape[1]) == 3:
        return math.sqrt(d) * np.sum(x**2) / math.sqrt(x.shape[1])


class Scaled:
    def __init__(self, scale):
        self.scale = scale

    def __call__(self, x):
        return np.sum(x * self.scale * x)

    def method(self, x, *, offset=0.0):
        return self(x) + offset


@functools.singledispatch
def dispatched(x):
    raise TypeError(type(x).__name__)


@dispatched.register
def _(x: np.ndarray):
    return np.sum(x**2)


UNKNOWN = {
    **EINOPS,
    "the array API": namespace,
    "the array API's vectors": vectors,
    "the array API's norms": norm,
    "questions": asks_what_it_is,
    "jaxtyping": annotated,
    "match": matched,
    "try": guarded,
    "recursion": lambda x: np.sum(recursive(x)),
    "text": formatted,
    "object": Scaled(1.0),
    "method": Scaled(1.0).method,
    "partial": functools.partial(lambda power, x: np.sum(x**power), 2),
    "singledispatch": lambda x: dispatched(x),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_loss_over_an_unknown_size(name):
    compiled = symdiff.compile(UNKNOWN[name], args={"x": ("n", 3)})
    for n in (1, 4):
        x = np.random.default_rng(n).normal(size=(n, 3))
        value, gradient = compiled.value_and_grad(x)
        assert np.isclose(value, np.sum(x**2))
        assert np.allclose(gradient, 2 * x)


def loops(x):
    total, steps = 0, iter(x)
    for place, (row, same) in enumerate(zip(reversed(x), x[::-1], strict=True)):
        total = total + (row * same).sum() * min(place + 1, 1)
    first, *others = x
    assert max(len(row) for row in others) == len(next(steps)) == 3
    return total + 0 * first.sum()


KNOWN = {
    "loops": loops,
    "sum": lambda x: sum(np.dot(row, row) for row in x),
    "map and filter": lambda x: sum(
        map(np.sum, filter(lambda row: len(row) == 3, x**2))
    ),
    "reduce": lambda x: functools.reduce(lambda a, b: a + b, list(x**2)).sum(),
    "dict": lambda x: sum({i: np.sum(row**2) for i, row in enumerate(x)}.values()),
}


@pytest.mark.parametrize("name", KNOWN)
def test_a_loss_that_loops_over_a_known_axis(name):
    compiled = symdiff.compile(KNOWN[name], args={"x": (4, 3)})
    x = np.random.default_rng(0).normal(size=(4, 3))
    assert np.isclose(compiled.value(x), np.sum(x**2))
    assert np.allclose(compiled.grad(x), 2 * x)


def test_einops_knows_no_traced_array_once_the_trace_is_over():
    symdiff.compile(EINOPS["rearrange"], args={"x": ("n", 3)})
    from einops import _backends

    assert all("symdiff" not in one.__module__ for one in _backends._type2backend)


def test_the_same_pattern_of_einops_with_another_name_of_the_size():
    for name in ("n", "m"):
        symdiff.compile(EINOPS["rearrange"], args={"x": (name, 3)})


@pytest.mark.parametrize(
    ("compare", "remedy"),
    [
        (lambda x: max(x), "max() compares values: write np.max(x), or np.max"),
        (lambda x: min(x[0], x[1]), "min() compares values: write np.min(x)"),
        (lambda x: sorted(x)[0], "sorted() compares values: write np.sort(x)."),
        (lambda x: x[0] * any(x > 0), "any() compares values: write np.any(x)"),
    ],
)
def test_a_function_of_pythons_that_compares_names_numpys(compare, remedy):
    with pytest.raises(errors.ValueDependenceError) as caught:
        symdiff.compile(compare, args={"x": (3,)})
    assert f"Python's {remedy}" in str(caught.value)


def small_or_large(x):
    if len(x) < 5:
        return np.sum(x)
    return np.sum(x**2)


def at_most_four(x):
    return np.sum(x**2) / min(len(x), 4)


def four_rounds(x):
    total = 0.0
    for i in range(min(len(x), 4)):
        total = total + x[i]
    return total


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (small_or_large, "which branch is taken here depends on an unknown size"),
        (at_most_four, "a number that is 4, 3, 4, 4 in turn"),
        (four_rounds, "how often this loop runs depends on an unknown size"),
    ],
)
def test_a_branch_below_the_traced_sizes_is_found_where_it_is_taken(loss, message):
    with pytest.raises(errors.SizeError) as caught:
        symdiff.compile(loss, args={"x": ("n",)})
    assert message in str(caught.value)
    code = typing.cast(typing.Any, loss).__code__
    assert code.co_firstlineno < caught.value.position.line <= code.co_firstlineno + 3


def test_equal_sizes_of_two_arguments_are_checked_with_both_names():
    compiled = symdiff.compile(
        lambda x, y: np.sum(x * y), args={"x": ("n", "d"), "y": ("n", "d")}
    )
    with pytest.raises(ValueError, match=r"^y has shape \(2, 4\), expected \(2, 3\)"):
        compiled.value(np.ones((2, 3)), np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"d is x\.shape\[1\]"):
        compiled.value(np.ones((2, 3)), np.ones((2, 4)))


def computed_sizes(x, image, kernel):
    (n, d), (h, w), (p, q) = x.shape, image.shape, kernel.shape
    rows, columns = h - p + 1, w - q + 1
    windows = np.lib.stride_tricks.sliding_window_view(image, (p, q))
    filtered = np.sum(windows * kernel, axis=(2, 3)) / (rows * columns)
    return np.sum(filtered**2) + np.sum(x[: n // 2] ** 2) / (n * d) + (n - 1) * x[0, 0]


def test_sizes_are_computed_from_sizes():
    compiled = symdiff.compile(
        computed_sizes,
        args={"x": ("n", "d"), "image": ("h", "w"), "kernel": ("p", "q")},
        wrt=("x", "image", "kernel"),
    )
    x, image, kernel = np.ones((5, 2)), np.eye(4, 6), np.ones((2, 3))
    assert np.isclose(
        compiled.value(x, image, kernel), computed_sizes(x, image, kernel)
    )
    d = compiled.grad(x, image, kernel)
    assert np.allclose(d.x[1:], [[0.2] * 2, [0] * 2, [0] * 2, [0] * 2])
