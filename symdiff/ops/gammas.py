"""Rows of SciPy's gamma, beta and their kind.

The derivatives are SymPy's and those of the NIST Handbook (DLMF), chapter 5. Refused:
the derivative of `polygamma` and `multigammaln` for their order.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer, call
from ..errors import UnsupportedError
from ..graph import Elementwise, number_of
from .elementwise import apply, float_rule
from .functions import elementary
from .handle import Handle, handle_of
from .special import SPECIAL
from .table import row

__all__ = ["digamma", "polygamma"]


class Beta(Elementwise):
    """gamma(a) * gamma(b) / gamma(a + b)."""


class BetaLn(Elementwise):
    """The logarithm of |beta(a, b)|."""


def polygamma(n: Any, x: Any) -> Handle:
    """Return the n-th derivative of the digamma function."""
    return apply(sympy.polygamma, _order(handle_of(n)), x, least="float16")


def _order(n: Handle) -> int:
    """Return the number that an order is. Raises `UnsupportedError` for others."""
    known = number_of(n.node)
    if known is None:
        raise UnsupportedError(
            "scipy.special.polygamma: the order must be a number",
            remedy="Bake the order in with static=.",
        )
    return int(known)


def digamma(x: Any) -> Handle:
    """Return the derivative of the logarithm of gamma."""
    return polygamma(0, x)


def _write_polygamma(writer: Writer, node: Any, n: Code, x: Code) -> Code:
    if number_of(writer.nodes[node].operands[0]) == 0:
        made = call(writer.function("scipy.special.digamma"), x)
    else:
        made = call(writer.function("scipy.special.polygamma"), n, x)
    dtype = writer.nodes.dtype(node)
    if dtype == "float":
        return Code(f"{made.text}.item()")
    if dtype == "float32":
        # SciPy's polygamma is one of double precision.
        return Code(f"{made.text}.astype({writer.function('np.float32')})")
    return made


# DLMF 5.2.2 and 5.15.1.
row(
    sympy.polygamma,
    kind="transcendental",
    shape=float_rule,
    write=_write_polygamma,
    vjp=(None, lambda g, y, n, x: g * polygamma(_order(n) + 1, x)),
)


def multigammaln(a: Any, d: Any) -> Handle:
    """Return the logarithm of the d-dimensional gamma function."""
    a, d = handle_of(a), operator.index(d)
    total = handle_of(d * (d - 1) / 4 * float(np.log(np.pi)))
    for j in range(d):
        total = total + SPECIAL["gammaln"](a - j / 2 if j else a)
    return total


SPECIAL |= {
    "gamma": elementary(sympy.gamma, "scipy.special.gamma"),
    "gammaln": elementary(sympy.loggamma, "scipy.special.gammaln"),
    "loggamma": lambda x: SPECIAL["gammaln"](x),
    "digamma": digamma,
    "psi": lambda x: digamma(x),
    "polygamma": polygamma,
    "multigammaln": multigammaln,
    # DLMF 5.12.1.
    "beta": elementary(
        Beta,
        "scipy.special.beta",
        count=2,
        vjp=(
            lambda g, y, a, b: g * y * (digamma(a) - digamma(a + b)),
            lambda g, y, a, b: g * y * (digamma(b) - digamma(a + b)),
        ),
        sympy=sympy.beta,
    ),
    "betaln": elementary(
        BetaLn,
        "scipy.special.betaln",
        count=2,
        vjp=(
            lambda g, y, a, b: g * (digamma(a) - digamma(a + b)),
            lambda g, y, a, b: g * (digamma(b) - digamma(a + b)),
        ),
        sympy=lambda a, b: sympy.log(sympy.beta(a, b)),
    ),
}
