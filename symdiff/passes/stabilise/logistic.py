"""Rewrites of exponentials over sums of exponentials: sigmoid, tanh, cross-entropy.

In: what is left of a formula once its parts are rewritten: a quotient by 1 + exp(-x) is
a product with sigmoid(x), exp(x) - 1 is expm1(x), if these rewrites are wanted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy
from sympy.codegen import cfunctions

from ...ops.choices import Maximum
from ...ops.contraction import Contraction, contract, indices_of
from ...ops.elementwise import Cast
from ...ops.handle import Handle
from ...ops.logistic import (
    BinaryCrossEntropy,
    Sigmoid,
    Softplus,
    binary_cross_entropy,
    sigmoid,
    sigmoid_by_tanh,
    softplus,
)
from .patterns import (
    exponent,
    inverse,
    minus,
    negated,
    number,
    one_minus,
    one_plus,
    operand,
    operands,
    parts,
    product_of,
    same,
    scaled,
    split,
    summands,
    terms,
)
from .table import rewrite

__all__ = ["cross_entropy", "hyperbolic", "logistic", "tanh"]


@rewrite(
    "sigmoid",
    "1 / (1 + exp(-x)) = (1 if x >= 0 else exp(-|x|)) / (1 + exp(-|x|))",
    "all x",
    sympy.Pow,
    sympy.Mul,
    sympy.Add,
)
def logistic(y: Handle) -> Handle | None:
    """The logistic function: 1 / (1 + exp(-x)), exp(x) / (1 + exp(x)), 1 - sigmoid(-x)."""
    if isinstance(y.node, sympy.Pow):
        below = inverse(y)
        inner = None if below is None else one_plus(below)
        power = None if inner is None else exponent(inner)
        return None if power is None else sigmoid(minus(power))
    if isinstance(y.node, sympy.Add):
        inner = one_minus(y)
        logit = None if inner is None else operand(inner, Sigmoid)
        return None if logit is None else sigmoid(minus(logit))
    return _over_one_plus(y)


@rewrite(
    "sigmoid-by-tanh",
    "sigmoid(x) = (1 + tanh(x / 2)) / 2",
    "all x; of small values the last digits are lost",
    Sigmoid,
    fast=True,
    late=True,
)
def by_tanh(y: Handle) -> Handle:
    """The logistic function by one of NumPy's that is fast."""
    return sigmoid_by_tanh(operands(y)[0])


def _over_one_plus(y: Handle) -> Any:
    """exp(x) * sigmoid(-x) is sigmoid(x), as is 1 * sigmoid(x)."""
    found = split(y, lambda one: operand(one, Sigmoid))
    if found is None:
        return None
    logit, rest = found
    if all(number(one) == 1 for one in rest):
        return sigmoid(logit)
    power = split(product_of(rest), exponent)
    if power is None or not same(minus(power[0]), logit):
        return None
    made = sigmoid(power[0])
    return made * product_of(power[1]) if power[1] else made


@rewrite(
    "softplus-by-hand",
    "max(x, 0) + log1p(exp(-|x|)) = log(1 + exp(x)), with one slope at 0",
    "all x",
    sympy.Add,
)
def softplus_by_hand(y: Handle) -> Any:
    """The softplus function where it is guarded against overflow already."""
    several = summands(y)
    for decayed in several:
        decay = operand(decayed, Softplus)
        below = None if decay is None else negated(decay)
        size = None if below is None else operand(below, sympy.Abs)
        for one in several if size is not None else ():
            x = _positive_part(one)
            if x is not None and (same(x, size) or same(minus(x), size)):
                rest = [z for z in several if z is not one and z is not decayed]
                return sum(rest, start=softplus(x))
    return None


def _positive_part(x: Handle) -> Handle | None:
    """Return y for maximum(y, 0)."""
    pair = parts(x, Maximum)
    for one, other in (pair, pair[::-1]) if pair else ():
        if number(other) == 0:
            return one
    return None


@rewrite(
    "binary-cross-entropy",
    "y * log(s) + (1 - y) * log(1 - s) = x * y - log(1 + exp(x)), s = sigmoid(x)",
    "all x and y",
    sympy.Add,
    sympy.Mul,
)
def cross_entropy(z: Handle) -> Handle | None:
    """Both terms of the logarithm of a label's probability, given by its logit."""
    if isinstance(z.node, sympy.Mul):
        return _positive(z)
    found = terms(z)
    first, second = map(_weighted_softplus, found) if found else (None, None)
    if first is None or second is None:
        return None
    for one, other in ((first, second), (second, first)):
        sign, logit, label = one
        if (sign, minus(logit).node) != (other[0], other[1].node):
            continue
        rest = one_minus(other[2])
        if rest is not None and _uncast(rest).node is _uncast(label).node:
            made = binary_cross_entropy(other[1], label)
            return -made if sign < 0 else made
    return None


def _positive(y: Handle) -> Handle | None:
    """Minus the sum or mean of negative cross-entropies, without either sign."""
    inner = negated(y)
    found = None if inner is None else split(inner, _sum_of_negative)
    return None if found is None else product_of([found[0], *found[1]])


def _sum_of_negative(x: Handle) -> Handle | None:
    total = operand(x, Contraction)
    loss = None if total is None else negated(total)
    if loss is None or not isinstance(loss.node, BinaryCrossEntropy):
        return None
    return contract((loss,), *indices_of(x.node))


def _weighted_softplus(x: Handle) -> tuple[int, Handle, Handle] | None:
    """Return sign, z and y for y * log(1 + exp(z)) or its negative."""
    found = split(x, lambda one: operand(one, Softplus))
    if found is None:
        return None
    logit, rest = found
    sign = -1 if sum(number(one) == -1 for one in rest) % 2 else 1
    rest = [one for one in rest if number(one) not in (1, -1)]
    return (sign, logit, _uncast(rest[0])) if len(rest) == 1 else None


def _uncast(x: Handle) -> Handle:
    return operands(x)[0] if isinstance(x.node, Cast) else x


@rewrite(
    "tanh",
    "(exp(a) - exp(b)) / (exp(a) + exp(b)) = tanh((a - b) / 2)",
    "all a and b",
    sympy.Mul,
    sympy.Add,
)
def tanh(y: Handle) -> Any:
    """The hyperbolic tangent from exponentials or from a sigmoid."""
    if isinstance(y.node, sympy.Add):
        return _twice_sigmoid(y)
    found = split(y, lambda one: operand(one, Sigmoid))
    if found is not None and len(found[1]) in (1, 2):
        # (exp(u) - 1) * sigmoid(-u), with either sign.
        logit, rest = found
        power = operand(rest[-1], cfunctions.expm1)
        sign = 1 if len(rest) == 1 else number(rest[0])
        if power is not None and sign in (1, -1) and same(minus(power), logit):
            made = np.tanh(scaled(power, 0.5))
            return made if sign == 1 else -made
    return _quotient_of_exponentials(y)


def _twice_sigmoid(y: Handle) -> Any:
    """2 * sigmoid(x) - 1 is tanh(x / 2)."""
    found = terms(y)
    for one, other in (found, found[::-1]) if found else ():
        twice = split(one, lambda part: operand(part, Sigmoid))
        if twice is not None and number(other) == -1:
            logit, rest = twice
            if len(rest) == 1 and number(rest[0]) == 2:
                return np.tanh(scaled(logit, 0.5))
    return None


def _quotient_of_exponentials(y: Handle) -> Any:
    above, below = operands(y)
    under = inverse(below)
    pair, sums = terms(above), terms(under) if under is not None else None
    if pair is None or sums is None:
        return None
    (a, b), (c, d) = map(exponent, sums), (exponent(pair[0]), _subtracted(pair[1]))
    if a is None or b is None or c is None or d is None:
        return None
    if {id(a.node), id(b.node)} != {id(c.node), id(d.node)}:
        return None
    opposite = same(minus(c), d)
    return np.tanh(c if opposite else scaled(c - d, 0.5))


def _subtracted(x: Handle) -> Handle | None:
    inner = negated(x)
    return None if inner is None else exponent(inner)


@rewrite(
    "sinh",
    "(exp(x) - exp(-x)) / 2 = sinh(x), (exp(x) + exp(-x)) / 2 = cosh(x)",
    "all x",
    sympy.Mul,
)
def hyperbolic(y: Handle) -> Any:
    """The hyperbolic sine and cosine from exponentials."""
    first, second = operands(y)
    for one, other in ((first, second), (second, first)):
        pair = terms(one)
        if number(other) != 0.5 or pair is None:
            continue
        a, b, c = exponent(pair[0]), exponent(pair[1]), _subtracted(pair[1])
        if a is not None and c is not None and same(minus(a), c):
            return np.sinh(a)
        if a is not None and b is not None and same(minus(a), b):
            return np.cosh(a)
    return None
