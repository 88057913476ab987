"""Rewrites of quotients that are 0 / 0 at a point where they have a limit.

A quotient of two functions of one value is the power series of both where that is near
the point, and itself elsewhere: `sin(x) / x`, `(1 - cos(x)) / x**2`, `log(x) / (x - 1)`.
What `where` puts into the hole by hand is left out, if it is the limit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from sympy.codegen import cfunctions

from ...graph import Nodes, number_of
from ...ops.arithmetic import is_reciprocal
from ...ops.choices import Equal, Less, NotEqual, safe, where
from ...ops.elementwise import apply
from ...ops.functions import Root
from ...ops.handle import Handle
from ...ops.series import Polynomial, Removable, polynomial
from ...ops.special import expit
from ...shapes import is_floating, is_weak
from .holes import Hole, U, hole
from .patterns import operands
from .table import rewrite

__all__ = ["filled_by_hand", "removable"]

# How many operations a quotient may be made of, and factors in front of it.
LARGEST, LONGEST = 16, 4

# Functions that have power series, as SymPy's.
ANALYTIC = {
    **{one: one for one in (sympy.Add, sympy.Mul, sympy.Pow, sympy.exp, sympy.log)},
    **{one: one for one in (sympy.sin, sympy.cos, sympy.tan, sympy.asin, sympy.acos)},
    **{one: one for one in (sympy.atan, sympy.sinh, sympy.cosh, sympy.tanh)},
    **{one: one for one in (sympy.asinh, sympy.atanh, sympy.erf)},
    cfunctions.expm1: lambda x: sympy.exp(x) - 1,
    cfunctions.log1p: lambda x: sympy.log(1 + x),
    cfunctions.exp2: lambda x: 2**x,
    cfunctions.log2: lambda x: sympy.log(x) / sympy.log(2),
    Root: sympy.sqrt,
    expit: lambda x: 1 / (1 + sympy.exp(-x)),
}


@rewrite(
    "removable-singularity",
    "f(x) / g(x) = its power series near f(x) = g(x) = 0",
    "where the series of f / g converges",
    sympy.Mul,
)
def removable(y: Handle) -> Handle | None:
    """A quotient of functions of one value, maybe times others."""
    nodes, (over, under) = y.nodes, operands(y)
    if is_reciprocal(over.node):
        over, under = under, over
    if not is_reciprocal(under.node) or is_weak(nodes.dtype(under.node)):
        return None
    below = nodes[under.node].operands[0]
    above = _factors(nodes, over.node)
    for tried in (above, *([one] for one in above if len(above) > 1)):
        found = _filled(nodes, tried, below)
        if found is not None:
            for one in above:
                found = found if one in tried else Handle(nodes, one) * found
            return found
    return None


def _factors(nodes: Nodes, node: sympy.Expr) -> list[sympy.Expr]:
    """Return the factors of a product on its left, itself where it is none."""
    found: list[sympy.Expr] = []
    while isinstance(node, sympy.Mul) and len(found) < LONGEST:
        if nodes.is_size(node):
            break
        node, last = nodes[node].operands
        found.insert(0, last)
    return [node, *found]


def _filled(
    nodes: Nodes, above: Sequence[sympy.Expr], below: sympy.Expr
) -> Handle | None:
    """Return a product over a node with its hole filled, None where there is none."""
    between = _between(nodes, [*above, below])
    if between is None:
        return None
    x, inside = between
    known: dict[int, sympy.Expr] = {id(x): U}
    for node in inside:
        parts = [_known(known, one) for one in nodes[node].operands]
        known[id(node)] = ANALYTIC[type(node)](*parts)
    top, bottom = sympy.Mul(*(_known(known, one) for one in above)), known[id(below)]
    dtype = "float32" if nodes.dtype(x) == "float32" else "float64"
    found = hole(top, bottom, dtype)
    if found is None:
        return None

    def quotient(safe_x: Handle) -> Handle:
        made = {id(x): safe_x.node}
        for node in inside:
            parts = [made.get(id(one), one) for one in nodes[node].operands]
            made[id(node)] = nodes.make(type(node), *parts)
        total = Handle(nodes, made.get(id(above[0]), above[0]))
        for one in above[1:]:
            total = total * Handle(nodes, made.get(id(one), one))
        return total / Handle(nodes, made[id(below)])

    return _piecewise(Handle(nodes, x), found, quotient)


def _known(known: dict[int, sympy.Expr], node: sympy.Expr) -> sympy.Expr:
    if id(node) in known:
        return known[id(node)]
    value = number_of(node)
    assert value is not None
    return sympy.Rational(value)


def _between(
    nodes: Nodes, roots: Sequence[sympy.Expr]
) -> tuple[sympy.Expr, list[sympy.Expr]] | None:
    """Return the one value that nodes are functions of, and the operations between."""
    front = {nodes[one].index: one for one in roots if number_of(one) is None}
    inside: list[sympy.Expr] = []
    while len(front) > 1 or (not inside and front):
        index = max(front)
        node = front.pop(index)
        if type(node) not in ANALYTIC or nodes.is_size(node) or len(inside) > LARGEST:
            return None
        inside.append(node)
        for one in nodes[node].operands:
            if number_of(one) is None:
                front[nodes[one].index] = one
    if not front:
        return None
    (x,) = front.values()
    dtype = nodes.dtype(x)
    return (x, inside[::-1]) if is_floating(dtype) and not is_weak(dtype) else None


def _piecewise(x: Handle, found: Hole, quotient: Callable[[Handle], Handle]) -> Handle:
    """Return the series where x is near the hole, the quotient elsewhere."""
    step: Any = x - found.at if found.at else x
    near: Any = np.abs(step) < found.radius
    x.nodes[near.node].name = f"near_{found.at}".replace("-", "minus_")
    # Far away powers would overflow.
    series = _sum(found.coefficients, safe(near, step, 0))
    return apply(Removable, near, series, quotient(safe(~near, x, found.at + 0.5)))


def _sum(coefficients: Sequence[Fraction], x: Handle) -> Handle:
    """Return a power series, that of an even or odd one in x**2."""
    even, odd = coefficients[::2], coefficients[1::2]
    if not any(odd):
        return polynomial(even, x**2)
    if not any(even):
        return x * polynomial(odd, x**2)
    return polynomial(coefficients, x)


@rewrite(
    "hole-filled-by-hand",
    "where(x == a, limit of f / g, f(x) / g(x)) = f(x) / g(x) with its hole filled",
    "where the number is the limit",
    where,
)
def filled_by_hand(y: Handle) -> Handle | None:
    """A quotient whose limit `where` puts in, x maybe kept away from the hole before."""
    condition, number, filled = operands(y)
    if isinstance(condition.node, NotEqual):
        number, filled = filled, number
    elif not isinstance(condition.node, Equal):
        return None
    if not isinstance(filled.node, Removable):
        return None
    (x, at), (near, series, _) = operands(condition), operands(filled)
    inner = _kept_away(near, condition)
    if inner is not None:
        filled = _with(filled, *inner)
        near = operands(filled)[0]
    step = x - at if number_of(at.node) else x
    centred = _centred(near)
    known = centred is not None and centred.node is step.node
    return filled if known and number_of(number.node) == _limit(series) else None


def _centred(near: Handle) -> Handle | None:
    """Return what is small near a hole."""
    distance = operands(near)[0] if isinstance(near.node, Less) else None
    inside = distance is not None and isinstance(distance.node, sympy.Abs)
    return operands(distance)[0] if distance is not None and inside else None


def _kept_away(near: Handle, condition: Handle) -> tuple[Handle, Handle] | None:
    """Return the value near a hole that is another at a condition, and this other."""
    value = _centred(near)
    if value is not None and isinstance(value.node, sympy.Add):
        value = operands(value)[0]
    if value is None or not isinstance(value.node, where):
        return None
    own, first, second = operands(value)
    if own.node is not condition.node:
        return None
    return value, (first if isinstance(own.node, NotEqual) else second)


def _with(root: Handle, old: Handle, other: Handle) -> Handle:
    """Return a function of a value at another value."""
    nodes, found, pending = root.nodes, {}, [root.node]
    while pending:
        node = pending.pop()
        if node is not old.node and id(node) not in found:
            found[id(node)] = node
            pending.extend(nodes[node].operands)
    made = {id(old.node): other.node}
    for node in sorted(found.values(), key=lambda one: nodes[one].index):
        parts = [made.get(id(one), one) for one in nodes[node].operands]
        params = getattr(node, "params", ())
        made[id(node)] = (
            nodes.make(type(node), *parts, params=params) if parts else node
        )
        nodes[made[id(node)]].take_name(nodes[node])
    return Handle(nodes, made[id(root.node)])


def _limit(series: Handle) -> float:
    """Return the value of a power series at 0."""
    if isinstance(series.node, Polynomial):
        return float(series.node.params[0][-1])
    return 0.0
