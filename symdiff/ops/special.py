"""Rows of functions from `scipy.special`: used only by losses that use them.

What SciPy does not hand on to handles (`logsumexp`, `softmax`, `log_softmax`) is
composed here, shifted by the largest element as SciPy does; `trace` leads the calls
here. SciPy need not be installed for the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from ..graph import Elementwise
from .domains import POSITIVE
from .elementwise import apply
from .functions import elementary
from .handle import Handle, handle_of
from .reductions import shifted

__all__ = ["SPECIAL"]


class expit(Elementwise):  # noqa: N801 - SciPy's name
    """1 / (1 + exp(-x))."""


class xlogy(Elementwise):  # noqa: N801 - SciPy's name
    """x * log(y), 0 where x is 0."""


def logsumexp(
    a: Any,
    axis: Any = None,
    b: Any = None,
    keepdims: bool = False,
    return_sign: bool = False,
) -> Any:
    """The logarithm of the sum of exponentials, each times b; also the sum's sign."""
    a = handle_of(a)
    if b is not None:
        # What b leaves out does not set the scale.
        a = np.where(handle_of(b) == 0, -np.inf, a)
    below, top = shifted(a, axis)
    scale: Any = np.squeeze(top, axis) if top.sizes and not keepdims else top
    terms = np.exp(below) if b is None else b * np.exp(below)
    total = np.sum(terms, axis=axis, keepdims=keepdims)
    if not return_sign:
        return np.log(total) + scale
    return np.log(np.abs(total)) + scale, np.sign(total)


def softmax(x: Any, axis: Any = None) -> Any:
    """Exponentials over their sum."""
    below, top = shifted(handle_of(x), axis)
    powers = np.exp(below)
    return powers / np.sum(powers, axis=axis, keepdims=bool(top.sizes))


def log_softmax(x: Any, axis: Any = None) -> Any:
    """The logarithm of the softmax."""
    below, top = shifted(handle_of(x), axis)
    total = np.sum(np.exp(below), axis=axis, keepdims=bool(top.sizes))
    return below - np.log(total)


def _xlogy_slope(g: Handle, y: Handle, a: Handle, b: Handle) -> Any:
    """The slope for b: a / b, which at a = b = 0 is 0 as it is beside it."""
    return g * a / np.where((a == 0) & (b == 0), 1, b)


# The functions of scipy.special by name, each with its function on handles.
SPECIAL: dict[str, Callable] = {
    "expit": elementary(
        expit,
        "scipy.special.expit",
        vjp=(lambda g, y, x: g * y * apply(expit, -x),),
        sympy=lambda x: 1 / (1 + sympy.exp(-x)),
    ),
    "erf": elementary(sympy.erf, "scipy.special.erf"),
    "erfc": elementary(sympy.erfc, "scipy.special.erfc"),
    "xlogy": elementary(
        xlogy,
        "scipy.special.xlogy",
        count=2,
        vjp=(lambda g, y, a, b: g * np.log(b), _xlogy_slope),
        domain=(None, POSITIVE),
        sympy=lambda a, b: a * sympy.log(b),
    ),
    "logsumexp": logsumexp,
    "softmax": softmax,
    "log_softmax": log_softmax,
}
