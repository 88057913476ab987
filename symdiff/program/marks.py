"""Comments above statements: which iteration of a loop begins, which line is undone.

In: the positions of statements, one after the other. Out: headings, each only where it
is another than the last. Loops that ran once have none.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..source import Position, Turn
from .quoting import Quotes
from .usage import Usage

__all__ = ["Marks"]


class Marks:
    """Says what begins with each statement of a pass."""

    def __init__(self, usage: Usage) -> None:
        self._repeated = _repeated(usage)
        self._turns: Sequence[Turn] = ()
        self._undone = ("", "")

    def entering(self, position: Position | None) -> tuple[str, ...]:
        """Return a line for each iteration that a statement is the first of.

        Behind a loop comes an empty line.
        """
        turns = [] if position is None else position.turns
        turns = [one for one in turns if one.head in self._repeated]
        known = 0
        for one, other in zip(turns, self._turns, strict=False):
            if one is not other:
                break
            known += 1
        left, self._turns = bool(self._turns) and not turns, turns
        if left:
            return ("",)
        return tuple(f"{one.loop}: {one}" for one in turns[known:])

    def undoing(self, position: Position | None, quotes: Quotes) -> tuple[str, ...]:
        """Return what a statement of the backward pass undoes, unless the last did too."""
        if position is None:
            return ()
        marks = self.entering(position)
        text = quotes.statement(position).text
        heading = f"gradient of: {text}" if text else f"gradient of {position}"
        if (position.path, heading) == self._undone and not marks:
            return ()
        self._undone = (position.path, heading)
        return (*marks, heading)


def _repeated(usage: Usage) -> set[Position]:
    """Return the heads of loops that ran more than once."""
    indices: dict[Position, set[int]] = {}
    for node in usage.walk:
        position = usage.nodes[node].position
        for turn in position.turns if position is not None else ():
            indices.setdefault(turn.head, set()).add(turn.index)
    return {head for head, found in indices.items() if len(found) > 1}
