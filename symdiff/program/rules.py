"""What the chain rule does at a value, as text: `tanh: g * (1 - y * y)`.

In: an operation and the operand whose gradient is wanted. Out: its name and the rule of
its row, written out: g is the gradient of its result y, x its argument, a and b its
arguments where it has several. Rules that no expression writes are told by name alone.
"""

from __future__ import annotations

import string
from collections.abc import Sequence

import sympy

from ..code import Code, Writer
from ..graph import Graph, Nodes, number_of
from ..ops.arithmetic import is_reciprocal
from ..ops.contraction import Contraction
from ..ops.handle import Handle, activated
from ..ops.indexing import Index
from ..ops.layout import unbroadcast
from ..ops.table import ROWS

__all__ = ["rule_of"]

_NAMES: dict[type, str] = {sympy.Add: "sum", sympy.Mul: "product", sympy.Pow: "power"}

# Rules that take several lines of code.
_TOLD: dict[type, str] = {Index: "g at the places that were taken, 0 elsewhere"}


def rule_of(nodes: Nodes, node: sympy.Expr, operand: sympy.Expr) -> str:
    """Return the rule by which the gradient of a result becomes an operand's."""
    name = _name(nodes, node)
    text = _TOLD.get(type(node)) or _text(nodes, node, operand)
    return f"{name}: {text}" if text else name


def _name(nodes: Nodes, node: sympy.Expr) -> str:
    if isinstance(node, Contraction):
        return "product of arrays" if len(nodes[node].operands) > 1 else "total"
    if is_reciprocal(node):
        return "reciprocal"
    return _NAMES.get(type(node), type(node).__name__.lower())


def _text(nodes: Nodes, node: sympy.Expr, operand: sympy.Expr) -> str:
    """Return the rule's expression, nothing where it takes more than one."""
    fresh = Nodes(nodes.float_dtype)
    operands = nodes[node].operands
    with activated(fresh):
        arguments = _arguments(nodes, fresh, operands)
        params = getattr(node, "params", ())
        result = fresh.make(type(node), *arguments, params=params)
        g = fresh.variable("g", nodes.shape(node), nodes.dtype(node))
        place = next(at for at, one in enumerate(operands) if one is operand)
        part = _part(fresh, result, g, arguments, place)
        if part is None:
            return ""
        part = unbroadcast(part, nodes.shape(operand))
    variables = [g, *(one for one in arguments if number_of(one) is None)]
    given = {id(result): "y", **{id(one): one.name for one in variables}}
    return _written(Graph(fresh, (), {"": part.node}), given)


def _arguments(
    nodes: Nodes, fresh: Nodes, operands: Sequence[sympy.Expr]
) -> list[sympy.Expr]:
    """Return operands again, as variables of one letter where they are computed."""
    computed = [one for one in operands if number_of(one) is None]
    letters = iter("x" if len(computed) == 1 else string.ascii_lowercase)
    arguments = []
    for one in operands:
        if (value := number_of(one)) is not None:
            arguments.append(fresh.number(value))
        else:
            shape, dtype = nodes.shape(one), nodes.dtype(one)
            arguments.append(fresh.variable(next(letters), shape, dtype))
    return arguments


def _part(
    nodes: Nodes,
    result: sympy.Expr,
    g: sympy.Expr,
    arguments: Sequence[sympy.Expr],
    place: int,
) -> Handle | None:
    """Return what the row's rule makes of g for one operand."""
    rules = ROWS[type(result)].vjp
    handles = tuple(Handle(nodes, one) for one in arguments)
    given = Handle(nodes, g), Handle(nodes, result)
    if callable(rules):
        return rules(*given, handles, tuple(at == place for at in range(len(handles))))[
            place
        ]
    rule = rules[place] if rules is not None else None
    return None if rule is None else rule(*given, *handles)


def _written(graph: Graph, given: dict[int, str]) -> str:
    """Return the text of a small graph's only output over some names."""
    nodes, writer, code = graph.nodes, Writer(graph.nodes), dict[int, Code]()
    for node in graph.walk():
        if id(node) in given:
            code[id(node)] = Code(given[id(node)])
        elif (value := number_of(node)) is not None:
            code[id(node)] = writer.number(value)
        elif nodes.is_size(node):
            code[id(node)] = writer.size(node)
        elif ROWS[type(node)].block is not None:
            return ""
        else:
            operands = (code[id(one)] for one in nodes[node].operands)
            code[id(node)] = ROWS[type(node)].write(writer, node, *operands)
    return code[id(graph.outputs[""])].text
