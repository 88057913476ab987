"""Arguments at which two functions differ, sought by computing them.

In: the two sides, the signature of their arguments. Out: a `Counterexample`, confirmed
by a second evaluation, if one is found; and the `Evidence` of all that was tried.

A gradient's value is confirmed by the differences of the loss, which must agree with
symdiff's and not with the other's. A function's is confirmed in extended precision: what
rounding has made would be smaller there.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..specs import Leaf, Signature
from ..verify.differences import judge
from ..verify.sampling import DOMAINS, draw, nest, size_sets
from ..verify.slopes import Loss
from .sides import Side

__all__ = ["Counterexample", "Evidence", "Sample", "search"]

# Which numbers are drawn at which sizes: those of `sampling`, some that functions
# compare with ("some"), one of these for each whole argument ("level").
ROUNDS = (
    *(("normal", 0), ("positive", 2), ("unit", 3), ("above", 2), ("normal", 4)),
    *(("some", 0), ("level", 0), ("some", 2), ("level", 2), ("some", 3), ("level", 3)),
    *(("some", 4), ("some", 0), ("some", 2), ("some", 3), ("normal", 1)),
)
ROUNDING = {"float64": 1e-13, "float32": 1e-4}
TOLERANCE = {"float64": 1e-9, "float32": 1e-4}
PLAIN = 1e-6  # a relative gap that is no rounding, where there is no extended precision
NUDGE = 1e-12  # relative: by what arguments are moved to see that
ENTRIES = 4  # tried of each sample, those furthest apart

Leaves = list[np.ndarray]


@dataclass(frozen=True)
class Counterexample:
    """Where two functions differ.

    name: of the part that differs. sizes: the unknown ones' values. arguments: by name,
    as nested lists. part: what differs, in words. entry: which element of it. expected,
    given: the first and the second function's. gap: how far apart, relative to the
    largest element. confirmed: how. shapes: both shapes, where it is these that differ.
    """

    name: str
    sizes: Mapping[str, int]
    arguments: Mapping[str, Any]
    part: str
    entry: tuple[int, ...]
    expected: float | None
    given: float | None
    gap: float | None
    confirmed: str
    shapes: tuple[tuple[int, ...], tuple[int, ...]] | None = None

    def __str__(self) -> str:
        at = ", ".join(f"{name} = {size}" for name, size in self.sizes.items())
        where = f" at {at}" if at else ""
        if self.shapes:
            expected, given = self.shapes
            return f"{self.part} has shape {given}{where}, expected {expected}"
        entry = f"[{', '.join(map(str, self.entry))}]" if self.entry else ""
        return (
            f"{self.part}{entry} is {self.given:.10g}{where}, "
            f"expected {self.expected:.10g} ({self.confirmed})"
        )


@dataclass(frozen=True)
class Sample:
    """Both sides at some arguments, which are random or have been chosen."""

    random: bool
    sizes: Mapping[str, int]
    leaves: Leaves
    expected: Mapping[str, np.ndarray]
    given: Mapping[str, np.ndarray]

    def gap(self, name: str) -> float:
        """Return how far a part is apart, relative to its largest element."""
        return float(np.max(self.gaps(name), initial=0.0))

    def gaps(self, name: str) -> np.ndarray:
        """Return how far the elements of a part are apart, relative to the largest."""
        expected, given = self.expected[name], self.given[name]
        if expected.shape != given.shape:
            return np.full(expected.shape or (1,), np.inf)
        both = np.stack([np.abs(expected), np.abs(given)]).astype(np.float64)
        scale = float(np.max(both, initial=0.0, where=np.isfinite(both))) or 1.0
        gaps = np.abs(expected - given) / scale
        same = (expected == given) | (np.isnan(expected) & np.isnan(given))
        return np.where(same, 0.0, np.where(np.isfinite(gaps), gaps, np.inf))


@dataclass
class Evidence:
    """What computing both sides has shown, sample by sample."""

    samples: list[Sample] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The names of the parts, if there is a sample."""
        return list(self.samples[0].expected) if self.samples else []

    def gap(self, name: str) -> float:
        """Return the largest relative gap of a part over all samples."""
        return max((one.gap(name) for one in self.samples), default=0.0)


def search(
    sides: tuple[Side, Side],
    signature: Signature,
    bounds: Callable[[Mapping[str, int]], Mapping[str, int]],
    loss: Callable | None,
    numbers: Sequence[float],
) -> tuple[Counterexample | None, Evidence]:
    """Return a confirmed counterexample, or None, and what was computed.

    bounds: of whole numbers that are indices, given the sizes. loss: the function that
    the sides are gradients of, None where they are functions themselves. numbers: those
    that the functions compare with, at which they may differ.
    """
    evidence, found = Evidence(), None
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for domain, sizes, leaves in _arguments(signature, bounds, numbers):
            sample = _sample(sides, signature, domain, sizes, leaves)
            if sample is None or not _is_comparable(sample, loss):
                continue
            evidence.samples.append(sample)
            if found is None:
                found = _confirmed(sample, sides, signature, loss)
    return found, evidence


def _arguments(
    signature: Signature,
    bounds: Callable[[Mapping[str, int]], Mapping[str, int]],
    numbers: Sequence[float],
) -> Iterator[tuple[str, dict[str, int], Leaves]]:
    """Yield which numbers are drawn, sizes, and arguments of these."""
    rng = np.random.default_rng(0)
    pool = np.array([*range(-2, 3), *numbers, *(2 * one for one in numbers)])
    sets = list(size_sets(signature.sizes))
    for domain, which in ROUNDS:
        sizes = sets[which] if signature.sizes else {}
        kind = domain if domain in DOMAINS else "normal"
        known = bounds(sizes)
        leaves = draw(signature, sizes, rng, domain=kind, index_bounds=known)
        if kind != domain:
            leaves = [
                one if leaf.name in known else _chosen(pool, one, rng, domain)
                for leaf, one in zip(signature.leaves, leaves, strict=True)
            ]
        yield domain, sizes, leaves


def _chosen(
    pool: np.ndarray, leaf: np.ndarray, rng: np.random.Generator, domain: str
) -> np.ndarray:
    """Return an array of numbers of a pool, all of them one where that is asked for."""
    shape = leaf.shape if domain == "some" else (1,) * leaf.ndim
    if leaf.dtype.kind in "iub":
        pool = pool[(pool >= 0) & (pool < 100) & (pool == np.rint(pool))]
    return np.broadcast_to(rng.choice(pool, shape), leaf.shape).astype(leaf.dtype)


def _sample(
    sides: tuple[Side, Side],
    signature: Signature,
    domain: str,
    sizes: Mapping[str, int],
    leaves: Leaves,
) -> Sample | None:
    """Return both sides, None where one raises."""
    try:
        expected, given = (
            side.at(nest(signature, [one.copy() for one in leaves])) for side in sides
        )
    except Exception:  # noqa: BLE001 - the user's functions at made-up arguments
        return None
    return Sample(domain in DOMAINS, sizes, leaves, expected, given)


def _is_comparable(sample: Sample, loss: Callable | None) -> bool:
    """Return whether the gradient exists, or one of two functions is finite."""
    finite = [
        all(np.isfinite(one).all() for one in side.values())
        for side in (sample.expected, sample.given)
    ]
    return finite[0] or (loss is None and finite[1])


def _confirmed(
    sample: Sample,
    sides: tuple[Side, Side],
    signature: Signature,
    loss: Callable | None,
) -> Counterexample | None:
    """Return the sample as a counterexample, if it is one beyond doubt."""
    for name in sorted(sample.expected, key=sample.gap, reverse=True):
        if sample.expected[name].shape != sample.given[name].shape:
            return _of_shapes(sample, signature, name)
        gaps = sample.gaps(name)
        precision = _precision(signature)
        order = np.argsort(gaps, axis=None)[::-1][:ENTRIES]
        for place in order:
            entry = tuple(int(i) for i in np.unravel_index(place, gaps.shape))
            if gaps[entry] <= ROUNDING[precision]:
                break
            if loss is not None:
                how = _by_differences(sample, signature, loss, name, entry)
            else:
                how = _by_precision(sample, sides, signature, name, entry)
            if how:
                return _made(sample, signature, name, entry, float(gaps[entry]), how)
    return None


def _made(
    sample: Sample,
    signature: Signature,
    name: str,
    entry: tuple[int, ...],
    gap: float,
    how: str,
) -> Counterexample:
    return Counterexample(
        name,
        dict(sample.sizes),
        _nested(signature, sample.leaves),
        _part(signature, name),
        entry,
        float(sample.expected[name][entry]),
        float(sample.given[name][entry]),
        gap,
        how,
    )


def _of_shapes(sample: Sample, signature: Signature, name: str) -> Counterexample:
    expected, given = sample.expected[name], sample.given[name]
    return Counterexample(
        name,
        dict(sample.sizes),
        _nested(signature, sample.leaves),
        _part(signature, name),
        (),
        None,
        None,
        None,
        "the shapes differ",
        (expected.shape, given.shape),
    )


def _part(signature: Signature, name: str) -> str:
    """Return what a part is called: the gradient of an argument, or a result."""
    for leaf in signature.leaves:
        if name == f"d_{leaf.name}":
            return f"the gradient of {leaf.access}"
    return "the " + name


def _nested(signature: Signature, leaves: Leaves) -> dict[str, Any]:
    return {
        leaf.access: one.tolist()
        for leaf, one in zip(signature.leaves, leaves, strict=True)
    }


def _precision(signature: Signature) -> str:
    narrow = any(leaf.dtype == "float32" for leaf in signature.leaves)
    return "float32" if narrow else "float64"


def _by_differences(
    sample: Sample,
    signature: Signature,
    loss: Callable,
    name: str,
    entry: tuple[int, ...],
) -> str:
    """Return how differences of the loss tell the two sides apart, "" if they do not."""
    place = _leaf_of(signature.leaves, name)
    wide = [
        one.astype(np.float64) if one.dtype.kind == "f" else one
        for one in sample.leaves
    ]
    unit = np.zeros(wide[place].shape)
    unit[entry] = 1.0
    along = Loss(loss, signature).along(wide, {place: unit})
    slopes = [float(one[name][entry]) for one in (sample.expected, sample.given)]
    expected, given = (
        judge(
            along,
            along(0.0),
            slope,
            scale=abs(slopes[0]),
            tolerance=TOLERANCE[_precision(signature)],
        )
        for slope in slopes
    )
    if expected.outcome != "right" or given.outcome != "wrong":
        return ""
    return f"differences of the loss: {expected.difference:.10g}"


def _leaf_of(leaves: Sequence[Leaf], name: str) -> int:
    return next(i for i, leaf in enumerate(leaves) if name == f"d_{leaf.name}")


def _by_precision(
    sample: Sample,
    sides: tuple[Side, Side],
    signature: Signature,
    name: str,
    entry: tuple[int, ...],
) -> str:
    """Return how extended precision tells the two sides apart, "" if it does not.

    Functions that take none, such as inverses, are told apart by a gap that is large and
    that a change of the arguments by a few roundings leaves as it is.
    """
    before = sample.expected[name][entry] - sample.given[name][entry]
    wide = [_moved(one, np.longdouble) for one in sample.leaves]
    after = _gap(sides, signature, wide, name, entry)
    if after is None or not np.finfo(np.longdouble).eps < np.finfo(np.float64).eps:
        beside = [_moved(one, one.dtype, 1 + NUDGE) for one in sample.leaves]
        after = _gap(sides, signature, beside, name, entry)
        large = after is not None and sample.gap(name) >= PLAIN
        return "far beyond rounding" if large and _close(before, after) else ""
    if np.isnan(before) and np.isnan(after):
        return "one of them is undefined"
    return "the same in extended precision" if _close(before, after) else ""


def _moved(leaf: np.ndarray, dtype: Any, factor: float = 1.0) -> np.ndarray:
    """Return an array of real numbers in another precision, times a factor."""
    return (leaf * factor).astype(dtype) if leaf.dtype.kind == "f" else leaf.copy()


def _gap(
    sides: tuple[Side, Side],
    signature: Signature,
    leaves: Leaves,
    name: str,
    entry: tuple[int, ...],
) -> Any:
    """Return by how much the two sides differ in an entry, None where one raises."""
    try:
        expected, given = (
            side.at(nest(signature, [one.copy() for one in leaves]))[name][entry]
            for side in sides
        )
    except Exception:  # noqa: BLE001 - the user's functions
        return None
    return expected - given


def _close(before: Any, after: Any) -> bool:
    return bool(np.isclose(float(after), float(before), rtol=1e-3, atol=0.0))
