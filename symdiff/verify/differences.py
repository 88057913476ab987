"""A claimed slope of a function of one number against the function's own differences.

In: the function along a direction, its value at 0 and the slope claimed there. Out: a
`Verdict`. There is no step to pick: steps go down by tens, Richardson extrapolation
combines them, and the finer steps must confirm what the coarser ones extrapolate, or
else the verdict is "undecided", as it is beside a kink. Nothing is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..numerical.ladder import KINK, SAFETY, STEPS, Ladder

__all__ = ["Verdict", "judge"]

EPS = float(np.finfo(np.float64).eps)
SHARP = 1e-5  # a difference less certain than this, relatively, decides nothing


@dataclass(frozen=True)
class Verdict:
    """What the differences say of a slope: "right", "wrong" or "undecided".

    `error` is the estimated error of `difference`, `scale` the size against which
    both are judged. `order` is the power of the step h with which the odd part of the
    Taylor remainder, (f(h) - f(-h)) / 2 - h * slope, falls: 3 if the slope is right, 1
    if it is wrong, NaN where rounding hides it. `ladder` has the values seen.
    """

    outcome: str
    slope: float
    difference: float
    error: float
    scale: float
    order: float
    ladder: Ladder = field(repr=False, compare=False)

    @property
    def relative(self) -> float:
        """The distance of slope and difference, relative to the scale."""
        gap = abs(self.difference - self.slope)
        return gap / self.scale if gap else 0.0


def judge(
    along: Callable[[float], float],
    value: float,
    slope: float,
    *,
    scale: float,
    tolerance: float,
    rounding: float = EPS,
    sharp: float = SHARP,
) -> Verdict:
    """Return the verdict on `slope`, claimed to be the derivative of `along` at 0.

    Calls `along` 4 to 14 times: a slope that agrees with a difference to within
    `tolerance` of the scale is right at once. `value` is `along(0)`; `scale` is the
    size that the slope could have had, where it is larger than the slope itself.
    `rounding` is the relative error of values; a difference whose own relative error is
    above `sharp` decides nothing.
    """
    scale = max((abs(x) for x in (scale, slope) if np.isfinite(x)), default=0.0)
    ladder = Ladder(value, rounding)
    for step in STEPS:
        ladder = ladder.extended(along(step), along(-step))
        if len(ladder.rows) == 1:
            continue
        row = [x for x in ladder.rows[-1] if np.isfinite(x)]
        near = min(row, key=lambda x: abs(x - slope), default=np.nan)
        gap, size = abs(near - slope), max(scale, abs(near))
        if gap <= tolerance * size:
            order = ladder.order(slope)
            return Verdict("right", slope, near, gap, size, order, ladder)
    return _weigh(ladder, slope, scale, tolerance, sharp)


def _weigh(
    ladder: Ladder, slope: float, scale: float, tolerance: float, sharp: float = SHARP
) -> Verdict:
    """Return the verdict of a whole ladder; see `judge`."""
    row, difference, error = ladder.best()
    size = max(scale, abs(difference)) if np.isfinite(difference) else scale
    if not np.isfinite(slope):
        size = max(size, ladder.magnitude)
    gap = abs(difference - slope)
    order = ladder.order(slope)
    is_sharp = error <= sharp * size
    if np.isfinite(slope) and _is_flat(ladder, scale):
        outcome, size = "right", ladder.magnitude
    elif is_sharp and gap <= SAFETY * error + tolerance * size:
        outcome = "right"
    elif is_sharp and _is_confirmed(ladder, row, difference, error, gap):
        outcome = "wrong" if order < 2 or not np.isfinite(slope) else "undecided"
    else:
        outcome = "undecided"
    return Verdict(outcome, slope, difference, error, size, order, ladder)


def _is_flat(ladder: Ladder, scale: float) -> bool:
    """Return whether the slope and the function say "no change", but for rounding."""
    change = abs(ladder.plain[0]) * STEPS[0]
    return max(change, scale * STEPS[0]) <= SAFETY * ladder.noise


def _is_confirmed(
    ladder: Ladder, row: int, difference: float, error: float, gap: float
) -> bool:
    """Return whether the finer steps agree with the difference and 0 is no kink."""
    rounding = ladder.rounding * ladder.magnitude / STEPS
    agree = np.abs(ladder.plain - difference) <= SAFETY * (error + SAFETY * rounding)
    seen = gap if np.isfinite(gap) else abs(difference)
    smooth = ladder.jump <= 0.01 * seen + SAFETY * rounding[KINK]
    return bool(np.all(agree[row + 1 :]) and smooth)
