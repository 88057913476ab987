"""Products as a person writes them: one number first, then scalars, then arrays.

In and out: a graph. Only products of the backward pass are regrouped, which may change
the last bit; what is used elsewhere keeps its own value. Layout of a product moves to
its factors, repetition out of it, where most of both turn out to change nothing.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping, Sequence

import sympy

from ..graph import Graph, Nodes, number_of
from ..ops.arithmetic import is_negative, is_reciprocal
from ..ops.contraction import Contraction
from ..ops.handle import Handle
from ..ops.layout import Broadcast, Reshape, Transpose, full_like_shape, moved
from ..shapes import Shape, broadcast, is_floating, is_weak
from ..timings import stage
from .quotients import cancelled, divided
from .rebuild import read_once, rebuild

__all__ = ["collect"]

# Longer products are left as they are, so that the work is linear in the graph.
LONGEST = 12

# A factor of a product, and the layout nodes that move its elements first.
Factor = tuple[sympy.Expr, tuple[sympy.Expr, ...]]


@stage("collect")
def collect(graph: Graph) -> Graph:
    """Return the graph with the products of its backward pass collected."""
    old, once = read_once(graph), set[int]()
    chains = _chains(graph, old)
    done: dict[int, sympy.Expr] = {}

    def rewrite(
        nodes: Nodes, node: sympy.Expr, operands: tuple[sympy.Expr, ...]
    ) -> sympy.Expr | None:
        for one, its_own in zip(graph.nodes[node].operands, operands, strict=True):
            if id(one) in old:
                once.add(id(its_own))
        factors = [
            moved(Handle(nodes, done[id(one)]), moves).node
            for one, moves in chains.get(id(node), ())
        ]
        product = _product(nodes, factors, once) if factors else None
        shape, dtype = graph.nodes.shape(node), graph.nodes.dtype(node)
        if product is None or nodes.dtype(product) != dtype:
            return None
        _name_as_inside(graph.nodes, node, nodes, product, done)
        if _leads(nodes.shape(product), shape):
            return nodes.make(Reshape, product, params=(shape,))
        return full_like_shape(Handle(nodes, product), shape, dtype).node

    return rebuild(graph, rewrite, done)


def _name_as_inside(
    old: Nodes,
    node: sympy.Expr,
    nodes: Nodes,
    product: sympy.Expr,
    done: Mapping[int, sympy.Expr],
) -> None:
    """Let a product in another shape be the cotangent that is a factor in its own."""
    while isinstance(node, Broadcast | Reshape) and old[node].backward:
        (node,) = old[node].operands
        of = old[node].cotangent_of
        info = nodes[product]
        if of is not None and info.backward and info.cotangent_of is None:
            info.cotangent_of = done.get(id(of))


# Finding the factors.


def _chains(graph: Graph, once: Container[int]) -> dict[int, list[Factor]]:
    """Return the factors of each product, its factors' own factors among them.

    once: ids of the nodes that are read once.
    """
    nodes, walk = graph.nodes, graph.walk()
    chains: dict[int, list[Factor]] = {}
    for node in walk:
        operands = nodes[node].operands
        if not operands or not nodes[node].backward:
            continue
        found = [
            chains[id(one)] if id(one) in once and _absorbed(chains, one) else []
            for one in operands
        ]
        if isinstance(node, sympy.Mul) and not _is_mean(nodes, node):
            pairs = zip(operands, found, strict=True)
            chains[id(node)] = [
                factor for one, inner in pairs for factor in inner or [(one, ())]
            ]
        elif found[0] and (isinstance(node, Broadcast) or _is_leading(nodes, node)):
            chains[id(node)] = found[0]
        elif isinstance(node, _MOVES) and _moves_inside(nodes, node, found[0]):
            chains[id(node)] = [
                (one, (*moves, node) if _shape(nodes, (one, moves)) else ())
                for one, moves in found[0]
            ]
        if id(node) in chains:
            for one, inner in zip(operands, found, strict=True):
                if inner:
                    del chains[id(one)]
    return chains


_MOVES = (Reshape, Transpose)


def _is_leading(nodes: Nodes, node: sympy.Expr) -> bool:
    """Whether a node only puts new axes in front: in a product they come by themselves."""
    if not isinstance(node, Reshape):
        return False
    return _leads(nodes.shape(nodes[node].operands[0]), nodes.shape(node))


def _leads(short: Shape, long: Shape) -> bool:
    """Whether a shape is another behind axes of size 1."""
    new = len(long) - len(short)
    return bool(short) and new > 0 and long == (1,) * new + short


def _absorbed(chains: Mapping[int, Sequence[Factor]], node: sympy.Expr) -> bool:
    """Whether a product that is read once is part of the one that it is a factor of."""
    return id(node) in chains and len(chains[id(node)]) <= LONGEST


def _is_mean(nodes: Nodes, node: sympy.Expr) -> bool:
    """Whether a product is a sum over a number of elements, to be written as a mean."""
    total, count = nodes[node].operands
    number = is_reciprocal(count) and not nodes.shape(count)
    return isinstance(total, Contraction) and number


def _shape(nodes: Nodes, factor: Factor) -> Shape:
    node, moves = factor
    return nodes.shape(moves[-1] if moves else node)


def _moves_inside(nodes: Nodes, node: sympy.Expr, factors: Sequence[Factor]) -> bool:
    """Whether moving each factor is no more work than moving their product."""
    arrays = [one for one in factors if _shape(nodes, one)]
    inner = nodes.shape(nodes[node].operands[0])
    alike = all(_shape(nodes, one) == inner for one in arrays)
    folds = any(
        type(below) is type(node)
        and nodes.shape(nodes[below].operands[0]) == nodes.shape(node)
        for below in (_below(nodes, one) for one, _ in arrays)
    )
    return bool(arrays) and alike and (len(arrays) == 1 or folds)


def _below(nodes: Nodes, node: sympy.Expr) -> sympy.Expr:
    """Return x for 1 / x, else the node."""
    return nodes[node].operands[0] if is_reciprocal(node) else node


# Multiplying them again.


def _product(
    nodes: Nodes, factors: Sequence[sympy.Expr], once: Container[int]
) -> sympy.Expr | None:
    """Return the product of factors, or None where its first array is no real one."""
    number, rest = _number_in_front(nodes, cancelled(nodes, factors))
    rest = divided(nodes, [_narrow(nodes, one) for one in rest], once)
    number, rest = _halved(nodes, number, rest)
    scalars = sorted(
        (one for one in rest if not nodes.shape(one)),
        key=lambda one: (is_reciprocal(one), is_weak(nodes.dtype(one))),
    )
    arrays = _smaller_first(nodes, rest, alone=not scalars and abs(number) == 1)
    if arrays and not is_floating(nodes.dtype(arrays[0])):
        return None
    ordered = [*scalars, *arrays]
    if all(is_reciprocal(one) and is_weak(nodes.dtype(one)) for one in scalars[:1]):
        # A size may be 0: Python would raise where NumPy goes on.
        ordered = [*arrays[:1], *scalars, *arrays[1:]]
    elif abs(number) == 1 and all(map(is_reciprocal, scalars)):
        ordered = [*arrays[:1], *scalars, *arrays[1:]]
    if abs(number) != 1:
        ordered.insert(0, nodes.number(number))
    elif not ordered or is_reciprocal(ordered[0]):
        ordered.insert(0, nodes.number(1))
    total = ordered[0]
    for one in ordered[1:]:
        total = nodes.make(sympy.Mul, total, one)
    return nodes.make(sympy.Mul, nodes.number(-1), total) if number == -1 else total


def _number_in_front(
    nodes: Nodes, factors: Sequence[sympy.Expr]
) -> tuple[float, list[sympy.Expr]]:
    """Return the product of the numbers among factors, signs of scalars too, and the
    rest; 2 / 6 is left as 1 / 3.
    """
    number, below = 1.0, 1
    rest: list[sympy.Expr] = []
    for one in factors:
        if is_negative(one) and nodes[one].operands and not nodes.shape(one):
            number, one = -number, nodes[one].operands[1]
        value = number_of(one)
        under = number_of(nodes[one].operands[0]) if is_reciprocal(one) else None
        if value is not None:
            number *= value
        elif type(under) is int and under:
            below *= under
        else:
            rest.append(one)
    number = _whole(number)
    if type(number) is int:
        shared = math.gcd(number, below)
        number, below = number // shared, below // shared
        number, rest = _reduced(nodes, number, rest)
    if below != 1:
        rest.insert(0, nodes.make(sympy.Pow, nodes.number(below), nodes.number(-1)))
    return number, rest


def _reduced(
    nodes: Nodes, number: int, factors: Sequence[sympy.Expr]
) -> tuple[int, list[sympy.Expr]]:
    """Return a number and factors with what they divide by in common cancelled: of
    2 / (8 * n) they are 1 and 1 / (4 * n).
    """
    reduced: list[sympy.Expr] = []
    for one in factors:
        if is_reciprocal(one) and nodes.is_size(nodes[one].operands[0]):
            size = nodes[one].operands[0]
            shared = math.gcd(number, int(size.as_coeff_Mul()[0]))
            number //= shared
            one = nodes.make(sympy.Pow, nodes.size(size / shared), nodes.number(-1))
        reduced.append(one)
    return number, reduced


def _halved(
    nodes: Nodes, number: float, factors: Sequence[sympy.Expr]
) -> tuple[float, list[sympy.Expr]]:
    """Return a number and factors with what it is a multiple of cancelled: of 4 / (2 * x)
    they are 2 and 1 / x.
    """
    halved = list(factors)
    for place, one in enumerate(factors):
        for shared, rest in _numbers_below(nodes, one):
            if (number / shared).is_integer():
                number /= shared
                halved[place] = nodes.make(sympy.Pow, rest, nodes.number(-1))
    return _whole(number), halved


def _numbers_below(
    nodes: Nodes, factor: sympy.Expr
) -> Iterator[tuple[float, sympy.Expr]]:
    """Yield 2 and x for 1 / (2 * x), nothing for others."""
    below = nodes[factor].operands[0] if is_reciprocal(factor) else factor
    operands = nodes[below].operands
    if below is factor or not isinstance(below, sympy.Mul) or not operands:
        return
    for one, rest in (operands, operands[::-1]):
        shared = number_of(one)
        if shared and shared != -1:
            yield shared, rest


def _smaller_first(
    nodes: Nodes, factors: Sequence[sympy.Expr], alone: bool
) -> list[sympy.Expr]:
    """Return the arrays among factors, those of few elements first where that saves
    work: there are numbers, or several of them, to multiply them with.
    """
    arrays = [one for one in factors if nodes.shape(one)]
    whole = broadcast([nodes.shape(one) for one in arrays], nodes.same_size)
    small = [one for one in arrays if nodes.shape(one) != whole]
    shapes = {nodes.shape(one) for one in small}
    if len(shapes) == 1 and not (alone and len(small) < 2):
        arrays.sort(key=lambda one: (nodes.shape(one) == whole, is_reciprocal(one)))
    elif alone and arrays and is_reciprocal(arrays[0]):
        arrays.sort(key=is_reciprocal)
    return arrays


def _whole(number: float) -> float:
    """Return a number as an integer where it is a small one: 2 for 2.0."""
    small = abs(number) < 1e15 and number == int(number)
    return int(number) if small else number


def _narrow(nodes: Nodes, node: sympy.Expr) -> sympy.Expr:
    repeats = isinstance(node, Broadcast) or _is_leading(nodes, node)
    return nodes[node].operands[0] if repeats else node
