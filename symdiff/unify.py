"""Several traces of one loss made into one graph that is right for every size.

In: graphs recorded at different witnesses of the unknown sizes. They are walked side by side: what is equal is
kept; a number, a size or an array that differs must be an expression in the sizes, since Python's ints and
floats forget that they came from one. Anything else that differs is refused by `Difference`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import sympy

from .graph import ArrayConstant, Graph, Nodes, Variable, number_of
from .ops.elementwise import apply
from .ops.handle import Handle, activated
from .ops.layout import Broadcast
from .ops.making import Arange, Eye, Tri
from .shapes import Size, size
from .source import Position

__all__ = ["Difference", "expression_for", "unify"]

Sizes = Mapping[sympy.Symbol, tuple[int, ...]]


class Difference(Exception):  # noqa: N818 - not an error until it has been explained
    """Where traces differ and why that is no expression in the sizes."""

    def __init__(self, what: str, position: Position | None) -> None:
        super().__init__(what)
        self.what = what
        self.position = position


def unify(runs: Sequence[Graph], sizes: Sizes, dtype: str) -> Graph:
    """Return the one graph that all runs are instances of; names and places are the first run's.

    `sizes` gives each unknown size its witness in each run. Raises `Difference`.
    """
    nodes = Nodes(dtype)
    merged: dict[tuple[int, ...], sympy.Expr] = {}
    with activated(nodes):
        roots = tuple(run.outputs["value"] for run in runs)
        pending = [roots]
        while pending:
            group = pending[-1]
            key = tuple(map(id, group))
            if key in merged:
                pending.pop()
                continue
            operands = _operands(runs, group)
            waiting = [one for one in operands if tuple(map(id, one)) not in merged]
            if waiting:
                pending.extend(reversed(waiting))
                continue
            pending.pop()
            done = [merged[tuple(map(id, one))] for one in operands]
            merged[key] = _merged(nodes, runs, group, done, sizes)
        inputs = tuple(_input(nodes, variable, merged) for variable in runs[0].inputs)
    return Graph(nodes, inputs, {"value": merged[tuple(map(id, roots))]})


def _input(nodes: Nodes, variable: Any, merged: Mapping) -> sympy.Expr:
    node = nodes.variable(variable.name, variable.shape, variable.dtype)
    nodes[node].name = variable.name
    return node


def _operands(runs: Sequence[Graph], group: tuple) -> list[tuple]:
    each = [run.nodes[node].operands for run, node in zip(runs, group, strict=True)]
    if len({type(node) for node in group}) > 1 or len({len(one) for one in each}) > 1:
        if all(number_of(node) is not None for node in group):
            return []
        raise Difference("the traces take different paths", _place(runs, group))
    return list(zip(*each, strict=True))


def _place(runs: Sequence[Graph], group: tuple) -> Position | None:
    places = (run.nodes[node].position for run, node in zip(runs, group, strict=True))
    return next((place for place in places if place is not None), None)


def _merged(
    nodes: Nodes, runs: Sequence[Graph], group: tuple, operands: list, sizes: Sizes
) -> sympy.Expr:
    first = runs[0].nodes[group[0]]
    with nodes.marked(_place(runs, group)):
        node = _leaf(nodes, group, sizes, first.position) if not operands else None
        if node is None:
            params = getattr(group[0], "params", ())
            if params:
                params = _parameters(
                    [one.params for one in group], sizes, first.position
                )
            node = nodes.make(type(group[0]), *operands, params=params)
    if nodes[node].name is None:
        nodes[node].name = first.name
    return node


def _leaf(
    nodes: Nodes, group: tuple, sizes: Sizes, position: Position | None
) -> sympy.Expr | None:
    first = group[0]
    if isinstance(first, Variable):
        if any(one.name != first.name for one in group):
            raise Difference("the traces use different arguments", position)
        return nodes.variable(first.name, first.shape, first.dtype)
    numbers = [number_of(one) for one in group]
    if all(one is not None for one in numbers):
        return _number(nodes, numbers, sizes, position)
    if isinstance(first, ArrayConstant):
        return _array(nodes, [one.array for one in group], sizes, position)
    if type(first) in _MADE:
        return None
    if any(one != first for one in group):
        raise Difference("the traces use different sizes", position)
    return nodes.size(first)


_MADE = (Arange, Eye, Tri)


def _number(
    nodes: Nodes, numbers: Sequence[Any], sizes: Sizes, position: Position | None
) -> sympy.Expr:
    if all(repr(one) == repr(numbers[0]) for one in numbers):
        return nodes.number(numbers[0])
    found = expression_for(numbers, sizes)
    if found is None:
        shown = " and ".join(str(one) for one in numbers)
        raise Difference(f"a number that is {shown} in different runs", position)
    return _built(nodes, found).node


def _built(nodes: Nodes, expression: sympy.Expr) -> Handle:
    """Return a scalar expression in sizes as nodes."""
    coefficient, rest = expression.as_coeff_Mul()
    if coefficient.is_Integer and rest.is_polynomial():
        return Handle(nodes, nodes.size(expression))
    base, exponent = rest.as_base_exp()
    power = Handle(nodes, nodes.size(base))
    if exponent != 1:
        power = apply(sympy.Pow, power, number_of(exponent))
    return power if coefficient == 1 else number_of(coefficient) * power


def _array(
    nodes: Nodes, arrays: Sequence[np.ndarray], sizes: Sizes, position: Position | None
) -> sympy.Expr:
    """Return a constant array, or what made it from sizes: a full, arange, eye or triangular one."""
    first = arrays[0]
    if all(
        np.array_equal(one, first, equal_nan=one.dtype.kind == "f") for one in arrays
    ):
        return nodes.array(first)
    shape = [expression_for(lengths, sizes) for lengths in _lengths(arrays)]
    if len({one.ndim for one in arrays}) == 1 and all(one is not None for one in shape):
        dtype = nodes.float_dtype if first.dtype.kind == "f" else first.dtype.name
        exact = tuple(size(one) for one in shape)  # type: ignore[arg-type]
        if all(one.size and (one == one.flat[0]).all() for one in arrays):
            value = _number(
                nodes, [one.flat[0].item() for one in arrays], sizes, position
            )
            return nodes.make(Broadcast, value, params=(exact, dtype))
        if first.ndim == 1 and all(
            np.array_equal(one, np.arange(len(one))) for one in arrays
        ):
            return nodes.make(Arange, params=(0, exact[0], 1, dtype))
        for cls, make in ((Eye, np.eye), (Tri, np.tri)):
            if first.ndim == 2 and all(
                np.array_equal(one, make(*one.shape)) for one in arrays
            ):
                return nodes.make(cls, params=(*exact, 0, dtype))
    raise Difference("a constant array that differs between runs", position)


def _lengths(arrays: Sequence[np.ndarray]) -> Iterator[tuple[int, ...]]:
    return zip(*(one.shape for one in arrays), strict=False)


def _parameters(each: Sequence[Any], sizes: Sizes, position: Position | None) -> Any:
    """Return parameters that all runs share, integers that differ as expressions in the sizes."""
    first = each[0]
    if all(one == first for one in each) and len({type(one) for one in each}) == 1:
        return first
    if all(isinstance(one, tuple) and len(one) == len(first) for one in each):
        return tuple(
            _parameters(one, sizes, position) for one in zip(*each, strict=True)
        )
    if all(isinstance(one, int) for one in each):
        found = expression_for(each, sizes)
        if found is not None:
            return size(found)
    if all(isinstance(one, int | sympy.Expr) for one in each):
        witnessed = [_at_witness(one, sizes, run) for run, one in enumerate(each)]
        exact = next(one for one in each if isinstance(one, sympy.Expr))
        if witnessed == [_at_witness(exact, sizes, run) for run in range(len(each))]:
            return exact
    raise Difference("sizes that differ between runs", position)


def _at_witness(one: Size, sizes: Sizes, run: int) -> int:
    if isinstance(one, int):
        return one
    return int(one.subs({symbol: values[run] for symbol, values in sizes.items()}))


# Finding the expression behind numbers.


def expression_for(values: Sequence[Any], sizes: Sizes) -> sympy.Expr | None:
    """Return an expression in the sizes that takes these values in the runs, or None.

    Tried, from the simplest: a size or product of sizes to a power, times a number; one plus a whole
    number, its reciprocal and roots; a size divided by a small number, rounded down.
    """
    values = [one.item() if isinstance(one, np.generic) else one for one in values]
    if any(isinstance(one, bool) for one in values):
        return None
    if all(one == values[0] for one in values):
        return sympy.sympify(values[0])
    whole = all(isinstance(one, int) for one in values)
    for symbol, witnesses in _products(sizes):
        found = _scaled(values, symbol, witnesses, whole) or _shifted(
            values, symbol, witnesses
        )
        if found is None and whole:
            found = _divided(values, symbol, witnesses)
        if found is None and not whole:
            found = _shifted_power(values, symbol, witnesses)
        if found is not None:
            return found
    return None


def _products(sizes: Sizes) -> list[tuple[sympy.Expr, tuple[int, ...]]]:
    singles = list(sizes.items())
    pairs: list[tuple[sympy.Expr, tuple[int, ...]]] = []
    for (a, first), (b, second) in itertools.combinations_with_replacement(singles, 2):
        pairs.append((a * b, tuple(x * y for x, y in zip(first, second, strict=True))))
    for (a, first), (b, second) in itertools.combinations(singles, 2):
        pairs.append((a + b, tuple(x + y for x, y in zip(first, second, strict=True))))
    return [*singles, *pairs]


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-12 * max(abs(a), abs(b))


def _scaled(
    values: Sequence[Any], symbol: sympy.Expr, witnesses: Sequence[int], whole: bool
) -> sympy.Expr | None:
    """A number times a power of the symbol."""
    powers = (
        (1, 2) if whole else (1, -1, sympy.Rational(1, 2), -sympy.Rational(1, 2), 2, -2)
    )
    for power in powers:
        factors = [
            one / float(w) ** float(power)
            for one, w in zip(values, witnesses, strict=True)
        ]
        if all(_close(one, factors[0]) for one in factors):
            factor = Fraction(factors[0]).limit_denominator(10_000)
            if whole and factor.denominator != 1:
                continue
            exact = _close(float(factor), factors[0])
            number = (
                sympy.Rational(factor.numerator)
                if exact and factor.denominator == 1
                else (sympy.Float(factors[0]))
            )
            return sympy.Mul(number, symbol**power)
    return None


def _shifted(
    values: Sequence[Any], symbol: sympy.Expr, witnesses: Sequence[int]
) -> sympy.Expr | None:
    """The symbol times a whole number, plus a whole number."""
    slope = Fraction(values[1] - values[0]) / (witnesses[1] - witnesses[0])
    shift = values[0] - slope * witnesses[0]
    if slope == 0 or slope.denominator != 1 or shift != int(shift):
        return None
    if all(slope * w + shift == one for one, w in zip(values, witnesses, strict=True)):
        return int(slope) * symbol + int(shift)
    return None


def _shifted_power(
    values: Sequence[Any], symbol: sympy.Expr, witnesses: Sequence[int]
) -> sympy.Expr | None:
    """A power of a shifted symbol, such as 1 / (n - 1)."""
    for power in (-1, sympy.Rational(1, 2), -sympy.Rational(1, 2)):
        if any(one <= 0 for one in values):
            return None
        roots = [one ** float(1 / power) for one in values]
        rounded = [round(one) for one in roots]
        if all(_close(a, b) for a, b in zip(roots, rounded, strict=True)):
            found = _shifted(rounded, symbol, witnesses)
            if found is not None:
                return found**power
    return None


def _divided(
    values: Sequence[int], symbol: sympy.Expr, witnesses: Sequence[int]
) -> sympy.Expr | None:
    """The symbol divided by a small number, rounded down."""
    for divisor in range(2, 17):
        if all(one == w // divisor for one, w in zip(values, witnesses, strict=True)):
            return sympy.floor(symbol / divisor)
    return None
