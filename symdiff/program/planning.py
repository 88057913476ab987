"""Which values of a graph are statements, and in which order.

In: the usage of a graph, a writer, a namer whose names serve to measure lines. Out: a
`Plan`, the steps of both passes. A value is a step if the user named it, if it is read
twice or in both passes, or where a line would otherwise be too long. A long sum of the
backward pass is a running one: its terms are added where they are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy

from ..code import Writer
from ..ops.arithmetic import is_negative
from ..ops.indexing import IndexAdd
from ..ops.layout import Broadcast
from ..ops.table import ROWS
from .naming import Namer
from .spelling import Speller, Step
from .usage import Usage

__all__ = ["Plan", "plan"]

ROOM = 84  # columns of a line in a function
SHORT = 8  # what is no longer than this needs no name


@dataclass(frozen=True)
class Plan:
    """The steps of the forward and of the backward pass, in order.

    results: a step for each gradient, as it is returned.
    """

    forward: tuple[Step, ...]
    backward: tuple[Step, ...]
    results: tuple[Step, ...]


def plan(
    usage: Usage,
    writer: Writer,
    namer: Namer,
    spelling: type[Speller] = Speller,
    room: int = ROOM,
) -> Plan:
    """Return the steps that compute a graph's outputs.

    `room` are the columns of a line.
    """
    speller = spelling(usage, writer, namer.given)
    planner = _Planner(usage, speller, namer, room)
    forward, backward = planner.half(forward=True), planner.half(forward=False)
    results = [
        speller.resolved(Step(node, node, node, added=True))
        for name, node in usage.graph.outputs.items()
        if name != "value"
    ]
    return Plan(forward, backward, tuple(results))


@dataclass(frozen=True)
class _Sum:
    """A sum of several terms: its partial sums, and what each of them adds."""

    first: sympy.Expr
    partial: tuple[sympy.Expr, ...]
    terms: tuple[sympy.Expr, ...]


class _Planner:
    """Decides on statements, node by node."""

    def __init__(self, usage: Usage, speller: Speller, namer: Namer, room: int) -> None:
        self.room = room
        self.usage = usage
        self.nodes = usage.nodes
        self.speller = speller
        self.namer = namer
        self.steps: list[tuple[tuple[int, bool], Step]] = []

    def half(self, forward: bool) -> tuple[Step, ...]:
        """Return the steps of one pass."""
        self.steps = []
        if not forward:
            self.speller.take_views_again()
        nodes = self.usage.half(forward)
        sums = {} if forward else _sums(self.usage, nodes)
        inner = {id(one) for s in sums.values() for one in s.partial[:-1]}
        parts = {
            id(one) for total in sums.values() for one in _parts(self.usage, total)
        }
        for node in nodes:
            if id(node) in sums:
                self._sum(node, sums[id(node)])
            elif id(node) not in inner and id(node) not in parts:
                self._visit(node)
        # A term is added after the statement that gives it a name.
        steps = [step for _, step in sorted(self.steps, key=lambda one: one[0])]
        return tuple(map(self.speller.resolved, steps))

    def _visit(self, node: sympy.Expr) -> None:
        if not self.usage.is_leaf(node) and self.usage.needs_name(node):
            self._state(node)
            return
        self.speller.learn(node)
        if not self.usage.is_leaf(node):
            self._shorten(node)

    def _state(self, node: sympy.Expr) -> None:
        """Make a node a statement of its own."""
        self.namer.give(node, self.namer.wish(node))
        self.speller.learn(node)
        self._add(Step(node, node, node), node)

    def _add(self, step: Step, at: sympy.Expr) -> None:
        self.steps.append(((self.nodes[at].index, step.added), step))
        while (long := self._too_long(self.speller.lines(step))) > 0:
            inside, _ = self.speller.read_by(step)
            if not self._name_one(inside, self.speller.lines(step), long):
                break

    def _shorten(self, node: sympy.Expr) -> None:
        """Name parts of an expression until it fits on a line."""
        while (long := self._too_long([self.speller.code[id(node)].text])) > 0:
            inside, _ = self.speller.read(self.nodes[node].operands)
            if not self._name_one(inside, [self.speller.code[id(node)].text], long):
                break
            self.speller.learn(node)

    def _too_long(self, lines: Sequence[str]) -> int:
        return max(map(len, lines)) - self.room

    def _name_one(self, inside: list[sympy.Expr], lines: list[str], long: int) -> bool:
        """Make that one of some nodes a statement that shortens the lines best."""
        text = "\n".join(lines)
        best = max(
            (one for one in inside if self._is_worth_a_name(one, text)),
            key=lambda one: self._worth(one, long),
            default=None,
        )
        if best is None:
            return False
        self._state(best)
        for node in inside:
            if node is not best and self.nodes[node].index > self.nodes[best].index:
                self.speller.learn(node)
        return True

    def _is_worth_a_name(self, node: sympy.Expr, text: str) -> bool:
        code = self.speller.code[id(node)]
        signed = is_negative(node) and not self.namer.own(node)
        return (
            id(node) not in self.namer.given  # a name may be long too
            and self.usage.is_nameable(node)
            and not signed
            and len(code.text) > SHORT
            and code.text in text
        )

    def _worth(self, node: sympy.Expr, long: int) -> tuple:
        """Return how good it is to name a node: best what fits on one line itself."""
        length, name = len(self.speller.code[id(node)].text), self.namer.wish(node)
        fits = length - len(name) >= long
        alone = len(f"{name} = ") + length <= self.room
        own, says = bool(self.namer.own(node)), self.namer.says(node)
        return fits and alone, fits, own, says, length

    # Sums of the backward pass.

    def _sum(self, node: sympy.Expr, total: _Sum) -> None:
        """Write a sum as one expression, or if it is long as a running sum."""
        fresh = _is_fresh(self.usage, total.first, total)
        terms = (total.first, *total.terms)
        parts = any(_is_part(self.usage, one, total) for one in terms)
        several = fresh or len(total.terms) > 1
        if parts or (several and self._is_long(node, total)):
            self._run(node, total, 0 if fresh else 1)
            return
        for one in total.partial:
            self._visit(one)

    def _is_long(self, node: sympy.Expr, total: _Sum) -> bool:
        """Return whether a sum should be a running one: it has a name or many terms."""
        named = self.usage.needs_name(node)
        start = len(f"{self.namer.wish(node)} = ") if named else 0
        terms = (self.speller.code[id(one)].text for one in (total.first, *total.terms))
        length = start + sum(len(f" + {term}") for term in terms)
        return length - 3 > self.room and (named or len(total.terms) > 1)

    def _run(self, node: sympy.Expr, total: _Sum, first: int) -> None:
        self.namer.give(node, self.namer.wish(node))
        self.speller.learn(node)
        start = total.first if first == 0 else total.partial[0]
        self._add(Step(node, start, start), start)
        latest = start
        for term in total.terms[first:]:
            latest = max(latest, term, key=lambda one: self.nodes[one].index)
            self._add(Step(node, term, term, added=True), latest)


def _sums(usage: Usage, nodes: Sequence[sympy.Expr]) -> dict[int, _Sum]:
    """Return the sums of a pass, by the id of the whole."""
    sums: dict[int, _Sum] = {}
    for node in nodes:
        if isinstance(node, sympy.Add) and usage.nodes[node].operands:
            first, term = usage.nodes[node].operands
            before = sums.get(id(first))
            if before is not None and _is_partial(usage, first, node):
                del sums[id(first)]
                whole = (*before.partial, node), (*before.terms, term)
                sums[id(node)] = _Sum(before.first, *whole)
            else:
                sums[id(node)] = _Sum(first, (node,), (term,))
    return {at: _with_parts_last(usage, total) for at, total in sums.items()}


def _with_parts_last(usage: Usage, total: _Sum) -> _Sum:
    """Return the sum with the terms that are for some elements only behind the others,
    where one of these can take them; else with one of them first.
    """
    terms = [total.first, *total.terms]
    parts = [one for one in terms if _is_part(usage, one, total)]
    whole = [one for one in terms if all(one is not part for part in parts)]
    fresh = [one for one in whole if _is_fresh(usage, one, total)]
    if not parts:
        return total
    start = (fresh or parts)[0]
    rest = tuple(one for one in (*whole, *parts) if one is not start)
    return _Sum(start, total.partial, rest)


def _parts(usage: Usage, total: _Sum) -> list[sympy.Expr]:
    """Return the terms that are no statements of their own: those for some elements
    only, and the array that takes them.
    """
    parts = [one for one in (total.first, *total.terms) if _is_part(usage, one, total)]
    if parts and _is_fresh(usage, total.first, total):
        return [total.first, *parts]
    return parts


def _is_partial(usage: Usage, node: sympy.Expr, total: sympy.Expr) -> bool:
    """Return whether a sum is read by nothing but the longer one."""
    here, there = usage.nodes[node], usage.nodes[total]
    return (
        usage.uses[id(node)] == 1
        and id(node) not in usage.outputs
        and here.name is None
        and (here.shape, here.dtype) == (there.shape, there.dtype)
    )


def _is_part(usage: Usage, node: sympy.Expr, total: _Sum) -> bool:
    """Return whether a node is a term for some elements only, read nowhere else."""
    once = isinstance(node, IndexAdd) and usage.uses[id(node)] == 1
    return once and _has_form(usage, node, total)


def _is_fresh(usage: Usage, node: sympy.Expr, total: _Sum) -> bool:
    """Return whether a term is an array that can take the others."""
    shared = usage.is_leaf(node) or isinstance(node, Broadcast)
    return (
        not shared
        and usage.uses[id(node)] == 1
        and (isinstance(node, IndexAdd) or usage.may_be_sum(node))
        and ROWS[type(node)].kind != "view"
        and _has_form(usage, node, total)
    )


def _has_form(usage: Usage, node: sympy.Expr, total: _Sum) -> bool:
    """Return whether a term has the sum's shape and dtype."""
    here, there = usage.nodes[node], usage.nodes[total.partial[-1]]
    return (here.shape, here.dtype) == (there.shape, there.dtype)
