"""The table of operations: a row says all that symdiff knows of one kind of node.

Rows stand in the modules beside this one and are added by `row`; the NumPy and SciPy
callables that reach them are registered by `reached_by`, as functions on handles.
Nothing else in symdiff knows an operation by name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from ..code import Code, Writer, call
from ..errors import UnsupportedError
from ..graph import SHAPE_RULES
from ..shapes import is_weak
from .corners import Corner
from .domains import Domain

__all__ = [
    "FUNCTIONS",
    "METHODS",
    "PROPERTIES",
    "ROWS",
    "WRITERS",
    "Kind",
    "Row",
    "accepted",
    "called",
    "reached_by",
    "row",
    "writing_by",
]

Kind = Literal[
    "elementwise", "transcendental", "contraction", "reduction", "view", "array"
]
Shaping = Callable[..., tuple]
Writing = Callable[..., Code]


@dataclass(frozen=True)
class Row:
    """One kind of node.

    node: its class. kind: what its work is counted as; a "view" may share its operand's
    memory. write: its text, `(writer, node, *operands) -> Code`. vjp: a rule for each
    operand, `(g, y, *x) -> cotangent` in NumPy on handles, None where it has no
    gradient; or one function `(g, y, x, needed) -> cotangents`. block: for what no
    expression writes, `(writer, node, target, *operands) -> lines`; adding: the lines
    that add it to the target. put: for a view, `(x, value, node) -> x` with a value in
    the place that the view has. corner: where there is no derivative, for all nodes or
    `(nodes, node) -> corner`; at it the rule gives the least-norm slope. domain: for
    each operand where the function and its slope are finite, None for anywhere, or
    `(nodes, node) -> domains`. latex, sympy: the node as a formula. inline: whether it
    never gets a name of its own.
    """

    node: type
    kind: Kind
    write: Writing
    vjp: tuple[Callable | None, ...] | Callable | None = None
    block: Callable[..., list[str]] | None = None
    put: Callable[..., Any] | None = None
    adding: Callable[..., list[str]] | None = None
    corner: Corner | Callable[..., Corner | None] | None = None
    domain: Sequence[Domain | None] | Callable[..., Sequence[Domain | None]] = ()
    latex: str | Callable[..., str] = ""
    sympy: Callable[..., Any] | None = None
    inline: bool = False


ROWS: dict[type, Row] = {}

# How a traced handle meets the table: NumPy's or SciPy's callable, or the name of a
# method or property of arrays, to its function on handles.
FUNCTIONS: dict[Callable, Callable] = {}
METHODS: dict[str, Callable] = {}
PROPERTIES: dict[str, Callable] = {}
# Those that write into their first argument, as functions that give it its new value.
WRITERS: dict[Callable | str, Callable] = {}


def row(
    node: type, *, kind: Kind, shape: Shaping, write: str | Writing, **facts: Any
) -> type:
    """Add a row and return its node class.

    `shape` is `(nodes, *operands, *params) -> (shape, dtype)`; `write` may be the name
    of the function that is called with the operands.
    """
    writing = called(write) if isinstance(write, str) else write
    SHAPE_RULES[node] = shape
    ROWS[node] = Row(node, kind, writing, **facts)
    return node


def called(name: str) -> Writing:
    """Return the writing of a node as a call of `np.NAME` or `scipy.special.NAME`.

    A result that the graph takes for a Python number is made one again.
    """

    def write(writer: Writer, node: Any, *operands: Code) -> Code:
        code = call(writer.function(name), *operands)
        weak = is_weak(writer.nodes.dtype(node))
        return Code(f"{code.text}.item()") if weak else code

    return write


def reached_by(*callables: Callable, method: str = "", attribute: str = "") -> Callable:
    """Return a decorator for the function on handles that these callables lead to."""

    def register(function: Callable) -> Callable:
        for one in callables:
            FUNCTIONS[one] = function
        if method:
            METHODS[method] = function
        if attribute:
            PROPERTIES[attribute] = function
        return function

    return register


def writing_by(*callables: Callable | str) -> Callable:
    """Return a decorator for what these functions, and methods by name, write."""

    def register(function: Callable) -> Callable:
        WRITERS.update(dict.fromkeys(callables, function))
        return function

    return register


# Values at which options of NumPy's functions do nothing.
NEUTRAL: Mapping[str, tuple] = {
    "b": (None,),
    "casting": ("same_kind", "safe", "unsafe"),
    "device": (None, "cpu"),
    "dtype": (None,),
    "initial": (None,),
    "like": (None,),
    "mode": ("raise",),
    "order": ("C", "K"),
    "out": (None,),
    "return_sign": (False,),
    "shape": (None,),
    "subok": (True, False),
    "where": (True,),
}

_signature = lru_cache(maxsize=None)(inspect.signature)


def accepted(
    build: Callable, args: tuple, kwargs: Mapping[str, Any], name: str
) -> dict[str, Any]:
    """Return the options of a call that a function on handles takes.

    Those that do nothing are left out. Raises `UnsupportedError`, which names the
    option, for any other.
    """
    signature = _signature(build)
    left = {}
    for option, value in kwargs.items():
        if value is np._NoValue:
            continue
        if option in signature.parameters:
            left[option] = value
        elif not any(value is one for one in NEUTRAL.get(option, ())):
            raise UnsupportedError(
                f"{name}: the option {option}={value!r} is not supported",
                remedy="Write it without this option.",
            )
    try:
        signature.bind(*args, **left)
    except TypeError as error:
        raise UnsupportedError(f"{name}: {error}") from None
    return left
