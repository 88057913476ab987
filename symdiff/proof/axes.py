"""Axes of any length, stood for by a few elements: what a proof for every size runs on.

An axis of n elements is m - 1 of them, each for itself, and one that stands for the
n - m + 1 others, which are taken to be equal; its weight says how many they are, and n
is a random number. A sum counts each element with its weight.

That is enough. Written out, both sides of an identity are sums of products in which at
most so many elements of an axis meet as there are indices in a product; call them k. An
element's values are those of the rest, plus a deviation. The coefficient of a product of
deviations of k elements does not change when all others become the rest, so that it is
0 for every n if it is 0 for m = k + 1, as a rational function of n.

Refused with `NotGeneric`: sizes that are computed from others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import sympy

from ..shapes import Size
from .numbers import Number
from .points import Points

__all__ = ["Axes", "Axis", "NotGeneric"]


class NotGeneric(Exception):  # noqa: N818 - another way is tried
    """What the few elements of an axis cannot stand for, and why."""


@dataclass(frozen=True)
class Axis:
    """One axis: how many elements stand for it, their weights, whether these are all 1."""

    count: int
    weights: Number
    whole: bool


class Axes:
    """The axes of one evaluation, one for each size.

    given: the values of unknown sizes; None lets as many elements stand for each axis
    as `most` says.
    """

    def __init__(
        self, points: Points, most: Mapping[Size, int], given: Mapping[Size, int] | None
    ) -> None:
        self.points = points
        self.most = most
        self.given = given
        self._axes: dict[Size, Axis] = {}

    def __getitem__(self, size: Size) -> Axis:
        if size not in self._axes:
            self._axes[size] = self._made(size)
        return self._axes[size]

    def counts(self, shape: tuple[Size, ...]) -> tuple[int, ...]:
        """Return how many elements stand for each axis of a shape."""
        return tuple(self[one].count for one in shape)

    def value(self, size: Size) -> Number:
        """Return a size, or what is computed of sizes, as a number."""
        points = self.points
        if isinstance(size, int | sympy.Integer):
            return points.constant(Fraction(int(size)))
        if self.given is not None:
            return points.constant(Fraction(int(size.subs(self.given))))
        if isinstance(size, sympy.Symbol):
            axis = self[size]
            return points.summed(axis.weights)
        parts = [self.value(one) for one in size.args]
        total = parts[0]
        if isinstance(size, sympy.Add | sympy.Mul):
            for one in parts[1:]:
                make = points.add if isinstance(size, sympy.Add) else points.multiply
                total = make(total, one)
            return total
        if isinstance(size, sympy.Pow) and size.exp.is_Integer:
            return points.whole_power(total, int(size.exp))
        raise NotGeneric(f"the size {size}")

    def _made(self, size: Size) -> Axis:
        if self.given is not None and not isinstance(size, int):
            size = int(size.subs(self.given))
        points, most = self.points, self.most.get(size, 1) + 1
        if isinstance(size, int) and (self.given is not None or size <= most):
            ones = np.ones((points.count, size), np.int64)
            return Axis(size, Number(ones, ones), True)
        if not isinstance(size, int | sympy.Symbol):
            raise NotGeneric(f"an axis of {size} elements")
        ones = np.ones((points.count, most - 1), np.int64)
        if isinstance(size, int):
            rest = points.constant(Fraction(size - most + 1))
        else:
            rest = points.random(())
        weights = (np.column_stack([ones, part]) for part in (rest.p, rest.q))
        return Axis(most, Number(*weights), False)
