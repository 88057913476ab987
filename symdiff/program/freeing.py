"""Names that are deleted as soon as nothing reads them, so that their memory is free.

In: the steps of a pass under their final names. Out: for each step the names to delete
behind it. The arguments are the caller's and stay; so does what another name is about
to be given to, and what is left when the pass ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sympy

from ..graph import Nodes
from .liveness import last_reads
from .spelling import Step

__all__ = ["deleted"]


def deleted(
    nodes: Nodes,
    steps: Sequence[Step],
    given: Mapping[int, str],
    kept: Iterable[sympy.Expr],
) -> list[list[str]]:
    """Return the names to delete behind each step; `kept` are read after the last."""
    last = last_reads(steps, kept)
    made = [step for step in steps if not step.added and nodes.shape(step.value)]
    bound = {(given[id(step.value)], at) for at, step in enumerate(steps)}
    found: list[list[str]] = [[] for _ in steps]
    for step in made:
        name, place = given[id(step.value)], last[id(step.value)]
        if place < len(steps) - 1 and (name, place) not in bound:
            found[place].append(name)
    return found
