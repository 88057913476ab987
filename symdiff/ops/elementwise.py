"""Elementwise nodes: their shapes and dtypes, how they are made, and changes of dtype.

Integers and bools that meet real numbers are cast to the dtype of those: a float32
computation stays one where NumPy would go on in float64, a function of bools does not
compute in float16. Casts to float16 and complex numbers are refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import sympy

from ..code import Code, Level, Writer, wrap
from ..errors import UnsupportedError
from ..graph import ArrayNode, Nodes
from ..shapes import broadcast, is_floating, is_weak, promote
from .handle import Handle, active_nodes, handle_of
from .table import reached_by, row

__all__ = [
    "Cast",
    "StopGradient",
    "apply",
    "bool_rule",
    "cast",
    "converted",
    "dtype_of",
    "float_rule",
    "same_rule",
    "stop_gradient",
]


# Shape rules.


def same_rule(nodes: Nodes, *operands: sympy.Expr) -> tuple:
    """Broadcast shapes and promoted dtype: arithmetic."""
    shape = broadcast([nodes.shape(one) for one in operands], nodes.same_size)
    return shape, promote([nodes.dtype(one) for one in operands], nodes.float_dtype)


def float_rule(nodes: Nodes, *operands: sympy.Expr) -> tuple:
    """Broadcast shapes and a real dtype: functions such as exp."""
    shape, dtype = same_rule(nodes, *operands)
    if not is_floating(dtype):
        dtype = "float" if dtype == "int" else nodes.float_dtype
    return shape, dtype


def bool_rule(nodes: Nodes, *operands: sympy.Expr) -> tuple:
    """Broadcast shapes and dtype bool: comparisons."""
    return same_rule(nodes, *operands)[0], "bool"


# Making nodes.


def apply(cls: type, *values: Any, least: str | None = None) -> Handle:
    """Return the elementwise node of a class over arrays, sizes and numbers.

    `least` is the dtype below which NumPy does not compute it.
    """
    nodes = active_nodes()
    operands = [handle_of(value).node for value in values]
    node = nodes.make(cls, *operands)
    changed = converted(nodes, operands, nodes.dtype(node), least)
    return Handle(nodes, nodes.make(cls, *changed) if changed != operands else node)


def converted(
    nodes: Nodes, operands: list[sympy.Expr], dtype: str, least: str | None = None
) -> list[sympy.Expr]:
    """Return the operands, cast where NumPy would compute in another dtype."""
    if not is_floating(dtype) or is_weak(dtype):
        return operands
    whole, dtypes = ("bool", "int64"), [nodes.dtype(one) for one in operands]
    if not any(one in whole for one in dtypes):
        return operands
    bools = least is not None and "bool" in dtypes
    if not bools and _numpy_dtype(dtypes, least) == dtype:
        return operands
    return [
        nodes.make(Cast, one, params=(dtype,)) if nodes.dtype(one) in whole else one
        for one in operands
    ]


def _numpy_dtype(dtypes: Iterable[str], least: str | None) -> str:
    """Return the dtype in which NumPy computes; Python's numbers bend to arrays."""
    kinds = set(dtypes)
    arrays = [np.dtype(one) for one in kinds if not is_weak(one)]
    best = np.result_type(*arrays, *([0.0] if "float" in kinds and not least else []))
    return (np.result_type(best, least) if least and best.kind != "f" else best).name


# Changes of dtype.


class Cast(ArrayNode):
    """x in another dtype."""


class StopGradient(ArrayNode):
    """x, taken for constant by the derivative."""


def dtype_of(x: Handle) -> str:
    """Return a handle's dtype as the graph names it."""
    return x.nodes.dtype(x.node)


def cast(x: Any, dtype: str) -> Handle:
    """Return x in another dtype; x itself where it has it or bends to it."""
    x = handle_of(x)
    if dtype_of(x) == dtype or (dtype_of(x) == "float" and is_floating(dtype)):
        return x
    return Handle(x.nodes, x.nodes.make(Cast, x.node, params=(dtype,)))


def stop_gradient(x: Handle) -> Handle:
    """Return x, taken for constant by the derivative."""
    return Handle(x.nodes, x.nodes.make(StopGradient, x.node))


def _write_cast(writer: Writer, node: Any, x: Code) -> Code:
    dtype = writer.function(f"np.{node.params[0]}")
    if is_weak(writer.nodes.dtype(writer.nodes[node].operands[0])):
        return Code(f"{dtype}({x.text})")
    return Code(f"{wrap(x, Level.ATOM)}.astype({dtype})")


row(
    Cast,
    kind="elementwise",
    shape=lambda nodes, x, dtype: (nodes.shape(x), dtype),
    write=_write_cast,
    vjp=(lambda g, y, x: cast(g, dtype_of(x)),),
    latex="{0}",
    sympy=lambda x: x,
)
row(
    StopGradient,
    kind="view",
    shape=lambda nodes, x: (nodes.shape(x), nodes.dtype(x)),
    write=lambda writer, node, x: x,
    latex="{0}",
    sympy=lambda x: x,
    inline=True,
)


@reached_by(method="astype")
def astype(x: Handle, dtype: Any, *, copy: bool = True) -> Handle:
    """Reals of Python's and of double precision mean the compile's own dtype."""
    name = np.dtype(dtype).name
    if name == "float32":
        return cast(x, name)
    known = {"float64": x.nodes.float_dtype, "bool": "bool"}
    kind = "int64" if np.dtype(dtype).kind in "iu" else known.get(name)
    if kind is None:
        raise UnsupportedError(f"arrays of dtype {name} are not supported")
    return cast(x, kind)
