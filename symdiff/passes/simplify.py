"""Folding of what the chain rule leaves undone: ones and zeros, signs, idle layout.

In and out: a graph. The forward pass keeps the user's own operations: only nodes of the
backward pass are rewritten, and what does nothing. Each rule is a row of `RULES`; every
rule is exact in floating point except that it takes 0 * x for 0, and that a product
with a repeated array is summed before it is repeated.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

import sympy

from ..graph import Graph, Nodes, number_of
from ..ops.arithmetic import is_reciprocal
from ..ops.choices import IsFinite, LogicalAnd, LogicalNot, Maximum, where
from ..ops.contraction import Contraction, contract
from ..ops.elementwise import Cast, StopGradient
from ..ops.handle import Handle, handle_of
from ..ops.indexing import Index, IndexAdd, parts_of
from ..ops.layout import (
    Broadcast,
    Reshape,
    Transpose,
    expand_dims,
    full_like_shape,
    squeeze,
    transpose,
)
from ..shapes import Size, is_weak, product
from ..timings import stage
from . import elements
from .deviations import vanishes
from .rebuild import rebuild

__all__ = ["simplify"]

Operands = tuple[sympy.Expr, ...]
Rule = Callable[[Nodes, sympy.Expr, Operands], sympy.Expr | None]


@stage("simplify")
def simplify(graph: Graph) -> Graph:
    """Return the graph with the rules of `RULES` applied, to operands first."""

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: Operands
    ) -> sympy.Expr | None:
        return _simplified(nodes, type(node), operands, getattr(node, "params", ()))

    return rebuild(graph, rewrite)


def _simplified(
    nodes: Nodes, cls: type, operands: Operands, params: tuple = ()
) -> sympy.Expr:
    """Return a node of a class, or what the first rule that holds makes of it."""
    node = nodes.make(cls, *operands, params=params)
    for rule, everywhere in RULES.get(cls, ()):
        if everywhere or nodes.backward:
            found = rule(nodes, node, operands)
            if found is not None:
                return found
    return node


def _alike(nodes: Nodes, one: sympy.Expr, other: sympy.Expr) -> bool:
    return nodes.shape(one) == nodes.shape(other) and nodes.dtype(one) == nodes.dtype(
        other
    )


# Products.


def _numbers(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """A sum, product or maximum of whole numbers is one."""
    values = [number_of(one) for one in operands]
    if any(type(one) is not int for one in values):
        return None
    return nodes.number(_ON_NUMBERS[type(node)](*values))


_ON_NUMBERS: dict[type, Callable[..., int]] = {
    sympy.Add: operator.add,
    sympy.Mul: operator.mul,
    Maximum: max,
}


def _one(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """1 * x is x, x / 1 is x."""
    for one, other in (operands, operands[::-1]):
        if number_of(one) == 1 and _alike(nodes, other, node):
            return other
    return None


def _zero(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """0 * x is 0."""
    if not any(map(_is_zero(nodes), operands)):
        return None
    zero = handle_of(0)
    return full_like_shape(zero, nodes.shape(node), nodes.dtype(node)).node


def _is_zero(nodes: Nodes) -> Callable[[sympy.Expr], bool]:
    """Return whether a node is 0, be it a repeated one."""

    def test(node: sympy.Expr) -> bool:
        inner = nodes[node].operands[0] if isinstance(node, Broadcast) else node
        value = number_of(inner)
        return value is not None and value == 0

    return test


def _factor(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """x * 3 is 3 * x, -3 * x is -(3 * x)."""
    first, second = operands
    if number_of(first) is None and number_of(second) is not None:
        return _simplified(nodes, sympy.Mul, (second, first))
    value = number_of(first)
    if value is None or value >= 0 or value == -1 or nodes.dtype(first) == "bool":
        return None
    positive = _simplified(nodes, sympy.Mul, (nodes.number(-value), second))
    return _simplified(nodes, sympy.Mul, (nodes.number(-1), positive))


def _factors(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """2 * (3 * x) is 6 * x: with a power of 2 nothing is rounded."""
    first, second = operands
    if not isinstance(second, sympy.Mul) or not nodes[second].operands:
        return None
    inner, rest = nodes[second].operands
    one, other = number_of(first), number_of(inner)
    if one is None or other is None or -1 in (one, other):
        return None
    value = one * other
    exact = _is_power_of_two(one) or _is_power_of_two(other)
    if not exact or not math.isfinite(value):
        return None
    whole = int(value) if float(value).is_integer() else value
    made = _simplified(nodes, sympy.Mul, (nodes.number(whole), rest))
    return made if _alike(nodes, made, node) else None


def _is_power_of_two(value: float) -> bool:
    return value != 0 and abs(math.frexp(value)[0]) == 0.5


def _sign(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """x * -1 is -x, -(-x) is x, as is that of a number."""
    first, second = operands
    minus, value = nodes.number(-1), number_of(second)
    if first is minus and value is not None and not nodes.shape(second):
        return nodes.number(-value)
    if second is minus:
        return _negated(nodes, first) or nodes.make(sympy.Mul, minus, first)
    return _negated(nodes, second) if first is minus else None


def _negated(nodes: Nodes, node: sympy.Expr) -> sympy.Expr | None:
    """Return x for -x, else None."""
    if isinstance(node, sympy.Mul) and nodes[node].operands:
        first, second = nodes[node].operands
        if first is sympy.S.NegativeOne:
            return second
    return None


def _one_power(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """1**x is 1."""
    return (
        operands[0] if number_of(operands[0]) == 1 and not nodes.shape(node) else None
    )


# Sums.


def _zero_term(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """x + 0 is x."""
    for one, other in (operands, operands[::-1]):
        if _is_zero(nodes)(one) and _alike(nodes, other, node):
            return other
    return None


def _twice(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """x + x is 2 * x."""
    one, other = operands
    return nodes.make(sympy.Mul, nodes.number(2), one) if one is other else None


# Repeated arrays.


def _narrow(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """What repeats its operands is repeated itself, where its shape asks for it."""
    narrow = tuple(
        nodes[one].operands[0] if isinstance(one, Broadcast) else one
        for one in operands
    )
    if narrow == operands:
        return None
    made = _simplified(nodes, type(node), narrow)
    if nodes.dtype(made) != nodes.dtype(node):
        return None
    shape, dtype = nodes.shape(node), nodes.dtype(node)
    return full_like_shape(Handle(nodes, made), shape, dtype).node


def _leading(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """New axes in front of an operand come by themselves."""
    whole = _leading_of_all(nodes, node, operands)
    if whole is not None:
        return whole
    for place, one in enumerate(operands):
        inner = _without_leading(nodes, one)
        if inner is not None:
            shorter = (*operands[:place], inner, *operands[place + 1 :])
            made = nodes.make(type(node), *shorter)
            if nodes.shape(made) == nodes.shape(node):
                return _simplified(nodes, type(node), shorter)
    return None


def _leading_of_all(
    nodes: Nodes, node: sympy.Expr, operands: Operands
) -> sympy.Expr | None:
    """New axes in front of all operands are put in front of the result."""
    inner = [_without_leading(nodes, one) for one in operands if nodes.shape(one)]
    if None in inner or not inner:
        return None
    found = iter(inner)
    shorter = tuple(next(found) if nodes.shape(one) else one for one in operands)
    made = _simplified(nodes, type(node), shorter)
    return nodes.make(Reshape, made, params=(nodes.shape(node),))


def _without_leading(nodes: Nodes, node: sympy.Expr) -> sympy.Expr | None:
    """Return what a node only puts new axes in front of, be it under a minus."""
    positive = _negated(nodes, node)
    if positive is not None:
        inner = _without_leading(nodes, positive)
        return inner and nodes.make(sympy.Mul, nodes.number(-1), inner)
    if not isinstance(node, Reshape):
        return None
    inner = nodes[node].operands[0]
    new = len(nodes.shape(node)) - len(nodes.shape(inner))
    leads = new > 0 and nodes.shape(node) == (1,) * new + nodes.shape(inner)
    return inner if leads else None


def _scaled(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """An array in another shape over a number is in another shape what it is there."""
    first, second = operands
    if not isinstance(first, Reshape) or not is_reciprocal(second):
        return None
    if nodes.shape(second) or not is_weak(nodes.dtype(second)):
        return None
    inner = nodes.make(sympy.Mul, nodes[first].operands[0], second)
    return nodes.make(Reshape, inner, params=first.params)


def _narrow_added(
    nodes: Nodes, node: sympy.Expr, operands: Operands
) -> sympy.Expr | None:
    """What is added at a key is repeated there by itself."""
    narrow: list[sympy.Expr] = []
    for _, added, arrays in parts_of(node.params[1], operands):
        inner = nodes[added].operands[0] if isinstance(added, Broadcast) else added
        narrow += [added if nodes.shape(inner) else inner, *arrays]
    return nodes.make(IndexAdd, *narrow, params=node.params)


def _folded(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """Transposes fold into products."""
    if not any(isinstance(one, Transpose) for one in operands):
        return None
    inputs, output = node.params
    return contract([Handle(nodes, one) for one in operands], inputs, output).node


def _summed_first(
    nodes: Nodes, node: sympy.Expr, operands: Operands
) -> sympy.Expr | None:
    """Axes along which an operand is repeated are summed over without it."""
    if not any(isinstance(one, Broadcast) for one in operands):
        return None
    inputs, output = node.params
    sizes: dict[int, Size] = {}
    narrow, left = [], []
    for one, indices in zip(operands, inputs, strict=True):
        sizes.update(zip(indices, nodes.shape(one), strict=True))
        if len(set(indices)) < len(indices):
            return None
        inner, own = _without_repeats(nodes, one, indices)
        narrow.append(inner)
        left.append(own)
    present = {i for own in left for i in own}
    result = contract(narrow, left, tuple(i for i in output if i in present))
    missing = [i for i in sizes if i not in present]
    count = product(sizes[i] for i in missing if i not in output)
    if count != 1:
        result = result * Handle(nodes, nodes.size(count))
    repeated = tuple(output.index(i) for i in missing if i in output)
    if repeated and result.sizes:
        result = expand_dims(result, repeated)
    return full_like_shape(result, nodes.shape(node), nodes.dtype(node)).node


def _deviations(
    nodes: Nodes, node: sympy.Expr, operands: Operands
) -> sympy.Expr | None:
    """Deviations from a mean add up to 0."""
    if len(operands) > 1 or not vanishes(nodes, operands[0], node.params):
        return None
    return full_like_shape(handle_of(0), nodes.shape(node), nodes.dtype(node)).node


def _without_repeats(
    nodes: Nodes, node: sympy.Expr, indices: tuple[int, ...]
) -> tuple[Handle, tuple[int, ...]]:
    """Return what a node repeats, without the axes along which it does."""
    if not isinstance(node, Broadcast):
        return Handle(nodes, node), indices
    inner = Handle(nodes, nodes[node].operands[0])
    new = len(indices) - inner.ndim
    kept = [
        axis
        for axis, (old, size) in enumerate(
            zip(inner.sizes, nodes.shape(node)[new:], strict=True)
        )
        if nodes.same_size(old, size)
    ]
    dropped = tuple(axis for axis in range(inner.ndim) if axis not in kept)
    narrow = squeeze(inner, dropped) if dropped else inner
    return narrow, tuple(indices[new + axis] for axis in kept)


# Layout.


def _idle(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """Layout that changes nothing; one reshape for two."""
    (inner,) = operands
    if isinstance(inner, type(node)) and type(node) is not Cast:
        return _simplified(nodes, type(node), nodes[inner].operands, node.params)
    return inner if _alike(nodes, inner, node) else None


def _inside(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """One number in another shape is repeated to it; 1 / x is reshaped as x is."""
    (inner,) = operands
    shape, dtype = nodes.shape(node), nodes.dtype(node)
    if isinstance(inner, Broadcast) and not nodes.shape(nodes[inner].operands[0]):
        return full_like_shape(
            Handle(nodes, nodes[inner].operands[0]), shape, dtype
        ).node
    if is_reciprocal(inner):
        below, minus_one = nodes[inner].operands
        moved = _simplified(nodes, type(node), (below,), node.params)
        return nodes.make(sympy.Pow, moved, minus_one)
    return None


def _transposed(
    nodes: Nodes, node: sympy.Expr, operands: Operands
) -> sympy.Expr | None:
    """One transpose for two, none where they undo each other."""
    return transpose(Handle(nodes, operands[0]), node.params[0]).node


def _passed(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """What the derivative took for constant is a value like others afterwards."""
    return operands[0]


# The rules of each node class, in order, and whether they hold in the forward pass too.
RULES: dict[type, tuple[tuple[Rule, bool], ...]] = {
    sympy.Mul: (
        (_numbers, True),
        (_one, True),
        (_zero, False),
        (_leading, True),
        (_scaled, True),
        (_narrow, False),
        (_sign, False),
        (_factor, False),
        (_factors, False),
    ),
    sympy.Add: (
        (_numbers, True),
        (_zero_term, True),
        (_leading, True),
        (_twice, False),
        (elements.merged, False),
        (_narrow, False),
    ),
    Maximum: ((_numbers, True),),
    sympy.Pow: ((_one_power, True),),
    where: (
        (elements.same_branches, False),
        (elements.chosen_twice, False),
        (_leading, True),
        (_narrow, False),
    ),
    IsFinite: ((_leading, True),),
    LogicalNot: ((elements.not_not, False),),
    LogicalAnd: ((elements.both, False),),
    Index: (
        (elements.everything, True),
        (elements.part_of_joined, True),
        (elements.taken_from_added, False),
    ),
    IndexAdd: (
        (elements.everything, False),
        (elements.without_zeros, False),
        (elements.fills, False),
        (elements.put_side_by_side, False),
        (_narrow_added, False),
    ),
    Transpose: ((_transposed, True), (_inside, False)),
    Reshape: ((_idle, True), (_inside, False)),
    Broadcast: ((_idle, True),),
    Cast: ((_idle, True),),
    Contraction: (
        (_zero, False),
        (_deviations, False),
        (elements.summed_diagonal, False),
        (elements.unit_matrix, False),
        (_summed_first, False),
        (_folded, True),
    ),
    StopGradient: ((_passed, True),),
}
