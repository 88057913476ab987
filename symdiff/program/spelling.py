"""Statements as text: a value's expression over the names that have been given.

In: nodes, and names for some of them. Out: `Code` and lines; what has no name is
written out where it is read, and a line may become as long as it will.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import sympy

from ..code import Code, Writer
from ..graph import number_of
from ..ops.table import ROWS
from .usage import Usage

__all__ = ["Speller", "Step"]


@dataclass(frozen=True)
class Step:
    """One statement: `value = expression`, or `value += expression` where it is added.

    place: the node whose place in the source it has; the value itself but for terms.
    reads: what it reads by name.
    """

    value: sympy.Expr
    expression: sympy.Expr
    place: sympy.Expr
    added: bool = False
    reads: tuple[sympy.Expr, ...] = ()


class Speller:
    """Writes nodes over the names in `given`; `code` is how each one is read."""

    def __init__(self, usage: Usage, writer: Writer, given: dict[int, str]) -> None:
        self.usage = usage
        self.nodes = usage.nodes
        self.writer = writer
        self.given = given
        self.code: dict[int, Code] = {}
        self._again: set[int] = set()

    def is_named(self, node: sympy.Expr) -> bool:
        """Return whether a node is read by its name."""
        return id(node) in self.given and id(node) not in self._again

    def learn(self, node: sympy.Expr) -> None:
        """Keep how a node is read: by its name, or written out."""
        named = self.is_named(node)
        name = self.given[id(node)] if named else ""
        self.code[id(node)] = Code(name) if named else self.expression(node)

    def prepare(self, step: Step) -> list[sympy.Expr]:
        """Learn how all that a step reads is read; return what it writes out."""
        inside, named = self.read_by(step)
        for node in (*named, *inside):
            self.learn(node)
        return inside

    def take_views_again(self) -> None:
        """From now on write named views of arguments out: the backward pass begins."""
        for node in self.usage.half(forward=True):
            if self.usage.is_passing_view(node):
                self._again.add(id(node))
                self.learn(node)

    def expression(self, node: sympy.Expr) -> Code:
        """Return a node written out over its operands."""
        if (value := number_of(node)) is not None:
            return self.writer.number(value)
        if self.nodes.is_size(node):
            return self.writer.size(node)
        return ROWS[type(node)].write(self.writer, node, *self._operands(node))

    def lines(self, step: Step) -> list[str]:
        """Return the lines of a step."""
        name, node = self.given[id(step.value)], step.expression
        if (block := self._block(step)) is not None:
            return block(self.writer, node, name, *self._operands(node))
        if not step.added:
            return [f"{name} = {self.expression(node).text}"]
        code = self.code[id(node)]
        if code.negated is not None:
            return [f"{name} -= {code.negated.text}"]
        return [f"{name} += {code.text}"]

    def read_by(self, step: Step) -> tuple[list[sympy.Expr], list[sympy.Expr]]:
        """Return the nodes that a step writes out, and those that it names."""
        node = step.expression
        own = node is step.value
        whole = step.added and (own or self._block(step) is None)
        return self.read([node] if whole else self.nodes[node].operands)

    def read(
        self, roots: Iterable[sympy.Expr]
    ) -> tuple[list[sympy.Expr], list[sympy.Expr]]:
        """Return the nodes that are written out to read these, and those named."""
        found: set[int] = set()
        inside: list[sympy.Expr] = []
        named: list[sympy.Expr] = []
        pending = list(roots)
        while pending:
            node = pending.pop()
            if id(node) not in found:
                found.add(id(node))
                if self.is_named(node):
                    named.append(node)
                else:
                    inside.append(node)
                    pending.extend(self.nodes[node].operands)
        return self._in_order(inside), self._in_order(named)

    def _in_order(self, nodes: list[sympy.Expr]) -> list[sympy.Expr]:
        if len(nodes) < 2:
            return nodes
        return sorted(nodes, key=lambda node: self.nodes[node].index)

    def resolved(self, step: Step) -> Step:
        """Return a step with what it reads."""
        return replace(step, reads=tuple(self.read_by(step)[1]))

    def _block(self, step: Step) -> Callable[..., list[str]] | None:
        """Return the row's block where a step is written as one."""
        row = ROWS.get(type(step.expression))
        if row is None or (step.added and self.is_named(step.expression)):
            return None
        return row.adding if step.added else row.block

    def _operands(self, node: sympy.Expr) -> list[Code]:
        return [self.code[id(one)] for one in self.nodes[node].operands]
