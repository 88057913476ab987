"""Sums with common factors as fewer multiplications: x + k * x**3 is x * (1 + k * x**2),
c * (1 + k * y) is c + (c * k) * y, and 1 - u**2 is (1 - u) * (1 + u) where 1 + u is there.

In and out: a graph with its gradient. Both passes of a chain of elementwise operations
have such sums: the derivative of a product, and of a polynomial. Only what nothing else
reads is taken apart, so that nothing is computed twice. Linear in the number of nodes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sympy

from ...graph import Graph, Nodes, number_of
from ...ops.arithmetic import is_negative, is_reciprocal
from ...shapes import is_floating, is_weak
from ..rebuild import rebuild

__all__ = ["common_factors"]

LONGEST = 12  # terms and factors: longer sums and products are left as they are
HIGHEST = 4  # powers above are no products

Number = int | float


@dataclass(frozen=True)
class Term:
    """A product: a number, and the factors beside it."""

    number: Number
    factors: tuple[sympy.Expr, ...] = ()

    def has(self, factor: sympy.Expr) -> bool:
        return any(one is factor for one in self.factors)

    def without(self, factor: sympy.Expr) -> Term:
        """Return the term with a factor that it has once less."""
        at = next(i for i, one in enumerate(self.factors) if one is factor)
        return Term(self.number, (*self.factors[:at], *self.factors[at + 1 :]))

    def times(self, number: Number) -> Term:
        return Term(self.number * number, self.factors)

    @property
    def is_scaled(self) -> bool:
        """Whether its number takes a multiplication: a sign takes none in a sum."""
        return bool(self.factors) and abs(self.number) != 1


def common_factors(graph: Graph) -> Graph:
    """Return the graph with sums of products with a common factor as one product."""
    old = graph.nodes
    uses = Counter(id(one) for node in graph.walk() for one in old[node].operands)
    uses.update(map(id, graph.outputs.values()))
    rewriter = _Rewriter()

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
    ) -> sympy.Expr | None:
        for one, made in zip(old[node].operands, operands, strict=True):
            rewriter.uses.setdefault(id(made), uses[id(one)])
        real = is_floating(old.dtype(node)) and not is_weak(old.dtype(node))
        if not old.shape(node) or not real:
            return None
        rewriter.nodes = nodes
        made = None
        if isinstance(node, sympy.Add):
            made = rewriter.sum(operands)
        elif isinstance(node, sympy.Mul):
            made = rewriter.product(operands)
        fits = made is not None and nodes.shape(made) == old.shape(node)
        return made if fits else None

    return rebuild(graph, rewrite)


class _Rewriter:
    """Writes sums and products anew.

    uses: how often nodes are read, by their ids.
    """

    nodes: Nodes

    def __init__(self) -> None:
        self.uses: dict[int, int] = {}

    def sum(self, operands: Sequence[sympy.Expr]) -> sympy.Expr | None:
        """Return a sum with what its terms have in common in front, None without any."""
        if (made := self._difference_of_squares(operands)) is not None:
            return made
        terms = [self._flat([one]) for one in self._terms(operands)]
        if self._shared(terms) is None:
            return None
        return self._total(self._gathered(terms))

    def product(self, operands: Sequence[sympy.Expr]) -> sympy.Expr | None:
        """Return a product whose number is in a sum, None where it cannot be."""
        term = self._flat(operands)
        moved = self._number_inside(term)
        return None if moved is term else self._written(moved)

    # Taking apart.

    def _terms(self, operands: Iterable[sympy.Expr]) -> list[sympy.Expr]:
        """Return the terms of a sum, those of sums that it alone reads too."""
        found: list[sympy.Expr] = []
        pending = [*operands][::-1]
        while pending:
            one = pending.pop()
            inner = self.nodes[one].operands if isinstance(one, sympy.Add) else ()
            room = len(found) + len(pending) < LONGEST
            if inner and self._is_own(one) and room:
                pending += inner[::-1]
            else:
                found.append(one)
        return found

    def _flat(self, operands: Iterable[sympy.Expr]) -> Term:
        """Return a product of nodes, with the factors of products that it alone reads."""
        number: Number = 1
        found: list[sympy.Expr] = []
        pending = [*operands][::-1]
        while pending:
            one = pending.pop()
            value = number_of(one)
            inner = self.nodes[one].operands
            if value is not None:
                number *= value
            elif inner and len(found) + len(pending) < LONGEST and self._is_flat(one):
                pending += inner[::-1]
            else:
                found += self._powers(one)
        return Term(number, tuple(found))

    def _is_flat(self, node: sympy.Expr) -> bool:
        """Return whether a node is a product to take apart: no quotient."""
        if not isinstance(node, sympy.Mul) or not self._is_own(node):
            return False
        return not any(map(is_reciprocal, self.nodes[node].operands))

    def _powers(self, node: sympy.Expr) -> list[sympy.Expr]:
        """Return x, x, x for x**3."""
        if isinstance(node, sympy.Pow):
            x, exponent = self.nodes[node].operands
            times = number_of(exponent)
            if type(times) is int and 1 < times <= HIGHEST:
                return [x] * times
        return [node]

    def _is_own(self, node: sympy.Expr) -> bool:
        """Return whether nothing else reads a node, nor does it have a name."""
        return self.uses.get(id(node), 0) < 2 and self.nodes[node].name is None

    # Putting together.

    def _shared(self, terms: Sequence[Term]) -> sympy.Expr | None:
        """Return the array that most terms are multiples of, the latest made of such."""
        having = Counter[int]()
        by_id: dict[int, sympy.Expr] = {}
        for term in terms:
            own = {id(one): one for one in term.factors if self.nodes.shape(one)}
            having.update(own.keys())
            by_id |= own
        several = [one for key, one in by_id.items() if having[key] > 1]
        return max(
            several,
            key=lambda one: (having[id(one)], self.nodes[one].index),
            default=None,
        )

    def _gathered(self, terms: list[Term]) -> list[Term]:
        """Return the terms of a sum when those with common factors are one."""
        while len(terms) > 1 and (factor := self._shared(terms)) is not None:
            having = [one for one in terms if one.has(factor)]
            rest = [one for one in terms if not one.has(factor)]
            terms = [*rest, self._pulled(factor, having)]
        return terms

    def _pulled(self, factor: sympy.Expr, terms: Sequence[Term]) -> Term:
        """Return the sum of terms with a factor of all of them in front."""
        if self.uses.get(id(factor), 0) <= len(terms):
            self.uses[id(factor)] = 1
        front = self._flat([factor])
        inner = self._gathered([one.without(factor) for one in terms])
        rest = inner[0] if len(inner) == 1 else Term(1, (self._total(inner),))
        number, factors = front.number * rest.number, (*front.factors, *rest.factors)
        return self._number_inside(Term(number, factors))

    def _number_inside(self, term: Term) -> Term:
        """Return a product whose number multiplies those in a factor that is a sum."""
        for place, one in enumerate(term.factors):
            if term.number == 1 or not isinstance(one, sympy.Add):
                continue
            if not self.nodes[one].operands or not self._is_own(one):
                continue
            inner = [self._flat([each]) for each in self._terms([one])]
            scaled = [each.times(term.number) for each in inner]
            if sum(e.is_scaled for e in scaled) <= sum(e.is_scaled for e in inner):
                before, after = term.factors[:place], term.factors[place + 1 :]
                return Term(1, (*before, self._total(scaled), *after))
        return term

    def _total(self, terms: Sequence[Term]) -> sympy.Expr:
        """Return the node of a sum, numbers last."""
        numbers = [one.number for one in terms if not one.factors]
        arrays = [self._written(one) for one in terms if one.factors]
        if numbers and (sum(numbers) or not arrays):
            arrays.append(self.nodes.number(sum(numbers)))
        return self._folded(sympy.Add, arrays)

    def _written(self, term: Term) -> sympy.Expr:
        """Return the node of a product, its number first."""
        times = Counter(map(id, term.factors))
        distinct = {id(one): one for one in term.factors}
        factors = [
            one if times[key] == 1 else self._raised(one, times[key])
            for key, one in distinct.items()
        ]
        factors.sort(key=lambda one: len(self.nodes.shape(one)))
        if term.number != 1 or not factors:
            factors.insert(0, self.nodes.number(term.number))
        return self._folded(sympy.Mul, factors)

    def _raised(self, x: sympy.Expr, power: int) -> sympy.Expr:
        return self.nodes.make(sympy.Pow, x, self.nodes.number(power))

    def _folded(self, cls: type, operands: Sequence[sympy.Expr]) -> sympy.Expr:
        """Return a sum or product of operands, from the left."""
        total = operands[0]
        for one in operands[1:]:
            total = self.nodes.make(cls, total, one)
        return total

    def _difference_of_squares(
        self, operands: Sequence[sympy.Expr]
    ) -> sympy.Expr | None:
        """Return (1 - u) * (1 + u) for 1 - u**2 where 1 + u is computed, else None."""
        one, minus = operands
        if number_of(one) != 1 or not is_negative(minus):
            return None
        square = self.nodes[minus].operands[1:]
        if not square or not isinstance(square[0], sympy.Pow):
            return None
        u, exponent = self.nodes[square[0]].operands
        found = self.nodes.found(sympy.Add, one, u) or self.nodes.found(
            sympy.Add, u, one
        )
        if found is None or number_of(exponent) != 2:
            return None
        less = self.nodes.make(sympy.Mul, minus.args[0], u)
        difference = self.nodes.make(sympy.Add, one, less)
        return self.nodes.make(sympy.Mul, difference, found)
