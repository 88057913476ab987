"""Both passes as one function that computes in arrays which are there already.

In: the graph, and the names that its values must not have. Out: a `Fused`: statements
that write into the arrays of a workspace and of the gradient, some in loops over blocks
of rows. What NumPy cannot write into an array is a new one. Nothing that the graph holds
is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import sympy

from ..graph import Graph, Variable
from ..memory import CALL, WORKSPACE, Memory
from ..ops.keys import text_of
from ..timings import stage
from .buffers import Array, Chain, chains, placed
from .dryrun import DryRun
from .into import IntoSpeller
from .joins import Parts, joins, places
from .local import SEED, Locals
from .loops import Looping
from .planning import Plan, plan
from .schedule import occurring
from .spelling import Step
from .statement import Statement
from .sweeping import Order, swept
from .usage import FusedUsage

__all__ = ["Fused", "fuse"]


@dataclass(frozen=True)
class Fused:
    """Statements of both passes, and the arrays that they write into.

    seed: the value's own gradient, None where no statement reads it. read: arguments and
    sizes that the statements read. workspace: names of the workspace's arrays; making:
    the lines that make them; sizes: those that these lines read. gradients: names of the
    gradient's arrays, by output. plan: the steps that the statements are. memory: what
    all of it holds.
    """

    functions: frozenset[str]
    names: frozenset[str]
    imports: tuple[str, ...]
    read: tuple[str, ...]
    constants: tuple[Statement, ...]
    seed: str | None
    statements: tuple[Statement, ...]
    value: str
    workspace: tuple[str, ...]
    making: tuple[str, ...]
    sizes: tuple[str, ...]
    gradients: dict[str, str]
    plan: Plan
    memory: Memory


@stage("schedule the fast style")
def fuse(
    graph: Graph,
    taken: Iterable[str] = (),
    lowerings: Collection[str] = (),
    owners: Mapping[str, str] | None = None,
) -> Fused:
    """Return both passes of a graph as one.

    `taken` are names that no value may have, `lowerings` names of spellings that are
    chosen for speed, `owners` the arguments whose parts inputs are, by the inputs' names.
    """
    usage = FusedUsage(graph)
    reserved = frozenset(taken)
    owners = owners or {}
    drafts = Locals(usage, reserved, owners)
    steps = plan(usage, drafts.writer, drafts.namer)
    draft = IntoSpeller(usage, drafts.writer, drafts.namer.given, lowerings)
    kept = [step for step in (*steps.forward, *steps.backward) if draft.is_kept(step)]
    steps = _without(steps, kept)
    _, read = draft.read([graph.outputs["value"]])
    read += [node for step in steps.results for node in step.reads]
    order = Order((*steps.forward, *steps.backward))
    if "blocks" in lowerings:
        order = swept(drafts.namer, draft, order.steps, read)
    sums = {id(one) for sweep in order.sweeps for one in sweep.sums}
    over, solid = [], set()
    for step, blocks in zip(order.steps, order.blocks(), strict=True):
        draft.prepare(step)
        draft.blocks = blocks
        added_up = id(step.value) in sums and usage.nodes.shape(step.value)
        over.append(() if added_up else draft.over(step))
        solid |= {id(step.value)} if blocks or draft.needs_block(step) else set()
    found = chains(usage.nodes, order.steps, over, read, order.sweeps)
    parts: Parts = {}
    if "joins" in lowerings:
        parts = joins(usage.nodes, order.steps, _free(found, steps), solid)
    scope = Locals(usage, reserved, owners)
    return _Fuser(usage, scope, steps, lowerings).fused(order, found, parts, kept)


def _free(found: Sequence[Chain], steps: Plan) -> list[Chain]:
    """Return the chains of whole arrays of the workspace."""
    given = {id(step.value) for step in steps.results}
    return [
        chain
        for chain in found
        if chain.sweep is None and id(chain.values[-1]) not in given
    ]


def _without(steps: Plan, kept: Sequence[Step]) -> Plan:
    """Return a plan without the steps whose values the workspace keeps."""
    left = set(map(id, kept))
    forward, backward = (
        tuple(step for step in half if id(step) not in left)
        for half in (steps.forward, steps.backward)
    )
    return Plan(forward, _sums_first(backward), steps.results)


def _sums_first(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return steps with sums right behind their terms, whose memory is free then."""
    made: dict[int, int] = {}
    order: list[int] = []
    for place, step in enumerate(steps):
        is_sum = isinstance(step.expression, sympy.Add) and not step.added
        terms = [made[id(one)] for one in step.reads if id(one) in made]
        order.append(max(terms) if is_sum and terms else place)
        made[id(step.value)] = order[-1]  # of a running sum the last term's place
    return tuple(steps[at] for at in sorted(range(len(steps)), key=order.__getitem__))


class _Fuser(Looping):
    """Writes the steps of both passes into arrays."""

    def fused(
        self,
        order: Order,
        found: Sequence[Chain],
        parts: Parts,
        kept: Sequence[Step],
    ) -> Fused:
        """Return the finished statements, whose values are in these chains.

        Some are in parts of arrays. `kept` are steps whose values are made with the
        workspace.
        """
        self.results = dict(zip(self._wanted(), self.steps.results, strict=True))
        last = {id(chain.values[-1]): chain for chain in found}
        owned = {
            id(step.value): Array(chain.shape, chain.dtype)
            for step in self.steps.results
            if (chain := last.get(id(step.value))) is not None
        }
        inside = {id(chain) for several in parts.values() for chain in several.values()}
        whole = (one for one in found if one.sweep is None and id(one) not in inside)
        arrays = placed(sorted(whole, key=lambda chain: chain.first), owned)
        fixed = [self._fixed(step) for step in kept]
        self._name(order, {id(v): chain for chain in found for v in chain.values})
        making = (
            *self._making(arrays),
            *self._parts(order, parts),
            *self._views(order),
            *self.buffers(order.sweeps, found),
        )
        for array in owned.values():
            self.keep(array)
        statements = self.statements(order)
        value = self._returned(self.outputs["value"])
        gradients, copies = self._written(set(owned))
        statements += copies
        vectors = [f"{name} = {text}" for text, name in self.speller.kept.items()]
        return self._finished(statements, value, gradients, (*making, *fixed, *vectors))

    def _finished(
        self,
        statements: Sequence[Statement],
        value: str,
        gradients: dict[str, str],
        making: tuple[str, ...],
    ) -> Fused:
        names = {*self.namer.given.values(), *self.writer.locals.values(), *self.others}
        sizes = self.writer.size_names.values()
        return Fused(
            functions=frozenset(self.writer.functions),
            names=frozenset({*names, *gradients.values()}),
            imports=tuple(self.writer.imports),
            read=occurring(
                (*self.scope.arguments, *sizes), statements, [value, *making]
            ),
            constants=tuple(map(self._constant, self.scope.constants)),
            seed=self._seed(),
            statements=tuple(statements),
            value=value,
            workspace=tuple(line.partition(" = ")[0] for line in making),
            making=making,
            sizes=occurring(sizes, (), making),
            gradients=gradients,
            plan=self.steps,
            memory=self._memory_of(gradients),
        )

    def _memory_of(self, gradients: dict[str, str]) -> Memory:
        """Return what the arrays hold that are written into, and new ones beside."""
        run = DryRun(self.writer, self._given())
        for name, form in self.speller.vectors.items():
            run.make(name, form)
        for output, name in gradients.items():
            run.make(name, self._form(self.results[output].value))
        run.make(SEED, ((), self.nodes.dtype(self.outputs["value"])))
        for work in self.works:
            run.run(work)
        return replace(run.memory(), beside=CALL + WORKSPACE)

    def _seed(self) -> str | None:
        """Return the slope of the value along itself, in its dtype."""
        text = super()._seed()
        return text and text.replace(f"({SEED})", "(1)")

    def _fixed(self, step: Step) -> str:
        """Return the line that makes a value which depends on sizes alone."""
        self.speller.prepare(step)
        text = self.speller.expression(step.expression).text
        name = self.namer.give(step.value, self.namer.wish(step.value))
        return self.made_once(f"{name} = {text}", *self._form(step.value))

    def _name(self, order: Order, chains: Mapping[int, Chain]) -> None:
        """Name the value of each step: those of a chain alike."""
        sums = {id(one) for sweep in order.sweeps for one in sweep.sums}
        for step in order.steps:
            chain = chains.get(id(step.value))
            if step.added or id(step.value) in self.namer.given:
                continue
            if chain is None:
                wish = (
                    "total" if id(step.value) in sums else self.namer.wish(step.value)
                )
                self.namer.give(step.value, wish)
                continue
            name = self.namer.give(chain.values[0], self._wish(chain))
            self.namer.given |= {id(one): name for one in chain.values}

    def _wish(self, chain: Chain) -> str:
        """Return what the values of a chain should be called: as the user's last."""
        for one in reversed(chain.values):
            if id(one) in self.usage.outputs or self._is_named(one):
                return self.namer.wish(one)
        return self.namer.wish(chain.values[0])

    def _is_named(self, node: sympy.Expr) -> bool:
        """Return whether a value, or what it is the gradient of, has the user's name."""
        of = self.nodes[node].cotangent_of
        names = (self.nodes[one].name for one in (node, of) if one is not None)
        return isinstance(of, Variable) or any(name is not None for name in names)

    def _making(self, arrays: Sequence[Array]) -> tuple[str, ...]:
        """Name the arrays of the workspace, and return the lines that make them."""
        lines: list[str] = []
        for array in arrays:
            name = self.keep(array)
            lines.append(self.empty(name, array.shape, array.dtype))
            for view in array.views.values():
                shape = self.writer.room(view.shape)
                line = f"{self.keep(view)} = {name}.reshape{_bare(shape)}"
                lines.append(self.made_once(line, view.shape, view.dtype))
        return tuple(lines)

    def _parts(self, order: Order, parts: Parts) -> Iterator[str]:
        """Yield the lines that make parts of arrays, before those of parts of these."""
        for step in reversed(order.steps):
            here = parts.get(id(step.value))
            if here is None:
                continue
            left = self.speller.joined[id(step.value)] = []
            for operand, key in places(self.nodes, step.expression):
                chain = here.get(key)
                if chain is None:
                    left.append((operand, key))
                    continue
                name = self.keep(Array(chain.shape, chain.dtype, [chain]))
                whole = self.speller.arrays[id(step.value)]
                line = f"{name} = {whole}[{text_of(self.writer, key, ())}]"
                yield self.made_once(line, chain.shape, chain.dtype)

    def _views(self, order: Order) -> Iterator[str]:
        """Yield the lines that make views of the workspace's arrays, each once."""
        names: dict[str, str] = {}
        if "kept" not in self.speller.lowerings:
            return
        for step, blocks in zip(order.steps, order.blocks(), strict=True):
            text = None if blocks or step.added else self.speller.view(step)
            if text is None:
                continue
            if text not in names:
                names[text] = self.namer.given[id(step.value)]
                line = f"{names[text]} = {text}"
                yield self.made_once(line, *self._form(step.value))
            self.namer.given[id(step.value)] = names[text]
            self.speller.views.add(id(step.value))

    def _written(self, owned: set[int]) -> tuple[dict[str, str], list[Statement]]:
        """Return the names of the gradient's arrays, and what is left to be copied."""
        names: dict[str, str] = {}
        copies = []
        for output, step in self.results.items():
            if id(step.value) in owned:
                owned.remove(id(step.value))
                names[output] = self.namer.given[id(step.value)]
                continue
            names[output] = self.namer.names.give(output)
            inside = self.speller.prepare(step)
            text = self.speller.code[id(step.value)].text
            copy = f"{self.writer.function('np.copyto')}({names[output]}, {text})"
            self.works.append(self._work([copy], step.value, inside))
            copies.append(Statement(names[output], (copy,), ""))
        return names, copies


def _bare(shape: str) -> str:
    """Return a shape as the arguments of a call."""
    return f"({shape[1:-2]})" if shape.endswith(",)") else shape
