"""A graph as mathematics: SymPy's expression of a scalar loss, LaTeX of any loss.

In: a graph or a program's named values. Out: SymPy expressions and LaTeX text. LaTeX is
written a named value a line, so that its length stays linear in the graph.
"""

from __future__ import annotations

import sympy
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanAtom, BooleanFunction

from .graph import ArrayNode, Elementwise, Graph, Variable
from .ops.table import ROWS

__all__ = ["expression", "latex"]

# How many operations stand in one line before a part of them gets a letter.
DEEPEST = 12


def expression(graph: Graph) -> sympy.Expr:
    """Return the value as a SymPy expression.

    For a loss of scalars it is ordinary SymPy in real symbols of the arguments' names:
    `sympy.diff`, `sympy.simplify` and `sympy.latex` take it. Operations on arrays stay
    nodes of the graph.
    """
    done: dict[int, sympy.Expr] = {}
    for node in graph.walk():
        operands = [done[id(one)] for one in graph.nodes[node].operands]
        done[id(node)] = _converted(node, operands)
    return done[id(graph.outputs["value"])]


def _converted(node: sympy.Expr, operands: list[sympy.Expr]) -> sympy.Expr:
    if isinstance(node, Variable) and not node.shape:
        return sympy.Symbol(node.name, real=True)
    if not operands:
        return node
    row = ROWS[type(node)]
    logical = isinstance(node, Elementwise) and row.sympy in (
        sympy.And,
        sympy.Or,
        sympy.Not,
    )
    if not logical and type(node).__name__ != "where":
        operands = [_as_number(one) for one in operands]
    if row.sympy is not None:
        return row.sympy(*operands)
    if isinstance(node, ArrayNode):
        return node.func(*operands)
    return type(node)(*operands, evaluate=False)


def _as_number(one: sympy.Basic) -> sympy.Basic:
    """Return a condition as 1 or 0."""
    condition = isinstance(one, Relational | BooleanFunction | BooleanAtom)
    return sympy.Piecewise((1, one), (0, True)) if condition else one


def latex(graph: Graph) -> str:
    """Return the value's formula in LaTeX, a line for each named value."""
    shown: dict[int, sympy.Basic] = {}
    depth: dict[int, int] = {}
    texts: dict[sympy.Symbol, str] = {}
    lines: list[str] = []

    def symbol(text: str) -> sympy.Symbol:
        made = sympy.Symbol(f"s{len(texts)}", real=True)
        texts[made] = text
        return made

    def define(name: str, value: sympy.Basic) -> sympy.Symbol:
        lines.append(f"{name} &= {sympy.latex(value, symbol_names=texts)}")
        return symbol(name)

    for node in graph.walk(["value"]):
        info = graph.nodes[node]
        operands = [shown[id(one)] for one in info.operands]
        depth[id(node)] = 1 + max((depth[id(one)] for one in info.operands), default=0)
        if isinstance(node, Variable):
            shown[id(node)] = symbol(sympy.latex(sympy.Symbol(node.name)))
        elif type(node) in ROWS and ROWS[type(node)].latex:
            template = ROWS[type(node)].latex
            parts = [_grouped(one, texts) for one in operands]
            text = (
                template(node, *parts)
                if callable(template)
                else template.format(*parts)
            )
            shown[id(node)] = symbol(text)
        else:
            shown[id(node)] = _converted(node, operands)
        named = info.name if info.operands else None
        if named is not None or depth[id(node)] > DEEPEST:
            name = sympy.latex(sympy.Symbol(named or f"t_{len(lines)}"))
            shown[id(node)], depth[id(node)] = define(name, shown[id(node)]), 0
    value = graph.outputs["value"]
    if graph.nodes[value].name is None:
        define("L", shown[id(value)])
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def _grouped(one: sympy.Basic, texts: dict[sympy.Symbol, str]) -> str:
    text = sympy.latex(one, symbol_names=texts)
    return rf"\left({text}\right)" if isinstance(one, sympy.Add) else text
