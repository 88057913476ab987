"""Sums whose terms have a factor in common: it is multiplied with once.

In and out: a graph. a * x + a * y becomes a * (x + y), and what does not vary along the
axes of a sum goes out of it, be it a factor of a matrix product. Only sums of the
backward pass, whose terms nothing else reads, are changed; their last bit may change
with that. Linear in the number of nodes: sums are bounded.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence

import sympy

from ..graph import Graph, Nodes, number_of
from ..ops.arithmetic import is_negative
from ..ops.contraction import Contraction, contract
from ..ops.handle import Handle, handle_of
from ..ops.layout import full_like_shape, squeeze
from ..shapes import Shape, is_floating
from ..timings import stage
from .deviations import vanishes
from .quotients import constant_along, factors_of
from .rebuild import read_once, rebuild

__all__ = ["factor"]

# Longer sums and products are left as they are, so that the work is linear in the graph.
LONGEST = 12

Factors = list[sympy.Expr]


@stage("factor")
def factor(graph: Graph) -> Graph:
    """Return the graph with common factors multiplied with once."""
    old, once = read_once(graph), set[int]()

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
    ) -> sympy.Expr | None:
        for one, its_own in zip(graph.nodes[node].operands, operands, strict=True):
            if id(one) in old:
                once.add(id(its_own))
        shape, dtype = graph.nodes.shape(node), graph.nodes.dtype(node)
        if not nodes.backward or not is_floating(dtype):
            return None
        made = None
        if isinstance(node, sympy.Add):
            signed = tuple(_signed(nodes, one, once) for one in operands)
            made = _factored(nodes, signed, once)
            if made is None and any(map(operator.is_not, signed, operands)):
                made = nodes.make(sympy.Add, *signed)
        elif isinstance(node, Contraction) and len(operands) == 1:
            total = nodes.make(Contraction, *operands, params=node.params)
            made = _without_constants(nodes, total, *operands, once)
            made = made or _summed_factor(nodes, total, *operands, once)
        elif is_negative(node):
            made = _opposite(nodes, operands[1], once)
        if made is None or nodes.dtype(made) != dtype:
            return None
        return full_like_shape(Handle(nodes, made), shape, dtype).node

    return rebuild(graph, rewrite)


# Sums of terms.


def _signed(nodes: Nodes, term: sympy.Expr, once: set[int]) -> sympy.Expr:
    """Return -(a @ b) for a term -a @ b that nothing else reads: what a sum takes away."""
    made = _opposite(nodes, term, once) if len(nodes[term].operands) > 1 else None
    if made is None:
        return term
    negative = nodes.make(sympy.Mul, nodes.number(-1), made)
    once.update((id(made), id(negative)))
    return negative


def _opposite(nodes: Nodes, term: sympy.Expr, once: set[int]) -> sympy.Expr | None:
    """Return a @ b for a term -a @ b that nothing else reads, None for others."""
    if not isinstance(term, Contraction) or id(term) not in once:
        return None
    operands = list(nodes[term].operands)
    for place, one in enumerate(operands):
        if is_negative(one) and nodes[one].backward:
            operands[place] = nodes[one].operands[1]
            return nodes.make(Contraction, *operands, params=term.params)
    return None


def _factored(
    nodes: Nodes, operands: tuple[sympy.Expr, ...], once: set[int]
) -> sympy.Expr | None:
    """Return a sum whose last term is in one product with the latest that shares a
    factor with it; None if none does.
    """
    *terms, last = _terms(nodes, operands, once)
    for place in reversed(range(len(terms))):
        pair = _together(nodes, terms[place], last, once)
        if pair is not None:
            together = [*terms[:place], pair, *terms[place + 1 :]]
            return _folded(nodes, sympy.Add, together, once)
    return None


def _terms(
    nodes: Nodes, operands: tuple[sympy.Expr, ...], once: set[int]
) -> Sequence[sympy.Expr]:
    """Return the terms of a sum, those of its first term too if nothing else reads it."""
    first, last = operands
    terms = [last]
    while isinstance(first, sympy.Add) and id(first) in once and len(terms) < LONGEST:
        if not nodes[first].operands:
            break
        first, other = nodes[first].operands
        terms.insert(0, other)
    return [first, *terms]


def _together(
    nodes: Nodes, term: sympy.Expr, last: sympy.Expr, once: set[int]
) -> sympy.Expr | None:
    """Return the sum of two terms with their common factors in front, None without any."""
    one, other = (_factors(nodes, each, once) for each in (term, last))
    shared = _common(one, other)
    one, other = _without(one, shared), _without(other, shared)
    if not one or not other or all(each is sympy.S.NegativeOne for each in shared):
        return None
    sums = [_times(nodes, rest, once) for rest in (one, other)]
    total = nodes.make(
        sympy.Add, *sorted(sums, key=lambda one: number_of(one) is not None)
    )
    once.update(map(id, (*sums, total)))
    return _times(nodes, [*shared, total], once)


def _factors(nodes: Nodes, term: sympy.Expr, once: set[int]) -> Factors:
    """Return the factors of a term that nothing else reads."""
    if id(term) not in once:
        return [term]
    found = list(factors_of(nodes, term, once))
    real = all(is_floating(nodes.dtype(one)) or not nodes.shape(one) for one in found)
    return found if real and len(found) <= LONGEST else [term]


def _times(nodes: Nodes, factors: Sequence[sympy.Expr], once: set[int]) -> sympy.Expr:
    """Return the product of factors, numbers first."""
    ordered = sorted(factors, key=lambda one: number_of(one) is None)
    return _folded(nodes, sympy.Mul, ordered, once)


def _folded(
    nodes: Nodes, cls: type, operands: Sequence[sympy.Expr], once: set[int]
) -> sympy.Expr:
    """Return a sum or product of operands, from the left."""
    total = operands[0]
    for one in operands[1:]:
        once.add(id(total))
        total = nodes.make(cls, total, one)
    return total


def _common(one: Factors, other: Factors) -> Factors:
    """Return the factors that two terms have in common, as often as both have them."""
    left, shared = list(other), []
    for each in one:
        if any(each is candidate for candidate in left):
            left = _without(left, [each])
            shared.append(each)
    return shared


def _without(factors: Factors, some: Factors) -> Factors:
    left = list(factors)
    for each in some:
        del left[next(i for i, one in enumerate(left) if one is each)]
    return left


# Sums along axes.


def _without_constants(
    nodes: Nodes, node: sympy.Expr, product: sympy.Expr, once: set[int]
) -> sympy.Expr | None:
    """Return a sum with what does not vary along it in front, None without any.

    The sum of the rest should be known, or else the product be read nowhere else.
    """
    if not isinstance(product, sympy.Mul):
        return None
    splits = list(_splits(nodes, node, product, once))
    for constant, rest in splits:
        total = _known(nodes, node, rest) if constant else None
        if total is not None:
            break
    else:
        constant, rest = splits[0]
        if not constant or not rest or id(product) not in once:
            return None
        inner = _times(nodes, rest, once)
        if nodes.shape(inner) != nodes.shape(product):
            return None
        total = nodes.make(Contraction, inner, params=node.params)
    shape = nodes.shape(product)
    outside = (_squeezed(nodes, one, shape, node) for one in constant)
    return _times(nodes, [total, *outside], once)


def _splits(
    nodes: Nodes, node: sympy.Expr, product: sympy.Expr, once: set[int]
) -> Iterator[tuple[Factors, Factors]]:
    """Yield the factors of a product that do not vary along a sum, and those that do:
    first those there are, then more with one of them taken apart.
    """
    shape = nodes.shape(product)
    pending: list[tuple[Factors, Factors]] = [([], _factors(nodes, product, once))]
    for _ in range(LONGEST):
        if not pending:
            return
        before, factors = pending.pop(0)
        constant = [one for one in factors if constant_along(nodes, one, shape, node)]
        rest = [one for one in factors if all(one is not each for each in constant)]
        yield (split := ([*before, *constant], rest))
        for place, one in enumerate(rest):
            parts = nodes[one].operands if isinstance(one, sympy.Mul) else ()
            if parts and len(rest) < 3:
                pending.append((split[0], [*rest[:place], *parts, *rest[place + 1 :]]))


def _known(nodes: Nodes, node: sympy.Expr, factors: Factors) -> sympy.Expr | None:
    """Return the sum of a product of one or two factors if it has been made, or is 0."""
    if not 0 < len(factors) < 3:
        return None
    made: sympy.Expr | None = factors[0]
    if len(factors) == 2:
        made = nodes.found(sympy.Mul, *factors) or nodes.found(
            sympy.Mul, *factors[::-1]
        )
    if made is not None and vanishes(nodes, made, node.params):
        zero = full_like_shape(handle_of(0), nodes.shape(node), nodes.dtype(node))
        return zero.node
    return made and nodes.found(Contraction, made, params=node.params)


def _summed_factor(
    nodes: Nodes, node: sympy.Expr, inner: sympy.Expr, once: set[int]
) -> sympy.Expr | None:
    """Return a sum of a matrix product along what one of its factors alone has as a
    product with that factor's sum, None for others.
    """
    (own,), output = node.params
    if not isinstance(inner, Contraction) or id(inner) not in once:
        return None
    if len(set(own)) < len(own):  # a trace
        return None
    inputs, indices = inner.params
    summed = [i for axis, i in zip(own, indices, strict=True) if axis not in output]
    if len(inputs) < 2 or any(sum(i in one for one in inputs) > 1 for i in summed):
        return None
    factors = [Handle(nodes, one) for one in nodes[inner].operands]
    kept = tuple(indices[own.index(axis)] for axis in output)
    return contract(factors, inputs, kept).node


def _squeezed(
    nodes: Nodes, one: sympy.Expr, shape: Shape, total: sympy.Expr
) -> sympy.Expr:
    """Return a factor without the axes that a sum of the product takes away."""
    (indices,), output = total.params
    new = len(shape) - len(nodes.shape(one))
    summed = [axis for axis, index in enumerate(indices) if index not in output]
    dropped = tuple(axis - new for axis in summed if axis >= new)
    return squeeze(Handle(nodes, one), dropped).node if dropped else one
