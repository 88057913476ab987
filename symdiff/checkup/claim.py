"""A gradient that is claimed of a loss, held against differences along directions.

In: the loss as a function of named arrays, their values, the gradient claimed there.
Out: `Judgement`s, which say whose fault it is where the two disagree: the gradient's, or
the difference's, beside a corner, a jump, rounding noise, what is not finite. Refused
with a `SpecError`: a loss whose value is no real number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..errors import SpecError
from ..numerical.ladder import KINK, SAFETY, STEPS, Ladder
from ..verify.differences import EPS, SHARP, Verdict, judge
from ..verify.slopes import TOLERANCE, product, size_of

__all__ = ["Arrays", "Claim", "Judgement"]

Arrays = Mapping[str, np.ndarray]

NOISE_STEP, SMOOTH = 1e-4, 6  # differences of this order show rounding alone
NOISY = 100.0  # times the rounding of doubles
BLURRED = 1e-2  # where rounding is that large, a difference as certain as this decides
BENT = 1e-3  # of a slope: what it changes by at a corner, if there is one
JUMPED = 0.3  # relatively: changes that differ by less at all steps are a jump


@dataclass(frozen=True)
class Judgement:
    """What the differences say along one direction, and why they say no more.

    outcome: "right", "wrong", "corner" where the slope is one of those between the two
    sides', or "undecided". reason: of an outcome that is no plain one. sides: at a
    corner, the slopes below and above.
    """

    outcome: str
    verdict: Verdict
    reason: str = ""
    sides: tuple[float, float] | None = None


@dataclass(frozen=True)
class Claim:
    """A gradient claimed of a loss at given arrays.

    loss: a function of arrays by name. arrays: those that are differentiated, in double
    precision. gradient: what is claimed, of the arrays' shapes. precision: the dtype in
    which it was computed.
    """

    loss: Callable[[Arrays], object]
    arrays: Arrays
    gradient: Arrays
    precision: str = "float64"

    @cached_property
    def value(self) -> float:
        """The loss where the arrays stand. Raises what the loss raises."""
        value = np.asarray(self.loss(_copied(self.arrays)))
        if value.size != 1 or value.dtype.kind not in "fiub":
            raise SpecError(
                f"the loss returns an array of shape {value.shape} and dtype {value.dtype}",
                remedy="A gradient is that of a real number: return one, such as a mean.",
            )
        return float(value.reshape(()))

    @cached_property
    def is_random(self) -> bool:
        """Whether the loss gives another value at the same arrays."""
        again = float(np.asarray(self.loss(_copied(self.arrays))).reshape(()))
        return again != self.value and not math.isnan(self.value)

    def random(self, names: Iterable[str], rng: np.random.Generator) -> Arrays:
        """Return a random direction: changes of arrays as large as they are."""
        arrays = {name: self.arrays[name] for name in names}
        return {
            name: np.asarray(size_of(array) * rng.standard_normal(array.shape))
            for name, array in arrays.items()
        }

    def along(self, direction: Arrays) -> Callable[[float], float]:
        """Return the loss along a direction; it is NaN where the function raises."""

        def at(step: float) -> float:
            moved = _copied(self.arrays)
            for name, change in direction.items():
                moved[name] = np.asarray(moved[name] + step * change)
            try:
                return float(np.asarray(self.loss(moved)).reshape(()))
            except Exception:  # noqa: BLE001 - whatever the user's function raises
                return np.nan

        return at

    def judge(self, direction: Arrays, scale: float = 0.0) -> Judgement:
        """Return what differences say of the gradient along a direction.

        scale: the size that the slope could have had.
        """
        slope, size = product(self.gradient, direction)
        size = max((x for x in (size, scale) if np.isfinite(x)), default=0.0)
        along, tolerance = self.along(direction), TOLERANCE[self.precision]

        def judged(rounding: float, sharp: float) -> Verdict:
            return judge(
                along,
                self.value,
                slope,
                scale=size,
                tolerance=tolerance,
                rounding=rounding,
                sharp=sharp,
            )

        verdict = judged(EPS, SHARP)
        if fault := _fault(verdict.ladder):
            return Judgement("undecided", verdict, fault)
        if verdict.outcome == "right" and _is_sharp(verdict, SHARP):
            return _at_middle(verdict, along) or Judgement("right", verdict)
        corner = _at_corner(verdict, tolerance)
        if corner is None and self.rounding > NOISY * EPS:
            noise = f"the loss is noisy: by {self.rounding:.0e} of itself"
            verdict = judged(self.rounding, BLURRED)
            corner = _at_corner(verdict, tolerance)
            return corner or _weighed(verdict, BLURRED, noise)
        return corner or _weighed(verdict, SHARP)

    @cached_property
    def rounding(self) -> float:
        """The relative rounding of the loss's values, as differences of high order show.

        Moré and Wild 2011, "Estimating computational noise", equation 2.3.
        """
        along = self.along(self.random(self.arrays, np.random.default_rng(0)))
        # On either side: a corner where the arrays stand is no noise.
        sides = (
            np.array(
                [along(sign * NOISE_STEP * step) for step in range(2 * SMOOTH + 1)]
            )
            for sign in (1, -1)
        )
        noise = min(filter(math.isfinite, map(_noise, sides)), default=0.0)
        return max(EPS, noise)

    def ladder(self, direction: Arrays) -> Ladder:
        """Return the loss at all steps along a direction."""
        ladder, along = Ladder(self.value, self.rounding), self.along(direction)
        for step in STEPS:
            ladder = ladder.extended(along(step), along(-step))
        return ladder


_CORNER = "a corner"
_UNSETTLED = "the differences do not settle: a corner near the point, or a steep bend"


def _copied(arrays: Arrays) -> dict[str, np.ndarray]:
    return {name: array.copy() for name, array in arrays.items()}


def _noise(values: np.ndarray) -> float:
    """Return the relative rounding of values at equal steps."""
    gamma = math.factorial(SMOOTH) ** 2 / math.factorial(2 * SMOOTH)
    squares = np.square(np.diff(values, SMOOTH))
    magnitude = float(np.max(np.abs(values))) or 1.0
    return math.sqrt(gamma * float(np.mean(squares))) / magnitude


def _weighed(verdict: Verdict, sharp: float, noise: str = "") -> Judgement:
    """Return the judgement of a verdict, "undecided" if its difference is not sharp."""
    if verdict.outcome == "undecided" or not _is_sharp(verdict, sharp):
        return Judgement("undecided", verdict, noise or _UNSETTLED)
    return Judgement(verdict.outcome, verdict, noise)


def _at_corner(verdict: Verdict, tolerance: float) -> Judgement | None:
    """Return the judgement at a corner: a slope between both sides' is a subgradient."""
    if verdict.outcome != "undecided":
        return None
    (below, error), (above, other) = (verdict.ladder.side(sign) for sign in (-1, 1))
    room = SAFETY * (error + other) + tolerance * verdict.scale
    apart = abs(above - below)
    if not apart > 10 * room or verdict.ladder.jump < apart / 2:
        return None
    low, high = sorted((below, above))
    sides = (below, above)
    if not np.isfinite(verdict.slope):
        return Judgement("undecided", verdict, _CORNER, sides)
    if low - room <= verdict.slope <= high + room:
        return Judgement("corner", verdict, _CORNER, sides)
    nearest = min(sides, key=lambda side: abs(side - verdict.slope))
    return Judgement("wrong", replace(verdict, difference=nearest), _CORNER, sides)


def _at_middle(verdict: Verdict, along: Callable[[float], float]) -> Judgement | None:
    """Return the judgement at a corner whose sides' mean is the slope, which differences
    to both sides do not tell from a smooth point.
    """
    ladder, half = verdict.ladder, verdict.ladder.bend / 2
    if abs(half) <= BENT * verdict.scale:
        return None
    for step in STEPS[len(ladder.rows) : KINK + 1]:
        ladder = ladder.extended(along(step), along(-step))
    if not abs(ladder.jump - abs(2 * half)) <= JUMPED * ladder.jump:
        return None
    sides = (verdict.difference - half, verdict.difference + half)
    return Judgement("corner", verdict, _CORNER, sides)


def _is_sharp(verdict: Verdict, limit: float) -> bool:
    """Return whether a verdict's difference is certain, not all rounding."""
    return verdict.error <= limit * verdict.scale or not verdict.ladder.noise


def _fault(ladder: Ladder) -> str:
    """Return what is wrong with the loss beside the point, nothing if nothing shows."""
    if len(ladder.rows) < len(STEPS):
        return ""  # it agreed at once
    if not np.isfinite([*ladder.below, *ladder.above]).all():
        return "the loss is not finite beside the point"
    changes = np.abs(np.subtract(ladder.above, ladder.below))
    noise = SAFETY * ladder.rounding * ladder.magnitude
    if np.ptp(changes[-3:]) <= JUMPED * changes[-1] and changes[-1] > noise:
        return f"the loss jumps by {changes[-1]:.3g} at the point"
    return ""
