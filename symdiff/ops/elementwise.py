"""Rows of elementwise operations: arithmetic, elementary functions, comparisons, `where`, `maximum`.

SymPy's own functions need no rule: their derivative is SymPy's `fdiff`, taken once on a symbol. The others
have rules written on handles, with their corners.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import sympy
from sympy.codegen import cfunctions

from ..code import Code, Level, Writer, call, infix, wrap
from ..errors import ShapeError, UnsupportedError
from ..graph import ArrayNode, Elementwise, Nodes, number_of
from ..shapes import Size, broadcast, is_floating, promote, size
from .handle import Handle, active_nodes, handle_of
from .table import reached_by, row

__all__ = ["apply", "cast", "float_rule", "stop_gradient"]


# Shape rules.


def same_rule(nodes: Nodes, *operands: sympy.Expr) -> tuple:
    """Broadcast shapes and promoted dtype: arithmetic."""
    shape = broadcast([nodes.shape(one) for one in operands], nodes.same_size)
    return shape, promote([nodes.dtype(one) for one in operands], nodes.float_dtype)


def float_rule(nodes: Nodes, *operands: sympy.Expr) -> tuple:
    """Broadcast shapes and a real dtype: functions such as exp."""
    shape, dtype = same_rule(nodes, *operands)
    if not is_floating(dtype):
        dtype = "float" if dtype == "int" else nodes.float_dtype
    return shape, dtype


def bool_rule(nodes: Nodes, *operands: sympy.Expr) -> tuple:
    """Broadcast shapes and dtype bool: comparisons."""
    return same_rule(nodes, *operands)[0], "bool"


def power_rule(nodes: Nodes, base: sympy.Expr, exponent: sympy.Expr) -> tuple:
    """As arithmetic, but real where the exponent is negative or a fraction."""
    known = number_of(exponent)
    whole = isinstance(known, int) and known >= 0
    whole = whole or (known is None and not is_floating(nodes.dtype(exponent)))
    return (same_rule if whole else float_rule)(nodes, base, exponent)


def where_rule(nodes: Nodes, condition: sympy.Expr, *branches: sympy.Expr) -> tuple:
    shape = broadcast(
        [nodes.shape(one) for one in (condition, *branches)], nodes.same_size
    )
    return shape, promote([nodes.dtype(one) for one in branches], nodes.float_dtype)


# Making nodes.


def apply(cls: type, *values: Any) -> Handle:
    """Return the elementwise node of a class over arrays, sizes and numbers."""
    nodes = active_nodes()
    operands = [handle_of(value).node for value in values]
    node = nodes.make(cls, *operands)
    dtype = nodes.dtype(node)
    if dtype == "bool":
        return Handle(nodes, node)
    if any(_meets_wrongly(nodes.dtype(one), dtype, cls) for one in operands):
        converted = [_converted(nodes, one, dtype, cls) for one in operands]
        node = nodes.make(cls, *converted)
    return Handle(nodes, node)


def _meets_wrongly(have: str, result: str, cls: type) -> bool:
    """Whether NumPy would compute in another dtype: int64 with float32, a function of bools."""
    if have == "int64":
        return result == "float32"
    return (
        have == "bool"
        and is_floating(result)
        and cls not in (sympy.Add, sympy.Mul, where)
    )


def _converted(nodes: Nodes, node: sympy.Expr, dtype: str, cls: type) -> sympy.Expr:
    if _meets_wrongly(nodes.dtype(node), dtype, cls):
        return nodes.make(Cast, node, params=(dtype,))
    return node


class Cast(ArrayNode):
    """x in another dtype."""


class StopGradient(ArrayNode):
    """x, taken for constant by the derivative."""


def cast(x: Any, dtype: str) -> Handle:
    """Return x in another dtype; x itself where it has it."""
    x = handle_of(x)
    if x.nodes.dtype(x.node) == dtype:
        return x
    return Handle(x.nodes, x.nodes.make(Cast, x.node, params=(dtype,)))


def stop_gradient(x: Handle) -> Handle:
    """Return x, taken for constant by the derivative."""
    return Handle(x.nodes, x.nodes.make(StopGradient, x.node))


def _write_cast(writer: Writer, node: Any, x: Code) -> Code:
    return Code(
        f"{wrap(x, Level.ATOM)}.astype({writer.function(f'np.{node.params[0]}')})"
    )


row(
    Cast,
    kind="elementwise",
    shape=lambda nodes, x, dtype: (nodes.shape(x), dtype),
    write=_write_cast,
    vjp=lambda g, y, x, needed: (
        cast(g, _dtype(x[0])) if is_floating(_dtype(x[0])) else None,
    ),
    latex="{0}",
    sympy=lambda x: x,
)
row(
    StopGradient,
    kind="view",
    shape=lambda nodes, x: (nodes.shape(x), nodes.dtype(x)),
    write=lambda writer, node, x: x,
    latex="{0}",
    sympy=lambda x: x,
    inline=True,
)


def _dtype(x: Handle) -> str:
    return x.nodes.dtype(x.node)


@reached_by(method="astype")
def astype(x: Handle, dtype: Any, copy: bool = True) -> Handle:
    name = np.dtype(dtype).name
    if name.startswith("float"):
        return cast(x, x.nodes.float_dtype)
    if name.startswith("int") or name.startswith("uint"):
        return cast(x, "int64")
    if name == "bool":
        return cast(x, "bool")
    raise UnsupportedError(f"arrays of dtype {name} are not supported")


# Arithmetic.


def _write_add(writer: Writer, node: Any, left: Code, right: Code) -> Code:
    if right.negated is not None:
        return infix(left, "-", right.negated, Level.SUM)
    return infix(left, "+", right, Level.SUM)


def _write_mul(writer: Writer, node: Any, left: Code, right: Code) -> Code:
    first, second = writer.nodes[node].operands
    if first is sympy.S.NegativeOne:
        # Minus binds to the first factor: the same number, and no parentheses.
        product = isinstance(second, sympy.Mul) and right.level == Level.PRODUCT
        text = right.text if product else wrap(right, Level.UNARY)
        return Code(
            f"-{text}", Level.PRODUCT if product else Level.UNARY, negated=right
        )
    if right.inverse is not None and is_reciprocal(second):
        if left.mean is not None and _is_size(writer, second, left.mean[1]):
            return left.mean[0]
        return infix(left, "/", right.inverse, Level.PRODUCT)
    if right.level == Level.UNARY and number_of(second) is None:
        right = Code(f"({right.text})")
    return infix(left, "*", right, Level.PRODUCT)


def _is_size(writer: Writer, reciprocal: sympy.Expr, count: Size) -> bool:
    below = writer.nodes[reciprocal].operands[0]
    return writer.nodes.dtype(below) == "int" and size(below) == size(count)


def _write_pow(writer: Writer, node: Any, base: Code, exponent: Code) -> Code:
    power = number_of(writer.nodes[node].operands[1])
    root = Code(f"{writer.function('np.sqrt')}({base.text})")
    if power == -1:
        return Code(f"1 / {wrap(base, Level.UNARY)}", Level.PRODUCT, inverse=base)
    if power == 0.5 and writer.nodes.dtype(node) != "float":
        return root
    if power == -0.5 and writer.nodes.dtype(node) != "float":
        return Code(f"1 / {root.text}", Level.PRODUCT, inverse=root)
    return Code(f"{wrap(base, Level.ATOM)}**{wrap(exponent, Level.UNARY)}", Level.POWER)


def is_reciprocal(node: sympy.Expr) -> bool:
    """Return whether a node is 1 / x: what a division multiplies with."""
    return isinstance(node, sympy.Pow) and node.args[1] is sympy.S.NegativeOne


def _pow_vjp(
    g: Handle, y: Handle, x: tuple[Handle, ...], needed: tuple[bool, ...]
) -> tuple:
    base, exponent = x
    power = number_of(exponent.node)
    if power is not None:
        return (_power_slope(g, y, base, power), None)
    d_base = d_exponent = None
    if needed[0]:
        one_less = np.where(exponent == 0, 1, exponent - 1)
        d_base = g * exponent * base**one_less
    if needed[1]:
        d_exponent = g * y * np.log(np.where(base == 0, 1, base))
    return d_base, d_exponent


def _power_slope(g: Handle, y: Handle, base: Handle, power: float) -> Handle:
    if power == 0:
        return g * 0
    if power == 1:
        return g
    if power == 2:
        return 2 * g * base
    if power == 0.5:
        return g * 0.5 / y
    if power == -1:
        return -(g / base**2)
    return power * g * base ** (power - 1)


row(
    sympy.Add,
    kind="elementwise",
    shape=same_rule,
    write=_write_add,
    vjp=(lambda g, y, a, b: g, lambda g, y, a, b: g),
)
row(
    sympy.Mul,
    kind="elementwise",
    shape=same_rule,
    write=_write_mul,
    vjp=(lambda g, y, a, b: g * b, lambda g, y, a, b: g * a),
)
row(
    sympy.Pow,
    kind="transcendental",
    shape=power_rule,
    write=_write_pow,
    vjp=_pow_vjp,
)


@reached_by(np.add)
def add(a: Any, b: Any) -> Handle:
    return apply(sympy.Add, a, b)


@reached_by(np.multiply)
def multiply(a: Any, b: Any) -> Handle:
    return apply(sympy.Mul, a, b)


@reached_by(np.negative)
def negative(a: Any) -> Handle:
    return apply(sympy.Mul, -1, a)


@reached_by(np.positive)
def positive(a: Any) -> Handle:
    return handle_of(a)


@reached_by(np.subtract)
def subtract(a: Any, b: Any) -> Handle:
    return apply(sympy.Add, a, negative(b))


@reached_by(np.true_divide)
def divide(a: Any, b: Any) -> Handle:
    return apply(sympy.Mul, a, reciprocal(b))


@reached_by(np.reciprocal)
def reciprocal(a: Any) -> Handle:
    return apply(sympy.Pow, a, -1)


@reached_by(np.power, np.float_power)
def power(a: Any, b: Any) -> Handle:
    exponent = number_of(handle_of(b).node)
    if exponent is None:
        return apply(sympy.Pow, a, b)
    a = handle_of(a)
    if isinstance(exponent, int) and exponent < 0 and not is_floating(_dtype(a)):
        raise ShapeError("integers to negative integer powers are not allowed")
    whole = (
        isinstance(exponent, float) and exponent.is_integer() and is_floating(_dtype(a))
    )
    return apply(sympy.Pow, a, int(exponent) if whole else exponent)


@reached_by(np.square)
def square(a: Any) -> Handle:
    return apply(sympy.Pow, a, 2)


@reached_by(np.sqrt)
def sqrt(a: Any) -> Handle:
    return apply(sympy.Pow, a, 0.5)


# SymPy's functions: their rule is `fdiff`.


def function_rules(cls: type, count: int) -> tuple[Callable, ...]:
    """Return a rule for each argument of a SymPy function, from its `fdiff`."""

    def rule(which: int) -> Callable:
        def vjp(g: Handle, y: Handle, *x: Handle) -> Handle:
            symbols, slope = _slope(cls, count, which)
            return _times(g, slope, dict(zip(symbols, x, strict=True)))

        return vjp

    return tuple(rule(which) for which in range(count))


@lru_cache(maxsize=None)
def _slope(cls: type, count: int, which: int) -> tuple:
    symbols = [sympy.Dummy(f"x{i}", real=True) for i in range(count)]
    return symbols, cls(*symbols, evaluate=False).fdiff(which + 1)  # type: ignore[call-arg]


def _times(g: Handle, slope: sympy.Expr, x: dict[sympy.Symbol, Handle]) -> Handle:
    """Return g times a SymPy expression, its sign in front and its denominator dividing."""
    number, rest = slope.as_coeff_Mul()
    constant, rest = rest.as_independent(*x, as_Add=False)
    number = number * constant
    numerator, denominator = rest.as_numer_denom()
    product = g
    if abs(number) != 1:
        product = product * _number(abs(number))
    if numerator != 1:
        product = product * _substituted(numerator, x)
    if denominator != 1:
        product = product / _substituted(denominator, x)
    return -product if number < 0 else product


def _number(value: sympy.Expr) -> float:
    return int(value) if value.is_Integer else float(value)


def _substituted(expression: sympy.Expr, x: dict[sympy.Symbol, Handle]) -> Any:
    """Return a small SymPy expression on handles."""
    if expression in x:
        return x[expression]
    if not expression.free_symbols:
        return _number(expression)
    inside = [_substituted(one, x) for one in expression.args]
    if expression.is_Add:
        positive_first = sorted(
            range(len(inside)), key=lambda i: _is_negative(expression.args[i])
        )
        total = inside[positive_first[0]]
        for i in positive_first[1:]:
            negated = _is_negative(expression.args[i])
            total = (
                total - _substituted(-expression.args[i], x)
                if negated
                else total + inside[i]
            )
        return total
    if expression.is_Mul:
        total = inside[0]
        for one in inside[1:]:
            total = total * one
        return total
    if expression.is_Pow:
        return inside[0] ** inside[1]
    return apply(type(expression), *inside)


def _is_negative(term: sympy.Expr) -> bool:
    return bool(term.as_coeff_Mul()[0] < 0)


def elementary(cls: type, *callables: Callable, count: int = 1, **facts: Any) -> None:
    """Add the row of a function that SymPy can differentiate, and register who reaches it."""
    first = callables[0]
    text = (
        f"np.{first.__name__}"
        if hasattr(np, first.__name__)
        else f"scipy.special.{first.__name__}"
    )

    def write(writer: Writer, node: Any, *operands: Code) -> Code:
        code = call(writer.function(text), *operands)
        weak = writer.nodes.dtype(node) == "float"
        return Code(f"{code.text}.item()") if weak else code

    facts.setdefault("vjp", function_rules(cls, count))
    row(cls, kind="transcendental", shape=float_rule, write=write, **facts)

    @reached_by(*callables)
    def build(*x: Any) -> Handle:
        if len(x) != count:
            raise UnsupportedError(f"np.{first.__name__} takes {count} arguments here")
        return apply(cls, *x)


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
    (cfunctions.Cbrt, np.cbrt),
):
    elementary(_cls, _ufunc)


class LogAddExp(Elementwise):
    """log(exp(a) + exp(b))."""


class Hypot(Elementwise):
    """sqrt(a**2 + b**2)."""


class ArcTan2(Elementwise):
    """The angle of the point (b, a)."""


elementary(
    LogAddExp,
    np.logaddexp,
    count=2,
    vjp=(lambda g, y, a, b: g * np.exp(a - y), lambda g, y, a, b: g * np.exp(b - y)),
    sympy=lambda a, b: sympy.log(sympy.exp(a) + sympy.exp(b)),
)
elementary(
    Hypot,
    np.hypot,
    count=2,
    vjp=(
        lambda g, y, a, b: g * a / unless_zero(y),
        lambda g, y, a, b: g * b / unless_zero(y),
    ),
    corner="hypot(0, 0): slope 0",
    sympy=lambda a, b: sympy.sqrt(a**2 + b**2),
)
elementary(
    ArcTan2,
    np.arctan2,
    count=2,
    vjp=(
        lambda g, y, a, b: g * b / (a**2 + b**2),
        lambda g, y, a, b: -(g * a / (a**2 + b**2)),
    ),
    sympy=sympy.atan2,
)


def unless_zero(x: Handle) -> Handle:
    """Return x, but infinity where it is 0, so that a division by it gives 0 there."""
    return np.where(x == 0, np.inf, x)


class Root(Elementwise):
    """sqrt(x) whose slope at 0 is 0: the corner of norms and deviations."""


row(
    Root,
    kind="transcendental",
    shape=float_rule,
    write="np.sqrt()",
    vjp=(lambda g, y, x: g * 0.5 / unless_zero(y),),
    corner="the root of a sum of squares at 0: slope 0",
    sympy=sympy.sqrt,
)


@reached_by(np.deg2rad, np.radians)
def deg2rad(x: Any) -> Handle:
    return handle_of(x) * (np.pi / 180)


@reached_by(np.rad2deg, np.degrees)
def rad2deg(x: Any) -> Handle:
    return handle_of(x) * (180 / np.pi)


# Comparisons and what has slope 0 wherever it has one.


def comparison(
    cls: type, symbol: str, ufunc: np.ufunc, relation: Callable, swapped: bool
) -> None:
    def write(writer: Writer, node: Any, left: Code, right: Code) -> Code:
        text = f"{wrap(left, Level.OR)} {symbol} {wrap(right, Level.OR)}"
        return Code(text, Level.COMPARISON)

    row(cls, kind="elementwise", shape=bool_rule, write=write, sympy=relation)
    reached_by(ufunc)(lambda a, b: apply(cls, a, b))


class Less(Elementwise):
    """a < b."""


class LessEqual(Elementwise):
    """a <= b."""


class Greater(Elementwise):
    """a > b."""


class GreaterEqual(Elementwise):
    """a >= b."""


class Equal(Elementwise):
    """a == b."""


class NotEqual(Elementwise):
    """a != b."""


for _cls, _symbol, _ufunc, _relation in (
    (Less, "<", np.less, sympy.StrictLessThan),
    (LessEqual, "<=", np.less_equal, sympy.LessThan),
    (Greater, ">", np.greater, sympy.StrictGreaterThan),
    (GreaterEqual, ">=", np.greater_equal, sympy.GreaterThan),
    (Equal, "==", np.equal, sympy.Eq),
    (NotEqual, "!=", np.not_equal, sympy.Ne),
):
    comparison(_cls, _symbol, _ufunc, _relation, False)


class LogicalAnd(Elementwise):
    """Both are true."""


class LogicalOr(Elementwise):
    """One is true."""


class LogicalNot(Elementwise):
    """It is false."""


class IsFinite(Elementwise):
    """Neither infinite nor NaN."""


class IsNaN(Elementwise):
    """Not a number."""


def _step(
    cls: type, *ufuncs: np.ufunc, shape: Callable, relation: Callable | None = None
) -> None:
    """Add a function whose slope is 0 wherever it has one."""
    name = ufuncs[0].__name__
    row(cls, kind="elementwise", shape=shape, write=f"np.{name}()", sympy=relation)
    reached_by(*ufuncs)(lambda *x: apply(cls, *x))


_step(LogicalAnd, np.logical_and, np.bitwise_and, shape=bool_rule, relation=sympy.And)
_step(LogicalOr, np.logical_or, np.bitwise_or, shape=bool_rule, relation=sympy.Or)
_step(LogicalNot, np.logical_not, np.invert, shape=bool_rule, relation=sympy.Not)
_step(IsFinite, np.isfinite, shape=bool_rule)
_step(IsNaN, np.isnan, shape=bool_rule)
_step(sympy.sign, np.sign, shape=same_rule)
_step(sympy.floor, np.floor, shape=float_rule)
_step(sympy.ceiling, np.ceil, shape=float_rule)


# Choices.


class where(Elementwise):  # noqa: N801 - SymPy's functions are lower case
    """a where the condition holds, else b."""


class Maximum(Elementwise):
    """The larger of a and b."""


class Minimum(Elementwise):
    """The smaller of a and b."""


def _where_vjp(
    g: Handle, y: Handle, x: tuple[Handle, ...], needed: tuple[bool, ...]
) -> tuple:
    condition = x[0]
    return (
        None,
        np.where(condition, g, 0) if needed[1] else None,
        np.where(condition, 0, g) if needed[2] else None,
    )


row(
    where,
    kind="elementwise",
    shape=where_rule,
    write="np.where()",
    vjp=_where_vjp,
    sympy=lambda c, a, b: sympy.Piecewise((a, c), (b, True)),
)


@reached_by(np.where)
def where_function(condition: Any, x: Any, y: Any) -> Handle:
    condition = handle_of(condition)
    if _dtype(condition) != "bool":
        condition = condition != 0
    return apply(where, condition, x, y)


def _extremum_vjp(sign: int) -> Callable:
    """Rule of maximum (sign 1) and minimum (-1): a tie is shared where both sides are wanted.

    Against a constant the slope at the tie is 0, the least-norm one. `sign` keeps NaN what it is, where a
    comparison would make it a finite slope.
    """

    def vjp(
        g: Handle, y: Handle, x: tuple[Handle, ...], needed: tuple[bool, ...]
    ) -> tuple:
        a, b = x
        if all(needed):
            share = 0.5 * np.sign(a - b) * sign
            return g * (0.5 + share), g * (0.5 - share)
        other = b if needed[0] else a
        above = np.sign(y) if number_of(other.node) == 0 else np.sign(y - other)
        slope = g * above if sign > 0 else -(g * above)
        return (slope, None) if needed[0] else (None, slope)

    return vjp


for _cls, _ufunc, _sign, _sympy in (
    (Maximum, np.maximum, 1, sympy.Max),
    (Minimum, np.minimum, -1, sympy.Min),
):
    row(
        _cls,
        kind="elementwise",
        shape=same_rule,
        write=f"np.{_ufunc.__name__}()",
        vjp=_extremum_vjp(_sign),
        corner=f"{_ufunc.__name__}(x, y) at x == y: slope 0 against a constant, else halves",
        sympy=_sympy,
    )
    reached_by(_ufunc)(lambda a, b, cls=_cls: apply(cls, a, b))

row(
    sympy.Abs,
    kind="elementwise",
    shape=same_rule,
    write="np.abs()",
    vjp=(lambda g, y, x: g * np.sign(x),),
    corner="abs(x) at 0: slope 0",
)


@reached_by(np.absolute, np.fabs)
def absolute(x: Any) -> Handle:
    return apply(sympy.Abs, x)


reached_by(operator.abs)(absolute)
