"""Why two traces of one loss differ: by chance, by a loop over an unknown size, by a
branch on one.

In: the difference that was found, and the traces. Out: the error to be raised, with its
place and remedy.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..errors import NondeterminismError, SizeError, TraceError
from ..graph import Graph
from ..source import Position, enclosing
from .expressions import NotUnique
from .unify import Difference, unify

__all__ = ["explained"]

_LOOPS = (ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_BRANCHES = (ast.If, ast.IfExp)


def explained(
    difference: Difference, runs: Sequence[Graph], again: Sequence[Graph]
) -> TraceError:
    """Return the error for runs that differ; `again` are others at the first one's
    sizes.
    """
    chance = next(filter(None, (_chance(runs[0], one) for one in again)), None)
    if chance is None and not runs[0].nodes.witness:
        chance = difference
    if chance is not None:
        return NondeterminismError(
            f"two runs of the loss differ: {chance.what}",
            position=chance.position,
            remedy="Draw random numbers outside of the loss and pass them as an argument; "
            "keep no state between calls.",
        )
    return _repeated(runs) or _chosen(runs) or _other(difference)


def _other(difference: Difference) -> SizeError:
    return SizeError(
        f"this depends on an unknown size in a way that is not understood:\n  {difference.what}",
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


def _repeated(runs: Sequence[Graph]) -> SizeError | None:
    """Return the error for a place that is passed more often in one run than in
    another.
    """
    one, other = _counts(runs[0]), _counts(runs[1])
    places = [place for place in one if place in other and one[place] != other[place]]
    if not places:
        return None
    loops = (enclosing(place, _LOOPS) for place in places)
    loop = next(filter(None, loops), None)
    what = "this loop runs" if loop else "this is computed"
    return SizeError(
        f"how often {what} depends on an unknown size",
        position=loop or places[0],
        remedy="Write it over the whole array without the loop, or give the size as a number.",
    )


def _chosen(runs: Sequence[Graph]) -> SizeError | None:
    """Return the error for a place that is passed in one run and not in another."""
    each: list[set[Any]] = [set(_counts(run)) for run in runs]
    some = set.union(*each) - set.intersection(*each)
    places = sorted(some, key=lambda one: (one.path, one.line, one.column or 0))
    if not places:
        return None
    branches = (enclosing(place, _BRANCHES) for place in places)
    branch = next(filter(None, branches), None)
    what = "which branch is taken here" if branch else "whether this is computed"
    return SizeError(
        f"{what} depends on an unknown size",
        position=branch or places[0],
        remedy="The answer would hold for some sizes only. Write it without the branch, or "
        "give the size as a number.",
    )
