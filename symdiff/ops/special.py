"""Rows of functions from `scipy.special`: used only by losses that use them.

What SciPy does not hand on to handles (`logsumexp`, `softmax`, `log_softmax`) is composed here, shifted by
the largest element as SciPy does; `trace` leads the calls here. SciPy need not be installed for the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer, call
from ..graph import Elementwise
from .elementwise import apply, float_rule, function_rules
from .handle import Handle, handle_of
from .reductions import shifted
from .table import row

__all__ = ["SPECIAL"]


class expit(Elementwise):  # noqa: N801 - SciPy's name
    """1 / (1 + exp(-x))."""


class xlogy(Elementwise):  # noqa: N801 - SciPy's name
    """x * log(y), 0 where x is 0."""


def _special(cls: type, name: str, count: int, **facts: Any) -> Callable:
    facts.setdefault("vjp", function_rules(cls, count))

    def write(writer: Writer, node: Any, *operands: Code) -> Code:
        code = call(writer.function(f"scipy.special.{name}"), *operands)
        weak = writer.nodes.dtype(node) == "float"
        return Code(f"{code.text}.item()") if weak else code

    row(cls, kind="transcendental", shape=float_rule, write=write, **facts)
    return lambda *x: apply(cls, *x)


def logsumexp(
    a: Any, axis: Any = None, b: None = None, keepdims: bool = False
) -> Handle:
    below, top = shifted(handle_of(a), axis)
    total = np.log(np.sum(np.exp(below), axis=axis, keepdims=True)) + top  # type: ignore[call-overload]
    if keepdims:
        return total
    axes = tuple(range(below.ndim)) if axis is None else axis
    return np.squeeze(total, axis=axes)


def softmax(x: Any, axis: Any = None) -> Handle:
    below, _ = shifted(handle_of(x), axis)
    powers = np.exp(below)
    return powers / np.sum(powers, axis=axis, keepdims=True)


def log_softmax(x: Any, axis: Any = None) -> Handle:
    below, _ = shifted(handle_of(x), axis)
    return below - np.log(np.sum(np.exp(below), axis=axis, keepdims=True))  # type: ignore[call-overload]


# The functions of scipy.special by name, each with its function on handles.
SPECIAL: dict[str, Callable] = {
    "expit": _special(
        expit,
        "expit",
        1,
        vjp=(lambda g, y, x: g * y * apply(expit, -x),),
        sympy=lambda x: 1 / (1 + sympy.exp(-x)),
    ),
    "erf": _special(sympy.erf, "erf", 1),
    "erfc": _special(sympy.erfc, "erfc", 1),
    "gammaln": _special(sympy.loggamma, "gammaln", 1),
    "xlogy": _special(
        xlogy,
        "xlogy",
        2,
        vjp=(lambda g, y, a, b: g * np.log(b), lambda g, y, a, b: g * a / b),
        sympy=lambda a, b: a * sympy.log(b),
    ),
    "logsumexp": logsumexp,
    "softmax": softmax,
    "log_softmax": log_softmax,
}
