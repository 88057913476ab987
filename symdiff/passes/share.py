"""Common subexpressions beyond what interning finds.

In and out: a graph. Four kinds: sums and products whose operands are commuted; partial
sums and products (a + b within a + c + b); products of arrays that are transposes of
each other; powers within powers (x**2 within x**4). Regrouping changes the last bit of
a sum, so only what is computed twice is regrouped. Linear in the number of nodes: chains
are bounded.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import sympy

from ..graph import Graph, Nodes, number_of
from ..ops.arithmetic import is_reciprocal
from ..ops.contraction import Contraction, contract, indices_of
from ..ops.handle import Handle
from ..timings import stage
from .rebuild import read_once, rebuild

__all__ = ["share"]

LONGEST_CHAIN = 12

Operands = tuple[sympy.Expr, ...]


@stage("share")
def share(graph: Graph, *, forward: bool = True) -> Graph:
    """Return the graph with what is computed twice computed once.

    forward: whether sums and products of the forward pass may be regrouped.
    """
    return _regrouped(_canonical(graph, forward), forward)


# Commuted operands, transposed products, powers within powers.


def _canonical(graph: Graph, forward: bool) -> Graph:
    """Make nodes that differ by the order of their operands one node: the first made."""
    seen: dict[tuple, sympy.Expr] = {}
    products: dict[tuple, tuple[sympy.Expr, tuple[int, ...]]] = {}

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: Operands
    ) -> sympy.Expr | None:
        if isinstance(node, sympy.Add | sympy.Mul):
            key = (type(node), *sorted(map(id, operands)))
            if key not in seen:
                seen[key] = nodes.make(type(node), *operands)
            return seen[key]
        if isinstance(node, Contraction) and len(operands) == 2:
            return _product(nodes, node, operands, products)
        if isinstance(node, sympy.Pow) and (forward or nodes.backward):
            base, exponent = operands
            return _power(nodes, base, exponent, seen)
        return None

    return rebuild(graph, rewrite)


def _product(
    nodes: Nodes,
    node: sympy.Expr,
    operands: Operands,
    seen: dict[tuple, tuple[sympy.Expr, tuple[int, ...]]],
) -> sympy.Expr:
    """Return the transpose of an equal product made before, or the product."""
    inputs, output = indices_of(node)
    places = sorted(
        range(2), key=lambda place: (nodes[operands[place]].index, inputs[place])
    )
    number: dict[int, int] = {}
    terms = tuple(
        tuple(number.setdefault(i, len(number)) for i in inputs[place])
        for place in places
    )
    wanted = tuple(number[i] for i in output)
    key = (
        Contraction,
        *(id(operands[place]) for place in places),
        terms,
        frozenset(wanted),
    )
    if key not in seen:
        seen[key] = (nodes.make(Contraction, *operands, params=node.params), wanted)
    first, have = seen[key]
    return contract([Handle(nodes, first)], [have], wanted).node


def _power(
    nodes: Nodes, base: sympy.Expr, exponent: sympy.Expr, seen: dict[tuple, sympy.Expr]
) -> sympy.Expr | None:
    """Return x**n as one product of powers of x that there are, else None.

    NumPy squares as fast as it multiplies; any higher power takes it many times longer.
    """
    power = number_of(exponent)
    if type(power) is not int or power < 2 or not nodes.shape(base):
        return None
    half = seen.get((sympy.Pow, id(base), power // 2))
    below = seen.get((sympy.Pow, id(base), power - 1))
    if half is not None and power % 2 == 0:
        made = nodes.make(sympy.Pow, half, nodes.number(2))
    elif below is not None:
        made = nodes.make(sympy.Mul, below, base)
    else:
        made = nodes.make(sympy.Pow, base, exponent)
    return seen.setdefault((sympy.Pow, id(base), power), made)


# Partial sums and products.


def _regrouped(graph: Graph, forward: bool) -> Graph:
    """Regroup sums and products of three and more terms around pairs that several of
    them have.
    """
    chains = _chains(graph)
    pairs = _common_pairs(graph, chains)
    done: dict[int, sympy.Expr] = {}

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: Operands
    ) -> sympy.Expr | None:
        shared = pairs.get(id(node))
        if shared is None or not (forward or nodes.backward):
            return None
        rest = [one for one in chains[id(node)] if id(one) not in shared]
        first, second = (one for one in chains[id(node)] if id(one) in shared)
        total = nodes.make(type(node), done[id(first)], done[id(second)])
        for one in rest:
            leads = isinstance(node, sympy.Mul) and number_of(one) is not None
            pair = (done[id(one)], total) if leads else (total, done[id(one)])
            total = nodes.make(type(node), *pair)
        return total

    return rebuild(graph, rewrite, done) if pairs else graph


def _chains(graph: Graph) -> dict[int, list[sympy.Expr]]:
    """Return the terms of each sum and product that is not itself a part of one."""
    nodes, once = graph.nodes, read_once(graph)
    chains: dict[int, list[sympy.Expr]] = {}
    for node in graph.walk():
        if not isinstance(node, sympy.Add | sympy.Mul):
            continue
        terms: list[sympy.Expr] = []
        for operand in nodes[node].operands:
            inner = chains.get(id(operand)) if type(operand) is type(node) else None
            alone = id(operand) in once and nodes[operand].name is None
            if inner is not None and alone:
                terms += inner
                del chains[id(operand)]
            else:
                terms.append(operand)
        chains[id(node)] = terms
    return {
        one: terms
        for one, terms in chains.items()
        if len(set(map(id, terms))) == len(terms) <= LONGEST_CHAIN
    }


def _common_pairs(
    graph: Graph, chains: dict[int, list[sympy.Expr]]
) -> dict[int, frozenset[int]]:
    """Return for each chain of three and more the pair of its terms that most other
    chains have.
    """
    found: Counter[tuple[type, frozenset[int]]] = Counter()
    each: dict[int, list[tuple[type, frozenset[int]]]] = {}
    for node in graph.walk():
        if id(node) not in chains:
            continue
        terms = [one for one in chains[id(node)] if _sharable(graph.nodes, one)]
        each[id(node)] = [
            (type(node), frozenset((id(one), id(other))))
            for one, other in combinations(terms, 2)
        ]
        found.update(each[id(node)])
    pairs: dict[int, frozenset[int]] = {}
    for one, candidates in each.items():
        if len(chains[one]) > 2 and candidates:
            best = max(candidates, key=found.__getitem__)
            if found[best] > 1:
                pairs[one] = best[1]
    return pairs


def _sharable(nodes: Nodes, node: sympy.Expr) -> bool:
    """Whether a term is an array: regrouping scalars or divisions gains nothing."""
    return bool(nodes.shape(node)) and not is_reciprocal(node)
