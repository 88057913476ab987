"""Domains: where a function and its slope are finite.

In: what a row declares of its operands. Out: the domain of each operand of a node that
is limited, with a number inside it, for those who must keep an operand there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["ABOVE_ONE", "EXPONENT", "POSITIVE", "PROBABILITY", "UNIT", "Domain"]


@dataclass(frozen=True)
class Domain:
    """The open interval from low to high, and a plain number in it."""

    low: float
    high: float
    inside: float

    def holds(self, low: float, high: float) -> bool:
        """Return whether all numbers from low to high lie in it."""
        above = self.low < low or self.low == -math.inf
        return above and (high < self.high or self.high == math.inf)


POSITIVE = Domain(0, math.inf, 1)
ABOVE_ONE = Domain(1, math.inf, 2)
UNIT = Domain(-1, 1, 0)
PROBABILITY = Domain(0, 1, 0.5)

# Above it exp overflows in single precision.
EXPONENT = Domain(-math.inf, 88, 0)
