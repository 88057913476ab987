"""A graph as mathematics: SymPy's expression of a scalar loss, LaTeX of any loss.

In: a graph. Out: SymPy expressions and LaTeX text. In that each named value has a line,
so that its length stays linear in the graph.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from fractions import Fraction

import sympy
from sympy.codegen import cfunctions
from sympy.core.alphabets import greeks
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanAtom, BooleanFunction

from .graph import ArrayNode, Graph, Variable, number_of
from .ops.arithmetic import is_reciprocal
from .ops.table import ROWS

__all__ = ["expression", "latex"]

# Functions of C's, which SymPy knows how to write and little else.
_FROM_C = (
    *(cfunctions.expm1, cfunctions.log1p, cfunctions.exp2, cfunctions.log2),
    *(cfunctions.log10, cfunctions.Cbrt),
)

# How many operations stand in one line before a part of them gets a letter.
DEEPEST = 12

# How many terms or factors are written as one sum or product.
WIDEST = 40

# The largest denominator of a real number that is written as a fraction.
FINEST = 16


def expression(graph: Graph) -> sympy.Expr:
    """Return the value as a SymPy expression.

    For a loss of scalars it is ordinary SymPy in real symbols of the arguments' names:
    `sympy.diff`, `sympy.simplify` and `sympy.latex` take it. Operations on arrays stay
    nodes of the graph.
    """
    done: dict[int, sympy.Expr] = {}
    for node in graph.walk(["value"]):
        operands = [done[id(one)] for one in graph.nodes[node].operands]
        done[id(node)] = _converted(node, operands)
        hash(done[id(node)])  # SymPy keeps it: asked for later, it would recurse
    return done[id(graph.outputs["value"])]


def _converted(node: sympy.Expr, operands: list) -> sympy.Expr:
    """Return a node over converted operands as SymPy would have it."""
    if isinstance(node, Variable) and not node.shape:
        return sympy.Symbol(node.name, real=True)
    if not operands:
        return _exact(node)
    row = ROWS[type(node)]
    if row.sympy not in (sympy.And, sympy.Or, sympy.Not):
        first = 1 if type(node).__name__ == "where" else 0  # its condition stays one
        operands = [*operands[:first], *map(_as_number, operands[first:])]
    if row.sympy is not None:
        return row.sympy(*operands)
    if isinstance(node, ArrayNode):
        return node.func(*operands)
    if isinstance(node, sympy.Add | sympy.Mul):
        operands = _flattened(type(node), operands)
    if isinstance(node, sympy.Pow) and isinstance(operands[0], sympy.Piecewise):
        return _raised(operands[0], operands[1])
    made = type(node)(*operands, evaluate=False)
    return made._eval_expand_func() if isinstance(made, _FROM_C) else made


def _raised(base: sympy.Piecewise, exponent: sympy.Expr) -> sympy.Expr:
    """Return a power of cases, case by case: SymPy cannot print it as a whole."""
    cases = (
        (sympy.Pow(value, exponent, evaluate=False), condition)
        for value, condition in base.args
    )
    return sympy.Piecewise(*cases)


def _exact(node: sympy.Expr) -> sympy.Expr:
    """Return a real number that is a small fraction as one: 0.5 is a half."""
    if isinstance(node, sympy.Float) and abs(node) < 2**31:
        fraction = Fraction(float(node))
        if fraction.denominator <= FINEST:
            return sympy.Rational(fraction.numerator, fraction.denominator)
    return node


def _flattened(cls: type[sympy.Basic], operands: list) -> list:
    """Return the terms of a sum or product, with those of operands of its kind."""
    parts = [
        part
        for one in operands
        for part in (
            one.args if type(one) is cls and len(one.args) < WIDEST else (one,)
        )
    ]
    return parts


def _as_number(one: sympy.Basic) -> sympy.Basic:
    """Return a condition as 1 or 0."""
    condition = isinstance(one, Relational | BooleanFunction | BooleanAtom)
    return sympy.Piecewise((1, one), (0, True)) if condition else one


def latex(graph: Graph) -> str:
    """Return the value's formula in LaTeX, a line for each named value.

    A name that is given again has a number in parentheses above it.
    """
    return _Typesetter(graph).text()


class _Typesetter:
    """Writes nodes in order; what has a text of its own is a symbol to SymPy."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes = graph.nodes
        self.shown: dict[int, sympy.Basic] = {}
        self.depth: dict[int, int] = {}
        self.texts: dict[sympy.Symbol, str] = {}
        self.compound: set[sympy.Symbol] = set()
        self.names: Counter[str] = Counter()
        self.lines: list[str] = []

    def text(self) -> str:
        """Return the block of lines."""
        value = self.graph.outputs["value"]
        for node in self.graph.walk(["value"]):
            info = self.nodes[node]
            below = (self.depth[id(one)] for one in info.operands)
            self.depth[id(node)] = 1 + max(below, default=0)
            self.shown[id(node)] = self._shown(node)
            named = info.name if info.operands else None
            if named is not None or self.depth[id(node)] > DEEPEST:
                self._define(node, named or "t")
        if self.nodes[value].name is None:
            self._define(value, "L")
        return "\n".join(
            [r"\begin{aligned}", " \\\\\n".join(self.lines), r"\end{aligned}"]
        )

    def _define(self, node: sympy.Expr, name: str) -> None:
        """Write a line for a node; from now on it is its name."""
        text = symbol_text(name)
        if self.names[text]:
            text = f"{text}^{{({self.names[text]})}}"
        self.names[symbol_text(name)] += 1
        self.lines.append(f"{text} &= {self._printed(self.shown[id(node)])}")
        self.shown[id(node)] = self._symbol(text, compound="^" in text)
        self.depth[id(node)] = 0

    def _shown(self, node: sympy.Expr) -> sympy.Basic:
        operands = [self.shown[id(one)] for one in self.nodes[node].operands]
        if isinstance(node, Variable):
            return self._symbol(symbol_text(node.name))
        template = ROWS[type(node)].latex if type(node) in ROWS else ""
        if template == "{0}":
            return operands[0]
        if not template or not operands:
            return _converted(node, self._held(node, operands))
        if callable(template):
            return self._symbol(template(node, *map(self._grouped, operands)), True)
        postfix = template.startswith("{0}")
        group = self._atomic if postfix else self._printed
        return self._symbol(template.format(*map(group, operands)), postfix)

    def _symbol(self, text: str, compound: bool = False) -> sympy.Symbol:
        made = sympy.Symbol(f"s{len(self.texts)}", real=True)
        self.texts[made] = text
        if compound:
            self.compound.add(made)
        return made

    def _held(self, node: sympy.Expr, operands: list) -> list:
        """Return operands, in parentheses where a power or a factor would tear them."""
        power = isinstance(node, sympy.Pow) and node.args[1] is not sympy.S.NegativeOne
        arrays = isinstance(node, sympy.Mul) and not any(
            number_of(one) is not None or is_reciprocal(one)
            for one in self.nodes[node].operands
        )
        return [
            (
                self._symbol(self._atomic(one))
                if one in self.compound
                and (power or (arrays and self.texts[one].startswith(r"\sum")))
                else one
            )
            for one in operands
        ]

    def _grouped(self, one: sympy.Basic) -> str:
        text = self._printed(one)
        return rf"\left({text}\right)" if isinstance(one, sympy.Add) else text

    def _atomic(self, one: sympy.Basic) -> str:
        text = self._printed(one)
        alone = isinstance(one, sympy.Symbol) and one not in self.compound
        return text if alone else rf"\left({text}\right)"

    def _printed(self, one: sympy.Basic) -> str:
        if one in self.texts:
            return self.texts[one]
        return sympy.latex(one, symbol_names=self.texts, order="none")


def symbol_text(name: str) -> str:
    """Return a variable's name in LaTeX: W1 as W with subscript 1, words upright."""
    base, *below = [part for part in name.split("_") if part] or ["t"]
    letters = base.rstrip("0123456789")
    if letters and letters != base:
        base, below = letters, [base[len(letters) :], *below]
    subscript = r",\,".join(map(_word, below))
    return _word(base) + (f"_{{{subscript}}}" if subscript else "")


def _word(part: str) -> str:
    """Return a part of a name: a letter, a Greek one, digits, or an upright word."""
    if len(part) == 1 and not part.isascii():
        words = unicodedata.name(part, "").split()
        part = words[-1].lower() if "GREEK" in words else part
        part = part.capitalize() if "CAPITAL" in words else part
    if part.lower() in greeks or part == "lambda":
        return f"\\{part}"
    if part.isascii() and (len(part) == 1 or part.isdigit()):
        return part
    return rf"\mathrm{{{part}}}"
