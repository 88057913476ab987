"""What rules look for in a node: each question gives the parts that it found, or None.

In: handles. A difference is a sum with a negative, a quotient a product with a
reciprocal; numbers stand on either side. No question looks further than a few nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sympy

from ...graph import number_of
from ...ops.elementwise import Cast
from ...ops.handle import Handle
from ...ops.indexing import Index
from ...ops.layout import LAYOUT, Broadcast, moved

__all__ = [
    "exponent",
    "factors",
    "inverse",
    "minus",
    "negated",
    "number",
    "one_minus",
    "one_plus",
    "operand",
    "operands",
    "parts",
    "placed",
    "power",
    "product_of",
    "same",
    "scaled",
    "split",
    "summands",
    "terms",
    "through",
    "with_number",
]

# How many factors of a product, or terms of a sum, are looked at; how many products in
# products: a chain of a thousand is no pattern.
LONGEST, DEEPEST = 6, 24


def operands(x: Handle) -> tuple[Handle, ...]:
    """Return the operands of a node."""
    return tuple(Handle(x.nodes, one) for one in x.nodes[x.node].operands)


def operand(x: Handle, *classes: type) -> Handle | None:
    """Return the first operand of a node of these classes."""
    return operands(x)[0] if isinstance(x.node, classes) and operands(x) else None


def parts(x: Handle, cls: type) -> tuple[Handle, ...]:
    """Return the operands of a node of a class; none of any other, and of a size."""
    return operands(x) if isinstance(x.node, cls) else ()


def same(a: Handle | None, b: Handle | None) -> bool:
    """Return whether two handles are of one node."""
    return a is not None and b is not None and a.node is b.node


def number(x: Handle) -> float | None:
    """Return the number that a node is, be it negated, over 1, cast or repeated."""
    value = number_of(x.node)
    if value is not None:
        return value
    if isinstance(x.node, Cast | Broadcast):
        return number_of(operands(x)[0].node)
    if isinstance(x.node, sympy.Mul | sympy.Pow) and operands(x):
        first, second = (number_of(one.node) for one in operands(x))
        if isinstance(x.node, sympy.Mul) and first == -1 and second is not None:
            return -second
        if isinstance(x.node, sympy.Pow) and second == -1 and first:
            return 1 / first
    return None


# Sums.


def minus(x: Handle) -> Handle:
    """Return -x; y for -y, 2 * y for -2 * y."""
    return scaled(x, -1)


def scaled(x: Handle, factor: float) -> Handle:
    """Return factor * x; a number that x is multiplied with is multiplied itself."""
    found = with_number(x)
    while found is not None:
        factor, x = factor * found[0], found[1]
        found = with_number(x)
    if factor == 1:
        return x
    return -x if factor == -1 else factor * x


def with_number(x: Handle) -> tuple[float, Handle] | None:
    """Return a number and what it is multiplied with."""
    pair = parts(x, sympy.Mul)
    for one, other in (pair, pair[::-1]) if pair else ():
        known = number(one)
        if known is not None:
            return known, other
    return None


def negated(x: Handle) -> Handle | None:
    """Return y for -y."""
    pair = parts(x, sympy.Mul)
    return pair[1] if pair and number_of(pair[0].node) == -1 else None


def terms(x: Handle) -> tuple[Handle, Handle] | None:
    """Return both terms of a sum; the second of a difference is a negative."""
    pair = parts(x, sympy.Add)
    return (pair[0], pair[1]) if pair else None


def summands(x: Handle) -> list[Handle]:
    """Return the terms of a sum, those of its terms among them."""
    return _spread(x, sympy.Add)


def one_plus(x: Handle) -> Handle | None:
    """Return y for 1 + y."""
    found = terms(x)
    for one, other in (found, found[::-1]) if found else ():
        if number(one) == 1 and number(other) is None:
            return other
    return None


def one_minus(x: Handle) -> Handle | None:
    """Return y for 1 - y."""
    other = one_plus(x)
    return None if other is None else negated(other)


# Products and powers.


def inverse(x: Handle) -> Handle | None:
    """Return y for 1 / y."""
    found = power(x)
    return found[0] if found and found[1] == -1 else None


def power(x: Handle) -> tuple[Handle, float] | None:
    """Return base and exponent of a power whose exponent is a number."""
    pair = parts(x, sympy.Pow)
    known = number(pair[1]) if pair else None
    return None if known is None else (pair[0], known)


def exponent(x: Handle) -> Handle | None:
    """Return y for exp(y), 1 / exp(y), exp(y)**k, also where they are moved."""
    core, moves = through(x)
    found = power(core)
    base, raised = found or (core, 1)
    inner = operand(base, sympy.exp)
    return None if inner is None else placed(scaled(inner, raised), moves)


def factors(x: Handle) -> list[Handle]:
    """Return the factors of a product, those of its factors among them."""
    return _spread(x, sympy.Mul)


def _spread(x: Handle, cls: type) -> list[Handle]:
    """Return what a node of a class, and its operands of that class, are made of."""
    found: list[Handle] = []
    pending = [x]
    for _ in range(DEEPEST):
        if not pending or len(found) == LONGEST:
            break
        one = pending.pop(0)
        inner = parts(one, cls)
        if inner:
            pending[:0] = inner
        else:
            found.append(one)
    return found + pending


def product_of(several: Sequence[Handle]) -> Any:
    """Return the product of some factors, 1 of none."""
    total: Any = several[0] if several else 1
    for one in several[1:]:
        total = total * one
    return total


def split(x: Handle, match: Callable[[Handle], Any]) -> tuple[Any, list[Handle]] | None:
    """Return what is found in the first factor that matches, and the other factors."""
    several = factors(x)
    for place, one in enumerate(several):
        found = match(one)
        if found is not None:
            return found, several[:place] + several[place + 1 :]
    return None


# Layout.


def through(x: Handle) -> tuple[Handle, list[sympy.Expr]]:
    """Return what a node only moves, repeats or picks from, and the nodes that do."""
    moves: list[sympy.Expr] = []
    while isinstance(x.node, (*LAYOUT, Index)):
        moves.insert(0, x.node)
        x = operands(x)[0]
    return x, moves


def placed(x: Handle, moves: Iterable[sympy.Expr]) -> Handle:
    """Return x moved, repeated and picked from as `through` has found it."""
    for move in moves:
        if isinstance(move, Index):
            arrays = x.nodes[move].operands[1:]
            made = x.nodes.make(Index, x.node, *arrays, params=move.params)
            x = Handle(x.nodes, made)
        else:
            x = moved(x, [move])
    return x
