"""What is found of a gradient at one point.

In: a loss as a function of named arrays, the arrays, the gradient that is claimed
there. Out: a `Point`: a `Parameter` for each array, and the Taylor remainder along a
direction. Refused: a loss that is no real number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from ..numerical.ladder import SAFETY, STEPS, Ladder
from ..verify.slopes import product
from .claim import Arrays, Claim
from .mistakes import misshapen
from .parameter import Parameter, examine

__all__ = ["Point", "gravest", "lengths", "look"]

MOST_IN_ALL, FEWEST = 1000, 4  # entries that are judged, of all arrays and of each

_GRAVITY = ("right", "undecided", "wrong")


@dataclass(frozen=True)
class Point:
    """What is found at one point: of each array, and of all of them along a direction.

    sizes: those of the arguments there. remainders: f(x + h v) - f(x) - h g.v at the
    steps h, v being a random direction of the wrong arrays, of all where none is.
    order: the power of h with which the remainders fall: 2 and more where the gradient
    is right, 1 where it is wrong, NaN where rounding hides it. sides: the slopes along v
    below and above, where v leads across a corner, and the one that is claimed, between
    them: there the order is 1 whatever the gradient. complex_step: the largest
    distance of a right gradient from complex steps, relative to its array's largest
    entry, None where the loss does not allow them. explanations: at which operations
    of the loss a wrong gradient goes wrong, as far as that can be told.
    """

    sizes: Mapping[str, int]
    parameters: tuple[Parameter, ...]
    remainders: tuple[tuple[float, float], ...] = ()
    order: float = np.nan
    sides: tuple[float, float, float] | None = None
    complex_step: float | None = None
    explanations: tuple[str, ...] = ()

    @property
    def outcome(self) -> str:
        """The gravest outcome of a parameter."""
        return gravest(one.outcome for one in self.parameters)


def gravest(outcomes: object) -> str:
    """Return "wrong" if one of the outcomes is, else "undecided" if one is."""
    return max(outcomes, key=_GRAVITY.index, default="undecided")  # type: ignore[call-overload]


def look(
    loss: Callable[[Arrays], object],
    arrays: Arrays,
    gradient: Arrays,
    *,
    lengths: Mapping[str, int],
    sizes: Mapping[str, int] = MappingProxyType({}),
    precision: str = "float64",
    entries: int,
    seed: int = 0,
) -> Point:
    """Return what is found at a point.

    gradient: what is claimed, its arrays of any shape. lengths: those of axes, after
    which a factor may be named. entries: how many of each array are judged one by one.
    """
    fitting = {
        name: part
        for name, part in gradient.items()
        if part.shape == arrays[name].shape
    }
    claim = Claim(loss, arrays, fitting, precision)
    reason = _no_value(claim)
    if reason:
        undecided = (
            Parameter(name, array.shape, "undecided", reason=reason)
            for name, array in arrays.items()
        )
        return Point(sizes, tuple(undecided))
    rng = np.random.default_rng(seed)
    each = max(FEWEST, min(entries, MOST_IN_ALL // max(len(arrays), 1)))
    parameters = tuple(
        (
            examine(claim, name, rng, each, {**sizes, **lengths})
            if name in fitting
            else _misshapen(name, arrays[name].shape, gradient[name].shape)
        )
        for name in arrays
    )
    point = Point(sizes, parameters)
    wrong = [one.name for one in parameters if one.outcome == "wrong"]
    shown = [name for name in wrong or arrays if name in fitting]
    return _with_remainders(point, claim, shown, rng) if shown else point


def lengths(arrays: Iterable[tuple[str, np.ndarray]]) -> dict[str, int]:
    """Return the lengths of arrays' axes, as Python writes them."""
    found = {}
    for name, array in arrays:
        for axis, size in enumerate(array.shape):
            found[f"{name}.shape[{axis}]" if axis else f"len({name})"] = size
    return found


def _no_value(claim: Claim) -> str:
    """Return why nothing can be found at a point, "" if it can."""
    if not np.isfinite(claim.value):
        return f"the loss is {claim.value} there"
    if claim.is_random:
        return "the loss is random: it has another value at the same arguments"
    return ""


def _misshapen(name: str, wanted: tuple[int, ...], shape: tuple[int, ...]) -> Parameter:
    reason = f"it has shape {shape}, the array has {wanted}"
    guess = misshapen(shape, wanted)
    return Parameter(name, wanted, "wrong", reason=reason, guess=guess)


def _with_remainders(
    point: Point, claim: Claim, names: list[str], rng: np.random.Generator
) -> Point:
    direction = claim.random(names, rng)
    slope = product(claim.gradient, direction)[0]
    ladder = claim.ladder(direction)
    remainders = np.abs(ladder.remainders(slope))
    if not np.isfinite(remainders).any():
        return point
    shown = remainders > SAFETY * ladder.rounding * ladder.magnitude
    pairs = np.flatnonzero(shown[:-1] & shown[1:])
    order = np.nan
    if len(pairs) and np.isfinite(slope):
        last = pairs[-1]
        order = float(np.log10(remainders[last] / remainders[last + 1]))
    steps = (float(f"{step:.0e}") for step in STEPS)
    table = tuple(zip(steps, remainders.tolist(), strict=True))
    sides = _sides(ladder, slope) if point.outcome == "right" else None
    return replace(point, remainders=table, order=order, sides=sides)


def _sides(ladder: Ladder, slope: float) -> tuple[float, float, float] | None:
    """Return the slopes on both sides of a corner and the claimed one, None at none."""
    (below, error), (above, other) = (ladder.side(sign) for sign in (-1, 1))
    apart = abs(above - below)
    if not apart > SAFETY * (error + other) or ladder.jump < apart / 2:
        return None
    return below, above, slope
