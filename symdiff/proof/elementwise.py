"""Elementwise operations on the numbers of a proof.

In: a node and its operands' numbers. Out: its numbers, and whether they are known to be
0 or more. A function that SymPy, or its row of the table of operations, writes in
exponentials, logarithms, powers and signs is computed so; of any other it is known only
that it is a function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import sympy

from ..graph import Nodes, number_of
from ..ops import choices
from ..ops.layout import LAYOUT
from ..ops.making import Arange
from ..ops.table import ROWS
from ..shapes import is_floating
from .constants import constant_of
from .field import fraction_of
from .numbers import UNDEFINED, Number, aligned, faults
from .points import Points

__all__ = ["Formulas", "signs_of"]

Facts = tuple[bool, ...]  # of each operand whether it is known to be 0 or more

_ODD = (sympy.asin, sympy.atan, sympy.asinh, sympy.atanh, sympy.erf)


class Formulas:
    """Computes elementwise nodes at some points."""

    def __init__(self, points: Points) -> None:
        self.points = points

    def number(self, value: float) -> Number:
        """Return a Python number; what is not finite is a number of its own."""
        if not np.isfinite(value):
            one = self.points.constant(Fraction(0))
            return self.points.opaque(str(float(value)), [one])
        fraction, root, power = constant_of(value)
        number = self.points.constant(fraction)
        if root > 1:
            number = self.points.multiply(number, self.points.root(root))
        if power:
            pi = self.points.whole_power(self.points.root_of_pi(), power)
            number = self.points.multiply(number, pi)
        return number

    def of(
        self, nodes: Nodes, node: Any, x: Sequence[Number], facts: Facts
    ) -> tuple[Number, bool]:
        """Return the numbers of an elementwise node, and whether all are 0 or more."""
        cls: Any = type(node)
        if cls in _EXACT and _is_discrete(nodes, node):
            same = self.points.subtract(*x)
            return _choice((same.p == 0) == (cls is choices.Equal), same.faults), True
        if cls in _DIRECT:
            return _DIRECT[cls](self, *x), _is_sure(nodes, node, facts)
        if cls is sympy.Pow:
            operands = nodes[node].operands
            exponent = number_of(operands[1])
            if exponent is None and not is_floating(nodes.dtype(operands[1])):
                return self.points.opaque("power", x), facts[0]
            if exponent is not None:
                known = fraction_of(exponent)
                even = known.denominator == 1 and known.numerator % 2 == 0
                return self.power(x[0], known, facts[0]), even or facts[0] or (
                    known.denominator > 1
                )
        symbols, formula = _formula(cls, facts)
        env = dict(zip(symbols, x, strict=True))
        return self.value(formula, env), bool(formula.is_nonnegative)

    # SymPy's expressions.

    def value(self, formula: sympy.Expr, env: dict[sympy.Expr, Number]) -> Number:
        """Return the numbers of a small expression in symbols."""
        if formula in env:
            return env[formula]
        if not formula.free_symbols:
            return self._constant(formula)
        if isinstance(formula, sympy.Pow) and formula.exp.is_Rational:
            base = self.value(formula.base, env)
            exponent = Fraction(int(formula.exp.p), int(formula.exp.q))
            return self.power(base, exponent, bool(formula.base.is_nonnegative))
        if isinstance(formula, sympy.Pow):
            log = self._log(formula.base, env)
            return self.points.exp(
                self.points.multiply(self.value(formula.exp, env), log)
            )
        if isinstance(formula, sympy.log):
            return self._log(formula.args[0], env)
        parts = [self.value(one, env) for one in formula.args]
        if isinstance(formula, tuple(_FOLDS)):
            total = parts[0]
            for one in parts[1:]:
                total = _FOLDS[type(formula)](self, total, one)
            return total
        if type(formula) in _DIRECT:
            return _DIRECT[type(formula)](self, *parts)
        return self._function(formula, parts)

    def _constant(self, formula: sympy.Expr) -> Number:
        if formula.is_Rational:
            return self.points.constant(Fraction(int(formula.p), int(formula.q)))
        return self.number(float(formula))

    def _log(self, argument: sympy.Expr, env: dict[sympy.Expr, Number]) -> Number:
        x = self.value(argument, env)
        return self._needing_root(self.points.log(x), x, bool(argument.is_nonnegative))

    def _function(self, formula: sympy.Expr, parts: Sequence[Number]) -> Number:
        name = type(formula).__name__
        if isinstance(formula, sympy.sin | sympy.cos):
            return self._of_angle(parts[0], isinstance(formula, sympy.sin))
        if not isinstance(formula, _ODD):
            return self.points.opaque(name, parts)
        value = self.points.opaque(name, [self.points.absolute(parts[0])])
        return self._signed(parts[0], value)

    def _signed(self, x: Number, value: Number) -> Number:
        """Return the value of an odd function, given the one at |x|."""
        negative = self.points.negative(value)
        odd = self.points.chosen(self.points.has_root(x), value, negative)
        return self.points.chosen(x.p == 0, self.points.subtract(value, value), odd)

    def _of_angle(self, angle: Number, sine: bool) -> Number:
        """Return sine or cosine by the tangent of half the angle, which is odd."""
        points = self.points
        half = self._signed(angle, points.opaque("tan", [points.absolute(angle)]))
        square = points.multiply(half, half)
        one = points.constant(Fraction(1))
        below = points.add(one, square)
        if not sine:
            return points.divide(points.subtract(one, square), below)
        return points.divide(points.add(half, half), below)

    # Powers.

    def power(self, x: Number, exponent: Fraction, sure: bool) -> Number:
        """Return a rational power of numbers, which are surely 0 or more, or not."""
        if exponent.denominator == 1:
            return self.points.whole_power(x, exponent.numerator)
        return self._needing_root(self.points.real_power(x, exponent), x, sure)

    def _needing_root(self, value: Number, x: Number, sure: bool) -> Number:
        """Return values of a function that has none at negative numbers.

        Where they cannot be negative but are, no real point is meant.
        """
        negative = ~self.points.has_root(x)
        if not sure:
            return value.faulty(negative, UNDEFINED)
        self.points.leave(negative if x.faults is None else negative & (x.faults == 0))
        return value


@cache
def _formula(cls: Any, facts: Facts) -> tuple[tuple[sympy.Dummy, ...], sympy.Expr]:
    """Return a function of some symbols in terms of simpler ones, as far as known."""
    symbols = tuple(
        sympy.Dummy(f"x{i}", real=True, nonnegative=True if sure else None)
        for i, sure in enumerate(facts)
    )
    row = ROWS[cls]
    formula = row.sympy(*symbols) if row.sympy else cls(*symbols, evaluate=False)
    if type(formula).__module__ == "sympy.codegen.cfunctions":
        formula = formula._eval_expand_func()
    formula = formula.rewrite([sympy.sinh, sympy.cosh, sympy.tanh], sympy.exp)
    formula = formula.rewrite(sympy.erfc, sympy.erf)
    return symbols, formula.rewrite(sympy.tan, sympy.cos)


_EXACT = (choices.Equal, choices.NotEqual)


def _is_discrete(nodes: Nodes, node: Any) -> bool:
    """Return whether masks are compared, or whole numbers with the places of an axis.

    All cases of these are met, so that none need be taken for equal.
    """
    places = False
    for operand in nodes[node].operands:
        if nodes.dtype(operand) == "bool":
            return True
        while isinstance(operand, LAYOUT):
            (operand,) = nodes[operand].operands
        places = places or isinstance(operand, Arange)
    return places


def _is_sure(nodes: Nodes, node: Any, facts: Facts) -> bool:
    """Return whether a node of `_DIRECT` is known to be 0 or more."""
    operands = nodes[node].operands
    if nodes.dtype(node) == "bool" or isinstance(node, sympy.Abs | sympy.exp):
        return True
    if isinstance(node, choices.where | choices.Safe):
        return facts[1] and facts[2]
    if isinstance(node, choices.Maximum):
        return any(facts)
    square = isinstance(node, sympy.Mul) and operands[0] is operands[1]
    return square or (not isinstance(node, sympy.sign) and all(facts))


# Operations that are computed as they stand.


def _choice(mask: np.ndarray, have: np.ndarray | None = None) -> Number:
    """Return a mask as numbers: 1 where it holds, else 0."""
    ones = mask.astype(np.int64)
    return Number(ones, ones, have)


def _where(formulas: Formulas, condition: Number, x: Number, y: Number) -> Number:
    condition, x, y = aligned(condition, x, y)
    made = formulas.points.chosen(condition.p != 0, x, y)
    return Number(made.p, made.q, faults(made, condition))


def signs_of(points: Points, x: Number) -> Number:
    """Return the signs of numbers: 1, 0 or -1."""
    signs = points.compare(x, points.subtract(x, x))
    return points.reduced(Number(signs, signs, x.faults))


def _compared(holds: Callable[[np.ndarray], np.ndarray]) -> Callable[..., Number]:
    def compare(formulas: Formulas, x: Number, y: Number) -> Number:
        return _choice(holds(formulas.points.compare(x, y)), faults(*aligned(x, y)))

    return compare


def _extremum(sign: int) -> Callable[..., Number]:
    """Return maximum (sign 1) or minimum (-1); of two equal ones it is either."""

    def extremum(formulas: Formulas, x: Number, y: Number) -> Number:
        points = formulas.points
        x, y = aligned(x, y)
        signs = points.compare(x, y) * sign
        first = (signs > 0) | ((signs == 0) & (points.names(x) > points.names(y)))
        made = points.chosen(first, x, y)
        return Number(made.p, made.q, faults(x, y))

    return extremum


def _logical(of: np.ufunc) -> Callable:
    def logical(formulas: Formulas, *x: Number) -> Number:
        x = aligned(*x)
        return _choice(of(*(one.p != 0 for one in x)), faults(*x))

    return logical


_FOLDS: dict[type, Callable[..., Number]] = {
    sympy.Add: lambda formulas, x, y: formulas.points.add(x, y),
    sympy.Mul: lambda formulas, x, y: formulas.points.multiply(x, y),
    sympy.Max: _extremum(1),
    sympy.Min: _extremum(-1),
}

_DIRECT: dict[type, Callable[..., Number]] = {
    sympy.Add: _FOLDS[sympy.Add],
    sympy.Mul: _FOLDS[sympy.Mul],
    sympy.exp: lambda formulas, x: formulas.points.exp(x),
    sympy.Abs: lambda formulas, x: formulas.points.absolute(x),
    sympy.sign: lambda formulas, x: signs_of(formulas.points, x),
    choices.Maximum: _extremum(1),
    choices.Minimum: _extremum(-1),
    choices.Less: _compared(lambda signs: signs < 0),
    choices.Greater: _compared(lambda signs: signs > 0),
    choices.LessEqual: _compared(lambda signs: signs <= 0),
    choices.GreaterEqual: _compared(lambda signs: signs >= 0),
    choices.Equal: _compared(lambda signs: signs == 0),
    choices.NotEqual: _compared(lambda signs: signs != 0),
    choices.LogicalAnd: _logical(np.logical_and),
    choices.LogicalOr: _logical(np.logical_or),
    choices.LogicalNot: _logical(np.logical_not),
    choices.IsFinite: lambda formulas, x: _choice(np.ones(x.p.shape, bool), x.faults),
    choices.IsNaN: lambda formulas, x: _choice(np.zeros(x.p.shape, bool), x.faults),
    choices.where: _where,
    choices.Safe: _where,
}
