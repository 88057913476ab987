"""One array of a gradient, checked entry by entry, and the mistake in it if there is one.

In: a `Claim`, the array's name, a random generator, how many entries to look at. Out: a
`Parameter`: the entries that were judged, which of them is worst, a guess at the
mistake. Nothing is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..verify.slopes import size_of
from .claim import Arrays, Claim, Judgement
from .mistakes import Known, guess

__all__ = ["Entry", "Parameter", "examine"]

AGAIN = 0.37  # times a step: what one step shows may be the accident of a kink


@dataclass(frozen=True)
class Entry:
    """One entry of a gradient: what is claimed, what differences say, who is at fault."""

    index: tuple[int, ...]
    outcome: str
    analytical: float
    numerical: float
    error: float
    order: float
    reason: str = ""

    @property
    def gap(self) -> float:
        """The distance of both, infinite where one of them is not finite."""
        gap = abs(self.analytical - self.numerical)
        return gap if np.isfinite(gap) else np.inf


@dataclass(frozen=True)
class Parameter:
    """What is found of the gradient of one array.

    outcome: "right", "wrong" or "undecided". entries: those that were judged, of `size`.
    reason: why the outcome is no "right". guess: at the mistake, empty where there is
    none or it follows no pattern. lines: where the array enters the loss.
    """

    name: str
    shape: tuple[int, ...]
    outcome: str
    entries: tuple[Entry, ...] = ()
    reason: str = ""
    guess: str = ""
    lines: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The number of entries that there are."""
        return int(np.prod(self.shape, dtype=int))

    @property
    def worst(self) -> Entry | None:
        """The wrong entry that is furthest off, None if there is none."""
        wrong = [one for one in self.entries if one.outcome == "wrong"]
        return max(wrong, key=lambda one: one.gap, default=None)

    def count(self, outcome: str) -> int:
        """Return how many of the judged entries came out so."""
        return sum(one.outcome == outcome for one in self.entries)


def examine(
    claim: Claim,
    name: str,
    rng: np.random.Generator,
    most: int,
    sizes: Mapping[str, int],
) -> Parameter:
    """Return what is found of an array's gradient, of at most `most` of its entries.

    The array is judged along a random direction first, then entry by entry. Where the
    direction is wrong and no such entry is, halves of the array are searched for one.
    sizes: the sizes that a factor may be named after.
    """
    array, gradient = claim.arrays[name], claim.gradient[name]
    if not array.size:
        return Parameter(name, array.shape, "right")
    whole = _judged_twice(claim, claim.random([name], rng))
    entries = [_entry(claim, name, j) for j in _chosen(gradient, rng, most)]
    if whole.outcome == "wrong" and not any(one.outcome == "wrong" for one in entries):
        entries += _searched(claim, name, rng)
    outcome = _outcome(whole, entries)
    doubts = [whole.reason, *(one.reason for one in entries)]
    reason = next(filter(None, doubts), "") if outcome == "undecided" else ""
    others = {one: part for one, part in claim.gradient.items() if one != name}
    mistake = (
        guess(gradient, array, _known(entries), others, sizes)
        if outcome == "wrong"
        else ""
    )
    return Parameter(name, array.shape, outcome, tuple(entries), reason, mistake)


def _outcome(whole: Judgement, entries: Iterable[Entry]) -> str:
    """Return the outcome of a parameter from those of a direction and of entries."""
    found = [one.outcome for one in entries]
    if "wrong" in [whole.outcome, *found]:
        return "wrong"
    doubtful = found.count("undecided")
    agrees = whole.outcome in ("right", "corner") and 2 * doubtful < len(found)
    return "right" if agrees or not doubtful else "undecided"


def _judged_twice(claim: Claim, direction: Arrays, scale: float = 0.0) -> Judgement:
    """Return what a direction says; "wrong" only if another step says so too."""
    judgement = claim.judge(direction, scale)
    if judgement.outcome != "wrong":
        return judgement
    shorter = {name: AGAIN * change for name, change in direction.items()}
    again = claim.judge(shorter, AGAIN * scale)
    if again.outcome == "wrong":
        return judgement
    reason = again.reason or "one step shows what another does not"
    return replace(judgement, outcome="undecided", reason=reason)


def _entry(claim: Claim, name: str, number: int) -> Entry:
    """Return what differences say of one entry, counted through the array."""
    array, gradient = claim.arrays[name], claim.gradient[name]
    index = tuple(int(one) for one in np.unravel_index(number, array.shape))
    width = size_of(array)
    direction = np.zeros(array.shape)
    direction[index] = width
    largest = np.max(np.abs(gradient[np.isfinite(gradient)]), initial=0.0)
    judgement = _judged_twice(claim, {name: direction}, width * float(largest))
    verdict, reason = judgement.verdict, judgement.reason
    if judgement.sides is not None:
        below, above = (side / width for side in judgement.sides)
        reason += f": the slopes on its sides are {below:.6g} and {above:.6g}"
    if judgement.outcome == "corner":
        reason += f", {gradient[index]:.6g} is a subgradient"
    return Entry(
        index,
        judgement.outcome,
        float(gradient[index]),
        verdict.difference / width,
        verdict.error / width,
        verdict.order,
        reason,
    )


def _chosen(gradient: np.ndarray, rng: np.random.Generator, most: int) -> list[int]:
    """Return which entries to judge: all if they are few, else some of each kind.

    Those that are not finite, the largest, those that are 0, and others at random.
    """
    flat = gradient.ravel()
    if flat.size <= most:
        return list(range(flat.size))
    few = max(most // 4, 1)
    size = np.where(np.isfinite(flat), np.abs(flat), np.inf)
    order = np.argsort(size, kind="stable")
    random = rng.permutation(flat.size)[:most].tolist()
    kinds = [*order[-few:][::-1].tolist(), *order[:few].tolist(), *random]
    return sorted(list(dict.fromkeys(kinds))[:most])


def _searched(claim: Claim, name: str, rng: np.random.Generator) -> list[Entry]:
    """Return a wrong entry, found in the wrong half of the wrong half..., if it is."""
    array = claim.arrays[name]
    part = np.arange(array.size)
    while len(part) > 1:
        halves = part[: len(part) // 2], part[len(part) // 2 :]
        judged = [_judged_twice(claim, _within(array, name, h, rng)) for h in halves]
        wrong = [
            (one.verdict.relative, half)
            for one, half in zip(judged, halves, strict=True)
            if one.outcome == "wrong"
        ]
        if not wrong:
            return []
        part = max(wrong, key=lambda one: one[0])[1]
    return [_entry(claim, name, int(part[0]))]


def _within(
    array: np.ndarray, name: str, part: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return a random direction of some of an array's entries."""
    direction = np.zeros(array.size)
    direction[part] = size_of(array) * rng.standard_normal(len(part))
    return {name: direction.reshape(array.shape)}


def _known(entries: Iterable[Entry]) -> Known:
    """Return the slopes that are known for certain, and their errors, by entry."""
    return {
        one.index: (one.numerical, one.error)
        for one in entries
        if one.outcome in ("right", "wrong") and np.isfinite(one.numerical)
    }
