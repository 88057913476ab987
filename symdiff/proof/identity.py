"""Whether two graphs have the same outputs: for every size, or at given ones.

In: two graphs with outputs of the same names, shapes and arguments. Out: an `Identity`:
proved, with a bound on the probability of error; or not, with the reason.

Both are computed at random points with the numbers of `field`. A difference at one
point shows that no identity of the kind that is known makes them equal, though they may
be equal all the same. Agreement at so many points that another outcome is as good as
excluded is a proof.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..bounds import index_bounds
from ..graph import Graph
from ..ops.reductions import Max, Min
from ..shapes import Size, smallest
from .axes import Axes, NotGeneric
from .evaluate import Inputs, evaluate
from .field import SMALLEST_PRIME
from .measure import Measure, measure
from .numbers import UNDEFINED, Number
from .points import Points

__all__ = ["Identity", "identical"]

ERROR = 1e-9  # the largest probability of error that is a proof
AT_ONCE = 256  # points
MOST_POINTS = 1 << 16
MOST_MEETING = 16  # elements of an axis
MOST_SETTLINGS = 8  # each for comparisons that depend on the one before
LEAST_LIVE = 1 / 64  # of all points


@dataclass(frozen=True)
class Identity:
    """What is known of two graphs.

    proved: whether they are equal. error: a bound on the probability that they are not.
    points: how many they agree at. different: the names of outputs that no known
    identity makes equal. apart: whether they are equal wherever no two compared numbers
    are. reason: why nothing is known.
    """

    proved: bool
    error: float = 1.0
    points: int = 0
    different: tuple[str, ...] = ()
    apart: bool = False
    reason: str = ""
    at: tuple[Mapping[str, int], ...] = ()


def identical(
    left: Graph,
    right: Graph,
    names: Sequence[str],
    given: Mapping[Size, int] | None = None,
) -> Identity:
    """Return whether two graphs agree in some outputs, for every size or at given ones."""
    both = measure(left, names, given) | measure(right, names, given)
    if given is None and max(both.meeting.values(), default=0) > MOST_MEETING:
        return Identity(False, reason="too many elements of an axis meet in a product")
    extrema = any(
        isinstance(node, Max | Min) for one in (left, right) for node in one.walk(names)
    )
    found = Identity(False)
    for choosing in (False, True) if extrema else (False,):
        measured = replace(both, cases=both.cases + 2 * choosing)
        try:
            found = _Comparison(left, right, names, given, measured, choosing).result()
        except NotGeneric as refusal:
            return Identity(False, reason=str(refusal))
        if found.proved or found.apart:
            return found
    return found


@dataclass
class _Comparison:
    """One comparison at points that are all of one kind."""

    left: Graph
    right: Graph
    names: Sequence[str]
    given: Mapping[Size, int] | None
    measure: Measure
    choosing: bool

    def result(self) -> Identity:
        """Return what the points show; those at which numbers are equal come last."""
        apart = self._rounds(ties=False)
        if not apart.proved or not self.measure.cases:
            return apart
        equal = self._rounds(ties=True)
        if equal.proved:
            return replace(equal, points=apart.points + equal.points)
        return replace(equal, apart=True)

    def _rounds(self, *, ties: bool) -> Identity:
        degree, cases = self.measure.degree, self.measure.cases
        miss = degree / SMALLEST_PRIME
        if miss >= 0.5:
            return Identity(False, reason=f"fractions of degree {degree}")
        seen = 1 - (1 - miss) * (3 if ties else 2) ** -float(cases)
        needed = math.ceil(math.log(ERROR) / math.log(seen)) if seen else 1
        if needed > MOST_POINTS:
            return Identity(
                False, reason=f"{cases} comparisons that depend on each other"
            )
        live = done = 0
        while live < needed:
            at_once = min(max(AT_ONCE, needed - live), 4 * AT_ONCE)
            points = Points(at_once, done, ties=ties, choosing=self.choosing)
            agreed, different = self._round(points)
            if different:
                return Identity(False, different=different, points=live)
            live, done = live + agreed, done + at_once
            if live < LEAST_LIVE * done or done > 4 * MOST_POINTS:
                return Identity(
                    False, reason="hardly any point at which both are defined"
                )
        return Identity(True, math.exp(live * math.log(seen)) if seen else 0.0, live)

    def _round(self, points: Points) -> tuple[int, tuple[str, ...]]:
        """Return at how many points both agree, and the outputs in which they do not."""
        axes = Axes(points, self.measure.meeting, self.given)
        inputs = Inputs(axes, _bounds(self.left, self.right))
        for _ in range(MOST_SETTLINGS):
            points.live[:] = True
            sides = [
                evaluate(one, self.names, axes, inputs)
                for one in (self.left, self.right)
            ]
            if not points.settle():
                break
        pairs = {name: (sides[0][name], sides[1][name]) for name in self.names}
        different = tuple(
            name for name, pair in pairs.items() if not _agree(points, *pair)
        )
        seen = points.live.copy()
        for x, _ in pairs.values():
            if x.faults is not None:
                undefined = (x.faults & UNDEFINED).astype(bool)
                seen &= ~undefined.reshape(points.count, -1).any(axis=1)
        return int(seen.sum()), different


def _bounds(left: Graph, right: Graph) -> dict[str, Size]:
    bounds = index_bounds(left)
    for name, size in index_bounds(right).items():
        bounds[name] = smallest(bounds[name], size) if name in bounds else size
    return bounds


def _agree(points: Points, x: Number, y: Number) -> bool:
    """Return whether two arrays are the same at all live points, wherever both are
    defined, and whether they have roots and logarithms at the same places.
    """
    none = np.zeros(1, int)
    faults = [none if one.faults is None else one.faults for one in (x, y)]
    live = points.live.reshape(-1, *(1,) * x.rank)
    undefined = [one >= UNDEFINED for one in faults]
    singular = (faults[0] | faults[1]) & ~UNDEFINED
    if np.any(live & (singular == 0) & (undefined[0] != undefined[1])):
        return False
    compared = live & ((faults[0] | faults[1]) == 0)
    return not np.any(compared & (x.p != y.p)) or not np.any(compared & (x.q != y.q))
