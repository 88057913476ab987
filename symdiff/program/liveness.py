"""Final names of the values of a plan: one that nothing reads is given again.

In: the steps of both passes, a namer that knows the inputs' names. Out: the namer's
`given` is filled. So `z = z - z.max()` keeps the user's one name, and the old array
goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sympy

from ..ops.table import ROWS
from .naming import Namer
from .spelling import Step

__all__ = ["give_names"]


def give_names(
    namer: Namer,
    steps: Sequence[Step],
    kept: Iterable[sympy.Expr],
    given: Iterable[sympy.Expr] = (),
) -> None:
    """Name the value of each step of a pass.

    `kept` are nodes that are read after the pass, `given` such as have names that they
    may lose.
    """
    last = _last_reads(steps, kept)
    holders = {namer.given[id(node)]: node for node in given}
    for place, step in enumerate(steps):
        if step.added:
            continue
        wish = namer.wish(step.value)
        holder = holders.get(wish)
        if holder is not None and last.get(id(holder), -1) <= place - _is_block(step):
            namer.given[id(step.value)] = namer.given[id(holder)]
        else:
            namer.give(step.value, wish)
        holders[wish] = step.value


def _last_reads(steps: Sequence[Step], kept: Iterable[sympy.Expr]) -> dict[int, int]:
    """Return the place of each node's last reader, past the end for what is kept."""
    last = {id(one): place for place, step in enumerate(steps) for one in step.reads}
    for place, step in enumerate(steps):
        last[id(step.value)] = max(place, last.get(id(step.value), place))
    return last | {id(node): len(steps) for node in kept}


def _is_block(step: Step) -> bool:
    """Return whether a step writes its value before it has read all of its operands."""
    return ROWS[type(step.expression)].block is not None
