"""Unknown sizes as the user's code sees them: integers that remember which size they
are.

In: a size of the graph and its value while tracing. Out: a `TracedSize`, on which
arithmetic with integers gives sizes and anything else a traced scalar. Refused:
comparisons whose answer is not the same for all sizes.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from ..errors import SizeError
from ..shapes import size, uncut
from .recording import refused

__all__ = ["TracedSize"]


class TracedSize(int):
    """An int of the value that an unknown size has while tracing, and its expression.

    `lift` makes it a traced scalar, `make` another size of an expression.
    """

    expression: sympy.Expr
    lift: Callable[[], Any]
    make: Callable[[Any], int]

    __hash__ = int.__hash__

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any
    ) -> Any:
        return getattr(ufunc, method)(*map(_lifted, inputs), **kwargs)

    def __neg__(self) -> Any:
        return _combined(operator.mul, -1, self)

    def __pow__(  # type: ignore[override] # of int's many forms this is the one met
        self, other: Any, modulus: None = None
    ) -> Any:
        return _combined(operator.pow, self, other)

    def __bool__(self) -> bool:
        return _compared(operator.ne, self, 0)


def _lifted(value: Any) -> Any:
    return value.lift() if isinstance(value, TracedSize) else value


def _combined(function: Callable, left: Any, right: Any) -> Any:
    left, right = _plain(left), _plain(right)
    if function is operator.pow and isinstance(right, int) and int(right) < 0:
        right = float(right)  # as Python's integers do
    whole = all(type(one) in (int, TracedSize) for one in (left, right))
    if whole and function is not operator.truediv:
        make = next(one.make for one in (left, right) if isinstance(one, TracedSize))
        return make(size(function(*map(_expression, (left, right)))))
    if isinstance(left, int | float) and isinstance(right, int | float):
        return function(_lifted(left), _lifted(right))
    return NotImplemented


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _expression(value: Any) -> Any:
    return value.expression if isinstance(value, TracedSize) else value


def _compared(function: Callable, left: TracedSize, right: Any) -> bool:
    """Return what holds for all sizes; raise where that depends on the size."""
    right = _plain(right)
    if not isinstance(right, int | float):
        return NotImplemented
    if type(right) is int and right == int(left) != 0:
        right = left  # by len(), perhaps; if not, another trace answers otherwise
    # No size is below 0, that of a slice neither, which is cut there.
    plain = type(right) is int and right <= 0
    size_of = _expression if plain else _uncut
    difference = sympy.sympify(size_of(left)) - size_of(right)
    answers = {
        bool(function(sign, 0)) for sign in (-1, 0, 1) if _possible(difference, sign)
    }
    if len(answers) == 1:
        return answers.pop()
    raise refused(
        SizeError(
            f"this compares the unknown size {left.expression} with {_expression(right)}",
            remedy="The answer would hold for some sizes only. Leave the comparison out, "
            "give the size as a number, or give sizes that are always equal one name.",
        )
    )


def _uncut(value: Any) -> Any:
    return uncut(value.expression) if isinstance(value, TracedSize) else value


def _possible(difference: sympy.Expr, sign: int) -> bool:
    """Whether a difference of sizes may have a sign."""
    if sign == 0:
        return difference.is_zero is not False
    return (difference if sign > 0 else -difference).is_positive is not False


def _add_operator(name: str) -> None:
    function = getattr(operator, name)

    def forward(self: TracedSize, other: Any) -> Any:
        return _combined(function, self, other)

    def backward(self: TracedSize, other: Any) -> Any:
        return _combined(function, other, self)

    setattr(TracedSize, f"__{name}__", forward)
    setattr(TracedSize, f"__r{name}__", backward)


def _add_comparison(name: str) -> None:
    function = getattr(operator, name)

    def compare(self: TracedSize, other: Any) -> Any:
        return _compared(function, self, other)

    setattr(TracedSize, f"__{name}__", compare)


for _name in ("add", "sub", "mul", "floordiv", "mod", "truediv"):
    _add_operator(_name)
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    _add_comparison(_name)
