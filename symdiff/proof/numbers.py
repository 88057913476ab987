"""Arrays of numbers at many random points at once, and what is wrong with some of them.

A number is a pair of residues, modulo p and modulo q, for the primes of its point.
Where an operation has no value, its elements say so and nothing else is lost: `where`
leaves them behind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .field import Residues

__all__ = ["SINGULAR", "UNDEFINED", "Number", "aligned", "beside", "faults", "together"]

# Faults of an element: it was divided by 0; it is the root or logarithm of a negative.
SINGULAR, UNDEFINED = 1, 2

Move = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Number:
    """An array at all points, along whose first axis they are.

    p, q: its residues. faults: of each element, None where none has any.
    """

    p: Residues
    q: Residues
    faults: np.ndarray | None = None

    @property
    def rank(self) -> int:
        """The number of axes beside that of the points."""
        return self.p.ndim - 1

    def map(self, move: Move) -> Number:
        """Return the elements, moved."""
        return together(lambda parts: move(parts[0]), [self])

    def faulty(self, where: np.ndarray, fault: int) -> Number:
        """Return these numbers with a fault where a mask holds."""
        if not where.any():
            return self
        more = np.where(where, fault, 0)
        have = more if self.faults is None else self.faults | more
        return Number(self.p, self.q, have)


def together(
    move: Callable[[list[np.ndarray]], np.ndarray], numbers: Sequence[Number]
) -> Number:
    """Return what a movement makes of several arrays, their residues and faults alike."""
    p, q = move([one.p for one in numbers]), move([one.q for one in numbers])
    if all(one.faults is None for one in numbers):
        return Number(p, q)
    each = [np.zeros_like(x.p) if x.faults is None else x.faults for x in numbers]
    return Number(p, q, move(each))


def faults(*numbers: Number) -> np.ndarray | None:
    """Return the faults of an elementwise result: those of all operands."""
    found = None
    for one in numbers:
        if one.faults is not None:
            found = one.faults if found is None else found | one.faults
    return found


def beside(of_points: np.ndarray, rank: int) -> np.ndarray:
    """Return what each point has, to be broadcast against arrays of a rank."""
    return of_points.reshape(-1, *(1,) * rank)


def aligned(*numbers: Number) -> tuple[Number, ...]:
    """Return numbers with as many axes, new ones behind that of the points."""
    rank = max(one.rank for one in numbers)
    return tuple(
        one if one.rank == rank else one.map(_with_axes(rank - one.rank))
        for one in numbers
    )


def _with_axes(count: int) -> Move:
    return lambda part: part.reshape(part.shape[0], *(1,) * count, *part.shape[1:])
