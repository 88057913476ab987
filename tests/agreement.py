"""A compiled loss held against the plain function: values, and gradients by differences."""

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np

import symdiff

Sizes = Mapping[str, int]


def drawn(spec: object, sizes: Sizes, rng: np.random.Generator, below: int) -> object:
    """An argument of a spec: a shape, a text such as "n:int64", or nested lists and dicts."""
    if isinstance(spec, list):
        return [drawn(one, sizes, rng, below) for one in spec]
    if isinstance(spec, dict):
        return {key: drawn(one, sizes, rng, below) for key, one in spec.items()}
    dtype = "float64"
    if isinstance(spec, str):
        text, _, kind = spec.partition(":")
        dtype = kind or dtype
        spec = tuple(int(s) if s.isdigit() else s for s in text.split(",") if s != "()")
    assert isinstance(spec, tuple)
    shape = tuple(sizes.get(size, size) for size in spec)
    if dtype == "float64":
        return rng.normal(size=shape)
    return rng.integers(0, below, shape).astype(dtype)


def differences(fn: Callable, arguments: Sequence, place: int) -> np.ndarray:
    """The gradient of one array argument by Richardson's differences."""
    array = np.asarray(arguments[place])
    slopes = np.zeros(array.shape)
    for index in np.ndindex(*array.shape):

        def at(step: float, index: tuple = index) -> float:
            moved = array.copy()
            moved[index] += step
            return fn(*arguments[:place], moved, *arguments[place + 1 :])

        near, far = at(1e-3) - at(-1e-3), at(2e-3) - at(-2e-3)
        slopes[index] = (8 * near - far) / 12e-3
    return slopes


def agrees(
    fn: Callable,
    args: Mapping,
    *all_sizes: Sizes,
    below: int = 3,
    wrt: str | None = None,
) -> symdiff.Compiled:
    """Compile `fn` and hold its value and gradient against `fn` itself at these sizes."""
    compiled = symdiff.compile(fn, args, wrt=wrt)
    place = 0 if wrt is None else list(args).index(wrt)
    rng = np.random.default_rng(0)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for sizes in all_sizes or ({},):
            arguments = [drawn(spec, sizes, rng, below) for spec in args.values()]
            value, gradient = compiled.value_and_grad(*arguments)
            expected = fn(*arguments)
            np.testing.assert_allclose(
                value, expected, rtol=1e-12, atol=1e-13, err_msg=str(sizes)
            )
            if isinstance(arguments[place], np.ndarray):
                assert gradient.shape == arguments[place].shape, sizes
                if np.isfinite(expected):
                    np.testing.assert_allclose(
                        gradient,
                        differences(fn, arguments, place),
                        rtol=1e-7,
                        atol=1e-8,
                        err_msg=str(sizes),
                    )
    return compiled
