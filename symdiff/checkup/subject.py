"""A loss and the gradient that is claimed of it, both as functions of flat leaves.

In: a loss with its signature; its emitted gradient, or the user's own. Out: a
`Subject`, which can be looked at at given leaves. Refused: a gradient that is not
nested as the arguments are.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..graph import Graph, Variable
from ..numerical.ladder import SAFETY
from ..pipeline import Compiled
from ..source import statement_of
from ..specs import Signature, passed
from ..trace.run import trace
from ..verify.sampling import nest
from ..verify.slopes import Loss
from .analytic import complex_gap, is_analytic
from .claim import Arrays
from .locating import broken_rule, lines_at_fault
from .point import Point, lengths, look
from .structure import Structure
from .walk import Walk, walked

__all__ = ["Claimed", "Subject", "by_hand", "emitted", "named", "with_lines"]


LIKE = 1e-6  # relative: slopes that differ by less are one


@dataclass(frozen=True)
class Claimed:
    """A gradient as a function of the arguments' values, and the loss's graph.

    title: what it is called, "" if it is the emitted one. problem: why there is no
    graph, "" if there is one.
    """

    title: str
    call: Callable[[list], Any]
    graph: Graph | None
    problem: str = ""


class Subject:
    """A loss and the gradient claimed of it, both of flat leaves."""

    def __init__(
        self,
        fn: Callable,
        signature: Signature,
        wanted: tuple[str, ...],
        single: bool,
        claimed: Claimed,
        entries: int,
        seed: int,
    ) -> None:
        self.signature = signature
        self.fn = fn
        self.loss = Loss(signature.bind(fn), signature)
        self.claimed = claimed
        self.entries, self.seed = entries, seed
        self.names = [leaf.access for leaf in signature.leaves]
        arguments = {one.name: one for one in signature.arguments}
        self.structure = Structure(
            {name: arguments[name].tree for name in wanted},
            {name: [x.access for x in arguments[name].leaves] for name in wanted},
            single,
        )
        self.places = {
            leaf.access: place
            for place, leaf in enumerate(signature.leaves)
            if leaf.argument in wanted
        }

    def look(self, leaves: Sequence[np.ndarray]) -> Point:
        """Return what is found at these leaves."""
        claimed = self.claimed.call(nest(self.signature, [x.copy() for x in leaves]))
        wide = [x.astype(float) if x.dtype.kind == "f" else x for x in leaves]

        def loss(arrays: Arrays) -> object:
            moved = list(wide)
            for name, array in arrays.items():
                moved[self.places[name]] = array
            return self.loss(moved)

        arrays = {name: wide[place] for name, place in self.places.items()}
        gradient = self.structure.read(claimed)
        point = look(
            loss,
            arrays,
            gradient,
            sizes=_sizes(self.signature, leaves),
            lengths=lengths(zip(self.names, leaves, strict=True)),
            precision=self.precision,
            entries=self.entries,
            seed=self.seed,
        )
        if point.outcome == "wrong" and self.claimed.graph is not None:
            explanations = tuple(self._explained(wide, gradient, point))
            return replace(point, explanations=explanations)
        if point.outcome == "right" and self.is_analytic:
            gap = complex_gap(loss, arrays, gradient, point.parameters)
            return replace(point, complex_step=gap)
        return point

    def _explained(
        self, leaves: Sequence[np.ndarray], gradient: Arrays, point: Point
    ) -> Iterator[str]:
        """Yield at which operations of the loss a gradient goes wrong."""
        known = self.signature.leaves
        names = {access: known[place].name for access, place in self.places.items()}
        walk = walked(self.fn, self.signature, leaves, list(names.values()))
        if not _agrees(walk, names, point):
            yield broken_rule(walk)
        elif all(gradient[one.name].shape == one.shape for one in point.parameters):
            claimed = {names[access]: part for access, part in gradient.items()}
            accesses = {name: access for access, name in names.items()}
            for name, text in lines_at_fault(walk, claimed).items():
                yield f"{accesses[name]} is {text}" if name else f"it is {text}"

    @cached_property
    def precision(self) -> str:
        """The dtype in which the gradient is computed."""
        is_single = any(leaf.dtype == "float32" for leaf in self.signature.leaves)
        return "float32" if is_single else "float64"

    @cached_property
    def is_analytic(self) -> bool:
        """Whether the loss is known to be analytic, so that complex steps hold."""
        graph, leaves = self.claimed.graph, self.signature.leaves
        wanted = [leaves[place].name for place in self.places.values()]
        return graph is not None and is_analytic(graph, wanted)


def _agrees(walk: Walk, names: Mapping[str, str], point: Point) -> bool:
    """Return whether the rules of the table give the slopes that differences do."""
    for one in point.parameters:
        slopes = walk.gradient[names[one.name]]
        for entry in one.entries:
            room = SAFETY * entry.error + LIKE * np.max(np.abs(slopes))
            gap = abs(slopes[entry.index] - entry.numerical)
            if entry.outcome == "wrong" and gap > room:
                return False
    return True


def emitted(compiled: Compiled, signature: Signature) -> Claimed:
    """Return the gradient that was emitted."""
    call = _by_position(compiled.grad, signature)
    return Claimed("", call, compiled.traced)


def by_hand(
    gradient: Callable, fn: Callable, signature: Signature, dtype: str
) -> Claimed:
    """Return the user's own gradient.

    It is called as the loss is, with static values too; if it has other parameters,
    with the arguments by position.
    """
    call = _by_position(gradient, signature)
    if _parameters(gradient) and _parameters(gradient) <= _parameters(fn):
        bound = signature.bind(gradient)
        call = lambda values: bound(*values)  # noqa: E731
    title = f"{gradient.__module__}.{named(gradient)}"
    try:
        return Claimed(title, call, trace(fn, signature, dtype))
    except Exception as error:  # noqa: BLE001 - the user's function on stand-ins
        reason = str(error).partition("\n")[0]
        problem = f"no lines are named, as the loss cannot be traced: {reason}"
        return Claimed(title, call, None, problem)


def _by_position(gradient: Callable, signature: Signature) -> Callable[[list], Any]:
    """Return a gradient as a function of the arguments' values."""

    def call(values: list) -> Any:
        pairs = zip(signature.arguments, values, strict=True)
        positional, named = passed((one.kind, one.name, value) for one, value in pairs)
        return gradient(*positional, **named)

    return call


def _parameters(function: Callable) -> set[str]:
    try:
        return set(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return set()


def named(fn: Callable) -> str:
    return getattr(fn, "__name__", type(fn).__name__)


def _sizes(signature: Signature, leaves: Sequence[np.ndarray]) -> dict[str, int]:
    """Return the values of the unknown sizes."""
    return {
        name: size
        for leaf, array in zip(signature.leaves, leaves, strict=True)
        for name, size in zip(leaf.shape, array.shape, strict=True)
        if isinstance(name, str)
    }


def with_lines(point: Point, subject: Subject) -> Point:
    """Return a point whose arrays say where they enter the loss."""
    graph = subject.claimed.graph
    if graph is None:
        return point
    names = {leaf.name: leaf.access for leaf in subject.signature.leaves}
    lines: dict[str, dict[str, None]] = {name: {} for name in names.values()}
    for node in graph.walk():
        where = graph.nodes[node].position
        for operand in graph.nodes[node].operands:
            if where and isinstance(operand, Variable):
                name = names[operand.name]
                lines[name][f"{name} enters at {where}: {statement_of(where)}"] = None
    parameters = (
        replace(one, lines=tuple(lines[one.name])) for one in point.parameters
    )
    return replace(point, parameters=tuple(parameters))
