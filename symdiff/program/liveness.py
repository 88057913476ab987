"""Final names of the values of a plan: one that nothing reads is given again.

In: the steps of both passes, a namer that knows the inputs' names. Out: the namer's
`given` is filled. So `z = z - z.max()` keeps the user's one name, and the old array
goes; and an element is assigned in place where nothing else sees the array.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

import sympy

from ..graph import Nodes
from ..ops.indexing import IndexSet, is_fresh
from ..ops.table import ROWS
from .naming import Namer
from .spelling import Step

__all__ = ["give_names", "last_reads"]


def give_names(
    namer: Namer,
    steps: Sequence[Step],
    kept: Iterable[sympy.Expr],
    given: Iterable[sympy.Expr] = (),
) -> set[int]:
    """Name the value of each step of a pass.

    `kept` are nodes that are read after the pass, `given` such as have names that they
    may lose. Returns the ids of the values that are written into the memory of what
    they are made from.
    """
    last = last_reads(steps, kept)
    overwriting = _overwriting(namer.usage.nodes, steps, last)
    passing = _passing(namer, steps, last)
    holders = {namer.given[id(node)]: node for node in given}
    for place, step in enumerate(steps):
        if step.added:
            continue
        wish = passing.get(id(step.value)) or namer.wish(step.value)
        before = overwriting.get(id(step.value))
        if before is not None and _goes_on(namer, step.value, before):
            wish = namer.wish(before)
        holder = holders.get(wish)
        free = place - (_is_block(step) and holder is not before)
        if holder is not None and last.get(id(holder), -1) <= free:
            namer.given[id(step.value)] = namer.given[id(holder)]
        else:
            namer.give(step.value, wish)
        holders[wish] = step.value
    return set(overwriting)


def _passing(
    namer: Namer, steps: Sequence[Step], last: dict[int, int]
) -> dict[int, str]:
    """Return by value the names without an iteration's number, of which none has two
    values at a time.
    """
    alike: defaultdict[str, list[int]] = defaultdict(list)
    rest = []
    for place, step in enumerate(steps):
        name = "" if step.added else namer.passing(step.value)
        if name:
            alike[name].append(place)
        elif not step.added:
            rest.append(step.value)
    others = {namer.wish(one) for one in rest} if alike else set()
    return {
        id(steps[place].value): name
        for name, places in alike.items()
        if len(places) > 1
        and name not in others
        and namer.names.is_free(name)
        and all(
            last[id(steps[one].value)] <= other - _is_block(steps[other])
            for one, other in pairwise(places)
        )
        for place in places
    }


def last_reads(steps: Sequence[Step], kept: Iterable[sympy.Expr]) -> dict[int, int]:
    """Return the place of each node's last reader, past the end for what is kept."""
    last = {id(one): place for place, step in enumerate(steps) for one in step.reads}
    for place, step in enumerate(steps):
        last[id(step.value)] = max(place, last.get(id(step.value), place))
    return last | {id(node): len(steps) for node in kept}


def _overwriting(
    nodes: Nodes, steps: Sequence[Step], last: dict[int, int]
) -> dict[int, sympy.Expr]:
    """Return, by the id of a value whose step may write into an operand, that operand.

    That is an array which this pass has made, and nothing reads it, or a view of it,
    any more.
    """
    starts = [step for step in steps if not step.added]
    made = {id(step.value) for step in starts if is_fresh(nodes, step.expression)}
    last = _last_views(nodes, steps, last)
    found: dict[int, sympy.Expr] = {}
    for place, step in enumerate(steps):
        if isinstance(step.expression, IndexSet) and not step.added:
            before = nodes[step.expression].operands[0]
            if id(before) in made and last[id(before)] <= place:
                found[id(step.value)] = before
    return found


def _goes_on(namer: Namer, value: sympy.Expr, before: sympy.Expr) -> bool:
    """Return whether a value that is written into another keeps its name."""
    name = namer.usage.nodes[value].name
    return not namer.own(value) or name == namer.usage.nodes[before].name is not None


def _last_views(
    nodes: Nodes, steps: Sequence[Step], last: dict[int, int]
) -> dict[int, int]:
    """Return the place of the last reader of each node or of what may be a view of it."""
    seen = dict(last)
    for step in reversed(steps):
        node, place = step.value, seen[id(step.value)]
        while not is_fresh(nodes, node) and nodes[node].operands:
            node = nodes[node].operands[0]
            seen[id(node)] = max(seen.get(id(node), place), place)
            if id(node) in last:
                break
    return seen


def _is_block(step: Step) -> bool:
    """Return whether a step writes its value before it has read all of its operands."""
    return ROWS[type(step.expression)].block is not None
