"""Central differences at falling steps, and what Richardson extrapolates from them.

In: the values of a function of one number on both sides of 0, a step after the other.
Out: a `Ladder`: the slope at 0 and its error, the order of a claimed slope's remainder,
the jump of the slope at a kink. Nothing is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["KINK", "SAFETY", "STEPS", "Ladder"]

STEPS = 10.0 ** -np.arange(2, 9)
SAFETY = 10.0  # times an error's estimate is its bound
KINK = 4  # the index of the step at which a kink at 0 is looked for


@dataclass(frozen=True)
class Ladder:
    """Differences at falling steps: a row per step, extrapolated to the right.

    value: the function's at 0. rounding: the relative error of its values. above,
    below: its values at each step and at its opposite.
    """

    value: float
    rounding: float
    above: tuple[float, ...] = ()
    below: tuple[float, ...] = ()
    rows: tuple[tuple[float, ...], ...] = ()

    def extended(self, above: float, below: float) -> Ladder:
        """Return the ladder with the function's values at its next step."""
        row = [(above - below) / (2 * STEPS[len(self.rows)])]
        for column, coarser in enumerate(self.rows[-1] if self.rows else ()):
            factor = 100.0 ** (column + 1)
            row.append((factor * row[column] - coarser) / (factor - 1))
        rows = (*self.rows, tuple(row))
        return Ladder(
            self.value, self.rounding, (*self.above, above), (*self.below, below), rows
        )

    @property
    def plain(self) -> np.ndarray:
        """The central differences themselves, not extrapolated."""
        return np.array([row[0] for row in self.rows])

    @property
    def magnitude(self) -> float:
        """The largest absolute value of the function that was seen."""
        values = np.array([self.value, *self.above, *self.below])
        return float(np.max(np.abs(values), where=np.isfinite(values), initial=0.0))

    @property
    def noise(self) -> float:
        """The rounding error of one value, as the finest differences show it."""
        shown = np.abs(np.diff(self.plain[-3:])) * STEPS[-2:]
        shown = np.where(np.isfinite(shown), shown, 0.0)
        return max(self.rounding * self.magnitude, float(np.max(shown)))

    @property
    def jump(self) -> float:
        """The change of the slope at 0: what second differences leave in the limit."""
        return abs(self._bend(KINK))

    @property
    def bend(self) -> float:
        """The same as far as it shows at the finest steps, 0 where rounding hides it."""
        last = len(self.rows) - 1
        bend = self._bend(last)
        hidden = SAFETY * 4 * self.rounding * self.magnitude / STEPS[last]
        return bend if abs(bend) > hidden else 0.0

    def _bend(self, last: int) -> float:
        steps = STEPS[last - 1 : last + 1]
        above = np.array(self.above[last - 1 : last + 1])
        below = np.array(self.below[last - 1 : last + 1])
        coarse, fine = (above - 2 * self.value + below) / steps
        return float(10 * fine - coarse) / 9

    def best(self) -> tuple[int, float, float]:
        """Return the row, the difference and its error where that error is least."""
        noise, found = self.noise, (0, np.nan, np.inf)
        for i, row in enumerate(self.rows[1:], 1):
            for j in range(1, len(row)):
                near = (row[j - 1], self.rows[i - 1][j - 1])
                error = max(abs(row[j] - other) for other in near)
                error += 2 * noise / STEPS[i]
                if error < found[2]:
                    found = (i, row[j], error)
        return found

    def order(self, slope: float) -> float:
        """Return the order of the remainder at the two finest steps that show it."""
        gaps = np.abs(self.plain - slope)
        rounding = self.rounding * self.magnitude / STEPS[: len(gaps)]
        shown = gaps > SAFETY * rounding
        pairs = np.flatnonzero(shown[:-1] & shown[1:])
        if not len(pairs) or not np.isfinite(slope):
            return np.nan
        return float(1 + np.log10(gaps[pairs[-1]] / gaps[pairs[-1] + 1]))

    def side(self, sign: int) -> tuple[float, float]:
        """Return the slope above 0 (`sign` 1) or below it (-1), and its error."""
        values = np.array(self.above if sign > 0 else self.below)
        steps = STEPS[: len(values)]
        plain = sign * (values - self.value) / steps
        finer = (10 * plain[1:] - plain[:-1]) / 9
        errors = np.abs(np.diff(finer))
        errors += 4 * self.rounding * self.magnitude / steps[2:]
        if not np.isfinite(errors).any():
            return np.nan, np.inf
        best = int(np.nanargmin(errors))
        return float(finer[best + 1]), float(errors[best])

    def remainders(self, slope: float) -> np.ndarray:
        """Return the Taylor remainders f(h) - f(0) - h * slope at the steps h."""
        steps = STEPS[: len(self.above)]
        return np.array(self.above) - self.value - steps * slope
