"""What gradients are held against: the user's own function in extended precision.

In: a `Problem`, and entries of its gradient. Out: a `Reference`: the value and slopes at
these entries, which owe nothing to symdiff's rules. The complex step gives a slope as
exact as the function where that is analytic; where differences in double precision do
not confirm it, or the function takes no complex numbers, Richardson's differences in
extended precision stand in its place, or where it takes none of these, in double.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from time import process_time
from typing import NamedTuple

import numpy as np

from ..errors import SpecError
from ..numerical import Estimate, complex_step, richardson
from ..numerical.ladder import SAFETY
from .problem import Problem

__all__ = ["Reference", "refer"]

FEWEST = 4  # entries, whatever they cost
ROOM = 1e-9  # of the largest slope: what differences in double precision may be off


@dataclass(frozen=True)
class Reference:
    """Slopes at entries, and how they were had; scales: how large those of the same
    array are.
    """

    value: np.floating
    entries: np.ndarray
    slopes: np.ndarray
    scales: np.ndarray
    title: str

    def errors(self, entries: np.ndarray, slopes: np.ndarray) -> np.ndarray:
        """Return the relative errors of slopes at those entries that are known here.

        Each is relative to the slope, or to the root of the mean square of its array's
        slopes where that is larger.
        """
        known = {int(entry): i for i, entry in enumerate(self.entries)}
        pairs = [(known[int(e)], i) for i, e in enumerate(entries) if int(e) in known]
        here, there = np.array(pairs, int).reshape(-1, 2).T
        want = self.slopes[here]
        size = np.maximum(np.abs(want), self.scales[here])
        return (np.abs(slopes[there] - want) / size).astype(float)


def _scales(problem: Problem, entries: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Return for each entry how large the slopes of its array are, 1 if they are 0."""
    ends = np.cumsum([problem.leaves[i].size for i in problem.indices])
    arrays = np.searchsorted(ends, entries, side="right")
    scales = np.ones_like(slopes)
    for array in np.unique(arrays):
        inside = arrays == array
        scales[inside] = np.sqrt(np.mean(np.square(slopes[inside]))) or 1
    return scales


class _Way(NamedTuple):
    """A way to slopes: how it is called, the function, the problem in its precision."""

    title: str
    method: Callable[..., Estimate]
    problem: Problem

    def slopes(self, entries: np.ndarray) -> Estimate | None:
        """Return slopes, None where the function does not take such numbers."""
        try:
            return self.method(
                self.problem.of_weights,
                self.problem.weights,
                wrt="weights",
                entries=entries,
            )
        except Exception:  # noqa: BLE001 - the user's function may refuse them
            return None


def refer(
    problem: Problem, order: np.ndarray, samples: Iterable[np.ndarray], budget: float
) -> Reference:
    """Return the reference at as many entries as a budget of seconds is enough for.

    They are the first of `order`, and as many of each of the samples.
    """
    double, extended = (_widened(problem, one) for one in (np.float64, np.longdouble))
    near = _Way("Richardson's differences in double precision", richardson, double)
    ways = (
        _Way(
            "the complex step in extended precision, which differences confirm",
            complex_step,
            extended,
        ),
        _Way("Richardson's differences in extended precision", richardson, extended),
        near,
    )
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        way, seconds = _first_that_holds(ways, near, order[:FEWEST])
        count = max(FEWEST, int(budget / seconds))
        chosen = [order[:count], *(entries[:count] for entries in samples)]
        entries = np.unique(np.concatenate(chosen))
        found = way.slopes(entries)
        assert found is not None
        slopes = found.slopes
        if found.errors is None:
            check = near.slopes(entries)
            assert check is not None
            slopes = np.where(_confirmed(found, check), slopes, check.slopes)
        scales = _scales(problem, entries, slopes)
        return Reference(_value(extended, double), entries, slopes, scales, way.title)


def _first_that_holds(
    ways: Iterable[_Way], near: _Way, entries: np.ndarray
) -> tuple[_Way, float]:
    """Return the first way that gives the slopes of differences, and its seconds for an
    entry.
    """
    check = near.slopes(entries)
    for way in ways:
        start = process_time()
        found = way.slopes(entries)
        seconds = (process_time() - start) / max(len(entries), 1)
        if check is not None and found is not None and np.all(_confirmed(found, check)):
            return way, seconds
    raise SpecError(
        "the loss is not finite where it is compared, or no number",
        remedy="Give arguments at which it is: data={...}.",
    )


def _widened(problem: Problem, dtype: type) -> Problem:
    """Return the problem with its real arrays in another precision."""
    leaves = (x.astype(dtype) if x.dtype.kind == "f" else x for x in problem.leaves)
    return replace(problem, leaves=tuple(leaves))


def _value(extended: Problem, double: Problem) -> np.floating:
    """Return the value in extended precision, in double where the function has none."""
    try:
        return np.longdouble(extended.of_weights(*extended.weights))
    except Exception:  # noqa: BLE001 - the user's function, as above
        return np.longdouble(double.of_weights(*double.weights))


def _confirmed(found: Estimate, near: Estimate) -> np.ndarray:
    """Return which slopes are those of differences, but for these's own errors."""
    assert near.errors is not None
    room = SAFETY * near.errors + ROOM * np.max(np.abs(near.slopes), initial=0.0)
    return np.asarray(np.abs(found.slopes - near.slopes) <= room)
