"""Which number a float is rounded from.

In: a float. Out: a `Constant`: a fraction, times the root of a small whole number, times
a power of the root of pi. Nothing is refused: a float that is no such number is itself.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from .field import fraction_of

__all__ = ["Constant", "constant_of"]

ROOTS = (1, 2, 3, 5, 6, 7, 10)
POWERS = (0, -1, 1, -2, 2)  # of the root of pi
SIMPLE = 1000  # the largest numerator and denominator of what is times these
ROUNDING = 2.0**-50


class Constant(NamedTuple):
    """The number fraction * root**(1/2) * pi**(power/2)."""

    fraction: Fraction
    root: int = 1
    power: int = 0


@cache
def constant_of(value: float) -> Constant:
    """Return the number that a float is read as, a fraction if it can be one."""
    plain = fraction_of(value)
    if plain != Fraction(value) or plain.denominator == 1:
        return Constant(plain)
    for power in POWERS:
        for root in ROOTS:
            rest = value / (math.sqrt(root) * math.pi ** (power / 2))
            simple = Fraction(rest).limit_denominator(SIMPLE)
            close = abs(float(simple) - rest) <= ROUNDING * abs(rest)
            if close and 0 < abs(simple.numerator) <= SIMPLE:
                return Constant(simple, root, power)
    return Constant(plain)
