"""Kinks: values that are made of two straight lines in one array, however written.

In: the nodes of a graph, operands first. Out: for each such node its `Kink`: where the
lines meet, their slopes, and the slope that its own rules give there. A ReLU is the
same kink as `np.maximum(x, 0)`, `np.where(x > 0, x, 0)`, `x * (x > 0)` and
`(x + np.abs(x)) / 2`, but the rules give it different slopes. Values of another form
are none.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

import sympy

from ..graph import Nodes, number_of
from ..ops.arithmetic import is_reciprocal
from ..ops.choices import (
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    Maximum,
    Minimum,
    where,
)
from ..ops.corners import Corner
from ..ops.elementwise import Cast
from ..ops.table import ROWS

__all__ = ["Kink", "crowded", "kinks_of"]


class Kink(NamedTuple):
    """A value `height + slope * (of - at)`, of another slope below `at` than above.

    taken: the slope that the rules of its operations give at the corner. how: whether
    that is a convention's, the loss's own choice of a branch, or a sum of such.
    """

    of: sympy.Expr
    at: float
    height: float
    below: float
    above: float
    taken: float
    how: Literal["corner", "choice", "sum"] = "sum"

    @property
    def function(self) -> tuple[float, ...]:
        """What equal functions have in common, whatever they are functions of."""
        return tuple(round(one, 12) + 0.0 for one in self[1:5])

    @property
    def place(self) -> tuple[int, float]:
        """Where its corner is: the array's id, the point."""
        return id(self.of), self.at

    def slope(self, convention: str) -> float:
        """Return the slope that a convention takes between the two sides."""
        sides = ((self.below,), (self.above,))
        slopes = Corner("", "", bool, sides).slopes(convention, (True,))
        assert slopes is not None
        return slopes[0]


class _Line(NamedTuple):
    """A value `slope * of + offset`; a number, where it is of nothing."""

    of: sympy.Expr | None
    slope: float
    offset: float

    def at(self, x: float) -> float:
        return self.slope * x + self.offset


class _Choice(NamedTuple):
    """A comparison that holds on one side of a point of `of`, and at it or not."""

    of: sympy.Expr
    at: float
    above: bool
    at_it: bool


def kinks_of(
    nodes: Nodes, walk: Iterable[sympy.Expr], convention: str
) -> dict[int, Kink]:
    """Return the kinks among nodes, by the node's id."""
    lines: dict[int, _Line] = {}
    choices: dict[int, _Choice] = {}
    kinks: dict[int, Kink] = {}
    for node in walk:
        operands = nodes[node].operands
        parts = [lines[id(one)] for one in operands]
        lines[id(node)] = _line(node, parts)
        if not operands:
            continue
        if isinstance(node, Less | LessEqual | Greater | GreaterEqual):
            choice = _choice(node, *parts)
        else:
            choice = choices.get(id(operands[0])) if type(node) is Cast else None
        if choice is not None:
            choices[id(node)] = choice
        kink = (
            _of_extremum(node, parts, convention)
            or _of_sign(node, operands, parts)
            or _of_choice(node, operands, parts, choices)
            or _of_kinks(node, parts, [kinks.get(id(one)) for one in operands])
        )
        if kink is not None:
            kinks[id(node)] = kink
    return kinks


def crowded(kinks: Mapping[int, Kink]) -> dict[int, Kink]:
    """Return the corners that share their place with others, by the node's id."""
    corners = {one: kink for one, kink in kinks.items() if kink.how == "corner"}
    count = Counter(kink.place for kink in corners.values())
    return {one: kink for one, kink in corners.items() if count[kink.place] > 1}


# Straight lines.


def _line(node: sympy.Expr, parts: list[_Line]) -> _Line:
    """Return a node as a line in what it is computed from; at least in itself."""
    number = number_of(node)
    if number is not None and abs(number) <= sys.float_info.max:
        return _Line(None, 0.0, float(number))
    whole = _Line(node, 1.0, 0.0)
    if not parts or not isinstance(node, sympy.Add | sympy.Mul | sympy.Pow):
        return whole
    a, b = parts
    constant = a.of is None or b.of is None
    if isinstance(node, sympy.Add) and (constant or a.of is b.of):
        return _Line(a.of or b.of, a.slope + b.slope, a.offset + b.offset)
    if isinstance(node, sympy.Mul) and constant:
        factor, line = (a.offset, b) if a.of is None else (b.offset, a)
        return _Line(line.of, factor * line.slope, factor * line.offset)
    if is_reciprocal(node) and a.of is None and a.offset:
        return _Line(None, 0.0, 1 / a.offset)
    return whole


def _crossing(a: _Line, b: _Line) -> tuple[sympy.Expr, float] | None:
    """Return where two lines in one array meet, and the array; None where nowhere."""
    of = a.of if b.of is None else b.of
    if of is None or (a.of is not None and a.of is not of) or a.slope == b.slope:
        return None
    at = (b.offset - a.offset) / (a.slope - b.slope) + 0.0  # no -0
    return (of, at) if math.isfinite(at) else None


# What has a kink.


def _of_extremum(node: sympy.Expr, parts: list[_Line], convention: str) -> Kink | None:
    """Return the kink of an extremum of two lines, or of an absolute value."""
    if isinstance(node, sympy.Abs):
        (a,) = parts
        b = _Line(a.of, -a.slope, -a.offset)
    elif isinstance(node, Maximum | Minimum):
        a, b = parts
    else:
        return None
    met = _crossing(a, b)
    if met is None:
        return None
    corner = ROWS[type(node)].corner
    assert isinstance(corner, Corner)
    slopes = corner.slopes(convention, [one.of is not None for one in parts])
    assert slopes is not None
    taken = sum(w * one.slope for w, one in zip(slopes, parts, strict=True))
    low, high = sorted((a.slope, b.slope))
    below, above = (high, low) if isinstance(node, Minimum) else (low, high)
    return Kink(*met, a.at(met[1]), below, above, taken, "corner")


def _of_sign(node: sympy.Expr, operands: tuple, parts: list[_Line]) -> Kink | None:
    """Return the kink of a product with the own sign."""
    if not isinstance(node, sympy.Mul):
        return None
    for (sign, one), a in zip((operands, operands[::-1]), parts[::-1], strict=True):
        if isinstance(sign, sympy.sign) and sign.args[0] is one:
            met = _crossing(a, _Line(None, 0.0, 0.0))
            size = abs(a.slope)
            return Kink(*met, 0.0, -size, size, 0.0, how="choice") if met else None
    return None


def _choice(node: sympy.Expr, a: _Line, b: _Line) -> _Choice | None:
    """Return on which side of the point where two lines meet a comparison holds."""
    met = _crossing(a, b)
    if met is None:
        return None
    above = isinstance(node, Greater | GreaterEqual) == (a.slope > b.slope)
    return _Choice(*met, above, isinstance(node, LessEqual | GreaterEqual))


def _of_choice(
    node: sympy.Expr, operands: tuple, parts: list[_Line], choices: dict[int, _Choice]
) -> Kink | None:
    """Return the kink of `where`, or of a product with a mask."""
    if not isinstance(node, where | sympy.Mul):
        return None
    if isinstance(node, where):
        condition, yes, no = operands[0], parts[1], parts[2]
    else:
        condition, yes = (
            (operands[0], parts[1])
            if id(operands[0]) in choices
            else (operands[1], parts[0])
        )
        no = _Line(None, 0.0, 0.0)
    choice = choices.get(id(condition))
    if choice is None or _crossing(yes, no) is None:
        return None
    of, at = choice.of, choice.at
    if any(one.of not in (None, of) for one in (yes, no)) or not math.isclose(
        yes.at(at), no.at(at), abs_tol=1e-12
    ):
        return None
    above, below = (yes, no) if choice.above else (no, yes)
    taken = yes if choice.at_it else no
    height = yes.at(at)
    return Kink(of, at, height, below.slope, above.slope, taken.slope, how="choice")


def _of_kinks(
    node: sympy.Expr, parts: list[_Line], kinks: list[Kink | None]
) -> Kink | None:
    """Return the kink of a kink times a number, or of its sum with a line or a kink."""
    if not any(kinks) or not isinstance(node, sympy.Add | sympy.Mul):
        return None
    (first, line), (second, other) = zip(kinks, reversed(parts), strict=True)
    if isinstance(node, sympy.Mul):
        kink, line = (first, line) if first is not None else (second, other)
        assert kink is not None
        return _scaled(kink, line.offset) if line.of is None and line.offset else None
    if first is not None and second is not None:
        return _added(first, second)
    kink, line = (first, line) if first is not None else (second, other)
    assert kink is not None
    if line.of is not None and line.of is not kink.of:
        return None
    height, slope = line.at(kink.at), line.slope
    return _added(kink, Kink(kink.of, kink.at, height, slope, slope, slope))


def _scaled(kink: Kink, factor: float) -> Kink:
    height, below, above, taken = (factor * one for one in kink[2:6])
    return Kink(kink.of, kink.at, height, below, above, taken)


def _added(one: Kink, other: Kink) -> Kink | None:
    """Return the sum of two kinks at one point; None where none is left."""
    if one.of is not other.of or one.at != other.at:
        return None
    height, below, above, taken = (
        a + b for a, b in zip(one[2:6], other[2:6], strict=True)
    )
    made = Kink(one.of, one.at, height, below, above, taken)
    return None if below == above else made
