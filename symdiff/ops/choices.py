"""Rows of comparisons and choices: `where`, `maximum`, `abs`, and the logic of masks.

Where a choice has no derivative it takes the least-norm slope: 0 for `abs` at 0, 0 for
`maximum(x, c)` at the tie with a constant, halves where both sides are differentiated.
The bits of whole numbers are those of `bits`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from ..code import Code, Level, Writer, wrap
from ..errors import UnsupportedError
from ..graph import Elementwise, Nodes, Variable, number_of
from ..shapes import broadcast, is_weak, promote, strong
from .corners import EXTREMUM, Corner
from .elementwise import apply, bool_rule, cast, converted, dtype_of, same_rule
from .handle import Handle, handle_of
from .table import reached_by, row

__all__ = [
    "COMPARISONS",
    "IsFinite",
    "Maximum",
    "Safe",
    "infix_writing",
    "mask",
    "safe",
    "truth",
    "where",
]


# Comparisons.


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


def infix_writing(symbol: str, level: int) -> Callable[..., Code]:
    """Return the writing of an operator between its operands."""

    def write(writer: Writer, node: Any, left: Code, right: Code) -> Code:
        inside = min(level + 1, Level.ATOM)
        text = f"{wrap(left, inside)} {symbol} {wrap(right, inside)}"
        return Code(text, level, parts=(symbol, (left.text, right.text)))

    return write


def _comparison(cls: type, ufunc: np.ufunc, symbol: str, relation: Callable) -> None:
    writing = infix_writing(symbol, Level.COMPARISON)
    row(cls, kind="elementwise", shape=bool_rule, write=writing, sympy=relation)
    reached_by(ufunc)(lambda a, b: apply(cls, a, b))


_comparison(Less, np.less, "<", sympy.StrictLessThan)
_comparison(LessEqual, np.less_equal, "<=", sympy.LessThan)
_comparison(Greater, np.greater, ">", sympy.StrictGreaterThan)
_comparison(GreaterEqual, np.greater_equal, ">=", sympy.GreaterThan)
_comparison(Equal, np.equal, "==", sympy.Eq)
_comparison(NotEqual, np.not_equal, "!=", sympy.Ne)

COMPARISONS = (Less, LessEqual, Greater, GreaterEqual, Equal, NotEqual)


# Masks.


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


def _write_not(writer: Writer, node: Any, x: Code) -> Code:
    # ~ of a comparison of Python's numbers would be one of whole numbers.
    if not writer.nodes.shape(node):
        return Code(f"{writer.function('np.logical_not')}({x.text})")
    return Code(f"~{wrap(x, Level.UNARY)}", Level.UNARY, parts=("~", (x.text,)))


for _cls, _writing, _relation in (
    (LogicalAnd, infix_writing("&", Level.AND), sympy.And),
    (LogicalOr, infix_writing("|", Level.OR), sympy.Or),
    (LogicalNot, _write_not, sympy.Not),
    (IsFinite, "np.isfinite", None),
    (IsNaN, "np.isnan", None),
):
    row(_cls, kind="elementwise", shape=bool_rule, write=_writing, sympy=_relation)


def truth(x: Any) -> Handle:
    """Return x as a mask: what is not 0 is true."""
    x = handle_of(x)
    return x if dtype_of(x) == "bool" else apply(NotEqual, x, 0)


def mask(x: Any) -> Handle:
    """Return x, which must be a mask. Raises `UnsupportedError` for real numbers."""
    x = handle_of(x)
    if dtype_of(x) != "bool":
        raise UnsupportedError(
            "&, | and ~ are supported for masks, not for the bits of numbers",
            remedy="Compare first: (a > 0) & (b > 0).",
        )
    return x


for _cls, _logical, _bitwise in (
    (LogicalAnd, np.logical_and, np.bitwise_and),
    (LogicalOr, np.logical_or, np.bitwise_or),
    (LogicalNot, np.logical_not, np.invert),
    (NotEqual, np.logical_xor, np.bitwise_xor),
):
    reached_by(_logical)(lambda *x, cls=_cls: apply(cls, *map(truth, x)))
    reached_by(_bitwise)(lambda *x, cls=_cls: apply(cls, *map(mask, x)))

reached_by(np.isfinite)(lambda x: apply(IsFinite, x))
reached_by(np.isnan)(lambda x: apply(IsNaN, x))


# Where.


class where(Elementwise):  # noqa: N801 - SymPy's functions are lower case
    """a where the condition holds, else b."""


def _where_rule(nodes: Nodes, condition: sympy.Expr, *branches: sympy.Expr) -> tuple:
    shapes = [nodes.shape(one) for one in (condition, *branches)]
    dtype = promote([nodes.dtype(one) for one in branches], nodes.float_dtype)
    return broadcast(shapes, nodes.same_size), strong(dtype, "float64")


def _where_vjp(
    g: Handle, y: Handle, x: tuple[Handle, ...], needed: tuple[bool, ...]
) -> tuple:
    condition = x[0]
    return (
        None,
        _where_taken(g, condition) if needed[1] else None,
        np.where(condition, 0, g) if needed[2] else None,
    )


def _where_taken(g: Handle, condition: Handle) -> Any:
    """Return g where a condition holds, elsewhere 0, which it may be already."""
    if type(g.node) is where:
        mask, _, rest = g.nodes[g.node].operands
        if mask is condition.node and number_of(rest) == 0:
            return g
    return np.where(condition, g, 0)


row(
    where,
    kind="elementwise",
    shape=_where_rule,
    write="np.where",
    vjp=_where_vjp,
    sympy=lambda c, a, b: sympy.Piecewise((a, c), (b, True)),
)


@reached_by(np.where)
def where_function(condition: Any, x: Any, y: Any) -> Handle:
    """X where the condition holds, else y."""
    condition, branches = truth(condition), [handle_of(x), handle_of(y)]
    nodes = condition.nodes
    if all(is_weak(dtype_of(one)) for one in branches):
        # NumPy makes double precision of two Python numbers.
        made = apply(where, condition, *branches)
        return cast(made, nodes.float_dtype) if dtype_of(made) == "float64" else made
    dtype = promote([dtype_of(one) for one in branches], nodes.float_dtype)
    changed = converted(nodes, [one.node for one in branches], dtype)
    return Handle(nodes, nodes.make(where, condition.node, *changed))


class Safe(Elementwise):
    """a where the condition holds, else b: one of them a number inside the domain of the
    function that it is for, whose value is not asked for there.
    """


# Where the value is not asked for the cotangent is 0 already.
row(
    Safe,
    kind="elementwise",
    shape=_where_rule,
    write="np.where",
    vjp=(None, lambda g, y, c, a, b: g, lambda g, y, c, a, b: g),
    sympy=lambda c, a, b: sympy.Piecewise((a, c), (b, True)),
)


def safe(mask: Handle, x: Handle, inside: float) -> Handle:
    """Return x where a mask holds, elsewhere a number inside the domain that it is for.

    It is called a safe x, where x has a name.
    """
    nodes = x.nodes
    if isinstance(mask.node, LogicalNot):
        (opposite,) = nodes[mask.node].operands
        made = apply(Safe, Handle(nodes, opposite), inside, x)
    else:
        made = apply(Safe, mask, x, inside)
    name = x.node.name if isinstance(x.node, Variable) else nodes[x.node].name
    if name is not None and nodes[made.node].name is None:
        nodes[made.node].name = f"safe_{name}"
        nodes[made.node].turns = nodes[x.node].turns
    return made


# Extrema and signs.


class Maximum(Elementwise):
    """The larger of a and b."""


class Minimum(Elementwise):
    """The smaller of a and b."""


def _extremum_vjp(sign: int) -> Callable:
    """Rule of maximum (sign 1) and minimum (-1).

    A tie is shared where both sides are wanted; against a constant its slope is 0.
    `np.sign` keeps NaN what it is, where a comparison would make it a finite slope.
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
    _name = _ufunc.__name__
    row(
        _cls,
        kind="elementwise",
        shape=same_rule,
        write=f"np.{_name}",
        vjp=_extremum_vjp(_sign),
        corner=Corner(
            of=f"{_name}({{0}}, {{1}})",
            at="{0} == {1}",
            mask=lambda y, a, b: a == b,
            sides=EXTREMUM,
        ),
        sympy=_sympy,
    )
    reached_by(_ufunc)(lambda a, b, cls=_cls: apply(cls, a, b))

row(
    sympy.Abs,
    kind="elementwise",
    shape=same_rule,
    write="np.abs",
    vjp=(lambda g, y, x: g * np.sign(x),),
    corner=Corner(
        of="abs({0})",
        at="{0} == 0",
        mask=lambda y, x: x == 0,
        sides=((-1.0,), (1.0,)),
        jax=(1.0,),
    ),
)
reached_by(np.absolute, np.fabs)(lambda x: apply(sympy.Abs, x))
