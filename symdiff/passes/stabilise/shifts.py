"""The largest exponent: taken for constant where a loss subtracts it, subtracted where it
does not.

In and out: a graph. `exp(x)` is rewritten where it goes into a sum and the loss does
not depend on a shift of x along the axes of that sum, but for logarithms, to which the
shift is added again: in a softmax, a log-sum-exp, attention, however written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy
from sympy.codegen import cfunctions

from ...graph import Graph, Nodes, number_of
from ...ops.choices import where
from ...ops.contraction import Contraction, indices_of
from ...ops.elementwise import StopGradient
from ...ops.handle import Handle
from ...ops.layout import LAYOUT, expand_dims, squeeze
from ...ops.reductions import Max, Min, shifted
from ...source import Note, distinct
from ..rebuild import rebuild
from .cancelling import (
    BASES,
    Consumers,
    Layout,
    Moved,
    consumers_of,
    followed,
    layout_behind,
)
from .patterns import negated, operands, terms, with_number
from .table import REWRITES, Rewrite

__all__ = ["LOG_SUM_EXP", "SHIFT", "SOFTMAX", "constant_shifts", "shifted_exponents"]

SHIFT, LOG_SUM_EXP, SOFTMAX = (
    Rewrite(
        "shift",
        "the shift by the maximum cancels in the gradient",
        "losses that do not depend on it",
    ),
    Rewrite(
        "log-sum-exp",
        "log(sum(exp(x))) = log(sum(exp(x - m))) + m, m = max(x)",
        "all x; sums of all elements along axes, means, sums with weights: of those that "
        "are not 0 one should be no smaller than exp(-700) times the largest term",
    ),
    Rewrite(
        "softmax",
        "exp(x) / sum(exp(x)) = exp(x - m) / sum(exp(x - m)), m = max(x)",
        "all x; whatever is computed of both, if the shift cancels",
    ),
)
REWRITES.update({one.name: one for one in (SHIFT, LOG_SUM_EXP, SOFTMAX)})


# Maxima that the loss subtracts.


def constant_shifts(graph: Graph) -> Graph:
    """Return the graph in which each maximum that the value does not depend on is
    constant.
    """
    nodes, walk = graph.nodes, graph.walk()
    consumers = consumers_of(graph, walk)
    constant: dict[int, sympy.Expr] = {}
    for node in walk:
        if isinstance(node, Max | Min):
            start = Moved("shift", 1.0, tuple(range(len(nodes.shape(node)))))
            found = followed(graph, node, start, consumers, undone=False)
            if found is not None:
                constant[id(node)] = node
    if not constant:
        return graph

    def rewrite(nodes: Nodes, node: sympy.Expr, operands: tuple) -> sympy.Expr | None:
        if id(node) not in constant:
            return None
        made = nodes.make(type(node), *operands, params=node.params)
        return nodes.make(StopGradient, made)

    notes = distinct(_note(graph, node, SHIFT) for node in constant.values())
    return replace(rebuild(graph, rewrite), rewrites=(*graph.rewrites, *notes))


def _note(graph: Graph, node: sympy.Expr, row: Rewrite) -> Note:
    return row.note(graph.nodes[node].position)


# Exponentials that it does not shift.


@dataclass(frozen=True)
class _Shift:
    """An exponential to be shifted along axes, and the logarithms that undo it."""

    power: sympy.Expr
    axes: tuple[int, ...]
    undone: tuple[tuple[sympy.Expr, Moved], ...]

    @property
    def row(self) -> Rewrite:
        return LOG_SUM_EXP if self.undone else SOFTMAX


def shifted_exponents(graph: Graph, names: Sequence[str]) -> Graph:
    """Return the graph whose softmaxes and log-sum-exps do not overflow.

    names: which of both are wanted.
    """
    found = [one for one in _shifts(graph) if one.row.name in names]
    if not found:
        return graph
    powers = {id(one.power): one for one in found}
    logarithms: dict[int, list[tuple[_Shift, Moved]]] = {}
    for one in found:
        for node, moved in one.undone:
            logarithms.setdefault(id(node), []).append((one, moved))
    tops: dict[int, Handle] = {}

    def rewrite(nodes: Nodes, node: sympy.Expr, operands: tuple) -> sympy.Expr | None:
        if id(node) in powers:
            shift = powers[id(node)]
            with nodes.rewriting(shift.row.name):
                return _shifted(nodes, node, operands, shift, tops)
        if id(node) in logarithms:
            made = Handle(nodes, nodes.make(type(node), *operands))
            with nodes.rewriting(LOG_SUM_EXP.name):
                for shift, moved in logarithms[id(node)]:
                    made = made + _aligned(tops[id(shift.power)], shift, moved)
            return made.node
        return None

    notes = distinct(
        _note(graph, one.undone[0][0] if one.undone else one.power, one.row)
        for one in found
    )
    rebuilt = rebuild(graph, rewrite)
    return replace(rebuilt, rewrites=(*graph.rewrites, *notes))


def _shifted(
    nodes: Nodes,
    node: sympy.Expr,
    operands: Sequence[sympy.Expr],
    shift: _Shift,
    tops: dict[int, Handle],
) -> sympy.Expr:
    below, tops[id(node)] = shifted(Handle(nodes, operands[-1]), shift.axes)
    return nodes.make(type(node), *operands[:-1], below.node)


def _aligned(top: Any, shift: _Shift, moved: Moved) -> Any:
    """Return what is to be added to a logarithm, its axes where those of c are there."""
    if top.sizes:
        kept = [axis for axis in range(top.ndim) if axis not in shift.axes]
        order = [kept.index(axis) for axis in moved.layout if axis is not None]
        top = np.transpose(squeeze(top, shift.axes), order)
        new = tuple(i for i, axis in enumerate(moved.layout) if axis is None)
        top = expand_dims(top, new) if new else top
    return top if moved.rate == 1 else moved.rate * top


def _shifts(graph: Graph) -> Iterator[_Shift]:
    """Yield the exponentials to be shifted."""
    nodes, walk = graph.nodes, graph.walk()
    consumers = consumers_of(graph, walk)
    for node in walk:
        base = _base(nodes, node)
        axes = _summed(nodes, node, consumers) if base is not None else None
        if base is None or axes is None:
            continue
        exponent = Handle(nodes, nodes[node].operands[-1])
        if not axes or _is_shifted(exponent, axes):
            continue
        layout = tuple(
            None if axis in axes else axis for axis in range(len(nodes.shape(node)))
        )
        start = Moved("scale", base, layout)
        undone = followed(graph, node, start, consumers, undone=True)
        if undone is not None:
            yield _Shift(node, axes, tuple(undone))


def _base(nodes: Nodes, node: sympy.Expr) -> float | None:
    """Return the logarithm of the base of an exponential function, else None."""
    if isinstance(node, sympy.exp | cfunctions.exp2):
        return float(np.log(BASES[type(node)]))
    pair = nodes[node].operands if isinstance(node, sympy.Pow) else ()
    base = number_of(pair[0]) if pair and number_of(pair[1]) is None else None
    return float(np.log(base)) if base is not None and base > 0 else None


# How far from an exponential its sum is looked for.
NEAR = 30


def _summed(
    nodes: Nodes, power: sympy.Expr, consumers: Consumers
) -> tuple[int, ...] | None:
    """Return the axes along which an exponential is first summed, None where it is not."""
    layouts: dict[int, Layout] = {id(power): tuple(range(len(nodes.shape(power))))}
    pending = [power]
    found: list[tuple[int, tuple[int, ...]]] = []
    for node in pending:
        for one in consumers[id(node)] if len(pending) < NEAR else ():
            layout = layouts[id(node)]
            if isinstance(one, Contraction):
                inputs, output = indices_of(one)
                place = [id(x) for x in nodes[one].operands].index(id(node))
                summed = {
                    axis
                    for axis, index in zip(layout, inputs[place], strict=True)
                    if index not in output and axis is not None
                }
                found.append((nodes[one].index, tuple(sorted(summed))))
                continue
            behind = None
            if isinstance(one, sympy.Mul | where):
                behind = (None,) * (len(nodes.shape(one)) - len(layout)) + layout
            elif isinstance(one, LAYOUT):
                behind = layout_behind(nodes, one, layout)
            if behind is not None and id(one) not in layouts:
                layouts[id(one)] = behind
                pending.append(one)
    return min(found)[1] if found else None


def _is_shifted(x: Handle, axes: tuple[int, ...]) -> bool:
    """Return whether x is u - max(u), or min(u) - u, along axes, perhaps scaled."""
    while (found := with_number(x)) is not None and found[0] > 0:
        x = found[1]
    inner = negated(x)
    x, extremum = (x, Max) if inner is None else (inner, Min)
    pair = terms(x)
    for one, other in (pair, pair[::-1]) if pair else ():
        subtracted = negated(other)
        if subtracted is None:
            continue
        top = _constant(subtracted)
        if isinstance(top.node, extremum) and top.node.params[0] == axes:
            return operands(top)[0].node is one.node
    return False


def _constant(x: Handle) -> Handle:
    """Return what is repeated, taken for constant, replaced where it is infinite."""
    while isinstance(x.node, (StopGradient, where, *LAYOUT)):
        x = operands(x)[1 if isinstance(x.node, where) else 0]
    return x
