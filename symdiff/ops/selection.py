"""Rows of selection: `clip`, `select`, `piecewise`, `nan_to_num`, `fmax`, `fmin`.

At a bound the slope is the least-norm one: 0 against a constant. Refused: functions in
`piecewise` that are not elementwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer, call
from ..errors import ShapeError
from ..graph import ArrayNode, Elementwise, Nodes, number_of
from .corners import EXTREMUM, Corner
from .elementwise import apply, bool_rule, cast, dtype_of, same_rule
from .handle import Handle, handle_of
from .table import reached_by, row

__all__ = ["clip"]


class Clip(Elementwise):
    """x, but not below low nor above high, which are constant."""


class FMax(Elementwise):
    """The larger of a and b, the other where one is NaN."""


class FMin(Elementwise):
    """The smaller of a and b, the other where one is NaN."""


class NanToNum(ArrayNode):
    """x with numbers for NaN and infinities; params: those for NaN, inf and -inf."""


class IsInf(Elementwise):
    """It is infinite."""


# Clip.

row(
    Clip,
    kind="elementwise",
    shape=same_rule,
    write="np.clip",
    # 1 inside, 0 at the bounds, NaN of NaN.
    vjp=(
        lambda g, y, x, low, high: g * np.sign(y - low) * np.sign(high - y),
        None,
        None,
    ),
    corner=Corner(
        of="clip({0}, {1}, {2})",
        at="{0} == {1} or {0} == {2}",
        mask=lambda y, x, low, high: (x == low) | (x == high),
        sides=((0.0, 0.0, 0.0), (1.0, 0.0, 0.0)),
        torch=(1.0, 0.0, 0.0),
    ),
    sympy=lambda x, low, high: sympy.Min(sympy.Max(x, low), high),
)


@reached_by(np.clip, method="clip")
def clip(
    a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None
) -> Handle:
    """A, but not below a_min nor above a_max; None is no bound."""
    low, high = min if a_min is None else a_min, max if a_max is None else a_max
    if low is None or high is None:
        x = handle_of(a) if low is None else np.maximum(handle_of(a), low)
        return x if high is None else np.minimum(x, high)
    if (
        number_of(handle_of(low).node) is None
        or number_of(handle_of(high).node) is None
    ):
        return np.minimum(np.maximum(handle_of(a), low), high)
    return apply(Clip, a, low, high)


# Extrema that pass NaN over.


def _finite_extremum_vjp(wins: Callable) -> Callable:
    def vjp(
        g: Handle, y: Handle, x: tuple[Handle, ...], needed: tuple[bool, ...]
    ) -> tuple:
        tie = 0.5 * g * (x[0] == x[1]) if all(needed) else 0
        return tuple(
            g * taken(one, other) + tie if wanted else None
            for one, other, wanted in zip(x, x[::-1], needed, strict=True)
        )

    def taken(one: Handle, other: Handle) -> Any:
        known = number_of(other.node) is not None
        return wins(one, other) if known else wins(one, other) | np.isnan(other)

    return vjp


for _cls, _ufunc, _wins in ((FMax, np.fmax, np.greater), (FMin, np.fmin, np.less)):
    _name = _ufunc.__name__
    row(
        _cls,
        kind="elementwise",
        shape=same_rule,
        write=f"np.{_name}",
        vjp=_finite_extremum_vjp(_wins),
        corner=Corner(
            of=f"{_name}({{0}}, {{1}})",
            at="{0} == {1}",
            mask=lambda y, a, b: a == b,
            sides=EXTREMUM,
            jax=(0.0, 1.0),
            torch=(1.0, 0.0),
        ),
    )
    reached_by(_ufunc)(lambda a, b, cls=_cls: apply(cls, a, b))


# Numbers in the place of NaN and infinities.


def _nan_to_num_shape(nodes: Nodes, x: sympy.Expr, *numbers: float | None) -> tuple:
    return same_rule(nodes, x)


def _write_nan_to_num(writer: Writer, node: Any, x: Code) -> Code:
    nan, *infinities = node.params
    texts = [f"nan={writer.number(nan).text}"] if nan else []
    for name, value in zip(("posinf", "neginf"), infinities, strict=True):
        if value is not None:
            texts.append(f"{name}={writer.number(value).text}")
    return call(writer.function("np.nan_to_num"), x, *texts)


row(
    NanToNum,
    kind="elementwise",
    shape=_nan_to_num_shape,
    write=_write_nan_to_num,
    vjp=(lambda g, y, x: np.where(np.isfinite(x), g, 0),),
    corner=Corner(
        of="nan_to_num({0})",
        at="{0} NaN or infinite",
        mask=lambda y, x: ~np.isfinite(x),
        sides=((0.0,),),
    ),
)


@reached_by(np.nan_to_num)
def nan_to_num(
    x: Any,
    copy: bool = True,
    nan: float = 0.0,
    posinf: float | None = None,
    neginf: float | None = None,
) -> Handle:
    """X with numbers for NaN and infinities."""
    x = handle_of(x)
    numbers = tuple(None if one is None else float(one) for one in (posinf, neginf))
    made = x.nodes.make(NanToNum, x.node, params=(float(nan), *numbers))
    return Handle(x.nodes, made)


# Choices among several.


@reached_by(np.select)
def select(condlist: Sequence, choicelist: Sequence, default: Any = 0) -> Handle:
    """The choice of the first condition that holds, else the default."""
    if len(condlist) != len(choicelist):
        raise ShapeError("np.select: as many choices as conditions are needed")
    result = handle_of(default)
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = np.where(condition, choice, result)  # type: ignore[assignment]
    return result


@reached_by(np.piecewise)
def piecewise(
    x: Any, condlist: Any, funclist: Sequence, *args: Any, **kw: Any
) -> Handle:
    """Each function's value where its condition holds, elsewhere the last one's."""
    x = handle_of(x)
    conditions = list(condlist) if isinstance(condlist, list | tuple) else [condlist]
    result = handle_of(0)
    functions = list(funclist)
    if len(functions) == len(conditions) + 1:
        result = _piece(x, functions.pop(), args, kw)
    if len(functions) != len(conditions):
        raise ShapeError("np.piecewise: a function for each condition is needed")
    for condition, function in zip(conditions, functions, strict=True):
        result = np.where(condition, _piece(x, function, args, kw), result)  # type: ignore[assignment]
    return cast(result, dtype_of(x))


def _piece(x: Handle, function: Any, args: tuple, kw: dict) -> Handle:
    value = handle_of(function(x, *args, **kw) if callable(function) else function)
    if value.sizes not in ((), x.sizes):
        raise ShapeError(
            "np.piecewise: a function's result has another shape than x",
            remedy="Write np.where(condition, a, b).",
        )
    return value


# Questions and parts.

row(IsInf, kind="elementwise", shape=bool_rule, write="np.isinf")
reached_by(np.isinf)(lambda x: apply(IsInf, x))


@reached_by(np.isposinf)
def isposinf(x: Any) -> Any:
    """Whether x is infinite and not negative."""
    return handle_of(x) == np.inf


@reached_by(np.isneginf)
def isneginf(x: Any) -> Any:
    """Whether x is infinite and negative."""
    return handle_of(x) == -np.inf


@reached_by(np.isclose)
def isclose(
    a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False
) -> Any:
    """Whether a is within a tolerance of b."""
    a, b = handle_of(a), handle_of(b)
    near = (np.abs(a - b) <= atol + rtol * np.abs(b)) & np.isfinite(b) | (a == b)
    return near | np.isnan(a) & np.isnan(b) if equal_nan else near


@reached_by(np.allclose)
def allclose(
    a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False
) -> Any:
    """Whether all of a is within a tolerance of b."""
    return np.all(isclose(a, b, rtol, atol, equal_nan))


@reached_by(np.real, attribute="real")
def real(x: Any) -> Handle:
    """X itself: arrays are real."""
    return handle_of(x)


reached_by(np.conjugate, method="conjugate")(lambda x: handle_of(x))
reached_by(method="conj")(lambda x: handle_of(x))


@reached_by(np.imag, attribute="imag")
def imag(x: Any) -> Any:
    """Zeros: arrays are real."""
    return np.zeros_like(handle_of(x))
