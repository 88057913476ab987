"""The corners of a loss, in the user's words.

In: the nodes that a gradient goes back through. Out: a line for each place where the
loss has no derivative: the place, the condition in the user's names, the slope taken.
"""

from __future__ import annotations

from collections.abc import Iterable

import sympy

from ..graph import Nodes, number_of
from ..ops.corners import Corner
from ..ops.table import ROWS

__all__ = ["corner_lines", "corner_of"]

# What names an operand that has no text of its own.
_LETTERS = "xyz"

# The longest expression that is shown, and the most of it together with its condition.
_LONGEST, _WIDEST = 60, 66


def corner_of(nodes: Nodes, node: sympy.Expr) -> Corner | None:
    """Return where a node has no derivative, None where it has one everywhere."""
    corner = ROWS[type(node)].corner
    return corner(nodes, node) if callable(corner) else corner


def corner_lines(
    nodes: Nodes, crossed: Iterable[sympy.Expr], active: set[int], convention: str
) -> tuple[str, ...]:
    """Return a line for each corner among the nodes, equal ones once."""
    lines: dict[str, None] = {}
    for node in crossed:
        corner = corner_of(nodes, node)
        if corner is not None:
            needed = [id(one) in active for one in nodes[node].operands]
            slope = corner.slope_text(convention, needed)
            lines[f"{_place(nodes, node, corner)}: {slope}"] = None
    return tuple(lines)


def _place(nodes: Nodes, node: sympy.Expr, corner: Corner) -> str:
    """Return where a corner is: file, line, the expression, the condition."""
    info = nodes[node]
    operands = [
        _text(nodes, one, node) or _LETTERS[place % len(_LETTERS)]
        for place, one in enumerate(info.operands)
    ]
    what = _segment(nodes, node) or corner.of.format(*operands)
    result = info.name or what
    at = corner.at.format(*operands, y=result)
    said = "{y}" in corner.at and result == what
    shown = at if said or len(what) + len(at) > _WIDEST else f"{what} at {at}"
    return f"{info.position or 'somewhere'}: {shown}"


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
