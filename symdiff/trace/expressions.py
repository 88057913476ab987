"""Numbers that differ between traces, as expressions in the unknown sizes.

In: the value that a number has in each trace, and the sizes there. Out: the expression
that gives these values: a `Whole` for integers, a `Real` for others. Refused by
`NotUnique`: values that several expressions give, which another trace would tell apart.
None is returned where no expression gives them.

Python's ints and floats forget that they came from a size: `len(x)`, `1.0 / n`,
`math.sqrt(n)`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sympy

__all__ = [
    "FUNCTIONS",
    "NotUnique",
    "Real",
    "Sizes",
    "real_expression",
    "whole_expression",
]

# The value of each unknown size in each trace.
Sizes = Mapping[sympy.Symbol, tuple[int, ...]]

LARGEST_DIVISOR = 16
LARGEST_SHIFT = 4
CLOSE = 4e-14


class NotUnique(Exception):  # noqa: N818 - not an error: asks for another trace
    """Several expressions in the sizes give the values."""


@dataclass(frozen=True)
class Real:
    """offset + factor * function(base), of a size `base`."""

    base: sympy.Expr
    function: str
    factor: float
    offset: float


# Functions of a size that numbers in losses come from.
FUNCTIONS: dict[str, Callable[[float], float]] = {
    "": float,
    "**-1": lambda n: 1 / n,
    "**0.5": math.sqrt,
    "**-0.5": lambda n: 1 / math.sqrt(n),
    "log": math.log,
    "**1.5": lambda n: n**1.5,
    "**-1.5": lambda n: n**-1.5,
    "**0.25": lambda n: n**0.25,
    "**-0.25": lambda n: n**-0.25,
}


def whole_expression(values: Sequence[int], sizes: Sizes) -> sympy.Expr | None:
    """Return the expression that gives these integers, or None.

    Looked for are sizes, their products, sums and differences, times and plus whole
    numbers; these divided by numbers up to 16 and rounded down. Raises `NotUnique`.
    """
    if all(one == values[0] for one in values):
        return sympy.Integer(values[0])
    terms = _terms(sizes)
    found: set[sympy.Expr] = set()
    for term, at in (*terms, *_halves(sizes)):
        linear = _linear(values, at)
        if linear is not None:
            found.add(linear[0] * term + linear[1])
    if not found:
        for term, at in terms:
            found.update(_divided(values, term, at))
    if len(found) > 1:
        raise NotUnique
    return next(iter(found), None)


def real_expression(values: Sequence[float], sizes: Sizes) -> Real | None:
    """Return the expression that gives these numbers, or None.

    Looked for are `FUNCTIONS` of sizes, their products, sums and differences, these
    plus small whole numbers; times a number, or else times and plus numbers. Raises
    `NotUnique`.
    """
    if not all(map(math.isfinite, values)):
        return None
    if all(float(one).is_integer() for one in values):
        whole = whole_expression([int(one) for one in values], sizes)
        if whole is not None:
            return Real(whole, "", 1.0, 0.0)
    candidates = list(_candidates(sizes))
    for fit in (_scaled, _affine):
        found: list[tuple[float, Real]] = []
        for base, function, at, elsewhere in candidates:
            fitted = fit(values, at)
            if fitted is None:
                continue
            factor, offset = fitted
            there = offset + factor * elsewhere
            if not any(math.isclose(there, one, rel_tol=1e-9) for one, _ in found):
                found.append((there, Real(base, function, factor, offset)))
        if len(found) > 1:
            raise NotUnique
        if found:
            return found[0][1]
    return None


Term = tuple[sympy.Expr, tuple[int, ...]]


def _terms(sizes: Sizes) -> list[Term]:
    """Return sizes, their products of two and three, sums and differences, with their
    values.
    """
    one = [(name, np.array(values, object)) for name, values in sizes.items()]
    pairs = list(itertools.combinations(one, 2))
    terms = [*one, *((n * n, w * w) for n, w in one)]
    terms += [(n * (n + k), w * (w + k)) for n, w in one for k in (-1, 1)]
    terms += [(a * b, v * w) for (a, v), (b, w) in pairs]
    terms += [(a + b, v + w) for (a, v), (b, w) in pairs]
    terms += [(a - b, v - w) for (a, v), (b, w) in pairs]
    for (a, u), (b, v), (c, w) in itertools.combinations(one, 3):
        terms += [(a * b * c, u * v * w), (a + b + c, u + v + w)]
    return [(sympy.expand(term), tuple(values)) for term, values in terms]


def _halves(sizes: Sizes) -> list[Term]:
    """Return the numbers of pairs, with and without those of one with itself."""
    return [
        (
            sympy.floor(sympy.expand(n * (n + k)) / 2),
            tuple(w * (w + k) // 2 for w in values),
        )
        for n, values in sizes.items()
        for k in (-1, 1)
    ]


def _linear(values: Sequence[int], at: Sequence[int]) -> tuple[int, int] | None:
    """Return whole numbers a, b with value = a * at + b, or None."""
    step = at[1] - at[0]
    if step == 0:
        return None
    slope, rest = divmod(values[1] - values[0], step)
    shift = values[0] - slope * at[0]
    fits = all(slope * w + shift == one for one, w in zip(values, at, strict=True))
    return (slope, shift) if fits and slope and not rest else None


def _divided(
    values: Sequence[int], term: sympy.Expr, at: Sequence[int]
) -> Iterator[sympy.Expr]:
    """Yield what gives the values by a division that rounds down: (n + a) // b + c."""
    for divisor in range(2, LARGEST_DIVISOR + 1):
        exact = all(one % divisor == 0 for one in at)
        for added in range(1 if exact else divisor):
            rests = {
                one - (w + added) // divisor for one, w in zip(values, at, strict=True)
            }
            if len(rests) == 1:
                quotient = (term + added) / divisor
                yield (quotient if exact else sympy.floor(quotient)) + rests.pop()


def _candidates(
    sizes: Sizes,
) -> Iterator[tuple[sympy.Expr, str, list[float], float]]:
    """Yield functions of sizes, with their values in the traces and for sizes of no
    trace.
    """
    more = {name: (*at, 29 + 14 * i) for i, (name, at) in enumerate(sizes.items())}
    shifts = sorted(range(-LARGEST_SHIFT, LARGEST_SHIFT + 1), key=abs)
    for (term, at), times, shift in itertools.product(_terms(more), (1, 2, 3), shifts):
        bases = [times * one + shift for one in at]
        if min(bases) > 0 and (shift or times == 1):
            for name, function in FUNCTIONS.items():
                *here, elsewhere = map(function, bases)
                yield times * term + shift, name, here, elsewhere


def _scaled(values: Sequence[float], at: Sequence[float]) -> tuple[float, float] | None:
    """Return a, 0 with value = a * at, or None."""
    factor = values[-1] / at[-1] if at[-1] else 0.0
    fits = all(_close(factor * w, one, one) for one, w in zip(values, at, strict=True))
    return (_rounded(factor), 0.0) if fits and factor else None


def _affine(values: Sequence[float], at: Sequence[float]) -> tuple[float, float] | None:
    """Return a, b with value = a * at + b, or None."""
    step = at[-1] - at[0]
    if len(values) < 3 or not step:
        return None
    factor = _rounded((values[-1] - values[0]) / step)
    offset = _rounded(values[0] - factor * at[0])
    scale = max(map(abs, (*values, offset)))
    fits = all(
        _close(factor * w + offset, one, scale)
        for one, w in zip(values, at, strict=True)
    )
    return (factor, offset) if fits and factor else None


def _close(one: float, other: float, scale: float) -> bool:
    return abs(one - other) <= CLOSE * abs(scale)


def _rounded(number: float) -> float:
    """Return the shortest decimal that a number is, but for rounding."""
    for digits in range(1, 13):
        short = float(f"{number:.{digits}g}")
        if _close(short, number, number):
            return short
    return number
