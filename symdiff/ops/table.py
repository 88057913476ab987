"""The table of operations: a row says all that symdiff knows of one kind of node.

Rows stand in the modules beside this one and are added by `row`; the NumPy and SciPy callables that reach
them are registered by `reached_by`, as functions on handles. Nothing else in symdiff knows an operation by
name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ..code import Code
from ..graph import SHAPE_RULES

__all__ = [
    "EVALUATE",
    "FUNCTIONS",
    "METHODS",
    "PROPERTIES",
    "ROWS",
    "Kind",
    "Row",
    "reached_by",
    "row",
]

Kind = Literal[
    "elementwise", "transcendental", "contraction", "reduction", "view", "array"
]


@dataclass(frozen=True)
class Row:
    """One kind of node.

    node: its class. write: its text, as a template over its operands or a function
    `(writer, node, *operands) -> Code`. vjp: a rule for each operand, `(g, y, *x) -> cotangent` in NumPy on
    handles, or one function `(g, y, x, needed) -> cotangents`; None where it has no gradient. block: for
    what no expression writes, `(writer, node, target, *operands) -> lines`. corner: what it does where it
    has no derivative. alike: whether `write`'s result is a view, so that an output made so is copied.
    """

    node: type
    kind: Kind
    write: Callable[..., Code]
    vjp: tuple[Callable | None, ...] | Callable | None = None
    block: Callable[..., list[str]] | None = None
    corner: str = ""
    latex: str | Callable[..., str] = ""
    sympy: Callable[..., Any] | None = None
    inline: bool = False


ROWS: dict[type, Row] = {}

# How a traced handle meets the table: NumPy's or SciPy's callable, or the name of a method or property of
# arrays, to its function on handles.
FUNCTIONS: dict[Callable, Callable] = {}
METHODS: dict[str, Callable] = {}
PROPERTIES: dict[str, Callable] = {}

# The NumPy or SciPy callable that computes what a function on handles records.
EVALUATE: dict[Callable, Callable] = {}


def row(
    node: type,
    *,
    kind: Kind,
    shape: Callable[..., tuple],
    write: str | Callable[..., Code],
    **facts: Any,
) -> type:
    """Add a row and return its node class.

    `shape` is `(nodes, *operands, *params) -> (shape, dtype)`.
    """
    SHAPE_RULES[node] = shape
    ROWS[node] = Row(
        node, kind, _written(write) if isinstance(write, str) else write, **facts
    )
    return node


def reached_by(*callables: Callable, method: str = "", attribute: str = "") -> Callable:
    """Return a decorator: the function on handles that these NumPy callables lead to."""

    def register(function: Callable) -> Callable:
        for one in callables:
            FUNCTIONS[one] = function
            EVALUATE.setdefault(function, one)
        if method:
            METHODS[method] = function
        if attribute:
            PROPERTIES[attribute] = function
        return function

    return register


def _written(template: str) -> Callable[..., Code]:
    function, _, _ = template.partition("(")

    def write(writer: Any, node: Any, *operands: Code) -> Code:
        inside = ", ".join(operand.text for operand in operands)
        return Code(f"{writer.function(function)}({inside})")

    return write
