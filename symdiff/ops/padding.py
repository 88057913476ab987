"""The row of padding: an array between added elements.

Modes constant, edge, reflect, symmetric and wrap are the row's, of axes however short;
ramps, statistics and constants that differ from side to side are joined to the array,
axis by axis. Refused: other modes, odd reflection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from .joining import concatenate
from .keys import read
from .layout import broadcast_to
from .making import arange, linspace
from .moving import flip, made
from .splitting import along
from .table import reached_by, row

__all__ = ["Pad", "padded"]

MODES = ("constant", "edge", "reflect", "symmetric", "wrap")

STATISTICS: Mapping[str, Callable] = {
    "maximum": np.max,
    "mean": np.mean,
    "median": np.median,
    "minimum": np.min,
}

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
    end_values: Any = 0,
    stat_length: Any = None,
    reflect_type: str = "even",
) -> Handle:
    """The array between added elements: numbers, or made of its own."""
    x = handle_of(array)
    supported = (*MODES, "linear_ramp", *STATISTICS)
    if mode not in supported or reflect_type != "even":
        raise UnsupportedError(
            f"np.pad with mode {mode!r} and reflect_type {reflect_type!r}",
            remedy=f"Supported modes: {', '.join(supported)}; even reflection.",
        )
    if not x.sizes:
        return x
    widths = _widths(pad_width, x.ndim)
    if mode in STATISTICS:
        return _joined(x, widths, stat_length, _statistic(mode))
    if mode == "linear_ramp":
        return _joined(x, widths, end_values, _ramp)
    values = set(np.ravel(np.asarray(constant_values)).tolist())
    if len(values) > 1:
        return _joined(x, widths, constant_values, _constant)
    return made(Pad, x, widths, mode, values.pop())


def _joined(
    x: Handle, widths: tuple[Width, ...], options: Any, beside: Callable
) -> Handle:
    """Return x between what `beside` makes for each side: of the array so far, the
    axis, the side (0 in front, 1 behind), its width and its option.
    """
    each = np.broadcast_to(np.asarray(options), (x.ndim, 2)).tolist()
    for axis, (width, option) in enumerate(zip(widths, each, strict=True)):
        front, back = (
            [beside(x, axis, side, width[side], option[side])] if width[side] else []
            for side in (0, 1)
        )
        x = concatenate([*front, x, *back], axis)
    return x


def _filled(x: Handle, value: Any, axis: int, width: Size) -> Handle:
    return broadcast_to(value, (*x.sizes[:axis], width, *x.sizes[axis + 1 :]))


def _constant(x: Handle, axis: int, side: int, width: Size, value: float) -> Handle:
    return _filled(x, value, axis, width)


def _ramp(x: Handle, axis: int, side: int, width: Size, end: float) -> Handle:
    edge = x[along(axis, -1 if side else 0)]
    ramp = linspace(end, edge, width, endpoint=False, axis=axis)
    return flip(ramp, axis) if side else ramp


def _statistic(mode: str) -> Callable:
    """Return what makes a statistic of the elements next to a side."""

    def beside(x: Handle, axis: int, side: int, width: Size, length: Any) -> Handle:
        near = slice(-length, None) if side and length else slice(length)
        value = STATISTICS[mode](x[along(axis, near)], axis=axis, keepdims=True)
        return _filled(x, value, axis, width)

    return beside


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
