"""Rewrites of logarithms: of sums, products and complements of exponentials.

In: logarithms of base e, 2 and 10, also of what is moved, repeated or picked from; the
identities are those of the natural one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy
from sympy.codegen import cfunctions

from ...ops.elementwise import apply
from ...ops.functions import LogAbs
from ...ops.handle import Handle
from ...ops.logistic import Sigmoid, softplus
from ...ops.probability import LogNdtr, Ndtr
from ...ops.reductions import Prod
from ...ops.solving import Det
from .cancelling import BASES
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
    placed,
    product_of,
    scaled,
    split,
    terms,
    through,
)
from .table import rewrite

__all__ = ["LOGARITHMS"]

LOGARITHMS = (sympy.log, cfunctions.log2, cfunctions.log10)


def _of(build: Callable[[Handle], Any]) -> Callable[[Handle], Handle | None]:
    """Return the rule for logarithms, of any base, of what `build` gives the natural
    one of; None where it gives None.
    """

    def rule(y: Handle) -> Handle | None:
        core, moves = through(_argument(y))
        found = build(core)
        if found is None:
            return None
        base = BASES.get(type(y.node), math.e)
        natural = placed(found, moves)
        return natural if base == math.e else natural * (1 / math.log(base))

    return rule


def _argument(y: Handle) -> Handle:
    """Return what a logarithm is of; 1 + x for log1p(x)."""
    (x,) = operands(y)
    return 1 + x if isinstance(y.node, cfunctions.log1p) else x


def _log(x: Any) -> Any:
    """Return log(x), of a reciprocal as a negative."""
    if not isinstance(x, Handle):
        return math.log(x)
    below = inverse(x)
    return np.log(x) if below is None else -np.log(below)


@rewrite("log-exp", "log(exp(x) * y) = x + log(y)", "all x and y", *LOGARITHMS)
@_of
def log_exp(x: Handle) -> Any:
    """The logarithm of a product one of whose factors is an exponential: a softmax."""
    found = split(x, exponent)
    if found is None:
        return None
    inner, rest = found
    return inner + _log(product_of(rest)) if rest else inner


@rewrite(
    "log-sigmoid",
    "log(sigmoid(x) * y) = log(y) - log(1 + exp(-x))",
    "all x and y",
    *LOGARITHMS,
)
@_of
def log_sigmoid(x: Handle) -> Any:
    """The logarithm of a probability given by its logit."""
    found = split(x, lambda one: operand(one, Sigmoid))
    if found is None:
        return None
    logit, rest = found
    made = -softplus(minus(logit))
    return made + _log(product_of(rest)) if rest else made


@rewrite(
    "softplus",
    "log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))",
    "all x",
    *LOGARITHMS,
    cfunctions.log1p,
)
@_of
def log_one_plus_exp(x: Handle) -> Any:
    """The softplus function."""
    inner = one_plus(x)
    power = None if inner is None else exponent(inner)
    return None if power is None else softplus(power)


@rewrite(
    "log1mexp",
    "log(1 - exp(x)) = log(-expm1(x)) where x > -log(2), else log1p(-exp(x))",
    "x <= 0",
    *LOGARITHMS,
    cfunctions.log1p,
)
@_of
def log_one_minus_exp(x: Handle) -> Any:
    """Both forms of Maechler (2012), "Accurately computing log(1 - exp(-|a|))", (7)."""
    inner, difference = one_minus(x), negated(x)
    power = None if inner is None else exponent(inner)
    if power is None and difference is not None:
        power = operand(difference, cfunctions.expm1)
    if power is None:
        return None
    near = power > -math.log(2)
    return np.where(near, np.log(-np.expm1(power)), np.log1p(-np.exp(power)))


@rewrite(
    "logaddexp",
    "log(exp(a) + exp(b)) = logaddexp(a, b)",
    "all a and b",
    *LOGARITHMS,
)
@_of
def log_add_exp(x: Handle) -> Any:
    """The logarithm of two or more exponentials added."""
    found = _exponents(x)
    if found is None:
        return None
    total: Any = found[0]
    for one in found[1:]:
        total = np.logaddexp(total, one)
    return total


def _exponents(x: Handle, longest: int = 8) -> list[Handle] | None:
    """Return the exponents of a sum of exponentials, None of any other."""
    found: list[Handle] = []
    while (pair := terms(x)) is not None and len(found) < longest:
        power = exponent(pair[1])
        if power is None:
            return None
        found.insert(0, power)
        x = pair[0]
    first = exponent(x)
    return [first, *found] if first is not None and found else None


@rewrite(
    "log-prod",
    "log(prod(x)) = sum(log(abs(x))) + log(prod(sign(x)))",
    "all x; log(abs(prod(x))) without the last term",
    *LOGARITHMS,
)
@_of
def log_prod(x: Handle) -> Any:
    """The logarithm of a product, which overflows before its logarithm does."""
    inner = operand(x, sympy.Abs)
    found = operand(x if inner is None else inner, Prod)
    if found is None:
        return None
    axes = (x if inner is None else inner).node.params[0]
    total = np.sum(apply(LogAbs, found), axis=axes)
    return total if inner is not None else total + np.log(np.prod(np.sign(found), axes))


@rewrite(
    "log-det",
    "log(det(A)) = logabsdet + log(sign) of slogdet(A)",
    "all A; log(abs(det(A))) without the last term",
    *LOGARITHMS,
)
@_of
def log_det(x: Handle) -> Any:
    """The logarithm of a determinant."""
    inner = operand(x, sympy.Abs)
    matrix = operand(x if inner is None else inner, Det)
    if matrix is None:
        return None
    sign, logabsdet = np.linalg.slogdet(matrix)
    return logabsdet if inner is not None else logabsdet + np.log(sign)


@rewrite(
    "log-ndtr",
    "log(ndtr(x)) = log_ndtr(x), log(erfc(x)) = log(2) + log_ndtr(-sqrt(2) * x)",
    "all x; also products with positive numbers",
    *LOGARITHMS,
)
@_of
def log_of_tail(x: Handle) -> Any:
    """The logarithm of a normal distribution's tail."""
    found = split(x, _tail)
    if found is None or any((number(one) or 0) <= 0 for one in found[1]):
        return None
    (argument, constant), rest = found
    constant *= math.prod(number(one) for one in rest)  # type: ignore[misc]
    made = apply(LogNdtr, argument)
    return made if constant == 1 else made + math.log(constant)


def _tail(x: Handle) -> tuple[Handle, float] | None:
    """Return y and c for c * ndtr(y)."""
    inner = operand(x, Ndtr)
    if inner is not None:
        return inner, 1.0
    inner = operand(x, sympy.erfc)
    return None if inner is None else (scaled(inner, -math.sqrt(2)), 2.0)


@rewrite("log1p", "log(1 + x) = log1p(x)", "all x", *LOGARITHMS)
@_of
def log_one_plus(x: Handle) -> Any:
    """The logarithm of what is near 1."""
    inner = one_plus(x)
    return None if inner is None or number(inner) is not None else np.log1p(inner)
