"""The two functions of a proof, called alike on the arguments of the first.

In: functions and the specs of the first one's arguments. Out: `Side`s: what each is as a
graph, and its values. A second function takes its arguments by the first one's names,
or, where it has others, in the same order. Refused with a `SpecError`: parameters that
are neither.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..checkup.walk import run_at
from ..errors import SpecError
from ..graph import Graph
from ..leaves import ArraySpec
from ..specs import Argument, Signature, read_signature
from ..trace.run import Reading, trace

__all__ = ["Side", "given_side"]


@dataclass(frozen=True)
class Side:
    """A function of the first one's arguments, and the parts of its result.

    call: from values of the arguments to the result. parts: from a result to its arrays
    by name. graph: from nothing to its graph, of outputs of these names. run: from the
    arguments' leaves to its graph on these values, None where it is no user's function.
    """

    call: Callable[..., Any]
    parts: Callable[[Any], Mapping[str, Any]]
    graph: Callable[[], Graph]
    run: Callable[[Sequence[np.ndarray]], Graph] | None = None

    def at(self, values: Sequence[Any]) -> dict[str, np.ndarray]:
        """Return the parts of the result at some arguments."""
        found = self.parts(self.call(*values))
        return {name: np.asarray(one) for name, one in found.items()}


def given_side(
    fn: Callable,
    first: Signature,
    dtype: str,
    parts: Callable[[Any], Mapping[str, Any]],
    read: Reading,
) -> Side:
    """Return the side of a function that takes the arguments of a signature."""
    own, places = _matched(fn, first, dtype)
    bound = own.bind(fn)

    def run(leaves: Sequence[np.ndarray]) -> Graph:
        known = iter(leaves)
        parts = [[next(known) for _ in one.leaves] for one in first.arguments]
        chosen = [leaf for place in places for leaf in parts[place]]
        return run_at(fn, own, chosen, read)

    return Side(
        call=lambda *values: bound(*(values[place] for place in places)),
        parts=parts,
        graph=lambda: trace(fn, own, dtype, read),
        run=run,
    )


def _matched(fn: Callable, first: Signature, dtype: str) -> tuple[Signature, list[int]]:
    """Return a function's signature, its arguments called as the first one's are, and
    which of those it takes.
    """
    parameters = inspect.signature(fn).parameters
    names = [one.name for one in first.arguments]
    static = {name: one for name, one in first.static.items() if name in parameters}
    needed = [
        name
        for name, one in parameters.items()
        if name not in static and (one.default is one.empty or name in names)
    ]
    if set(needed) <= set(names):
        places = [names.index(name) for name in needed]
    elif len(needed) == len(names):
        places = list(range(len(names)))
    else:
        raise SpecError(
            f"{getattr(fn, '__name__', 'the function')} has parameters "
            f"{', '.join(needed)}; the loss has {', '.join(names)}",
            remedy="Give it the loss's arguments, by their names or in their order.",
        )
    chosen = [first.arguments[place] for place in places]
    specs = {name: _spec(one) for name, one in zip(needed, chosen, strict=True)}
    own = read_signature(fn, specs, static, dtype)
    renamed = tuple(
        replace(one, leaves=_renamed(one, by_name))
        for one, by_name in zip(own.arguments, chosen, strict=True)
    )
    return replace(own, arguments=renamed), places


def _spec(argument: Argument) -> object:
    return argument.unflatten(
        [ArraySpec(leaf.shape, leaf.dtype) for leaf in argument.leaves]
    )


def _renamed(own: Argument, first: Argument) -> tuple:
    return tuple(
        replace(leaf, name=other.name)
        for leaf, other in zip(own.leaves, first.leaves, strict=True)
    )
