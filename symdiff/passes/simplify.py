"""Folding of what the chain rule leaves undone: ones and zeros, signs, broadcasts that change nothing.

In and out: a graph. The forward pass keeps the user's own operations: only nodes of the backward pass are
rewritten, and layout that does nothing. Each rule is a row of `RULES`; every rule is exact in floating point
except that it takes 0 * x for 0.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy

from ..graph import Graph, Nodes, number_of
from ..ops.contraction import Contraction, contract
from ..ops.elementwise import Cast, StopGradient, where
from ..ops.handle import Handle, handle_of
from ..ops.indexing import IndexAdd
from ..ops.layout import Broadcast, Reshape, full_like_shape
from .rebuild import rebuild

__all__ = ["simplify"]

Operands = tuple[sympy.Expr, ...]
Rule = Callable[[Nodes, sympy.Expr, Operands], sympy.Expr | None]


def simplify(graph: Graph) -> Graph:
    """Return the graph with the rules of `RULES` applied to each node once, operands first."""

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: Operands
    ) -> sympy.Expr | None:
        for rule, everywhere in RULES.get(type(node), ()):
            if everywhere or nodes.backward:
                found = rule(nodes, node, operands)
                if found is not None:
                    return found
        return None

    return rebuild(graph, rewrite)


def _same(nodes: Nodes, node: sympy.Expr, *like: sympy.Expr) -> bool:
    """Whether a node alone has the shape and dtype of an elementwise result of all of these."""
    made = nodes.make(sympy.Add, node, like[0])
    return nodes.shape(node) == nodes.shape(made) and nodes.dtype(node) == nodes.dtype(
        made
    )


def _unit(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """1 * x is x; 0 * x is 0."""
    for one, other in (operands, operands[::-1]):
        if number_of(one) == 1 and _same(nodes, other, one):
            return other
        if number_of(one) == 0 and nodes.shape(other):
            return full_like_shape(
                handle_of(0), nodes.shape(other), nodes.dtype(other)
            ).node
    return None


def _numbers(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """A product of numbers is a number, also where one is a factor of the other operand."""
    first, second = operands
    one, two = number_of(first), number_of(second)
    if one is not None and two is not None:
        return nodes.number(one * two)
    return None


def _sign(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """Signs move out of products: a * -b is -(a * b), -(-a) is a."""
    first, second = operands
    if second is sympy.S.NegativeOne:
        return _negated(nodes, first) or nodes.make(sympy.Mul, second, first)
    if first is sympy.S.NegativeOne:
        return _negated(nodes, second)
    for one, other, at in ((first, second, 0), (second, first, 1)):
        inner = _negated(nodes, one)
        if inner is not None:
            product = _product(nodes, *((inner, other) if at == 0 else (other, inner)))
            return nodes.make(sympy.Mul, nodes.number(-1), product)
    return None


def _product(nodes: Nodes, one: sympy.Expr, other: sympy.Expr) -> sympy.Expr:
    return _unit(nodes, one, (one, other)) or nodes.make(sympy.Mul, one, other)


def _negated(nodes: Nodes, node: sympy.Expr) -> sympy.Expr | None:
    """Return x for -x, else None."""
    if isinstance(node, sympy.Mul) and node.args[0] is sympy.S.NegativeOne:
        return nodes[node].operands[1]
    return None


def _zero_term(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """x + 0 is x."""
    for one, other in (operands, operands[::-1]):
        zero = number_of(one) == 0 or (
            isinstance(one, Broadcast) and number_of(nodes[one].operands[0]) == 0
        )
        if zero and _same(nodes, other, one):
            return other
    return None


def _narrow(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """An operand need not be broadcast where another has the shape already."""
    shape, dtype = nodes.shape(nodes.make(type(node), *operands)), None
    dtype = nodes.dtype(nodes.make(type(node), *operands))
    for place, one in enumerate(operands):
        if isinstance(one, Broadcast):
            narrow = (*operands[:place], nodes[one].operands[0], *operands[place + 1 :])
            made = nodes.make(type(node), *narrow)
            if nodes.shape(made) == shape and nodes.dtype(made) == dtype:
                return _again(nodes, made, narrow)
    return None


def _again(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr:
    for rule, _ in RULES.get(type(node), ()):
        found = rule(nodes, node, operands)
        if found is not None:
            return found
    return node


def _narrow_added(
    nodes: Nodes, node: sympy.Expr, operands: Operands
) -> sympy.Expr | None:
    """What is added at a key broadcasts there by itself."""
    first = operands[0]
    if isinstance(first, Broadcast) and not nodes.shape(nodes[first].operands[0]):
        inner = nodes[first].operands[0]
        return nodes.make(IndexAdd, inner, *operands[1:], params=node.params)
    return None


def _idle(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """Layout that changes nothing; one reshape for two."""
    (inner,) = operands
    if isinstance(inner, type(node)) and type(node) is not Cast:
        inner = nodes[inner].operands[0]
    shape = nodes.shape(inner) if isinstance(node, Cast) else node.params[0]
    dtype = nodes.dtype(inner) if isinstance(node, Reshape) else node.params[-1]
    if (nodes.shape(inner), nodes.dtype(inner)) == (shape, dtype):
        return inner
    if inner is not operands[0]:
        return nodes.make(type(node), inner, params=node.params)
    return None


def _folded(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """Transposes fold into products."""
    inputs, output = node.params
    return contract([Handle(nodes, one) for one in operands], inputs, output).node


def _passed(nodes: Nodes, node: sympy.Expr, operands: Operands) -> sympy.Expr | None:
    """What the derivative took for constant is a value like others, once it is taken."""
    return operands[0]


# The rules of each node class, in order: the rule, and whether it holds in the forward pass too.
RULES: dict[type, tuple[tuple[Rule, bool], ...]] = {
    sympy.Mul: ((_numbers, False), (_unit, False), (_narrow, False), (_sign, False)),
    sympy.Add: ((_zero_term, False), (_narrow, False)),
    where: ((_narrow, False),),
    IndexAdd: ((_narrow_added, False),),
    Reshape: ((_idle, True),),
    Broadcast: ((_idle, True),),
    Cast: ((_idle, True),),
    Contraction: ((_folded, True),),
    StopGradient: ((_passed, True),),
}
