"""Rows of arithmetic: sums, products, powers, and what is made of them.

A difference is a sum with a product by -1, a quotient a product with a power of -1;
writing them turns them back. Refused, as NumPy does: differences of bools, whole
numbers to negative whole powers.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import sympy

from ..code import Code, Level, Writer, infix, wrap
from ..code import power as power_of
from ..errors import ShapeError
from ..graph import Nodes, number_of
from ..shapes import Size, is_floating, promote, size
from .corners import Corner
from .domains import EXPONENT, POSITIVE, Domain
from .elementwise import apply, cast, dtype_of, float_rule, same_rule
from .handle import Handle, handle_of
from .table import reached_by, row

__all__ = ["is_negative", "is_reciprocal"]


# Writing.


def _write_add(writer: Writer, node: Any, left: Code, right: Code) -> Code:
    second = number_of(writer.nodes[node].operands[1])
    if second is not None and second < 0:
        return infix(left, "-", writer.number(-second), Level.SUM)
    if right.negated is not None:
        return infix(left, "-", right.negated, Level.SUM)
    if left.negated is not None and writer.nodes[node].backward:
        return infix(right, "-", left.negated, Level.SUM)
    return infix(left, "+", right, Level.SUM)


def _write_mul(writer: Writer, node: Any, left: Code, right: Code) -> Code:
    first, second = writer.nodes[node].operands
    if first is sympy.S.NegativeOne:
        return _write_minus(writer, second, right)
    operator = "*"
    if right.inverse is not None and is_reciprocal(second):
        if left.mean is not None and _is_size(writer, second, left.mean[1]):
            return left.mean[0]
        operator, right = "/", right.inverse
    elif right.level == Level.UNARY and number_of(second) is None:
        right = Code(f"({right.text})")
    made = infix(left, operator, right, Level.PRODUCT)
    value = number_of(first)
    minus = writer.number(-value) if value is not None and value < 0 else left.negated
    negated = minus and infix(minus, operator, right, Level.PRODUCT)
    return made._replace(negated=negated)


def _write_minus(writer: Writer, operand: sympy.Expr, x: Code) -> Code:
    if writer.nodes.dtype(operand) == "bool":
        return infix(Code("-1", Level.PRODUCT), "*", x, Level.PRODUCT)._replace(
            negated=x
        )
    # Minus binds to the first factor: the same number, and no parentheses.
    product = isinstance(operand, sympy.Mul) and x.level == Level.PRODUCT
    if product and x.negated is not None:
        return x.negated._replace(negated=x)
    if x.level == Level.POWER or (product and _starts_with_power(x)):
        return Code(f"-({x.text})", Level.UNARY, negated=x)
    text = x.text if product else wrap(x, Level.UNARY)
    return Code(f"-{text}", Level.PRODUCT if product else Level.UNARY, negated=x)


def _starts_with_power(product: Code) -> bool:
    first = re.split(r" [*/@] ", product.text)[0]
    return bool(re.search(r"\*\* ?[^()]*$", first))


def _is_size(writer: Writer, reciprocal: sympy.Expr, count: Size) -> bool:
    below = writer.nodes[reciprocal].operands[0]
    whole = writer.nodes.dtype(below) == "int"
    return whole and writer.nodes.same_size(size(below), size(count))


def _write_pow(writer: Writer, node: Any, base: Code, exponent: Code) -> Code:
    power = number_of(writer.nodes[node].operands[1])
    root = Code(f"{writer.function('np.sqrt')}({base.text})")
    if power == -1:
        return Code(f"1 / {wrap(base, Level.UNARY)}", Level.PRODUCT, inverse=base)
    if power == 0.5 and writer.nodes.dtype(node) != "float":
        return root
    if power == -0.5 and writer.nodes.dtype(node) != "float":
        return Code(f"1 / {root.text}", Level.PRODUCT, inverse=root)
    return power_of(base, exponent)


def is_reciprocal(node: sympy.Expr) -> bool:
    """Return whether a node is 1 / x: what a division multiplies with."""
    return isinstance(node, sympy.Pow) and node.args[1] is sympy.S.NegativeOne


def is_negative(node: sympy.Expr) -> bool:
    """Return whether a node is -x: what a difference adds."""
    return isinstance(node, sympy.Mul) and node.args[0] is sympy.S.NegativeOne


# Derivatives.


def _pow_vjp(
    g: Handle, y: Handle, x: tuple[Handle, ...], needed: tuple[bool, ...]
) -> tuple:
    base, exponent = x
    power = number_of(exponent.node)
    if power is not None:
        return _power_slope(g, y, base, power), None
    d_base = d_exponent = None
    if needed[0]:
        # At exponent 0 the slope is 0, and 0**-1 must not make it NaN.
        d_base = g * exponent * base ** np.where(exponent == 0, 1, exponent - 1)
    if needed[1]:
        d_exponent = g * y * _log_unless_zero(base)
    return d_base, d_exponent


def _log_unless_zero(base: Handle) -> Any:
    """Return log(base), but 0 at 0: 0**exponent is 0 beside any positive exponent."""
    known = number_of(base.node)
    if known is not None and known > 0:
        return math.log(known)
    return np.log(np.where(base == 0, 1, base))


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


_ROOT = Corner(
    of="{0}**{1}",
    at="{0} == 0",
    mask=lambda y, base, exponent: base == 0,
    sides=((np.inf, 0.0),),
)
_ZERO_TO_ZERO = Corner(
    of="{0}**{1}",
    at="{0} == {1} == 0",
    mask=lambda y, base, exponent: (base == 0) & (exponent == 0),
    sides=((0.0, 0.0),),
    jax=(np.nan, 0.0),
)


def _pow_corner(nodes: Nodes, node: sympy.Expr) -> Corner | None:
    """Roots have one at 0; who adds a positive number under a root keeps away from it."""
    base, exponent = nodes[node].operands
    power, known = number_of(exponent), number_of(base)
    if power is None:
        return None if known is not None and known > 0 else _ZERO_TO_ZERO
    added = map(number_of, nodes[base].operands) if isinstance(base, sympy.Add) else ()
    guarded = any(one is not None and one > 0 for one in added)
    return _ROOT if 0 < power < 1 and not guarded else None


# Rows.


def _pow_domain(nodes: Nodes, node: sympy.Expr) -> tuple[Domain | None, ...]:
    base, exponent = nodes[node].operands
    if number_of(base) is not None:
        return None, EXPONENT
    power = number_of(exponent)
    return () if isinstance(power, int) and power >= 0 else (POSITIVE, None)


def _power_rule(nodes: Nodes, base: sympy.Expr, exponent: sympy.Expr) -> tuple:
    """As arithmetic, but real where the exponent is negative or a fraction."""
    known = number_of(exponent)
    whole = isinstance(known, int) and known >= 0
    whole = whole or (known is None and not is_floating(nodes.dtype(exponent)))
    return (same_rule if whole else float_rule)(nodes, base, exponent)


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
    shape=_power_rule,
    write=_write_pow,
    vjp=_pow_vjp,
    corner=_pow_corner,
    domain=_pow_domain,
)

# What reaches them.


@reached_by(np.add)
def add(a: Any, b: Any) -> Handle:
    """a + b."""
    return apply(sympy.Add, a, b)


@reached_by(np.multiply)
def multiply(a: Any, b: Any) -> Handle:
    """a * b."""
    return apply(sympy.Mul, a, b)


@reached_by(np.negative)
def negative(a: Any) -> Handle:
    """-a; bools have no minus."""
    a = handle_of(a)
    if dtype_of(a) == "bool":
        raise ShapeError(
            "NumPy has no minus for bools",
            remedy="Write ~a, a ^ b, or a.astype(float).",
        )
    return apply(sympy.Mul, -1, a)


@reached_by(np.positive)
def positive(a: Any) -> Handle:
    """+a."""
    return handle_of(a)


@reached_by(np.subtract)
def subtract(a: Any, b: Any) -> Handle:
    """a - b; of two bools there is none."""
    a, b = handle_of(a), handle_of(b)
    if dtype_of(b) == "bool":
        if dtype_of(a) == "bool":
            return negative(b)
        dtype = promote([dtype_of(a), "bool"], a.nodes.float_dtype)
        b = cast(b, dtype) if dtype == "float32" else b
    return apply(sympy.Add, a, apply(sympy.Mul, -1, b))


@reached_by(np.true_divide)
def divide(a: Any, b: Any) -> Handle:
    """a / b."""
    return apply(sympy.Mul, a, apply(sympy.Pow, b, -1, least="float64"))


@reached_by(np.reciprocal)
def reciprocal(a: Any) -> Handle:
    """1 / a of real numbers; NumPy's of whole numbers is rounded."""
    a = handle_of(a)
    if not is_floating(dtype_of(a)):
        raise ShapeError(
            "np.reciprocal of whole numbers rounds to 0", remedy="Write 1 / a."
        )
    return apply(sympy.Pow, a, -1)


@reached_by(np.power)
def power(a: Any, b: Any) -> Handle:
    """a**b; whole exponents stay whole numbers."""
    a, b = handle_of(a), handle_of(b)
    exponent = number_of(b.node)
    if exponent is None:
        return apply(sympy.Pow, a, b)
    real = is_floating(dtype_of(a))
    if isinstance(exponent, int) and exponent < 0 and not real:
        raise ShapeError("integers to negative integer powers are not allowed")
    if isinstance(exponent, float) and exponent.is_integer() and real:
        exponent = int(exponent)
    least = "float16" if exponent in (0.5, -0.5) else None
    return apply(sympy.Pow, a, exponent, least=least)


@reached_by(np.square)
def square(a: Any) -> Handle:
    """a**2."""
    return apply(sympy.Pow, a, 2)


@reached_by(np.sqrt)
def sqrt(a: Any) -> Handle:
    """a**0.5."""
    return apply(sympy.Pow, a, 0.5, least="float16")
