"""Rows of elementary functions: exp, log, sin, hypot and their kind.

SymPy's own functions need no rule: their derivative is SymPy's `fdiff`, taken once on a
symbol. The others have rules written on handles.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from functools import cache, reduce
from typing import Any

import numpy as np
import sympy
from sympy.codegen import cfunctions

from ..code import Code, Level, Writer, call, infix, wrap
from ..errors import UnsupportedError
from ..graph import Elementwise
from .corners import Corner
from .domains import ABOVE_ONE, EXPONENT, POSITIVE, UNIT, Domain
from .elementwise import apply, float_rule, same_rule
from .handle import Handle, handle_of
from .table import reached_by, row

__all__ = ["LogAbs", "Root", "XLogX", "elementary", "unless_zero"]


# The derivative of a SymPy function, on handles.

# What a formula is on the handles of its arguments.
Formula = Callable[[Sequence[Handle]], Any]


def _function_rules(cls: type, count: int) -> tuple[Callable, ...]:
    """Return a rule for each argument of a SymPy function, from its `fdiff`."""

    def rule(which: int) -> Callable:
        def vjp(g: Handle, y: Handle, *x: Handle) -> Handle:
            return _times_slope(cls, count, which)(g, x)

        return vjp

    return tuple(rule(which) for which in range(count))


@cache
def _times_slope(
    cls: type, count: int, which: int
) -> Callable[[Handle, Sequence[Handle]], Handle]:
    """Return what multiplies with a slope, its sign in front, its denominator dividing."""
    symbols = [sympy.Dummy(f"x{i}", real=True) for i in range(count)]
    slope = cls(*symbols, evaluate=False).fdiff(which + 1)
    number, rest = slope.as_coeff_Mul()
    constant, rest = rest.as_independent(*symbols, as_Add=False)
    number = number * constant
    size, is_negative = _number(abs(number)), bool(number < 0)
    factors: list[tuple[Callable, Formula]] = []
    for factor in sympy.Mul.make_args(rest):
        if factor.is_Pow and factor.exp.is_negative:
            factors.append((operator.truediv, _formula(1 / factor, symbols)))
        elif factor != 1:
            factors.append((operator.mul, _formula(factor, symbols)))

    def times(g: Handle, x: Sequence[Handle]) -> Handle:
        product = g if size == 1 else size * g
        for combined, formula in factors:
            product = combined(product, formula(x))
        return -product if is_negative else product

    return times


def _number(value: sympy.Expr) -> float:
    return int(value) if value.is_Integer else float(value)


def _formula(expression: sympy.Expr, symbols: Sequence[sympy.Symbol]) -> Formula:
    """Return a small SymPy expression as a function of handles for the symbols."""
    if expression in symbols:
        return operator.itemgetter(symbols.index(expression))
    if not expression.free_symbols:
        number = _number(expression)
        return lambda x: number
    if expression.is_Add:
        return _sum(expression, symbols)
    parts = [_formula(one, symbols) for one in expression.args]
    if expression.is_Mul:
        return lambda x: reduce(operator.mul, [part(x) for part in parts])
    if expression.is_Pow:
        return lambda x: operator.pow(*[part(x) for part in parts])
    return lambda x: apply(type(expression), *[part(x) for part in parts])


def _sum(expression: sympy.Expr, symbols: Sequence[sympy.Symbol]) -> Formula:
    """Return a sum as a function: what is added first, then what is subtracted."""
    added = [one for one in expression.args if not _is_negative(one)]
    subtracted = [one for one in expression.args if _is_negative(one)]
    first = _formula(added.pop(0) if added else subtracted.pop(0), symbols)
    terms = [(operator.add, _formula(one, symbols)) for one in added]
    terms += [(operator.sub, _formula(-one, symbols)) for one in subtracted]

    def total(x: Sequence[Handle]) -> Any:
        value = first(x)
        for combined, formula in terms:
            value = combined(value, formula(x))
        return value

    return total


def _is_negative(term: sympy.Expr) -> bool:
    return bool(term.as_coeff_Mul()[0] < 0)


# Rows.


def elementary(
    cls: type, name: str, *callables: Callable, count: int = 1, **facts: Any
) -> Callable:
    """Add the row of a real function and return its function on handles.

    name: how it is written, `np.NAME` or `scipy.special.NAME`. Without a `vjp` the
    derivative is SymPy's.
    """
    facts.setdefault("vjp", _function_rules(cls, count))
    row(cls, kind="transcendental", shape=float_rule, write=name, **facts)

    @reached_by(*callables)
    def build(*x: Any) -> Handle:
        if len(x) != count:
            raise UnsupportedError(f"{name} takes {count} arguments, not {len(x)}")
        return apply(cls, *x, least="float16")

    return build


_DOMAINS: dict[type, Domain] = {
    **dict.fromkeys((sympy.exp, cfunctions.exp2, cfunctions.expm1), EXPONENT),
    **dict.fromkeys((sympy.sinh, sympy.cosh), Domain(-88, 88, 0)),
    **dict.fromkeys((sympy.log, cfunctions.log2, cfunctions.log10), POSITIVE),
    **dict.fromkeys((sympy.asin, sympy.acos, sympy.atanh), UNIT),
    cfunctions.log1p: Domain(-1, math.inf, 0),
    sympy.acosh: ABOVE_ONE,
}

for _cls, _ufunc in (
    (sympy.exp, np.exp),
    (sympy.log, np.log),
    (sympy.sin, np.sin),
    (sympy.cos, np.cos),
    (sympy.tan, np.tan),
    (sympy.asin, np.arcsin),
    (sympy.acos, np.arccos),
    (sympy.atan, np.arctan),
    (sympy.sinh, np.sinh),
    (sympy.cosh, np.cosh),
    (sympy.tanh, np.tanh),
    (sympy.asinh, np.arcsinh),
    (sympy.acosh, np.arccosh),
    (sympy.atanh, np.arctanh),
    (cfunctions.log1p, np.log1p),
    (cfunctions.expm1, np.expm1),
    (cfunctions.exp2, np.exp2),
    (cfunctions.log2, np.log2),
    (cfunctions.log10, np.log10),
):
    _domain = [_DOMAINS[_cls]] if _cls in _DOMAINS else []
    elementary(_cls, f"np.{_ufunc.__name__}", _ufunc, domain=_domain)


class LogAddExp(Elementwise):
    """log(exp(a) + exp(b))."""


class LogAddExp2(Elementwise):
    """log2(2**a + 2**b)."""


class Hypot(Elementwise):
    """sqrt(a**2 + b**2)."""


class ArcTan2(Elementwise):
    """The angle of the point (b, a)."""


class Root(Elementwise):
    """sqrt(x) whose slope at 0 is 0: the corner of norms and deviations."""


class LogAbs(Elementwise):
    """log(|x|), whose slope is 1 / x."""


class XLogX(Elementwise):
    """x * log(x), 0 at 0; operands: x and log(x)."""


def unless_zero(x: Handle) -> Any:
    """Return x, but infinity where it is 0, so that a division by it gives 0 there."""
    return np.where(x == 0, np.inf, x)


elementary(
    cfunctions.Cbrt,
    "np.cbrt",
    np.cbrt,
    vjp=(lambda g, y, x: g / (3 * y**2),),
    corner=Corner(
        of="cbrt({0})",
        at="{0} == 0",
        mask=lambda y, x: x == 0,
        sides=((np.inf,),),
    ),
    domain=[POSITIVE],
)
elementary(
    LogAddExp,
    "np.logaddexp",
    np.logaddexp,
    count=2,
    vjp=(lambda g, y, a, b: g * np.exp(a - y), lambda g, y, a, b: g * np.exp(b - y)),
    sympy=lambda a, b: sympy.log(sympy.exp(a) + sympy.exp(b)),
)
elementary(
    LogAddExp2,
    "np.logaddexp2",
    np.logaddexp2,
    count=2,
    vjp=(lambda g, y, a, b: g * np.exp2(a - y), lambda g, y, a, b: g * np.exp2(b - y)),
    sympy=lambda a, b: sympy.log(2**a + 2**b) / sympy.log(2),
)
elementary(
    Hypot,
    "np.hypot",
    np.hypot,
    count=2,
    vjp=(
        lambda g, y, a, b: g * a / unless_zero(y),
        lambda g, y, a, b: g * b / unless_zero(y),
    ),
    corner=Corner(
        of="hypot({0}, {1})",
        at="{0} == {1} == 0",
        mask=lambda y, a, b: y == 0,
        sides=((0.0, 0.0),),
        jax=(0.5, 0.5),
        torch=(np.nan, np.nan),
    ),
    sympy=lambda a, b: sympy.sqrt(a**2 + b**2),
)
elementary(
    ArcTan2,
    "np.arctan2",
    np.arctan2,
    count=2,
    vjp=(
        lambda g, y, a, b: g * b / (a**2 + b**2),
        lambda g, y, a, b: -(g * a / (a**2 + b**2)),
    ),
    corner=Corner(
        of="arctan2({0}, {1})",
        at="{0} == {1} == 0",
        mask=lambda y, a, b: (a == 0) & (b == 0),
        sides=((np.nan, np.nan),),
        torch=(0.0, 0.0),
    ),
    domain=(None, POSITIVE),
    sympy=sympy.atan2,
)
elementary(
    Root,
    "np.sqrt",
    vjp=(lambda g, y, x: g * 0.5 / unless_zero(y),),
    corner=Corner(
        of="sqrt({0})",
        at="{y} == 0",
        mask=lambda y, x: x == 0,
        sides=((0.0,),),
        jax=(np.nan,),
    ),
    domain=[POSITIVE],
    sympy=sympy.sqrt,
)


def _write_log_abs(writer: Writer, node: Any, x: Code) -> Code:
    return call(writer.function("np.log"), call(writer.function("np.abs"), x))


row(
    LogAbs,
    kind="transcendental",
    shape=float_rule,
    write=_write_log_abs,
    vjp=(lambda g, y, x: g / x,),
    sympy=lambda x: sympy.log(sympy.Abs(x)),
)


def _write_x_log_x(writer: Writer, node: Any, x: Code, log_x: Code) -> Code:
    product = infix(x, "*", log_x, Level.PRODUCT)
    test = f"{wrap(x, Level.COMPARISON + 1)} == 0"
    return call(writer.function("np.where"), test, "0", product)


row(
    XLogX,
    kind="elementwise",
    shape=float_rule,
    write=_write_x_log_x,
    vjp=(lambda g, y, x, log_x: g * (log_x + 1), None),
    sympy=lambda x, log_x: x * log_x,
)


@reached_by(np.deg2rad, np.radians)
def deg2rad(x: Any) -> Handle:
    """Degrees as an angle."""
    return handle_of(x) * (np.pi / 180)


@reached_by(np.rad2deg, np.degrees)
def rad2deg(x: Any) -> Handle:
    """An angle as degrees."""
    return handle_of(x) * (180 / np.pi)


# Steps, whose slope is 0 wherever they have one.


for _cls, _step in (
    (sympy.sign, np.sign),
    (sympy.floor, np.floor),
    (sympy.ceiling, np.ceil),
):
    row(_cls, kind="elementwise", shape=same_rule, write=f"np.{_step.__name__}")
    reached_by(_step)(lambda x, cls=_cls: apply(cls, x))
