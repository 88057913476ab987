"""Comments above statements: which iteration of a loop begins, whose line is computed
or undone.

In: the nodes of statements, one after the other. Out: headings, each only where it
is another than the last. Loops that ran once have none. They quote the user's source
and count no lines of it: what moves a line changes no heading.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

import sympy

from ..passes.recompute import RECOMPUTED
from ..source import Turn
from .quoting import Quotes
from .spelling import Step
from .usage import Usage

__all__ = ["Made", "Marks"]


class Made(NamedTuple):
    """Who made a forward statement: the user, if he named its value, and rewrites."""

    named: bool
    rewrites: tuple[str, ...]


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

    def making(
        self, nodes: Sequence[sympy.Expr], made: Sequence[Made], quotes: Quotes
    ) -> list[tuple[str, ...]]:
        """Return the headings of each statement of the forward pass.

        The user's line is quoted above its statements, unless all of them have names
        that he gave: these say whose they are.
        """
        headings: list[tuple[str, ...]] = []
        lines = groupby(
            zip(nodes, made, strict=True), lambda one: self._line(one[0], quotes)
        )
        for _, ours in lines:
            first, *others = ours
            above = (*self.entering(first[0]), *self._quoted([first, *others], quotes))
            headings += [above, *[()] * len(others)]
        return headings

    def _quoted(
        self, ours: Sequence[tuple[sympy.Expr, Made]], quotes: Quotes
    ) -> tuple[str, ...]:
        """Return the rewrites that made statements, and the user's line that they are."""
        node, _ = ours[0]
        rewrites = dict.fromkeys(name for _, one in ours for name in one.rewrites)
        alone = len(ours) == 1 and node is self.usage.graph.outputs["value"]
        named = alone or all(one.named for _, one in ours)
        position = self.usage.nodes[node].position
        quote = ""
        if position is not None and (rewrites or not named):
            quote = quotes.statement(position).text
        heading = ": ".join(filter(None, (", ".join(rewrites), quote)))
        return (heading,) if heading else ()

    def _line(self, node: sympy.Expr, quotes: Quotes) -> tuple:
        """Return what tells the user's lines apart, each iteration's own."""
        position = self.usage.nodes[node].position
        quote = None if position is None else quotes.statement(position)
        return id(quote), *map(id, self.usage.turns(node))

    def gathered(self, steps: Iterable[Step], quotes: Quotes) -> tuple[Step, ...]:
        """Return steps of the backward pass, those that undo a line of the user's one
        behind the other where what they read is made by then. What is computed again
        stays where it is read first.
        """
        groups: list[list[Step]] = []
        latest: dict[tuple, int] = {}
        made: dict[int, int] = {}
        for step in steps:
            again = self.usage.nodes[step.place].rewrite == RECOMPUTED
            line = (id(step),) if again else self._line(step.place, quotes)
            needed = max(made.get(id(one), 0) for one in (*step.reads, step.value))
            if latest.get(line, -1) < needed:
                latest[line] = len(groups)
                groups.append([])
            groups[latest[line]].append(step)
            made[id(step.value)] = latest[line]
        return tuple(step for group in groups for step in group)

    def undoing(self, node: sympy.Expr, quotes: Quotes) -> tuple[str, ...]:
        """Return what a statement of the backward pass undoes, or computes again, unless
        the last did too.
        """
        position = self.usage.nodes[node].position
        if position is None:
            return ()
        marks = self.entering(node)
        text = quotes.statement(position).text
        again = self.usage.nodes[node].rewrite == RECOMPUTED
        title = RECOMPUTED if again else "gradient of"
        heading = f"{title}: {text}" if text else f"{title} {position}"
        if (position.path, heading) == self._undone and not marks:
            return ()
        self._undone = (position.path, heading)
        return (*marks, heading)
