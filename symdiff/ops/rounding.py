"""Rows of rounding and remainders: `round`, `trunc`, `%`, `//`, and their kind.

What is piecewise constant has no gradient. A remainder's slope is that between its
jumps. Refused: `round` to unknown decimals.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from ..code import Code, Level, Writer, call, infix
from ..graph import ArrayNode, Elementwise, Nodes
from .corners import Corner
from .elementwise import apply, bool_rule, cast, dtype_of, float_rule, same_rule
from .handle import Handle, handle_of, size_of
from .table import reached_by, row

__all__ = ["Round", "round_"]


class Trunc(Elementwise):
    """x without its decimals."""


class Round(ArrayNode):
    """x rounded, half to even; params: to how many decimals."""


class Remainder(Elementwise):
    """a - b * floor(a / b), of b's sign."""


class FloorDivide(Elementwise):
    """floor(a / b)."""


class Fmod(Elementwise):
    """a - b * trunc(a / b), of a's sign."""


class Heaviside(Elementwise):
    """0 below 0, 1 above, h at 0."""


class Exponent(Elementwise):
    """The e of x = m * 2**e with m from 1/2 to 1, as `frexp` has it."""


class SignBit(Elementwise):
    """Its sign is minus."""


class CopySign(Elementwise):
    """|a| with the sign of b."""


def _write_infix(symbol: str) -> Any:
    def write(writer: Writer, node: Any, left: Code, right: Code) -> Code:
        return infix(left, symbol, right, Level.PRODUCT)

    return write


def _write_round(writer: Writer, node: Any, x: Code) -> Code:
    (decimals,) = node.params
    return call(writer.function("np.round"), x, *([str(decimals)] if decimals else []))


def _round_shape(nodes: Nodes, x: sympy.Expr, decimals: int) -> tuple:
    return same_rule(nodes, x)


# Rows.

row(Trunc, kind="elementwise", shape=float_rule, write="np.trunc")
row(Round, kind="elementwise", shape=_round_shape, write=_write_round)
row(
    Remainder,
    kind="elementwise",
    shape=same_rule,
    write=_write_infix("%"),
    vjp=(lambda g, y, a, b: g, lambda g, y, a, b: -(g * (a // b))),
    corner=Corner(
        of="{0} % {1}",
        at="a jump",
        mask=lambda y, a, b: y == 0,
        words="the slope beside it",
    ),
    sympy=sympy.Mod,
)
row(
    FloorDivide,
    kind="elementwise",
    shape=same_rule,
    write=_write_infix("//"),
    sympy=lambda a, b: sympy.floor(a / b),
)
row(
    Fmod,
    kind="elementwise",
    shape=same_rule,
    write="np.fmod",
    vjp=(lambda g, y, a, b: g, lambda g, y, a, b: -(g * np.trunc(a / b))),
    corner=Corner(
        of="fmod({0}, {1})",
        at="a jump",
        mask=lambda y, a, b: (y == 0) & (a != 0),
        words="the slope beside it",
    ),
)
row(
    Heaviside,
    kind="elementwise",
    shape=float_rule,
    write="np.heaviside",
    vjp=(None, lambda g, y, x, h: g * (x == 0)),
    sympy=sympy.Heaviside,
)
row(
    Exponent,
    kind="elementwise",
    shape=lambda nodes, x: (nodes.shape(x), "int64"),
    write=lambda writer, node, x: Code(f"{writer.function('np.frexp')}({x.text})[1]"),
)
row(SignBit, kind="elementwise", shape=bool_rule, write="np.signbit")
row(
    CopySign,
    kind="elementwise",
    shape=float_rule,
    write="np.copysign",
    vjp=(lambda g, y, a, b: g * np.sign(a) * np.copysign(1, b), None),
    corner=Corner(
        of="copysign({0}, {1})",
        at="{0} == 0",
        mask=lambda y, a, b: a == 0,
        sides=((0.0, 0.0),),
    ),
)


# What reaches them.

for _ufunc, _cls in (
    (np.remainder, Remainder),
    (np.floor_divide, FloorDivide),
    (np.fmod, Fmod),
    (np.heaviside, Heaviside),
    (np.copysign, CopySign),
):
    reached_by(_ufunc)(lambda a, b, cls=_cls: apply(cls, a, b))
reached_by(np.signbit)(lambda x: apply(SignBit, x))


@reached_by(np.trunc, np.fix)
def trunc(x: Any) -> Handle:
    """X without its decimals."""
    return apply(Trunc, x)


@reached_by(np.round, np.around, method="round")
def round_(a: Any, decimals: Any = 0) -> Handle:
    """A rounded to decimals, half to even."""
    a = handle_of(a)
    made = a.nodes.make(Round, a.node, params=(size_of(decimals),))
    return Handle(a.nodes, made)


@reached_by(np.rint)
def rint(x: Any) -> Handle:
    """X rounded to whole numbers, half to even."""
    x = handle_of(x)
    return round_(cast(x, x.nodes.float_dtype) if dtype_of(x) == "int64" else x)


@reached_by(np.float_power)
def float_power(a: Any, b: Any) -> Any:
    """a**b of real numbers."""
    a = handle_of(a)
    return np.power(cast(a, a.nodes.float_dtype), b)


@reached_by(np.ldexp)
def ldexp(x: Any, exponent: Any) -> Any:
    """X times a power of 2."""
    return handle_of(x) * np.power(2.0, handle_of(exponent))


@reached_by(np.frexp)
def frexp(x: Any) -> tuple[Any, Handle]:
    """The m and e of x = m * 2**e, with m from 1/2 to 1."""
    x = handle_of(x)
    exponent = apply(Exponent, x)
    return x * np.power(2.0, -exponent), exponent


@reached_by(np.divmod)
def divmod_(a: Any, b: Any) -> tuple[Handle, Handle]:
    """The whole quotient and the remainder."""
    return apply(FloorDivide, a, b), apply(Remainder, a, b)


@reached_by(np.modf)
def modf(x: Any) -> tuple[Handle, Handle]:
    """The decimals and the whole part, both of x's sign."""
    whole = trunc(x)
    return handle_of(x) - whole, whole
