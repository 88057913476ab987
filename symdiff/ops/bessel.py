"""Rows of SciPy's Bessel functions of real order, and of Lambert's W.

The derivatives are those of the NIST Handbook (DLMF): 10.6.1 for J and Y, 10.29.1 for I
and K, 4.13.4 for W. Refused: the derivative for the order.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer, call
from ..errors import UnsupportedError
from ..graph import ArrayNode, Elementwise, Nodes, number_of
from .elementwise import apply, cast, dtype_of, float_rule
from .handle import Handle, handle_of
from .special import SPECIAL
from .table import reached_by, row

__all__ = ["bessel"]


class IScaled(Elementwise):
    """exp(-|x|) times the modified Bessel function of the first kind."""


class KScaled(Elementwise):
    """exp(x) times the modified Bessel function of the second kind."""


def bessel(cls: type, order: Any, x: Any) -> Handle:
    """Return a Bessel function of an order."""
    return apply(cls, order, x, least="float16")


def _neighbour(cls: type, order: Handle, step: int, x: Handle) -> Handle:
    known = number_of(order.node)
    return bessel(cls, order + step if known is None else known + step, x)


def _slope(cls: type, lower: int, upper: int, scaled: Callable | None) -> Callable:
    """Return the rule: half of the orders below and above, each with a sign."""

    def vjp(
        g: Handle, y: Handle, operands: tuple[Handle, ...], needed: tuple[bool, ...]
    ) -> tuple:
        order, x = operands
        if needed[0]:
            raise UnsupportedError(
                "the derivative of a Bessel function for its order is not supported",
                remedy="Bake the order in with static=.",
            )
        above = _neighbour(cls, order, 1, x)
        if number_of(order.node) == 0:
            # Those of the orders 1 and -1 are one but for the sign.
            slope = upper * above
        else:
            slope = (lower * _neighbour(cls, order, -1, x) + upper * above) / 2
        return None, g * (slope if scaled is None else slope + scaled(y, x))

    return vjp


def _writing(general: str, special: tuple[str, ...]) -> Callable[..., Code]:
    """Return the writing: by the function of order 0 or 1 where there is one."""

    def write(writer: Writer, node: Any, order: Code, x: Code) -> Code:
        known = number_of(writer.nodes[node].operands[0])
        if known is not None and known in range(len(special)):
            made = call(writer.function(f"scipy.special.{special[int(known)]}"), x)
        else:
            made = call(writer.function(f"scipy.special.{general}"), order, x)
        weak = writer.nodes.dtype(node) == "float"
        return Code(f"{made.text}.item()") if weak else made

    return write


for _cls, _general, _special, _lower, _upper, _scaled in (
    (sympy.besselj, "jv", ("j0", "j1"), 1, -1, None),
    (sympy.bessely, "yv", ("y0", "y1"), 1, -1, None),
    (sympy.besseli, "iv", ("i0", "i1"), 1, 1, None),
    (sympy.besselk, "kv", ("k0", "k1"), -1, -1, None),
    (IScaled, "ive", ("i0e", "i1e"), 1, 1, lambda y, x: -np.sign(x) * y),
    (KScaled, "kve", ("k0e", "k1e"), -1, -1, lambda y, x: y),
):
    row(
        _cls,
        kind="transcendental",
        shape=float_rule,
        write=_writing(_general, _special),
        vjp=_slope(_cls, _lower, _upper, _scaled),
    )
    SPECIAL[_general] = lambda v, z, cls=_cls: bessel(cls, v, z)
    for _order, _name in enumerate(_special):
        SPECIAL[_name] = lambda x, cls=_cls, order=_order: bessel(cls, order, x)

SPECIAL |= {
    "jn": SPECIAL["jv"],
    "kn": SPECIAL["kv"],
    "yn": SPECIAL["yv"],
}
reached_by(np.i0)(lambda x: bessel(sympy.besseli, 0, x))


# Lambert's W.


class Lambert(ArrayNode):
    """The real w with w * exp(w) = x; params: the branch, 0 or -1."""


def _lambert_shape(nodes: Nodes, x: sympy.Expr, branch: int) -> tuple:
    return float_rule(nodes, x)


def _write_lambert(writer: Writer, node: Any, x: Code) -> Code:
    (branch,) = node.params
    inside = [str(branch)] if branch else []
    complex_ = call(writer.function("scipy.special.lambertw"), x, *inside)
    made = call(writer.function("np.real"), complex_)
    dtype = writer.nodes.dtype(node)
    if dtype == "float":
        return Code(f"{made.text}.item()")
    if dtype == "float32":
        return Code(f"{made.text}.astype({writer.function('np.float32')})")
    return made


def _lambert_vjp(g: Handle, y: Handle, x: Handle) -> Any:
    """exp(-y) / (1 + y), but NaN where W is not real."""
    (branch,) = y.node.params
    complex_ = x < -1 / math.e
    complex_ = complex_ | (x >= 0) if branch else complex_
    return g * np.exp(-y) / np.where(complex_, np.nan, 1 + y)


row(
    Lambert,
    kind="transcendental",
    shape=_lambert_shape,
    write=_write_lambert,
    vjp=(_lambert_vjp,),
    sympy=sympy.LambertW,
)


def lambertw(z: Any, k: Any = 0) -> Handle:
    """Return the real part of Lambert's W, of its branch 0 or -1."""
    branch = operator.index(k)
    if branch not in (0, -1):
        raise UnsupportedError(f"lambertw: the branch {branch} is not real")
    z = handle_of(z)
    z = z if dtype_of(z) != "int64" else cast(z, z.nodes.float_dtype)
    return Handle(z.nodes, z.nodes.make(Lambert, z.node, params=(branch,)))


SPECIAL["lambertw"] = lambertw
