"""What a tape shows: each operation as NumPy, with its value and its cotangent.

In: the graph of a run, and that of its gradient. Out: `Step`s, and a text with a line
for each: forward in the order in which they ran, then back. Nothing is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from ..graph import ArrayConstant, ArrayNode, Graph
from ..passes.reverse import COTANGENT
from ..program.local import SEED
from ..program.naming import Names
from ..shapes import Shape, show
from ..source import Position
from ..specs import Leaf
from .values import ValueNodes

__all__ = ["Listing", "Step"]

WIDEST = 44  # of a column, whatever stands in it
LONGEST = 30  # of a value that is shown
MOST = 6  # elements of one

# What stands on a line: number, name, operation, shape, value, place.
Line = tuple[str, str, str, str, str, str]


@dataclass(frozen=True)
class Step:
    """One operation as it ran.

    number: its place on the tape. name: the user's variable, else v with the number; a
    cotangent's is d_ with the name of what it belongs to. operation: as NumPy, over these
    names. value: its result, of some operations several arrays. position: where it
    stands in the user's source. backward: whether it belongs to the gradient. cotangent:
    the slope of the loss by its value; None before `backward`, and where the gradient
    does not go through it.
    """

    number: int
    name: str
    operation: str
    shape: Shape
    value: Any
    position: Position | None
    backward: bool
    cotangent: Any = None

    def line(self) -> Line:
        """Return what stands on its line."""
        place = "" if self.backward or self.position is None else str(self.position)
        operation, shown = f"= {self.operation}", _shown(self.value)
        return str(self.number), self.name, operation, show(self.shape), shown, place


@dataclass(frozen=True)
class Run:
    """A graph whose nodes carry their values.

    cotangents: of the nodes that a gradient went back through and of the inputs that it
    is for, by the node's id.
    """

    graph: Graph
    nodes: ValueNodes
    cotangents: Mapping[int, sympy.Expr]


class Listing:
    """The steps of a run by the node's id, and their text.

    `leaves` are the inputs as the user knows them.
    """

    def __init__(self, run: Run, leaves: Sequence[Leaf]) -> None:
        self.graph, self.nodes = run.graph, run.nodes
        self.cotangents = run.cotangents
        made = [one for one in self.nodes if self._is_operation(one)]
        read = set(map(id, self.graph.reach(self.cotangents.values())))
        self.forward = [one for one in made if not self.nodes[one].backward]
        self.backward = [
            one for one in made if self.nodes[one].backward and id(one) in read
        ]
        self.labels = self._labelled(leaves)
        operations = enumerate((*self.forward, *self.backward), 1)
        self.steps = {id(one): self._step(number, one) for number, one in operations}

    def __str__(self) -> str:
        inputs = [
            self._line(self.labels[id(one)], "", one)
            for one in self.graph.inputs
            if one.name != COTANGENT
        ]
        forward = [self.steps[id(one)].line() for one in self.forward]
        return "\n".join(_aligned([*inputs, *forward, *self._back()]))

    def _is_operation(self, node: sympy.Expr) -> bool:
        """Return whether a node is a step: no number, constant or part of a step."""
        info = self.nodes[node]
        made = isinstance(node, ArrayNode) and not isinstance(node, ArrayConstant)
        named = info.name is not None or info.cotangent_of is not None
        whole = named or node is self.graph.outputs["value"]
        part = self.nodes.is_part(node) and not whole
        return made or (bool(info.operands) and not part)

    def _labelled(self, leaves: Sequence[Leaf]) -> dict[int, str]:
        """Return what each input and operation is called, by the node's id."""
        names = Names(leaf.argument for leaf in leaves)
        access = {leaf.name: leaf.access for leaf in leaves}
        labels = {id(one): access.get(one.name, SEED) for one in self.graph.inputs}
        for node in self.nodes:
            if isinstance(node, ArrayConstant):
                shown = f"<constant {show(self.nodes.shape(node))}>"
                labels[id(node)] = self.nodes[node].name or shown
        for number, node in enumerate((*self.forward, *self.backward), 1):
            info, wish = self.nodes[node], f"v{number}"
            if (of := labels.get(id(info.cotangent_of))) is not None:
                wish = _cotangent_name(of)
            labels[id(node)] = names.give(info.name or wish)
        return labels

    def _step(self, number: int, node: sympy.Expr) -> Step:
        label, info = self.labels[id(node)], self.nodes[node]
        lines = self.nodes.lines(node, label, self.labels)
        text = "; ".join(lines).removeprefix(f"{label} = ")
        slope = self.cotangents.get(id(node))
        return Step(
            number,
            label,
            text,
            info.shape,
            self.nodes.value(node),
            info.position,
            info.backward,
            None if slope is None else self.nodes.value(slope),
        )

    def _back(self) -> Iterator[Line]:
        """Yield the lines of the gradient, among them one for each cotangent."""
        if self.cotangents:
            yield ("",) * 6
        pending = self.backward[::-1]
        for node in (*self.forward[::-1], *self.graph.inputs):
            slope = self.cotangents.get(id(node))
            if slope is None:
                continue
            while pending and self.nodes[pending[-1]].index <= self.nodes[slope].index:
                yield self.steps[id(pending.pop())].line()
            name = _cotangent_name(self.labels[id(node)])
            code = self.nodes.code(slope, self.labels).text
            if code != name:
                yield self._line(name, f"= {code}", slope)

    def _line(self, name: str, operation: str, node: sympy.Expr) -> Line:
        """Return the line of what is no operation of its own."""
        shape, value = show(self.nodes.shape(node)), self.nodes.value(node)
        return "", name, operation, shape, _shown(value), ""


def _cotangent_name(label: str) -> str:
    return f"d_{label}"


def _shown(value: Any) -> str:
    """Return a small value's text, of others nothing."""
    if isinstance(value, tuple) or np.size(value) > MOST:
        return ""
    array = np.asarray(value)
    if not array.ndim:
        return f"{value:.4g}" if array.dtype.kind == "f" else str(value)
    text = np.array2string(array, precision=4, separator=", ")
    return text if len(text) <= LONGEST else ""


def _aligned(lines: Iterable[Line]) -> Iterator[str]:
    """Yield lines as text, in columns that a long entry does not widen for all."""
    lines = list(lines)
    widths = [min(max(map(len, column)), WIDEST) for column in zip(*lines, strict=True)]
    for line in lines:
        number, *rest = (
            text.ljust(width) for text, width in zip(line, widths, strict=True)
        )
        yield "  ".join([line[0].rjust(widths[0]), *rest]).rstrip()
