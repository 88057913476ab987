"""Holes of quotients: the power series that fills a removable singularity.

In: numerator and denominator as SymPy expressions of one variable, and the precision.
Out: where both vanish, the series of the quotient there, and how near it is to be used
so that the value and its first two derivatives keep their digits. Refused, with None:
poles, functions without a series, series that need too many terms.

SymPy gives the series of each function; they are put together in exact fractions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
import sympy
from sympy.polys.polyerrors import PolynomialError

__all__ = ["U", "Hole", "hole"]

# The variable of the expressions.
U = sympy.Symbol("u", real=True)

# How many coefficients are computed, and the most that are used.
ORDER, MOST = 30, 12

# How near the series may be used.
RADII = (0.5, 0.25, 0.125, 1 / 16, 1 / 32, 1 / 64, 1 / 128)

# How many times the rounding error the value and the derivatives may be off, and the
# most of that which is better than the hole.
ALLOWED, WORST = (32, 512, 8192), 64

# Functions whose series have fractions for coefficients wherever their values do; of
# others SymPy may look for a series without end.
FUNCTIONS = frozenset(
    (sympy.exp, sympy.log, sympy.sin, sympy.cos, sympy.tan, sympy.asin, sympy.atan)
    + (sympy.sinh, sympy.cosh, sympy.tanh, sympy.asinh, sympy.atanh)
)

Series = list[Fraction]
Function = Callable[[sympy.Expr], sympy.Expr]


@dataclass(frozen=True)
class Hole:
    """Where a quotient is 0 / 0, and its series there: coefficients, lowest first.

    radius: how near to the point the series is the more precise.
    """

    at: int
    coefficients: tuple[Fraction, ...]
    radius: float


@cache
def hole(over: sympy.Expr, under: sympy.Expr, dtype: str) -> Hole | None:
    """Return the hole of over / under, None where it has none that can be filled."""
    for at in (0, 1, -1):
        try:
            bottom = _series(under, at)
            zeros = _zeros(bottom)
            top = _series(over, at) if 0 < zeros <= ORDER // 4 else bottom
        except (_NoSeriesError, ZeroDivisionError):
            continue
        if top is not bottom and _zeros(top) >= zeros:
            series = _times(top[zeros:], _inverse(bottom[zeros:]))
            return _filled(over / under, at, series, dtype) if any(series[1:]) else None
    return None


# Power series around a point, as lists of their first coefficients.


class _NoSeriesError(Exception):
    """A function has no power series at a point, or none of fractions."""


def _series(expression: sympy.Expr, at: int) -> Series:
    """Return the power series of an expression around u = at."""
    if expression == U:
        return _padded([Fraction(at), Fraction(1)])
    if expression.is_Number:
        return _padded([_fraction(expression)])
    parts = [_series(one, at) for one in expression.args]
    if expression.is_Add:
        return [sum(column, Fraction(0)) for column in zip(*parts, strict=True)]
    if expression.is_Mul:
        return _product(parts)
    if expression.is_Pow:
        return _raised(parts[0], expression.exp)
    if expression.func not in FUNCTIONS:
        raise _NoSeriesError
    return _composed(_taylor(expression.func, parts[0][0]), parts[0])


def _raised(base: Series, exponent: sympy.Expr) -> Series:
    if not exponent.is_Number:
        raise _NoSeriesError
    if exponent.is_Integer and abs(exponent) <= ORDER:
        whole = _product([_padded([Fraction(1)]), *[base] * abs(int(exponent))])
        return whole if exponent >= 0 else _inverse(whole)
    return _composed(_taylor(_power(exponent), base[0]), base)


@cache
def _power(exponent: sympy.Expr) -> Function:
    return lambda x: x**exponent


@cache
def _taylor(function: Function, at: Fraction) -> Series:
    """Return the series of one function around a point, by SymPy."""
    _fraction(function(sympy.Rational(at)))
    x = sympy.Symbol("x", positive=True)
    try:
        found = sympy.series(function(x + sympy.Rational(at)), x, 0, ORDER).removeO()
        coefficients = sympy.Poly(found, x).all_coeffs()[::-1]
    except (ValueError, NotImplementedError, PolynomialError) as error:
        raise _NoSeriesError from error
    return _padded([_fraction(one) for one in coefficients])


def _fraction(number: sympy.Expr) -> Fraction:
    if number.is_Rational:
        return Fraction(int(number.p), int(number.q))
    if number.is_Float and number.is_finite:
        return Fraction(float(number))
    raise _NoSeriesError


def _padded(series: Series) -> Series:
    return (series + [Fraction(0)] * ORDER)[:ORDER]


def _zeros(series: Series) -> int:
    """Return the order of the zero that a series begins with."""
    return next((power for power, one in enumerate(series) if one), len(series))


def _product(parts: Sequence[Series]) -> Series:
    total = parts[0]
    for one in parts[1:]:
        total = _times(total, one)
    return total


def _times(one: Series, other: Series) -> Series:
    length = min(len(one), len(other))
    total = [Fraction(0)] * length
    for i, a in enumerate(one[:length]):
        if a:
            for j, b in enumerate(other[: length - i]):
                total[i + j] += a * b
    return total


def _inverse(series: Series) -> Series:
    """Return the series of 1 / f."""
    first = 1 / series[0]
    found = [first]
    for power in range(1, len(series)):
        known = (series[k] * found[power - k] for k in range(1, power + 1))
        found.append(-first * sum(known, Fraction(0)))
    return found


def _composed(outer: Series, inner: Series) -> Series:
    """Return the series of f(x) from those of f around x(at), and of x."""
    inner = [Fraction(0), *inner[1:]]
    total = _padded([])
    for one in reversed(outer):
        total = _times(total, inner)
        total[0] += one
    return total


# How near.


def _filled(quotient: sympy.Expr, at: int, series: Series, dtype: str) -> Hole | None:
    """Return the hole with the fewest terms that are precise enough, else the best."""
    step = float(np.finfo(dtype).eps)
    slopes = [sympy.diff(quotient, U, order) for order in range(3)]
    functions = [sympy.lambdify(U, one, ["scipy", "numpy"]) for one in slopes]
    found: list[tuple[float, int, Hole]] = []
    for radius in RADII:
        count = _terms(series, radius, step)
        if count is None:
            continue
        lost = _lost(functions, at, series, radius, dtype) / step
        worst = max(one / may for one, may in zip(lost, ALLOWED, strict=True))
        if worst <= WORST:
            one = Hole(at, tuple(series[:count]), radius)
            found.append((max(worst, 1.0), count, one))
    return min(found, key=lambda one: one[:2])[-1] if found else None


def _terms(series: Series, radius: float, step: float) -> int | None:
    """Return how many terms are precise up to a radius, in two derivatives as well."""
    sizes = [abs(float(one)) for one in series]
    for count in range(2, len(series) - 4):
        if sum(1 for one in series[:count] if one) > MOST:
            return None
        rest = sum(
            size * radius ** max(power - order, 0) * math.perm(power, order)
            for order in range(3)
            for power, size in enumerate(sizes[count:], count)
        )
        if rest <= step * max(sizes[:3]):
            return count
    return None


def _lost(
    functions: Sequence[Callable],
    at: int,
    series: Series,
    radius: float,
    dtype: str,
) -> np.ndarray:
    """Return by how much a formula and its derivatives are off just behind a radius."""
    steps = np.linspace(1, 1.25, 8) * radius
    points = (at + np.concatenate([-steps, steps])).astype(dtype)
    exact = np.polynomial.Polynomial([float(one) for one in series])
    lost = []
    for order, function in enumerate(functions):
        expected = exact.deriv(order)(points.astype(float) - at)
        with np.errstate(all="ignore"):
            error = np.max(np.abs(function(points) - expected))
        lost.append(error / max(np.max(np.abs(expected)), 1e-3))
    return np.array(lost)
