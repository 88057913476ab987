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
    found = {id(node) for node in graph.walk() if _Sums(old, uses).changes(node)}
    new: Counter[int] = Counter()

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
    ) -> sympy.Expr | None:
        for one, made in zip(old[node].operands, operands, strict=True):
            new.setdefault(id(made), uses[id(one)])
        return _Sums(nodes, new).written(node, operands)

    return rebuild(graph, rewrite) if found else graph


class _Sums:
    """Sums and products, and how they are written with fewer operations.

    uses: how often nodes are read, by their ids.
    """

    def __init__(self, nodes: Nodes, uses: Counter[int]) -> None:
        self.nodes = nodes
        self.uses = uses

    def changes(self, node: sympy.Expr) -> bool:
        """Return whether a node is written otherwise."""
        operands, dtype = self.nodes[node].operands, self.nodes.dtype(node)
        if not self.nodes.shape(node) or is_weak(dtype) or not is_floating(dtype):
            return False
        if isinstance(node, sympy.Add):
            squares = self._difference_of_squares(operands) is not None
            return squares or self._shared(self._summed(operands)) is not None
        term = self._flat(operands) if isinstance(node, sympy.Mul) else Term(1)
        return self._taking_number(term) is not None

    def written(
        self, node: sympy.Expr, operands: Sequence[sympy.Expr]
    ) -> sympy.Expr | None:
        """Return a sum or product of operands with fewer operations, None for others."""
        if not isinstance(node, sympy.Add | sympy.Mul):
            return None
        made = self.nodes.make(type(node), *operands)
        if not self.changes(made):
            return None
        shape = self.nodes.shape(made)
        if isinstance(node, sympy.Mul):
            made = self._product(self._number_inside(self._flat(operands)))
        elif (found := self._difference_of_squares(operands)) is not None:
            one, sign, u, one_plus_u = found
            minus_u = self.nodes.make(sympy.Mul, sign, u)
            less = self.nodes.make(sympy.Add, one, minus_u)
            made = self.nodes.make(sympy.Mul, less, one_plus_u)
        else:
            made = self._total(self._gathered(self._summed(operands)))
        return made if self.nodes.shape(made) == shape else None

    def _summed(self, operands: Iterable[sympy.Expr]) -> list[Term]:
        return [self._flat([one]) for one in self._terms(operands)]

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
        """Return the array that most terms are multiples of, the latest made of such.

        Not x of x - x * y, where it would save nothing.
        """
        having: dict[int, list[Term]] = {}
        by_id: dict[int, sympy.Expr] = {}
        for term in terms:
            for key, one in {id(one): one for one in term.factors}.items():
                having.setdefault(key, []).append(term)
                by_id[key] = one
        return max(
            (one for key, one in by_id.items() if self._pays(one, having[key])),
            key=lambda one: (len(having[id(one)]), self.nodes[one].index),
            default=None,
        )

    def _pays(self, factor: sympy.Expr, terms: Sequence[Term]) -> bool:
        """Return whether a factor of some terms may stand in front of their sum."""
        products = sum(len(one.factors) > 1 for one in terms)
        scaled = any(abs(one.number) != 1 for one in terms)
        several = len(terms) > 1 and (products > 1 or scaled)
        return several and bool(self.nodes.shape(factor))

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
        place = self._taking_number(term)
        if place is None:
            return term
        inner = self._summed([term.factors[place]])
        total = self._total([one.times(term.number) for one in inner])
        before, after = term.factors[:place], term.factors[place + 1 :]
        return Term(1, (*before, total, *after))

    def _taking_number(self, term: Term) -> int | None:
        """Return the factor of a product whose terms take its number for nothing."""
        for place, one in enumerate(term.factors if term.number != 1 else ()):
            if not isinstance(one, sympy.Add) or not self._is_own(one):
                continue
            inner = self._summed([one]) if self.nodes[one].operands else []
            scaled = sum(each.times(term.number).is_scaled for each in inner)
            if inner and scaled <= sum(each.is_scaled for each in inner):
                return place
        return None

    def _total(self, terms: Sequence[Term]) -> sympy.Expr:
        """Return the node of a sum, numbers last."""
        numbers = [one.number for one in terms if not one.factors]
        arrays = [self._product(one) for one in terms if one.factors]
        if numbers and (sum(numbers) or not arrays):
            arrays.append(self.nodes.number(sum(numbers)))
        return self._folded(sympy.Add, arrays)

    def _product(self, term: Term) -> sympy.Expr:
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
    ) -> tuple[sympy.Expr, sympy.Expr, sympy.Expr, sympy.Expr] | None:
        """Return 1, -1, u and 1 + u for 1 - u**2 where 1 + u is computed, else None."""
        one, minus = operands
        if number_of(one) != 1 or not is_negative(minus):
            return None
        sign, *square = self.nodes[minus].operands
        if not square or not isinstance(square[0], sympy.Pow):
            return None
        u, exponent = self.nodes[square[0]].operands
        found = (self.nodes.found(sympy.Add, *pair) for pair in ((one, u), (u, one)))
        one_plus_u = next(filter(None, found), None)
        if one_plus_u is None or number_of(exponent) != 2:
            return None
        return one, sign, u, one_plus_u
