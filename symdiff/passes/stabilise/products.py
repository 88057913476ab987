"""Rewrites of differences, products and quotients that cancel or are not defined.

In: what is left of a formula once its parts are rewritten.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from ...ops.elementwise import StopGradient, apply
from ...ops.functions import XLogX
from ...ops.handle import Handle
from .patterns import (
    exponent,
    inverse,
    minus,
    negated,
    number,
    one_minus,
    one_plus,
    operand,
    operands,
    placed,
    power,
    product_of,
    same,
    split,
    terms,
    through,
)
from .table import rewrite

__all__ = [
    "complement",
    "difference_of_squares",
    "expm1",
    "log_softmax",
    "one_minus_cos",
    "x_log_x",
    "x_over_x",
]


@rewrite(
    "log-softmax",
    "x - (log(sum(exp(x - m))) + m) = (x - m) - log(sum(exp(x - m)))",
    "all x; m is constant",
    sympy.Add,
)
def log_softmax(y: Handle) -> Handle | None:
    """A difference from a log-sum-exp, whose shift is subtracted first."""
    found = terms(y)
    for x, other in (found, found[::-1]) if found else ():
        subtracted = negated(other)
        core, moves = (None, []) if subtracted is None else through(subtracted)
        parts = terms(core) if core is not None else None
        if parts is None or not isinstance(through(parts[1])[0].node, StopGradient):
            continue
        return (x - placed(parts[1], moves)) - placed(parts[0], moves)
    return None


@rewrite("expm1", "exp(x) - 1 = expm1(x)", "all x", sympy.Add)
def expm1(y: Handle) -> Any:
    """The exponential less 1."""
    found = terms(y)
    for one, other in (found, found[::-1]) if found else ():
        x = exponent(one)
        if x is not None and number(other) == -1:
            return np.expm1(x)
        inner = negated(one)
        x = None if inner is None else exponent(inner)
        if x is not None and number(other) == 1:
            return -np.expm1(x)
    return None


@rewrite("versine", "1 - cos(x) = 2 * sin(x / 2)**2", "all x", sympy.Add)
def one_minus_cos(y: Handle) -> Any:
    """One less a cosine that is near 1."""
    inner = one_minus(y)
    x = None if inner is None else operand(inner, sympy.cos)
    return None if x is None else 2 * np.sin(0.5 * x) ** 2


@rewrite("erfc", "1 - erf(x) = erfc(x), 1 + erf(x) = erfc(-x)", "all x", sympy.Add)
def complement(y: Handle) -> Any:
    """What the error function leaves to 1."""
    inner = one_minus(y)
    x = None if inner is None else operand(inner, sympy.erf)
    if x is None:
        inner = one_plus(y)
        opposite = None if inner is None else operand(inner, sympy.erf)
        x = None if opposite is None else minus(opposite)
    return None if x is None else apply(sympy.erfc, x)


@rewrite(
    "xlogx",
    "x * log(x) = 0 at x == 0",
    "x >= 0",
    sympy.Mul,
)
def x_log_x(y: Handle) -> Any:
    """The entropy's terms, where a probability is 0."""
    found = split(y, lambda one: one if isinstance(one.node, sympy.log) else None)
    if found is None:
        return None
    logarithm, rest = found
    for place, one in enumerate(rest):
        if same(operand(logarithm, sympy.log), one):
            made = apply(XLogX, one, logarithm)
            others = rest[:place] + rest[place + 1 :]
            return product_of(others) * made if others else made
    return None


@rewrite("x-over-x", "x / x = 1", "x != 0, its limit at 0; NaN stays NaN", sympy.Mul)
def x_over_x(y: Handle) -> Any:
    """A quotient of equals."""
    first, second = operands(y)
    if not same(inverse(second), first) or number(first) is not None:
        return None
    return np.where(np.isnan(first), first, 1)


@rewrite(
    "difference-of-squares",
    "a**2 - b**2 = (a - b) * (a + b)",
    "all a and b; the last digits may differ",
    sympy.Add,
    fast=True,
)
def difference_of_squares(y: Handle) -> Any:
    """A difference of squares as a product, which does not cancel."""
    found = terms(y)
    inner = negated(found[1]) if found else None
    if found is None or inner is None:
        return None
    a, b = power(found[0]), power(inner)
    if a is None or b is None or a[1] != 2 or b[1] != 2:
        return None
    return (a[0] - b[0]) * (a[0] + b[0])
