"""Symbolic derivatives of the loss written out in scalars, one for each entry.

In: a `Problem`. Out: a `Method` that evaluates what `sympy.diff` gives for each entry,
as it stands or with common subexpressions computed once, and counts its operations: the
swell. The user's own function makes the expression, on arrays of SymPy's symbols.
Refused with an `UnsupportedError`: a loss that is too large to be written out.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

import numpy as np
import sympy

from ..errors import UnsupportedError
from .method import Costs, Found, Method, Sampling
from .problem import Problem

__all__ = ["symbolic"]

# Up to which a loss is written out: real numbers in its arguments, and entries that are
# differentiated times operations, some ten seconds of SymPy's.
MOST_SYMBOLS = 1_000
MOST_WORK = 25_000


class _Step(sympy.Function):
    """1 above 0, 0 below, a half at 0."""


class _Larger(sympy.Function):
    """The larger of two; `sympy.Max` would ask at once which it is."""

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """Return the share of one argument: all, none, or at a tie a half."""
        one, other = self.args if argindex == 1 else self.args[::-1]
        return _Step(one - other)


_EVALUATED = {
    "_Step": lambda x: 0.5 if x == 0 else float(x > 0),
    "_Larger": max,
}


def _plain(function: Any) -> Callable:
    """Return a function of SymPy's that does not look for another form of itself."""
    return lambda *args: function(*args, evaluate=False)


def _where(condition: Any, one: Any, other: Any) -> Any:
    return sympy.Piecewise((one, condition), (other, True), evaluate=False)


# NumPy's functions that arrays of objects do not have, in SymPy's, and of how many.
_FUNCTIONS: dict[np.ufunc, tuple[Callable, int]] = {
    np.exp: (_plain(sympy.exp), 1),
    np.expm1: (lambda x: sympy.exp(x, evaluate=False) - 1, 1),
    np.log: (_plain(sympy.log), 1),
    np.log1p: (lambda x: sympy.log(1 + x, evaluate=False), 1),
    np.sqrt: (sympy.sqrt, 1),
    np.sin: (_plain(sympy.sin), 1),
    np.cos: (_plain(sympy.cos), 1),
    np.tan: (_plain(sympy.tan), 1),
    np.arctan: (_plain(sympy.atan), 1),
    np.sinh: (_plain(sympy.sinh), 1),
    np.cosh: (_plain(sympy.cosh), 1),
    np.tanh: (_plain(sympy.tanh), 1),
    np.absolute: (_plain(sympy.Abs), 1),
    np.maximum: (_Larger, 2),
    np.minimum: (lambda x, y: -_Larger(-x, -y), 2),
    np.greater: (_plain(sympy.Gt), 2),
    np.greater_equal: (_plain(sympy.Ge), 2),
    np.less: (_plain(sympy.Lt), 2),
    np.less_equal: (_plain(sympy.Le), 2),
}


class _Symbols(np.ndarray):
    """An array of SymPy's expressions that takes NumPy's functions."""

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any
    ) -> Any:
        if "out" in kwargs:
            kwargs["out"] = tuple(map(np.asarray, kwargs["out"]))
        function = _universal().get(ufunc, ufunc)
        plain = [np.asarray(x) if isinstance(x, _Symbols) else x for x in inputs]
        return _array(getattr(function, method)(*plain, **kwargs))

    def __array_function__(
        self, function: Callable, types: Iterable, args: Any, kwargs: Any
    ) -> Any:
        if function is np.where:
            return _array(np.frompyfunc(_where, 3, 1)(*map(np.asarray, args)))
        return super().__array_function__(function, types, args, kwargs)


@cache
def _universal() -> dict[np.ufunc, Any]:
    """Return functions of arrays of expressions by NumPy's own."""
    return {
        ufunc: np.frompyfunc(function, count, 1)
        for ufunc, (function, count) in _FUNCTIONS.items()
    }


def _array(expressions: Any) -> _Symbols:
    return np.asarray(expressions, object).view(_Symbols)


def symbolic(*, shared: bool) -> Callable[[Problem, Costs, Sampling], Method]:
    """Return what makes the method of derivatives that are written out.

    shared: whether common subexpressions are computed once.
    """

    def make(problem: Problem, costs: Costs, _: Sampling) -> Method:
        costs.imported("sympy")
        with costs.compiles():
            symbols, loss = _written_out(problem)
            wanted = [one for i in problem.indices for one in symbols[i].ravel()]
            texts = [loss, *(sympy.diff(loss, one) for one in wanted)]
            replaced, kept = sympy.cse(texts) if shared else ([], texts)
            counted = (*(text for _, text in replaced), *kept)
            moving = [i for i, one in enumerate(symbols) if one.dtype == object]
            arguments = [one for i in moving for one in symbols[i].ravel()]
            modules = [_EVALUATED, "math"]
            evaluate = sympy.lambdify(arguments, texts, modules, cse=shared)
        values = [float(one) for i in moving for one in problem.leaves[i].ravel()]
        return Method(
            lambda: evaluate(*values),
            lambda found: Found.whole(np.array(found[1:], float), found[0]),
            operations=int(sum(map(sympy.count_ops, counted))),
        )

    return make


def _written_out(problem: Problem) -> tuple[list[np.ndarray], sympy.Expr]:
    """Return symbols in the place of all real arrays, and the loss in these."""
    leaves = problem.leaves
    count = sum(one.size for one in leaves if one.dtype.kind == "f")
    if count > MOST_SYMBOLS:
        raise _too_large(f"{count:,} real numbers")
    names = map("x{}".format, itertools.count())
    symbols = [_symbols(x.shape, names) if x.dtype.kind == "f" else x for x in leaves]
    loss = np.asarray(problem.of_leaves(*symbols)).item()
    operations = _operations(loss)
    if operations * problem.size > MOST_WORK:
        raise _too_large(f"{operations:,} operations for {problem.size:,} entries")
    return symbols, loss


def _symbols(shape: tuple[int, ...], names: Iterator[str]) -> _Symbols:
    made = np.empty(shape, object)
    for index in np.ndindex(shape):
        made[index] = sympy.Symbol(next(names), real=True)
    return _array(made)


def _operations(expression: sympy.Expr) -> int:
    """Return the operations of an expression as written, found in one walk over parts
    that it may have many times.
    """
    count: dict[sympy.Basic, int] = {}
    pending = [expression]
    while pending:
        one = pending[-1]
        left = [part for part in one.args if part not in count]
        if left:
            pending += left
        else:
            own = max(len(one.args) - 1, 1) if one.args else 0
            count[pending.pop()] = own + sum(count[part] for part in one.args)
    return count[expression]


def _too_large(what: str) -> UnsupportedError:
    return UnsupportedError(
        f"written out in scalars the loss has {what}: too large for SymPy",
        remedy="Give smaller sizes.",
    )
