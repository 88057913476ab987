"""Both passes of a small loss as one function of Python's own numbers.

In: the graph of single numbers that `passes.unroll` makes. Out: `Numbers`, statements
that call the module `math`. Refused, with None: an operation that has no text there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy
import sympy

from ..code import Code
from ..graph import Graph, number_of
from ..memory import Memory, Recorder
from ..passes.speed import pays
from ..passes.unroll import Elements, Unrolled, is_small, unroll
from ..shapes import is_floating
from ..timings import stage
from .fitting import Text, tuple_group
from .local import Locals
from .mathematics import MathUsage, MathWriter, is_spelled, spelled
from .planning import Plan, plan
from .schedule import Scheduler
from .spelling import Speller
from .statement import Statement
from .usage import Usage

__all__ = ["CALLED", "Numbers", "in_numbers"]

# What the function calls by names that no value and no parameter may have.
CALLED = (
    *("math", "type", "float", "int", "tuple"),
    *("ArithmeticError", "ValueError"),
)

# What of NumPy stands around the statements.
AROUND = ("np.array", "np.empty", "np.float64", "np.ndarray")

ROOM = 80  # columns of a line in a block of a function
OBJECT = 24  # bytes of one of Python's numbers


@dataclass(frozen=True)
class Numbers:
    """Statements of both passes, over single numbers.

    inputs: the names of each array's numbers, nested as the array is. gradients: the
    texts of each output's. arrays: the outputs' own names. memory: what all of them have.
    """

    functions: frozenset[str]
    names: frozenset[str]
    statements: tuple[Statement, ...]
    value: str
    inputs: dict[str, Text]
    gradients: dict[str, Text]
    arrays: dict[str, str]
    memory: Memory
    imports: tuple[str, ...] = ()
    constants: tuple[Statement, ...] = ()


@stage("unroll")
def in_numbers(
    graph: Graph, taken: Iterable[str], arrays: Mapping[str, str], np: str
) -> Numbers | None:
    """Return both passes of a graph as statements over numbers, where that is faster.

    `taken` are names that no number may have, `arrays` local names by leaf, `np` is
    NumPy's.
    """
    if not is_small(graph):
        return None
    unrolled = unroll(graph, arrays, _described(graph, frozenset(taken)))
    if unrolled is None or not pays(graph, unrolled.graph):
        return None
    nodes = unrolled.graph.nodes
    if not all(is_spelled(nodes, node) for node in unrolled.graph.walk()):
        return None
    # An array keeps its name until its numbers are there, a number takes it over.
    shaped = (arrays[name] for name, them in unrolled.inputs.items() if them.shape)
    reserved = frozenset({*taken, *CALLED, *shaped, np})
    usage = MathUsage(unrolled.graph)
    drafts = Locals(usage, reserved, {}, MathWriter)
    steps = plan(usage, drafts.writer, drafts.namer, MathSpeller, ROOM)
    scope = Locals(usage, reserved, {}, MathWriter)
    scope.writer.np = np
    numbers = _Numbers(usage, scope, steps).numbers(unrolled, arrays)
    return numbers if numbers.statements else None


def _described(graph: Graph, taken: frozenset[str]) -> dict[int, str]:
    """Return what arrays without a variable are called where they have a statement."""
    usage = Usage(graph)
    scope = Locals(usage, taken, {})
    steps = plan(usage, scope.writer, scope.namer)
    values = (step.value for step in (*steps.forward, *steps.backward))
    return {
        id(one): scope.namer.given[id(one)]
        for one in values
        if graph.nodes[one].name is None and id(one) not in usage.outputs
    }


class MathSpeller(Speller):
    """Writes nodes over Python's numbers."""

    writer: MathWriter

    def expression(self, node: sympy.Expr) -> Code:
        """Return a node written out over its operands."""
        if (value := number_of(node)) is not None:
            return self.writer.number(value)
        return spelled(self.writer, node, *self._operands(node))


class _Numbers(Scheduler):
    """Writes the steps of both passes over numbers."""

    usage: MathUsage

    def __init__(self, usage: MathUsage, scope: Locals, steps: Plan) -> None:
        super().__init__(usage, scope, steps)
        self.speller = MathSpeller(usage, scope.writer, scope.namer.given)

    def numbers(self, unrolled: Unrolled, called: Mapping[str, str]) -> Numbers:
        """Return the finished statements; `called` are the inputs."""
        self.variables = unrolled.variables
        for step in (*self.steps.forward, *self.steps.backward):
            if not step.added and id(step.value) not in self.namer.given:
                self.namer.give(step.value, self.namer.wish(step.value))
        statements = (
            *self._forward_statements(self.steps.forward),
            *map(self._backward_statement, self.steps.backward),
        )
        inside, named = self.speller.read(self.outputs.values())
        for node in (*named, *inside):
            self.speller.learn(node)
        value = self._real(self.outputs["value"])
        outputs = {
            name: array for name, array in unrolled.outputs.items() if name != "value"
        }
        wishes = {f"d_{leaf}": f"d_{name}" for leaf, name in called.items()}
        arrays, given = self._arrays(outputs, wishes), self.namer.given
        return Numbers(
            functions=frozenset({*self.writer.functions, *AROUND}),
            names=frozenset({*given.values(), *arrays.values()}),
            statements=statements,
            value=value,
            inputs={
                name: _nested(array, lambda one: given[id(one)])
                for name, array in unrolled.inputs.items()
            },
            gradients={n: _nested(one, self._real) for n, one in outputs.items()},
            arrays=arrays,
            memory=_memory(len({*given.values()}), outputs.values()),
        )

    def _variable(self, node: sympy.Expr) -> str:
        """Return the user's name of the array that a number is of."""
        return self.variables.get(self.nodes[node].name or "", "")

    def _arrays(
        self, outputs: Mapping[str, Elements], wishes: Mapping[str, str]
    ) -> dict[str, str]:
        """Return names of outputs; one of a single number has the number's, if that is
        its own.
        """
        names: dict[str, str] = {}
        for output, array in outputs.items():
            number = "" if array.shape else self.namer.given.get(id(array.item()), "")
            wish = wishes[output]
            own = number == wish and number not in names.values()
            names[output] = number if own else self.namer.names.give(wish)
        return names

    def _real(self, node: sympy.Expr) -> str:
        """Return the text of a number that is returned."""
        value = number_of(node)
        if value is not None:
            return self.writer.number(float(value)).text
        text = self.speller.code[id(node)].text
        return text if is_floating(self.nodes.dtype(node)) else f"float({text})"


def _memory(numbers: int, outputs: Iterable[Elements]) -> Memory:
    """Return what numbers hold, each an object of Python's, and the outputs' arrays."""
    recorder = Recorder()
    recorder.make((numbers, OBJECT), "bool")
    for array in outputs:
        recorder.make(array.shape, "float64")
    return recorder.memory([])


def _nested(array: Elements, text: Callable[[sympy.Expr], str]) -> Text:
    """Return the text of an array's numbers in nested tuples."""
    if not array.shape:
        return text(array.item())
    return tuple_group(_nested(numpy.asarray(one), text) for one in array)
