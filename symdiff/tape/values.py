"""Nodes that carry their values: what a trace writes down, computed as it is written.

In: the arrays of the inputs, then nodes as they are made. Out: the value of each, by
running what its row of the table of operations writes for it. Refused: nothing; what
NumPy raises passes through.
"""

from __future__ import annotations

import builtins
import copy
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer
from ..graph import ArrayConstant, Nodes, Variable, number_of
from ..ops.arithmetic import is_negative, is_reciprocal
from ..ops.table import ROWS

__all__ = ["ValueNodes"]


class ValueNodes(Nodes):
    """Nodes each of which is computed, once, when it is made.

    `inputs` are the values of the inputs by name.
    """

    def __init__(self, float_dtype: str, inputs: Mapping[str, Any]) -> None:
        super().__init__(float_dtype)
        self.inputs = dict(inputs)
        self._values: dict[int, Any] = {}

    def make(self, cls: type, *operands: sympy.Expr, params: tuple = ()) -> sympy.Expr:
        """Return the node of a class over operands, whose value is known from now on."""
        node = super().make(cls, *operands, params=params)
        if not self.is_part(node):
            self.value(node)
        return node

    def value(self, node: sympy.Expr) -> Any:
        """Return a node's value."""
        if isinstance(node, Variable):
            return self.inputs[node.name]
        if (number := number_of(node)) is not None:
            return number
        if id(node) not in self._values:
            self._values[id(node)] = self._computed(node)
        return self._values[id(node)]

    def is_part(self, node: sympy.Expr) -> bool:
        """Return whether a node is -x or 1 / x of another: half of a difference or of a
        quotient, which NumPy computes as one.
        """
        if not (is_negative(node) or is_reciprocal(node)):
            return False
        operands = self[node].operands
        return not any(is_negative(one) or is_reciprocal(one) for one in operands)

    def forked(self, **inputs: Any) -> ValueNodes:
        """Return these nodes with values for more inputs; what is made of either of the
        two from now on is not in the other.
        """
        fork = copy.copy(self)
        for name in ("_made", "_info", "_all", "_values"):
            setattr(fork, name, copy.copy(getattr(self, name)))
        fork.inputs = self.inputs | inputs
        return fork

    def lines(
        self, node: sympy.Expr, target: str, names: Mapping[int, str]
    ) -> list[str]:
        """Return the statements that give a target a node's value, over named ones."""
        writer, row = Writer(self), ROWS[type(node)]
        operands = [self.code(one, names) for one in self[node].operands]
        if row.block is not None:
            lines = row.block(writer, node, target, *operands)
        else:
            lines = [f"{target} = {row.write(writer, node, *operands).text}"]
        return [*writer.imports, *lines]

    def code(self, node: sympy.Expr, names: Mapping[int, str]) -> Code:
        """Return how a node is read: by its name, or written out."""
        writer = Writer(self)
        if id(node) in names:
            return Code(names[id(node)])
        if (number := number_of(node)) is not None:
            return writer.number(number)
        operands = (self.code(one, names) for one in self[node].operands)
        return ROWS[type(node)].write(writer, node, *operands)

    def _computed(self, node: sympy.Expr) -> Any:
        if isinstance(node, ArrayConstant):
            return node.array
        names: dict[int, str] = {}
        space: dict[str, Any] = {"np": np}
        for one in self._read(node):
            name = names.setdefault(id(one), f"x{len(names)}")
            space[name] = self.value(one)
        exec(_compiled("\n".join(self.lines(node, "y", names))), space)
        return space["y"]

    def _read(self, node: sympy.Expr) -> Iterator[sympy.Expr]:
        """Yield the nodes by whose values a node is computed."""
        for one in self[node].operands:
            read = self[one].operands if self.is_part(one) else (one,)
            yield from (part for part in read if number_of(part) is None)


@lru_cache(maxsize=1024)
def _compiled(text: str) -> CodeType:
    return builtins.compile(text, "<tape>", "exec")
