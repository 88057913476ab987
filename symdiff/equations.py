"""A loss as equations in Unicode, over the names that its values have in the code.

In: a graph. Out: a line for each of the values that tell most of the loss, the value's
own line last. Of what a loop makes again and again the last turn is told, and of a long
expression that it is one; so there are few lines, however large the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sympy

from .code import Code, Level, Writer, call, infix, wrap
from .graph import ArrayConstant, Graph, Info, Nodes, Variable, number_of
from .ops.arithmetic import is_negative, is_reciprocal
from .ops.choices import IsFinite, where
from .ops.contraction import Contraction
from .ops.elementwise import Cast, StopGradient
from .ops.layout import Broadcast, Transpose
from .ops.reductions import Max, Min, Prod
from .ops.table import ROWS
from .shapes import product

__all__ = ["equations"]

MOST = 8  # equations
WIDEST = 140  # columns of one

_LETTERS = "ᵢⱼₖₗₘₙ"
_POWERS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_TOO_LONG = Code("…")

# By the indices of both factors and of the product.
_MATRIX_PRODUCTS = {
    (((0, 1), (1, 2)), (0, 2)): "{0} {1}",
    (((0, 1), (2, 1)), (0, 2)): "{0} {1}ᵀ",
    (((0, 1), (0, 2)), (1, 2)): "{0}ᵀ {1}",
    (((0, 1), (1,)), (0,)): "{0} {1}",
    (((0,), (0, 1)), (1,)): "{1}ᵀ {0}",
    (((0,), (0,)), ()): "{0}ᵀ {1}",
    (((0,), (1,)), (0, 1)): "{0} {1}ᵀ",
}


def equations(graph: Graph) -> list[str]:
    """Return the equations, in the order of the code; an ellipsis where some are missing."""
    nodes, value = graph.nodes, graph.outputs["value"]
    written = _written(graph)
    told, pending = [value], [value]
    seen = {_origin(nodes[value])}
    missing = False
    for node in pending:
        for one in _named_below(nodes, node):
            again = nodes[one].position == nodes[value].position is not None
            if _origin(nodes[one]) not in seen and not again:
                seen.add(_origin(nodes[one]))
                missing = missing or len(told) == MOST
                if not missing:
                    told.append(one)
                    pending.append(one)
    told.sort(key=lambda one: nodes[one].index)
    named = [(_name(nodes[one]), one) for one in told if one is not value]
    lines = [f"{name} = {written[id(one)].text}" for name, one in named]
    lines.append(f"value = {written[id(value)].text}")
    return ["…"] * missing + [one for one in lines if not one.endswith(" = …")]


def _origin(info: Info) -> tuple:
    """Return what the values of a name have in common that a loop makes again."""
    return info.name, info.position


def _name(info: Info) -> str:
    return "_".join([info.name or "", *(str(turn.index) for turn in info.turns)])


def _is_named(nodes: Nodes, node: sympy.Expr) -> bool:
    return nodes[node].name is not None and bool(nodes[node].operands)


def _named_below(nodes: Nodes, node: sympy.Expr) -> Iterator[sympy.Expr]:
    """Yield the named values that a value is written over, the first one first."""
    pending, seen = list(nodes[node].operands), set[int]()
    for one in pending:
        if id(one) not in seen:
            seen.add(id(one))
            if _is_named(nodes, one):
                yield one
            else:
                pending.extend(nodes[one].operands)


def _written(graph: Graph) -> dict[int, Code]:
    """Return the text of each value over those that have names."""
    nodes, writer = graph.nodes, _Writer(graph.nodes)
    read: dict[int, Code] = {}
    written: dict[int, Code] = {}
    for node in graph.walk(["value"]):
        operands = [read[id(one)] for one in nodes[node].operands]
        code = _code(writer, node, operands)
        written[id(node)] = code if len(code.text) <= WIDEST else _TOO_LONG
        named = _is_named(nodes, node)
        read[id(node)] = Code(_name(nodes[node])) if named else written[id(node)]
    return written


class _Writer(Writer):
    """Writes functions without their modules."""

    def __init__(self, nodes: Nodes) -> None:
        super().__init__(nodes, "")

    def function(self, name: str) -> str:
        return name.rpartition(".")[2]

    def number(self, value: float) -> Code:
        if isinstance(value, float):
            text = f"{value:.6g}".replace("inf", "∞")
            return Code(text, Level.UNARY if text.startswith("-") else Level.ATOM)
        return super().number(value)


def _code(writer: Writer, node: Any, operands: Sequence[Code]) -> Code:
    """Return a node over its operands."""
    if isinstance(node, ArrayConstant):
        return Code(writer.nodes[node].name or "constant")
    if isinstance(node, Variable):
        return Code(node.name)
    if (value := number_of(node)) is not None:
        return writer.number(value)
    if writer.nodes.is_size(node):
        return writer.size(node)
    row = ROWS[type(node)]
    if own := _OWN.get(type(node)):
        return own(writer, node, *operands)
    if row.block is not None:
        return call(type(node).__name__.lower(), *operands)
    return row.write(writer, node, *operands)


def _same(writer: Writer, node: Any, x: Code) -> Code:
    return x


def _product(writer: Writer, node: Any, left: Code, right: Code) -> Code:
    if is_negative(node) or is_reciprocal(writer.nodes[node].operands[1]):
        return ROWS[sympy.Mul].write(writer, node, left, right)
    return infix(left, "·", right, Level.PRODUCT)


def _power(writer: Writer, node: Any, base: Code, exponent: Code) -> Code:
    power = number_of(node.args[1])
    if power == -1:
        return ROWS[sympy.Pow].write(writer, node, base, exponent)
    if power in (0.5, -0.5):
        root = Code(f"√{wrap(base, Level.ATOM)}", Level.POWER)
        below = Code(f"1 / {root.text}", Level.PRODUCT, inverse=root)
        return root if power == 0.5 else below
    text = wrap(base, Level.ATOM)
    if isinstance(power, int) and power > 0:
        return Code(f"{text}{str(power).translate(_POWERS)}", Level.POWER)
    return Code(f"{text}^{wrap(exponent, Level.ATOM)}", Level.POWER)


def _transpose(writer: Writer, node: Any, x: Code) -> Code:
    (axes,) = node.params
    if len(axes) == 2:
        return Code(f"{wrap(x, Level.ATOM)}ᵀ", Level.POWER)
    return ROWS[Transpose].write(writer, node, x)


def _contraction(writer: Writer, node: Any, *operands: Code) -> Code:
    inputs, output = node.params
    if len(operands) == 1 and len(set(inputs[0])) == len(inputs[0]):
        return _total(writer, node, *operands)
    if (inputs, output) not in _MATRIX_PRODUCTS:
        return ROWS[Contraction].write(writer, node, *operands)
    factors = (wrap(one, Level.POWER) for one in operands)
    return Code(_MATRIX_PRODUCTS[inputs, output].format(*factors), Level.PRODUCT)


def _total(writer: Writer, node: Any, x: Code) -> Code:
    """Return a sum over axes, which may turn out to be part of a mean."""
    (indices,), output = node.params
    shape = writer.nodes.shape(writer.nodes[node].operands[0])
    axes = [axis for axis, index in enumerate(indices) if index not in output]
    if not axes:
        return x
    letters = _letters(axes, len(indices))
    count = product(shape[axis] for axis in axes)
    total = Code(f"∑{letters} {wrap(x, Level.POWER)}", Level.UNARY)
    total = total._replace(mean=(call(f"mean{letters}", x), count))
    return total._replace(keepdims=total)


def _reduction(writer: Writer, node: Any, x: Code) -> Code:
    rank = len(writer.nodes.shape(writer.nodes[node].operands[0]))
    code = call(f"{type(node).__name__.lower()}{_letters(node.params[0], rank)}", x)
    return code._replace(keepdims=code)


def _letters(axes: Sequence[int], rank: int) -> str:
    """Return the letters of the axes that are reduced, unless all are."""
    if len(axes) == rank or rank > len(_LETTERS):
        return ""
    return "".join(_LETTERS[axis] for axis in axes)


def _absolute(writer: Writer, node: Any, x: Code) -> Code:
    return Code(f"|{x.text}|")


def _where(writer: Writer, node: Any, *operands: Code) -> Code:
    """Return the largest exponent as it is, though it may be kept finite."""
    condition, x, _ = writer.nodes[node].operands
    if isinstance(condition, IsFinite) and writer.nodes[condition].operands[0] is x:
        return operands[1]
    return ROWS[where].write(writer, node, *operands)


_OWN: dict[type, Callable[..., Code]] = {
    where: _where,
    **dict.fromkeys((Cast, StopGradient, Broadcast), _same),
    **dict.fromkeys((Max, Min, Prod), _reduction),
    sympy.Mul: _product,
    sympy.Pow: _power,
    sympy.Abs: _absolute,
    Transpose: _transpose,
    Contraction: _contraction,
}
