"""Pieces of emitted Python: text with the precedence that decides where parentheses go.

In: texts that came from the allocator of names, from `repr`, or from the rows of the
table. Out: text as `black` would leave it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import sympy

from .graph import Nodes
from .shapes import Size

__all__ = [
    "Code",
    "Level",
    "Writer",
    "call",
    "infix",
    "number",
    "power",
    "reduced",
    "tuple_of",
    "wrap",
]


class Level:
    """How tightly an expression binds; a looser one inside needs parentheses."""

    ATOM, POWER, UNARY, PRODUCT, SUM, AND, OR, COMPARISON = range(8, 0, -1)


class Code(NamedTuple):
    """An expression's text and its binding level, and how its user may write it better.

    negated: it is minus this. inverse: it is one over this. keepdims: a reduction's
    text with its axes kept. mean: a sum's text as a mean, and the number of elements
    that divides it. parts: its outermost operation, a function's name, an operator or
    `.method`, and the texts of its operands.
    """

    text: str
    level: int = Level.ATOM
    negated: Code | None = None
    inverse: Code | None = None
    keepdims: Code | None = None
    mean: tuple[Code, Size] | None = None
    parts: tuple[str, tuple[str, ...]] | None = None


class Writer:
    """What a row's `write` may ask: names of modules, texts of sizes, facts on nodes.

    modules: names of SciPy's modules where they cannot be called by their own.
    functions: those of NumPy and SciPy that have been asked for. locals: names of loop
    variables. overwriting: ids of nodes that take over the memory of their first operand.
    """

    def __init__(
        self,
        nodes: Nodes,
        np: str = "np",
        give: Callable[[str], str] = lambda wish: wish,
    ) -> None:
        self._give = give
        self.nodes = nodes
        self.np = np
        self.modules: dict[str, str] = {}
        self.functions: set[str] = set()
        self.size_names: dict[str, str] = {}
        self.locals: dict[str, str] = {}
        self.overwriting: set[int] = set()

    def function(self, name: str) -> str:
        """Return how the module calls `np.NAME` or `scipy.MODULE.NAME`."""
        self.functions.add(name)
        if name.startswith("scipy."):
            module, _, function = name.rpartition(".")
            return f"{self.modules.get(module, module)}.{function}"
        return self.np + name.removeprefix("np")

    def local(self, wish: str) -> str:
        """Return the name of a loop's variable in a block, that nothing else has."""
        if wish not in self.locals:
            self.locals[wish] = self._give(wish)
        return self.locals[wish]

    @property
    def imports(self) -> list[str]:
        """The imports of SciPy's modules whose functions have been asked for."""
        used = {one.rpartition(".")[0] for one in self.functions if one[:5] == "scipy"}
        aliases = ((one, self.modules.get(one, one)) for one in sorted(used))
        return [
            f"import {one}" if one == alias else f"import {one} as {alias}"
            for one, alias in aliases
        ]

    def number(self, value: float) -> Code:
        """Return a number's text."""
        return number(value, self.np)

    def size(self, size: Size) -> Code:
        """Return a size's text, by the names that sizes have in the module."""
        return size_code(size, self.size_names)

    def shape(self, shape: Iterable[Size]) -> str:
        """Return the text of a shape: `(n, 3)`."""
        return tuple_of(self.size(size).text for size in shape)

    def room(self, shape: Iterable[Size]) -> str:
        """Return the text of the shape of a new array.

        The length of `x[1:]`, n - 1, is 0 where there is nothing to leave out.
        """
        texts = ((self.size(size).text, _may_be_negative(size)) for size in shape)
        return tuple_of(f"max({text}, 0)" if cut else text for text, cut in texts)


def wrap(code: Code, level: int) -> str:
    """Return the text, in parentheses where it binds more loosely than `level`."""
    return code.text if code.level >= level else f"({code.text})"


def call(function: str, *arguments: Code | str) -> Code:
    """Return a function call."""
    texts = tuple(one.text if isinstance(one, Code) else one for one in arguments)
    return Code(f"{function}({', '.join(texts)})", parts=(function, texts))


def infix(left: Code, operator: str, right: Code, level: int) -> Code:
    """Return `left operator right`, which groups from the left."""
    text = f"{wrap(left, level)} {operator} {wrap(right, level + 1)}"
    return Code(text, level, parts=(operator, (left.text, right.text)))


def power(base: Code, exponent: Code) -> Code:
    """Return `base**exponent`; with spaces unless both are names or numbers."""
    left, right = wrap(base, Level.ATOM), wrap(exponent, Level.UNARY)
    simple = _SIMPLE(left) and _SIMPLE(right.removeprefix("-"))
    text = f"{left}**{right}" if simple else f"{left} ** {right}"
    return Code(text, Level.POWER, parts=("**", (base.text, exponent.text)))


# What `black` takes for a simple operand of a power.
_SIMPLE = re.compile(r"[^\W\d][\w.]*|[\d.]+(e[+-]?\d+)?").fullmatch


def reduced(
    x: Code, name: str, axes: Sequence[int], rank: int, count: Size = 0
) -> Code:
    """Return a reduction as a method's call; a sum is over `count` elements."""
    text = f"{wrap(x, Level.ATOM)}.{name}"
    axis = str(axes[0]) if len(axes) == 1 else tuple_of(map(str, axes))
    inside = [] if len(axes) == rank else [f"axis={axis}"]
    mean = reduced(x, "mean", axes, rank) if name == "sum" else None
    operands = (x.text, *(inside or ["axis=None"]))
    kept = Code(
        f"{text}({', '.join([*inside, 'keepdims=True'])})",
        parts=(f".{name}", (*operands, "keepdims=True")),
    )
    return Code(
        f"{text}({', '.join(inside)})",
        parts=(f".{name}", operands),
        keepdims=kept._replace(mean=mean and mean.keepdims and (mean.keepdims, count)),
        mean=mean and (mean, count),
    )


def tuple_of(texts: Iterable[str]) -> str:
    """Return the text of a tuple."""
    inside = list(texts)
    return f"({inside[0]},)" if len(inside) == 1 else f"({', '.join(inside)})"


def number(value: float, np: str) -> Code:
    """Return a Python number's literal; infinities and NaN by NumPy's name."""
    if isinstance(value, bool):
        return Code(str(value))
    if isinstance(value, float) and not math.isfinite(value):
        if math.isnan(value):
            return Code(f"{np}.nan")
        return Code(f"{np}.inf") if value > 0 else Code(f"-{np}.inf", Level.UNARY)
    text = repr(value)
    return Code(text, Level.UNARY if text.startswith("-") else Level.ATOM)


def _may_be_negative(size: Size) -> bool:
    """Return whether a size is below 0 where all unknown ones are 0."""
    if isinstance(size, int) or not size.is_Add:
        return False
    return bool(size.subs(dict.fromkeys(size.free_symbols, 0)) < 0)


def size_code(size: Size, names: Mapping[str, str]) -> Code:
    """Return the text of a size: an integer, a name, or what is computed from them."""
    if isinstance(size, int) or size.is_Integer:
        return number(int(size), "np")
    if size.is_Symbol:
        return Code(names.get(size.name, size.name))
    if size.is_Add:
        return _sum(size, names)
    if size.is_Mul:
        return _product(size, names)
    if size.is_Pow and size.exp.is_Integer and size.exp > 0:
        base = wrap(size_code(size.base, names), Level.ATOM)
        return Code(f"{base}**{size.exp}", Level.POWER)
    if isinstance(size, sympy.floor):
        numerator, denominator = size.args[0].as_numer_denom()
        left, right = size_code(numerator, names), size_code(denominator, names)
        return infix(left, "//", right, Level.PRODUCT)
    if isinstance(size, sympy.Min | sympy.Max):
        function = "min" if isinstance(size, sympy.Min) else "max"
        return call(
            function, *(size_code(one, names) for one in sympy.ordered(size.args))
        )
    if isinstance(size, sympy.Mod):
        left, right = (size_code(one, names) for one in size.args)
        return infix(left, "%", right, Level.PRODUCT)
    raise TypeError(f"no text for the size {size}")


def _sum(size: sympy.Expr, names: Mapping[str, str]) -> Code:
    positive_first = sorted(
        sympy.Add.make_args(size),
        key=lambda term: (term.is_Integer, bool(term.as_coeff_Mul()[0] < 0)),
    )
    total = size_code(positive_first[0], names)
    for term in positive_first[1:]:
        negative = term.as_coeff_Mul()[0] < 0
        right = size_code(-term if negative else term, names)
        total = infix(total, "-" if negative else "+", right, Level.SUM)
    return total


def _product(size: sympy.Expr, names: Mapping[str, str]) -> Code:
    numerator, denominator = size.as_numer_denom()
    if denominator != 1:
        left, right = size_code(numerator, names), size_code(denominator, names)
        return infix(left, "//", right, Level.PRODUCT)
    factors = [size_code(one, names) for one in sympy.Mul.make_args(size)]
    total = factors[0]
    for factor in factors[1:]:
        total = infix(total, "*", factor, Level.PRODUCT)
    return total
