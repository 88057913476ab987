"""Rows of SciPy's functions that are integrals or sums: exponential, incomplete, zeta.

The derivatives are those of the NIST Handbook (DLMF): of their definitions in 6.2.1,
6.2.5, 7.2.1, 7.2.5, 8.2 and 8.17.1 for what has x as a limit of integration, 8.19.13
for E_n, 13.3.15 and 15.5.1 for hypergeometric functions, 25.11.17 for zeta. Refused:
derivatives for orders and shapes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..code import Code, Writer, call
from ..errors import UnsupportedError
from ..graph import Elementwise, number_of
from .elementwise import apply, float_rule
from .handle import Handle
from .special import SPECIAL
from .table import row

__all__: list[str] = []


class Dawson(Elementwise):
    """exp(-x**2) times the integral of exp(t**2) from 0 to x."""


class Erfi(Elementwise):
    """-i * erf(i * x)."""


class Expi(Elementwise):
    """The integral of exp(t) / t up to x."""


class Exp1(Elementwise):
    """The integral of exp(-t) / t from x on."""


class Expn(Elementwise):
    """The integral of exp(-x * t) / t**n from 1 on."""


class GammaInc(Elementwise):
    """The regularised lower incomplete gamma function of a at x."""


class GammaIncC(Elementwise):
    """The regularised upper incomplete gamma function of a at x."""


class BetaInc(Elementwise):
    """The regularised incomplete beta function of a, b at x."""


class Hyp1F1(Elementwise):
    """Kummer's hypergeometric function of a, b at x."""


class Hyp2F1(Elementwise):
    """Gauss's hypergeometric function of a, b, c at x."""


class HurwitzZeta(Elementwise):
    """The sum of 1 / (k + q)**s."""


def _last(name: str, slope: Callable) -> Callable:
    """Return the rule of a function of shapes and x, which has a slope for x alone."""

    def vjp(g: Handle, y: Handle, x: Sequence[Handle], needed: Sequence[bool]) -> tuple:
        if any(needed[:-1]):
            raise UnsupportedError(
                f"the derivative of scipy.special.{name} for its parameters is not supported",
                remedy="Bake the parameter in with static=.",
            )
        return (*(None for _ in x[:-1]), g * slope(y, *x))

    return vjp


def _writing(name: str) -> Callable[..., Code]:
    """Return the writing of a function that SciPy may compute in double precision."""

    def write(writer: Writer, node: Any, *x: Code) -> Code:
        made = call(writer.function(f"scipy.special.{name}"), *x)
        dtype = writer.nodes.dtype(node)
        if dtype == "float":
            return Code(f"{made.text}.item()")
        if dtype == "float32":
            return Code(f"{made.text}.astype({writer.function('np.float32')})")
        return made

    return write


def _function(cls: type, name: str, slope: Callable) -> Callable:
    """Add the row of a function with a slope `(y, *x)` for the last argument."""
    row(
        cls,
        kind="transcendental",
        shape=float_rule,
        write=_writing(name),
        vjp=_last(name, slope),
    )
    return lambda *x: apply(cls, *x, least="float16")


def _beta_density(y: Handle, a: Handle, b: Handle, x: Handle) -> Any:
    return x ** (a - 1) * (1 - x) ** (b - 1) / SPECIAL["beta"](a, b)


def _gamma_density(y: Handle, a: Handle, x: Handle) -> Any:
    return x ** (a - 1) * np.exp(-x) / SPECIAL["gamma"](a)


def _expn_slope(y: Handle, n: Handle, x: Handle) -> Any:
    """-E_(n - 1), written out for n = 1: SciPy's does not go below order 0."""
    order = number_of(n.node)
    if order is None:
        raise UnsupportedError(
            "scipy.special.expn: the order must be a number to be differentiated",
            remedy="Bake the order in with static=.",
        )
    return -np.exp(-x) / x if order == 1 else -apply(Expn, order - 1, x)


def _kummer_slope(y: Handle, a: Handle, b: Handle, x: Handle) -> Any:
    return a / b * apply(Hyp1F1, a + 1, b + 1, x)


def _gauss_slope(y: Handle, a: Handle, b: Handle, c: Handle, x: Handle) -> Any:
    return a * b / c * apply(Hyp2F1, a + 1, b + 1, c + 1, x)


SPECIAL |= {
    "dawsn": _function(Dawson, "dawsn", lambda y, x: 1 - 2 * x * y),
    "erfi": _function(Erfi, "erfi", lambda y, x: 2 / math.sqrt(math.pi) * np.exp(x**2)),
    "expi": _function(Expi, "expi", lambda y, x: np.exp(x) / x),
    "exp1": _function(Exp1, "exp1", lambda y, x: -np.exp(-x) / x),
    "expn": _function(Expn, "expn", _expn_slope),
    "gammainc": _function(GammaInc, "gammainc", _gamma_density),
    "gammaincc": _function(
        GammaIncC, "gammaincc", lambda y, a, x: -_gamma_density(y, a, x)
    ),
    "betainc": _function(BetaInc, "betainc", _beta_density),
    "hyp1f1": _function(Hyp1F1, "hyp1f1", _kummer_slope),
    "hyp2f1": _function(Hyp2F1, "hyp2f1", _gauss_slope),
    "zeta": _function(
        HurwitzZeta, "zeta", lambda y, s, q: -s * apply(HurwitzZeta, s + 1, q)
    ),
}

_hurwitz = SPECIAL["zeta"]
SPECIAL["zeta"] = lambda x, q=1: _hurwitz(x, q)
