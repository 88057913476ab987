"""Quotients among the factors of a product: what cancels, what is divided already.

In and out: the factors of a product of the backward pass. A product that is divided by
one of its factors is the other: x / (2 * y) * y is x / 2. A quotient a / r whose value
the forward pass has is read, not computed again: the chain rule's a / r**2 is q / r,
also where a stands inside of a sum along which r does not vary.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from functools import partial, reduce
from itertools import permutations

import sympy

from ..graph import Nodes, number_of
from ..ops.arithmetic import is_reciprocal
from ..ops.contraction import Contraction
from ..ops.layout import Reshape
from ..shapes import Shape, is_floating

__all__ = ["cancelled", "constant_along", "divided", "factors_of"]

# Powers up to this are seen as repeated factors.
HIGHEST = 3

Factors = list[sympy.Expr]


def cancelled(nodes: Nodes, factors: Sequence[sympy.Expr]) -> Factors:
    """Return factors with the same product, those taken apart that partly cancel."""
    found = list(factors)
    if not any(_divides(nodes, one) for one in found):
        return found
    place = 0
    while place < len(found):
        opened = _opened(nodes, found, place)
        found, place = (found, place + 1) if opened is None else (opened, 0)
    return found


def _divides(nodes: Nodes, factor: sympy.Expr) -> bool:
    return any(map(is_reciprocal, (factor, *nodes[factor].operands)))


def _opened(nodes: Nodes, factors: Factors, place: int) -> Factors | None:
    """Return factors where a part of that at a place cancels; None where none does."""
    one, others = factors[place], [*factors[:place], *factors[place + 1 :]]
    inverse = is_reciprocal(one)
    for part, *rest in _splits(nodes, nodes[one].operands[0] if inverse else one):
        left = _without(nodes, others, part if inverse else _inverted(nodes, part))
        if left is not None:
            rest = [_inverted(nodes, each) if inverse else each for each in rest]
            return _single(nodes, [*left, *rest])
    return None


def _splits(
    nodes: Nodes, node: sympy.Expr, depth: int = HIGHEST
) -> Iterator[tuple[sympy.Expr, ...]]:
    """Yield the factors of a product, be it squared or times a number, each first."""
    operands = nodes[node].operands
    if not depth or not operands or not is_floating(nodes.dtype(node)):
        return
    if isinstance(node, sympy.Mul):
        for part, rest in (operands, operands[::-1]):
            if number_of(part) is None:
                yield part, rest
            if number_of(rest) is not None:
                yield from ((*each, rest) for each in _splits(nodes, part, depth - 1))
    elif isinstance(node, sympy.Pow) and number_of(operands[1]) == 2:
        base = operands[0]
        yield base, base
        yield from ((*each, base) for each in _splits(nodes, base, depth - 1))


def _inverted(nodes: Nodes, node: sympy.Expr) -> sympy.Expr:
    """Return 1 / x; x for 1 / x."""
    if is_reciprocal(node):
        return nodes[node].operands[0]
    return nodes.make(sympy.Pow, node, nodes.number(-1))


def _without(nodes: Nodes, factors: Factors, product: sympy.Expr) -> Factors | None:
    """Return the factors that times a product are what all are; None without any."""
    left = [part for one in factors for part in _parts(nodes, one)]
    for wanted in _parts(nodes, product):
        place = next((i for i, one in enumerate(left) if one is wanted), None)
        if place is None:
            return None
        del left[place]
    return left


def divided(
    nodes: Nodes, factors: Sequence[sympy.Expr], once: Container[int]
) -> Factors:
    """Return factors with the same product, whose quotients are those known.

    once: ids of the nodes that are read once.
    """
    whole = _known(nodes, _into_sums(nodes, list(factors), once))
    single = _single(nodes, whole)
    if len(single) < 2:
        return single
    return _raised(nodes, _known(nodes, _into_sums(nodes, single, once)))


def _single(nodes: Nodes, factors: Sequence[sympy.Expr]) -> Factors:
    """Return factors as such that are no powers, without those that cancel."""
    return _without_inverses([one for each in factors for one in _parts(nodes, each)])


def _parts(nodes: Nodes, factor: sympy.Expr) -> Factors:
    """Return a factor as factors that are no powers: x for x**2 twice, 1 / x too."""
    base, exponent = factor, 1
    while isinstance(base, sympy.Pow) and is_floating(nodes.dtype(base)):
        power = number_of(nodes[base].operands[1])
        if type(power) is not int or not 0 < abs(power * exponent) <= HIGHEST:
            break
        base, exponent = nodes[base].operands[0], exponent * power
    if exponent >= 0:
        return [base] * exponent
    return [nodes.make(sympy.Pow, base, nodes.number(-1))] * -exponent


def _without_inverses(factors: Factors) -> Factors:
    """x * (1 / x) is 1."""
    left: Factors = []
    for one in factors:
        opposite = next((other for other in left if _inverse(one, other)), None)
        if opposite is None:
            left.append(one)
        else:
            left = _left(left, opposite)
    return left


def _left(factors: Factors, gone: sympy.Expr) -> Factors:
    """Return factors, one of them left out."""
    place = _place(factors, gone)
    return [*factors[:place], *factors[place + 1 :]]


def _place(factors: Factors, wanted: sympy.Expr) -> int:
    """Return where a factor is. Nodes are the same, not equal: SymPy would compare all
    that they are made of.
    """
    return next(place for place, one in enumerate(factors) if one is wanted)


def _inverse(one: sympy.Expr, other: sympy.Expr) -> bool:
    return any(
        is_reciprocal(below) and below.args[0] is above
        for below, above in ((one, other), (other, one))
    )


def _known(nodes: Nodes, factors: Factors) -> Factors:
    """A product of two factors that the forward pass has is one factor."""
    for one, other in permutations(factors, 2):
        value = _forward(nodes, one, other)
        if value is not None:
            place = _place(factors, one)
            rest = [*factors[:place], value, *factors[place + 1 :]]
            return _known(nodes, _left(rest, other))
    return factors


def _forward(nodes: Nodes, one: sympy.Expr, other: sympy.Expr) -> sympy.Expr | None:
    """Return the array that the forward pass has for a product of two factors.

    A number or a smaller array is better multiplied with what else is small, unless it
    divides.
    """
    value = nodes.found(sympy.Mul, one, other)
    if value is None and one is other:
        value = nodes.found(sympy.Pow, one, nodes.number(2))
    if value is None or nodes[value].backward or not nodes.shape(value):
        return None
    alike = nodes.shape(one) == nodes.shape(other)
    return value if alike or is_reciprocal(other) else None


def _raised(nodes: Nodes, factors: Factors) -> Factors:
    """x * x is x**2; a third power would cost more than the product."""
    raised: Factors = []
    left = list(factors)
    while left:
        one = left.pop(0)
        if not any(one is other for other in left):
            raised.append(one)
            continue
        left = _left(left, one)
        below = nodes[one].operands[0] if is_reciprocal(one) else one
        square = nodes.make(sympy.Pow, below, nodes.number(2))
        inverse = nodes.make(sympy.Pow, square, nodes.number(-1))
        raised.append(square if below is one else inverse)
    return raised


# Sums along which a divisor does not vary.


def _into_sums(nodes: Nodes, factors: Factors, once: Container[int]) -> Factors:
    """The sum of a * b, divided by r, is the sum of (a / r) * b."""
    for place, total in enumerate(factors):
        for below in filter(is_reciprocal, factors):
            made = _divided_inside(nodes, total, below, once)
            if made is not None:
                rest = [*factors[:place], made, *factors[place + 1 :]]
                return _left(rest, below)
    return factors


def _divided_inside(
    nodes: Nodes, total: sympy.Expr, below: sympy.Expr, once: Container[int]
) -> sympy.Expr | None:
    """Return a sum with a factor divided by what it is divided by, if that is known."""
    around: list[sympy.Expr] = []
    while isinstance(total, Reshape) or _is_share(nodes, total):
        around.insert(0, total)
        total = nodes[total].operands[0]
    if not isinstance(total, Contraction) or len(nodes[total].operands) > 1:
        return None
    (product,) = nodes[total].operands
    if not constant_along(nodes, below, nodes.shape(product), total):
        return None
    factors = list(factors_of(nodes, product, once))
    for place, one in enumerate(factors):
        value = _forward(nodes, one, below)
        if value is not None and nodes.shape(value) == nodes.shape(product):
            divided = [*factors[:place], value, *factors[place + 1 :]]
            made = reduce(partial(nodes.make, sympy.Mul), divided)
            made = nodes.make(Contraction, made, params=total.params)
            for node in around:
                others = nodes[node].operands[1:]
                params = getattr(node, "params", ())
                made = nodes.make(type(node), made, *others, params=params)
            return made
    return None


def _is_share(nodes: Nodes, node: sympy.Expr) -> bool:
    """Whether a node is a product with 1 over a number: of a sum, the mean."""
    if not isinstance(node, sympy.Mul) or not nodes.shape(node):
        return False
    count = nodes[node].operands[1]
    return is_reciprocal(count) and not nodes.shape(count)


def constant_along(
    nodes: Nodes, one: sympy.Expr, shape: Shape, total: sympy.Expr
) -> bool:
    """Return whether a factor of what is summed is the same along all that is added."""
    (indices,), output = total.params
    own = nodes.shape(one)
    new = len(shape) - len(own)
    return (
        new >= 0
        and list(output) == sorted(output)
        and len(set(indices)) == len(indices)
        and all(
            index in output or axis < new or own[axis - new] == 1
            for axis, index in enumerate(indices)
        )
    )


def factors_of(
    nodes: Nodes, product: sympy.Expr, apart: Container[int]
) -> Iterator[sympy.Expr]:
    """Yield the factors of a product; of a factor with an id in `apart` its factors."""
    pending = [product]
    while pending:
        one = pending.pop()
        operands = nodes[one].operands if isinstance(one, sympy.Mul) else ()
        if operands and (one is product or id(one) in apart):
            pending.extend(reversed(operands))
        else:
            yield one
