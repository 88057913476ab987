"""Rewrites of roots, squares and exponentials that undo each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from ...ops.contraction import Contraction, indices_of
from ...ops.elementwise import apply
from ...ops.functions import Root
from ...ops.handle import Handle
from ...ops.layout import LAYOUT
from .patterns import (
    factors,
    number,
    operand,
    operands,
    parts,
    power,
    same,
    terms,
)
from .table import rewrite

__all__ = ["abs_of_root", "exp_log", "hypot", "norm", "root_of", "square_of_root"]


def root_of(x: Handle) -> Handle | None:
    """Return y for sqrt(y)."""
    inner = operand(x, Root)
    found = power(x)
    return found[0] if inner is None and found and found[1] == 0.5 else inner


def _square_of(x: Handle) -> Handle | None:
    """Return y for y**2 or y * y."""
    found = power(x)
    if found is not None and found[1] == 2:
        return found[0]
    pair = parts(x, sympy.Mul)
    return pair[0] if pair and same(*pair) else None


@rewrite("root-squared", "sqrt(x)**2 = x", "x >= 0", sympy.Pow, sympy.Mul)
def square_of_root(y: Handle) -> Any:
    """The square of a root or of a norm."""
    inner = _square_of(y)
    return None if inner is None else root_of(inner)


@rewrite("root-of-square", "sqrt(x**2) = abs(x)", "all x", sympy.Pow)
def abs_of_root(y: Handle) -> Any:
    """The root of a square."""
    inner = root_of(y)
    base = None if inner is None else _square_of(inner)
    return None if base is None else np.abs(base)


@rewrite("hypot", "sqrt(x**2 + y**2) = hypot(x, y)", "all x and y", sympy.Pow)
def hypot(y: Handle) -> Any:
    """The root of two squares added."""
    inner = root_of(y)
    found = terms(inner) if inner is not None else None
    if found is None:
        return None
    a, b = map(_square_of, found)
    return None if a is None or b is None else np.hypot(a, b)


@rewrite(
    "norm",
    "sqrt(sum(x**2)) = norm(x), whose slope at 0 is 0",
    "all x; also means, and products with positive numbers",
    sympy.Pow,
)
def norm(y: Handle) -> Handle | None:
    """The root of a sum of squares is a norm."""
    inner = root_of(y)
    if inner is None or not _is_sum_of_squares(inner):
        return None
    return apply(Root, inner)


def _is_sum_of_squares(x: Handle) -> bool:
    """Return whether x is a sum of squares along axes, perhaps over a number."""
    rest = [
        one
        for one in factors(x)
        if not ((number(one) or 0) > 0 or _is_reciprocal_size(one))
    ]
    if len(rest) != 1:
        return False
    total = rest[0]
    while isinstance(total.node, LAYOUT):
        total = operands(total)[0]
    if not isinstance(total.node, Contraction):
        return False
    inputs, _ = indices_of(total.node)
    summed = operands(total)
    if len(summed) == 2:
        return same(*summed) and inputs[0] == inputs[1]
    return _square_of(summed[0]) is not None


def _is_reciprocal_size(x: Handle) -> bool:
    found = power(x)
    return found is not None and found[1] == -1 and x.nodes.is_size(found[0].node)


@rewrite("exp-log", "exp(log(x)) = x", "x >= 0", sympy.exp)
def exp_log(y: Handle) -> Handle | None:
    """The exponential of a logarithm."""
    return operand(operands(y)[0], sympy.log)
