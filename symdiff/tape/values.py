"""Nodes that carry their values: what a trace writes down, computed as it is written.

In: the arrays of the inputs, then nodes as they are made. Out: the value of each, by
running what its row of the table of operations writes for it. Refused: nothing; what
NumPy raises passes through.
"""

from __future__ import annotations

import builtins
import copy
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer
from ..graph import ArrayConstant, Nodes, Variable, number_of
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
        if id(node) not in self._values:
            self._values[id(node)] = self._computed(node)
        return node

    def value(self, node: sympy.Expr) -> Any:
        """Return a node's value."""
        if isinstance(node, Variable):
            return self.inputs[node.name]
        number = number_of(node)
        return self._values[id(node)] if number is None else number

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
        self, node: sympy.Expr, target: str, operands: Sequence[Code]
    ) -> list[str]:
        """Return the statements that give a target a node's value."""
        writer = Writer(self)
        row = ROWS[type(node)]
        if row.block is not None:
            lines = row.block(writer, node, target, *operands)
        else:
            lines = [f"{target} = {row.write(writer, node, *operands).text}"]
        return [*writer.imports, *lines]

    def _computed(self, node: sympy.Expr) -> Any:
        if isinstance(node, ArrayConstant):
            return node.array
        space: dict[str, Any] = {"np": np}
        codes = []
        for place, operand in enumerate(self[node].operands):
            number = number_of(operand)
            if number is None:
                space[f"x{place}"] = self.value(operand)
                codes.append(Code(f"x{place}"))
            else:
                codes.append(Writer(self).number(number))
        exec(_compiled("\n".join(self.lines(node, "y", codes))), space)
        return space["y"]


@lru_cache(maxsize=1024)
def _compiled(text: str) -> CodeType:
    return builtins.compile(text, "<tape>", "exec")
