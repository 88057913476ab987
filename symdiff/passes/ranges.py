"""Between which numbers a value can lie, whatever the arguments are.

In: a graph. Out: for each node the ends of an interval, infinite where nothing is
known. Exponentials count as positive, although they may underflow to 0.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import sympy

from ..graph import Graph, number_of
from ..ops.choices import Maximum, Minimum, where
from ..ops.contraction import Contraction
from ..ops.elementwise import Cast, StopGradient
from ..ops.functions import Hypot
from ..ops.layout import LAYOUT
from ..ops.reductions import Max, Min
from ..ops.selection import Clip
from ..ops.special import expit

__all__ = ["Range", "ranges"]

Range = tuple[float, float]

_ANY: Range = (-math.inf, math.inf)
_SMALLEST = sys.float_info.min
_SIZE: Range = (1, math.inf)


def ranges(graph: Graph) -> dict[int, Range]:
    """Return the range of each node by its id."""
    found: dict[int, Range] = {}
    for node in graph.walk():
        operands = graph.nodes[node].operands
        value = number_of(node)
        if value is not None:
            found[id(node)] = (value, value)
        elif not operands:
            found[id(node)] = _SIZE if graph.nodes.is_size(node) else _ANY
        else:
            of = _RANGES.get(type(node))
            inner = [found[id(operand)] for operand in operands]
            found[id(node)] = of(node, *inner) if of else _ANY
    return found


def _sum(node: sympy.Expr, a: Range, b: Range) -> Range:
    return a[0] + b[0], a[1] + b[1]


def _product(node: sympy.Expr, a: Range, b: Range) -> Range:
    first, second = node.args
    if first is second:
        return _even(a)
    ends = [x * y if x and y else 0.0 for x in a for y in b]
    return min(ends), max(ends)


def _even(x: Range) -> Range:
    """Return the range of an even power: that of a square, but only its sign."""
    return (_SMALLEST if x[0] > 0 or x[1] < 0 else 0), math.inf


def _power(node: sympy.Expr, base: Range, exponent: Range) -> Range:
    if exponent[0] == exponent[1] and exponent[0] % 2 == 0:
        return _even(base)
    if base[0] > 0:
        return _SMALLEST, math.inf
    return (0, math.inf) if base[0] >= 0 <= exponent[0] else _ANY


def _contracted(node: sympy.Expr, *operands: Range) -> Range:
    """Sums and products of what is not negative are not negative."""
    if len(operands) == 2 and node.args[0] is node.args[1]:
        inputs, _ = node.params
        return (0, math.inf) if inputs[0] == inputs[1] else _ANY
    if all(low >= 0 for low, _ in operands):
        return (_SMALLEST if all(low > 0 for low, _ in operands) else 0), math.inf
    return _ANY


def _increasing(function: Callable[[float], float]) -> Callable:
    def of(node: sympy.Expr, x: Range) -> Range:
        return function(x[0]), function(x[1])

    return of


def _exp(x: float) -> float:
    return max(_SMALLEST, math.exp(min(x, 700.0))) if x < 700 else math.inf


def _same(node: sympy.Expr, x: Range, *rest: Range) -> Range:
    return x


def _hull(node: sympy.Expr, condition: Range, a: Range, b: Range) -> Range:
    return min(a[0], b[0]), max(a[1], b[1])


_RANGES: dict[type, Callable[..., Range]] = {
    sympy.Add: _sum,
    sympy.Mul: _product,
    sympy.Pow: _power,
    sympy.exp: _increasing(_exp),
    sympy.tanh: _increasing(math.tanh),
    expit: lambda node, x: (_SMALLEST, 1),
    sympy.sin: lambda node, x: (-1, 1),
    sympy.cos: lambda node, x: (-1, 1),
    sympy.cosh: lambda node, x: (1, math.inf),
    sympy.Abs: lambda node, x: _even(x),
    Hypot: lambda node, a, b: (0, math.inf),
    Maximum: lambda node, a, b: (max(a[0], b[0]), max(a[1], b[1])),
    Minimum: lambda node, a, b: (min(a[0], b[0]), min(a[1], b[1])),
    Clip: lambda node, x, low, high: (low[0], high[1]),
    Contraction: _contracted,
    where: _hull,
    Max: _same,
    Min: _same,
    Cast: _same,
    StopGradient: _same,
    **dict.fromkeys(LAYOUT, _same),
}
