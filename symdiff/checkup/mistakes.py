"""What mistake would make the right gradient into the wrong one.

In: a gradient that is wrong, its array, and the slopes known at some of its entries.
Out: a sentence, such as "it is n = 7 times too large", or nothing where no simple
mistake explains all that is known. Nothing is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, permutations

import numpy as np

from ..numerical.ladder import SAFETY

__all__ = ["Known", "guess", "misshapen"]

CLOSE = 1e-5  # the relative error of an explanation that is exact but for rounding
LARGEST = 12  # of whole numbers in a factor that is named

Known = Mapping[tuple[int, ...], tuple[float, float]]


@dataclass(frozen=True)
class _Case:
    """The wrong gradient, its array, and the right slopes at the known entries.

    room: the relative error of what counts as equal.
    """

    gradient: np.ndarray
    array: np.ndarray
    places: tuple[np.ndarray, ...]
    slopes: np.ndarray
    others: Mapping[str, np.ndarray]
    sizes: Mapping[str, int]
    room: float

    def at(self, candidate: np.ndarray) -> np.ndarray:
        """Return an array of the gradient's shape at the known entries."""
        return np.ravel(np.asarray(candidate, float)[self.places])

    def explains(self, candidate: np.ndarray) -> bool:
        """Return whether values at the known entries are the right slopes."""
        return self.close(candidate, self.slopes)

    def close(self, one: np.ndarray, other: np.ndarray) -> bool:
        """Return whether two arrays are equal but for rounding."""
        scale = float(np.max(np.abs(other), initial=0.0))
        gap = float(np.max(np.abs(one - other), initial=0.0))
        return scale > 0 and gap <= self.room * scale


def guess(
    gradient: np.ndarray,
    array: np.ndarray,
    known: Known,
    others: Mapping[str, np.ndarray],
    sizes: Mapping[str, int],
) -> str:
    """Return the simplest mistake that explains a wrong gradient, "" if none does.

    known: right slopes by entry, with their errors. others: the gradients of other
    arrays. sizes: numbers that factors are named after.
    """
    if not np.isfinite(gradient).all():
        count = int(np.sum(~np.isfinite(gradient)))
        return f"{count} of its {gradient.size} entries are not finite"
    if not known:
        return ""
    places = tuple(np.array(one, int) for one in zip(*known, strict=True))
    slopes, errors = np.array(list(known.values())).T
    scale = float(np.max(np.abs(slopes)))
    room = max(CLOSE, SAFETY * float(np.max(errors)) / scale) if scale else CLOSE
    claimed = np.asarray(gradient, float)
    case = _Case(claimed, array, places, slopes, others, sizes, room)
    return next((text for rule in RULES for text in rule(case)), "")


def misshapen(shape: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """Return what was likely forgotten where a gradient has not its array's shape."""
    if shape == wanted[::-1]:
        return "it is transposed"
    if int(np.prod(shape)) == int(np.prod(wanted)):
        return "it has as many entries: reshape it"
    for count in range(1, len(shape) + 1):
        for axes in combinations(range(len(shape)), count):
            left = tuple(size for axis, size in enumerate(shape) if axis not in axes)
            kept = tuple(1 if i in axes else size for i, size in enumerate(shape))
            if wanted in (left, kept):
                named = axes[0] if count == 1 else axes
                return f"it is not summed over axis {named}"
    return ""


# The rules, the simplest first; each yields sentences.


def _zero(case: _Case) -> Iterator[str]:
    if not case.gradient.any():
        yield "it is 0 everywhere: a term is missing, or the whole derivative"


def _elsewhere(case: _Case) -> Iterator[str]:
    """The right numbers in the wrong places, or times a factor, or both."""
    for where, candidate in _places(case):
        found = case.at(candidate)
        if case.explains(found):
            if where:
                yield f"it is {where}"
            continue
        factor = _factor(found, case.slopes)
        if factor and case.explains(found / factor):
            also = f"{where}, and " if where else ""
            yield f"it is {also}{_times(factor, case)}"


def _places(case: _Case) -> Iterator[tuple[str, np.ndarray]]:
    """Yield arrays that the right gradient could be, with what was done to them."""
    gradient = case.gradient
    yield "", gradient
    for axes in permutations(range(gradient.ndim)):
        moved = gradient.transpose(axes)
        if moved.shape == gradient.shape and axes != tuple(range(gradient.ndim)):
            yield "transposed", moved
    if gradient.ndim > 1:
        in_columns = gradient.ravel("F").reshape(gradient.shape)
        yield "reshaped in the wrong order of axes", in_columns
    for axis in range(gradient.ndim):
        yield f"reversed along axis {axis}", np.flip(gradient, axis)
        for shift in (1, -1):
            yield f"shifted along axis {axis}", np.roll(gradient, shift, axis)
    for name, other in case.others.items():
        if other.shape == gradient.shape:
            yield f"the gradient of {name}", other


def _term(case: _Case) -> Iterator[str]:
    """A term that is missing, or is there and should not be: c, c x, c sign(x)..."""
    off = case.slopes - case.at(case.gradient)
    if len(off) < 3 or np.ptp(case.slopes) == 0:
        return
    for text, term in {
        "the same at each entry": np.ones(case.array.shape),
        "the array itself": case.array,
        "the array's sign": np.sign(case.array),
        "the array's square": np.square(case.array),
    }.items():
        factor = _factor(off, case.at(term))
        if factor and case.close(factor * case.at(term), off):
            how = "lacks a term" if factor > 0 else "has a term too many"
            yield f"it {how}: {_number(abs(factor), case)} times {text}"


def _axis(case: _Case) -> Iterator[str]:
    """Summed or averaged along an axis, along which the right one changes."""
    full = _whole(case)
    if full is None:
        return
    for axis in range(case.gradient.ndim):
        for text, reduce in (("summed", np.sum), ("averaged", np.mean)):
            along: np.ndarray = reduce(full, axis=axis, keepdims=True)
            if case.close(np.broadcast_to(along, case.gradient.shape), case.gradient):
                yield f"it is {text} along axis {axis}, and should not be"
    if full.ndim == 2 and full.shape[0] == full.shape[1]:
        if case.close(full + full.T, case.gradient):
            yield "its transpose is added to it"
        if case.close((full + full.T) / 2, case.gradient):
            yield "it is the mean of itself and its transpose"


def _part(case: _Case) -> Iterator[str]:
    """Wrong in one row, one column, on the diagonal, in one entry alone."""
    claimed = case.at(case.gradient)
    scale = float(np.max(np.abs(case.slopes), initial=0.0))
    wrong = ~np.isclose(claimed, case.slopes, rtol=CLOSE, atol=CLOSE * scale)
    if wrong.all() or not wrong.any():
        return
    right, off = case.slopes[wrong], claimed[wrong]
    how = _how(off, right, case)
    for where, inside in _regions(case, wrong):
        if (wrong <= inside).all() and inside.sum() < inside.size:
            yield f"only {where} is wrong{how}"
    if how:
        yield f"{int(wrong.sum())} of {wrong.size} entries are wrong{how}"


def _regions(case: _Case, wrong: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield parts of the array with which of the known entries lie in them."""
    if wrong.sum() == 1:
        index = tuple(int(place[wrong][0]) for place in case.places)
        yield f"the entry {list(index)}", wrong
    for axis, place in enumerate(case.places):
        here = set(place[wrong].tolist())
        if len(here) == 1:
            (index,) = here
            yield f"index {index} of axis {axis}", place == index
    if len(case.places) == 2:
        row, column = case.places
        yield "the diagonal", row == column
        yield "what is above the diagonal", row < column
        yield "what is below the diagonal", row > column
    yield "where the array is 0", case.at(case.array) == 0
    yield "where the array is negative", case.at(case.array) < 0
    yield "where the array is positive", case.at(case.array) > 0


RULES: tuple[Callable[[_Case], Iterator[str]], ...] = (
    _zero,
    _elsewhere,
    _term,
    _axis,
    _part,
)


def _how(off: np.ndarray, right: np.ndarray, case: _Case) -> str:
    """Return how some entries are wrong, if they are so alike."""
    if not off.any():
        return ": it is 0 there"
    factor = _factor(off, right)
    if factor and case.close(factor * right, off):
        return f": {_times(factor, case)}"
    return ""


def _whole(case: _Case) -> np.ndarray | None:
    """Return the right gradient, None where not all of its entries are known."""
    if len(case.slopes) < case.gradient.size:
        return None
    full = np.zeros(case.gradient.shape)
    full[case.places] = case.slopes
    return full


def _factor(values: np.ndarray, of: np.ndarray) -> float:
    """Return the factor that brings other values nearest to these."""
    square = float(of @ of)
    return float(values @ of) / square if square else 0.0


# Factors in words.


def _times(factor: float, case: _Case) -> str:
    """Return a factor in words: too large or too small, and after what it is named."""
    sign = "of the wrong sign and " if factor < 0 else ""
    factor = abs(factor)
    if abs(factor - 1) <= case.room:
        return "of the wrong sign"
    how, size = ("large", factor) if factor > 1 else ("small", 1 / factor)
    return f"{sign}{_number(size, case)} times too {how}"


def _number(value: float, case: _Case) -> str:
    """Return a number in words: a size, a fraction, what is made of sizes, or digits."""
    sizes = {name: size for name, size in case.sizes.items() if size > 1}
    for name, size in sizes.items():
        if abs(value - size) <= case.room * size:
            return f"{name} = {size}"
    fraction = Fraction(value).limit_denominator(LARGEST)
    small = abs(fraction.numerator) <= LARGEST * fraction.denominator
    if small and abs(float(fraction) - value) <= case.room * abs(value):
        return str(fraction)
    for text, known in _made_of(sizes):
        if abs(value - known) <= case.room * known:
            return f"{text} = {known:.6g}"
    return f"{value:.6g}"


def _made_of(sizes: Mapping[str, int]) -> Iterator[tuple[str, float]]:
    """Yield numbers made of sizes that a forgotten factor may be."""
    for name, size in sizes.items():
        yield f"{name}**2", size**2
        yield f"sqrt({name})", size**0.5
        yield f"{name} / 2", size / 2
        yield f"2 * {name}", 2 * size
        yield f"{name} - 1", size - 1
        yield f"{name} / ({name} - 1)", size / (size - 1)
    for (one, first), (other, second) in combinations(sizes.items(), 2):
        yield f"{one} * {other}", first * second
