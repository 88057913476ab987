"""Comments above statements: which iteration of a loop begins, which line is undone.

In: the nodes of statements, one after the other. Out: headings, each only where it
is another than the last. Loops that ran once have none.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy

from ..source import Turn
from .quoting import Quotes
from .usage import Usage

__all__ = ["Marks"]


class Marks:
    """Says what begins with each statement of a pass."""

    def __init__(self, usage: Usage) -> None:
        self.usage = usage
        self._turns: Sequence[Turn] = ()
        self._undone = ("", "")

    def entering(self, node: sympy.Expr) -> tuple[str, ...]:
        """Return a line for each iteration that a node's statement is the first of.

        Behind a loop comes an empty line.
        """
        turns = self.usage.turns(node)
        known = 0
        for one, other in zip(turns, self._turns, strict=False):
            if one is not other:
                break
            known += 1
        left, self._turns = bool(self._turns) and not turns, turns
        if left:
            return ("",)
        return tuple(f"{one.loop}: {one}" for one in turns[known:])

    def undoing(self, node: sympy.Expr, quotes: Quotes) -> tuple[str, ...]:
        """Return what a statement of the backward pass undoes, unless the last did too."""
        position = self.usage.nodes[node].position
        if position is None:
            return ()
        marks = self.entering(node)
        text = quotes.statement(position).text
        heading = f"gradient of: {text}" if text else f"gradient of {position}"
        if (position.path, heading) == self._undone and not marks:
            return ()
        self._undone = (position.path, heading)
        return (*marks, heading)
