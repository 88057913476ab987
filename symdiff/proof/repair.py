"""Which one thing is wrong with a function that is not what it should be, and where.

In: samples at which a function is wrong, and its runs on their values. Out: a sentence
that names the operand which would have to be another for the function to be right:
multiplied, of the other sign, squared, transposed, left out; or the operation of the
loss whose part in the gradient is wrong. "" where no one thing explains all samples.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice, repeat
from typing import Any, NamedTuple

import numpy as np
import sympy

from ..checkup.locating import lines_at_fault
from ..checkup.walk import walked
from ..graph import Variable, number_of
from ..ops.handle import Handle, activated
from ..source import Position
from ..specs import Signature
from ..tape.values import ValueNodes
from .counterexample import Sample
from .difference import CLOSE, named
from .sides import Side

__all__ = ["located", "repaired"]

RUNS = 4  # samples that a change must make right
MOST = 400  # operands that are tried
CANCELLED = 1e-3  # of the largest output
MOST_NAMES = 12  # values of which each operand is tried as a multiple


class _Run(NamedTuple):
    """A run of the wrong function on values, its operations in order, and the sample."""

    nodes: ValueNodes
    outputs: Mapping[str, sympy.Expr]
    order: Sequence[sympy.Expr]
    sample: Sample


class _Place(NamedTuple):
    """An operand of an operation, by the number of each."""

    operation: int
    operand: int


Change = Callable[[Handle], Handle]

CHANGES: Mapping[str, Change] = {
    "of the other sign": lambda x: -x,
    "squared": lambda x: x**2,
    "transposed": lambda x: x.T,
    "1 minus itself": lambda x: 1 - x,
}


def repaired(side: Side, samples: Sequence[Sample], goal: str) -> str:
    """Return with which operand changed a function would be right, in words."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        runs = list(_runs(side, samples))
        if not runs:
            return ""
        for repair in (_repair, _with_factor):
            for place in islice(_places(runs[0]), MOST):
                if text := repair(runs, place):
                    return f"it would be {goal} if {text}"
    return ""


def located(loss: Callable, signature: Signature, samples: Sequence[Sample]) -> str:
    """Return at which operation of the loss a wrong gradient goes wrong, in words."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one in filter(_is_wrong, samples):
            claimed = {name.removeprefix("d_"): x for name, x in one.given.items()}
            walk = walked(loss, signature, one.leaves, list(claimed))
            found = lines_at_fault(walk, claimed)
            return "; ".join(
                f"d_{name} is {text}" if name else f"it is {text}"
                for name, text in found.items()
            )
    return ""


def _is_wrong(sample: Sample) -> bool:
    """Return whether a sample is one of random numbers at which a function is wrong."""
    shapes = all(sample.given[k].shape == v.shape for k, v in sample.expected.items())
    return sample.random and shapes and max(map(sample.gap, sample.expected)) > CLOSE


def _runs(side: Side, samples: Sequence[Sample]) -> Iterator[_Run]:
    """Yield runs at samples at which the function is wrong, the first of few nodes."""
    if side.run is None:
        return
    length = None
    for sample in list(filter(_is_wrong, samples))[:RUNS]:
        try:
            graph = side.run(sample.leaves)
        except Exception:  # noqa: BLE001 - the user's function, perhaps not traceable
            return
        order = graph.walk()
        if length not in (None, len(order)):
            return
        length = len(order)
        assert isinstance(graph.nodes, ValueNodes)
        yield _Run(graph.nodes, graph.outputs, order, sample)


def _places(run: _Run) -> Iterator[_Place]:
    """Yield operands that are no numbers, those of the last operation first."""
    for operation in range(len(run.order) - 1, -1, -1):
        for operand, one in enumerate(run.nodes[run.order[operation]].operands):
            if number_of(one) is None and not run.nodes.is_part(one):
                yield _Place(operation, operand)


def _repair(runs: Sequence[_Run], place: _Place) -> str:
    """Return what would have to be changed at a place for all runs to be right."""
    what = _named_at(runs[0], place)
    if factor := _factor(runs, place):
        return f"{what} were {factor}"
    for text, change in CHANGES.items():
        if all(_is_right(run, _changed(run, place, change)) for run in runs):
            return f"{what} were {text}"
    return ""


def _with_factor(runs: Sequence[_Run], place: _Place) -> str:
    """Return by which value that has a name an operand would have to be multiplied."""
    for number, name in islice(_named_before(runs[0], place), MOST_NAMES):
        for how, change in (
            ("multiplied", operator.mul),
            ("divided", operator.truediv),
        ):
            if all(
                _is_right(run, _changed(run, place, partial(_by, run, number, change)))
                for run in runs
            ):
                return f"{_named_at(runs[0], place)} were {how} by {name}"
    return ""


def _named_before(run: _Run, place: _Place) -> Iterator[tuple[int, str]]:
    """Yield the arguments and the named values before an operation, by their number."""
    for number, value in enumerate(run.order[: place.operation]):
        name = run.nodes[value].name or getattr(value, "name", "")
        if name and run.nodes.dtype(value).startswith("float"):
            yield number, str(name)


def _by(
    run: _Run, number: int, change: Callable[[Any, Any], Handle], x: Handle
) -> Handle:
    return change(x, Handle(x.nodes, run.order[number]))


def _factor(runs: Sequence[_Run], place: _Place) -> str:
    """Return by what an operand would have to be multiplied, in words.

    What a function is of a multiple of its operand is a straight line where that operand
    is a factor in it. "" where no one number that has a name is right.
    """
    factors = []
    for run in runs:
        once, twice, wanted = (
            _flat(values)
            for values in (
                _values(run, run.nodes, {}),
                _changed(run, place, lambda x: 2 * x),
                run.sample.expected,
            )
        )
        if not once.shape == twice.shape == wanted.shape:
            return ""
        slope = twice - once
        square = float(slope @ slope)
        factors.append(1 + float(slope @ (wanted - once)) / square if square else 1.0)
    if not np.isfinite(factors).all():
        return ""
    text = named(factors, [run.sample for run in runs])
    if all(abs(factor) < CLOSE for factor in factors):
        text = "left out"
    elif text:
        text = "of the other sign" if text == "minus" else f"{text} as large"
    scaled = (partial(operator.mul, factor) for factor in factors)
    changed = (_changed(*one) for one in zip(runs, repeat(place), scaled, strict=False))
    return text if all(map(_is_right, runs, changed)) else ""


def _changed(run: _Run, place: _Place, change: Change) -> Mapping[str, np.ndarray]:
    """Return the outputs where an operand is changed, none where it cannot be."""
    nodes, order = run.nodes.forked(), run.order
    made: dict[int, sympy.Expr] = {}
    try:
        with activated(nodes):
            for number, node in enumerate(order[place.operation :], place.operation):
                before = nodes[node].operands
                after = [made.get(id(one), one) for one in before]
                if number == place.operation:
                    old = after[place.operand]
                    after[place.operand] = change(Handle(nodes, old)).node
                if any(x is not y for x, y in zip(before, after, strict=True)):
                    params = getattr(node, "params", ())
                    made[id(node)] = nodes.make(type(node), *after, params=params)
        return _values(run, nodes, made)
    except Exception:  # noqa: BLE001 - another shape than the operations take
        return {}


def _values(
    run: _Run, nodes: ValueNodes, made: Mapping[int, sympy.Expr]
) -> Mapping[str, np.ndarray]:
    outputs = run.outputs.items()
    found = {name: nodes.value(made.get(id(one), one)) for name, one in outputs}
    return {name: np.asarray(value) for name, value in found.items()}


def _is_right(run: _Run, values: Mapping[str, np.ndarray]) -> bool:
    """Return whether outputs are what they should be, but for rounding.

    What is small beside other outputs may be what cancelling has left.
    """
    expected = run.sample.expected
    sizes = {name: np.abs(one).max(initial=0.0) for name, one in expected.items()}
    least = CANCELLED * max(sizes.values())
    return bool(values) and all(
        one.shape == values[name].shape
        and np.abs(values[name] - one).max(initial=0.0)
        <= CLOSE * max(sizes[name], least)
        for name, one in expected.items()
    )


def _flat(values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return all outputs as one vector, in the order of their names."""
    parts = [values[name].ravel() for name in sorted(values)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _named_at(run: _Run, place: _Place) -> str:
    """Return what the user calls an operand, or wrote for it, and where."""
    nodes, node = run.nodes, run.order[place.operation]
    operand = nodes[node].operands[place.operand]
    name = nodes[operand].name
    if name or isinstance(operand, Variable):
        return f"{name or operand.name} in {_written(nodes[node].position)}"
    return _written(nodes[operand].position)


def _written(position: Position | None) -> str:
    return f"{position.segment} ({position})" if position else ""
