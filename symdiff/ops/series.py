"""Rows of power series: a polynomial, and a function that is one near a point.

In: exact coefficients, as fractions. They are written as such where they are short.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import sympy

from ..code import Code, Writer, call
from ..graph import ArrayNode, Elementwise, Nodes
from ..shapes import is_weak
from .choices import where
from .elementwise import same_rule
from .handle import Handle, handle_of
from .table import ROWS, row

__all__ = ["Polynomial", "Removable", "polynomial"]

# Fractions of longer whole numbers are written as decimals.
LONGEST = 10**9


class Polynomial(ArrayNode):
    """A polynomial in x; params: its coefficients as fractions, the highest first."""


class Removable(Elementwise):
    """A series where the condition holds, else the function that has a hole there."""


def polynomial(coefficients: Iterable[Fraction], x: Any) -> Handle:
    """Return the value at x of the polynomial with these coefficients, lowest first."""
    x, highest_first = handle_of(x), tuple(coefficients)[::-1]
    if len(highest_first) < 2:
        return handle_of(float(sum(highest_first)))
    made = x.nodes.make(Polynomial, x.node, params=(highest_first,))
    return Handle(x.nodes, made)


def _write_polynomial(writer: Writer, node: Any, x: Code) -> Code:
    # np.polyval computes in the dtype of the coefficients, where that is the larger.
    items = ", ".join(_text(writer, one) for one in node.params[0])
    dtype = writer.nodes.dtype(node)
    plain = dtype == "float64" or is_weak(dtype)
    array = f"[{items}]" if plain else f"{writer.function(f'np.{dtype}')}([{items}])"
    return call(writer.function("np.polyval"), array, x)


def _text(writer: Writer, one: Fraction) -> str:
    if max(abs(one.numerator), one.denominator) > LONGEST:
        return writer.number(float(one)).text
    return str(one).replace("/", " / ")


def _polynomial_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    coefficients = y.node.params[0][::-1]
    slope = (power * one for power, one in enumerate(coefficients))
    return g * polynomial(tuple(slope)[1:], x)


def _sympy_polynomial(node: Any, x: sympy.Expr) -> sympy.Expr:
    return sympy.Add(
        *(sympy.Rational(one) * x**power for power, one in enumerate(node.params[0]))
    )


def _shape(nodes: Nodes, x: sympy.Expr, coefficients: tuple) -> tuple:
    return same_rule(nodes, x)


row(
    Polynomial,
    kind="elementwise",
    shape=_shape,
    write=_write_polynomial,
    vjp=(_polynomial_vjp,),
)
row(
    Removable,
    kind="elementwise",
    shape=lambda nodes, near, *branches: same_rule(nodes, near, *branches),
    write="np.where",
    vjp=ROWS[where].vjp,
    sympy=lambda near, series, quotient: quotient,
)
