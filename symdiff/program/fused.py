"""Both passes as one function that computes in arrays which are there already.

In: the graph, and the names that its values must not have. Out: a `Fused`: statements
that write into the arrays of a workspace and of the gradient. What NumPy cannot write
into an array is a new one. Nothing that the graph holds is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..graph import Graph
from .buffers import Array, Chain, chains, placed
from .into import IntoSpeller
from .planning import Plan, plan
from .schedule import SEED, Locals, Scheduler, occurring
from .statement import Statement
from .usage import FusedUsage

__all__ = ["Fused", "fuse"]


@dataclass(frozen=True)
class Fused:
    """Statements of both passes, and the arrays that they write into.

    seed: the value's own gradient, None where no statement reads it. read: arguments and
    sizes that the statements read. workspace: names of the workspace's arrays; making:
    the lines that make them; sizes: those that these lines read. gradients: names of the
    gradient's arrays, by output.
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


def fuse(graph: Graph, taken: Iterable[str] = ()) -> Fused:
    """Return both passes of a graph as one; `taken` are names that no value may have."""
    usage = FusedUsage(graph)
    reserved = frozenset(taken)
    drafts = Locals(usage, reserved)
    steps = plan(usage, drafts.writer, drafts.namer)
    draft = IntoSpeller(usage, drafts.writer, drafts.namer.given)
    over = []
    for step in (*steps.forward, *steps.backward):
        draft.prepare(step)
        over.append(draft.over(step))
    _, read = draft.read([graph.outputs["value"]])
    read += [node for step in steps.results for node in step.reads]
    found = chains(usage.nodes, (*steps.forward, *steps.backward), over, read)
    return _Fuser(usage, Locals(usage, reserved), steps, found).fused()


class _Fuser(Scheduler):
    """Writes the steps of both passes into arrays.

    owned: the arrays of the gradient in which values are computed, by these values.
    """

    def __init__(
        self,
        usage: FusedUsage,
        scope: Locals,
        steps: Plan,
        found: Sequence[Chain],
    ) -> None:
        super().__init__(usage, scope, steps)
        self.speller: IntoSpeller = IntoSpeller(usage, scope.writer, scope.namer.given)
        self.order = (*steps.forward, *steps.backward)
        self.results = dict(zip(self._wanted(), steps.results, strict=True))
        last = {id(chain.values[-1]): chain for chain in found}
        self.owned = {
            id(step.value): Array(chain.shape, chain.dtype)
            for step in steps.results
            if (chain := last.get(id(step.value))) is not None
        }
        self.arrays = placed(found, self.owned)
        self.chains = {id(one): chain for chain in found for one in chain.values}

    def fused(self) -> Fused:
        """Return the finished statements."""
        self._name()
        making = self._making()
        statements = [
            *self._forward_statements(),
            *map(self._backward_statement, self.steps.backward),
        ]
        value = self._returned(self.outputs["value"])
        gradients, copies = self._written()
        statements += copies
        names = self.namer.given
        locals_ = (*self.scope.arguments, *self.writer.size_names.values())
        sizes = self.writer.size_names.values()
        return Fused(
            functions=frozenset(self.writer.functions),
            names=frozenset(
                {*names.values(), *self.writer.locals.values(), *gradients.values()}
            ),
            imports=tuple(self.writer.imports),
            read=occurring(locals_, statements, [value, *making]),
            constants=tuple(map(self._constant, self.scope.constants)),
            seed=self._seed(),
            statements=tuple(statements),
            value=value,
            workspace=tuple(line.partition(" = ")[0] for line in making),
            making=making,
            sizes=occurring(sizes, (), making),
            gradients=gradients,
        )

    def _seed(self) -> str | None:
        """Return the slope of the value along itself, in its dtype."""
        text = super()._seed()
        return text and text.replace(f"({SEED})", "(1)")

    def _name(self) -> None:
        """Name the value of each step: those of a chain alike."""
        for step in self.order:
            chain = self.chains.get(id(step.value))
            if step.added or id(step.value) in self.namer.given:
                continue
            if chain is None:
                self.namer.give(step.value, self.namer.wish(step.value))
                continue
            name = self.namer.give(chain.values[0], self._wish(chain))
            self.namer.given |= {id(one): name for one in chain.values}

    def _wish(self, chain: Chain) -> str:
        """Return what the values of a chain should be called: as the user's last."""
        for one in reversed(chain.values):
            if id(one) in self.usage.outputs or self.namer.own(one):
                return self.namer.wish(one)
        return self.namer.wish(chain.values[0])

    def _making(self) -> tuple[str, ...]:
        """Name the arrays, and return the lines that make those of the workspace."""
        lines: list[str] = []
        for array in self.arrays:
            name = self._keep(array)
            shape, kind = self.writer.shape(array.shape), ""
            if array.dtype != "float64":
                kind = f", {self.writer.function(f'np.{array.dtype}')}"
            lines.append(f"{name} = {self.writer.function('np.empty')}({shape}{kind})")
            for view in array.views.values():
                shape = self.writer.shape(view.shape)
                lines.append(f"{self._keep(view)} = {name}.reshape{_bare(shape)}")
        for array in self.owned.values():
            self._keep(array)
        return tuple(lines)

    def _keep(self, array: Array) -> str:
        """Call an array as the first values that are in it; return its name."""
        name = self.namer.given[id(array.chains[0].values[0])]
        for chain in array.chains:
            self.speller.arrays |= {id(one): name for one in chain.values}
        return name

    def _written(self) -> tuple[dict[str, str], list[Statement]]:
        """Return the names of the gradient's arrays, and what is left to be copied."""
        names: dict[str, str] = {}
        copies = []
        for output, step in self.results.items():
            own = self.owned.pop(id(step.value), None)
            if own is not None:
                names[output] = self.namer.given[id(step.value)]
                continue
            names[output] = self.namer.names.give(output)
            self.speller.prepare(step)
            text = self.speller.code[id(step.value)].text
            copy = f"{self.writer.function('np.copyto')}({names[output]}, {text})"
            copies.append(Statement(names[output], (copy,), ""))
        return names, copies


def _bare(shape: str) -> str:
    """Return a shape as the arguments of a call."""
    return f"({shape[1:-2]})" if shape.endswith(",)") else shape
