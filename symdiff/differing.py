"""Why two traces of one loss differ: by chance, by a loop over an unknown size, by a branch on one.

In: the difference that was found, and the traces. Out: the error to be raised, with its place and remedy.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Sequence

from .errors import NondeterminismError, SizeError, TraceError
from .expressions import NotUnique
from .graph import Graph
from .source import Position, enclosing
from .unify import Difference, unify

__all__ = ["explained"]

_LOOPS = (ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_BRANCHES = (ast.If, ast.IfExp)


def explained(
    difference: Difference, runs: Sequence[Graph], again: Graph
) -> TraceError:
    """Return the error for runs that differ; `again` is another run at the first one's sizes."""
    chance = _chance(runs[0], again)
    if chance is None and not runs[0].nodes.witness:
        chance = difference
    if chance is not None:
        return NondeterminismError(
            f"two runs of the loss differ: {chance.what}",
            position=chance.position,
            remedy="Draw random numbers outside of the loss and pass them as an argument; "
            "keep no\nstate between calls.",
        )
    loop, branch = _repeated(runs), _chosen(runs)
    if loop is not None:
        return SizeError(
            "how often this loop runs depends on an unknown size",
            position=loop,
            remedy="Write it over the whole array without the loop, or give the size as a "
            "number.",
        )
    if branch is not None:
        return SizeError(
            "which branch is taken here depends on an unknown size",
            position=branch,
            remedy="The answer would hold for some sizes only. Write it without the branch, or "
            "give\nthe size as a number.",
        )
    return SizeError(
        "this depends on an unknown size in a way that is not understood:\n  "
        + difference.what,
        position=difference.position,
        remedy="Use x.shape and len(x) in plain arithmetic, or give the size as a number.",
    )


def _chance(first: Graph, again: Graph) -> Difference | None:
    """Return the difference between runs at the same sizes."""
    try:
        unify([first, again], {})
    except Difference as chance:
        return chance
    except NotUnique:  # pragma: no cover - without sizes nothing is looked for
        pass
    return None


def _counts(run: Graph) -> Counter[Position]:
    """Return how many nodes stand at each place."""
    infos = (run.nodes[node] for node in run.nodes)
    return Counter(one.position for one in infos if one.position and one.operands)


def _repeated(runs: Sequence[Graph]) -> Position | None:
    """Return the loop in which some place is passed more often in one run than in another."""
    one, other = _counts(runs[0]), _counts(runs[1])
    for position in one:
        if position in other and one[position] != other[position]:
            loop = enclosing(position, _LOOPS)
            if loop is not None:
                return loop
    return None


def _chosen(runs: Sequence[Graph]) -> Position | None:
    """Return the branch in which some place is passed in one run and not in another."""
    each = [set(_counts(run)) for run in runs]
    some = set.union(*each) - set.intersection(*each)
    for position in sorted(some, key=lambda one: (one.path, one.line, one.column or 0)):
        branch = enclosing(position, _BRANCHES)
        if branch is not None:
            return branch
    return None
