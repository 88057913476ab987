"""Operations as rows of a table, each held against NumPy and against differences.

A case is an expression over arrays. Its loss weighs each element of the result
differently; the compiled value must be that of the plain function, the compiled
gradient that of Richardson's central differences, in the dtype asked for, at sizes
that were never traced.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import scipy.special

import symdiff

__all__ = ["Case", "case", "check", "differences", "over", "passes_of", "quiet"]

# How arguments are drawn, by the domain in which a function is smooth.
DOMAINS: dict[str, Callable[[np.random.Generator, tuple], np.ndarray]] = {
    "real": lambda rng, shape: rng.standard_normal(shape),
    "positive": lambda rng, shape: _apart(rng, shape),
    "unit": lambda rng, shape: rng.uniform(-0.8, 0.8, shape),
    "above": lambda rng, shape: rng.uniform(1.2, 3.0, shape),
}


def _apart(rng: np.random.Generator, shape: tuple) -> np.ndarray:
    """Return positive numbers no two of which are near each other."""
    count = int(np.prod(shape))
    return rng.permutation(np.linspace(0.5, 1.4, count)).reshape(shape)


INTEGERS = ("bool", "uint8", "int32", "int64")
SPECIAL = ("expit", "erf", "erfc", "logsumexp", "softmax", "log_softmax", "xlogy")

LOSS = """
def loss({names}):
    result = {text}
    weights = np.cos(1.0 + np.arange(np.size(result)))
    return np.sum(result * weights.reshape(np.shape(result)))
"""


@dataclass(frozen=True)
class Case:
    """An expression, the shapes of its arguments, and where it is smooth.

    kinds: dtypes of arguments that are data, drawn below `below`.
    """

    text: str
    shapes: Mapping[str, tuple]
    kinds: Mapping[str, str] = field(default_factory=dict)
    domain: str = "real"
    below: int = 3

    def __str__(self) -> str:
        shapes = ", ".join(
            f"{name}{shape}{self.kinds.get(name, '')}".replace("'", "")
            for name, shape in self.shapes.items()
        )
        return f"{self.text} | {shapes}"

    @property
    def wrt(self) -> tuple[str, ...]:
        return tuple(name for name in self.shapes if name not in self.kinds)

    @property
    def sizes(self) -> tuple[str, ...]:
        names = [one for shape in self.shapes.values() for one in shape]
        return tuple(dict.fromkeys(one for one in names if isinstance(one, str)))

    def loss(self, numpy: Any = np) -> Callable:
        """Return the loss, over NumPy or a module that stands in for it."""
        space = {name: getattr(scipy.special, name) for name in SPECIAL}
        space |= {"np": numpy, "scipy": scipy}
        exec(LOSS.format(names=", ".join(self.shapes), text=self.text), space)
        return space["loss"]

    def compiled(
        self,
        dtype: str = "float64",
        sizes: Mapping[str, int] | None = None,
        **options: Any,
    ) -> symdiff.Compiled:
        """Return the compiled loss, at known sizes if they are given."""
        known = sizes or {}
        specs = {
            name: symdiff.ArraySpec(
                tuple(known.get(one, one) for one in shape), self.kinds.get(name)
            )
            for name, shape in self.shapes.items()
        }
        return symdiff.compile(
            self.loss(), specs, wrt=self.wrt, dtype=dtype, verify=False, **options
        )

    def draw(self, sizes: Mapping[str, int], dtype: str, seed: int = 0) -> list:
        """Return arguments at sizes, which nothing may write into."""
        rng = np.random.default_rng(seed)
        arrays = []
        for name, shape in self.shapes.items():
            kind, shape = self.kinds.get(name), tuple(sizes.get(n, n) for n in shape)
            if kind is None:
                array = DOMAINS[self.domain](rng, shape)
            else:
                array = rng.integers(0, 2 if kind == "bool" else self.below, shape)
            arrays.append(np.asarray(array, kind or dtype))
            arrays[-1].flags.writeable = False
        return arrays


def case(text: str, domain: str = "real", below: int = 3, **shapes: Any) -> Case:
    """Return a case; the last item of a shape may be a dtype: `("n", "int64")`."""
    kinds = {
        name: shape[-1] for name, shape in shapes.items() if {*shape} & {*INTEGERS}
    }
    plain = {name: s[:-1] if name in kinds else s for name, s in shapes.items()}
    return Case(text, plain, kinds, domain, below)


def over(cases: Iterable[Case]) -> pytest.MarkDecorator:
    """Return the parametrization of a test over cases."""
    return pytest.mark.parametrize("case", list(cases), ids=str)


@contextmanager
def quiet() -> Iterator[None]:
    """Let overflow, division by zero and empty means pass without a word."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def differences(loss: Callable, arguments: Sequence[np.ndarray], place: int) -> Any:
    """Return a loss's gradient for one argument by Richardson's central differences."""
    arguments = [np.array(one, copy=True) for one in arguments]
    moved = arguments[place]
    gradient = np.zeros(moved.shape)
    for index in np.ndindex(moved.shape):
        origin = moved[index]
        values = []
        for step in (1e-3, -1e-3, 2e-3, -2e-3):
            moved[index] = origin + step
            values.append(float(loss(*arguments)))
        near, far = values[0] - values[1], values[2] - values[3]
        gradient[index] = (8 * near - far) / 12e-3
        moved[index] = origin
    return gradient


def passes_of(source: str) -> str:
    """Return the text of the two passes of an emitted module."""
    return source[source.index("def forward") : source.index("def value_and_grad")]


def checks_itself(source: str) -> bool:
    """Return whether an emitted module finds its gradient right, run as a program."""
    code = compile(source, "gradient.py", "exec")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["gradient.py", "--check"])
        with pytest.raises(SystemExit) as ended:
            exec(code, {"__name__": "__main__"})
    return ended.value.code == 0


def check(case: Case, dtype: str) -> None:
    """Hold a case's compiled value and gradient against NumPy and differences.

    At sizes that were not traced, 1 and 0 among them.
    """
    compiled = case.compiled(dtype)
    lengths = (1, 2, 5, 0) if dtype == "float64" else (3,)
    for length in lengths if case.sizes else (2,):
        places = enumerate(case.sizes)
        sizes = {name: length + place * (length > 0) for place, name in places}
        with quiet():
            check_at(case, compiled, sizes, dtype)
    if dtype == "float64":
        check_fast(case, compiled)


def check_fast(case: Case, plain: symdiff.Compiled) -> None:
    """Hold a case's fast style against the plain one, in arrays and in numbers."""
    known = {name: 3 + place for place, name in enumerate(case.sizes)}
    empty = dict.fromkeys(known, 0)
    in_arrays = case.compiled(style="fast", rewrites="fast", no_rewrite="unroll")
    in_numbers = case.compiled(sizes=known, style="fast", rewrites="fast")
    calls = [(in_arrays, known, 0), (in_arrays, empty, 1), (in_arrays, known, 2)]
    for fast, sizes, seed in (*calls, (in_numbers, known, 0), (in_numbers, known, 1)):
        given = case.draw(sizes, "float64", seed)
        with quiet():
            try:
                value, gradient = plain.value_and_grad(*given)
                found, slopes = fast.value_and_grad(*given)
            except (ValueError, IndexError, ZeroDivisionError):
                # Slices of nothing may be shorter than a workspace has room for.
                assert 0 in sizes.values(), f"{case} is no case at {sizes}"
                continue
        about = f"{case} at {sizes}\n{fast.source}"
        np.testing.assert_allclose(found, value, 1e-11, 1e-11, err_msg=about)
        assert type(found) is type(value), about
        for one, other in zip(slopes, gradient, strict=True):
            assert (one.shape, one.dtype) == (other.shape, other.dtype), about
            np.testing.assert_allclose(one, other, 1e-9, 1e-9, err_msg=about)
            assert one.flags.writeable, about


def check_at(
    case: Case, compiled: symdiff.Compiled, sizes: Mapping[str, int], dtype: str
) -> None:
    """Hold a compiled case against NumPy and differences at given sizes."""
    loss, given = case.loss(), case.draw(sizes, dtype)
    # The witness is asked about the same numbers, in types that do not wrap around.
    wide = {"float32": "float64", "uint8": "int64", "int32": "int64"}
    exact = [one.astype(wide.get(one.dtype.name, one.dtype)) for one in given]
    try:
        expected = loss(*exact)
    except (ValueError, IndexError, ZeroDivisionError):
        assert 0 in sizes.values(), f"{case} is no case at {sizes}"
        return
    places = [list(case.shapes).index(name) for name in case.wrt]
    slopes = [differences(loss, exact, place) for place in places]
    value, cache = compiled.forward(*given)
    gradient = compiled.backward(cache)
    about = f"{case} at {dict(sizes)}\n{passes_of(compiled.source)}"
    close, near = (1e-12, 1e-7) if dtype == "float64" else (1e-4, 2e-3)
    np.testing.assert_allclose(value, expected, close, close, err_msg=about)
    assert np.asarray(value).dtype == dtype, about
    for name, part, slope in zip(case.wrt, gradient, slopes, strict=True):
        assert (part.shape, part.dtype) == (slope.shape, dtype), f"d_{name}: {about}"
        np.testing.assert_allclose(part, slope, near, near, err_msg=about)
        assert part.flags.writeable, about
    if dtype == "float32":
        kinds = {one.dtype.name for one in cache if hasattr(one, "dtype")}
        assert "float64" not in kinds, f"computes in double precision: {about}"
