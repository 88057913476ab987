"""From a graph with its gradient to statements in order: what the templates print.

In: the graph and the names that its values must not have. Out: a `Program`, whose texts
are finished: names given, expressions inlined where they are used once and the line
stays within 88 columns, the user's lines in comments. Nothing that the graph holds is
refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import sympy

from ..code import Writer
from ..graph import ArrayConstant, Graph, Variable
from ..memory import Memory, bytes_of
from ..ops.layout import Broadcast
from ..ops.table import ROWS
from ..shapes import show
from ..timings import stage
from .dryrun import DryRun, Work
from .fitting import in_rows
from .forms import NUMBER, Form
from .freeing import deleted
from .liveness import give_names
from .local import SEED, Locals
from .marks import Made, Marks
from .planning import Plan, plan
from .quoting import Quotes
from .rules import rule_of
from .spelling import Speller, Step
from .statement import Statement, laid
from .usage import Usage

__all__ = ["Program", "Scheduler", "occurring", "schedule"]


@dataclass(frozen=True)
class Program:
    """Statements of both passes and the names that pass between them.

    imports: lines for SciPy's modules. functions: what is called of NumPy and SciPy.
    names: all names of values. arguments: local names of the argument arrays. sizes:
    unknown sizes' local names, by size. read: which of both the passes read. constants:
    statements at the module's top. seed: the cotangent in the value's dtype, None where
    no statement reads it. cache: what the backward pass reads. kept: how many bytes of
    it are computed. plan: the steps that the statements are. memory: what both passes
    hold. gradients: expressions, by output.
    """

    np: str
    imports: tuple[str, ...]
    functions: frozenset[str]
    names: frozenset[str]
    arguments: tuple[str, ...]
    sizes: dict[str, str]
    read: tuple[str, ...]
    constants: tuple[Statement, ...]
    forward: tuple[Statement, ...]
    value: str
    cache: tuple[str, ...]
    kept: sympy.Expr
    plan: Plan
    memory: Memory
    seed: str | None
    backward: tuple[Statement, ...]
    gradients: dict[str, str]

    def __str__(self) -> str:
        parts = ["constants", *laid(self.constants), ""] if self.constants else []
        parts += ["forward", *laid(self.forward)]
        parts += [] if self.value == "value" else [f"value = {self.value}"]
        parts += ["", f"cache: {', '.join(self.cache) or 'nothing'}", ""]
        parts += ["backward", *laid(self.backward)]
        named = self.gradients.items()
        parts += [f"{name} = {text}" for name, text in named if name != text]
        return "\n".join(parts)


@stage("schedule")
def schedule(
    graph: Graph,
    taken: Iterable[str] = (),
    kept: Sequence[str] = (),
    style: str = "plain",
    owners: Mapping[str, str] | None = None,
    freeing: bool = False,
) -> Program:
    """Return the program of a graph.

    `taken` are names that its values must not have, `kept` names of arguments to be
    kept in the cache whether the backward pass reads them or not, `owners` the arguments
    whose parts inputs are, by the inputs' names. freeing: whether names are deleted that
    nothing reads any more.
    """
    usage = Usage(graph, stepwise=style == "textbook")
    reserved = frozenset(taken)
    owners = owners or {}
    drafts = Locals(usage, reserved, owners)
    steps = plan(usage, drafts.writer, drafts.namer)
    scope = Locals(usage, reserved, owners)
    return Scheduler(usage, scope, steps, freeing).program(kept)


class Scheduler:
    """Writes the steps of both passes under their final names."""

    def __init__(
        self, usage: Usage, scope: Locals, steps: Plan, freeing: bool = False
    ) -> None:
        self.usage = usage
        self.freeing = freeing
        self.nodes = usage.nodes
        self.outputs = usage.graph.outputs
        self.scope = scope
        self.writer = scope.writer
        self.namer = scope.namer
        self.steps = steps
        self.speller = Speller(usage, scope.writer, scope.namer.given)
        self.quotes = Quotes()
        self.marks = Marks(usage)
        self.works: list[Work] = []

    def program(self, kept: Sequence[str]) -> Program:
        """Return the finished program."""
        given = self.namer.given
        backward = self.marks.gathered(self.steps.backward, self.quotes)
        self.steps = replace(self.steps, backward=backward)
        cached = self._read_by_backward()
        forward = self._forward(cached)
        value = self._returned(self.outputs["value"])
        halfway = len(self.works)
        statements = self._backward(cached)
        gradients = self._gradients()
        constants = tuple(map(self._constant, self.scope.constants))
        seed = self._seed()
        names = [given[id(node)] for node in cached]
        sizes = occurring(
            self.writer.size_names.values(), statements, gradients.values()
        )
        cache = (*kept, *(one for one in names if one not in kept), *sizes)
        return Program(
            np=self.writer.np,
            imports=tuple(self.writer.imports),
            functions=frozenset(self.writer.functions),
            names=frozenset({*given.values(), *self.writer.locals.values()}),
            arguments=self.scope.arguments,
            sizes=dict(self.writer.size_names),
            read=self._read(forward, value, cache),
            constants=constants,
            forward=forward,
            value=value,
            cache=cache,
            kept=self._kept(cached),
            plan=self.steps,
            memory=self._memory(halfway, names),
            seed=seed,
            backward=statements,
            gradients=gradients,
        )

    # The two passes.

    def _forward(self, cached: Sequence[sympy.Expr]) -> tuple[Statement, ...]:
        steps, kept = self.steps.forward, [self.outputs["value"], *cached]
        self.writer.overwriting |= give_names(
            self.namer, steps, kept, self.scope.inputs
        )
        statements = self._forward_statements(steps)
        return tuple(self._freeing(statements, steps, kept))

    def _backward(self, cached: Sequence[sympy.Expr]) -> tuple[Statement, ...]:
        self.speller.take_views_again()
        steps = self.steps.backward
        kept = [node for step in self.steps.results for node in step.reads]
        lost = self._lost(cached) if self.freeing else ()
        self.writer.overwriting |= give_names(self.namer, steps, kept, lost)
        statements = map(self._backward_statement, steps)
        return tuple(self._freeing(statements, steps, kept))

    def _lost(self, cached: Sequence[sympy.Expr]) -> list[sympy.Expr]:
        """Return the values of the forward pass whose names are free in the other one."""
        names = {self.namer.given[id(node)] for node in cached}
        values = (step.value for step in self.steps.forward)
        return [one for one in values if self.namer.given[id(one)] not in names]

    def _freeing(
        self,
        statements: Iterable[Statement],
        steps: Sequence[Step],
        kept: Iterable[sympy.Expr],
    ) -> Iterator[Statement]:
        """Yield statements, and behind each the deletion of what nothing reads then."""
        if not self.freeing:
            yield from statements
            return
        dead = deleted(self.nodes, steps, self.namer.given, kept)
        for statement, names in zip(statements, dead, strict=True):
            yield statement
            for row in in_rows(names):
                line = f"del {', '.join(row)}"
                self.works.append(Work([line], NUMBER.form, {}))
                yield Statement("", (line,), "")

    def _forward_statements(self, steps: Sequence[Step]) -> Iterator[Statement]:
        made = map(self._made, steps)
        above = self.marks.making([step.value for step in steps], [*made], self.quotes)
        return map(self._forward_statement, steps, above)

    def _forward_statement(self, step: Step, above: tuple[str, ...]) -> Statement:
        name, lines = self._code(step)
        return Statement(name, lines, self._shape(step), self._comment(step), above)

    def _backward_statement(self, step: Step) -> Statement:
        name, lines = self._code(step)
        shape = "" if step.added or len(lines) > 1 else self._shape(step)
        above = self.marks.undoing(step.place, self.quotes)
        if self.usage.stepwise:
            above = (*above, *self._rules(step))
        return Statement(name, lines, shape, self._meaning(step, name), above)

    def _code(self, step: Step) -> tuple[str, tuple[str, ...]]:
        """Return the name of a step's value and the lines that compute it."""
        inside = self.speller.prepare(step)
        lines = tuple(self.speller.lines(step))
        work = self._work(lines, step.value, inside)
        self.works.append(work._replace(is_step=True))
        return self.namer.given[id(step.value)], lines

    def _work(
        self, lines: Sequence[str], value: sympy.Expr, inside: Iterable[sympy.Expr]
    ) -> Work:
        """Return what is known of the forms that lines compute."""
        forms = {self.speller.code[id(one)].text: self._form(one) for one in inside}
        return Work(lines, self._form(value), forms)

    def _form(self, node: sympy.Expr) -> Form:
        return self.nodes.shape(node), self.nodes.dtype(node)

    def _shape(self, step: Step) -> str:
        """Return the shape of a step's value as text, nothing for a single number."""
        shape = self.nodes.shape(step.value)
        return self.writer.shape(shape) if shape else ""

    def _meaning(self, step: Step, name: str) -> str:
        """Return what a gradient is for, where the forward pass has no name for it."""
        value = self.nodes[step.value].cotangent_of
        known = value is None or id(value) in self.namer.given or step.added
        if known or not name.startswith("d_") or id(value) not in self.speller.code:
            return ""
        wish = self.namer.passing(step.value) or self.namer.wish(step.value)
        if not name.startswith(wish):
            return ""
        return f"{name.removeprefix('d_')} = {self.speller.code[id(value)].text}"

    def _rules(self, step: Step) -> tuple[str, ...]:
        """Return the rules by which the uses of a value give its gradient."""
        value = self.nodes[step.value].cotangent_of
        if value is None or step.added:
            return ()
        readers = self.usage.consumers.get(id(value), ())
        uses = [one for one in readers if id(one) in self.usage.forward]
        return tuple(f"  {rule_of(self.nodes, one, value)}" for one in uses)

    def _comment(self, step: Step) -> str:
        """Return the user's comment beside a forward statement."""
        position, name = self.nodes[step.value].position, self._variable(step.value)
        named = name or step.value is self.outputs["value"]
        return self.quotes.comment(position, name) if position and named else ""

    def _variable(self, node: sympy.Expr) -> str:
        """Return the user's name of a value, nothing where he gave none."""
        return self.nodes[node].name or ""

    def _made(self, step: Step) -> Made:
        """Return who made what a forward statement writes out."""
        inside, _ = self.speller.read_by(step)
        rewrites = (self.nodes[one].rewrite for one in (step.value, *inside))
        named = bool(self._variable(step.value))
        return Made(named, tuple(name for name in rewrites if name))

    # What passes from one half to the other, and out.

    def _read_by_backward(self) -> list[sympy.Expr]:
        """Return the arguments and forward values that the backward pass reads."""
        found: dict[int, sympy.Expr] = {}
        for step in (*self.steps.backward, *self.steps.results):
            found |= {id(node): node for node in step.reads if self._crosses(node)}
        order = [*self.scope.inputs, *(step.value for step in self.steps.forward)]
        cached = dict.fromkeys(id(one) for one in order if id(one) in found)
        return [found[one] for one in cached]

    def _crosses(self, node: sympy.Expr) -> bool:
        """Return whether a value that the backward pass reads is not of its own."""
        if isinstance(node, ArrayConstant) or node is self.scope.seed:
            return False
        return isinstance(node, Variable) or id(node) in self.usage.forward

    def _read(
        self, forward: Sequence[Statement], value: str, cache: Sequence[str]
    ) -> tuple[str, ...]:
        """Return the arguments and sizes that the passes read."""
        names = (*self.scope.arguments, *self.writer.size_names.values())
        return occurring(names, forward, [value, *cache])

    def _kept(self, cached: Sequence[sympy.Expr]) -> sympy.Expr:
        """Return how many bytes the cache has in arrays beside the arguments."""
        arrays = [one for one in cached if self.nodes.shape(one)]
        computed = [one for one in arrays if self.nodes[one].operands]
        amounts = (bytes_of(*self._form(one)) for one in computed)
        return sympy.expand(sympy.Add(*amounts))

    def _memory(self, halfway: int, cached: Iterable[str]) -> Memory:
        """Return what both passes hold, the first of which ends halfway."""
        ends = len(self.steps.results)
        run = DryRun(self.writer, self._given())
        for work in self.works[:halfway]:
            run.run(work)
        run.leave(cached)
        run.make(SEED, ((), self.nodes.dtype(self.outputs["value"])))
        for work in self.works[halfway:-ends]:
            run.run(work)
        for work in self.works[-ends:]:
            run.keep(work)
        return run.memory()

    def _given(self) -> dict[str, Form]:
        """Return the forms of arrays that are there before, by their names."""
        arrays = (*self.scope.inputs, *self.scope.constants)
        return {self.namer.given[id(one)]: self._form(one) for one in arrays}

    def _seed(self) -> str | None:
        """Return the cotangent in the value's dtype."""
        steps = (*self.steps.backward, *self.steps.results)
        if not any(self.scope.seed is one for step in steps for one in step.reads):
            return None
        dtype = self.nodes.dtype(self.scope.seed)
        return f"{self.writer.function(f'np.{dtype}')}({SEED})"

    def _gradients(self) -> dict[str, str]:
        """Return each gradient's text: an array of its own, no view of any other."""
        texts: dict[str, str] = {}
        given: set[int] = set()
        for name, step in zip(self._wanted(), self.steps.results, strict=True):
            inside = self.speller.prepare(step)
            texts[name] = self._owned(step.value, id(step.value) in given)
            self.works.append(self._work([texts[name]], step.value, inside))
            given.add(id(step.value))
        return texts

    def _wanted(self) -> list[str]:
        return [name for name in self.outputs if name != "value"]

    def _owned(self, node: sympy.Expr, again: bool) -> str:
        text = self.speller.code[id(node)].text
        if again or id(node) in self.usage.forward or self._may_be_view(node):
            return f"{self.writer.function('np.array')}({text})"
        if not self.nodes.shape(node):
            return f"{self.writer.function('np.asarray')}({text})"
        return text

    def _may_be_view(self, node: sympy.Expr) -> bool:
        """Return whether a node may share another's memory, or be read-only."""
        repeated = isinstance(node, Broadcast) and bool(
            self.nodes.shape(self.nodes[node].operands[0])
        )
        return self.usage.is_leaf(node) or ROWS[type(node)].kind == "view" or repeated

    def _returned(self, node: sympy.Expr) -> str:
        """Return the value's text: a number, never a view of an argument."""
        inside, named = self.speller.read([node])
        for one in (*named, *inside):
            self.speller.learn(one)
        text, dtype = self.speller.code[id(node)].text, self.nodes.dtype(node)
        if self._may_be_view(node) and dtype not in ("int", "float"):
            text = f"{self.writer.function(f'np.{dtype}')}({text})"
        self.works.append(self._work([text], node, inside))
        return text

    def _constant(self, node: ArrayConstant) -> Statement:
        array, name = node.array, self.namer.given[id(node)]
        dtype = self.writer.function(f"np.{array.dtype.name}")
        values = _nested(array.tolist(), self.writer)
        line = f"{name} = {self.writer.function('np.array')}({values}, {dtype})"
        return Statement(name, (line,), show(array.shape))


def occurring(
    names: Iterable[str], statements: Iterable[Statement], texts: Iterable[str]
) -> tuple[str, ...]:
    """Return those of some names that statements and texts read."""
    lines = [line for one in statements for line in _code_lines(one)]
    code = re.sub(r'"[^"]*"', "", "\n".join([*lines, *texts]))
    found = set(re.findall(r"(?<![\w.])[^\W\d]\w*(?!\w|=[^=])", code))
    return tuple(name for name in names if name in found)


def _code_lines(one: Statement) -> list[str]:
    """Return a statement's lines, those of its body behind them."""
    return [*one.lines, *(line for inner in one.body for line in inner.lines)]


def _nested(values: list | float, writer: Writer) -> str:
    """Return the text of nested lists of numbers."""
    if not isinstance(values, list):
        return writer.number(values).text
    return f"[{', '.join(_nested(one, writer) for one in values)}]"
