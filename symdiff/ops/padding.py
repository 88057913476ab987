"""The row of padding: an array between added elements.

Modes constant, edge, reflect, symmetric and wrap, of axes however short. Refused: other
modes, odd reflection, constants that differ from side to side.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy

from ..code import Code, Writer, call, tuple_of
from ..errors import ShapeError, UnsupportedError
from ..graph import ArrayNode, Nodes
from ..shapes import Shape, Size, axis_of, size
from .elementwise import dtype_of
from .handle import Handle, handle_of
from .indexing import IndexAdd
from .keys import read
from .layout import broadcast_to
from .making import arange
from .moving import made
from .splitting import along
from .table import reached_by, row

__all__ = ["Pad", "padded"]

MODES = ("constant", "edge", "reflect", "symmetric", "wrap")

# How wide an axis is padded: in front, behind.
Width = tuple[Size, Size]


class Pad(ArrayNode):
    """x between added elements; params: the widths, the mode, the constant."""


def _pad_shape(
    nodes: Nodes, x: sympy.Expr, widths: tuple[Width, ...], mode: str, value: float
) -> tuple[Shape, str]:
    pairs = zip(nodes.shape(x), widths, strict=True)
    return tuple(size(one + sum(width)) for one, width in pairs), nodes.dtype(x)


def _write_pad(writer: Writer, node: Any, x: Code) -> Code:
    widths, mode, value = node.params
    options = [f'mode="{mode}"'] if mode != "constant" else []
    if value:
        options.append(f"constant_values={writer.number(value).text}")
    text = _width_text(writer, widths)
    return call(writer.function("np.pad"), x, text, *options)


def _width_text(writer: Writer, widths: tuple[Width, ...]) -> str:
    if len({one for width in widths for one in width}) == 1:
        return writer.size(widths[0][0]).text
    if len(set(widths)) == 1:
        return writer.shape(widths[0])
    return tuple_of(writer.shape(width) for width in widths)


def _pad_vjp(g: Handle, y: Handle, x: Handle) -> Handle:
    """What stands in the middle, and what was read into the padding added back."""
    widths, mode, _ = y.node.params
    for axis, (width, length) in enumerate(zip(widths, x.sizes, strict=True)):
        if mode == "constant":
            g = g[along(axis, slice(width[0], size(width[0] + length)))]
        elif any(width):
            g = _folded(g, axis, width, length, mode)
    return g


def _folded(g: Handle, axis: int, width: Width, length: Size, mode: str) -> Handle:
    """Return the cotangent with the padding of one axis added to where it was read."""
    front, back = width
    stop = size(front + length)
    parts = [(slice(None), g[along(axis, slice(front, stop))])]
    for place, end in zip(
        _places(length, width, mode), (slice(0, front), slice(stop, None)), strict=True
    ):
        part = g[along(axis, end)]
        if mode == "edge":
            part = np.sum(part, axis=axis, keepdims=True)
        parts.append((place, part))
    shape = (*g.sizes[:axis], length, *g.sizes[axis + 1 :])
    used = zip((True, *width), parts, strict=True)
    return _added(
        shape, [(along(axis, key), part) for some, (key, part) in used if some]
    )


def _places(length: Size, width: Width, mode: str) -> tuple[Any, Any]:
    """Return where the padding in front and that behind are read."""
    front, back = width
    if mode == "edge":
        return slice(0, 1), slice(-1, None)
    if isinstance(length, int) and max(width) < length:
        return {
            "reflect": (slice(front, 0, -1), slice(-2, -back - 2, -1)),
            "symmetric": (slice(front - 1, None, -1), slice(-1, -back - 1, -1)),
            "wrap": (slice(-front, None), slice(0, back)),
        }[mode]
    origins = made(Pad, arange(length), (width,), mode, 0)
    return origins[:front], origins[slice(size(front + length), None)]


def _added(shape: Shape, parts: list[tuple[tuple, Handle]]) -> Handle:
    """Return arrays added at keys into zeros of a shape."""
    nodes, keys, operands = parts[0][1].nodes, [], []
    whole = broadcast_to(0.0, shape)
    for key, part in parts:
        entries, arrays = read(whole, key)
        keys.append(entries)
        operands += [part.node, *(one.node for one in arrays)]
    params = (shape, tuple(keys), dtype_of(parts[0][1]))
    return Handle(nodes, nodes.make(IndexAdd, *operands, params=params))


row(Pad, kind="array", shape=_pad_shape, write=_write_pad, vjp=(_pad_vjp,))


def padded(x: Handle, widths: tuple[Width, ...]) -> Handle:
    """Return x between zeros; x itself where all widths are 0."""
    idle = all(one == 0 for width in widths for one in width)
    return x if idle else made(Pad, x, widths, "constant", 0)


@reached_by(np.pad)
def pad(
    array: Any,
    pad_width: Any,
    mode: str = "constant",
    *,
    constant_values: Any = 0,
    reflect_type: str = "even",
) -> Handle:
    """The array between added elements: a constant, or its own again."""
    x = handle_of(array)
    if mode not in MODES or reflect_type != "even":
        raise UnsupportedError(
            f"np.pad with mode {mode!r} and reflect_type {reflect_type!r}",
            remedy=f"Supported modes: {', '.join(MODES)}; even reflection.",
        )
    values = set(np.ravel(np.asarray(constant_values)).tolist())
    if len(values) != 1:
        raise UnsupportedError("np.pad with constants that differ from side to side")
    if not x.sizes:
        return x
    return made(Pad, x, _widths(pad_width, x.ndim), mode, values.pop())


def _widths(pad_width: Any, rank: int) -> tuple[Width, ...]:
    if isinstance(pad_width, Mapping):
        by_axis = {axis_of(axis, rank): one for axis, one in pad_width.items()}
        rows = [by_axis.get(axis, 0) for axis in range(rank)]
        return tuple(_widths(one, 1)[0] for one in rows)
    given = np.asarray(pad_width)
    try:
        pairs = np.broadcast_to(given, (rank, 2))
    except ValueError:
        raise ShapeError(f"np.pad: widths {pad_width} for {rank} axes") from None
    if given.dtype.kind not in "iu" or (given < 0).any():
        raise ShapeError(f"np.pad: widths must be whole and not negative: {pad_width}")
    return tuple((int(front), int(back)) for front, back in pairs)
