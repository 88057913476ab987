"""Sizes, shapes and dtypes: what an operation's result has, from what its operands
have.

A size is an int or, where it is unknown, a SymPy expression in the names of sizes. A
dtype is a name: "bool", "int64", "float32", "float64", or for Python scalars, which
bend to the arrays that they meet, "int" and "float". Shapes that do not fit raise
`ShapeError`.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import sympy

from .errors import ShapeError

__all__ = [
    "FLOATS",
    "Shape",
    "Size",
    "axes_of",
    "axis_of",
    "broadcast",
    "divide",
    "is_floating",
    "is_weak",
    "largest",
    "product",
    "promote",
    "show",
    "size",
    "size_symbol",
    "size_where",
    "smallest",
    "strong",
    "uncut",
]

# An int or a SymPy expression; SymPy has no types.
Size: TypeAlias = Any
Shape = tuple[Size, ...]

FLOATS = ("float", "float32", "float64")
_RANK = {name: rank for rank, name in enumerate(("bool", "int", "int64", *FLOATS))}


def size_symbol(name: str) -> sympy.Symbol:
    """Return the symbol of an unknown size."""
    return sympy.Symbol(name, integer=True, nonnegative=True)


def size(value: Size) -> Size:
    """Return a size in its one canonical form: an int where it is known."""
    if isinstance(value, sympy.Expr):
        value = _canonical(value)
        return int(value) if value.is_Integer else value
    return operator.index(value)


@lru_cache(maxsize=4096)
def _canonical(value: sympy.Expr) -> sympy.Expr:
    """Return a size expanded; what is cut off an axis and the rest make up the axis."""
    value = sympy.expand(value)
    terms = sympy.Add.make_args(value)
    rests = [one for one in terms if _is_rest(one)]
    cuts = [one for one in terms if isinstance(one, sympy.Min) and len(one.args) == 2]
    for rest, cut in itertools.product(rests, cuts):
        one, other = cut.args
        for whole, part in ((one, other), (other, one)):
            if sympy.Max(0, whole - part) == rest:
                return _canonical(value - rest - cut + whole)
    return value


@lru_cache(maxsize=4096)
def uncut(value: Size) -> Size:
    """Return a size as it is where no axis is shorter than what is cut off it."""
    if isinstance(value, int):
        return value
    return size(value.replace(_is_rest, lambda rest: sympy.Add(*rest.args)))


def _is_rest(value: sympy.Expr) -> bool:
    """Whether a size is what is left of an axis: Max(0, n - 2)."""
    return isinstance(value, sympy.Max) and len(value.args) == 2 and 0 in value.args


def product(sizes: Iterable[Size]) -> Size:
    """Return the number of elements that sizes multiply to."""
    return _product(tuple(sizes))


@lru_cache(maxsize=4096)
def _product(sizes: Shape) -> Size:
    total: Size = 1
    for one in sizes:
        total = total * one
    return size(total)


@lru_cache(maxsize=4096)
def size_where(one: Size, unknown: int) -> int:
    """Return a size where all unknown ones that it has are the same number."""
    if isinstance(one, int):
        return one
    return int(one.subs(dict.fromkeys(one.free_symbols, unknown)))


def divide(total: Size, by: Size) -> Size | None:
    """Return the exact quotient of two sizes, or None where there is none."""
    if by == 0:
        return None
    quotient = sympy.cancel(sympy.sympify(total) / sympy.sympify(by))
    numerator, denominator = quotient.as_numer_denom()
    return size(numerator) if denominator == 1 else None


def smallest(*sizes: Size) -> Size:
    """Return the smallest of some sizes."""
    return size(sympy.Min(*sizes))


def largest(*sizes: Size) -> Size:
    """Return the largest of some sizes."""
    return size(sympy.Max(*sizes))


def show(shape: Sequence[Size]) -> str:
    """Return a shape as Python writes it: `(n, 3)`, `(n,)`, `()`."""
    inner = ", ".join(str(one) for one in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def broadcast(shapes: Sequence[Shape], same: Callable[[Size, Size], bool]) -> Shape:
    """Return the shape that NumPy broadcasts `shapes` to.

    `same` decides whether two sizes are equal. Raises `ShapeError` where an axis has
    two sizes, neither 1.
    """
    if not shapes:
        return ()
    if all(shape == shapes[0] for shape in shapes[1:]):
        return shapes[0]
    rank = max(len(shape) for shape in shapes)
    result: list[Size] = [1] * rank
    for shape in shapes:
        for axis, one in enumerate(shape, rank - len(shape)):
            have = result[axis]
            if have == 1:
                result[axis] = one
            elif one != 1 and not same(have, one):
                raise ShapeError(
                    f"shapes {' and '.join(map(show, shapes))} do not fit together"
                )
            elif isinstance(one, sympy.Expr):
                result[axis] = one
    return tuple(result)


def axis_of(axis: object, rank: int) -> int:
    """Return an axis counted from the front. Raises `ShapeError` outside the rank."""
    try:
        index = operator.index(axis)  # type: ignore[arg-type]
    except TypeError:
        raise ShapeError(f"an axis must be an integer, not {axis!r}") from None
    if not -rank <= index < rank:
        raise ShapeError(
            f"axis {index} is out of bounds for an array of {rank} dimensions"
        )
    return index % rank


def axes_of(axis: object, rank: int) -> tuple[int, ...]:
    """Return sorted axes from an int, a tuple or None, which stands for all of them."""
    if axis is None:
        return tuple(range(rank))
    if rank == 0 and axis in (0, -1):
        return ()  # NumPy reduces a scalar so
    several = axis if isinstance(axis, tuple | list) else (axis,)
    axes = tuple(sorted(axis_of(one, rank) for one in several))
    if len(set(axes)) != len(axes):
        raise ShapeError(f"duplicate axis in {axis!r}")
    return axes


def is_floating(dtype: str) -> bool:
    """Return whether a dtype is one of real numbers."""
    return dtype in FLOATS


def is_weak(dtype: str) -> bool:
    """Return whether a dtype is a Python number's, which bends to the arrays it meets."""
    return dtype in ("int", "float")


def strong(dtype: str, default: str) -> str:
    """Return the dtype of an array filled with numbers of a dtype."""
    return {"int": "int64", "float": default}.get(dtype, dtype)


def promote(dtypes: Iterable[str], default: str) -> str:
    """Return the dtype of an arithmetic result.

    As NumPy promotes, but for one thing: integers that meet real numbers take their
    dtype (`default` where those are Python's), so that a float32 computation stays one.
    """
    kinds = set(dtypes)
    if len(kinds) == 1:
        return kinds.pop()
    best = max(kinds, key=_RANK.__getitem__)
    if best == "float" and kinds & {"int64", "bool"}:
        return default
    if best == "int" and "bool" in kinds:
        return "int64"
    return best
