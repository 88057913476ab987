"""What a graph costs, counted from its shapes: work, and bytes held.

In: the graph with its gradient, at each stage of the passes. Out: a `Report`, whose
counts are polynomials in the unknown sizes. A contraction counts a multiply-add for each
set of its indices; what is computed of each element counts once for each, what is added
at a key for each element there; views and Python numbers are free.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import compress

import sympy

from .equations import equations
from .errors import SpecError
from .formula import latex
from .graph import Graph, Nodes
from .memory import Economy, Memory
from .ops.arithmetic import is_reciprocal
from .ops.contraction import Contraction, indices_of
from .ops.indexing import IndexAdd, parts_of
from .ops.keys import selected
from .ops.table import ROWS
from .passes import Stages
from .shapes import Size, is_weak, product
from .timings import stage

__all__ = ["Cost", "Report", "aligned", "hanging", "operations", "report", "sizes_of"]


@dataclass(frozen=True)
class Cost:
    """Work of one pass: number of operations, then what they add up to in the sizes.

    traversals: how many of the operations go through an array.
    """

    operations: int
    traversals: int
    multiply_adds: sympy.Expr
    elementwise: sympy.Expr
    transcendental: sympy.Expr

    @property
    def counts(self) -> tuple[sympy.Expr, sympy.Expr, sympy.Expr]:
        """The three counts, in the order of the table."""
        return self.multiply_adds, self.elementwise, self.transcendental

    def texts(self) -> tuple[str, ...]:
        """Return the three counts as text."""
        return tuple(map(_text, self.counts))


@dataclass(frozen=True)
class Report:
    """Costs of both passes: as emitted, before sharing, and before simplification too.

    unshared: operations if no value were used twice: the expression swell. kept:
    bytes that pass from the forward pass to the backward one, beside the arguments.
    held: what both passes hold, one array after the other. rewrites: what passes
    changed. corners: where the loss has no derivative, and the slope that is taken.
    traced: the loss. economy: what it takes to stay within a limit, verification: the
    record of the check, None where there was none.
    """

    forward: Cost
    backward: Cost
    forward_before: Cost
    backward_before: Cost
    forward_unsimplified: Cost
    backward_unsimplified: Cost
    unshared: int
    kept: Size
    held: Memory
    rewrites: tuple[str, ...]
    corners: tuple[str, ...]
    traced: Graph = field(repr=False)
    economy: Economy | None = None
    verification: object = None

    @property
    def peak(self) -> Size:
        """The bytes that both passes hold at most, where the sizes are large."""
        return self.held.polynomial

    def peak_bytes(self, **sizes: int) -> int:
        """Return how many bytes both passes hold at most, for the values of all sizes.

        The arguments are the caller's and do not count; the gradient does.

        Raises
        ------
        SpecError
            If a size has no value, or what is no size has one.
        """
        known = sizes_of(self.traced)
        for name in sizes:
            if name not in known:
                raise SpecError(
                    f"the loss has no size {name!r}",
                    remedy=f"Its unknown sizes are {', '.join(known) or 'none'}.",
                )
        missing = ", ".join(name for name in known if name not in sizes)
        if missing:
            raise SpecError(f"the bytes depend on the sizes {missing}")
        return self.held.bytes_at_peak(sizes)

    @cached_property
    def formula(self) -> tuple[str, ...]:
        """The loss as equations in Unicode."""
        return tuple(equations(self.traced))

    @cached_property
    def latex(self) -> str:
        """The loss in LaTeX, a line for each named value."""
        return latex(self.traced)

    def rows(self) -> list[tuple[str, ...]]:
        """Return the rows of the table of costs, the first with the titles.

        Work of a kind that there is none of has no column.
        """
        counts = self.forward.counts, self.backward.counts
        rows = [
            _TITLES,
            ("    forward", *self.forward.texts()),
            ("    backward", *self.backward.texts()),
            ("    ratio", *map(_ratio, *reversed(counts))),
        ]
        used = [True, *map(any, zip(*counts, strict=True))]
        return [tuple(compress(row, used)) for row in rows]

    def table(self) -> list[str]:
        """Return the lines of the table of costs."""
        return [*aligned(self.rows()), *self.memory()]

    def memory(self) -> list[str]:
        """Return the lines that say what is kept between the passes, and at the peak."""
        kept = f"bytes kept between the passes: {_text(self.kept)}"
        whole = hanging(f"{kept}; at the peak: {_text(self.peak)}")
        if len(whole) > 1:
            whole = [*hanging(kept), *hanging(f"bytes at the peak: {_text(self.peak)}")]
        return whole if self.economy is None else [*whole, *hanging(str(self.economy))]

    def swell(self) -> list[str]:
        """Return the lines of a table of what both passes cost, and would have cost."""
        rows: list[tuple[str, ...]] = [(*_TITLES, "traversals")]
        for title, costs in (
            ("forward", (self.forward, self.forward_before, self.forward_unsimplified)),
            (
                "backward",
                (self.backward, self.backward_before, self.backward_unsimplified),
            ),
        ):
            titles = (f"    {title}", *_BEFORE)
            for label, cost in zip(titles, costs, strict=True):
                rows.append((label, *cost.texts(), str(cost.traversals)))
        return aligned(rows)

    def __str__(self) -> str:
        lines = [
            *self.swell(),
            *self.memory(),
            f"Operations: {self.forward.operations} forward and "
            f"{self.backward.operations} backward; {self.unshared} if no value were "
            "used twice",
            *(f"Rewrite: {one}" for one in self.rewrites),
            *(f"Corner: {one}" for one in self.corners),
        ]
        if self.verification is not None:
            lines.append(str(self.verification))
        return "\n".join(lines)


# Columns of a line.
WIDTH = 84

# What unknown sizes are taken for where counts are compared.
LARGE = 10**6

_TITLES = ("Cost", "multiply-adds", "elementwise", "transcendental")
_BEFORE = ("        before sharing", "        before simplification")


@stage("report")
def report(stages: Stages, traced: Graph, kept: Size, held: Memory) -> Report:
    """Return the report on a graph with its gradient, and on the loss as it was traced."""
    computed = _computed(stages.simplified)
    shared = before = _halves(stages.simplified, computed)
    if stages.shared is not stages.simplified:
        shared = _halves(stages.shared, _computed(stages.shared))
    return Report(
        *shared,
        *before,
        *_halves(stages.differentiated, _computed(stages.differentiated)),
        _unshared(stages.simplified, set(map(id, computed))),
        kept,
        held,
        tuple(map(str, stages.shared.rewrites)),
        tuple(map(str, stages.shared.corners)),
        traced,
    )


def sizes_of(graph: Graph) -> list[str]:
    """Return the names of the unknown sizes of a graph's inputs, sorted."""
    sizes = (one for node in graph.inputs for one in graph.nodes.shape(node))
    return sorted({str(one) for one in sizes if not isinstance(one, int)})


def operations(graph: Graph) -> dict[int, tuple[str, Size]]:
    """Return of what kind each node's work is, and how much; by ids, views left out."""
    return {id(one): _work(graph.nodes, one) for one in _computed(graph)}


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of texts as lines, in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = (
        (one.ljust(width) for one, width in zip(row, widths, strict=True))
        for row in rows
    )
    return ["  ".join(row).rstrip() for row in padded]


def hanging(line: str) -> list[str]:
    """Return a line as it stands below a title, wrapped where it is long."""
    start = " " * 4
    return textwrap.wrap(
        line,
        WIDTH,
        initial_indent=start,
        subsequent_indent=2 * start,
        break_on_hyphens=False,
    )


def _ratio(count: sympy.Expr, other: sympy.Expr) -> str:
    """Return how much larger a count is than another where all sizes are large."""
    above, below = (
        float(one.subs(dict.fromkeys(one.free_symbols, LARGE)))
        for one in (count, other)
    )
    if below == 0 or above / below > LARGE / 2:
        return "0" if above == 0 else ""
    return f"{above / below:.2f}".rstrip("0").rstrip(".")


def _text(count: Size) -> str:
    """Return a polynomial as people write it: 2 d n + 5 n."""
    return str(count).replace("**", "^").replace("*", " ")


def _halves(graph: Graph, computed: Sequence[sympy.Expr]) -> tuple[Cost, Cost]:
    forward = set(map(id, graph.walk(["value"])))
    return (
        _cost(graph.nodes, (one for one in computed if id(one) in forward)),
        _cost(graph.nodes, (one for one in computed if id(one) not in forward)),
    )


def _computed(graph: Graph) -> list[sympy.Expr]:
    """Return the nodes that are work: no views, no Python numbers, no mere signs.

    A difference is a sum with a negative, a quotient a product with a reciprocal: these
    are one operation each.
    """
    nodes, walk = graph.nodes, graph.walk()
    signs = {id(node) for node in walk if _is_sign(node)}
    free = signs - set(map(id, graph.outputs.values()))
    for node in walk:
        for one in nodes[node].operands:
            if id(one) in free:
                whole = (sympy.Mul,) if is_reciprocal(one) else (sympy.Add, IndexAdd)
                if type(node) not in whole:
                    free.remove(id(one))
    return [
        node
        for node in walk
        if id(node) not in free
        and _computes(nodes, node)
        and not _adds_at_keys(nodes, node)
    ]


def _adds_at_keys(nodes: Nodes, node: sympy.Expr) -> bool:
    """Whether a sum only adds to one term, at keys, what the other counts already."""
    return isinstance(node, sympy.Add) and any(
        isinstance(one, IndexAdd) for one in nodes[node].operands
    )


def _computes(nodes: Nodes, node: sympy.Expr) -> bool:
    row = ROWS.get(type(node))
    if row is None or row.kind == "view":
        return False
    info = nodes[node]
    return bool(info.operands) and not is_weak(info.dtype)


def _is_sign(node: sympy.Expr) -> bool:
    negative = isinstance(node, sympy.Mul) and node.args[0] is sympy.S.NegativeOne
    return negative or is_reciprocal(node)


def _cost(nodes: Nodes, computed: Iterable[sympy.Expr]) -> Cost:
    alike: Counter[tuple] = Counter()
    example: dict[tuple, sympy.Expr] = {}
    for node in computed:
        shapes = tuple(map(nodes.shape, (node, *nodes[node].operands)))
        plain = isinstance(node, sympy.Pow) and node.args[1].is_Integer
        alike[key := (type(node), plain, getattr(node, "params", ()), shapes)] += 1
        example[key] = node
    work: dict[str, list[Size]] = {
        "contraction": [],
        "elementwise": [],
        "transcendental": [],
    }
    for key, times in alike.items():
        kind, amount = _work(nodes, example[key])
        work[kind].append(times * amount)
    traversals = sum(times for (*_, shapes), times in alike.items() if any(shapes))
    totals = (sympy.expand(sympy.Add(*amounts)) for amounts in work.values())
    return Cost(alike.total(), traversals, *totals)


def _work(nodes: Nodes, node: sympy.Expr) -> tuple[str, Size]:
    """Return the kind of a node's work and how much of it there is."""
    operands, kind = nodes[node].operands, ROWS[type(node)].kind
    if isinstance(node, Contraction):
        return ("contraction" if len(operands) > 1 else "elementwise"), _products(
            nodes, node
        )
    if isinstance(node, IndexAdd):
        return "elementwise", _added(nodes, node)
    if kind == "reduction":
        return "elementwise", product(nodes.shape(operands[0]))
    plain = isinstance(node, sympy.Pow) and node.args[1].is_Integer
    kind = "transcendental" if kind == "transcendental" and not plain else "elementwise"
    return kind, product(nodes.shape(node))


def _added(nodes: Nodes, node: sympy.Expr) -> Size:
    """Return how many elements are added at the keys of a node."""
    shape, keys, _ = node.params
    total: Size = 0
    for key, _, arrays in parts_of(keys, nodes[node].operands):
        total += product(selected(nodes, shape, [nodes.shape(a) for a in arrays], key))
    return total


def _products(nodes: Nodes, node: sympy.Expr) -> Size:
    """Return how many products a contraction adds up."""
    sizes: dict[int, Size] = {}
    inputs, _ = indices_of(node)
    for operand, indices in zip(nodes[node].operands, inputs, strict=True):
        sizes.update(zip(indices, nodes.shape(operand), strict=True))
    return product(sizes.values())


def _unshared(graph: Graph, computed: Collection[int]) -> int:
    """Return the number of operations if each use of a value computed it anew."""
    count: dict[int, int] = {}
    for node in graph.walk():
        operands = graph.nodes[node].operands
        own = id(node) in computed
        count[id(node)] = sum(count[id(one)] for one in operands) + own
    return sum(count[id(node)] for node in graph.outputs.values())
