"""The corners of a loss, in the user's words.

In: the nodes that a gradient goes back through. Out: a note of each place where the
loss has no derivative: the condition in the user's names, the slope taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import sympy

from ..graph import Nodes, number_of
from ..ops.choices import Safe
from ..ops.corners import Corner, shown
from ..ops.table import ROWS
from ..source import Note, Position, distinct
from .joint import JointCorners
from .kinks import Kink

__all__ = ["corner_notes", "corner_of", "doubts"]

# Conventions that follow a library, which leaves the slope of `where` to the loss.
_LIBRARIES = ("jax", "torch")

# What names an operand that has no text of its own.
_LETTERS = "xyz"

# The longest expression that is shown, and the most of it and its condition.
_LONGEST, _WIDEST = 60, 66


def corner_of(nodes: Nodes, node: sympy.Expr) -> Corner | None:
    """Return where a node has no derivative, None where it has one everywhere."""
    corner = ROWS[type(node)].corner
    return corner(nodes, node) if callable(corner) else corner


def corner_notes(
    nodes: Nodes,
    crossed: Iterable[sympy.Expr],
    active: set[int],
    kinks: Mapping[int, Kink],
    joint: JointCorners,
) -> tuple[Note, ...]:
    """Return a note of each corner among the nodes, equal ones once."""
    notes: list[Note] = []
    for node in crossed:
        corner, kink = corner_of(nodes, node), kinks.get(id(node))
        if corner is not None:
            needed = [id(one) in active for one in nodes[node].operands]
            slope = corner.slope_text(joint.convention, needed)
            if id(node) in joint.corners:
                slope = "the least-norm slope of all corners there"
            if any(type(one) is Safe for one in nodes[node].operands):
                slope += " where its branch is taken"
            notes.append(
                Note(
                    nodes[node].position, f"{_condition(nodes, node, corner)}: {slope}"
                )
            )
        elif kink is not None and kink.how == "choice":
            what = f"{_expression(nodes, node)} at {_point(nodes, kink, node)}"
            notes.append(
                Note(nodes[node].position, f"{what}: slope {shown(kink.taken)}")
            )
    return distinct(notes)


def doubts(
    nodes: Nodes,
    crossed: Iterable[sympy.Expr],
    kinks: Mapping[int, Kink],
    joint: JointCorners,
) -> tuple[tuple[Position | None, str], ...]:
    """Return what to warn of: equal functions that the loss gives different slopes.

    A slope that the loss chooses itself is held against that of the convention too.
    Nothing is said of corners that are settled jointly.
    """
    convention = joint.convention
    shared = {one.place for one in joint.corners.values()}
    alike: dict[tuple, list[sympy.Expr]] = {}
    for node in crossed:
        kink = kinks.get(id(node))
        if kink is not None and (kink.how == "choice" or kink.place not in shared):
            alike.setdefault(kink.function, []).append(node)
    found: dict[tuple[Position | None, str], None] = {}
    for same in alike.values():
        plain = [one for one in same if kinks[id(one)].how != "choice"]
        first = same[0] if convention in _LIBRARIES else None
        model = plain[0] if plain else first
        for node in same:
            text = _doubt(nodes, node, model, kinks, convention)
            if text is not None:
                found[nodes[node].position, text] = None
    return tuple(found)


def _doubt(
    nodes: Nodes,
    node: sympy.Expr,
    model: sympy.Expr | None,
    kinks: Mapping[int, Kink],
    convention: str,
) -> str | None:
    """Return what is to be said of a kink beside another of the same function."""
    kink = kinks[id(node)]
    if model is None:
        wanted = kink.slope(convention)
        other = f"by the convention {convention!r} it is"
    else:
        wanted = kinks[id(model)].taken
        where = nodes[model].position or "somewhere"
        other = f"{_expression(nodes, model)} ({where}), the same function, has"
    if np.isclose(kink.taken, wanted, rtol=1e-9, atol=1e-12, equal_nan=True):
        return None
    return (
        f"{_expression(nodes, node)} has slope {shown(kink.taken)} at "
        f"{_point(nodes, kink, node)}; {other} {shown(wanted)}"
    )


def _expression(nodes: Nodes, node: sympy.Expr) -> str:
    return _segment(nodes, node) or f"this {type(node).__name__}"


def _point(nodes: Nodes, kink: Kink, node: sympy.Expr) -> str:
    return f"{_text(nodes, kink.of, node) or _LETTERS[0]} == {kink.at:g}"


def _condition(nodes: Nodes, node: sympy.Expr, corner: Corner) -> str:
    """Return where a corner is: the expression, the condition."""
    info = nodes[node]
    operands = [
        _text(nodes, _bare(nodes, one), node) or _LETTERS[place % len(_LETTERS)]
        for place, one in enumerate(info.operands)
    ]
    what = _segment(nodes, node) or corner.of.format(*operands)
    result = info.name or what
    if len(operands) == 2 and number_of(info.operands[0]) is not None:
        operands.reverse()  # the number last
    at = corner.at.format(*operands, y=result)
    said = "{y}" in corner.at and result == what
    alone = said or len(what) + len(at) > _WIDEST
    return at if alone else f"{what} at {at}"


def _bare(nodes: Nodes, one: sympy.Expr) -> sympy.Expr:
    """Return the user's operand of what may be kept safe in a branch not taken."""
    if type(one) is not Safe:
        return one
    _, *branches = nodes[one].operands
    return next(branch for branch in branches if number_of(branch) is None)


def _text(nodes: Nodes, one: sympy.Expr, node: sympy.Expr) -> str:
    """Return what the user calls an operand: its number, its name, its expression."""
    number = number_of(one)
    if number is not None:
        return f"{number:g}"
    info = nodes[one]
    same = info.position == nodes[node].position
    return info.name or ("" if same else _segment(nodes, one))


def _segment(nodes: Nodes, node: sympy.Expr) -> str:
    """Return the user's expression for a node; empty where it is long or not known."""
    position = nodes[node].position
    if position is None or position.line != position.end_line:
        return ""
    return position.segment if len(position.segment) <= _LONGEST else ""
