"""Rows of arrays that are made and not computed: zeros, full, eye, arange, triangles.

While a loss is traced these functions of NumPy give handles, so that their sizes may be
unknown and a handle may index them: see `rebinding`. Refused: `arange` over real
numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer, call
from ..errors import UnsupportedError
from ..graph import ArrayConstant, ArrayNode, Nodes
from ..shapes import Size, size, strong
from .elementwise import dtype_of
from .handle import Handle, active_nodes, handle_of, size_of
from .layout import expand_dims, full_like_shape, moveaxis, reshape, shape_of
from .table import reached_by, row

__all__ = ["Arange", "Eye", "MAKERS", "Tri"]


class Arange(ArrayNode):
    """start, start + step, ... below stop; params: start, stop, step, dtype."""


class Eye(ArrayNode):
    """Ones on a diagonal; params: rows, columns, which diagonal, dtype."""


class Tri(ArrayNode):
    """Ones at and below a diagonal; params: rows, columns, which diagonal, dtype."""


def _arange_shape(
    nodes: Nodes, start: Size, stop: Size, step: int, dtype: str
) -> tuple:
    length = size(stop - start)
    if step != 1:
        length = size(-((-sympy.sympify(length)) // sympy.Integer(step)))
    return (length,), dtype


def _write_arange(writer: Writer, node: Any) -> Code:
    start, stop, step, dtype = node.params
    bounds = (
        [start, stop, step] if step != 1 else [start, stop] if start != 0 else [stop]
    )
    texts = [writer.size(one).text for one in bounds]
    if dtype != "int64":
        texts.append(f"dtype={writer.function(f'np.{dtype}')}")
    return call(writer.function("np.arange"), *texts)


def _write_matrix(name: str) -> Any:
    def write(writer: Writer, node: Any) -> Code:
        rows, columns, diagonal, dtype = node.params
        texts = [writer.size(rows).text]
        if columns != rows:
            texts.append(writer.size(columns).text)
        if diagonal:
            texts.append(f"k={diagonal}")
        if dtype != "float64":
            texts.append(f"dtype={writer.function(f'np.{dtype}')}")
        return call(writer.function(name), *texts)

    return write


def _no_expression(writer: Writer, node: Any) -> Code:
    raise TypeError("a constant array is written at the top of the module")


row(
    ArrayConstant,
    kind="array",
    shape=lambda nodes, dtype, shape, data: (shape, dtype),
    write=_no_expression,
)
row(Arange, kind="array", shape=_arange_shape, write=_write_arange)
for _cls, _name in ((Eye, "np.eye"), (Tri, "np.tri")):
    row(
        _cls,
        kind="array",
        shape=lambda nodes, rows, columns, diagonal, dtype: ((rows, columns), dtype),
        write=_write_matrix(_name),
    )


def _dtype(dtype: Any, default: str) -> str:
    """Return the graph's dtype for what a user asks for: its reals all have one."""
    if dtype is None:
        return default
    kind = np.dtype(dtype).kind
    if kind == "f":
        return active_nodes().float_dtype
    if kind in "iu":
        return "int64"
    if kind == "b":
        return "bool"
    raise UnsupportedError(f"arrays of dtype {np.dtype(dtype).name} are not supported")


def _filled(shape: Any, value: Any, dtype: str) -> Handle:
    return full_like_shape(handle_of(value), shape_of(shape), dtype)


@reached_by(np.zeros, np.empty)
def zeros(shape: Any, dtype: Any = None) -> Handle:
    """Zeros in a shape."""
    return _filled(shape, 0, _dtype(dtype, active_nodes().float_dtype))


@reached_by(np.ones)
def ones(shape: Any, dtype: Any = None) -> Handle:
    """Ones in a shape."""
    return _filled(shape, 1, _dtype(dtype, active_nodes().float_dtype))


@reached_by(np.full)
def full(shape: Any, fill_value: Any, dtype: Any = None) -> Handle:
    """One value in a shape."""
    value = handle_of(fill_value)
    return _filled(shape, value, _dtype(dtype, value.nodes.dtype(value.node)))


@reached_by(np.eye)
def eye(N: Any, M: Any = None, k: int = 0, dtype: Any = float) -> Handle:
    """Ones on a diagonal."""
    return _matrix(Eye, N, M, k, dtype)


@reached_by(np.identity)
def identity(n: Any, dtype: Any = None) -> Handle:
    """Ones on the diagonal of a square."""
    return _matrix(Eye, n, None, 0, dtype)


@reached_by(np.tri)
def tri(N: Any, M: Any = None, k: int = 0, dtype: Any = float) -> Handle:
    """Ones at and below a diagonal."""
    return _matrix(Tri, N, M, k, dtype)


def _matrix(cls: type, rows: Any, columns: Any, diagonal: int, dtype: Any) -> Handle:
    nodes = active_nodes()
    first = size_of(rows)
    second = first if columns is None else size_of(columns)
    params = (first, second, diagonal, _dtype(dtype, nodes.float_dtype))
    return Handle(nodes, nodes.make(cls, params=params))


@reached_by(np.arange)
def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Handle:
    """Integers from a start to below a stop."""
    nodes = active_nodes()
    if stop is None:
        start, stop = 0, start
    if any(isinstance(one, float | np.floating) for one in (start, stop, step)):
        raise UnsupportedError(
            "np.arange over real numbers is not supported",
            remedy="Write np.arange(n) * step or np.linspace(start, stop, n).",
        )
    params = (size_of(start), size_of(stop), size_of(step), _dtype(dtype, "int64"))
    return Handle(nodes, nodes.make(Arange, params=params))


@reached_by(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    retstep: bool = False,
    *,
    axis: int = 0,
) -> Any:
    """Numbers, or arrays along an axis, from a start to a stop, equally far apart."""
    start, stop = handle_of(start), handle_of(stop)
    last = handle_of(num) - 1 if endpoint else handle_of(num)
    step: Any = (stop - start) / np.maximum(last, 1)
    places = expand_dims(arange(num), tuple(range(1, 1 + step.ndim)))
    result = moveaxis(start + places * step, 0, axis)
    return (result, step) if retstep else result


@reached_by(np.fromfunction)
def fromfunction(
    function: Any, shape: Any, *, dtype: Any = float, **kwargs: Any
) -> Any:
    """What a function makes of the places along each axis."""
    sizes = shape_of(shape)
    grids = []
    for axis, length in enumerate(sizes):
        places = arange(0, length, dtype=dtype)
        column = reshape(
            places, tuple(length if i == axis else 1 for i in range(len(sizes)))
        )
        grids.append(full_like_shape(column, sizes, dtype_of(places)))
    return function(*grids, **kwargs)


# NumPy's functions that make arrays, for which handles' protocols are never asked.
MAKERS = (
    np.zeros,
    np.empty,
    np.ones,
    np.full,
    np.eye,
    np.identity,
    np.tri,
    np.arange,
    np.linspace,
    np.fromfunction,
)


@reached_by(np.zeros_like, np.empty_like)
def zeros_like(a: Any, dtype: Any = None) -> Handle:
    """Zeros in an array's shape."""
    return full_like(a, 0, dtype)


@reached_by(np.ones_like)
def ones_like(a: Any, dtype: Any = None) -> Handle:
    """Ones in an array's shape."""
    return full_like(a, 1, dtype)


@reached_by(np.full_like)
def full_like(a: Any, fill_value: Any, dtype: Any = None) -> Handle:
    """One value in an array's shape and dtype."""
    a = handle_of(a)
    own = strong(dtype_of(a), a.nodes.float_dtype)
    return full_like_shape(handle_of(fill_value), a.sizes, _dtype(dtype, own))
