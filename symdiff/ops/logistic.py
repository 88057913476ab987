"""Rows of the logistic function and its kin, in the form that is accurate everywhere.

All are computed from the decay of x, exp(-|x|), which never overflows, and keep it for
their derivatives: no other exponential is taken, neither forward nor backward.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from ..code import Code, Level, Writer, call, infix, wrap
from ..graph import Elementwise
from .arithmetic import is_negative
from .elementwise import apply, float_rule
from .handle import Handle
from .table import row

__all__ = [
    "BinaryCrossEntropy",
    "Sigmoid",
    "SigmoidByTanh",
    "Softplus",
    "binary_cross_entropy",
    "sigmoid",
    "sigmoid_by_tanh",
    "softplus",
]


class Sigmoid(Elementwise):
    """1 / (1 + exp(-x)); operands: x, its decay, and 1 + decay for both passes."""


class SigmoidByTanh(Elementwise):
    """1 / (1 + exp(-x)), computed as (1 + tanh(x / 2)) / 2."""


class Softplus(Elementwise):
    """log(1 + exp(x)); operands: x and its decay."""


class BinaryCrossEntropy(Elementwise):
    """log(1 + exp(x)) - x * y; operands: x, y and x's decay."""


# On handles.


def sigmoid(x: Handle) -> Handle:
    """Return 1 / (1 + exp(-x))."""
    return _sigmoid(x, _decay(x))


def sigmoid_by_tanh(x: Handle) -> Handle:
    """Return 1 / (1 + exp(-x)), of whose small values the last digits are lost."""
    return apply(SigmoidByTanh, x)


def softplus(x: Handle) -> Handle:
    """Return log(1 + exp(x))."""
    return apply(Softplus, x, _decay(x))


def binary_cross_entropy(x: Handle, y: Handle) -> Handle:
    """Return log(1 + exp(x)) - x * y."""
    return apply(BinaryCrossEntropy, x, y, _decay(x))


def _sigmoid(x: Handle, decay: Any) -> Handle:
    return apply(Sigmoid, x, decay, 1 + decay)


def _decay(x: Handle) -> Any:
    """Return exp(-|x|), that of x for -x."""
    if is_negative(x.node):
        x = Handle(x.nodes, x.nodes[x.node].operands[1])
    return np.exp(-np.abs(x))


# Rows.


def _write_sigmoid(
    writer: Writer, node: Any, x: Code, decay: Code, below: Code
) -> Code:
    # The larger of the decay and 1 or 0: several times faster than a choice.
    if x.negated is not None:
        test = f"{wrap(x.negated, Level.COMPARISON + 1)} <= 0"
    else:
        test = f"{wrap(x, Level.COMPARISON + 1)} >= 0"
    above = call(writer.function("np.maximum"), decay, test)
    return infix(above, "/", below, Level.PRODUCT)


def _write_by_tanh(writer: Writer, node: Any, x: Code) -> Code:
    half = infix(Code("0.5"), "*", x, Level.PRODUCT)
    slope = call(writer.function("np.tanh"), half)
    scaled = infix(Code("0.5"), "*", slope, Level.PRODUCT)
    return infix(Code("0.5"), "+", scaled, Level.SUM)


def _hinge(writer: Writer, x: Code) -> Code:
    return call(writer.function("np.maximum"), x, "0")


def _write_softplus(writer: Writer, node: Any, x: Code, decay: Code) -> Code:
    rest = call(writer.function("np.log1p"), decay)
    return infix(_hinge(writer, x), "+", rest, Level.SUM)


def _write_cross_entropy(
    writer: Writer, node: Any, x: Code, y: Code, decay: Code
) -> Code:
    linear = infix(x, "*", y, Level.PRODUCT)
    rest = call(writer.function("np.log1p"), decay)
    return infix(infix(_hinge(writer, x), "-", linear, Level.SUM), "+", rest, Level.SUM)


row(
    Sigmoid,
    kind="elementwise",
    shape=float_rule,
    write=_write_sigmoid,
    vjp=(lambda g, y, x, decay, below: g * decay / below**2, None, None),
    sympy=lambda x, decay, below: 1 / (1 + sympy.exp(-x)),
)
row(
    SigmoidByTanh,
    kind="transcendental",
    shape=float_rule,
    write=_write_by_tanh,
    vjp=(lambda g, y, x: g * (y - y**2),),
    sympy=lambda x: (1 + sympy.tanh(x / 2)) / 2,
)
row(
    Softplus,
    kind="transcendental",
    shape=float_rule,
    write=_write_softplus,
    vjp=(lambda g, y, x, decay: g * _sigmoid(x, decay), None),
    sympy=lambda x, decay: sympy.log(1 + sympy.exp(x)),
)
row(
    BinaryCrossEntropy,
    kind="transcendental",
    shape=float_rule,
    write=_write_cross_entropy,
    vjp=(
        lambda g, y, x, t, decay: g * (_sigmoid(x, decay) - t),
        lambda g, y, x, t, decay: -(g * x),
        None,
    ),
    sympy=lambda x, t, decay: sympy.log(1 + sympy.exp(x)) - x * t,
)
