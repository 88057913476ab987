"""From a graph with its gradient to statements in order: what the templates print.

In: the graph and the names of arguments. Out: a `Program`, whose texts are finished: names given, expressions
inlined where they are used once and the line stays within 88 columns, the user's lines in comments. Nothing
that the graph holds is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import sympy

from .code import Code, Level, Writer
from .graph import ArrayConstant, Graph, Nodes, Variable, number_of
from .naming import Names, described
from .ops.elementwise import is_reciprocal
from .ops.layout import Broadcast, Reshape, keeps_axes
from .ops.table import ROWS
from .passes.reverse import COTANGENT
from .shapes import show
from .source import Position, comment_of, statement_of

__all__ = ["Program", "Statement", "schedule"]

WIDTH = 88
INDENT = 4


@dataclass(frozen=True)
class Statement:
    """One value's lines of code, its shape, where it comes from, and a heading before it."""

    target: str
    lines: tuple[str, ...]
    shape: str
    source: str = ""
    heading: str = ""

    def text(self, indent: int = 0) -> list[str]:
        """Return the lines as they stand in a module: with comments, no line wider for them."""
        before = [f"# {self.heading}"] if self.heading else []
        *first, last = self.lines
        for notes in ((self.shape, self.source), (self.shape,)):
            comment = "  ".join(filter(None, notes))
            if len(last) + indent + len(comment) + 4 <= WIDTH:
                return [*before, *first, f"{last}  # {comment}"]
        return [*before, *self.lines]

    def __str__(self) -> str:
        return "\n".join(self.text())


@dataclass(frozen=True)
class Program:
    """Statements of both passes and the names that pass between them.

    arguments: local names of the argument arrays. sizes: unknown sizes' local names, by size. constants:
    statements at the module's top. cache: what the backward pass reads. gradients: expressions, by output.
    """

    np: str
    special: str | None
    arguments: tuple[str, ...]
    sizes: dict[str, str]
    constants: tuple[Statement, ...]
    forward: tuple[Statement, ...]
    value: str
    cache: tuple[str, ...]
    backward: tuple[Statement, ...]
    gradients: dict[str, str]

    def __str__(self) -> str:
        parts = ["constants", *map(str, self.constants)] if self.constants else []
        parts += ["forward", *map(str, self.forward), f"return {self.value}"]
        parts += ["", f"cache: {', '.join(self.cache)}", ""]
        parts += ["backward", *map(str, self.backward)]
        parts += [f"{name} = {text}" for name, text in self.gradients.items()]
        return "\n".join(parts)


def schedule(
    graph: Graph, taken: Iterable[str] = (), kept: Sequence[str] = ()
) -> Program:
    """Return the program of a graph.

    `taken` are names that its values must not have, `kept` names of arguments to be kept in the cache
    whether the backward pass reads them or not.
    """
    return _Scheduler(graph, taken).program(kept)


class _Scheduler:
    """Names nodes and writes them, in the order in which they were made."""

    def __init__(self, graph: Graph, taken: Iterable[str]) -> None:
        self.graph = graph
        self.nodes = graph.nodes
        taken = set(taken)
        leaves = [one for one in graph.inputs if one.name != COTANGENT]  # type: ignore[attr-defined]
        wished = taken | {one.name for one in leaves}  # type: ignore[attr-defined]
        alias = Names(wished)
        self.writer = Writer(graph.nodes, np=alias.give("np"))
        self.writer.special = (
            "scipy.special" if "scipy" not in wished else alias.give("special")
        )
        self.names = Names(
            {*taken, self.writer.np, self.writer.special, "scipy", COTANGENT, "cache"}
        )
        self.name: dict[int, str] = {}
        self.arguments = tuple(self._give(one, one.name) for one in leaves)  # type: ignore[attr-defined]
        self._name_sizes()
        self.walk = graph.walk()
        self.forward = {id(node) for node in graph.walk(["value"])}
        self.outputs = set(map(id, graph.outputs.values()))
        self.consumers = self._consumers()
        self.uses = self._uses()
        self.code: dict[int, Code] = {}
        self.statements: list[Statement] = []
        self.constants: list[Statement] = []
        self.heading: Position | None = None

    def _give(self, node: sympy.Expr, wish: str) -> str:
        self.name[id(node)] = self.names.give(wish)
        return self.name[id(node)]

    def _name_sizes(self) -> None:
        symbols: dict[str, None] = {}
        for node in self.graph.inputs:
            for one in self.nodes.shape(node):
                if isinstance(one, sympy.Symbol):
                    symbols[one.name] = None
        self.writer.size_names = {name: self.names.give(name) for name in symbols}

    # Which values get a name.

    def _consumers(self) -> dict[int, list[sympy.Expr]]:
        consumers: dict[int, list[sympy.Expr]] = {id(node): [] for node in self.walk}
        for node in self.walk:
            for operand in self.nodes[node].operands:
                consumers[id(operand)].append(node)
        return consumers

    def _uses(self) -> dict[int, int]:
        """Return how often each value would be written, views and reciprocals being written anew."""
        uses = dict.fromkeys(map(id, self.walk), 0)
        for node in self.graph.outputs.values():
            uses[id(node)] += 1
        for node in reversed(self.walk):
            times = uses[id(node)] if self._always_inline(node) else 1
            for operand in self.nodes[node].operands:
                uses[id(operand)] += times
        return uses

    def _always_inline(self, node: sympy.Expr) -> bool:
        info = self.nodes[node]
        if info.dtype in ("int", "float") or is_reciprocal(node):
            return True
        if isinstance(node, Reshape):
            named = info.name is not None and not info.backward
            return not named and not self._stands_for_reduction(node)
        return ROWS[type(node)].inline if type(node) in ROWS else True

    def _stands_for_reduction(self, node: sympy.Expr) -> bool:
        """Whether this is `x.sum(axis=..., keepdims=True)`, used in no other form."""
        operand = self.nodes[node].operands[0]
        return len(self.consumers[id(operand)]) == 1 and keeps_axes(self.nodes, node)

    def _is_named(self, node: sympy.Expr) -> bool:
        info = self.nodes[node]
        if self._always_inline(node) or self._is_kept_by_reshape(node):
            return False
        if self.uses[id(node)] > 1 or ROWS[type(node)].block is not None:
            return True
        if info.name is not None or id(node) in self.outputs:
            return True
        crossing = id(node) in self.forward and any(
            id(one) not in self.forward for one in self.consumers[id(node)]
        )
        return crossing

    def _is_kept_by_reshape(self, node: sympy.Expr) -> bool:
        consumers = self.consumers[id(node)]
        return len(consumers) == 1 and (
            isinstance(consumers[0], Reshape)
            and self._stands_for_reduction(consumers[0])
        )

    # Writing.

    def program(self, kept: Sequence[str]) -> Program:
        for node in self.walk:
            if isinstance(node, ArrayConstant):
                self._constant(node)
        forward = self._half(lambda node: id(node) in self.forward)
        value = self.code[id(self.graph.outputs["value"])]
        read = self._read_by_backward(kept)
        if COTANGENT in {getattr(one, "name", "") for one in self.graph.inputs}:
            seed = next(one for one in self.graph.inputs if one.name == COTANGENT)  # type: ignore[attr-defined]
            self.code[id(seed)] = Code(COTANGENT)
        backward = self._half(lambda node: id(node) not in self.forward)
        gradients = self._gradients()
        return Program(
            np=self.writer.np,
            special=self.writer.special if self.writer.uses_scipy else None,
            arguments=self.arguments,
            sizes=dict(self.writer.size_names),
            constants=tuple(self.constants),
            forward=forward,
            value=value.text,
            cache=read,
            backward=backward,
            gradients=gradients,
        )

    def _half(self, belongs: Callable[[sympy.Expr], bool]) -> tuple[Statement, ...]:
        self.statements, self.heading = [], None
        for node in self.walk:
            if belongs(node):
                self._write(node)
        return tuple(self.statements)

    def _constant(self, node: ArrayConstant) -> None:
        array = node.array
        name = self._give(node, self.nodes[node].name or "constant")
        values = ", ".join(_nested(array.tolist(), self.writer))
        kind = self.writer.function(f"np.{array.dtype.name}")
        line = f"{name} = {self.writer.function('np.array')}([{values}], {kind})"
        self.constants.append(Statement(name, (line,), show(array.shape)))
        self.code[id(node)] = Code(name)

    def _write(self, node: sympy.Expr) -> None:
        if id(node) in self.code:
            return
        if isinstance(node, Variable):
            self.code[id(node)] = Code(self.name[id(node)])
        elif (value := number_of(node)) is not None:
            self.code[id(node)] = self.writer.number(value)
        elif self.nodes.is_size(node):
            self.code[id(node)] = self.writer.size(node)
        elif self._is_named(node):
            self._state(node)
        else:
            code = self._expression(node, WIDTH - INDENT)
            self.code[id(node)] = code

    def _expression(self, node: sympy.Expr, width: int) -> Code:
        """Write a node over its operands, naming the longest of those until the text fits."""
        operands = self.nodes[node].operands
        row = ROWS[type(node)]
        while True:
            code = row.write(
                self.writer, node, *(self.code[id(one)] for one in operands)
            )
            if len(code.text) <= width:
                return code
            long = [
                one
                for one in map(self._behind_sign, operands)
                if self._can_be_named(one)
            ]
            if not long:
                return code
            named = max(long, key=lambda one: len(self.code[id(one)].text))
            self._state(named)
            for one in operands:
                if self._behind_sign(one) is named and one is not named:
                    self.code[id(one)] = self._expression(one, width)

    def _behind_sign(self, node: sympy.Expr) -> sympy.Expr:
        """Return x for -x and 1 / x: what is worth a name."""
        while id(node) not in self.name and self.code[id(node)].level != Level.ATOM:
            operands = self.nodes[node].operands
            if is_reciprocal(node):
                node = operands[0]
            elif isinstance(node, sympy.Mul) and operands[0] is sympy.S.NegativeOne:
                node = operands[1]
            else:
                break
        return node

    def _can_be_named(self, node: sympy.Expr) -> bool:
        return (
            bool(self.nodes[node].operands)
            and id(node) not in self.name
            and len(self.code[id(node)].text) > 2 * INDENT
        )

    def _state(self, node: sympy.Expr) -> None:
        """Give a node a name and a statement of its own."""
        name = self._give(node, self._wish(node))
        operands = [self.code[id(one)] for one in self.nodes[node].operands]
        row = ROWS[type(node)]
        if row.block is not None:
            lines = row.block(self.writer, node, name, *operands)
        else:
            room = WIDTH - INDENT - len(name) - len(" = ")
            lines = [f"{name} = {self._expression(node, room).text}"]
        self.statements.append(
            Statement(
                name,
                tuple(lines),
                self._shape_text(node),
                self._source_text(node),
                self._heading_text(node),
            )
        )
        self.code[id(node)] = Code(name)

    def _wish(self, node: sympy.Expr) -> str:
        info = self.nodes[node]
        for output, one in self.graph.outputs.items():
            if one is node and (output != "value" or info.name is None):
                return output
        if info.name is not None:
            return info.name
        if info.cotangent_of is not None:
            return f"d_{self._wish_of_forward(info.cotangent_of)}"
        return self._wish_of_forward(node)

    def _wish_of_forward(self, node: sympy.Expr) -> str:
        """Return a name from what a value is: the argument of a named function is its `pre_`."""
        if id(node) in self.name:
            return self.name[id(node)]
        consumers = [
            one for one in self.consumers.get(id(node), ()) if id(one) in self.forward
        ]
        if len(consumers) == 1 and ROWS[type(consumers[0])].kind in _FUNCTION_KINDS:
            name = self.nodes[consumers[0]].name
            if name is not None and isinstance(node, sympy.Add):
                return f"pre_{name}"
        return described(self.graph, node, self.name)

    # Comments.

    def _shape_text(self, node: sympy.Expr) -> str:
        return self.writer.shape(self.nodes.shape(node))

    def _source_text(self, node: sympy.Expr) -> str:
        info = self.nodes[node]
        if info.backward or info.position is None:
            return ""
        comment = comment_of(info.position) if info.name is not None else ""
        return f"{info.position}  {comment}".rstrip()

    def _heading_text(self, node: sympy.Expr) -> str:
        info = self.nodes[node]
        if id(node) in self.forward or info.position is None:
            return ""
        here = info.position
        if self.heading and (here.path, here.line) == (
            self.heading.path,
            self.heading.line,
        ):
            return ""
        self.heading = here
        text = statement_of(here)
        return f"gradient of: {text}" if text else f"gradient of {here}"

    # What passes from one half to the other, and out.

    def _read_by_backward(self, kept: Sequence[str]) -> tuple[str, ...]:
        """Return the names of forward values, arguments and sizes that backward statements use."""
        found: dict[str, None] = dict.fromkeys(kept)
        sizes: set[str] = set()
        roots = [node for name, node in self.graph.outputs.items() if name != "value"]
        pending, seen = list(roots), set()
        while pending:
            node = pending.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            if id(node) in self.name and not isinstance(node, ArrayConstant):
                found[self.name[id(node)]] = None
                continue
            sizes |= _symbols_of(self.nodes, node)
            pending.extend(self.nodes[node].operands)
        order = [
            self.name[id(node)] for node in self.graph.inputs if id(node) in self.name
        ]
        order += [one.target for one in self.statements]
        cached = [
            *kept,
            *(name for name in order if name in found and name not in kept),
        ]
        names = self.writer.size_names
        return (*cached, *(names[one] for one in names if one in sizes))

    def _gradients(self) -> dict[str, str]:
        """Return each gradient's text: an array of its own, that is no view of any other."""
        texts: dict[str, str] = {}
        given: set[int] = set()
        for output, node in self.graph.outputs.items():
            if output == "value":
                continue
            texts[output] = self._owned(node, id(node) in given)
            given.add(id(node))
        return texts

    def _owned(self, node: sympy.Expr, again: bool) -> str:
        text = self.code[id(node)].text
        if not self.nodes.shape(node):
            return f"{self.writer.function('np.asarray')}({text})"
        row = ROWS.get(type(node))
        view = row is None or row.kind == "view" or _read_only(self, node)
        if view or again or id(node) in self.forward:
            return f"{self.writer.function('np.array')}({text})"
        return text


_FUNCTION_KINDS = ("elementwise", "transcendental")


def _read_only(scheduler: _Scheduler, node: sympy.Expr) -> bool:
    nodes = scheduler.nodes
    return isinstance(node, Broadcast) and bool(nodes.shape(nodes[node].operands[0]))


def _symbols_of(nodes: Nodes, node: sympy.Expr) -> set[str]:
    """Return the unknown sizes that writing a node itself may need."""
    found: set[str] = set()
    pending = [node] if nodes.is_size(node) else list(getattr(node, "params", ()))
    while pending:
        one = pending.pop()
        if isinstance(one, tuple):
            pending.extend(one)
        elif isinstance(one, sympy.Expr):
            found |= {symbol.name for symbol in one.free_symbols}  # type: ignore[attr-defined]
    return found


def _nested(values: list, writer: Writer) -> list[str]:
    return [
        (
            f"[{', '.join(_nested(one, writer))}]"
            if isinstance(one, list)
            else writer.number(one).text
        )
        for one in values
    ]
