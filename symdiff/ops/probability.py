"""Rows of SciPy's functions of probability: normal, logistic, entropies, losses.

Derivatives are those of the definitions in SciPy's documentation, and DLMF 7.10 for the
scaled error function. Also `np.sinc`, whose slope needs a series near 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import sympy

from ..graph import Elementwise
from .domains import POSITIVE, PROBABILITY, UNIT, Domain
from .elementwise import apply
from .functions import elementary
from .handle import Handle, handle_of
from .special import SPECIAL
from .table import FUNCTIONS

__all__ = ["LogNdtr", "Ndtr", "sinc"]


class Erfcx(Elementwise):
    """exp(x**2) * erfc(x)."""


class Ndtr(Elementwise):
    """The normal distribution function."""


class LogNdtr(Elementwise):
    """The logarithm of the normal distribution function."""


class Ndtri(Elementwise):
    """The normal distribution's quantile."""


class Logit(Elementwise):
    """log(x / (1 - x))."""


class LogExpit(Elementwise):
    """log(1 / (1 + exp(-x)))."""


class Entr(Elementwise):
    """-x * log(x), 0 at 0."""


class RelEntr(Elementwise):
    """x * log(x / y), 0 at x == 0."""


class KlDiv(Elementwise):
    """x * log(x / y) - x + y."""


class XLog1py(Elementwise):
    """x * log(1 + y), 0 where x is 0."""


class Sinc(Elementwise):
    """sin(pi * x) / (pi * x), 1 at 0."""


# The normal distribution.

_DENSITY = 1 / math.sqrt(2 * math.pi)

SPECIAL |= {
    "erfinv": elementary(sympy.erfinv, "scipy.special.erfinv", domain=[UNIT]),
    "erfcinv": elementary(
        sympy.erfcinv, "scipy.special.erfcinv", domain=[Domain(0, 2, 1)]
    ),
    "erfcx": elementary(
        Erfcx,
        "scipy.special.erfcx",
        vjp=(lambda g, y, x: g * (2 * x * y - 2 / math.sqrt(math.pi)),),
        sympy=lambda x: sympy.exp(x**2) * sympy.erfc(x),
    ),
    "ndtr": elementary(
        Ndtr,
        "scipy.special.ndtr",
        vjp=(lambda g, y, x: g * _DENSITY * np.exp(-0.5 * x**2),),
        sympy=lambda x: (1 + sympy.erf(x / sympy.sqrt(2))) / 2,
    ),
    # The density over the distribution, without 0 / 0 far below 0.
    "log_ndtr": elementary(
        LogNdtr,
        "scipy.special.log_ndtr",
        vjp=(
            lambda g, y, x: g
            * math.sqrt(2 / math.pi)
            / apply(Erfcx, -x * math.sqrt(0.5)),
        ),
        sympy=lambda x: sympy.log((1 + sympy.erf(x / sympy.sqrt(2))) / 2),
    ),
    "ndtri": elementary(
        Ndtri,
        "scipy.special.ndtri",
        vjp=(lambda g, y, x: g * np.exp(0.5 * y**2) / _DENSITY,),
        domain=[PROBABILITY],
    ),
}


# Logistic functions and entropies.


def softplus(x: Any) -> Any:
    """Return log(1 + exp(x))."""
    return np.logaddexp(0, handle_of(x))


SPECIAL |= {
    "logit": elementary(
        Logit,
        "scipy.special.logit",
        vjp=(lambda g, y, x: g / (x * (1 - x)),),
        domain=[PROBABILITY],
        sympy=lambda x: sympy.log(x / (1 - x)),
    ),
    "log_expit": elementary(
        LogExpit,
        "scipy.special.log_expit",
        vjp=(lambda g, y, x: g * SPECIAL["expit"](-x),),
        sympy=lambda x: -sympy.log(1 + sympy.exp(-x)),
    ),
    "softplus": softplus,
    "entr": elementary(
        Entr,
        "scipy.special.entr",
        vjp=(lambda g, y, x: -(g * (np.log(x) + 1)),),
        domain=[POSITIVE],
        sympy=lambda x: -x * sympy.log(x),
    ),
    "rel_entr": elementary(
        RelEntr,
        "scipy.special.rel_entr",
        count=2,
        domain=(POSITIVE, POSITIVE),
        vjp=(
            lambda g, y, a, b: g * (np.log(a / b) + 1),
            lambda g, y, a, b: -(g * a / b),
        ),
        sympy=lambda a, b: a * sympy.log(a / b),
    ),
    "kl_div": elementary(
        KlDiv,
        "scipy.special.kl_div",
        count=2,
        domain=(POSITIVE, POSITIVE),
        vjp=(
            lambda g, y, a, b: g * np.log(a / b),
            lambda g, y, a, b: g * (1 - a / b),
        ),
        sympy=lambda a, b: a * sympy.log(a / b) - a + b,
    ),
    "xlog1py": elementary(
        XLog1py,
        "scipy.special.xlog1py",
        count=2,
        domain=(None, Domain(-1, math.inf, 0)),
        vjp=(
            lambda g, y, a, b: g * np.log1p(b),
            lambda g, y, a, b: g * a / (1 + b),
        ),
        sympy=lambda a, b: a * sympy.log(1 + b),
    ),
}


# Robust losses.


def huber(delta: Any, r: Any) -> Any:
    """Return r**2 / 2, but linear beyond delta."""
    delta, size = handle_of(delta), np.abs(handle_of(r))
    return np.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))


def pseudo_huber(delta: Any, r: Any) -> Any:
    """Return r**2 / 2, but softly linear beyond delta."""
    delta = handle_of(delta)
    return delta**2 * (np.sqrt(1 + (r / delta) ** 2) - 1)


SPECIAL |= {"huber": huber, "pseudo_huber": pseudo_huber}

# SciPy's own of NumPy's functions.
SPECIAL |= {name: FUNCTIONS[getattr(np, name)] for name in ("cbrt", "exp2", "expm1")}
SPECIAL["log1p"] = FUNCTIONS[np.log1p]


# The sine over its angle.


def _sinc_slope(g: Handle, y: Handle, x: Handle) -> Any:
    """(cos(pi x) - sinc(x)) / x; near 0, where that cancels, its series in pi x."""
    small = np.abs(x) < 0.1
    square = (math.pi * x) ** 2
    series = handle_of(1.0)
    for k in (4, 3, 2, 1):
        series = 1 - square * series / (2 * k * (2 * k + 3))
    near = -(math.pi**2) / 3 * x * series
    far = (np.cos(math.pi * x) - y) / np.where(small, 1, x)
    return g * np.where(small, near, far)


sinc = elementary(
    Sinc,
    "np.sinc",
    np.sinc,
    vjp=(_sinc_slope,),
    sympy=lambda x: sympy.sinc(sympy.pi * x),
)
