"""The record of a check, for people and for programs.

In: what was found at each point. Out: a `Checkup`, which prints itself: the outcome,
each array with its worst entry and the likely mistake, the Taylor remainders.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .parameter import Entry, Parameter
from .point import Point, gravest

__all__ = ["Checkup", "lines_of"]

TELLING = 1.5  # an order above which a remainder is that of a right gradient


@dataclass(frozen=True)
class Checkup:
    """What came of checking a gradient.

    loss, gradient: their names, "" for the emitted gradient. points: what was found at
    each, the last one being the first that is wrong. evaluations: calls of the loss.
    notes: what else there is to say.
    """

    loss: str
    gradient: str
    points: tuple[Point, ...]
    evaluations: int
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> str:
        """The outcome: "right", "wrong" or "undecided"."""
        return gravest(point.outcome for point in self.points)

    @property
    def ok(self) -> bool:
        """Whether the gradient is right."""
        return self.outcome == "right"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What was found of each array at the last point, a wrong one if there is one."""
        return self.points[-1].parameters

    @property
    def order(self) -> float:
        """The order of the Taylor remainder there: 2 and more if right, 1 if wrong."""
        return self.points[-1].order

    @property
    def complex_step(self) -> float | None:
        """The largest distance from complex steps, None if they were not taken."""
        gaps = [point.complex_step for point in self.points]
        return max((gap for gap in gaps if gap is not None), default=None)

    def as_dict(self) -> dict[str, Any]:
        """Return the record as JSON has it: no tuples, no NaN, no infinities."""
        return {
            "outcome": self.outcome,
            "loss": self.loss,
            "gradient": self.gradient,
            "evaluations": self.evaluations,
            "complex_step": self.complex_step,
            "notes": list(self.notes),
            "points": [_point(one) for one in self.points],
        }

    def __str__(self) -> str:
        what = f"{self.gradient} as the" if self.gradient else "the emitted"
        first = f"{self.outcome}: {what} gradient of {self.loss}"
        lines = [first, *lines_of(self.points[-1])]
        if self.ok:
            where = "; ".join(filter(None, map(_sizes, self.points)))
            points = (
                "1 point" if len(self.points) == 1 else f"{len(self.points)} points"
            )
            lines.append(f"at {where}" if where else f"at {points}")
        if self.complex_step is not None:
            lines.append(
                f"complex steps agree to {self.complex_step:.0e} of the largest entry"
            )
        lines.append(f"{self.evaluations} evaluations of the loss")
        return "\n".join([*lines, *self.notes])


def lines_of(point: Point) -> Iterator[str]:
    """Yield what is found at a point, line by line."""
    at = _sizes(point) if point.outcome != "right" else ""
    if at:
        yield f"at {at}"
    width = max((len(one.name) for one in point.parameters), default=0)
    for one in point.parameters:
        yield f"  {one.name:{width}}  {_found(one)}"
        yield from (f"      {line}" for line in _details(one))
    yield from (f"  {text}" for text in point.explanations)
    yield from _table(point)


def _found(one: Parameter) -> str:
    judged, wrong = len(one.entries), one.count("wrong")
    if one.outcome == "wrong" and judged:
        if one.size == 1:
            return "wrong: its one entry"
        entries = f"{judged} of {one.size:,} entries that were judged"
        return (
            f"wrong: {wrong} of {entries if judged < one.size else f'{judged} entries'}"
        )
    if one.outcome != "right":
        return f"{one.outcome}: {one.reason}"
    if not one.size:
        return "right: it is empty"
    of = f"all {judged}" if judged == one.size else f"{judged} of {one.size:,}"
    entries = "its one entry" if one.size == 1 else f"{of} entries"
    corners, doubtful = one.count("corner"), one.count("undecided")
    more = f", {corners} of them at corners" if corners else ""
    more += f", {doubtful} of them undecided" if doubtful else ""
    return f"right: {entries}{more}".replace("entry, 1 of them", "entry,")


def _details(one: Parameter) -> Iterator[str]:
    """Yield the likely mistake, the worst entry, and where the array enters the loss."""
    if one.guess:
        yield one.guess
    if one.worst is not None:
        yield _entry(one.name, one.worst)
    if one.outcome != "right":
        yield from one.lines
        odd = [entry for entry in one.entries if entry.outcome == "undecided"]
        if odd and odd[0].reason != one.reason:
            yield f"{one.name}{_index(odd[0])}: {odd[0].reason}"
    corner = next((entry for entry in one.entries if entry.outcome == "corner"), None)
    if corner is not None:
        yield f"{one.name}{_index(corner)}: {corner.reason}"


def _entry(name: str, entry: Entry) -> str:
    size = max(abs(entry.analytical), abs(entry.numerical))
    relative = entry.gap / size if math.isfinite(entry.gap) and size else math.inf
    order = f", remainder of order {entry.order:.2f}" if entry.order > 0 else ""
    why = f"; {entry.reason}" if entry.reason else ""
    return (
        f"{name}{_index(entry)}: analytical {entry.analytical:.10g}, "
        f"numerical {entry.numerical:.10g} (error {entry.error:.0e}), "
        f"relative error {relative:.1e}{order}{why}"
    )


def _index(entry: Entry) -> str:
    return f"[{', '.join(map(str, entry.index))}]" if entry.index else ""


def _table(point: Point) -> Iterator[str]:
    """Yield the table of Taylor remainders and what it means."""
    if not point.remainders:
        return
    yield "  Taylor remainder |f(x + h v) - f(x) - h g.v|, v a random direction"
    yield f"    {'h':>7}  {'remainder':>9}  order"
    before = None
    for step, remainder in point.remainders:
        order = ""
        if before and remainder and math.isfinite(remainder):
            order = f"{math.log10(before / remainder):5.2f}"
        yield f"    {step:7.0e}  {remainder:9.1e}  {order}".rstrip()
        before = remainder if math.isfinite(remainder) else None
    if point.outcome == "undecided":
        return
    if point.sides is not None:
        below, above, slope = point.sides
        yield (
            f"  v leads across a corner, where it falls with order 1: the slopes on its "
            f"sides are {below:.6g} and {above:.6g}, g.v is {slope:.6g}"
        )
    elif not point.remainders[-1][1] and not point.order > TELLING:
        yield "  at the smallest h nothing is left of it"
    elif math.isnan(point.order):
        yield "  rounding hides its order"
    else:
        yield f"  it falls with order {point.order:.2f}: 2 is right, 1 is wrong"


def _sizes(point: Point) -> str:
    return ", ".join(f"{name}={size}" for name, size in point.sizes.items())


# JSON.


def _point(point: Point) -> dict[str, Any]:
    return {
        "outcome": point.outcome,
        "sizes": dict(point.sizes),
        "explanations": list(point.explanations),
        "order": _finite(point.order),
        "sides": None if point.sides is None else list(point.sides),
        "remainders": [[step, _finite(size)] for step, size in point.remainders],
        "parameters": [_parameter(one) for one in point.parameters],
    }


def _parameter(one: Parameter) -> dict[str, Any]:
    worst = one.worst
    return {
        "name": one.name,
        "shape": list(one.shape),
        "outcome": one.outcome,
        "entries": len(one.entries),
        "wrong": one.count("wrong"),
        "corners": one.count("corner"),
        "undecided": one.count("undecided"),
        "reason": one.reason,
        "guess": one.guess,
        "lines": list(one.lines),
        "worst": (
            None
            if worst is None
            else {
                "index": list(worst.index),
                "analytical": _finite(worst.analytical),
                "numerical": _finite(worst.numerical),
                "error": _finite(worst.error),
                "order": _finite(worst.order),
            }
        ),
    }


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
