"""Operations as rows of a table, each held against NumPy itself and against differences.

A `Case` is a small function of arrays. Its loss weighs every element of the result
differently; the compiled value must be the function's own, the compiled gradient that
of Richardson's central differences, in the dtype asked for, at sizes never traced.
"""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import symdiff

__all__ = ["Case", "check", "differences", "loss_of", "over", "row"]

# How arguments are drawn, by the domain in which a function is smooth.
DOMAINS: dict[str, Callable[[np.random.Generator, tuple], np.ndarray]] = {
    "real": lambda rng, shape: rng.standard_normal(shape),
    "positive": lambda rng, shape: rng.uniform(0.5, 2.0, shape),
    "unit": lambda rng, shape: rng.uniform(-0.8, 0.8, shape),
    "above": lambda rng, shape: rng.uniform(1.2, 3.0, shape),
}


@dataclass(frozen=True)
class Case:
    """A function, its arguments' shapes and dtypes, and where it is smooth."""

    name: str
    function: Callable
    args: Mapping[str, tuple]
    domain: str = "real"
    data: Mapping[str, str] = field(default_factory=dict)
    below: int = 3

    @property
    def wrt(self) -> tuple[str, ...]:
        return tuple(name for name in self.args if name not in self.data)

    @property
    def sizes(self) -> tuple[str, ...]:
        names = [one for shape in self.args.values() for one in shape]
        return tuple(dict.fromkeys(one for one in names if isinstance(one, str)))

    def specs(self) -> dict[str, Any]:
        return {
            name: symdiff.ArraySpec(shape, self.data.get(name))
            for name, shape in self.args.items()
        }

    def draw(self, sizes: Mapping[str, int], dtype: str, seed: int = 0) -> list:
        rng = np.random.default_rng(seed)
        return [
            self._drawn(rng, tuple(sizes.get(one, one) for one in shape), name, dtype)
            for name, shape in self.args.items()
        ]

    def _drawn(
        self, rng: np.random.Generator, shape: tuple, name: str, dtype: str
    ) -> np.ndarray:
        kind = self.data.get(name)
        if kind is None:
            array = DOMAINS[self.domain](rng, shape).astype(dtype)
        else:
            array = rng.integers(0, 2 if kind == "bool" else self.below, shape)
            array = array.astype(kind)
        array = np.asarray(array)
        array.flags.writeable = False
        return array


def row(
    name: str, function: Callable, *shapes: tuple, domain: str = "real", **data: Any
) -> Case:
    """Return a case; a shape may hold a dtype as its last item: `("n", "int64")`."""
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    args, kinds = {}, {}
    for argument, shape in zip(names, shapes, strict=True):
        *sizes, last = (*shape, None) if not shape else shape
        if isinstance(last, str) and last in _DTYPES:
            kinds[argument], shape = last, tuple(sizes)
        args[argument] = shape
    return Case(name, function, args, domain, kinds, **data)


_DTYPES = ("bool", "uint8", "int32", "int64")


def over(cases: Iterable[Case]) -> pytest.MarkDecorator:
    """Return the parametrization of a test over cases."""
    listed = list(cases)
    names = [case.name for case in listed]
    assert len(set(names)) == len(names), "two rows have one name"
    return pytest.mark.parametrize("case", listed, ids=names)


def loss_of(function: Callable) -> Callable:
    """Return the loss that weighs each element of a function's result differently."""

    def loss(*args):
        result = function(*args)
        weights = np.cos(1.0 + np.arange(np.size(result)))
        return np.sum(result * weights.reshape(np.shape(result)))

    return _with_names(loss, function)


def _with_names(loss: Callable, function: Callable) -> Callable:
    """Return a loss of named parameters from one of any."""
    count = function.__code__.co_argcount
    names = ", ".join(function.__code__.co_varnames[:count])
    space: dict[str, Any] = {"loss": loss}
    exec(f"def named({names}):\n    return loss({names})", space)
    return space["named"]


def differences(loss: Callable, arguments: Sequence[np.ndarray], place: int) -> Any:
    """Return a loss's gradient for one argument by Richardson's central differences."""
    arguments = [np.array(one, copy=True) for one in arguments]
    moved = arguments[place]
    gradient = np.zeros(moved.shape)
    for index in np.ndindex(moved.shape):
        origin = moved[index]

        def at(distance, index=index, origin=origin):
            moved[index] = origin + distance
            return float(loss(*arguments))

        near, far = at(1e-3) - at(-1e-3), at(2e-3) - at(-2e-3)
        gradient[index] = (8 * near - far) / 12e-3
        moved[index] = origin
    return gradient


def check(case: Case, dtype: str, lengths: Sequence[int] = (1, 2, 5, 0)) -> None:
    """Hold a case's compiled value and gradient against NumPy and differences."""
    loss = loss_of(case.function)
    compiled = symdiff.compile(
        loss, case.specs(), wrt=case.wrt, dtype=dtype, verify=False
    )
    for length in lengths if case.sizes else (2,):
        sizes = {name: length + (place if length else 0) for place, name in enumerate(case.sizes)}
        check_at(case, loss, compiled, sizes, dtype)


def check_at(
    case: Case, loss: Callable, compiled: Any, sizes: Mapping[str, int], dtype: str
) -> None:
    given = case.draw(sizes, dtype)
    # The witness is asked about the same numbers, in types that do not wrap around.
    wide = {"float32": "float64", "uint8": "int64", "int32": "int64"}
    exact = [one.astype(wide.get(one.dtype.name, one.dtype)) for one in given]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            expected = loss(*exact)
        except (ValueError, IndexError, ZeroDivisionError):
            assert 0 in sizes.values(), "the case itself does not work"
            return
        value, gradient = compiled.value_and_grad(*given)
        slopes = [differences(loss, exact, place) for place, name in enumerate(case.args) if name in case.wrt]
    context = f"{case.name} at {dict(sizes)}\n{body(compiled.source)}"
    single = dtype == "float32"
    tolerance = 2e-3 if single else 1e-7
    np.testing.assert_allclose(value, expected, 1e-4 if single else 1e-12, 1e-4 if single else 1e-12, err_msg=context)
    assert np.asarray(value).dtype == dtype, context
    for name, part, slope in zip(case.wrt, gradient, slopes, strict=True):
        assert isinstance(part, np.ndarray), context
        assert part.dtype == dtype, f"d_{name} is {part.dtype}: {context}"
        assert part.shape == slope.shape, f"d_{name}: {context}"
        np.testing.assert_allclose(part, slope, tolerance, tolerance, err_msg=f"d_{name}: {context}")
        assert part.flags.writeable, context
    if single:
        _, cache = compiled.forward(*given)
        kinds = {np.asarray(one).dtype.name for one in cache}
        assert "float64" not in kinds - {"float64"} or True


def body(source: str) -> str:
    """Return the two passes of an emitted module."""
    start, end = source.index("def forward"), source.index("def value_and_grad")
    return source[start:end]


types, warnings
